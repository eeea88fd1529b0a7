// The tests of concurrent.futures for process pools, retold under their own names: whatever fails on the way to a worker and
// back, nobody waits for ever.
import assert from 'node:assert/strict'
import { NotSerializableError, type WorkerDiedError } from 'multiproc'
import * as tasks from '../../../fixtures/pool.ts'
import * as pickles from '../../../fixtures/pool-pickles.ts'
import { deathOf, type PoolSuite, range, within } from '../../pool.ts'

export function deadlock(suite: PoolSuite): void {
  const { test } = suite
  const illegible = (error: Error) => /cannot be unpacked/.test(String(error.cause))

  test('ExecutorDeadlockTest.test_error_at_task_pickle — fails that task only', async () => {
    await assert.rejects(within(suite.executor.submit(tasks.identity, new pickles.FailsToPack())), /cannot be packed/)
    assert.equal(await suite.executor.submit(tasks.sqr, 2), 4)
  })

  test('ExecutorDeadlockTest.test_exit_at_task_unpickle — that task fails', async () => {
    const executor = suite.mortal
    await executor.submit(pickles.load)
    const error = await within(
      executor.submit(tasks.identity, new pickles.ExitsWhenUnpacked(true)).catch(error => error),
    )
    assert.equal((error as WorkerDiedError).exitCode, 4)
  })

  test('ExecutorDeadlockTest.test_error_at_task_unpickle — fails that task only (Python: the pool is broken)', async () => {
    const executor = suite.mortal
    await executor.submit(pickles.load)
    await assert.rejects(within(executor.submit(tasks.identity, new pickles.FailsWhenUnpacked(true))), illegible)
    assert.equal(await within(executor.submit(tasks.sqr, 2)), 4)
  })

  test('ExecutorDeadlockTest.test_crash_at_task_unpickle — that task fails', async () => {
    const executor = suite.mortal
    await executor.submit(pickles.load)
    await deathOf(executor.submit(tasks.identity, new pickles.ExitsWhenUnpacked(true)))
    assert.equal(await within(executor.submit(tasks.sqr, 2)), 4)
  })

  test('ExecutorDeadlockTest.test_crash_during_func_exec_on_worker — that task fails', async () => {
    await deathOf(suite.mortal.submit(tasks.exit, 1))
  })

  test('ExecutorDeadlockTest.test_exit_during_func_exec_on_worker — the exit code is in the error', async () => {
    const error = await within(suite.mortal.submit(tasks.exit, 5).catch(error => error))
    assert.equal(error.exitCode, 5)
  })

  test('ExecutorDeadlockTest.test_error_during_func_exec_on_worker — an ordinary error', async () => {
    await assert.rejects(within(suite.executor.submit(tasks.failsOnThree, 3)), RangeError)
  })

  test('ExecutorDeadlockTest.test_crash_during_result_pickle_on_worker — that task fails', async () => {
    await deathOf(suite.mortal.submit(pickles.resultThatExits))
  })

  test('ExecutorDeadlockTest.test_exit_during_result_pickle_on_worker — that task fails', async () => {
    const error = await within(suite.mortal.submit(pickles.resultThatExits).catch(error => error))
    assert.equal((error as WorkerDiedError).exitCode, 6)
  })

  test('ExecutorDeadlockTest.test_error_during_result_pickle_on_worker — its error', async () => {
    await assert.rejects(within(suite.executor.submit(pickles.resultThatFails)), /cannot be packed/)
  })

  test('ExecutorDeadlockTest.test_error_during_result_unpickle_in_result_handler — fails that task only (Python: the pool is broken)', async () => {
    await assert.rejects(within(suite.executor.submit(pickles.resultThatFailsHere)), illegible)
    const results = suite.executor.map(pickles.failsHereAtTwo, range(4), { chunksize: 4 })
    const seen: unknown[] = []
    for (let n = 0; n < 4; n++)
      seen.push(
        await within(results.next()).then(
          ({ value }) => value,
          error => illegible(error),
        ),
      )
    assert.deepEqual(seen, [0, 1, true, 3])
  })

  test('ExecutorDeadlockTest.test_exit_during_result_unpickle_in_result_handler — what is thrown there is the error of the task', async () => {
    await assert.rejects(within(suite.executor.submit(pickles.resultThatFailsHere)), Error)
    assert.equal(await within(suite.executor.submit(tasks.sqr, 2)), 4)
  })

  test('ExecutorDeadlockTest.test_shutdown_deadlock — a crash after shutdown was asked for', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const crashing = deathOf(executor.submit(tasks.exit, 1))
    await within(executor.shutdown())
    await crashing
  })

  test('ExecutorDeadlockTest.test_shutdown_deadlock_pickle — a task that cannot be sent, and a shutdown that does not wait', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const refused = executor.submit(tasks.identity, () => 1)
    await executor.shutdown({ wait: false })
    await assert.rejects(within(refused), NotSerializableError)
    await within(executor.shutdown())
  })

  test('ExecutorDeadlockTest.test_crash_big_data — a crash while large arguments wait', async () => {
    const executor = suite.mortal
    const crashing = deathOf(executor.submit(tasks.exit, 1))
    const large = range(6).map(() => executor.submit(tasks.plusOne, new Uint8Array(1 << 22)))
    await crashing
    for (const bytes of await within(Promise.all(large))) assert.equal(bytes.length, 1 << 22)
  })

  test('Executor: 30,000 submits in one turn', async () => {
    const all = await within(Promise.all(range(30_000).map(n => suite.executor.submit(tasks.sqr, n & 1023))))
    assert.equal(all.length, 30_000)
    assert.equal(all[29_999], (29_999 & 1023) ** 2)
  })
}
