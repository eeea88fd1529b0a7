// CPython's own tests, Lib/test/_test_multiprocessing.py, told anew under their names: how processes end, and what is left of them.
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { activeChildren, Event, inspect, Lock, Queue } from 'multiproc'
import * as targets from '../../../fixtures/conformance-process.js'
import { until } from '../../../support/children.ts'
import { LIMIT } from '../../implementation.ts'
import type { ProcessSuite } from '../../process.ts'
import { ended } from '../../suite.ts'

export function ends({ test, launch }: ProcessSuite): void {
  for (const [name, how, code] of [
    ['TestProcess.test_terminate', 'terminate', -15],
    ['TestProcess.test_kill', 'kill', -9],
    ['TestProcess.test_interrupt_no_handler', 'interrupt', -2],
  ] as const) {
    test(`${name} — ${how}() ends a sleeping child: joined in vain before, dead afterwards, exit code ${code}`, async t => {
      const child = launch(t, { target: targets.stay })
      await child.join({ timeout: 0 })
      child.joinSync({ timeout: 0 })
      assert.throws(() => child.joinSync({ timeout: -1 }), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
      assert.deepEqual([child.isAlive(), activeChildren().includes(child)], [true, true])
      child[how]()
      child.joinSync({ timeout: LIMIT })
      assert.deepEqual([child.isAlive(), activeChildren().includes(child), child.exitCode], [false, false, code])
      await child.join()
    })
  }

  test('TestProcess.test_interrupt — a child that handles the signal decides about its exit code', async t => {
    const ready = new Event()
    const child = launch(t, { target: targets.handleInterrupt, args: [ready] })
    await ready.wait({ timeout: LIMIT })
    child.interrupt()
    assert.equal(await ended(child), 7)
    ready.close()
  })

  test('TestProcess.test_many_processes — many that end at once: 0; many terminated right after start(): -15', async t => {
    const many = Array.from({ length: 10 }, () => launch(t, { target: targets.nothing }))
    for (const child of many) assert.equal(await ended(child), 0)
    const terminated = Array.from({ length: 10 }, () => launch(t, { target: targets.stay }))
    for (const child of terminated) child.terminate()
    for (const child of terminated) assert.equal(await ended(child), -15)
  })

  test('TestAtExit.test_atexit — what a child registered for its end runs', async t => {
    const queue = new Queue<string>()
    const child = launch(t, { target: targets.atExit, args: [queue] })
    assert.equal(await ended(child), 0)
    assert.equal(queue.getNowait(), 'left with 0')
    queue.close()
  })

  test('TestPollEintr.test_poll_eintr — join() and joinSync() go on after a signal that the parent handles', async t => {
    let seen = 0
    const onSignal = () => seen++
    process.on('SIGWINCH', onSignal)
    t.after(() => process.off('SIGWINCH', onSignal))
    const [first, second] = [launch(t, { target: targets.stay }), launch(t, { target: targets.stay })]
    const joined = first.join({ timeout: LIMIT })
    process.kill(process.pid, 'SIGWINCH')
    await until(() => seen === 1, LIMIT, 'the signal')
    first.kill()
    await joined
    assert.equal(first.exitCode, -9)
    process.kill(process.pid, 'SIGWINCH')
    second.kill()
    second.joinSync({ timeout: LIMIT })
    assert.equal(second.exitCode, -9)
    await until(() => seen === 2, LIMIT, 'the second signal')
  })

  test('TestResourceTracker.test_resource_tracker — what a terminated process held and made is not lost, and goes with its last user', async t => {
    const [lock, queue, held] = [new Lock(), new Queue(), new Event()]
    const child = launch(t, { target: targets.holdBoth, args: [lock, queue, held] })
    await held.wait({ timeout: LIMIT })
    child.terminate()
    assert.equal(await ended(child), -15)
    const again = await lock.acquire({ timeout: LIMIT })
    assert.equal(again.abandoned, true)
    again.release()
    assert.equal(queue.getNowait(), 'made by the one that is terminated')
    for (const object of [lock, queue, held]) object.close()
  })

  test('TestNamedResource.test_global_named_resource_spawn — what a module makes when it is imported each child has anew, and nothing is left of it', async t => {
    const { seats, sit } = await import('../../../fixtures/conformance-process-resource.ts')
    const semaphores = () => inspect().objects.filter(({ kind }) => kind === 'Semaphore').length
    const before = semaphores()
    const queue = new Queue<number>()
    const held = seats.tryAcquire()
    for (const _ of [1, 2]) {
      const child = launch(t, { target: sit, args: [queue] })
      assert.equal(await queue.get({ timeout: LIMIT }), 0)
      assert.equal(await ended(child), 0)
      await until(() => semaphores() === before, LIMIT, 'the child’s own to be gone')
    }
    held?.release()
    queue.close()
  })

  test('TestCloseFds.test_closefd — a descriptor of the parent is not open in its child', async t => {
    const folder = mkdtempSync(path.join(tmpdir(), 'closefd-'))
    const file = path.join(folder, 'opened by the parent')
    const fd = openSync(file, 'w')
    t.after(() => {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    })
    const queue = new Queue<targets.Told>()
    launch(t, { target: targets.whoAmI, args: [queue] })
    const { files } = await queue.get({ timeout: LIMIT })
    assert.ok(!files.includes(file))
    queue.close()
  })
}
