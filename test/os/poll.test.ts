import assert from 'node:assert/strict'
import { test } from 'node:test'
import { libc, SystemCallError } from '#src/os/libc.js'
import { closeFd, createPipe, writeByte } from '#src/os/pipe.js'
import { pollReadable } from '#src/os/poll.js'

test('pollReadable() looks at all of many descriptors', () => {
  const pipes = Array.from({ length: 20 }, createPipe)
  const reads = pipes.map(pipe => pipe.read)
  assert.equal(pollReadable(reads, 0), false)
  writeByte(pipes[19].write)
  assert.equal(pollReadable(reads, 60_000), true)
  assert.equal(pollReadable(reads.slice(0, 19), 0), false)
  for (const pipe of pipes) {
    closeFd(pipe.read)
    closeFd(pipe.write)
  }
})

test('pollReadable() sleeps one slice at most, and never less than asked for below that', t => {
  const { read, write } = createPipe()
  const poll = t.mock.method(libc(), 'poll')
  for (const timeout of [Number.POSITIVE_INFINITY, 3.4, 0, -5]) assert.equal(pollReadable([read], timeout), false)
  assert.deepEqual(
    poll.mock.calls.map(call => call.arguments[2]),
    [250, 4, 0, 0],
  )
  closeFd(read)
  closeFd(write)
})

test('pollReadable() is true when the other end is gone', () => {
  const { read, write } = createPipe()
  closeFd(write)
  assert.equal(pollReadable([read], 0), true)
  closeFd(read)
})

test('pollReadable() of a closed descriptor is SystemCallError, not a busy loop', () => {
  const { read, write } = createPipe()
  closeFd(read)
  closeFd(write)
  assert.throws(() => pollReadable([read], 0), SystemCallError)
})
