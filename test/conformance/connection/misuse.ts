// Bad arguments are refused at the call with a typed error, and nothing is lost by it.
import assert from 'node:assert/strict'
import { Connection } from 'multiproc'
import { refused } from '../refused.ts'
import type { Suite } from '../suite.ts'

export function misuse({ make, test }: Suite): void {
  const refuses = async (run: () => unknown, kind: typeof TypeError | typeof RangeError) =>
    assert.rejects(async () => run(), refused(kind))

  test('Pipe() with bad options throws, and names what it does not know', async () => {
    for (const bad of [5, 'duplex', null, { simplex: true }, { duplex: 1 }, []] as any[]) {
      await refuses(() => make.pipe(bad), TypeError)
    }
    await assert.rejects(async () => make.pipe({ duplx: true } as any), /`duplx`/)
  })

  test('new Connection() is refused, and says where they come from', () => {
    assert.throws(() => new (Connection as any)(), /Pipe\(\)/)
    assert.throws(() => new (Connection as any)(), refused(TypeError))
  })

  test('Connection.sendBytes() of what is no buffer is refused, and nothing is sent', async () => {
    const [a, b] = await make.pipe()
    for (const bad of ['text', 5, null, undefined, [1, 2], {}] as any[]) {
      await refuses(() => a.sendBytes(bad), TypeError)
      await refuses(() => a.sendBytesSync(bad), TypeError)
    }
    for (const bad of ['text', new ArrayBuffer(5), null, undefined] as any[]) {
      await refuses(() => b.recvBytesInto(bad), TypeError)
      await refuses(() => b.recvBytesIntoSync(bad), TypeError)
    }
    assert.equal(await b.poll(), false)
  })

  test('Connection: a buffer whose memory was transferred away is refused, and nothing is sent or taken', async () => {
    const [a, b] = await make.pipe()
    const gone = new Uint8Array(4)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    for (const bad of [gone, gone.buffer] as any[]) {
      await refuses(() => a.sendBytes(bad), TypeError)
      await refuses(() => a.sendBytesSync(bad), TypeError)
    }
    await a.sendBytes(new Uint8Array())
    await refuses(() => b.recvBytesInto(gone), TypeError)
    await refuses(() => b.recvBytesIntoSync(gone), TypeError)
    assert.equal((await b.recvBytes()).length, 0)
    assert.equal(await b.poll(), false)
  })

  test('Connection: offsets, sizes and lengths that cannot be are refused, and nothing is sent or taken', async () => {
    const [a, b] = await make.pipe()
    await a.sendBytes(Uint8Array.of(1, 2, 3))
    const buf = new Uint8Array(4)
    for (const [bad, kind] of [
      [-1, RangeError],
      [5, RangeError],
      [0.5, RangeError],
      [NaN, RangeError],
      ['1', TypeError],
      [null, TypeError],
      [1n, TypeError],
    ] as const) {
      const value = bad as any
      await refuses(() => a.sendBytes(buf, value), kind)
      await refuses(() => a.sendBytesSync(buf, 0, value), kind)
      await refuses(() => b.recvBytesInto(buf, value), kind)
      await refuses(() => b.recvBytesIntoSync(buf, value), kind)
      if (value === 5) continue
      await refuses(() => b.recvBytes(value), kind)
      await refuses(() => b.recvBytesSync(value), kind)
    }
    await refuses(() => a.sendBytes(buf, 2, 3), RangeError)
    assert.deepEqual(await b.recvBytes(), Uint8Array.of(1, 2, 3))
    assert.equal(await b.poll(), false)
  })

  test('Connection.send() of a value whose getter closes the Connection: ClosedError, and nothing is sent', async () => {
    for (const form of ['send', 'sendSync'] as const) {
      const [a, b] = await make.pipe()
      const hostile = {
        get it() {
          a.close()
          return 1
        },
      }
      await assert.rejects(async () => a[form](hostile), { code: 'ERR_MULTIPROC_CLOSED' })
      await assert.rejects(b.recv(), { code: 'ERR_MULTIPROC_EOF' })
    }
  })

  test('Connection: bad timeouts, signals and options are refused by every operation, and nothing is sent or taken', async () => {
    const [a, b] = await make.pipe()
    await a.send('only')
    for (const [options, kind] of [
      [{ timeout: -1 }, RangeError],
      [{ timeout: 1.5 }, RangeError],
      [{ timeout: '5' }, TypeError],
      [{ timeout: null }, TypeError],
      [{ timout: 5 }, TypeError],
      [{ signal: 'now' }, TypeError],
      [5, TypeError],
    ] as any[]) {
      await refuses(() => a.send(1, options), kind)
      await refuses(() => a.sendSync(1, options), kind)
      await refuses(() => a.sendBytes(new Uint8Array(10_000), 0, 5, options), kind)
      await refuses(() => a.sendBytesSync(new Uint8Array(1), 0, 1, options), kind)
      await refuses(() => b.recv(options), kind)
      await refuses(() => b.recvSync(options), kind)
      await refuses(() => b.recvBytes(5, options), kind)
      await refuses(() => b.recvBytesSync(5, options), kind)
      await refuses(() => b.recvBytesInto(new Uint8Array(10), 0, options), kind)
    }
    for (const [timeout, kind] of [
      [1.5, RangeError],
      [-1.5, RangeError],
      [NaN, RangeError],
      ['5', TypeError],
      [{}, TypeError],
    ] as any[]) {
      await refuses(() => b.poll(timeout), kind)
      await refuses(() => b.pollSync(timeout), kind)
    }
    assert.equal(await b.recv(), 'only')
    assert.equal(await b.poll(), false)
  })
}
