// The tests of concurrent.futures for process pools, retold under their own names. A future is a promise here.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import {
  ClosedError,
  Event,
  InvalidStateError,
  NotSerializableError,
  Queue,
  TimeoutError,
  Value,
  WorkerDiedError,
} from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import * as pickles from '../../fixtures/pool-pickles.ts'
import { runNode } from '../../support/children.ts'
import { listOf, type PoolSuite, range, within } from '../pool.ts'

export function executorFromCPython(suite: PoolSuite): void {
  const { test, method } = suite
  const squares = (n: number) => range(n).map(tasks.sqr)
  const died = (call: Promise<unknown>) => assert.rejects(within(call), WorkerDiedError)
  const illegible = (error: Error) => /cannot be unpacked/.test(String(error.cause))
  const fixture = JSON.stringify(new URL('../../fixtures/pool.js', import.meta.url).href)
  const program = (body: string) =>
    runNode(`
      import { getContext } from 'multiproc'
      import * as tasks from ${fixture}
      const executor = new (getContext('${method}').ProcessPoolExecutor)({ maxWorkers: 2 })
      ${body}
    `)

  // ── ExecutorTest ──

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

  // ── ProcessPoolExecutorTest ──

  test('ProcessPoolExecutorTest.test_killed_child — its task fails, later ones are run (Python: the pool is broken)', async () => {
    const executor = suite.mortal
    await died(executor.submit(tasks.exit, 9))
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
    await died(executor.submit(tasks.exit, 1))
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

  // ── ExecutorDeadlockTest ──

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
    await died(executor.submit(tasks.identity, new pickles.ExitsWhenUnpacked(true)))
    assert.equal(await within(executor.submit(tasks.sqr, 2)), 4)
  })

  test('ExecutorDeadlockTest.test_crash_during_func_exec_on_worker — that task fails', async () => {
    await died(suite.mortal.submit(tasks.exit, 1))
  })

  test('ExecutorDeadlockTest.test_exit_during_func_exec_on_worker — the exit code is in the error', async () => {
    const error = await within(suite.mortal.submit(tasks.exit, 5).catch(error => error))
    assert.equal(error.exitCode, 5)
  })

  test('ExecutorDeadlockTest.test_error_during_func_exec_on_worker — an ordinary error', async () => {
    await assert.rejects(within(suite.executor.submit(tasks.failsOnThree, 3)), RangeError)
  })

  test('ExecutorDeadlockTest.test_crash_during_result_pickle_on_worker — that task fails', async () => {
    await died(suite.mortal.submit(pickles.resultThatExits))
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
    const crashing = died(executor.submit(tasks.exit, 1))
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
    const crashing = died(executor.submit(tasks.exit, 1))
    const large = range(6).map(() => executor.submit(tasks.plusOne, new Uint8Array(1 << 22)))
    await crashing
    for (const bytes of await within(Promise.all(large))) assert.equal(bytes.length, 1 << 22)
  })

  test('Executor: 30,000 submits in one turn', async () => {
    const all = await within(Promise.all(range(30_000).map(n => suite.executor.submit(tasks.sqr, n & 1023))))
    assert.equal(all.length, 30_000)
    assert.equal(all[29_999], (29_999 & 1023) ** 2)
  })

  // ── Shutdown, Init ──

  test('ExecutorShutdownTest.test_run_after_shutdown — is refused', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1 })
    await executor.shutdown()
    await assert.rejects(executor.submit(tasks.sqr, 2), ClosedError)
    assert.throws(() => executor.map(tasks.sqr, [1]), ClosedError)
  })

  test('ExecutorShutdownTest.test_interpreter_shutdown, ExecutorShutdownTest.test_hang_gh83386 — a program that ends with a task runs it', async () => {
    const { code, stdout, stderr } = await program(`
      executor.submit(tasks.later, 'apple').then(console.log)
      await executor.shutdown({ wait: false })
    `)
    assert.deepEqual([code, stdout, stderr], [0, 'apple\n', ''])
  })

  test('ExecutorShutdownTest.test_submit_after_interpreter_shutdown — while the program exits it is refused', async () => {
    const { code, stdout, stderr } = await program(`
      import { inspect } from 'node:util'
      await executor.submit(tasks.sqr, 2)
      process.on('exit', () => {
        const late = executor.submit(tasks.sqr, 2)
        late.catch(() => {})
        console.log(/rejected[^]*it is exiting/.test(inspect(late)))
      })
    `)
    assert.deepEqual([code, stdout, stderr], [0, 'true\n', ''])
  })

  test('ExecutorShutdownTest.test_hang_issue12364 — shutdown waits for fifty', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const all = range(50).map(n => executor.submit(tasks.later, n))
    await within(executor.shutdown())
    assert.deepEqual(await Promise.all(all), range(50))
  })

  test('ExecutorShutdownTest.test_cancel_futures — what waits is cancelled, what was begun ends, nothing is left undecided', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const gate = new Event()
    const begun = new Queue()
    const all = range(50).map(n => executor.submit(tasks.meet, begun, gate, n))
    const settled = Promise.allSettled(all)
    await within(begun.get())
    await within(begun.get())
    const ended = executor.shutdown({ cancelPending: true })
    gate.set()
    await within(ended)
    const results = await settled
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
    for (const result of results) if (result.status === 'rejected') assert.ok(result.reason instanceof ClosedError)
  })

  test('ExecutorShutdownTest.test_hang_gh94440 — a task, then shutdown with cancelling', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 1 })
    await executor.submit(tasks.sqr, 1)
    const last = executor.submit(tasks.sqr, 2).catch(error => error)
    await within(executor.shutdown({ cancelPending: true }))
    assert.ok([4].includes(await last) || (await last) instanceof ClosedError)
  })

  test('ProcessPoolShutdownTest.test_processes_terminate — so many workers for blocked tasks, none after shutdown', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 3 })
    const gate = new Event()
    const all = range(3).map(() => executor.submit(tasks.waitFor, gate))
    assert.match(inspect(executor), /workers: 3/)
    gate.set()
    await within(Promise.all(all))
    await within(executor.shutdown())
    assert.match(inspect(executor), /workers: 0/)
  })

  test('ProcessPoolShutdownTest.test_context_manager_shutdown — results in its scope, no workers after it', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    {
      await using scoped = executor
      assert.deepEqual(await listOf(scoped.map(tasks.sqr, range(5))), squares(5))
    }
    assert.match(inspect(executor), /workers: 0/)
  })

  test('ProcessPoolShutdownTest.test_shutdown_no_wait — results come, and the workers end', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const results = executor.map(tasks.sqr, range(10))
    await executor.shutdown({ wait: false })
    assert.deepEqual(await within(listOf(results)), squares(10))
    await within(executor.shutdown())
  })

  test('ProcessPoolShutdownTest.test_shutdown_gh_132969_case_1, ProcessPoolShutdownTest.test_shutdown_gh_132969_case_2 — a limit of 1, a failure and no waiting', async t => {
    for (const maxWorkers of [2, 4]) {
      const executor = suite.newExecutor(t, { maxWorkers, maxTasksPerChild: 1 })
      const calls = [
        executor.submit(tasks.failsOnThree, 3),
        executor.submit(tasks.sqr, 2),
        executor.submit(tasks.sqr, 3),
      ]
      const settled = Promise.allSettled(calls)
      await executor.shutdown({ wait: false })
      assert.deepEqual(
        (await within(settled)).map(({ status }) => status),
        ['rejected', 'fulfilled', 'fulfilled'],
      )
      await within(executor.shutdown())
    }
  })

  test('InitializerMixin.test_initializer — every worker ran it before its first task', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2, initializer: tasks.initialise, initargs: ['done'] })
    assert.deepEqual(
      await within(Promise.all(range(4).map(() => executor.submit(tasks.whatWasInitialised)))),
      Array(4).fill('done'),
    )
  })

  test('FailingInitializerMixin.test_initializer — present and later submits fail, with its error', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2, initializer: tasks.initialiseBadly })
    await assert.rejects(within(executor.submit(tasks.sqr, 1)), RangeError)
    await assert.rejects(executor.submit(tasks.sqr, 1), (error: unknown) => {
      assert.ok(error instanceof InvalidStateError && error.cause instanceof RangeError)
      return true
    })
  })

  // ── futures: what wait() and as_completed() do is done by Promise ──

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
