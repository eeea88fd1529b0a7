// The tests of concurrent.futures for process pools, retold under their own names: what wait() and as_completed() do is done by
// Promise.
import assert from 'node:assert/strict'
import { Event } from 'multiproc'
import * as tasks from '../../../fixtures/pool.ts'
import { listOf, type PoolSuite, within } from '../../pool.ts'

export function futures(suite: PoolSuite): void {
  const { test } = suite

  test('AsCompletedTests.test_no_timeout, WaitTests.test_all_completed — Promise.allSettled(), of some that are settled before', async () => {
    const before = suite.executor.submit(tasks.mul, 2, 21)
    await before
    const [good, bad] = await Promise.allSettled([before, suite.executor.submit(tasks.fails)])
    assert.deepEqual([good.status, bad.status], ['fulfilled', 'rejected'])
  })

  test('AsCompletedTests.test_duplicate_futures, WaitTests.test_20369 — the same one twice', async () => {
    const one = suite.executor.submit(tasks.mul, 2, 3)
    assert.deepEqual(await Promise.all(new Set([one, one])), [6])
    assert.deepEqual(await Promise.all([one, one]), [6, 6])
  })

  test('WaitTests.test_first_completed, WaitTests.test_first_completed_some_already_completed — Promise.race()', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const gate = new Event()
    const slow = executor.submit(tasks.waitFor, gate)
    const quick = executor.submit(tasks.mul, 2, 3)
    assert.equal(await within(Promise.race([slow, quick])), 6)
    assert.equal(await within(Promise.race([slow, quick])), 6)
    gate.set()
    await slow
  })

  test('WaitTests.test_first_exception, WaitTests.test_first_exception_some_already_complete, WaitTests.test_first_exception_one_already_failed — Promise.all()', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const gate = new Event()
    const slow = executor.submit(tasks.waitFor, gate)
    const good = executor.submit(tasks.mul, 2, 3)
    const bad = executor.submit(tasks.fails)
    for (let round = 0; round < 2; round++) await assert.rejects(within(Promise.all([slow, good, bad])), /no/)
    gate.set()
    await slow
  })

  test('WaitTests.test_timeout, AsCompletedTests.test_future_times_out, AsCompletedTests.test_correct_timeout_exception_msg — map() with a timeout says what is missing', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1 })
    const gate = new Event()
    await assert.rejects(
      listOf(executor.map(tasks.passes, [gate], { timeout: 20 })),
      /not all results were there in time/,
    )
    gate.set()
  })
}
