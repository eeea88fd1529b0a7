// Anonymous pipes: in one process, and with programs that are not ours at the other end.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ArgumentTypeError, BrokenPipeError, ClosedError, InvalidStateError, TimeoutError } from 'multiproc'
import { MessageQueue, NamedPipe, NamedSemaphore, PipeEnd, pipe } from 'multiproc/posix'
import { runNode } from '../support/children.ts'
import { freshName } from '../support/names.ts'
import { ends, freshPath, LIMIT, openPipes, readAll, text } from './ends.ts'

test('PipeEnd.read() waits for the first byte and gives what is there, then null at the end', LIMIT, async context => {
  const [reader, writer] = ends(context)
  const first = reader.read()
  await writer.write('hello')
  assert.equal(text(await first), 'hello')
  const last = reader.read()
  writer.close()
  assert.equal(await last, null)
  assert.equal(await reader.read(), null)
  assert.equal(reader.readSync(), null)
})

test('PipeEnd.read(max) leaves in the pipe what was not asked for, also when it had to wait', LIMIT, async context => {
  const [reader, writer] = ends(context)
  const first = reader.read(3)
  await writer.write('abcdef')
  assert.equal(text(await first), 'abc')
  const other = new PipeEnd(openSync(`/proc/self/fd/${reader.fd}`, 'r'))
  assert.equal(text(other.readSync(2, LIMIT)), 'de')
  other.close()
  assert.equal(text(reader.readSync(10, LIMIT)), 'f')
})

test(
  'PipeEnd.read(): several are served in the order of the calls, each with what it asked for',
  LIMIT,
  async context => {
    const [reader, writer] = ends(context)
    const reads = [2, 1, 3].map(max => reader.read(max))
    await writer.write('aabccc')
    assert.deepEqual((await Promise.all(reads)).map(text), ['aa', 'b', 'ccc'])
    // each waits for a write of its own
    const [first, second, third] = [reader.read(), reader.read(), reader.read(1)]
    await writer.write('one')
    assert.equal(text(await first), 'one')
    await writer.write('two')
    assert.equal(text(await second), 'two')
    await writer.write('3.')
    assert.equal(text(await third), '3')
    assert.equal(text(reader.readSync(9, LIMIT)), '.')
  },
)

test('PipeEnd.read() that timed out or was aborted has taken nothing', LIMIT, async context => {
  const [reader, writer] = ends(context)
  await assert.rejects(reader.read(1, { timeout: 0 }), TimeoutError)
  await assert.rejects(reader.read(1, { timeout: 5 }), TimeoutError)
  assert.throws(() => reader.readSync(1, { timeout: 5 }), TimeoutError)
  // nobody waits any more, so nothing is taken, whatever the event loop does
  writer.writeSync('left')
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
  assert.equal(text(reader.readSync(10, LIMIT)), 'left')
  const controller = new AbortController()
  const aborted = reader.read(1, { signal: controller.signal })
  const stays = reader.read(2)
  controller.abort(new Error('no more'))
  await assert.rejects(aborted, { message: 'no more' })
  await assert.rejects(reader.read(1, { signal: controller.signal }), { message: 'no more' })
  await writer.write('xyz')
  assert.equal(text(await stays), 'xy')
  assert.equal(text(await reader.read(1, { timeout: 0 })), 'z')
})

test('PipeEnd.write() awaits room, and what several wrote arrives whole and in order', LIMIT, async context => {
  const [reader, writer] = ends(context)
  const large = new Uint8Array(300_000).fill(7)
  const writes = [writer.write(large), writer.write('then'), writer.write('last')]
  assert.throws(() => writer.writeSync('not between'), InvalidStateError)
  let bytes = 0
  let end = ''
  while (bytes < large.length + 8) {
    const piece = (await reader.read())!
    bytes += piece.length
    end = (end + Buffer.from(piece).toString('latin1')).slice(-8)
  }
  await Promise.all(writes)
  assert.equal(end, 'thenlast')
})

test(
  'a message of up to PIPE_BUF bytes is never mixed with what others write, also when it waits',
  LIMIT,
  async context => {
    const [reader, writer] = ends(context)
    // of the last page 4000 bytes are free: room for a part of the message, and for all that another writes
    const before = 15 * 4096 + 96
    writer.writeSync(new Uint8Array(before))
    const message = writer.write('m'.repeat(4096))
    const other = openSync(`/proc/self/fd/${writer.fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
    writeSync(other, 'x')
    closeSync(other)
    let all = ''
    while (all.length < before + 4097) all += Buffer.from((await reader.read())!).toString('latin1')
    await message
    assert.equal(all.indexOf('m'.repeat(4096)), all.indexOf('m'))
    assert.equal(all.replace(/\0+/, '').replace(/m+/, ''), 'x')
  },
)

test(
  'PipeEnd.fd is one that other programs can read from and write to: it blocks, whatever we do with the end',
  LIMIT,
  async context => {
    const [ask, answer] = [ends(context), ends(context)]
    ask[1].writeSync('one\n')
    assert.equal(text(await ask[0].read()), 'one\n') // both ends have been used here
    for (const { fd } of ask) {
      const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]
      assert.equal(Number.parseInt(flags, 8) & constants.O_NONBLOCK, 0)
    }
    const child = spawn('cat', { stdio: [ask[0].fd, answer[1].fd, 'inherit'] })
    const done = once(child, 'exit')
    answer[1].close()
    const read = answer[0].read()
    await ask[1].write('two\n')
    assert.equal(text(await read), 'two\n')
    ask[1].close()
    assert.equal(await answer[0].read(), null)
    assert.deepEqual(await done, [0, null])
  },
)

test(
  'a write fails with BrokenPipeError when nobody reads any more, also one that waits; SIGPIPE ends nobody',
  LIMIT,
  async context => {
    const [reader, writer] = ends(context)
    const waiting = writer.write(new Uint8Array(200_000))
    reader.close()
    await assert.rejects(waiting, error => error instanceof BrokenPipeError && /EPIPE/.test(error.message))
    await assert.rejects(writer.write('x'), BrokenPipeError)
    assert.throws(() => writer.writeSync('x'), BrokenPipeError)
  },
)

test(
  'PipeEnd.close() fails those who wait with ClosedError, closes every descriptor, and may be called again',
  LIMIT,
  async () => {
    const before = openPipes()
    const [reader, writer] = pipe()
    const read = reader.read()
    const [other, full] = pipe()
    const write = full.write(new Uint8Array(200_000))
    for (const end of [reader, writer, other, full, reader]) end.close()
    await assert.rejects(read, ClosedError)
    await assert.rejects(write, ClosedError)
    await assert.rejects(reader.read(), ClosedError)
    assert.throws(() => writer.writeSync(''), ClosedError)
    assert.throws(() => writer.fd, ClosedError)
    assert.throws(() => writer.stream(), ClosedError)
    assert.deepEqual(openPipes(), before)
  },
)

test('PipeEnd.stream() reads and writes as a stream of Node, and closes the end with it', LIMIT, async context => {
  const [reader, writer] = ends(context)
  const out = writer.stream() as NodeJS.WritableStream
  assert.equal(writer.stream(), out)
  await assert.rejects(writer.write('x'), InvalidStateError)
  const sent = 'x'.repeat(500_000)
  out.end(sent)
  let all = ''
  for await (const piece of reader.stream() as NodeJS.ReadableStream) all += piece
  assert.ok(all === sent)
})

test('an end that was closed by its stream is closed', LIMIT, async () => {
  const [reader, writer] = pipe()
  const stream = writer.stream() as NodeJS.WritableStream
  const over = once(stream, 'close')
  stream.end('bye')
  await over
  assert.throws(() => writer.fd, ClosedError)
  assert.equal(await readAll(reader), 'bye')
  reader.close()
})

test('PipeEnd.close() of a descriptor that somebody else has closed says so, and nobody waits on', LIMIT, async () => {
  const [reader, writer] = pipe()
  const waiting = assert.rejects(reader.read(1, LIMIT), ClosedError)
  closeSync(reader.fd)
  assert.throws(() => reader.close(), { errno: 'EBADF' })
  await waiting
  writer.close()
})

test('what is no end of a pipe, no data, no size is refused where it is given', LIMIT, async context => {
  const [reader, writer] = ends(context)
  const file = openSync('/dev/null', 'r')
  assert.throws(() => new PipeEnd(file), ArgumentTypeError)
  closeSync(file)
  assert.throws(() => new PipeEnd(file + 1000), ArgumentTypeError)
  await assert.rejects(reader.write('x'), InvalidStateError)
  await assert.rejects(writer.read(), InvalidStateError)
  await assert.rejects(writer.write(7 as never), ArgumentTypeError)
  await assert.rejects(reader.read(0), RangeError)
})

test('none of what waits here occupies a thread of libuv', LIMIT, async context => {
  const path = freshPath()
  const fifo = NamedPipe.create(path)
  const queue = new MessageQueue('private')
  const semaphore = new NamedSemaphore(freshName('busy'), { create: true, value: 0 })
  const aborted = new AbortController()
  const { signal } = aborted
  const [reader] = ends(context)
  const waits = Array.from({ length: 8 }, () => [
    reader.read(1, { signal }),
    fifo.openReader({ signal }),
    queue.receive(0, { signal }),
    semaphore.acquire({ signal }),
  ]).flat()
  const settled = Promise.allSettled(waits)
  // there are four: with one of them taken by each wait this would never come
  await Promise.all(Array.from({ length: 8 }, () => readFile('/proc/self/stat')))
  aborted.abort()
  await settled
  fifo.unlink()
  queue.remove()
  semaphore.unlink()
  semaphore.close()
})

test('PipeEnd.writeSync() sleeps until there is room', LIMIT, async () => {
  const { code, stdout, stderr } = await runNode(
    `import { spawn } from 'node:child_process'
     import { pipe } from 'multiproc/posix'
     const [reader, writer] = pipe()
     spawn('wc', ['-c'], { stdio: [reader.fd, 'inherit', 'inherit'] })
     reader.close()
     writer.writeSync(new Uint8Array(1_000_000))
     writer.close()`,
  )
  assert.equal(code, 0, stderr)
  assert.equal(stdout.trim(), '1000000')
})
