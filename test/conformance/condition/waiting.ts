// A wait in a Condition: it gives up the lock while it sleeps, and holds it again when it is over, whatever came of it.
import assert from 'node:assert/strict'
import { TimeoutError } from 'multiproc'
import { notify, type Told, waitAndTell, waitDeep, waitWithin } from '../../fixtures/conformance-condition.ts'
import { until } from '../../support/children.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, rings, type Suite } from '../suite.ts'
import { OUTCOME, turn, waiters, waits } from './waits.ts'

export function waiting({ make, test }: Suite): void {
  for (const how of waits) {
    test(`Condition.${how}() gives the lock up while it sleeps, and holds it again when it resolves`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const child = launch(t, make, waitAndTell, condition, how, report)
      await waiters(make, condition, 1)
      const held = await condition.acquire({ timeout: LIMIT })
      assert.equal(held.abandoned, false)
      await rings(make, [child], () => condition.notify())
      assert.equal(report.empty(), true)
      held.release()
      assert.deepEqual(await report.get(), { name: '', outcome: OUTCOME, holds: true, abandoned: [false, false] })
      assert.equal(await ended(child), 0)
      assert.equal(condition.locked(), false)
    })

    test(`Condition.${how}() gives up all of a lock acquired three times, and has it three times again`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const child = launch(t, make, waitDeep, condition, how, report)
      await waiters(make, condition, 1)
      await condition.with(() => condition.notify(), { timeout: LIMIT })
      assert.deepEqual((await report.get()).holds, true)
      assert.equal(await ended(child), 0)
      assert.equal((await condition.acquire({ timeout: LIMIT })).abandoned, false)
    })

    test(`Condition.${how}() within with()`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const child = launch(t, make, waitWithin, condition, how, report)
      await waiters(make, condition, 1)
      await condition.with(() => condition.notify(), { timeout: LIMIT })
      assert.deepEqual(await report.get(), { name: '', outcome: OUTCOME, holds: true, abandoned: [false] })
      assert.equal(await ended(child), 0)
      assert.equal(condition.locked(), false)
    })

    for (const timeout of [0, 20]) {
      test(`Condition.${how}() timed out after ${timeout} ms holds the lock again, and takes no notification`, async () => {
        for (const lock of [undefined, await make.lock()]) {
          const condition = await make.condition(lock)
          const held = await condition.acquire()
          await assert.rejects(async () => condition[how]({ timeout }), TimeoutError)
          assert.equal(condition.holder, process.pid)
          assert.equal(make.waitersOf(condition), 0)
          held.release()
          assert.equal(condition.locked(), false)
        }
      })
    }
  }

  test('Condition.wait() with a signal aborted before does nothing; while it waits: the reason, holding the lock', async () => {
    const [condition, why] = [await make.condition(), { mine: true }]
    using _ = await condition.acquire()
    await assert.rejects(condition.wait({ signal: AbortSignal.abort(why) }), error => error === why)
    assert.equal(condition.holder, process.pid)
    const controller = new AbortController()
    const aborted = condition.wait({ signal: controller.signal })
    assert.equal(condition.locked(), false)
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(aborted, error => error === why)
    assert.equal(condition.holder, process.pid)
    assert.equal(make.waitersOf(condition), 0)
  })

  test('Condition.wait() with a signal aborted before does not give the lock up, not even for a moment', async () => {
    const condition = await make.condition(await make.lock())
    const held = await condition.acquire()
    let given = false
    const other = condition.acquire().then(one => {
      given = true
      one.release()
    })
    await assert.rejects(condition.wait({ signal: AbortSignal.abort('why') }), error => error === 'why')
    assert.equal(given, false)
    held.release()
    await other
  })

  test('Condition: thousands of waits, one after the other, take no more memory than one', async () => {
    const condition = await make.condition()
    const before = make.memoryUsed()
    for (let n = 0; n < 3000; n++) {
      const waiting = condition.with(() => condition.wait())
      await turn()
      await condition.with(() => condition.notify())
      await waiting
    }
    assert.ok(make.memoryUsed() <= before + make.memoryStep, `${make.memoryUsed()} bytes, ${before} before`)
  })

  test('Condition.wait() timed out while another holds the lock rejects when it is free, and not before', async () => {
    const condition = await make.condition(await make.lock())
    const mine = await condition.acquire()
    let late = false
    const waiting = condition.wait({ timeout: 1 }).catch(error => {
      late = true
      assert.ok(error instanceof TimeoutError)
    })
    const other = await condition.acquire()
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(late, false)
    other.release()
    await waiting
    assert.equal(condition.holder, process.pid)
    mine.release()
    assert.equal(condition.locked(), false)
  })

  test('Condition.wait() within with(): other tasks of the process come in while it sleeps, and none afterwards', async () => {
    const condition = await make.condition()
    const seen: string[] = []
    const first = condition.with(async () => {
      await condition.with(() => condition.wait())
      seen.push('woken')
      await turn()
      await condition.with(turn)
      seen.push('done')
    })
    await condition.with(async () => {
      seen.push('in')
      condition.notify()
      await turn()
      seen.push('out')
    })
    const third = condition.with(() => seen.push('third'))
    await Promise.all([first, third])
    assert.deepEqual(seen, ['in', 'out', 'woken', 'done', 'third'])
    assert.equal(condition.locked(), false)
  })

  test('Condition.wait(): a hold that is released while it waits is not taken back', async () => {
    for (const lock of [undefined, await make.lock()]) {
      const condition = await make.condition(lock)
      const held = await condition.acquire()
      const waiting = condition.wait()
      held.release()
      await condition.with(() => condition.notify())
      await waiting
      assert.equal(condition.locked(), false)
    }
  })

  test('Condition.waitSync() goes on with a notification meant for a wait() of its own process, which goes on with its', async t => {
    const condition = await make.condition()
    const woken: string[] = []
    const tasks = ['a', 'b'].map(name => condition.with(() => condition.wait().then(() => woken.push(name))))
    await waiters(make, condition, 2)
    const child = launch(t, make, notify, condition, 1)
    using _ = condition.acquireSync({ timeout: LIMIT })
    condition.waitSync({ timeout: LIMIT })
    woken.push('blocking')
    assert.equal(make.waitersOf(condition), 2)
    condition.notify(2)
    _.release()
    await Promise.all(tasks)
    assert.deepEqual(woken, ['blocking', 'a', 'b'])
    assert.equal(await ended(child), 0)
  })

  test('Condition: many waits in one process, more than fit at first, each notified once and in order', async () => {
    const condition = await make.condition()
    const woken: number[] = []
    const count = 400
    const tasks = Array.from({ length: count }, (_, n) =>
      condition.with(async () => {
        await condition.wait()
        woken.push(n)
      }),
    )
    await waiters(make, condition, count)
    await condition.with(() => condition.notify(150))
    await until(
      () => woken.length === 150,
      LIMIT,
      () => `150 to wake, not ${woken.length}`,
    )
    assert.equal(make.waitersOf(condition), count - 150)
    await condition.with(() => condition.notifyAll())
    await Promise.all(tasks)
    assert.deepEqual(
      woken,
      Array.from({ length: count }, (_, n) => n),
    )
    assert.equal(make.waitersOf(condition), 0)
  })
}
