// After CPython's TestProcess: test_current, test_parent_process_attributes, test_parent_process, test_active_children,
// test_recursion, test_cpu_count.
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import {
  activeChildren,
  cpuCount,
  currentProcess,
  freezeSupport,
  getAllStartMethods,
  getStartMethod,
  isMainProcess,
  Process,
  parentProcess,
  setStartMethod,
} from 'multiproc'
import * as targets from '../fixtures/process-targets.js'
import { ended, exceptByThread, launch, method, outputOf, says } from './support.js'

test('the main process: its name, no parent, 32 secret bytes that stay the same', () => {
  const { name, pid, daemon, authkey } = currentProcess()
  assert.deepEqual([name, pid, daemon, authkey.length], ['MainProcess', process.pid, false, 32])
  assert.deepEqual(currentProcess().authkey, authkey)
  assert.equal(parentProcess(), null)
  assert.equal(isMainProcess, true)
})

test('currentProcess().authkey is a copy: to write on it changes nothing', () => {
  const { authkey } = currentProcess()
  authkey.fill(0)
  assert.notDeepEqual(currentProcess().authkey, authkey)
})

test('a child knows its name, its parent and the secret of the family', async t => {
  const child = launch(t, { target: targets.whoAmI, stdio: 'pipe' })
  const told = JSON.parse((await outputOf(child)).stdout)
  assert.equal(told.name, child.name)
  assert.equal(told.pid, child.pid)
  assert.equal(told.daemon, false)
  assert.equal(told.isMainProcess, false)
  assert.deepEqual(told.parent, { name: 'MainProcess', pid: process.pid, alive: true })
  assert.equal(told.authkey, Buffer.from(currentProcess().authkey).toString('hex'))
  assert.equal(told.active, 0)
  assert.deepEqual(told.argv, process.argv.slice(2))
})

test('a daemon knows that it is one', async t => {
  const child = launch(t, { target: targets.whoAmI, stdio: 'pipe', daemon: true })
  assert.equal(JSON.parse((await outputOf(child)).stdout).daemon, true)
})

test('a worker thread of a child knows that it is in a child', async t => {
  const child = launch(t, { target: targets.whoIsMyThread, stdio: 'pipe' })
  const told = JSON.parse((await outputOf(child)).stdout)
  assert.deepEqual(told, { name: child.name, pid: child.pid, isMainProcess: false })
})

test('a daemon may not have children', async t => {
  const child = launch(t, { target: targets.tryToHaveAChild, stdio: 'pipe', daemon: true })
  assert.equal((await outputOf(child)).stdout, '"ERR_MULTIPROC_INVALID_STATE"')
})

test('a tree of children, each joined, reports in depth-first order; each is named after its place', async t => {
  const child = launch(t, { target: targets.grow, args: [[]], stdio: 'pipe' })
  const name = child.name
  const lines = (await outputOf(child)).stdout.split(';').slice(0, -1)
  const places = ['', '0', '0.0', '0.0.0', '0.0.1', '0.1', '0.1.0', '0.1.1']
  const mirrored = ['1', '1.0', '1.0.0', '1.0.1', '1.1', '1.1.0', '1.1.1']
  const nameOf = (place: string) =>
    [
      name,
      ...place
        .split('.')
        .filter(Boolean)
        .map(n => Number(n) + 1),
    ].join(':')
  assert.deepEqual(
    lines,
    [...places, ...mirrored].map(place => `${place}=${nameOf(place)}`),
  )
})

test('activeChildren() lists a child between start and end, in the order of their start, in a new array', async t => {
  const first = new Process({ target: targets.sleep, stdio: 'ignore' })
  assert.deepEqual(activeChildren(), [])
  first.start()
  const second = launch(t, { target: targets.sleep })
  t.after(() => first.kill())
  assert.deepEqual(activeChildren(), [first, second])
  activeChildren().pop()
  assert.equal(activeChildren().length, 2)
  first.kill()
  first.joinSync()
  assert.deepEqual(activeChildren(), [second])
  second.kill()
  await ended(second)
  assert.deepEqual(activeChildren(), [])
})

test(
  'parentProcess().isAlive() in a grandchild turns false when its parent is killed; the grandchild goes on',
  exceptByThread('what it prints goes with the parent; thread-life.test.ts'),
  async t => {
    const child = launch(t, { target: targets.startAndBeKilled, stdio: 'pipe' })
    await says(child, `parent ${child.pid} alive: true`)
    const rest = says(child, `parent ${child.pid} alive: false`)
    child.kill()
    await rest
  },
)

test('cpuCount() is a whole number from 1 to what the machine offers', () => {
  assert.ok(Number.isInteger(cpuCount()) && cpuCount() >= 1 && cpuCount() <= availableParallelism())
})

test('freezeSupport() does nothing', () => {
  assert.equal(freezeSupport(), undefined)
})

test('start methods: spawn is the first; what is not there is refused with what is', () => {
  assert.deepEqual(getAllStartMethods(), ['spawn', 'warm', 'thread'])
  for (const one of getAllStartMethods()) {
    setStartMethod(one)
    assert.equal(getStartMethod(), one)
  }
  setStartMethod(method)
  for (const other of ['forkserver', 'fork']) {
    assert.throws(() => setStartMethod(other as 'spawn'), {
      code: 'ERR_MULTIPROC_ARGUMENT_RANGE',
      message: /one of those this version has \(spawn, warm, thread\)/,
    })
  }
  assert.equal(getStartMethod(), method)
})
