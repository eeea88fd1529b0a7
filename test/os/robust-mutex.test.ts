import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { holdForLife, MUTEX_BYTES, OWNER_DIED } from '#src/os/robust-mutex.js'
import { threadId } from '#src/os/thread.js'
import {
  ANSWER,
  CHILD_PROGRAM,
  kill,
  READY,
  type Shared,
  share,
  startChild,
  TOKEN_OFFSET,
  until,
  untilBlocking,
} from './support.js'

function token({ words }: Shared): number {
  return Atomics.load(words, TOKEN_OFFSET / 4 + words[ANSWER])
}

test('holdForLife() names this thread in the word it returns, and stays within its bytes', t => {
  const { mapping, words } = share(t)
  const at = TOKEN_OFFSET / 4
  words.fill(-1, 0, at)
  words.fill(-1, at + MUTEX_BYTES / 4)
  const word = holdForLife(mapping.address + BigInt(TOKEN_OFFSET))
  assert.ok(word === 0 || word === 1)
  assert.equal(words[at + word], threadId())
  assert.ok(words.subarray(0, at).every(untouched => untouched === -1))
  assert.ok(words.subarray(at + MUTEX_BYTES / 4).every(untouched => untouched === -1))
})

test('holdForLife() is marked when the process is killed, even while its zombie is not reaped', async t => {
  const shared = share(t)
  const child = await startChild(t, 'token', shared)
  assert.equal(token(shared), child.pid)
  child.kill('SIGKILL')
  untilBlocking('the kernel marked the token', () => (token(shared) & OWNER_DIED) !== 0)
})

test('holdForLife() is marked when its worker thread is terminated, and the process lives on', async t => {
  const shared = share(t)
  const worker = new Worker(CHILD_PROGRAM, { workerData: { role: 'token', fd: shared.fd } })
  t.after(() => worker.terminate())
  await until('the worker is ready', () => Atomics.load(shared.words, READY) === 1)
  assert.equal(token(shared) & OWNER_DIED, 0)
  assert.notEqual(token(shared), threadId())
  await worker.terminate()
  await until('the kernel marked the token', () => (token(shared) & OWNER_DIED) !== 0)
})

test('holdForLife() of a stopped process is not marked: slow is not dead', async t => {
  const shared = share(t)
  const child = await startChild(t, 'token', shared)
  child.kill('SIGSTOP')
  assert.equal(token(shared), child.pid)
  child.kill('SIGCONT')
  await kill(child)
  assert.notEqual(token(shared) & OWNER_DIED, 0)
})
