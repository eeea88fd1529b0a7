import assert from 'node:assert/strict'
import { fstatSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { closeFd, closeLeftPipe, createPipe, drain, openPeerPipe, writeByte } from '#src/os/pipe.js'
import { pollReadable } from '#src/os/poll.js'
import { ANSWER, ANSWER_2, ANSWER_3, COUNT, kill, share, startChild, until } from './support.js'

test('writeByte() makes the pipe readable, drain() empties it', () => {
  const { read, write } = createPipe()
  assert.equal(pollReadable([read], 0), false)
  assert.equal(writeByte(write), true)
  assert.equal(pollReadable([read], 0), true)
  drain(read)
  drain(read)
  assert.equal(pollReadable([read], 0), false)
  closeFd(read)
  closeFd(write)
})

test('writeByte() to a full pipe is true and does not block; drain() takes it all', () => {
  const { read, write } = createPipe()
  for (let i = 0; i < 70_000; i++) assert.equal(writeByte(write), true)
  drain(read)
  assert.equal(pollReadable([read], 0), false)
  closeFd(read)
  closeFd(write)
})

test('writeByte() is false when nobody can hear it', () => {
  const { read, write } = createPipe()
  closeFd(read)
  assert.equal(writeByte(write), false)
  closeFd(write)
  assert.equal(writeByte(write), false)
})

test('openPeerPipe() rings the doorbell of another process, through either of its ends', async t => {
  const shared = share(t)
  const { words } = shared
  const child = await startChild(t, 'doorbell', shared)
  for (const theirs of [words[ANSWER], words[ANSWER_3]]) {
    const fd = openPeerPipe(child.pid, theirs, words[ANSWER_2])
    assert.ok(fd !== undefined)
    const before = Atomics.load(words, COUNT)
    assert.equal(writeByte(fd), true)
    await until('the child heard the ring', () => Atomics.load(words, COUNT) > before)
    closeFd(fd)
  }
})

test('openPeerPipe() knows an inode by the 32 bits that a word has of it', () => {
  const mine = createPipe()
  const opened = openPeerPipe(process.pid, mine.write, mine.inode - 2 ** 32)
  assert.notEqual(opened, undefined)
  assert.equal(openPeerPipe(process.pid, mine.write, mine.inode + 1), undefined)
  for (const fd of [opened as number, mine.read, mine.write]) closeFd(fd)
})

test('openPeerPipe() of a process that died is undefined, and an opened one cannot be heard', async t => {
  const shared = share(t)
  const { words } = shared
  const child = await startChild(t, 'doorbell', shared)
  const fd = openPeerPipe(child.pid, words[ANSWER], words[ANSWER_2])
  assert.ok(fd !== undefined)
  await kill(child)
  assert.equal(openPeerPipe(child.pid, words[ANSWER], words[ANSWER_2]), undefined)
  assert.equal(writeByte(fd), false)
  closeFd(fd)
})

test('openPeerPipe() is undefined, and leaks nothing, when that number is something else by now', t => {
  const mine = createPipe()
  const other = createPipe()
  const { fd: memory } = share(t)
  const open = readdirSync('/proc/self/fd').length
  assert.equal(openPeerPipe(process.pid, mine.write, other.inode), undefined)
  assert.equal(openPeerPipe(process.pid, memory, mine.inode), undefined)
  assert.equal(openPeerPipe(process.pid, memory, fstatSync(memory).ino), undefined)
  assert.equal(openPeerPipe(process.pid, 99_999, mine.inode), undefined)
  assert.equal(readdirSync('/proc/self/fd').length, open)
  for (const pipe of [mine, other]) {
    closeFd(pipe.read)
    closeFd(pipe.write)
  }
})

test('closeFd() in a worker thread closes both what koffi and what Node opened, without a warning', async () => {
  const program = `
    const { createPipe, openPeerPipe, closeFd } = await import(${JSON.stringify(import.meta.resolve('#src/os/pipe.js'))})
    process.on('warning', warning => { throw warning })
    const pipe = createPipe()
    closeFd(openPeerPipe(process.pid, pipe.write, pipe.inode))
    closeFd(pipe.read)
    closeFd(pipe.write)
    setImmediate(() => {})`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), { stderr: true })
  let said = ''
  worker.stderr.on('data', data => (said += data))
  const code = await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject))
  assert.equal(code, 0)
  assert.equal(said, '')
})

test('closeLeftPipe() closes both ends of a pipe that a thread left, and no end twice', () => {
  const fds = new Int32Array(new SharedArrayBuffer(8))
  const { read, write } = createPipe(fds)
  assert.deepEqual([...fds], [read, write])
  closeLeftPipe(fds)
  assert.throws(() => fstatSync(read), { code: 'EBADF' })
  assert.throws(() => fstatSync(write), { code: 'EBADF' })
  closeLeftPipe(new Int32Array(2))
})

test('closeLeftPipe() leaves the number of the reading end alone when it is somebody else’s by now', () => {
  const fds = new Int32Array(2)
  const { read, write, inode } = createPipe(fds)
  closeFd(read)
  const others = createPipe()
  assert.equal(others.read, read)
  closeLeftPipe(fds)
  assert.throws(() => fstatSync(write), { code: 'EBADF' })
  assert.equal(fstatSync(others.read).ino, others.inode)
  assert.notEqual(others.inode, inode)
  for (const fd of [others.read, others.write]) closeFd(fd)
  // a peer may have opened the same pipe to ring, and have got that number
  const again = new Int32Array(2)
  const rung = createPipe(again)
  closeFd(rung.read)
  const peer = openPeerPipe(process.pid, rung.write, rung.inode)!
  assert.equal(peer, rung.read)
  closeLeftPipe(again)
  assert.equal(fstatSync(peer).ino, rung.inode)
  closeFd(peer)
})
