// Mere bytes: what is sent of a buffer, and how much of it fits.
import assert from 'node:assert/strict'
import { BufferTooShortError, ClosedError, InvalidStateError } from 'multiproc'
import { LIMIT } from '../implementation.ts'
import type { Suite } from '../suite.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytesOf = (of: string): Uint8Array => new TextEncoder().encode(of)

export function bytes({ make, test }: Suite): void {
  test('Connection.sendBytes() takes typed arrays, DataViews and ArrayBuffers, offsets in bytes', async () => {
    const [a, b] = await make.pipe()
    const words = Uint16Array.of(0x0201, 0x0403, 0x0605)
    await a.sendBytes(words)
    a.sendBytesSync(words, 1)
    await a.sendBytes(words.buffer, 1, 4)
    a.sendBytesSync(new DataView(words.buffer, 2), 1, 2)
    await a.sendBytes(words.subarray(1, 2))
    for (const expected of [
      [1, 2, 3, 4, 5, 6],
      [2, 3, 4, 5, 6],
      [2, 3, 4, 5],
      [4, 5],
      [3, 4],
    ]) {
      assert.deepEqual(await b.recvBytes(), Uint8Array.from(expected))
    }
  })

  test('Connection.sendBytes() copies at once: what changes afterwards is not sent', async () => {
    const [a, b] = await make.pipe()
    for (const size of [10, 100_000]) {
      const buf = new Uint8Array(size).fill(1)
      const sent = a.sendBytes(buf)
      buf.fill(2)
      await sent
      assert.deepEqual(b.recvBytesSync(), new Uint8Array(size).fill(1))
    }
  })

  test('Connection: messages of 0 to 3 MB arrive whole, by every form', async () => {
    const [a, b] = await make.pipe()
    for (const size of [0, 1, 4095, 4096, 4097, 100_000, 3_000_000]) {
      const message = new Uint8Array(size).map((_, n) => n * 31)
      a.sendBytesSync(message)
      await a.sendBytes(message)
      a.sendBytesSync(message)
      const buf = new Uint8Array(size + 2)
      assert.deepEqual(b.recvBytesSync(size), message)
      assert.deepEqual(await b.recv(), message)
      assert.equal(b.recvBytesIntoSync(buf, 1, { timeout: LIMIT }), size)
      assert.deepEqual(buf.subarray(1, size + 1), message)
      assert.deepEqual([buf[0], buf[size + 1]], [0, 0])
    }
  })

  test('Connection.recv() of bytes gives a Uint8Array of its own', async () => {
    const [a, b] = await make.pipe()
    for (const size of [3, 100_000]) {
      await a.sendBytes(Buffer.alloc(size, 1))
      await a.sendBytes(Buffer.alloc(size, 2))
      const first = await b.recv()
      assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype)
      assert.equal(first.buffer.byteLength, size)
      await b.recv()
      assert.equal(first[0], 1)
    }
  })

  test('Connection.recvBytes() of a value gives bytes, the same for the same value; of large ones, too', async () => {
    const [a, b] = await make.pipe()
    const lock = await make.lock()
    for (const value of [{ n: 1 }, 'x'.repeat(10_000), [lock, 'x'.repeat(10_000)]]) {
      await a.send(value)
      a.sendSync(value)
      const first = await b.recvBytes()
      assert.ok(first.length > 0)
      assert.deepEqual(b.recvBytesSync(), first)
    }
    lock.acquireSync({ timeout: 0 }).release()
  })

  test('Connection.recvBytes() of a longer message than maxLength: RangeError, and a duplex end receives no more', async () => {
    for (const form of ['recvBytes', 'recvBytesSync'] as const) {
      const [a, b] = await make.pipe()
      await a.sendBytes(bytesOf('four'))
      await a.sendBytes(bytesOf('more'))
      await assert.rejects(async () => b[form](3), RangeError)
      assert.deepEqual([b.readable, b.writable, b.closed], [false, true, false])
      await assert.rejects(b.recv(), InvalidStateError)
      await assert.rejects(b.recvBytes(), InvalidStateError)
      await assert.rejects(b.poll(), InvalidStateError)
      await b.send('still')
      assert.equal(await a.recv(), 'still')
    }
  })

  test('Connection.recvBytes() of a longer message than maxLength closes an end that only receives', async () => {
    const [receiver, sender] = await make.pipe(false)
    await sender.sendBytes(bytesOf('four'))
    await assert.rejects(receiver.recvBytes(3), RangeError)
    assert.equal(receiver.closed, true)
    await assert.rejects(receiver.recv(), ClosedError)
    await assert.rejects(sender.send('anybody?'), { code: 'ERR_MULTIPROC_BROKEN_PIPE' })
  })

  test('Connection.recvBytes() with a maxLength that fits, also 0 for an empty message', async () => {
    const [a, b] = await make.pipe()
    await a.sendBytes(bytesOf('four'))
    await a.sendBytes(new Uint8Array())
    assert.equal(text(await b.recvBytes(4)), 'four')
    assert.equal(b.recvBytesSync(0).length, 0)
  })

  test('Connection.recvBytesInto() a buffer that is too short: the whole message is in `data`, the next one intact', async () => {
    const [a, b] = await make.pipe()
    for (const size of [10, 100_000]) {
      const message = new Uint8Array(size).fill(9)
      for (const form of ['recvBytesInto', 'recvBytesIntoSync'] as const) {
        const buf = new Uint8Array(size)
        await a.sendBytes(message)
        await a.sendBytes(Uint8Array.of(1))
        await assert.rejects(
          async () => b[form](buf, 1),
          (error: BufferTooShortError) => {
            assert.ok(error instanceof BufferTooShortError)
            assert.deepEqual(error.data, message)
            return true
          },
        )
        assert.deepEqual(buf, new Uint8Array(size))
        assert.equal(await b[form](buf, size - 1), 1)
        assert.equal(buf[size - 1], 1)
      }
    }
  })

  test('Connection.recvBytesInto() writes into buffers of any element size, offset in bytes', async () => {
    const [a, b] = await make.pipe()
    await a.sendBytes(Uint8Array.of(1, 2, 3))
    const words = new Uint16Array(3)
    assert.equal(await b.recvBytesInto(words, 2), 3)
    assert.deepEqual(words, Uint16Array.of(0, 0x0201, 0x0003))
  })
}
