// The tests of concurrent.futures for process pools, retold under their own names: how an executor begins and ends.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { ClosedError, Event, InvalidStateError, Queue } from 'multiproc'
import * as tasks from '../../../fixtures/pool.ts'
import { runNode } from '../../../support/children.ts'
import { listOf, type PoolSuite, range, squares, within } from '../../pool.ts'

export function ends(suite: PoolSuite): void {
  const { test, method } = suite
  const fixture = JSON.stringify(new URL('../../../fixtures/pool.js', import.meta.url).href)
  const program = (body: string) =>
    runNode(`
      import { getContext } from 'multiproc'
      import * as tasks from ${fixture}
      const executor = new (getContext('${method}').ProcessPoolExecutor)({ maxWorkers: 2 })
      ${body}
    `)

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
}
