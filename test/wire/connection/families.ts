// What a Connection over a socket does, whatever family the socket is of.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { type Address, ArgumentRangeError, BufferTooShortError, ClosedError, EOFError } from 'multiproc'
import { anyPort, BIG, connected, LIMIT, limit, same, text } from '../pair.ts'

const families: [string, () => Address | undefined][] = [
  ['a Unix socket', () => undefined],
  ['TCP', anyPort],
]

export function everyFamily(): void {
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
}
