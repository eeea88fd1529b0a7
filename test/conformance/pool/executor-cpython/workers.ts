// The tests of concurrent.futures for process pools, retold under their own names: the workers, how many there are and how they end.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { ClosedError, Event, Queue, Value } from 'multiproc'
import * as tasks from '../../../fixtures/pool.ts'
import { deathOf, listOf, type PoolSuite, range, squares, within } from '../../pool.ts'

export function workers(suite: PoolSuite): void {
  const { test } = suite

  test('ProcessPoolExecutorTest.test_killed_child — its task fails, later ones are run (Python: the pool is broken)', async () => {
    const executor = suite.mortal
    await deathOf(executor.submit(tasks.exit, 9))
    assert.equal(await within(executor.submit(tasks.sqr, 3)), 9)
  })

  test('ProcessPoolExecutorTest.test_broken_process_pool_traceback — each failure has an error of its own', async () => {
    const executor = suite.mortal
    const errors = await Promise.all([1, 2].map(code => executor.submit(tasks.exit, code).catch(error => error)))
    assert.notEqual(errors[0], errors[1])
    assert.deepEqual(
      errors.map(error => error.exitCode),
      [1, 2],
    )
  })

  test('ProcessPoolExecutorTest.test_map_chunksize — below, above and as many as there are; negative is refused', async () => {
    for (const chunksize of [6, 100, 40])
      assert.deepEqual(await listOf(suite.executor.map(tasks.sqr, range(40), { chunksize })), squares(40))
    assert.throws(() => suite.executor.map(tasks.sqr, range(40), { chunksize: -1 }), RangeError)
  })

  test('ProcessPoolExecutorTest.test_traceback — the remote stack is shown with the error', async () => {
    const error = await suite.executor.submit(tasks.fails).catch(error => error)
    assert.match(inspect(error), /fixtures\/pool\.js/)
  })

  test('ProcessPoolExecutorTest.test_traceback_when_child_process_terminates_abruptly — the exit code is told', async () => {
    const executor = suite.mortal
    await assert.rejects(executor.submit(tasks.exit, 99), /exit code 99/)
  })

  test('ProcessPoolExecutorTest.test_saturation — never more than so many workers', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const gate = new Event()
    const all = range(30).map(() => executor.submit(tasks.waitFor, gate))
    assert.match(inspect(executor), /workers: 2/)
    gate.set()
    await within(Promise.all(all))
    assert.match(inspect(executor), /workers: 2/)
  })

  test('ProcessPoolExecutorTest.test_idle_process_reuse_one — one after another is done by one', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 4 })
    for (const n of range(3)) await executor.submit(tasks.sqr, n)
    assert.match(inspect(executor), /workers: 1/)
  })

  test('ProcessPoolExecutorTest.test_idle_process_reuse_multiple — a little overlap takes a few', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 8 })
    await executor.submit(tasks.sqr, 1)
    await Promise.all([executor.submit(tasks.sqr, 2), executor.submit(tasks.sqr, 3)])
    await executor.submit(tasks.sqr, 4)
    assert.match(inspect(executor), /workers: [1-3],/)
  })

  test('ProcessPoolExecutorTest.test_max_tasks_per_child — three tasks by one worker, then another', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1, maxTasksPerChild: 3 })
    const who: string[] = []
    for (let n = 0; n < 4; n++) who.push(await within(executor.submit(tasks.whoAmI)))
    assert.deepEqual([who[1], who[2]], [who[0], who[0]])
    assert.notEqual(who[3], who[0])
  })

  test('ProcessPoolExecutorTest.test_max_tasks_per_child_pending_tasks_gh115634 — more waits than the workers may do', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1, maxTasksPerChild: 2 })
    assert.deepEqual(await within(Promise.all(range(6).map(n => executor.submit(tasks.sqr, n)))), squares(6))
  })

  test('ProcessPoolExecutorTest.test_shutdown_no_wait_max_tasks_gh119592 — after a shutdown that does not wait the rest is run', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1, maxTasksPerChild: 1 })
    const all = range(3).map(n => executor.submit(tasks.sqr, n))
    await executor.shutdown({ wait: false })
    assert.deepEqual(await within(Promise.all(all)), squares(3))
  })

  test('ProcessPoolExecutorTest.test_force_shutdown_during_max_tasks_worker_exit — no replacement, and futures say so', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1, maxTasksPerChild: 1 })
    const all = range(4).map(n => executor.submit(tasks.sqr, n))
    const settled = Promise.allSettled(all)
    await within(all[0])
    await within(executor.killWorkers())
    for (const result of (await settled).slice(1)) {
      if (result.status === 'rejected') assert.ok(result.reason instanceof ClosedError)
    }
    assert.match(inspect(executor), /workers: 0/)
  })

  test('ProcessPoolExecutorTest.test_failed_worker_replacement_breaks_pool — what waits fails with the reason', async t => {
    const counter = new Value('i', 0)
    const executor = suite.newExecutor(t, {
      maxWorkers: 1,
      maxTasksPerChild: 1,
      initializer: tasks.failsSecondTime,
      initargs: [counter],
    })
    const [first, second] = await within(Promise.allSettled([1, 2].map(n => executor.submit(tasks.sqr, n))))
    assert.equal(first.status, 'fulfilled')
    assert.ok(second.status === 'rejected' && /cannot begin again/.test(second.reason.message))
  })

  test('ProcessPoolExecutorTest.test_max_tasks_early_shutdown — a limit of 1 and shutdown at once', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2, maxTasksPerChild: 1 })
    const all = range(4).map(n => executor.submit(tasks.sqr, n))
    await within(executor.shutdown())
    assert.deepEqual(await Promise.all(all), squares(4))
  })

  for (const how of ['terminateWorkers', 'killWorkers'] as const) {
    test(`ProcessPoolExecutorTest.test_force_shutdown_workers — a running task is stopped: ${how}`, async t => {
      const executor = suite.newExecutor(t, { maxWorkers: 1 })
      const begun = new Queue()
      const gate = new Event()
      const counter = new Value('i', 0)
      const running = executor.submit(tasks.meetAndCount, begun, gate, counter)
      await within(begun.get())
      const settled = running.catch(error => error)
      await within(executor[how]())
      gate.set()
      assert.ok((await settled) instanceof ClosedError)
      assert.equal(counter.value, 0)
    })
  }

  test('ProcessPoolExecutorTest.test_force_shutdown_workers_dead_workers — of dead ones, no error', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1 })
    await deathOf(executor.submit(tasks.exit, 1))
    await within(executor.terminateWorkers())
    await within(executor.killWorkers())
  })

  test('ProcessPoolExecutorTest.test_force_shutdown_workers_not_started_yet — before there are any, nothing', async t => {
    await within(suite.newExecutor(t, { maxWorkers: 1 }).killWorkers())
  })

  test('ProcessPoolExecutorTest.test_force_shutdown_workers_stops_pool — afterwards it refuses', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1 })
    await executor.submit(tasks.sqr, 1)
    await within(executor.terminateWorkers())
    await assert.rejects(executor.submit(tasks.sqr, 1), ClosedError)
  })
}
