// CPython's own tests, Lib/test/_test_multiprocessing.py, classes TestConnection, TestPoll, TestPicklingConnections
// and TestIgnoreEINTR, told anew under their names.
import assert from 'node:assert/strict'
import { BufferTooShortError, EOFError, InvalidStateError } from 'multiproc'
import { answerUnderSignals, echo, pollOnce, sendWhenTold, useEnds } from '../../fixtures/conformance-connection.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, type Suite } from '../suite.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytesOf = (of: string): Uint8Array => new TextEncoder().encode(of)

export function fromCPython({ make, test }: Suite): void {
  test('TestConnection.test_connection — objects and bytes there and back, into buffers, polls, 16 MB, the end', async t => {
    const [conn, theirs] = await make.pipe()
    const child = launch(t, make, echo, theirs, 'awaited')
    const seq = [1, 2.25, null]
    await conn.send(seq)
    assert.deepEqual(await conn.recv(), seq)
    const message = bytesOf('hello world')
    await conn.sendBytes(message)
    assert.equal(text(await conn.recvBytes()), 'hello world')

    const buffer = new Int32Array(10)
    const ints = Int32Array.of(0, 1, 2, 3)
    await conn.sendBytes(ints)
    assert.equal(await conn.recvBytesInto(buffer), 16)
    assert.deepEqual([...buffer], [0, 1, 2, 3, 0, 0, 0, 0, 0, 0])
    buffer.fill(0)
    conn.sendBytesSync(ints)
    assert.equal(conn.recvBytesIntoSync(buffer, 3 * 4), 16)
    assert.deepEqual([...buffer], [0, 0, 0, 0, 1, 2, 3, 0, 0, 0])
    const longer = bytesOf(' '.repeat(40 + 1))
    await conn.sendBytes(longer)
    await assert.rejects(conn.recvBytesInto(buffer), (error: BufferTooShortError) => {
      assert.deepEqual(error.data, longer)
      return error instanceof BufferTooShortError
    })

    assert.equal(await conn.poll(), false)
    assert.equal(await conn.poll(-1), false)
    assert.equal(conn.pollSync(30), false)
    await conn.send(false)
    assert.equal(await conn.poll(LIMIT), true)
    assert.equal(await conn.recv(), false)

    const huge = new Uint8Array(16 * 1024 * 1024).fill('X'.charCodeAt(0))
    conn.sendBytesSync(huge)
    assert.deepEqual(conn.recvBytesSync(), huge)

    await conn.send(null)
    theirs.close()
    assert.equal(await ended(child), 0)
    assert.deepEqual([conn.readable, conn.writable], [true, true])
    await assert.rejects(conn.recv(), EOFError)
    assert.throws(() => conn.recvBytesSync(), EOFError)
  })

  test('TestConnection.test_duplex_false — one way only, flags and errors', async () => {
    const [reader, writer] = await make.pipe({ duplex: false })
    await writer.send(1)
    assert.equal(await reader.recv(), 1)
    assert.deepEqual([reader.readable, reader.writable], [true, false])
    assert.deepEqual([writer.readable, writer.writable], [false, true])
    await assert.rejects(reader.send(2), InvalidStateError)
    await assert.rejects(writer.recv(), InvalidStateError)
    await assert.rejects(writer.poll(), InvalidStateError)
  })

  test('TestConnection.test_spawn_close — this process may close the child’s end right after start', async t => {
    const [conn, theirs] = await make.pipe()
    const child = launch(t, make, echo, theirs, 'blocking')
    theirs.close()
    await conn.sendBytes(bytesOf('hello'))
    assert.equal(text(await conn.recvBytes()), 'hello')
    await conn.send(null)
    conn.close()
    assert.equal(await ended(child), 0)
  })

  test('TestConnection.test_sendbytes — slices by offset and size; every combination out of range is an error', async () => {
    const [a, b] = await make.pipe()
    const message = bytesOf('abcdefghijklmnopqrstuvwxyz')
    const slice = async (offset?: number, size?: number) => {
      await a.sendBytes(message, offset, size)
      return text(await b.recvBytes())
    }
    assert.equal(await slice(), 'abcdefghijklmnopqrstuvwxyz')
    assert.equal(await slice(5), 'fghijklmnopqrstuvwxyz')
    assert.equal(await slice(7, 8), 'hijklmno')
    assert.equal(await slice(26), '')
    assert.equal(await slice(26, 0), '')
    for (const [offset, size] of [[27], [22, 5], [26, 1], [-1], [4, -1]]) {
      await assert.rejects(a.sendBytes(message, offset, size), RangeError)
      assert.throws(() => a.sendBytesSync(message, offset, size), RangeError)
    }
    assert.equal(await b.poll(), false)
  })

  test('TestConnection.test_context — the scope closes both ends; use afterwards is an error', async () => {
    const [a, b] = await make.pipe()
    await a.send(1729)
    assert.equal(await b.recv(), 1729)
    for (const end of [a, b]) {
      await end[Symbol.asyncDispose]()
      assert.equal(end.closed, true)
      await assert.rejects(end.recv(), { code: 'ERR_MULTIPROC_CLOSED' })
    }
  })

  test('TestPoll.test_empty_string — an empty message makes poll true, again and again', async () => {
    const [a, b] = await make.pipe()
    assert.equal(await a.poll(), false)
    await b.sendBytes(new Uint8Array())
    assert.equal(await a.poll(), true)
    assert.equal(a.pollSync(), true)
    assert.equal((await a.recvBytes()).length, 0)
    assert.equal(await a.poll(), false)
  })

  test('TestPoll.test_strings — a series with empty messages arrives exactly, under short polls', async t => {
    const strings = ['hello', '', 'a', 'b', '', 'bye', '', 'lop']
    const [[a, b], goOn] = [await make.pipe(), await make.event()]
    launch(t, make, sendWhenTold, b, strings, goOn)
    for (const expected of strings) {
      assert.equal(await a.poll(), false)
      goOn.set()
      while (!(await a.poll(10)));
      assert.equal(await a.recv(), expected)
    }
  })

  test('TestPoll.test_boundaries — a poll in one process takes nothing of a message for another reader', async t => {
    const [[reader, writer], to] = [await make.pipe(), await make.queue()]
    const child = launch(t, make, pollOnce, reader, LIMIT, to)
    await writer.sendBytes(bytesOf('first'))
    assert.equal(await to.get(), true)
    assert.equal(await ended(child), 0)
    await writer.sendBytes(bytesOf('second'))
    assert.equal(text(await reader.recvBytes()), 'first')
    assert.equal(text(reader.recvBytesSync()), 'second')
  })

  test('TestPoll.test_dont_merge — messages stay apart across polls', async t => {
    const [[a, b], to] = [await make.pipe(), await make.queue()]
    assert.equal(await a.poll(), false)
    assert.equal(a.pollSync(10), false)
    await b.sendBytes(bytesOf('a'))
    await b.sendBytes(bytesOf('b'))
    await b.sendBytes(bytesOf('cd'))
    const child = launch(t, make, pollOnce, a, LIMIT, to)
    assert.equal(await to.get(), true)
    assert.equal(await ended(child), 0)
    for (const expected of ['a', 'b', 'cd']) {
      assert.equal(await a.poll(), true)
      assert.equal(text(await a.recvBytes()), expected)
    }
  })

  test('TestPicklingConnections.test_pickling — ends can be sent to another process over a connection', async t => {
    const [conn, theirs] = await make.pipe()
    const child = launch(t, make, echo, theirs, 'awaited')
    theirs.close()
    const [mine, sent] = await make.pipe()
    await conn.send([sent])
    const [back] = await conn.recv()
    await back.send('there and back')
    assert.equal(await mine.recv(), 'there and back')
    await conn.send(null)
    assert.equal(await ended(child), 0)
  })

  test('TestPicklingConnections.test_access — each end of a one-way pipe sent over a connection still works', async t => {
    const [conn, theirs] = await make.pipe()
    const child = launch(t, make, useEnds, theirs)
    theirs.close()
    const [reader, sender] = await make.pipe(false)
    await conn.send(sender)
    sender.close()
    assert.equal(await reader.recv(), 'through the end that sends')
    const [receiver, writer] = await make.pipe(false)
    await conn.send(receiver)
    receiver.close()
    await writer.send('to the end that receives')
    assert.deepEqual(await conn.recv(), [true, false, 'to the end that receives'])
    assert.equal(await ended(child), 0)
  })

  for (const how of ['awaited', 'blocking'] as const) {
    test(`TestIgnoreEINTR.test_ignore — receiving and sending, ${how}, go on after a signal that is handled; large messages stay whole`, async t => {
      const [conn, theirs] = await make.pipe()
      const size = 40 << 20 // so that the second one waits until the first is received
      const child = launch(t, make, answerUnderSignals, theirs, size, how)
      theirs.close()
      assert.equal(await conn.recv(), 'ready')
      const disturb = async () => {
        await asleep(make, child)
        process.kill(child.pid!, 'SIGWINCH')
        await asleep(make, child)
      }
      await disturb()
      await conn.send(1234)
      assert.equal(await conn.recv(), 1234)
      await disturb()
      for (let n = 0; n < 2; n++) {
        const bytes = await conn.recvBytes()
        assert.equal(bytes.length, size)
        assert.ok(Buffer.from(bytes).equals(Buffer.alloc(size, 'x')))
      }
      assert.equal(await ended(child), 0)
    })
  }
}
