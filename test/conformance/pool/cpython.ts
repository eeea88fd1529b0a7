// TestPool, TestPoolWorkerErrors, TestPoolWorkerLifetime and TestPoolNotLeakOnFailure of CPython, retold under their own names.
import assert from 'node:assert/strict'
import { activeChildren, ClosedError, getContext, NotSerializableError, registerClass, TimeoutError } from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import { runNode } from '../../support/children.ts'
import { listOf, type PoolSuite, range, squares, within } from '../pool.ts'

class SayWhenError extends Error {
  override name = 'SayWhenError'
}

function* throwing(total: number, when: number): Generator<number> {
  if (when === -1) throw new SayWhenError('Somebody said when')
  for (const i of range(total)) {
    if (i === when) throw new SayWhenError('Somebody said when')
    yield i
  }
}

/** Packing it fails once three workers have begun. */
class Fourth {}
registerClass(Fourth, {
  name: 'test.Fourth',
  pack: () => {
    if (activeChildren().filter(({ name }) => name.startsWith('PoolWorker')).length >= before + 3)
      throw new RangeError('no fourth')
    return 1
  },
  unpack: () => new Fourth(),
})
let before = Infinity

export function fromCPython(suite: PoolSuite): void {
  const { test, method } = suite
  const { Pool } = getContext(method)

  test('TestPool.test_apply — positional and optional arguments', async () => {
    assert.equal(await suite.common.apply(tasks.sqr, [5]), 25)
    assert.deepEqual(await suite.common.apply(tasks.named, [{ one: 1, two: 3 }]), [1, 3])
    assert.deepEqual(await suite.common.apply(tasks.named, [{ one: 1 }]), [1, 2])
  })

  test('TestPool.test_map — order and values, with and without a chunk size', async () => {
    assert.deepEqual(await suite.common.map(tasks.sqr, range(10)), squares(10))
    assert.deepEqual(await suite.common.map(tasks.sqr, range(100), { chunksize: 20 }), squares(100))
  })

  test('TestPool.test_starmap — tuples are unpacked, with and without a chunk size', async () => {
    const pairs = range(100).map((n): [number, number] => [n, n + 1])
    const products = pairs.map(([a, b]) => a * b)
    assert.deepEqual(await suite.common.starmap(tasks.mul, pairs.slice(0, 10)), products.slice(0, 10))
    assert.deepEqual(await suite.common.starmap(tasks.mul, pairs, { chunksize: 20 }), products)
  })

  test('TestPool.test_starmap_async — the result is that of starmap()', async () => {
    const pairs = range(100).map((n): [number, number] => [n, n + 1])
    assert.deepEqual(
      await suite.common.starmapAsync(tasks.mul, pairs).get(),
      pairs.map(([a, b]) => a * b),
    )
  })

  test('TestPool.test_map_async — the result is that of map()', async () => {
    assert.deepEqual(await suite.common.mapAsync(tasks.sqr, range(10)).get(), squares(10))
  })

  test('TestPool.test_map_async_callbacks — called once, with the list or the error', async () => {
    const seen: unknown[] = []
    await suite.common.mapAsync(tasks.sqr, [1]).then(
      list => seen.push(list),
      error => seen.push(error),
    )
    const failing = suite.common.mapAsync(tasks.failsOnThree, [3])
    await failing.then(
      list => seen.push(list),
      error => seen.push(error.message),
    )
    await failing.wait()
    assert.deepEqual(seen, [[1], 'no 3'])
  })

  test('TestPool.test_map_unplicklable — what cannot travel is refused, and nothing hangs', async () => {
    const items = range(10).map(() => ({ fn: () => 1 }))
    await assert.rejects(within(suite.common.map(tasks.identity, items)), NotSerializableError)
  })

  test('TestPool.test_map_chunksize — no items with a chunk size', async () => {
    assert.deepEqual(await within(suite.common.mapAsync(tasks.sqr, [], { chunksize: 1 }).get()), [])
  })

  test('TestPool.test_map_handle_iterable_exception — the error of the input is raised, and the pool goes on', async () => {
    for (const when of [-1, 1, 4]) {
      await assert.rejects(suite.common.map(tasks.sqr, throwing(10, when)), SayWhenError)
      await assert.rejects(suite.common.map(tasks.sqr, throwing(10, when), { chunksize: 1 }), SayWhenError)
    }
    const withLength = Object.assign(throwing(1, -1), { length: 1 })
    await assert.rejects(suite.common.map(tasks.sqr, withLength), SayWhenError)
    assert.equal(await suite.common.apply(tasks.sqr, [2]), 4)
  })

  test('TestPool.test_async — a call that takes its time', async () => {
    const result = suite.common.applyAsync(tasks.later, [7])
    assert.equal(await result.get(), 7)
  })

  test('TestPool.test_async_timeout — get() with a time limit', async t => {
    const pool = suite.pool(t, { processes: 1, gracePeriod: 10 })
    const result = pool.applyAsync(tasks.forEver)
    await assert.rejects(result.get({ timeout: 20 }), TimeoutError)
  })

  test('TestPool.test_imap — in order, to the end, in chunks', async () => {
    assert.deepEqual(await listOf(suite.common.imap(tasks.sqr, range(10))), squares(10))
    const results = suite.common.imap(tasks.sqr, range(10))
    for (const value of squares(10)) assert.deepEqual(await results.next(), { done: false, value })
    assert.deepEqual(await results.next(), { done: true, value: undefined })
    assert.deepEqual(await listOf(suite.common.imap(tasks.sqr, range(1000), { chunksize: 100 })), squares(1000))
  })

  test('TestPool.test_imap_handle_iterable_exception — what came before, then the error; of chunks whole ones', async () => {
    const all = async (when: number, chunksize: number) => {
      const results = suite.common.imap(tasks.sqr, throwing(20, when), { chunksize })
      const seen: unknown[] = []
      try {
        for (;;) {
          const { done, value } = await within(results.next())
          if (done) return assert.fail('it ended without the error')
          seen.push(value)
        }
      } catch (error) {
        assert.ok(error instanceof SayWhenError)
      }
      return seen
    }
    assert.deepEqual(await all(-1, 1), [])
    assert.deepEqual(await all(-1, 2), [])
    assert.deepEqual(await all(3, 1), squares(3))
    assert.deepEqual(await all(7, 2), squares(6))
    assert.deepEqual(await all(7, 4), squares(4))
  })

  test('TestPool.test_imap_unordered — the same results in any order, in chunks too', async () => {
    for (const options of [{}, { chunksize: 10 }]) {
      const seen = await listOf(suite.common.imapUnordered(tasks.sqr, range(100), options))
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        squares(100),
      )
    }
  })

  test('TestPool.test_imap_unordered_handle_iterable_exception — the error comes among the results', async () => {
    for (const [when, chunksize] of [
      [-1, 1],
      [3, 1],
      [7, 2],
    ] as const) {
      const seen: number[] = []
      await assert.rejects(async () => {
        for await (const n of suite.common.imapUnordered(tasks.sqr, throwing(20, when), { chunksize })) seen.push(n)
      }, SayWhenError)
      assert.ok(seen.every(n => squares(10).includes(n)))
    }
  })

  test('TestPool.test_make_pool — 0 and -1 are refused, 3 gives three workers', async t => {
    assert.throws(() => new Pool(0), RangeError)
    assert.throws(() => new Pool(-1), RangeError)
    const pool = suite.pool(t, { processes: 3, minProcesses: 3 })
    assert.equal(pool.stats.workers, 3)
    pool.close()
    await within(pool.join())
  })

  test('TestPool.test_terminate — thousands of waiting tasks do not hold it up', async t => {
    const pool = suite.pool(t, { processes: 2, gracePeriod: 50 })
    const result = pool.mapAsync(tasks.forEver as (x: unknown) => Promise<never>, range(10_000), { chunksize: 1 })
    await within(pool.terminate())
    await within(pool.join())
    assert.equal(result.ready(), true)
  })

  test('TestPool.test_empty_iterable — every form of map on nothing', async () => {
    const { common } = suite
    assert.deepEqual(await common.map(tasks.sqr, []), [])
    assert.deepEqual(await listOf(common.imap(tasks.sqr, [])), [])
    assert.deepEqual(await listOf(common.imapUnordered(tasks.sqr, [])), [])
    assert.deepEqual(await common.mapAsync(tasks.sqr, []).get(), [])
    assert.deepEqual(await common.starmap(tasks.mul, []), [])
  })

  test('TestPool.test_context — within its scope it works, afterwards it refuses', async () => {
    const pool = new Pool(1)
    {
      await using scoped = pool
      assert.deepEqual(await scoped.map(tasks.sqr, range(10)), squares(10))
    }
    assert.throws(() => pool.mapAsync(tasks.sqr, range(10)), ClosedError)
  })

  test('TestPool.test_enter — the scope of a terminated pool gives nothing', async () => {
    const pool = new Pool(1)
    await pool.terminate()
    await pool[Symbol.asyncDispose]()
    await assert.rejects(pool.apply(tasks.sqr, [1]), ClosedError)
  })

  test('TestPool.test_traceback — the remote stack is there; errors of the input are not marked as remote', async () => {
    const remote: Error = await suite.common.apply(tasks.fails).catch(error => error)
    assert.match(remote.stack!, /at fails .*fixtures\/pool\.js[\s\S]*asked for by process/)
    const local: Error = await suite.common.map(tasks.sqr, throwing(1, -1)).catch(error => error)
    assert.doesNotMatch(local.stack!, /worker\.js/)
  })

  test('TestPool.test_wrapped_exception — the class of the error is kept', async () => {
    await assert.rejects(suite.common.apply(tasks.failsOnThree, [3]), RangeError)
  })

  test('TestPool.test_map_no_failfast — all are run, and large errors hold nobody up', async t => {
    const pool = suite.pool(t, 2)
    const large = { text: 'x'.repeat(1 << 20) }
    const all = pool.map(
      tasks.failsWith as (x: unknown) => never,
      range(8).map(() => large),
      { chunksize: 1, failFast: false },
    )
    const seen = all.catch(error => error)
    pool.close()
    await within(pool.join())
    assert.equal((await seen).text.length, 1 << 20)
    assert.equal(pool.stats.failed, 8)
  })

  test('TestPool.test_imap_buffersize (PoolExecutorTest.test_map_buffersize) — the same results with any buffer, of any input', async () => {
    for (const buffersize of [1, 2, 3, 8, 100])
      for (const chunksize of [1, 3])
        assert.deepEqual(await listOf(suite.common.imap(tasks.sqr, range(20), { buffersize, chunksize })), squares(20))
    await assert.rejects(async () => suite.common.imap(tasks.sqr, [], { buffersize: -1 }), RangeError)
    await assert.rejects(async () => suite.common.imap(tasks.sqr, [], { buffersize: '1' as never }), TypeError)
  })

  test('TestPoolWorkerErrors.test_async_error_callback — the error goes to the callback, and get() raises it', async () => {
    let seen: unknown
    const result = suite.common.applyAsync(tasks.failsOnThree, [3])
    await result.then(undefined, error => (seen = error))
    await assert.rejects(result.get(), RangeError)
    assert.ok(seen instanceof RangeError)
  })

  test('TestPoolWorkerErrors.test_unpickleable_result — twenty of them, and the workers stay', async () => {
    await suite.common.apply(tasks.sqr, [1])
    const before = activeChildren().filter(({ name }) => name.startsWith('PoolWorker'))
    for (const result of await Promise.allSettled(range(20).map(() => suite.common.apply(tasks.unsendable)))) {
      assert.ok(result.status === 'rejected' && result.reason instanceof NotSerializableError)
      assert.match(result.reason.message, /a function/)
    }
    assert.ok(before.every(worker => worker.isAlive()))
  })

  test('TestPoolWorkerLifetime.test_pool_worker_lifetime — with a limit of tasks all results are right, and workers change', async t => {
    const pool = suite.pool(t, { processes: 2, maxTasksPerChild: 10 })
    const who = await within(Promise.all(range(30).map(() => pool.apply(tasks.whoAmI))))
    const counts = new Map<string, number>()
    for (const one of who) counts.set(one, (counts.get(one) ?? 0) + 1)
    assert.ok(counts.size >= 3, `${counts.size} workers`)
    for (const count of counts.values()) assert.ok(count <= 10, `one did ${count}`)
  })

  test('TestPoolWorkerLifetime.test_pool_worker_lifetime_early_close — close() and join() with tasks that wait', async t => {
    const pool = suite.pool(t, { processes: 2, maxTasksPerChild: 1 })
    const results = range(4).map(n => pool.applyAsync(tasks.sqr, [n]))
    pool.close()
    await within(pool.join())
    for (const [n, result] of results.entries()) assert.equal(await result.get(), n * n)
  })

  test('TestPoolWorkerLifetime.test_pool_maxtasksperchild_invalid — 0, negative, fractions and texts are refused', () => {
    for (const maxTasksPerChild of [0, -1, 0.5]) assert.throws(() => new Pool({ maxTasksPerChild }), RangeError)
    assert.throws(() => new Pool({ maxTasksPerChild: '1' as never }), TypeError)
  })

  test('TestPoolWorkerLifetime.test_worker_finalization_via_atexit_handler_of_multiprocessing — a program that forgets its pool ends', async () => {
    const { code, stdout, stderr } = await runNode(`
      import { getContext } from 'multiproc'
      import { sqr } from ${JSON.stringify(new URL('../../fixtures/pool.js', import.meta.url).href)}
      globalThis.pool = new (getContext('${method}').Pool)(2)
      console.log(await globalThis.pool.map(sqr, [1, 2, 3]))
      process.on('exit', () => console.log('exit'))
    `)
    assert.deepEqual([code, stdout, stderr], [0, '[ 1, 4, 9 ]\nexit\n', ''])
  })

  test('TestPoolNotLeakOnFailure.test_release_unused_processes — when the fourth worker cannot start the others are ended', async () => {
    const workers = () => activeChildren().filter(({ name }) => name.startsWith('PoolWorker'))
    const others = workers()
    before = others.length
    try {
      assert.throws(
        () => new Pool({ processes: 5, minProcesses: 5, initializer: tasks.initialise, initargs: [new Fourth()] }),
      )
    } finally {
      before = Infinity
    }
    for (const child of workers()) if (!others.includes(child)) await within(child.join())
    assert.deepEqual(
      workers().filter(child => !others.includes(child)),
      [],
    )
  })
}
