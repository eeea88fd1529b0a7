// The end of a Connection over a socket: what was sent before it is received, and what is cut is told.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { BrokenPipeError, EOFError, wait } from 'multiproc'
import { BIG, connected, framed, LIMIT, limit, text, withRawPeer } from '../pair.ts'

export function ends(): void {
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
}
