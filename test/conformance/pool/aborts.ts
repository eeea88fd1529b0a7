// What nobody wants any more: tasks that wait are not run, tasks that run are told, and ended if they take no notice.
import assert from 'node:assert/strict'
import { Event, Queue, TimeoutError, Value } from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import { type PoolSuite, range, within } from '../pool.ts'

export function aborts(suite: PoolSuite): void {
  const { test } = suite

  test('Pool.apply() aborted while it waits is not run, and takes no place', async t => {
    const pool = suite.pool(t, { processes: 1, maxQueue: 5 })
    const gate = new Event()
    const begun = new Queue()
    const counter = new Value('i', 0)
    const first = pool.apply(tasks.meet, [begun, gate, 0])
    await within(begun.get())
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController()
      const waiting = range(5).map(() => pool.apply(tasks.count, [counter], { signal: controller.signal }))
      controller.abort(new Error('mine'))
      for (const one of waiting) await assert.rejects(one, /mine/)
    }
    assert.equal(pool.stats.queued, 0)
    gate.set()
    await first
    await assert.rejects(
      pool.apply(tasks.count, [counter], { signal: AbortSignal.abort(new Error('before')) }),
      /before/,
    )
    assert.equal(await pool.apply(tasks.sqr, [2]), 4)
    assert.equal(counter.value, 0)
  })

  test('Pool.apply() aborted while it runs: the task sees its signal, the worker stays', async t => {
    const pool = suite.pool(t, { processes: 1, gracePeriod: 60_000 })
    const before = await pool.apply(tasks.whoAmI)
    const begun = new Queue()
    const ended = new Queue()
    const controller = new AbortController()
    const running = pool.apply(tasks.untilAborted, [begun, ended], { signal: controller.signal })
    await within(begun.get())
    controller.abort(new Error('mine'))
    await assert.rejects(within(running), /mine/)
    assert.equal(await within(ended.get()), 'AbortError')
    assert.equal(await within(pool.apply(tasks.whoAmI)), before)
  })

  test('Pool.apply() aborted: a worker that takes no notice is ended after the grace period, its neighbour goes on', async t => {
    const pool = suite.pool(t, { processes: 2, gracePeriod: 10 })
    const gate = new Event()
    const begun = new Queue()
    const neighbour = pool.apply(tasks.meet, [begun, gate, 'neighbour'])
    await within(begun.get())
    for (const target of [tasks.stuck, tasks.forEver]) {
      const controller = new AbortController()
      const running = pool.apply(target, [begun], { signal: controller.signal })
      await within(begun.get())
      controller.abort(new Error('mine'))
      await assert.rejects(within(running), /mine/)
      assert.equal(await within(pool.apply(tasks.sqr, [3])), 9)
    }
    gate.set()
    assert.equal(await within(neighbour), 'neighbour')
  })

  test('Pool.apply() timeout does not count the loading of the module, and holds after it', async t => {
    const pool = suite.pool(t, { processes: 1, gracePeriod: 0 })
    const slow = (name: string) => ({ module: new URL('../../fixtures/pool-slow-module.js', import.meta.url), name })
    assert.equal(await pool.apply(tasks.sqr, [3]), 9) // there is an older beginning
    assert.equal(await within(pool.apply(slow('quick'), [4], { timeout: 500 })), 16)
    await assert.rejects(within(pool.apply(slow('forever'), [], { timeout: 500 })), TimeoutError)
  })

  test('Pool.apply() timeout counts from the beginning of the task, and tells the task', async t => {
    const pool = suite.pool(t, { processes: 1, gracePeriod: 60_000 })
    const gate = new Event()
    const begun = new Queue()
    const ended = new Queue()
    const first = pool.apply(tasks.meet, [begun, gate, 0])
    await within(begun.get())
    const waits = pool.apply(tasks.sqr, [4], { timeout: 10_000 })
    const late = pool.apply(tasks.untilAborted, [begun, ended], { timeout: 20 })
    await new Promise(resolve => setTimeout(resolve, 60))
    gate.set()
    await first
    assert.equal(await within(waits), 16)
    await within(begun.get())
    await assert.rejects(within(late), (error: unknown) => {
      assert.ok(error instanceof TimeoutError)
      assert.match(error.message, /untilAborted\(\) timed out: it has run for 20 ms/)
      return true
    })
    assert.equal(await within(ended.get()), 'TimeoutError')
  })

  test('Pool.map() aborted: what waits is not run, what runs is told', async t => {
    const pool = suite.pool(t, { processes: 1, gracePeriod: 10 })
    const counter = new Value('i', 0)
    const begun = new Queue()
    const controller = new AbortController()
    const { signal } = controller
    const all = pool.starmap<unknown[], unknown>(
      tasks.stuck as never,
      range(100).map(() => [begun]),
      { signal, chunksize: 1 },
    )
    await within(begun.get())
    const others = pool.map(tasks.count, Array(20).fill(counter), { signal })
    controller.abort(new Error('mine'))
    await assert.rejects(within(all), /mine/)
    await assert.rejects(within(others), /mine/)
    assert.equal(await within(pool.apply(tasks.sqr, [3])), 9)
    assert.deepEqual([counter.value, begun.qsize()], [0, 0])
  })

  test('Pool.imap() aborted while somebody waits for it, and before', async t => {
    const pool = suite.pool(t, { processes: 1, gracePeriod: 10 })
    const begun = new Queue()
    const controller = new AbortController()
    const results = pool.imap(tasks.forEver, [begun, begun], { signal: controller.signal })
    await within(begun.get())
    const next = results.next()
    controller.abort(new Error('mine'))
    await assert.rejects(within(next), /mine/)
    assert.deepEqual(await results.next(), { done: true, value: undefined })
    assert.throws(() => pool.imap(tasks.sqr, [1], { signal: AbortSignal.abort(new Error('before')) }), /before/)
  })

  test('A signal of many calls keeps no listeners of those that are settled', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: unknown[]) => {
      listeners++
      Reflect.apply(addEventListener, signal, args)
    }
    signal.removeEventListener = (...args: unknown[]) => {
      listeners--
      Reflect.apply(removeEventListener, signal, args)
    }
    await Promise.all(range(20).map(n => suite.common.apply(tasks.sqr, [n], { signal })))
    await suite.common.map(tasks.sqr, range(20), { signal })
    for await (const _ of suite.common.imap(tasks.sqr, range(20), { signal }));
    assert.equal(listeners, 0)
  })
}
