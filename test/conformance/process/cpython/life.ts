// CPython's own tests, Lib/test/_test_multiprocessing.py, told anew under their names: a process from its making to its end.
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  activeChildren,
  cpuCount,
  currentProcess,
  isMainProcess,
  Process,
  type ProcessOptions,
  parentProcess,
  Queue,
} from 'multiproc'
import * as targets from '../../../fixtures/conformance-process.js'
import { until } from '../../../support/children.ts'
import { LIMIT } from '../../implementation.ts'
import type { ProcessSuite } from '../../process.ts'
import { ended } from '../../suite.ts'

export function life({ test, make, launch }: ProcessSuite): void {
  test('TestProcess.test_current — the current process: alive, no daemon, a key, its pid, no exit code', () => {
    const { name, pid, daemon, authkey } = currentProcess()
    assert.deepEqual([name, pid, daemon, authkey.length, isMainProcess], ['MainProcess', process.pid, false, 32, true])
  })

  test('TestProcess.test_args_argument — arguments of every kind arrive as they were', async t => {
    const queue = new Queue()
    for (const args of [[], ['text'], [1, 2], [['nested', ['list']], new Set([1])], [undefined, null]]) {
      const child = launch(t, { target: targets.give, args: [queue, ...args] })
      assert.deepEqual(await queue.get({ timeout: LIMIT }), args)
      assert.equal(await ended(child), 0)
    }
    queue.close()
  })

  test('TestProcess.test_daemon_argument — false by default, true or false when given', () => {
    assert.equal(make({ target: targets.nothing }).daemon, false)
    for (const daemon of [true, false]) assert.equal(make({ target: targets.nothing, daemon }).daemon, daemon)
  })

  test('TestProcess.test_parent_process_attributes — a main program has no parent; a child knows its pid and name', async t => {
    const queue = new Queue<targets.Told>()
    assert.equal(parentProcess(), null)
    launch(t, { target: targets.whoAmI, args: [queue] })
    const { parent } = await queue.get({ timeout: LIMIT })
    assert.deepEqual(parent, { name: 'MainProcess', pid: process.pid, alive: true })
    queue.close()
  })

  test('TestProcess.test_parent_process — a grandchild sees its parent alive, and dead once that is terminated', async t => {
    const queue = new Queue<unknown[]>()
    const child = launch(t, { target: targets.startWatcherAndStay, args: [queue] })
    assert.deepEqual(await queue.get({ timeout: LIMIT }), [child.pid, child.name, true])
    child.terminate()
    assert.deepEqual(await queue.get({ timeout: LIMIT }), [child.pid, child.name, false])
    queue.close()
  })

  test('TestProcess.test_process — before, while and after it runs; name, key and pid reach the child', async t => {
    const [queue, name] = [new Queue<targets.Told>(), 'a name of its own']
    const child = make({ target: targets.whoAmI, args: [queue], name, daemon: true })
    assert.deepEqual([child.pid, child.isAlive(), child.exitCode, child.daemon], [undefined, false, null, true])
    assert.ok(!activeChildren().includes(child))
    child.start()
    t.after(() => child.kill())
    assert.deepEqual([child.exitCode, child.isAlive(), activeChildren().includes(child)], [null, true, true])
    const told = await queue.get({ timeout: LIMIT })
    assert.deepEqual([told.name, told.pid, told.daemon, told.main, told.active], [name, child.pid, true, false, 0])
    assert.deepEqual(told.authkey, currentProcess().authkey)
    assert.equal(await ended(child), 0)
    assert.ok(!activeChildren().includes(child))
    queue.close()
  })

  test('TestProcess.test_process_mainthread_native_id — the child is another process', async t => {
    const queue = new Queue<targets.Told>()
    const child = launch(t, { target: targets.whoAmI, args: [queue] })
    const { pid } = await queue.get({ timeout: LIMIT })
    assert.notEqual(pid, process.pid)
    assert.equal(pid, child.pid)
    queue.close()
  })

  test('TestProcess.test_cpu_count — a whole number of at least 1', () => {
    assert.ok(Number.isInteger(cpuCount()) && cpuCount() >= 1)
  })

  test('TestProcess.test_active_children — in the list between start and join only', async t => {
    assert.deepEqual(activeChildren(), [])
    const waiting = launch(t, { target: targets.stay })
    assert.deepEqual(activeChildren(), [waiting])
    waiting.kill()
    await waiting.join()
    assert.deepEqual(activeChildren(), [])
  })

  test('TestProcess.test_recursion — a tree of children, each joined, reports depth first; each has the name of its place', async t => {
    const queue = new Queue<[number[], string]>()
    const child = launch(t, { target: targets.grow, args: [queue, []] })
    assert.equal(await ended(child), 0)
    const places = [[], [0], [0, 0], [0, 1], [1], [1, 0], [1, 1]]
    for (const place of places) {
      const name = [child.name, ...place.map(n => n + 1)].join(':')
      assert.deepEqual(queue.getNowait(), [place, name])
    }
    assert.equal(queue.empty(), true)
    queue.close()
  })

  test('TestProcess.test_sentinel — join() is what can be waited for: not before start(), not while it runs, after its end', async t => {
    const child = make({ target: targets.stay })
    await assert.rejects(child.join(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
    child.start()
    t.after(() => child.kill())
    let over = false
    const joined = child.join().then(() => (over = true))
    await child.join({ timeout: 0 })
    assert.equal(over, false)
    child.terminate()
    await joined
    child.joinSync({ timeout: 0 })
    assert.equal(child.isAlive(), false)
  })

  test('TestProcess.test_close — not while it runs; afterwards again and again, and other members fail', async t => {
    const child = launch(t, { target: targets.stay })
    assert.throws(() => child.close(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
    child.kill()
    await ended(child)
    child.close()
    child.close()
    assert.throws(() => child.isAlive(), { code: 'ERR_MULTIPROC_CLOSED' })
    assert.throws(() => child.exitCode, { code: 'ERR_MULTIPROC_CLOSED' })
    await assert.rejects(child.join(), { code: 'ERR_MULTIPROC_CLOSED' })
  })

  test('TestProcess.test_lose_target_ref — after start() nothing here keeps what the child was given', async t => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const given = (() => {
      const args: unknown[] = [{ large: 'thing' }]
      launch(t, { target: targets.stay, args: args as [] })
      return new WeakRef(args[0] as object)
    })()
    await until(
      () => {
        collect()
        return given.deref() === undefined
      },
      LIMIT,
      'what was given to be collected',
    )
  })

  test('TestProcess.test_child_fd_inflation — children have the same number of descriptors, however many siblings run', async t => {
    const queue = new Queue<targets.Told>()
    const counts: number[] = []
    for (let n = 0; n < 6; n++) {
      const child = launch(t, { target: targets.whoAmI, args: [queue] })
      counts.push((await queue.get({ timeout: LIMIT })).files.length)
      assert.equal(await ended(child), 0)
      launch(t, { target: targets.stay })
    }
    // a spare that booted in advance has some of Node's own open already; siblings never count
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 4, counts.join(' '))
    queue.close()
  })

  test('TestProcess.test_wait_for_threads — a child ends once its event loop is empty; what is unrefed does not count', async t => {
    const queue = new Queue<string>()
    const child = launch(t, { target: targets.endLater, args: [queue] })
    assert.equal(await ended(child), 0)
    assert.equal(queue.getNowait(), 'the timer')
    assert.equal(queue.empty(), true)
    queue.close()
  })

  test('TestSubclassingProcess.test_subclassing — a subclass serves requests over queues of its own', async t => {
    class Doubler extends (make({ target: targets.nothing }).constructor as typeof Process) {
      readonly requests: Queue<number | undefined>
      readonly replies: Queue<number>
      constructor() {
        const [requests, replies] = [new Queue<number | undefined>(), new Queue<number>()]
        super({ target: targets.serve, args: [requests, replies] })
        this.requests = requests
        this.replies = replies
      }
      async double(n: number): Promise<number> {
        await this.requests.put(n)
        return this.replies.get({ timeout: LIMIT })
      }
    }
    const child = new Doubler()
    child.start()
    t.after(() => child.kill())
    assert.deepEqual([await child.double(21), await child.double(-1)], [42, -2])
    assert.deepEqual(activeChildren(), [child])
    await child.requests.put(undefined)
    assert.equal(await ended(child), 0)
    class Overriding extends Process {
      run(): void {}
    }
    assert.throws(() => new Overriding({} as ProcessOptions<[]>), {
      code: 'ERR_MULTIPROC_ARGUMENT_TYPE',
      message: /run\(\) of a subclass does not travel: export a function/,
    })
    child.requests.close()
    child.replies.close()
  })
}
