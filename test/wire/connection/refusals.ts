// What a Connection over a socket refuses, and that nothing is lost by it.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  BrokenPipeError,
  Connection,
  InvalidStateError,
  Lock,
  NotSerializableError,
  Queue,
  TimeoutError,
  UnpicklingError,
} from 'multiproc'
import { connected, framed, LIMIT, limit, text, withRawPeer } from '../pair.ts'

export function refusals(): void {
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

    test('bytes that are no value are refused by recv(), and the next message is intact', {
      timeout: LIMIT,
    }, async t => {
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
}
