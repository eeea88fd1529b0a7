// How many workers there are, when they come and go, and how a pool ends.
import assert from 'node:assert/strict'
import { ClosedError, Event, Queue, Value } from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import { until } from '../../support/children.ts'
import { LIMIT } from '../implementation.ts'
import { listOf, type PoolSuite, range, squares, within } from '../pool.ts'

export function lives(suite: PoolSuite): void {
  const { test } = suite

  test('Pool: workers are started when they are needed, at most so many, and go when they are idle', async t => {
    const pool = suite.pool(t, { processes: 3, idleTimeout: 20 })
    assert.equal(pool.stats.workers, 0)
    const gate = new Event()
    const begun = new Queue()
    const all = range(5).map(n => pool.apply(tasks.meet, [begun, gate, n]))
    for (let n = 0; n < 3; n++) await within(begun.get())
    assert.deepEqual([pool.stats.workers, pool.stats.busy, pool.stats.queued], [3, 3, 2])
    gate.set()
    await within(Promise.all(all))
    await until(() => pool.stats.workers === 0, LIMIT, 'idle workers to go')
    assert.equal(await within(pool.apply(tasks.sqr, [3])), 9)
  })

  test('Pool idleTimeout: a task that a worker takes before it hears that it should go is done', async t => {
    const pool = suite.pool(t, { processes: 1, idleTimeout: 20, gracePeriod: 0 })
    const gate = new Event()
    const begun = new Queue()
    await within(pool.apply(tasks.leavesBlocked, [begun, gate]))
    await within(begun.get())
    // it cannot hear it now, and finds a task on the board before it does
    await until(() => pool.stats.workers === 0, LIMIT, 'it to be told to go')
    const call = pool.apply(tasks.waitFor, [gate], { timeout: LIMIT })
    gate.set()
    gate.clear()
    setTimeout(() => gate.set(), 1500) // longer than a worker has to go
    await within(call)
  })

  test('Pool: an input that ends the pool while it is read', async t => {
    const pool = suite.pool(t, 1)
    const input = function* () {
      yield 1
      void pool.terminate()
      yield 2
    }
    await assert.rejects(within(pool.map(tasks.sqr, input())), ClosedError)
    await within(pool.join())
  })

  test('Pool minProcesses: so many are there at once, and stay', async t => {
    const pool = suite.pool(t, { processes: 2, minProcesses: 1, idleTimeout: 1 })
    assert.equal(pool.stats.workers, 1)
    const who = await pool.apply(tasks.whoAmI)
    await within(pool.map(tasks.later, range(8), { chunksize: 1 }))
    await until(() => pool.stats.workers === 1, LIMIT, 'the other one to go')
    assert.equal(typeof who, 'string')
    assert.equal(await within(pool.apply(tasks.sqr, [2])), 4)
    assert.equal(pool.stats.workers, 1)
  })

  test('Pool initializer: run with its arguments in every worker before its first task', async t => {
    const pool = suite.pool(t, {
      processes: 2,
      initializer: tasks.initialise,
      initargs: [{ a: 1 }],
      maxTasksPerChild: 1,
    })
    assert.deepEqual(
      await within(pool.map(tasks.whatWasInitialised, range(4), { chunksize: 1 })),
      Array(4).fill({ a: 1 }),
    )
  })

  test('Pool teardown: run in a worker before it goes', async t => {
    const queue = new Queue()
    const pool = suite.pool(t, {
      processes: 1,
      initializer: tasks.rememberQueue,
      initargs: [queue],
      teardown: tasks.sayGoodbye,
    })
    await pool.apply(tasks.sqr, [1])
    pool.close()
    await within(pool.join())
    assert.equal(await within(queue.get()), 'goodbye')
    queue.close()
  })

  test('Pool memoryLimitMb: a worker that has become too large is replaced', async t => {
    const pool = suite.pool(t, { processes: 1, memoryLimitMb: suite.method === 'thread' ? 40 : 250 })
    const before = await pool.apply(tasks.whoAmI)
    assert.equal(await pool.apply(tasks.whoAmI), before)
    await pool.apply(tasks.grow)
    const after = await until2(async () => (await pool.apply(tasks.whoAmI)) !== before)
    assert.ok(after)
  })

  test('Pool.terminate() rejects what is pending, and is bounded whatever the workers do', async t => {
    const pool = suite.pool(t, { processes: 2, gracePeriod: 50 })
    const begun = new Queue()
    const calls = [pool.apply(tasks.stuck, [begun]), pool.apply(tasks.forEver, [begun])]
    for (let n = 0; n < 2; n++) await within(begun.get())
    calls.push(...(range(50).map(n => pool.apply(tasks.sqr, [n])) as never[]))
    const settled = Promise.allSettled(calls)
    const stream = pool.imap(tasks.sqr, range(100))
    await within(pool.terminate(), 'terminate()')
    for (const result of await settled) assert.ok(result.status === 'rejected' && result.reason instanceof ClosedError)
    await assert.rejects(listOf(stream), ClosedError)
    await within(pool.join())
    assert.equal(pool.stats.workers, 0)
  })

  test('Pool.terminate() is bounded also with gracePeriod Infinity and a worker that ignores SIGTERM', async t => {
    const pool = suite.pool(t, { processes: 1, gracePeriod: Infinity })
    const begun = new Queue()
    const call = assert.rejects(pool.apply(tasks.stubborn, [begun]), ClosedError)
    await within(begun.get())
    await within(pool.terminate(), 'terminate()')
    await call
    assert.equal(pool.stats.workers, 0)
  })

  test('Pool idleTimeout: Infinity keeps workers that have nothing to do', async t => {
    const [keeps, lets] = [
      suite.pool(t, { processes: 1, idleTimeout: Infinity }),
      suite.pool(t, { processes: 1, idleTimeout: 1 }),
    ]
    const who = await within(keeps.apply(tasks.whoAmI))
    await within(lets.apply(tasks.whoAmI))
    await until(() => lets.stats.workers === 0, LIMIT, 'the other worker to go')
    assert.equal(keeps.stats.workers, 1)
    assert.equal(await within(keeps.apply(tasks.whoAmI)), who)
  })

  test('Pool: await using terminates it', async () => {
    const counter = new Value('i', 0)
    let escaped: Promise<unknown>
    {
      await using pool = suite.pool({ after() {} } as never, 1)
      const begun = new Queue()
      escaped = pool.apply(tasks.forEver, [begun])
      escaped.catch(() => {})
      await within(begun.get())
    }
    await assert.rejects(escaped, ClosedError)
    counter.close()
  })

  test('Pool.close() and join() after an imap() that was partly taken', async t => {
    for (const buffersize of [3, 100]) {
      const pool = suite.pool(t, 1)
      const results = pool.imap(tasks.sqr, range(20), { buffersize })
      assert.equal((await within(results.next())).value, 0)
      pool.close()
      await within(pool.join(), 'join()')
      const rest = listOf(results)
      if (buffersize === 100) assert.deepEqual(await rest, squares(20).slice(1))
      else await assert.rejects(rest, ClosedError)
    }
  })

  test('Pool: an imap() that was begun before close() can be read to its end', async t => {
    const pool = suite.pool(t, 1)
    const results = pool.imap(tasks.sqr, range(30), { buffersize: 2 })
    pool.close()
    assert.deepEqual(await within(listOf(results)), squares(30))
    await within(pool.join())
  })
}

async function until2(condition: () => Promise<boolean>): Promise<boolean> {
  const began = performance.now()
  while (performance.now() - began < LIMIT) if (await condition()) return true
  return false
}
