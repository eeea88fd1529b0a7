import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isEnding, peekExit, reap } from '#src/os/child-status.js'
import { share, startChild, untilBlocking } from './support.js'

test('peekExit() is undefined while the child runs', async t => {
  const child = await startChild(t, 'idle', share(t))
  assert.equal(peekExit(child.pid), undefined)
})

test('peekExit() gives the exit code, and leaves the zombie to libuv', async () => {
  const child = spawn(process.execPath, ['-e', 'process.exit(7)'], { stdio: 'ignore' })
  const pid = child.pid as number
  untilBlocking('the child ended', () => peekExit(pid) !== undefined)
  assert.deepEqual(peekExit(pid), { code: 7, signal: null })
  assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /\) Z /)
  assert.deepEqual(await once(child, 'exit'), [7, null])
  assert.equal(peekExit(pid), 'gone')
})

test('peekExit() gives the signal', async t => {
  const child = await startChild(t, 'idle', share(t))
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  untilBlocking('the child ended', () => peekExit(child.pid) !== undefined)
  assert.deepEqual(peekExit(child.pid), { code: null, signal: 9 })
  assert.deepEqual(await exit, [null, 'SIGKILL'])
})

test('peekExit() of what is no child of ours is gone', () => {
  assert.equal(peekExit(process.pid), 'gone')
})

test('reap() waits for the end of a child and leaves not even a zombie; false at its limit', t => {
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  child.unref() // its 'exit' will not come
  const pid = child.pid as number
  assert.equal(isEnding(pid), false)
  assert.equal(reap(pid, 5), false)
  child.kill('SIGKILL')
  assert.equal(reap(pid, 10_000), true)
  assert.equal(existsSync(`/proc/${pid}`), false)
  assert.equal(isEnding(pid), true)
  assert.equal(reap(pid, 10_000), true)
  assert.equal(peekExit(pid), 'gone')
})
