// A Condition and its lock: several with one, on their way, and closed.
import assert from 'node:assert/strict'
import { ClosedError, type Condition } from 'multiproc'
import { call, type Outcome } from '../../fixtures/conformance.ts'
import { type Told, waitAndTell, waitInWhatComes } from '../../fixtures/conformance-condition.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'
import { OUTCOME, turn, waiters } from './waits.ts'

export function locks({ make, test }: Suite): void {
  test('Condition: several go with one lock, and are notified apart', async t => {
    for (const kind of ['lock', 'rlock'] as const) {
      const lock = await make[kind]()
      const [full, empty] = [await make.condition(lock), await make.condition(lock)]
      const third = await make.condition(full)
      const report = await make.queue<Told>()
      launch(t, make, waitAndTell, full, 'wait', report, 'full')
      launch(t, make, waitAndTell, empty, 'waitSync', report, 'empty')
      await waiters(make, full, 1)
      await waiters(make, empty, 1)
      await lock.with(async () => {
        assert.deepEqual([full.holder, empty.holder, third.holder], [process.pid, process.pid, process.pid])
        third.notify()
        empty.notify()
      })
      assert.equal((await report.get({ timeout: LIMIT })).name, 'empty')
      assert.equal(make.waitersOf(full), 1)
      await third.with(() => full.notify())
      assert.equal((await report.get({ timeout: LIMIT })).name, 'full')
    }
  })

  test('Condition on a lock: acquired by the one, it is the other’s as well, again and again', async () => {
    const lock = await make.rlock()
    const condition = await make.condition(lock)
    await lock.with(() => condition.with(() => lock.with(() => condition.notify())))
    using held = condition.acquireSync()
    using _ = lock.acquireSync()
    assert.equal(lock.tryAcquire() === null, false)
    lock.release()
    assert.equal(held.abandoned, false)
    _.release()
    held.release()
    assert.equal(lock.locked(), false)
  })

  test('Condition and its lock travel apart, anywhere in a message', async t => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    const [queue, report] = [await make.queue(), await make.queue<Told>()]
    const child = launch(t, make, waitInWhatComes, queue, report)
    await queue.put({ lock, inner: { condition } })
    await waiters(make, condition, 1)
    await lock.with(() => condition.notify())
    assert.deepEqual(await report.get(), { name: '', outcome: OUTCOME, holds: true, abandoned: [false, false] })
    assert.equal(await ended(child), 0)
  })

  test('Condition outlives the handle on its lock, and its maker’s own handle', async t => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    lock.close()
    await condition.with(() => condition.notify())
    const [queue, report] = [await make.queue(), await make.queue<Outcome>()]
    await queue.put(condition)
    condition.close()
    const again = (await queue.get()) as Condition
    assert.notEqual(again, condition)
    assert.deepEqual([again.locked(), again.closed], [false, false])
    launch(t, make, call, again, 'tryAcquire', [], report)
    assert.deepEqual(await report.get({ timeout: LIMIT }), { gave: { abandoned: false } })
    again.close()
  })

  test('Condition and a handle on its lock that comes back after it was closed are one lock to their holder', async () => {
    const [lock, queue] = [await make.rlock(), await make.queue()]
    const condition = await make.condition(lock)
    await queue.put(lock)
    lock.close()
    using _ = condition.acquireSync()
    const again = (await queue.get()) as typeof lock
    const twice = again.tryAcquire()
    assert.notEqual(twice, null)
    twice?.release()
    assert.equal(condition.locked(), true)
    again.close()
  })

  test('Condition.close() of a Condition on a given lock: its waits reject, holding the lock again; its holds end', async () => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    const asleepIn = lock.with(async () => {
      await assert.rejects(condition.wait(), ClosedError)
      assert.equal(lock.holder, process.pid)
    })
    await turn()
    assert.equal(lock.locked(), false)
    const held = await condition.acquire()
    const [waitsForLock, other] = [condition.acquire(), lock.acquire()]
    condition.close()
    await assert.rejects(waitsForLock, ClosedError)
    ;(await other).release()
    await asleepIn
    held.release()
    assert.equal(lock.locked(), false)
    lock.close()
  })

  test('Condition.close(): what waits rejects with ClosedError, and every use of it throws at once', async () => {
    const condition = await make.condition()
    const waiting = [condition.with(() => condition.wait()), condition.with(() => condition.waitFor(() => false))]
    await waiters(make, condition, 2)
    condition.close()
    condition.close()
    for (const one of waiting) await assert.rejects(one, ClosedError)
    await assert.rejects(condition.wait(), ClosedError)
    await assert.rejects(
      condition.waitFor(() => true),
      ClosedError,
    )
    for (const use of [
      () => condition.waitSync(),
      () => condition.waitForSync(() => true),
      () => condition.notify(),
      () => condition.notifyAll(),
    ]) {
      assert.throws(use, ClosedError)
    }
  })

  test('Condition: the lock closed while it waits: it rejects with ClosedError', async () => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    await lock.acquire()
    const waiting = condition.wait()
    lock.close()
    await condition.with(() => condition.notify())
    await assert.rejects(waiting, ClosedError)
    assert.equal(condition.locked(), false)
  })
}
