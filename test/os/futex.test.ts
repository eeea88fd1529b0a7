import assert from 'node:assert/strict'
import { test } from 'node:test'
import { futexWait, futexWake } from '#src/os/futex.js'
import { SystemCallError } from '#src/os/libc.js'
import { ANSWER, COUNT, share, startChild, until } from './support.js'

test('futexWait() returns at once when the word is something else', t => {
  const { mapping, words } = share(t)
  words[0] = -5
  futexWait(mapping.address, 0, 60_000)
  futexWait(mapping.address, 5, 60_000)
})

test('futexWait() returns at the timeout, for negative and large words too', t => {
  const { mapping, words } = share(t)
  for (const word of [0, -5, 0x7fffffff, -0x80000000]) {
    words[0] = word
    futexWait(mapping.address, word, 1.5)
    futexWait(mapping.address, word, -1)
  }
})

test('futexWake() wakes a sleeper in another process', async t => {
  const shared = share(t)
  await startChild(t, 'futex-sleeper', shared)
  const word = shared.mapping.address + BigInt(4 * ANSWER)
  // the word never changes and the child's timeout is a minute: only a wake can bring it back
  await until('the sleeper was woken', () => {
    futexWake(word, 1)
    return Atomics.load(shared.words, COUNT) > 0
  })
})

test('futexWait() on memory that is not there is SystemCallError', () => {
  assert.throws(() => futexWait(0n, 0, 0), SystemCallError)
})

test('futexWake() with nobody asleep does nothing', t => {
  futexWake(share(t).mapping.address, 1)
})

test('futexWait() between threads is not a busy loop', t => {
  const { mapping } = share(t)
  const before = process.cpuUsage()
  futexWait(mapping.address, 0, 100)
  const { user, system } = process.cpuUsage(before)
  assert.ok(user + system < 90_000, 'slept rather than spun')
})
