// Connections over sockets: what goes in at one end comes out at the other, whole and in order, whoever stops waiting in between.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import {
  type Address,
  ArgumentRangeError,
  ArgumentTypeError,
  BrokenPipeError,
  BufferTooShortError,
  ClosedError,
  Connection,
  EOFError,
  InvalidStateError,
  Lock,
  NotSerializableError,
  Queue,
  TimeoutError,
  UnpicklingError,
  wait,
} from 'multiproc'
import { createPipe } from '#src/os/pipe.js'
import { run, runNode } from '../support/children.ts'
import { anyPort, connected, framed, LIMIT, withRawPeer } from './pair.ts'

const limit = { timeout: LIMIT }
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
/** More than a socket holds. */
const BIG = 16 * 1024 * 1024

const families: [string, () => Address | undefined][] = [
  ['a Unix socket', () => undefined],
  ['TCP', anyPort],
]

for (const [family, make] of families) {
  describe(`Connection over ${family}`, () => {
    test('TestConnection.test_connection', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      const echo = (async () => {
        for (;;) {
          const message = await b.recvBytes()
          await b.sendBytes(message)
          if (message.length === 0) break
        }
        b.close()
      })()
      const array = Int32Array.of(1, 2, 3, 4)
      await a.send([1, 2.5, null])
      assert.deepEqual(await a.recv(limit), [1, 2.5, null])
      await a.sendBytes(Buffer.from('latin'))
      assert.equal(text(await a.recvBytes(undefined, limit)), 'latin')
      const buffer = new Int32Array(10)
      await a.sendBytes(array)
      assert.equal(await a.recvBytesInto(buffer, 0, limit), 16)
      assert.deepEqual([...buffer], [1, 2, 3, 4, 0, 0, 0, 0, 0, 0])
      await a.sendBytes(array)
      assert.equal(await a.recvBytesInto(buffer, 3 * 4, limit), 16)
      assert.deepEqual([...buffer], [1, 2, 3, 1, 2, 3, 4, 0, 0, 0])
      const long = randomBytes(100)
      await a.sendBytes(long)
      await assert.rejects(
        a.recvBytesInto(buffer, 0, limit),
        error => error instanceof BufferTooShortError && same(error.data, long),
      )
      assert.equal(await a.poll(), false)
      assert.equal(await a.poll(-1), false)
      assert.equal(await a.poll(10), false)
      await a.sendBytes(Buffer.from([7]))
      assert.equal(await a.poll(LIMIT), true)
      assert.equal(await a.poll(), true)
      assert.deepEqual([...(await a.recvBytes())], [7])
      const really = randomBytes(BIG)
      const sent = a.sendBytes(really)
      assert.ok(same(await a.recvBytes(undefined, limit), really))
      await sent
      await a.sendBytes(new Uint8Array())
      assert.equal((await a.recvBytes(undefined, limit)).length, 0)
      assert.equal(await a.poll(LIMIT), true)
      await assert.rejects(a.recv(limit), EOFError)
      await assert.rejects(a.recvBytes(undefined, limit), EOFError)
      assert.deepEqual([a.readable, a.writable], [true, true])
      a.close()
      assert.deepEqual([a.readable, a.writable, a.closed], [false, false, true])
      await echo
    })

    test('TestConnection.test_sendbytes', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      const msg = Buffer.from('abcdefghijklmnopqrstuvwxyz')
      for (const [offset, size] of [[], [5], [7, 8], [26], [26, 0]]) {
        await a.sendBytes(msg, offset, size)
        const end = size === undefined ? undefined : offset! + size
        assert.equal(text(await b.recvBytes(undefined, limit)), text(msg.subarray(offset ?? 0, end)))
      }
      for (const [offset, size] of [[27], [22, 5], [26, 1], [-1], [4, -1]])
        await assert.rejects(a.sendBytes(msg, offset, size), ArgumentRangeError)
      assert.equal(b.pollSync(), false)
    })

    test('TestPoll.test_empty_string', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      assert.equal(await a.poll(), false)
      await b.sendBytes(new Uint8Array())
      assert.equal(await a.poll(LIMIT), true)
      assert.equal(a.pollSync(), true)
      assert.equal((await a.recvBytes()).length, 0)
    })

    test('TestPoll.test_strings', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      const strings = ['hello', '', 'a', 'b', '', 'bye', '', 'lop']
      const got: string[] = []
      const receiving = (async () => {
        while (got.length < strings.length) if (await b.poll(LIMIT)) got.push(text(await b.recvBytes()))
      })()
      for (const one of strings) await a.sendBytes(Buffer.from(one))
      await receiving
      assert.deepEqual(got, strings)
    })

    test('TestPoll.test_dont_merge', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      assert.equal(await a.poll(0), false)
      assert.equal(await a.poll(1), false)
      await b.sendBytes(Buffer.from('a'))
      await b.sendBytes(Buffer.from('b'))
      await b.sendBytes(Buffer.from('cd'))
      for (const expected of ['a', 'b', 'cd']) {
        assert.equal(await a.poll(LIMIT), true)
        assert.equal(await a.poll(), true)
        assert.equal(text(await a.recvBytes()), expected)
      }
      assert.equal(await a.poll(), false)
    })

    test('a message of each size around a boundary arrives whole, awaited and blocking', {
      timeout: LIMIT,
    }, async t => {
      const [a, b] = await connected(t, {}, make())
      for (const size of [0, 1, 4, 16_383, 16_384, 16_385, 65_531, 65_532, 65_536, 100_000]) {
        const message = randomBytes(size)
        await a.sendBytes(message)
        a.sendBytesSync(message)
        assert.ok(same(b.recvBytesSync(undefined, limit), message), `${size}, blocking`)
        assert.ok(same(await b.recvBytes(undefined, limit), message), `${size}, awaited`)
      }
      for (const size of [4 * 1024 * 1024, 4 * 1024 * 1024 + 1, BIG]) {
        const message = randomBytes(size)
        const sent = a.sendBytes(message)
        assert.ok(same(await b.recvBytes(undefined, limit), message), `${size}`)
        await sent
      }
    })

    test('several sends and receives at once keep their order', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      const sizes = [1, BIG, 2, 0, BIG / 4, 3]
      const sent = sizes.map((size, i) => a.sendBytes(Buffer.alloc(size, i)))
      const got = await Promise.all(sizes.map(() => b.recvBytes(undefined, limit)))
      await Promise.all(sent)
      got.forEach((message, i) => {
        assert.equal(message.length, sizes[i])
        if (message.length > 0) assert.deepEqual([message[0], message.at(-1)], [i, i])
      })
    })

    test('what is sent is copied at once, also what has to wait', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      const message = Buffer.alloc(BIG, 1)
      const sent = [a.sendBytes(message), a.sendBytes(message)]
      message.fill(2)
      for (let i = 0; i < 2; i++) assert.ok(same(await b.recvBytes(undefined, limit), Buffer.alloc(BIG, 1)))
      await Promise.all(sent)
    })

    test('TestConnection.test_context', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t, {}, make())
      {
        await using first = a
        await using second = b
        await first.send(1729)
        assert.equal(await second.recv(limit), 1729)
      }
      await assert.rejects(a.recv(), ClosedError)
      await assert.rejects(b.send(1), ClosedError)
      assert.throws(() => b.recvSync(), ClosedError)
      assert.throws(() => b.fileno(), ClosedError)
    })
  })
}

describe('Connection.fromFd() of the ends of a pipe', () => {
  test('TestConnection.test_duplex_false', { timeout: LIMIT }, async () => {
    const pipe = createPipe()
    const [reader, writer] = [Connection.fromFd(pipe.read), Connection.fromFd(pipe.write)]
    assert.deepEqual([reader.readable, reader.writable, writer.readable, writer.writable], [true, false, false, true])
    await assert.rejects(reader.send(2), InvalidStateError)
    await assert.rejects(writer.recv(), InvalidStateError)
    assert.throws(() => reader.sendSync(2), InvalidStateError)
    assert.throws(() => writer.recvSync(), InvalidStateError)
    await assert.rejects(writer.poll(), InvalidStateError)
    writer.sendSync(1)
    assert.equal(await reader.recv(limit), 1)
    const waiting = reader.recv(limit)
    await writer.send(2)
    assert.equal(await waiting, 2)
    const message = randomBytes(BIG)
    const sent = writer.sendBytes(message)
    assert.ok(same(await reader.recvBytes(undefined, limit), message))
    await sent
    writer.close()
    await assert.rejects(reader.recv(limit), EOFError)
    reader.close()
  })

  test('the end that sends knows when nobody receives any more; one that receives is closed by a message too long for it', {
    timeout: LIMIT,
  }, async () => {
    for (const size of [1, BIG]) {
      const pipe = createPipe()
      const [reader, writer] = [Connection.fromFd(pipe.read), Connection.fromFd(pipe.write)]
      const sent = writer.sendBytes(Buffer.alloc(size))
      await assert.rejects(reader.recvBytes(0, limit), ArgumentRangeError)
      assert.equal(reader.closed, true)
      if (size === BIG) await assert.rejects(sent, BrokenPipeError)
      else await sent
      await assert.rejects(writer.sendBytes(Buffer.alloc(1)), BrokenPipeError)
      writer.close()
    }
  })

  test('a stream of Node is taken over with what it has read', { timeout: LIMIT }, async () => {
    const program = `require('fs').writeSync(3, Buffer.from('000000026869', 'hex')); require('fs').readSync(3, Buffer.alloc(1))`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
    await once(child.stdio[3]!, 'readable')
    const conn = Connection.fromFd(child.stdio[3]!)
    assert.equal(text(await conn.recvBytes(undefined, limit)), 'hi')
    await conn.sendBytes(Buffer.alloc(0))
    await assert.rejects(conn.recvBytes(undefined, limit), EOFError)
    conn.close()
    assert.throws(() => Connection.fromFd(child.stdio[3]!), ArgumentTypeError)
  })
})

describe('Connection over a socket: who stops waiting', () => {
  test('a message of which a part has come is not lost by a timeout, an abort, or a poll', {
    timeout: LIMIT,
  }, async t => {
    const [conn, raw] = await withRawPeer(t)
    const bytes = framed(randomBytes(200_000))
    const parts = [0, 1, 3, 4, 5, 1000, 70_000, 150_000, bytes.length]
    for (let i = 1; i < parts.length; i++) {
      await assert.rejects(conn.recv({ timeout: 1 }), TimeoutError)
      await assert.rejects(conn.recv({ signal: AbortSignal.timeout(1) }), { name: 'TimeoutError' })
      assert.throws(() => conn.recvSync({ timeout: 1 }), TimeoutError)
      assert.equal(await conn.poll(1), false)
      assert.equal(conn.pollSync(1), false)
      raw.write(bytes.subarray(parts[i - 1], parts[i]))
    }
    assert.ok(same(await conn.recvBytes(undefined, limit), bytes.subarray(4)))
  })

  test('a send that has not begun can be called back; one that has begun resolves, and goes out whole', {
    timeout: LIMIT,
  }, async t => {
    const [a, b] = await connected(t)
    const [first, second] = [randomBytes(BIG), randomBytes(BIG)]
    await a.sendBytes(first, 0, undefined, { timeout: 20 }) // begun: the rest goes out when somebody reads
    await assert.rejects(a.sendBytes(second, 0, undefined, { timeout: 20 }), TimeoutError)
    await assert.rejects(a.sendBytes(second, 0, undefined, { timeout: 0 }), TimeoutError)
    await assert.rejects(a.sendBytes(second, 0, undefined, { signal: AbortSignal.timeout(20) }), {
      name: 'TimeoutError',
    })
    const third = a.sendBytes(Buffer.from('third'))
    assert.ok(same(await b.recvBytes(undefined, limit), first))
    assert.equal(text(await b.recvBytes(undefined, limit)), 'third')
    await third
  })

  test('a blocking send that has begun returns at its timeout; another one is refused until it is out', {
    timeout: LIMIT,
  }, async t => {
    const [a, b] = await connected(t)
    const first = randomBytes(BIG)
    a.sendBytesSync(first, 0, undefined, { timeout: 20 })
    assert.throws(() => a.sendBytesSync(first), /InvalidStateError|await that send first/)
    const second = a.sendBytes(Buffer.from('second'))
    assert.ok(same(await b.recvBytes(undefined, limit), first))
    await second
    a.sendBytesSync(Buffer.from('third'))
    for (const expected of ['second', 'third']) assert.equal(text(await b.recvBytes(undefined, limit)), expected)
  })

  test('a blocking send fills the socket, and times out when nothing of it went out', { timeout: LIMIT }, async t => {
    const [a, b] = await connected(t)
    const message = Buffer.alloc(1000)
    let sent = 0
    try {
      for (;;) {
        a.sendBytesSync(message, 0, undefined, { timeout: 0 })
        sent++
        if (sent > 100_000) break
      }
    } catch (error) {
      assert.ok(error instanceof TimeoutError || error instanceof InvalidStateError)
    }
    for (let i = 0; i < sent; i++) assert.equal((await b.recvBytes(undefined, limit)).length, 1000)
    assert.equal(b.pollSync(), false)
    await a.sendBytes(Buffer.from('more'))
    assert.equal(text(await b.recvBytes(undefined, limit)), 'more')
  })

  test('recvSync() first gives a message to those who await one', { timeout: LIMIT }, async t => {
    const [a, b] = await connected(t)
    const awaited = b.recv(limit)
    a.sendSync(1)
    a.sendSync(2)
    assert.equal(b.recvSync(limit), 2)
    assert.equal(await awaited, 1)
  })

  test('Connection.close() ends every wait of this process', { timeout: LIMIT }, async t => {
    const [a] = await connected(t)
    const waits = [
      assert.rejects(a.recv(), ClosedError),
      assert.rejects(a.recvBytes(), ClosedError),
      assert.rejects(wait([a]), ClosedError),
      assert.rejects(a.sendBytes(Buffer.alloc(BIG)), ClosedError),
      assert.rejects(a.sendBytes(Buffer.alloc(BIG)), ClosedError),
    ]
    await new Promise(resolve => setImmediate(resolve))
    a.close()
    a.close()
    await Promise.all(waits)
  })
})

describe('Connection over a socket: the end', () => {
  test('what was sent before the peer closed is received, then EOFError, always', { timeout: LIMIT }, async t => {
    const [a, b] = await connected(t)
    await a.send('last')
    await b.send('never read')
    a.close()
    assert.equal(await b.recv(limit), 'last')
    for (let i = 0; i < 2; i++) await assert.rejects(b.recv(limit), EOFError)
    assert.throws(() => b.recvSync(), EOFError)
    assert.equal(await b.poll(), true)
    assert.deepEqual(await wait([b], limit), [b])
  })

  test('iterating ends at the end', { timeout: LIMIT }, async t => {
    const [a, b] = await connected(t)
    for (let n = 0; n < 3; n++) await a.send(n)
    a.close()
    const got = []
    for await (const n of b) got.push(n)
    assert.deepEqual(got, [0, 1, 2])
  })

  test('a peer that ends within a message is BrokenPipeError, and no quiet end of an iteration', {
    timeout: LIMIT,
  }, async t => {
    for (const part of [
      framed('abc').subarray(0, 2),
      framed('abc').subarray(0, 5),
      framed(randomBytes(1e5)).subarray(0, 8e4),
    ]) {
      const [conn, raw] = await withRawPeer(t)
      raw.end(part)
      await assert.rejects(conn.recv(limit), BrokenPipeError)
      await assert.rejects(async () => {
        for await (const message of conn) assert.fail(String(message))
      }, BrokenPipeError)
    }
  })

  test('Connection.send() to a peer that is gone is BrokenPipeError, also one that waits; what it sent is received', {
    timeout: LIMIT,
  }, async t => {
    const [a, b] = await connected(t)
    await b.send('farewell')
    const waiting = [a.sendBytes(Buffer.alloc(BIG)), a.sendBytes(Buffer.alloc(10))]
    b.close()
    for (const one of waiting) await assert.rejects(one, BrokenPipeError)
    await assert.rejects(a.send(1), BrokenPipeError)
    assert.throws(() => a.sendSync(1), BrokenPipeError)
    assert.equal(await a.recv(limit), 'farewell')
    await assert.rejects(a.recv(limit), EOFError)
  })

  test('a peer that shuts down only its sending is still sent to', { timeout: LIMIT }, async t => {
    const [conn, raw] = await withRawPeer(t)
    const first = conn.recvBytes(undefined, limit)
    const end = assert.rejects(conn.recvBytes(undefined, limit), EOFError)
    raw.end(framed('x'))
    assert.equal(text(await first), 'x')
    await end
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    await conn.sendBytes(Buffer.from('still here'))
    const [got] = await once(raw, 'data')
    assert.deepEqual(got, framed('still here'))
  })
})

describe('Connection over a socket: what is refused', () => {
  test('recvBytes(maxLength) refuses a longer message before it is read, and receives no more', {
    timeout: LIMIT,
  }, async t => {
    const [conn, raw] = await withRawPeer(t)
    raw.write(framed('fits'))
    assert.equal(text(await conn.recvBytes(4, limit)), 'fits')
    raw.write(Buffer.from([0x7f, 0xff, 0xff, 0xff])) // 2 GiB that never come
    await assert.rejects(conn.recvBytes(1000, limit), ArgumentRangeError)
    await assert.rejects(conn.recvBytes(undefined, limit), InvalidStateError)
    assert.equal(conn.readable, false)
    await conn.sendBytes(Buffer.from('but sends'))
    const [got] = await once(raw, 'data')
    assert.deepEqual(got, framed('but sends'))
  })

  test('the longer form of a header is read, whatever length it holds; another negative length is not', {
    timeout: LIMIT,
  }, async t => {
    const [conn, raw] = await withRawPeer(t)
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 2, 7, 8]))
    assert.deepEqual([...(await conn.recvBytes(undefined, limit))], [7, 8])
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xfe]))
    await assert.rejects(conn.recv(limit), BrokenPipeError)
    const [other, far] = await withRawPeer(t)
    far.write(Buffer.alloc(12, 0xff))
    await assert.rejects(other.recv(limit), BrokenPipeError)
  })

  test('a length that is claimed takes no memory before the bytes come', { timeout: LIMIT }, async t => {
    const before = process.memoryUsage().arrayBuffers
    const pairs = []
    for (let i = 0; i < 20; i++) {
      const [conn, raw] = await withRawPeer(t)
      raw.write(Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(1000)]))
      pairs.push(conn)
    }
    for (const conn of pairs) await assert.rejects(conn.recv({ timeout: 20 }), TimeoutError)
    assert.ok(process.memoryUsage().arrayBuffers - before < 200e6)
  })

  test('what cannot be pickled is refused at the call, and nothing is sent', { timeout: LIMIT }, async t => {
    for (const codec of ['pickle', 'msgpack'] as const) {
      const [a, b] = await connected(t, { codec })
      const lock = new Lock()
      await assert.rejects(a.send({ of: [lock] }), NotSerializableError)
      assert.throws(() => a.sendSync(() => 1), NotSerializableError)
      lock.close()
      await a.send('next')
      assert.equal(await b.recv(limit), 'next')
    }
  })

  test('bytes that are no value are refused by recv(), and the next message is intact', { timeout: LIMIT }, async t => {
    const [a, b] = await connected(t)
    await a.sendBytes(Buffer.from('no pickle'))
    await a.send('pickle')
    await assert.rejects(b.recv(limit), UnpicklingError)
    assert.equal(await b.recv(limit), 'pickle')
    const [c, d] = await connected(t, { codec: 'msgpack' })
    for (const bytes of [new Uint8Array(), Buffer.from('abc'), Buffer.from([0, 0, 0, 9, 1, 2, 3])]) {
      await c.sendBytes(bytes)
      await assert.rejects(d.recv(limit))
    }
    await c.send('next')
    assert.equal(await d.recv(limit), 'next')
  })

  test('a Connection over a socket does not travel: NotSerializableError names it and says what to do', {
    timeout: LIMIT,
  }, async t => {
    const [a, b] = await connected(t, { codec: 'msgpack' })
    const queue = new Queue()
    const refused = (error: unknown) =>
      error instanceof NotSerializableError && error.path === 'to.conn' && /Client\(\)/.test(error.message)
    await assert.rejects(queue.put({ to: { conn: a } }), refused)
    await assert.rejects(a.send({ to: { conn: b } }), { name: 'NotSerializableError', path: 'to.conn' })
    queue.close()
  })

  test('TestInvalidHandle.test_invalid_handles', () => {
    for (const fd of [-1, 1.5, 2 ** 31, 1_000_000]) assert.throws(() => Connection.fromFd(fd), ArgumentRangeError)
    for (const fd of [null, '3', {}] as any[]) assert.throws(() => Connection.fromFd(fd), ArgumentTypeError)
    assert.throws(() => Connection.fromFd(3, { codec: 'json' as any }), ArgumentTypeError)
  })

  test('Connection.fromFd() refuses a server and a datagram socket, which go on and lose no descriptor', async t => {
    const server = createServer().listen(0, '127.0.0.1')
    const datagrams = createSocket('udp4').bind(0, '127.0.0.1')
    t.after(() => void server.close())
    t.after(() => void datagrams.close())
    await Promise.all([once(server, 'listening'), once(datagrams, 'listening')])
    const open = readdirSync('/proc/self/fd').length
    for (const one of [server, datagrams] as any[]) assert.throws(() => Connection.fromFd(one), ArgumentTypeError)
    assert.equal(readdirSync('/proc/self/fd').length, open)
    assert.ok(server.listening && datagrams.address().port > 0)
  })

  test('Connection.fromFd() refuses a file', async () => {
    const { open } = await import('node:fs/promises')
    await using file = await open('/dev/null')
    assert.throws(() => Connection.fromFd(file.fd), ArgumentTypeError)
  })
})

describe('Connection over a socket: waiting', () => {
  test('wait() gives those that have a whole message, or their end', { timeout: LIMIT }, async t => {
    const [[a, rawA], [b, rawB]] = [await withRawPeer(t), await withRawPeer(t)]
    assert.deepEqual(await wait([a, b], { timeout: 5 }), [])
    rawA.write(framed('abc').subarray(0, 6))
    assert.deepEqual(await wait([a, b], { timeout: 5 }), [])
    const waiting = wait([a, b], limit)
    rawB.end()
    assert.deepEqual(await waiting, [b])
    rawA.write(framed('abc').subarray(6))
    assert.deepEqual(await wait([a], limit), [a])
    assert.equal(text(a.recvBytesSync()), 'abc')
  })

  test('TestWait.test_wait_socket', { timeout: LIMIT }, async t => {
    const pairs = await Promise.all([1, 2, 3, 4].map(() => connected(t)))
    const writers = pairs.map(async ([, theirs], i) => {
      for (let n = 0; n < 10; n++) await theirs.send([i, n])
      theirs.close()
    })
    let left = pairs.map(([ours]) => ours)
    const got: number[][] = []
    while (left.length > 0)
      for (const ready of await wait(left, limit))
        try {
          got.push(await ready.recv({ timeout: 0 }))
        } catch (error) {
          assert.ok(error instanceof EOFError)
          left = left.filter(one => one !== ready)
        }
    await Promise.all(writers)
    const expected = [0, 1, 2, 3].flatMap(i => [...Array(10).keys()].map(n => [i, n]))
    assert.deepEqual(
      got.sort(([a, b], [c, d]) => a - c || b - d),
      expected,
    )
  })

  test('what came while nobody waited is still there, of many Connections, and is a Uint8Array of its own', {
    timeout: LIMIT,
  }, async t => {
    const pairs = await Promise.all(Array.from({ length: 5 }, () => withRawPeer(t)))
    for (const [conn, raw] of pairs) {
      const first = conn.recvBytes(undefined, limit)
      raw.write(framed('first'))
      assert.equal(text(await first), 'first')
    }
    for (const size of [10, 30_000, 200_000]) {
      for (const [i, [, raw]] of pairs.entries()) raw.write(framed(Buffer.alloc(size, i)))
      for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
      for (const [i, [conn]] of pairs.entries())
        assert.deepEqual(await conn.recvBytes(undefined, limit), new Uint8Array(size).fill(i))
    }
  })

  test('receiving in a loop lets timers run', { timeout: LIMIT }, async t => {
    const [a, b] = await connected(t)
    let ticked = false
    setTimeout(() => {
      ticked = true
    }, 1)
    while (!ticked) {
      a.sendSync(1)
      await b.recv(limit)
    }
  })
})

describe('what keeps a process alive', () => {
  const program = (body: string) =>
    run([
      process.execPath,
      '--input-type=module',
      '--eval',
      `import { Client, Listener } from 'multiproc'
       const listener = await Listener.listen()
       const [a, b] = await Promise.all([listener.accept(), Client(listener.address)])
       ${body}`,
    ])

  test('a Connection that nobody has any more is closed; one that somebody waits for is not', async () => {
    const { code, stdout, stderr } = await runNode(
      `import { Client, Listener } from 'multiproc'
       const listener = await Listener.listen()
       const connect = async () => Promise.all([listener.accept(), Client(listener.address)])
       const abandon = async () => (await connect())[0]
       const abandonWaiting = async () => {
         const [mine, theirs] = await connect()
         return [mine, theirs.recv()]
       }
       const [c, waiting] = await abandonWaiting()
       const a = await abandon()
       let ended = false
       a.recv().catch(error => { console.log(error.name); ended = true })
       while (!ended) { globalThis.gc(); await new Promise(resolve => setTimeout(resolve, 5)) }
       await c.send('still here')
       console.log(await waiting)`,
      { execArgv: ['--expose-gc'] },
    )
    assert.deepEqual([code, stdout, stderr], [0, 'EOFError\nstill here\n', ''])
  })

  test('an idle Connection and an idle Listener do not, and no file is left; a recv() that waits does', async () => {
    const [idle, waiting] = await Promise.all([
      program(`const { connect } = await import('node:net')
               const guarded = await Listener.listen(undefined, { authkey: 'x', handshakeTimeout: 60_000 })
               const silent = connect({ path: guarded.address })
               await new Promise(resolve => silent.once('data', resolve))
               silent.unref()
               console.log(listener.address)`),
      program(`b.recv().then(n => console.log('got', n)); setTimeout(() => a.send(7), 50).unref()
               setTimeout(() => {}, 0)`),
    ])
    assert.deepEqual([idle.code, idle.late, idle.stderr], [0, false, ''])
    const { existsSync } = await import('node:fs')
    assert.equal(existsSync(idle.stdout.trim()), false)
    assert.deepEqual([waiting.code, waiting.stdout, waiting.stderr], [0, 'got 7\n', ''])
  })
})
