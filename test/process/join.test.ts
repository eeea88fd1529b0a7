import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Process } from 'multiproc'
import { currentSession, participants } from '#inside'
import { ticksOf } from '../conformance/stat.js'
import * as targets from '../fixtures/process-targets.js'
import { run, runNode } from '../support/children.js'
import { isAlive } from '../support/processes.js'
import { ended, LIMIT, launch, method } from './support.js'

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')
const still = new Int32Array(new SharedArrayBuffer(4))

test('Process.join() at its timeout resolves, and the child goes on', async t => {
  const child = launch(t, { target: targets.sleep })
  await child.join({ timeout: 0 })
  await child.join({ timeout: 1 })
  assert.equal(child.isAlive(), true)
})

test('Process.join() twice, at the same time and afterwards, resolves each time', async t => {
  const child = launch(t, { target: targets.nothing })
  await Promise.all([child.join({ timeout: LIMIT }), child.join({ timeout: LIMIT })])
  assert.equal(child.exitCode, 0)
  await child.join()
  child.joinSync()
})

test('Process.join() that timed out leaves nothing behind, however often', async t => {
  const child = launch(t, { target: targets.sleep })
  const joins = async () => {
    await Promise.all(Array.from({ length: 5000 }, () => child.join({ timeout: 1 })))
    gc()
    return process.memoryUsage().heapUsed
  }
  await joins()
  const before = await joins()
  for (let n = 0; n < 4; n++) await joins()
  const left = (await joins()) - before
  assert.ok(left < 1_000_000, `${left} bytes of 25,000 joins`)
})

test('Process.join() aborted rejects with the reason, and the child goes on', async t => {
  const child = launch(t, { target: targets.sleep })
  const reason = new Error('enough')
  const aborter = new AbortController()
  const joining = child.join({ signal: aborter.signal })
  aborter.abort(reason)
  await assert.rejects(joining, error => error === reason)
  await assert.rejects(child.join({ signal: AbortSignal.abort(reason) }), error => error === reason)
  assert.equal(child.isAlive(), true)
})

test('Process.join() with a timeout or a signal that cannot be rejects with a typed error', async t => {
  const child = launch(t, { target: targets.sleep })
  await assert.rejects(child.join({ timeout: -1 }), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
  await assert.rejects(child.join({ timeout: 0.5 }), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
  await assert.rejects(child.join({ timeout: '1' as never }), { code: 'ERR_MULTIPROC_ARGUMENT_TYPE' })
  await assert.rejects(child.join({ signal: {} as never }), { code: 'ERR_MULTIPROC_ARGUMENT_TYPE' })
  assert.throws(() => child.joinSync({ timeout: -1 }), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
})

test('start(), then joinSync(), needs no turn of the event loop', t => {
  const child = launch(t, { target: targets.exitWith, args: [5] })
  child.joinSync({ timeout: LIMIT })
  assert.equal(child.isAlive(), false)
  assert.equal(child.exitCode, 5)
})

test('Process.joinSync() at its timeout returns, and the child goes on', t => {
  const child = launch(t, { target: targets.sleep })
  child.joinSync({ timeout: 0 })
  child.joinSync({ timeout: 1 })
  assert.equal(child.isAlive(), true)
  child.kill()
  child.joinSync({ timeout: LIMIT })
  assert.equal(child.exitCode, -9)
})

test('Process.joinSync() of several, one after the other, in any order', t => {
  const children = [1, 2, 3].map(code => launch(t, { target: targets.exitWith, args: [code] }))
  for (const child of children.toReversed()) child.joinSync({ timeout: LIMIT })
  assert.deepEqual(
    children.map(({ exitCode }) => exitCode),
    [1, 2, 3],
  )
})

test('after join() of one, another that ended at the same moment has its exit code too', async t => {
  const [first, second] = [5, 6].map(code => launch(t, { target: targets.exitWith, args: [code] }))
  const joined = first.join({ timeout: LIMIT })
  // the event loop stands still until both have ended: then it collects both before it reports one
  const deadline = Date.now() + LIMIT
  // all threads have the pid of this process, which goes on
  const isAtWork = ({ name, pid }: Process) =>
    method === 'thread'
      ? participants(currentSession().w).some(one => one.name === name && one.alive)
      : isAlive(pid as number)
  while ([first, second].some(isAtWork) && Date.now() < deadline) Atomics.wait(still, 0, 0, 5)
  await joined
  assert.deepEqual([first.isAlive(), first.exitCode, second.isAlive(), second.exitCode], [false, 5, false, 6])
})

test('Process.joinSync() asleep uses no processor', async t => {
  const child = launch(t, { target: targets.sleep })
  // of this thread alone: the child may be another one, which boots
  const me = `/proc/self/task/${process.pid}`
  const before = ticksOf(me)
  child.joinSync({ timeout: 300 })
  const used = ticksOf(me) - before
  assert.ok(used < 15, `${used} ticks of 30`)
  child.kill()
  await ended(child)
})

const program = (options: string, after: string) => `
  import { Process, setStartMethod } from 'multiproc'
  setStartMethod('${method}')
  const child = new Process({ target: { module: ${JSON.stringify(new URL('../fixtures/process-targets.js', import.meta.url).href)}, name: 'endLater' }, stdio: 'ignore', ${options} })
  process.on('exit', () => console.log('alive at exit:', child.isAlive(), child.exitCode))
  child.start()
  ${after}`

test('a running child keeps the event loop of its parent alive', async () => {
  const { stdout, stderr } = await runNode(program('', ''))
  assert.equal(stdout, 'alive at exit: false 0\n', stderr)
})

test('a daemon does not keep the event loop of its parent alive; join() of it does', async () => {
  assert.match((await runNode(program('daemon: true', ''))).stdout, /^alive at exit: true null\n$/)
  assert.match((await runNode(program('daemon: true', 'await child.join()'))).stdout, /^alive at exit: false 0\n$/)
})

test('a program that forgot isMainProcess does not start itself again and again: its child refuses, and says how to mend it', async () => {
  const file = new URL('../fixtures/process-unguarded.js', import.meta.url).pathname
  const { code, stdout, stderr } = await run([process.execPath, file])
  // the child refuses to start itself again, and says how to mend it
  assert.match(stderr, /Process-1 \(pid \d+\) failed while importing .*process-unguarded\.js/)
  assert.match(stderr, /put the start behind `if \(isMainProcess\)`/)
  assert.equal(stdout, 'exit code 1\n')
  assert.equal(code, 0)
})
