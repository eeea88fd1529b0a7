import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { test } from 'node:test'
import { closeFd, createPipe } from '#src/os/pipe.js'
import {
  carrierOf,
  connectUnix,
  duplicate,
  LONGEST_NAME,
  listenUnix,
  NOTHING_NOW,
  peerPid,
  readInto,
  writeFrom,
} from '#src/os/socket.js'
import { freshName } from '../support/names.ts'

test('connectUnix() gives a connected socket, and undefined when as many wait as may', () => {
  const name = `\0${freshName('full')}`
  const listener = listenUnix(name, 1)
  const connected: number[] = []
  for (;;) {
    const fd = connectUnix(name)
    if (fd === undefined) break
    connected.push(fd)
    assert.ok(connected.length < 100)
  }
  assert.equal(connected.length, 2) // one more than the backlog, says the kernel
  assert.equal(peerPid(connected[0]), process.pid)
  assert.deepEqual(carrierOf(connected[0]), { carrier: 'unix', readable: true, writable: true })
  assert.equal(readInto(connected[0], new Uint8Array(1)), NOTHING_NOW)
  closeFd(listener)
  for (const fd of connected) closeFd(fd)
})

test('connectUnix() and listenUnix() throw as Node does', () => {
  const name = `\0${freshName('taken')}`
  assert.throws(() => connectUnix(name), { code: 'ECONNREFUSED', syscall: 'connect', address: name })
  assert.throws(() => connectUnix('/nowhere/at/all'), { code: 'ENOENT' })
  const listener = listenUnix(name, 1)
  assert.throws(() => listenUnix(name, 1), { code: 'EADDRINUSE', syscall: 'bind' })
  closeFd(listener)
  for (const bad of ['', `/${'x'.repeat(LONGEST_NAME)}`]) assert.throws(() => listenUnix(bad, 1), RangeError)
})

test('carrierOf() tells a pipe by its direction, and nothing of a file or of a socket that listens', () => {
  const { read, write } = createPipe()
  assert.deepEqual(carrierOf(read), { carrier: 'pipe', readable: true, writable: false })
  assert.deepEqual(carrierOf(write), { carrier: 'pipe', readable: false, writable: true })
  const copy = duplicate(write)
  closeFd(write)
  assert.equal(writeFrom(copy, Uint8Array.of(1, 2, 3)), 3)
  closeFd(copy)
  const into = new Uint8Array(8)
  assert.deepEqual([readInto(read, into), readInto(read, into)], [3, 0])
  closeFd(read)
  const listener = listenUnix(`\0${freshName('listens')}`, 1)
  const file = openSync('/dev/null', 'r')
  for (const fd of [listener, file]) {
    assert.equal(carrierOf(fd), undefined)
    closeFd(fd)
  }
  assert.throws(() => carrierOf(1_000_000), { code: 'EBADF' })
})

test('writeFrom() tells what went out, that there is no room, and that nobody reads any more', () => {
  const { read, write } = createPipe()
  const much = new Uint8Array(1 << 20)
  const taken = writeFrom(write, much)!
  assert.ok(taken > 0 && taken < much.length)
  assert.equal(writeFrom(write, much), 0)
  closeFd(read)
  assert.equal(writeFrom(write, much), undefined)
  closeFd(write)
})
