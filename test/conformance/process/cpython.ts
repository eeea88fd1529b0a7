// CPython's own tests, Lib/test/_test_multiprocessing.py and test_multiprocessing_main_handling.py, told anew under their names.
import assert from 'node:assert/strict'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  activeChildren,
  cpuCount,
  currentProcess,
  Event,
  getAllStartMethods,
  getContext,
  getStartMethod,
  inspect,
  isMainProcess,
  Lock,
  Process,
  type ProcessOptions,
  parentProcess,
  Queue,
  type StartMethod,
  setStartMethod,
} from 'multiproc'
import * as targets from '../../fixtures/conformance-process.js'
import { checkout, run, until } from '../../support/children.ts'
import { LIMIT } from '../implementation.ts'
import type { ProcessSuite } from '../process.ts'
import { ended } from '../suite.ts'

const main = fileURLToPath(new URL('../../fixtures/conformance-process-main.js', import.meta.url))

export function fromCPython(suite: ProcessSuite): void {
  life(suite)
  ends(suite)
  failures(suite)
  startMethods(suite)
  mains(suite)
}

function life({ test, make, launch }: ProcessSuite): void {
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

function ends({ test, launch }: ProcessSuite): void {
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
    const { seats, sit } = await import('../../fixtures/conformance-process-resource.ts')
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

function failures({ method, test }: ProcessSuite): void {
  const program = (...args: string[]) => run([process.execPath, main, method, ...args])

  test('TestSubclassingProcess.test_stderr_flush — an uncaught error is on stderr whole: name, type, file and line', async () => {
    const { stdout, stderr } = await program('throwInside')
    assert.match(
      stderr,
      /^Process-1 \(pid \d+\) failed:\nRangeError: trouble inside\n {4}at throwInside \(.*conformance-process\.js:\d+:\d+\)/,
    )
    assert.equal(stdout, 'exit code 1\n')
  })

  test('TestSubclassingProcess.test_sys_exit — process.exit() gives its code; what is no whole number is an error, and gives 1', async () => {
    for (const [given, code] of [
      ['0', 0],
      ['1', 1],
      ['8', 8],
      ['undefined', 0],
      ['null', 0],
    ] as const) {
      assert.equal((await program('exitWith', given)).stdout, `exit code ${code}\n`, given)
    }
    const { stdout, stderr } = await program('exitWith', '"ignore this"')
    assert.match(stderr, /ERR_INVALID_ARG_TYPE/)
    assert.equal(stdout, 'exit code 1\n')
  })

  test('TestProcess.test_error_on_stdio_flush_1 — children run when the streams of their parent are closed', async () => {
    assert.equal((await program('writeBoth', 'closed')).code, 0)
  })

  test('TestProcess.test_error_on_stdio_flush_2 — and when the child closes or removes its own', async () => {
    for (const how of ['end', 'destroy', 'undefined', 'null']) {
      // not what the parent prints: it may share a socket that the child has shut down
      assert.equal((await program('withoutStreams', JSON.stringify(how))).code, 0, how)
    }
  })

  test('TestNoForkBomb.test_noforkbomb — a program that forgot isMainProcess fails with a clear error, and does not start itself again', async () => {
    const file = fileURLToPath(new URL('../../fixtures/conformance-process-unguarded.js', import.meta.url))
    const { code, stdout, stderr } = await run([process.execPath, file, method])
    assert.match(stderr, /Process-1 \(pid \d+\) failed while importing .*unguarded\.js/)
    assert.match(stderr, /put the start behind `if \(isMainProcess\)`/)
    assert.deepEqual([stdout, code], ['exit code 1\n', 0])
  })
}

function startMethods({ method, test, launch }: ProcessSuite): void {
  test('TestStartMethod.test_context — a context says its method, gives itself, refuses changes; its child has the same method', async t => {
    const context = getContext(method)
    assert.equal(context.getStartMethod(), method)
    assert.equal(context.getContext(), context)
    for (const other of getAllStartMethods()) {
      assert.throws(() => context.setStartMethod(other), { code: 'ERR_MULTIPROC_INVALID_STATE' })
    }
    const queue = new Queue<targets.Told>()
    for (const target of [targets.whoAmI, targets.whoIsMyChild]) {
      launch(t, { target, args: [queue] })
      assert.equal((await queue.get({ timeout: LIMIT })).method, method)
    }
    queue.close()
  })

  test('TestStartMethod.test_spawn_dont_set_context — a context leaves the method of the rest of the program alone', async t => {
    const before = getStartMethod()
    const other = getAllStartMethods().find(one => one !== method) as StartMethod
    t.after(() => setStartMethod(before))
    setStartMethod(other)
    assert.equal(await ended(launch(t, { target: targets.nothing })), 0)
    assert.equal(getStartMethod(), other)
  })

  test('TestStartMethod.test_set_get — the method can be set to each that there is, again and again', async t => {
    const before = getStartMethod()
    t.after(() => setStartMethod(before))
    for (const one of [...getAllStartMethods(), ...getAllStartMethods()]) {
      setStartMethod(one)
      assert.equal(getStartMethod(), one)
      assert.equal(getContext().getStartMethod(), one)
      assert.equal(getContext(), getContext(one))
    }
  })

  test('TestStartMethod.test_get_all_start_methods — all that there are, the default first', () => {
    const all = getAllStartMethods()
    assert.deepEqual(
      [all[0], all.includes('warm'), all.includes(method), new Set(all).size],
      ['spawn', true, true, all.length],
    )
  })

  test('TestStartMethod.test_nested_startmethod, TestStdinBadfiledescriptor.test_queue_in_process — a child hands its queue on to a child of its own', async t => {
    const queue = new Queue<string[]>()
    const child = launch(t, { target: targets.sendOn, args: [queue as never] })
    assert.deepEqual(await queue.get({ timeout: LIMIT }), ['from a grandchild'])
    assert.equal(await ended(child), 0)
    queue.close()
  })

  test('TestFlags.test_flags — options of Node are the same in a child and a grandchild', async t => {
    const execArgv = ['--stack-trace-limit=77', '--no-deprecation']
    const queue = new Queue<targets.Told>()
    launch(t, { target: targets.whoIsMyChild, args: [queue], execArgv })
    assert.deepEqual((await queue.get({ timeout: LIMIT })).execArgv, execArgv)
    queue.close()
  })

  test('TestSpawnedSysPath.test_child_sys_path — a child finds the packages that its parent finds', async t => {
    const queue = new Queue<string>()
    launch(t, { target: targets.resolveHere, args: [queue] })
    assert.equal(await queue.get({ timeout: LIMIT }), import.meta.resolve('multiproc'))
    queue.close()
  })
}

function mains({ method, test }: ProcessSuite): void {
  const source = `
    import { Queue, getContext, isMainProcess } from 'multiproc'
    export function square(queue, n) { queue.putSync(n * n) }
    if (isMainProcess) {
      const { Process } = getContext('${method}')
      const queue = new Queue()
      const children = [1, 2, 3].map(n => new Process({ target: square, args: [queue, n] }))
      for (const child of children) child.start()
      for (const child of children) child.joinSync()
      console.log((await queue.getMany(3)).sort().join(' '))
    }`

  const inFolder = async (
    files: Record<string, string>,
    program: (folder: string) => string,
    t: { after(fn: () => void): void },
  ) => {
    const folder = mkdtempSync(path.join(checkout, 'build/main-'))
    t.after(() => rmSync(folder, { recursive: true }))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
      writeFileSync(path.join(folder, name), text)
    }
    const packages = path.join(folder, 'node_modules')
    mkdirSync(packages, { recursive: true })
    symlinkSync(checkout, path.join(packages, 'multiproc'))
    const { stdout, stderr, code } = await run([process.execPath, program(folder)], { cwd: folder })
    assert.deepEqual([stdout, stderr, code], ['1 4 9\n', '', 0])
  }

  test('MainHandling.test_basic_script — functions of a script file', t =>
    inFolder({ 'script.mjs': source }, folder => path.join(folder, 'script.mjs'), t))

  test('MainHandling.test_basic_script_no_suffix — of one without a suffix, in a package of modules', t =>
    inFolder({ script: source, 'package.json': '{ "type": "module" }' }, folder => path.join(folder, 'script'), t))

  test('MainHandling.test_directory — of the entry of a folder', t =>
    inFolder(
      { 'index.js': source, 'package.json': '{ "type": "module", "main": "index.js" }' },
      folder => path.join(folder, 'index.js'),
      t,
    ))

  test('MainHandling.test_module_in_package — of a module beside others, started through a link', t =>
    inFolder(
      {
        'package.json': '{ "type": "module" }',
        'package/sibling.js': `export const two = 2`,
        'package/main.js': source
          .replace('n * n', 'n ** two')
          .replace('export', `import { two } from './sibling.js'\nexport`),
      },
      folder => {
        symlinkSync(path.join(folder, 'package/main.js'), path.join(folder, 'linked.js'))
        return path.join(folder, 'linked.js')
      },
      t,
    ))

  test('MainHandling.test_package — of a package that is installed', t =>
    inFolder(
      { 'node_modules/squares/index.mjs': source, 'node_modules/squares/package.json': '{ "name": "squares" }' },
      folder => {
        const run = path.join(folder, 'run.mjs')
        writeFileSync(run, `import 'squares/index.mjs'\n`)
        return run
      },
      t,
    ))
}
