// Who stops waiting at a Connection over a socket loses no message and no part of one.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { ClosedError, InvalidStateError, TimeoutError, wait } from 'multiproc'
import { BIG, connected, framed, LIMIT, limit, same, text, withRawPeer } from '../pair.ts'

export function patience(): void {
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
}
