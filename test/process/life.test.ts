// After CPython's test_multiprocessing: TestProcess (test_process, test_daemon_argument, test_terminate, test_kill,
// test_interrupt, test_close, test_many_processes, test_wait_for_threads …) and TestSubclassingProcess.test_sys_exit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { activeChildren, Pipe, Process, Queue } from 'multiproc'
import { currentSession, declareDead, participants, reserve, SLOTS } from '#inside'
import * as targets from '../fixtures/process-targets.js'
import { ended, exceptByThread, LIMIT, launch, outputOf, says } from './support.js'

test('Process: before, while and after it runs', async t => {
  const child = new Process({ target: targets.sleep, stdio: 'pipe' })
  assert.deepEqual([child.pid, child.exitCode, child.isAlive(), child.daemon], [undefined, null, false, false])
  assert.deepEqual([child.stdout, child.stderr], [null, null])
  child.start()
  t.after(() => child.kill())
  assert.equal(typeof child.pid, 'number')
  assert.deepEqual([child.exitCode, child.isAlive()], [null, true])
  assert.deepEqual(activeChildren(), [child])
  await says(child, 'asleep')
  child.terminate()
  assert.equal(await ended(child), -15)
  assert.deepEqual(activeChildren(), [])
  assert.equal(typeof child.pid, 'number')
})

test('Process.name: Process-n by default, counted as they are made; any other when given', async t => {
  const [first, named, third] = [{}, { name: 'reader' }, {}].map(
    more => new Process({ target: targets.whoAmI, stdio: 'pipe', ...more }),
  )
  assert.match(first.name, /^Process-\d+$/)
  assert.equal(named.name, 'reader')
  assert.equal(third.name, `Process-${Number(first.name.slice(8)) + 2}`)
  t.after(() => named.kill())
  named.start()
  assert.equal(JSON.parse((await outputOf(named)).stdout).name, 'reader')
})

test('Process runs its target with the arguments it was given', async t => {
  const cycle: Record<string, unknown> = { name: 'cycle' }
  cycle.self = cycle
  const args = [
    1,
    -0,
    NaN,
    12n ** 30n,
    'text ✓ 𝄞',
    null,
    undefined,
    true,
    [1, [2, [3]]],
    new Date(86_400_000),
    /a.b/giu,
    new Map([[{ k: 1 }, new Set([1, 'a'])]]),
    new Uint8Array([1, 2, 3]),
    new Float64Array([0.5]),
    new TypeError('sent', { cause: 'why' }).message,
    cycle,
  ]
  const child = launch(t, { target: targets.show, args, stdio: 'pipe' })
  const { stdout, exitCode } = await outputOf(child)
  assert.equal(stdout, inspect(args, { depth: 10, maxArrayLength: 3, sorted: true }))
  assert.equal(exitCode, 0)
})

test('Process passes on arguments larger than any pipe', async t => {
  const bytes = new Uint8Array(20_000_000).fill(7)
  const child = launch(t, { target: targets.show, args: [bytes], stdio: 'pipe' })
  assert.match((await outputOf(child)).stdout, /Uint8Array\(20000000\) \[ 7, 7, 7, \.\.\. 19999997 more items \]/)
})

test('Process passes on handles nested in its arguments: they are the same objects there', async t => {
  const queue = new Queue<string>()
  const child = launch(t, { target: targets.answerIn, args: [{ nested: [{ queue }] }], name: 'answerer' })
  assert.equal(await queue.get({ timeout: LIMIT }), 'from answerer')
  assert.equal(await ended(child), 0)
  queue.close()
})

test('Process.start() with an argument that cannot travel starts nothing, and names it', () => {
  const child = new Process({ target: targets.show, args: [{ list: [1, () => 2] }] })
  assert.throws(() => child.start(), { code: 'ERR_MULTIPROC_NOT_SERIALIZABLE', path: 'args[0].list[1]' })
  assert.equal(child.pid, undefined)
  assert.deepEqual(activeChildren(), [])
})

test('Process cannot travel itself, and says what to send', async () => {
  const child = new Process({ target: targets.nothing, name: 'stays' })
  const message = /to be a value that can travel to another process, got the Process stays; .* its name or its pid/
  const refused = { code: 'ERR_MULTIPROC_NOT_SERIALIZABLE', message }
  await assert.rejects(new Queue().put([{ child }]), { ...refused, path: 'value[0].child' })
  assert.throws(() => Pipe()[0].sendSync(child), { ...refused, path: 'value' })
  assert.throws(() => new Process({ target: targets.nothing, args: [child] as any }).start(), {
    ...refused,
    path: 'args[0]',
  })
})

test('Process.start() twice throws, and the first run goes on', async t => {
  const child = launch(t, { target: targets.nothing })
  assert.throws(() => child.start(), { code: 'ERR_MULTIPROC_INVALID_STATE', message: /a Process runs once/ })
  assert.equal(await ended(child), 0)
  assert.throws(() => child.start(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
})

test('Process.start() and close() by what packs its arguments throw, and one child is started', async t => {
  const codes: unknown[] = []
  const outcome = (fn: () => void) => {
    try {
      fn()
    } catch (error) {
      codes.push((error as { code: unknown }).code)
    }
  }
  const argument = {
    get value() {
      outcome(() => child.start())
      outcome(() => child.close())
      return 1
    },
  }
  const child: Process = new Process({ target: targets.show, args: [argument], stdio: 'ignore' })
  child.start()
  t.after(() => child.kill())
  assert.ok(codes.length >= 2 && codes.every(code => code === 'ERR_MULTIPROC_INVALID_STATE'), inspect(codes))
  assert.deepEqual(activeChildren(), [child])
  assert.equal(await ended(child), 0)
})

test('Process.start() finds a place when all are taken by the dead whom nobody has noticed', async t => {
  const { w } = currentSession()
  const gone = reserve(w, 0, 'gone')
  declareDead(w, gone)
  while (participants(w).length < SLOTS) reserve(w, gone, 'never begins')
  assert.equal(await ended(launch(t, { target: targets.nothing })), 0)
})

for (const [title, target, args, exitCode] of [
  ['0 when the target returned', targets.nothing, [], 0],
  ['n after process.exit(n)', targets.exitWith, [42], 42],
  ['n after process.exitCode = n', targets.setExitCode, [9], 9],
  ['1 when the target threw', targets.throwAtOnce, [], 1],
  ['1 when the promise of the target rejected', targets.reject, [], 1],
  ['0 after process.exit(0), also in work begun at the last moment', targets.exitAfterAll, [], 0],
  ['13 when the promise of the target can never settle', targets.never, [], 13],
] as [string, (...args: never[]) => unknown, unknown[], number][]) {
  test(`Process.exitCode is ${title}`, async t => {
    assert.equal(await ended(launch(t, { target: target as () => void, args: args as [] })), exitCode)
  })
}

for (const [method, exitCode] of [
  ['terminate', -15],
  ['kill', -9],
  ['interrupt', -2],
] as const) {
  for (const state of ['sleep', 'spin'] as const) {
    test(`Process.${method}() ends a child in ${state}(): exit code ${exitCode}; afterwards it does nothing`, async t => {
      const target = state === 'sleep' ? targets.sleep : targets.spin
      const child = launch(t, { target, stdio: 'pipe' })
      await says(child, state === 'sleep' ? 'asleep' : 'spinning')
      await child.join({ timeout: 0 })
      assert.equal(child.isAlive(), true)
      child[method]()
      assert.equal(await ended(child), exitCode)
      child[method]()
      assert.equal(child.exitCode, exitCode)
    })
  }
}

test(
  'Process.interrupt() leaves the exit code to a child that handles the signal',
  exceptByThread('a signal cannot be sent to a thread'),
  async t => {
    const child = launch(t, { target: targets.handleInterrupt, stdio: 'pipe' })
    await says(child, 'asleep')
    child.interrupt()
    assert.equal(await ended(child), 7)
  },
)

test('Process: many that end at once all have exit code 0', async t => {
  const children = Array.from({ length: 20 }, () => launch(t, { target: targets.nothing }))
  assert.deepEqual(await Promise.all(children.map(ended)), new Array(20).fill(0))
})

test('Process: many that are terminated right after start() all have exit code -15', async t => {
  const children = Array.from({ length: 8 }, () => launch(t, { target: targets.sleep }))
  for (const child of children) child.terminate()
  assert.deepEqual(await Promise.all(children.map(ended)), new Array(8).fill(-15))
})

test('Process ends only when its event loop is empty; what is unrefed does not count', async t => {
  const child = launch(t, { target: targets.endLater, stdio: 'pipe' })
  const { stdout, exitCode } = await outputOf(child)
  assert.equal(stdout, 'the timer')
  assert.equal(exitCode, 0)
})

test('Process members that need a started child throw before start()', async () => {
  const child = new Process({ target: targets.nothing })
  const state = { code: 'ERR_MULTIPROC_INVALID_STATE', message: /call start\(\) first/ }
  assert.throws(() => child.joinSync(), state)
  assert.throws(() => child.terminate(), state)
  assert.throws(() => child.kill(), state)
  assert.throws(() => child.interrupt(), state)
  await assert.rejects(child.join(), state)
  await child[Symbol.asyncDispose]()
})

test('Process.close() while it runs throws; afterwards every member that asks for the child throws', async t => {
  const child = launch(t, { target: targets.sleep, name: 'closing' })
  assert.throws(() => child.close(), { code: 'ERR_MULTIPROC_INVALID_STATE', message: /closing to have ended/ })
  child.kill()
  await ended(child)
  child.close()
  child.close()
  const closed = { code: 'ERR_MULTIPROC_CLOSED' }
  for (const use of [
    () => child.pid,
    () => child.exitCode,
    () => child.stdout,
    () => child.stderr,
    () => child.isAlive(),
    () => child.start(),
    () => child.joinSync(),
    () => child.terminate(),
    () => child.kill(),
    () => child.interrupt(),
  ]) {
    assert.throws(use, closed)
  }
  await assert.rejects(child.join(), closed)
  await child[Symbol.asyncDispose]()
  assert.equal(child.name, 'closing')
})

test('Process: leaving its scope terminates and joins it', async () => {
  const child = new Process({ target: targets.sleep, stdio: 'ignore' })
  child.start()
  await child[Symbol.asyncDispose]()
  assert.equal(child.isAlive(), false)
  assert.equal(child.exitCode, -15)
})

test('Process is shown with name, pid, status, exit code and daemon', async t => {
  const child = new Process({ target: targets.sleep, name: 'shown', daemon: true, stdio: 'ignore' })
  const show = () => inspect(child, { breakLength: Infinity })
  assert.equal(show(), "Process { name: 'shown', pid: undefined, status: 'initial', exitCode: null, daemon: true }")
  child.start()
  const { pid } = child
  t.after(() => child.close())
  assert.equal(show(), `Process { name: 'shown', pid: ${pid}, status: 'started', exitCode: null, daemon: true }`)
  child.kill()
  child.joinSync({ timeout: LIMIT })
  assert.equal(show(), `Process { name: 'shown', pid: ${pid}, status: 'stopped', exitCode: -9, daemon: true }`)
  child.close()
  assert.equal(show(), "Process { name: 'shown', pid: undefined, status: 'closed', exitCode: null, daemon: true }")
})
