// Signals to and from programs that are not ours.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { ArgumentRangeError, ArgumentTypeError, TimeoutError } from 'multiproc'
import { SystemCallError, sendSignal, waitForSignal } from 'multiproc/posix'
import { runNode } from '../support/children.ts'
import { LIMIT } from './ends.ts'

test(
  'waitForSignal() gives the signal that a shell sends, to all who wait for it, and when it came',
  LIMIT,
  async () => {
    const began = Date.now()
    const waits = [waitForSignal('SIGALRM'), waitForSignal('SIGALRM', LIMIT), waitForSignal('SIGHUP', LIMIT)]
    spawn('sh', ['-c', `kill -HUP ${process.pid}; kill -ALRM ${process.pid}`])
    const arrived = await Promise.all(waits)
    assert.deepEqual(
      arrived.map(({ signal }) => signal),
      ['SIGALRM', 'SIGALRM', 'SIGHUP'],
    )
    for (const { at } of arrived) assert.ok(at >= began && at <= Date.now())
  },
)

test('waitForSignal() in a loop misses none, though nobody waits between two of them', LIMIT, async () => {
  let arrived = waitForSignal('SIGHUP', LIMIT)
  for (let i = 0; i < 100; i++) {
    sendSignal(process.pid, 'SIGHUP')
    await arrived
    sendSignal(process.pid, 'SIGHUP') // uncaught it would end the process
    arrived = waitForSignal('SIGHUP', LIMIT)
    await arrived
    arrived = waitForSignal('SIGHUP', LIMIT)
  }
  sendSignal(process.pid, 'SIGHUP')
  await arrived
})

test('waitForSignal(): on timeout or abort it catches the signal no longer', LIMIT, async () => {
  await assert.rejects(waitForSignal('SIGALRM', { timeout: 0 }), TimeoutError)
  await assert.rejects(waitForSignal('SIGALRM', { timeout: 5 }), TimeoutError)
  await assert.rejects(waitForSignal('SIGALRM', { signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
  const aborted = new AbortController()
  const waiting = assert.rejects(waitForSignal('SIGALRM', { signal: aborted.signal }), { message: 'no' })
  aborted.abort(new Error('no'))
  await waiting
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(process.listenerCount('SIGALRM'), 0)
})

test(
  'waitForSignal() keeps the process alive, and does not end it; afterwards the signal does what it did before',
  LIMIT,
  async () => {
    const { code, signal, stdout } = await runNode(
      `import { sendSignal, waitForSignal } from 'multiproc/posix'
     import { spawn } from 'node:child_process'
     const arrived = waitForSignal('SIGTERM')
     spawn('sh', ['-c', 'kill -TERM ' + process.pid], { detached: true, stdio: 'ignore' }).unref()
     const { signal } = await arrived
     console.log('caught', signal)
     await new Promise(resolve => setTimeout(resolve, 10))
     sendSignal(process.pid, 'SIGTERM')
     setInterval(() => {}, 1000)`,
    )
    assert.deepEqual([code, signal, stdout], [null, 'SIGTERM', 'caught SIGTERM\n'])
  },
)

test('sendSignal() reaches a program, and a group of programs by the negative number', LIMIT, async () => {
  const one = spawn('sleep', ['60'])
  const group = spawn('sh', ['-c', 'sleep 60'], { detached: true })
  sendSignal(one.pid!, 0)
  const ends = Promise.all([once(one, 'exit'), once(group, 'exit')])
  sendSignal(one.pid!, 'SIGTERM')
  sendSignal(-group.pid!, 9)
  assert.deepEqual(await ends, [
    [null, 'SIGTERM'],
    [null, 'SIGKILL'],
  ])
  assert.throws(
    () => sendSignal(one.pid!, 0),
    error => error instanceof SystemCallError && error.errno === 'ESRCH' && /has ended/.test(error.message),
  )
})

test('signals that nobody can catch, that are none, or that would go to everybody are refused', LIMIT, async () => {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
    await assert.rejects(
      waitForSignal(signal),
      error => error instanceof ArgumentRangeError && /EINVAL/.test(error.message) && /SIGTERM/.test(error.message),
    )
  await assert.rejects(waitForSignal('SIGNOT' as never), ArgumentRangeError)
  await assert.rejects(waitForSignal(9 as never), ArgumentTypeError)
  assert.throws(() => sendSignal(process.pid, 'SIGNOT' as never), ArgumentRangeError)
  assert.throws(() => sendSignal(process.pid, 65), ArgumentRangeError)
  for (const pid of [0, -1, 1.5]) assert.throws(() => sendSignal(pid, 0), ArgumentRangeError)
})

test('waitForSignal() in a worker thread says that signals belong to the main thread', LIMIT, async () => {
  const source = `import('multiproc/posix').then(({ waitForSignal }) => waitForSignal('SIGHUP')).catch(error =>
    require('node:worker_threads').parentPort.postMessage(error.code + error.message))`
  const [told] = await once(new Worker(source, { eval: true }), 'message')
  assert.match(told, /^ERR_MULTIPROC_INVALID_STATE.*main thread/)
})
