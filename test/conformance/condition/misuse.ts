// A Condition used without its lock, by another task, or with bad arguments; and what it says of itself.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { ClosedError, InvalidStateError } from 'multiproc'
import { hold } from '../../fixtures/conformance.ts'
import { type Told, waitAndTell } from '../../fixtures/conformance-condition.ts'
import { LIMIT, launch } from '../implementation.ts'
import { badWaits, refused } from '../refused.ts'
import type { Suite } from '../suite.ts'
import { turn, waiters, waitsFor } from './waits.ts'

export function misuse({ make, test }: Suite): void {
  test('Condition: wait and notify without the lock throw InvalidStateError', async t => {
    for (const kind of ['lock', 'rlock'] as const) {
      const condition = await make.condition(await make[kind]())
      const refused = async () => {
        await assert.rejects(condition.wait(), InvalidStateError)
        await assert.rejects(
          condition.waitFor(() => true),
          InvalidStateError,
        )
        for (const use of [
          () => condition.waitSync(),
          () => condition.waitForSync(() => true),
          () => condition.notify(),
          () => condition.notifyAll(),
        ]) {
          assert.throws(use, InvalidStateError)
        }
        assert.equal(make.waitersOf(condition), 0)
      }
      await refused()
      const [report, held] = [await make.queue<Told>(), await make.event()]
      launch(t, make, waitAndTell, condition, 'wait', report)
      await waiters(make, condition, 1)
      await condition.with(() => condition.notify())
      await report.get()
      launch(t, make, hold, condition, 'acquire', held)
      await held.wait({ timeout: LIMIT })
      await refused()
    }
  })

  test('Condition.waitFor() whose predicate closes it fails with ClosedError, and touches it no more', async () => {
    for (const kind of [undefined, 'lock', 'rlock'] as const) {
      for (const how of waitsFor) {
        const lock = kind && (await make[kind]())
        const condition = await make.condition(lock)
        await condition.acquire({ timeout: LIMIT })
        const asked = async () => condition[how](() => condition.close() as never, { timeout: LIMIT })
        await assert.rejects(asked(), ClosedError)
        assert.equal(lock?.locked() ?? false, false)
        lock?.close()
      }
    }
  })

  test('Condition: another task of the process than the one in with() may not wait nor notify nor release', async () => {
    const condition = await make.condition()
    let leave = () => {}
    const inside = condition.with(() => new Promise<void>(resolve => (leave = resolve)))
    await turn()
    await assert.rejects(condition.wait(), InvalidStateError)
    assert.throws(() => condition.notify(), InvalidStateError)
    assert.throws(() => condition.release(), InvalidStateError)
    leave()
    await inside
    assert.equal(condition.locked(), false)
  })

  test('Condition: bad arguments are refused at the call, and the lock is not given up', async () => {
    const condition = await make.condition()
    using _ = await condition.acquire()
    for (const [options, kind] of badWaits) {
      await assert.rejects(condition.wait(options), refused(kind))
      await assert.rejects(
        condition.waitFor(() => assert.fail('asked'), options),
        refused(kind),
      )
      assert.throws(() => condition.waitSync(options), refused(kind))
      assert.throws(() => condition.waitForSync(() => assert.fail('asked'), options), refused(kind))
    }
    await assert.rejects(condition.wait({ signal: 'now' } as any), TypeError)
    assert.throws(() => condition.waitSync({ signal: AbortSignal.abort() } as any), TypeError)
    for (const n of [0, -1, 1.5, NaN, Infinity]) assert.throws(() => condition.notify(n), RangeError)
    assert.throws(() => condition.notify('1' as any), TypeError)
    assert.equal(condition.holder, process.pid)
    assert.equal(make.waitersOf(condition), 0)
  })

  test('Condition of what is no lock, or a closed one, is refused', async () => {
    for (const lock of [null, 5, {}, await make.event(), () => {}]) {
      await assert.rejects(async () => make.condition(lock as any), { code: 'ERR_MULTIPROC_ARGUMENT_TYPE' })
    }
    const lock = await make.lock()
    lock.close()
    await assert.rejects(async () => make.condition(lock), ClosedError)
  })

  test('Condition: the text form names its lock, who holds it, and how many wait', async t => {
    const condition = await make.condition()
    assert.equal(inspect(condition), "Condition { lock: 'RLock', holder: null, waiting: 0 }")
    const report = await make.queue<Told>()
    launch(t, make, waitAndTell, condition, 'wait', report)
    await waiters(make, condition, 1)
    using _ = await condition.acquire()
    assert.equal(inspect(condition), `Condition { lock: 'RLock', holder: ${process.pid}, waiting: 1 }`)
    condition.notify()
    assert.equal(make.waitersOf(condition), 0)
  })
}
