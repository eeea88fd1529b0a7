// The tests of concurrent.futures for process pools, retold under their own names: what is submitted and mapped, and its results.
import assert from 'node:assert/strict'
import { Event, TimeoutError } from 'multiproc'
import * as tasks from '../../../fixtures/pool.ts'
import { listOf, type PoolSuite, range, squares, within } from '../../pool.ts'

export function calls(suite: PoolSuite): void {
  const { test } = suite

  test('ExecutorTest.test_submit — the result of a call', async () => {
    assert.equal(await suite.executor.submit(Math.pow as never, 2, 8).catch(error => error.name), 'InvalidTargetError')
    assert.equal(await suite.executor.submit(tasks.mul, 2, 8), 16)
  })

  test('ExecutorTest.test_submit_keyword — options are an object; without a function it is a type error', async () => {
    assert.deepEqual(await suite.executor.submit(tasks.named, { one: 1, two: 5 }), [1, 5])
    await assert.rejects(suite.executor.submit(undefined as never), { code: 'ERR_MULTIPROC_INVALID_TARGET' })
  })

  test('ExecutorTest.test_map — in order, in chunks', async () => {
    assert.deepEqual(await listOf(suite.executor.map(tasks.sqr, range(10))), squares(10))
    assert.deepEqual(await listOf(suite.executor.map(tasks.sqr, range(10), { chunksize: 3 })), squares(10))
  })

  test('ExecutorTest.test_map_exception — results before the failure, the failure, those behind it, the end', async () => {
    for (const chunksize of [1, 2, 6]) {
      const results = suite.executor.map(tasks.failsOnThree, range(6), { chunksize })
      for (const value of [0, 1, 2]) assert.deepEqual(await results.next(), { done: false, value })
      await assert.rejects(results.next(), RangeError)
      for (const value of [4, 5]) assert.deepEqual(await results.next(), { done: false, value })
      assert.equal((await results.next()).done, true)
    }
  })

  test('ExecutorTest.test_map_timeout_from_callable — a timeout that a task throws is its own', async () => {
    const results = suite.executor.map(tasks.timesOut, [1, 2], { timeout: 60_000 })
    await assert.rejects(results.next(), /of the task/)
    await assert.rejects(results.next(), /of the task/)
    assert.equal((await results.next()).done, true)
  })

  test('ExecutorTest.test_map_timeout — what is there comes, then the timeout, then the end', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1 })
    await executor.submit(tasks.sqr, 1)
    const gate = new Event()
    const results = executor.map(tasks.passes, [undefined, undefined, gate], { timeout: 200 })
    const seen: unknown[] = []
    await assert.rejects(async () => {
      for await (const result of results) seen.push(result)
    }, TimeoutError)
    assert.ok(seen.length <= 2)
    assert.equal((await results.next()).done, true)
    gate.set()
  })

  test('ExecutorTest.test_map_close — leaving it ends it, with and without chunks', async () => {
    for (const chunksize of [1, 2]) {
      const results = suite.executor.map(tasks.sqr, range(10), { chunksize })
      assert.equal((await results.next()).value, 0)
      await results.return?.()
      assert.equal((await results.next()).done, true)
    }
  })

  test('ExecutorTest.test_map_buffersize_type_validation — what is no number is refused', () => {
    for (const buffersize of ['1', null, {}])
      assert.throws(() => suite.executor.map(tasks.sqr, [], { buffersize: buffersize as never }), TypeError)
  })

  test('ExecutorTest.test_map_buffersize_value_validation — 0, negative and fractional ones are refused', () => {
    for (const buffersize of [0, -1, 1.5])
      assert.throws(() => suite.executor.map(tasks.sqr, [], { buffersize }), RangeError)
  })

  test('ExecutorTest.test_map_buffersize — the same results with any', async () => {
    for (const buffersize of [1, 2, 5, 100])
      assert.deepEqual(await listOf(suite.executor.map(tasks.sqr, range(10), { buffersize })), squares(10))
  })

  test('ExecutorTest.test_map_buffersize_on_multiple_iterables — pairs of several inputs', async () => {
    const pairs = range(10).map(n => ({ one: n, two: n + 1 }))
    assert.deepEqual(
      await listOf(suite.executor.map(tasks.named, pairs, { buffersize: 3 })),
      pairs.map(({ one, two }) => [one, two]),
    )
  })

  function* endless(): Generator<number> {
    for (let n = 0; ; n++) yield n
  }

  test('ExecutorTest.test_map_buffersize_on_infinite_iterable — is read as results are taken', async () => {
    const results = suite.executor.map(tasks.sqr, endless(), { buffersize: 1 })
    for (const value of squares(4)) assert.equal((await results.next()).value, value)
    await results.return?.()
  })

  test('ExecutorTest.test_map_buffersize_on_multiple_infinite_iterables — pairs of them', async () => {
    function* pairs(): Generator<{ one: number }> {
      for (const one of endless()) yield { one }
    }
    const results = suite.executor.map(tasks.named, pairs(), { buffersize: 2 })
    for (const one of range(4)) assert.deepEqual((await results.next()).value, [one, 2])
    await results.return?.()
  })

  test('ExecutorTest.test_map_buffersize_on_empty_iterable — ends at once', async () => {
    assert.equal((await suite.executor.map(tasks.sqr, [], { buffersize: 5 }).next()).done, true)
  })

  test('ExecutorTest.test_map_buffersize_without_iterable — is refused here', () => {
    assert.throws(() => suite.executor.map(tasks.sqr, undefined as never, { buffersize: 5 }), TypeError)
  })

  test('ExecutorTest.test_map_buffersize_when_buffer_is_full — so many inputs are read before a result is', async () => {
    let read = 0
    function* counted(): Generator<number> {
      for (const n of range(10)) {
        read++
        yield n
      }
    }
    const results = suite.executor.map(tasks.sqr, counted(), { buffersize: 4 })
    assert.equal(read, 4)
    await results.next()
    assert.equal(read, 5)
    await results.return?.()
  })

  test('ExecutorTest.test_shutdown_race_issue12456 — shutdown right after more than it can take', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const all = range(50).map(n => executor.submit(tasks.sqr, n))
    await within(executor.shutdown())
    assert.deepEqual(await Promise.all(all), squares(50))
  })

  test('ExecutorTest.test_max_workers_negative — 0 and -1 are refused', t => {
    for (const maxWorkers of [0, -1]) assert.throws(() => suite.newExecutor(t, { maxWorkers }), RangeError)
  })

  test('ExecutorTest.test_swallows_falsey_exceptions — throw undefined, null and 0', async () => {
    for (const thrown of [undefined, null, 0, '', false]) {
      const found = await suite.executor.submit(tasks.failsWith, thrown).then(
        () => assert.fail('nothing was thrown'),
        error => ({ error }),
      )
      assert.deepEqual(found, { error: thrown })
    }
    assert.deepEqual(
      await suite.executor
        .map(tasks.failsWith as (x: unknown) => never, [0])
        .next()
        .catch(error => ({ error })),
      { error: 0 },
    )
  })
}
