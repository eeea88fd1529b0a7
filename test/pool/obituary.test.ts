// What is said of a worker that died, for each way that a test cannot bring about, or only on a machine of its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { obituary } from '#src/pool/obituary.js'

const dead = (exitCode: number, more: object) =>
  obituary(
    { process: { name: 'PoolWorker-1', pid: 4711, exitCode }, lastWords: '', killedFor: undefined, ...more } as never,
    { name: 'resize' } as never,
    3,
  )

test("WorkerDiedError: a worker that was killed while the kernel's OOM killer was at work: probably by it", () => {
  const error = dead(-9, { words: { sawOom: true } })
  assert.equal(
    error.message,
    'Expected resize() (task 3) to finish, but its worker PoolWorker-1 (pid 4711) was ended by SIGKILL (exit code -9); ' +
      "probably by the kernel's OOM killer, which has ended a process meanwhile: use fewer workers, or less memory in each",
  )
  assert.deepEqual([error.signal, error.exitCode, error.index], ['SIGKILL', -9, 3])
})

test('WorkerDiedError: killed, and the kernel has killed nobody: somebody else did it, or a container', () => {
  assert.match(
    dead(-9, { words: { sawOom: false } }).message,
    /this pool did not do it: somebody else, or the OOM killer of a container/,
  )
})

test('WorkerDiedError: the pool itself did it, whatever else has happened meanwhile', () => {
  const error = dead(-9, { words: { sawOom: true }, killedFor: 'its task timed out' })
  assert.match(error.message, /the pool ended it, because its task timed out$/)
})

test('WorkerDiedError: of another signal the OOM killer is not suspected', () => {
  assert.match(dead(-11, { words: { sawOom: true } }).message, /was ended by SIGSEGV \(exit code -11\)$/)
})
