/** A message: its parts, its handles, and whose bytes it is. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import { decode, encode } from '#src/codec/codec.js'
import { SHAREABLE, type Shareable } from '#src/contract/shareable.js'
import { bytesOf, copy } from './copy.js'

class Handle implements Shareable {
  readonly id: number
  constructor(id: number) {
    this.id = id
  }
  [SHAREABLE]() {
    return { id: this.id, home: Handle }
  }
}

describe('encode()', () => {
  it('a small number is two bytes, and nothing more', () => {
    assert.equal(bytesOf(5).bytes.length, 2)
  })

  it('parts begin at multiples of 8 after the head, and byteLength is everything', () => {
    const message = encode({ a: new Uint8Array(1025).fill(1), b: new Uint8Array(2000).fill(2) })
    const at = Math.ceil(message.headLength / 8) * 8
    assert.equal(message.byteLength, Math.ceil((at + 1025) / 8) * 8 + 2000)
    const bytes = new Uint8Array(message.byteLength)
    message.writeTo(bytes)
    assert.deepEqual(bytes.subarray(at, at + 1025), new Uint8Array(1025).fill(1))
    assert.deepEqual(bytes.subarray(-2000), new Uint8Array(2000).fill(2))
  })

  it('writeTo() fills no more of a larger target than the message is long', () => {
    for (const value of [1, 'x'.repeat(500), new Uint8Array(5000).fill(1)]) {
      const message = encode(value)
      const target = new Uint8Array(message.byteLength + 8).fill(0xee)
      message.writeTo(target)
      assert.deepEqual(target.subarray(message.byteLength), new Uint8Array(8).fill(0xee))
    }
  })

  it('writeTo() is right also after other values were encoded', () => {
    const values = ['first', 7, { a: [1, { b: 'c' }] }, new Map([[1, 2]]), 'x'.repeat(3000), 'é'.repeat(2_000_000)]
    const messages = values.map(value => encode(value))
    for (const [i, message] of messages.entries()) {
      const bytes = new Uint8Array(message.byteLength)
      message.writeTo(bytes)
      assert.deepEqual(decode(bytes, message.headLength, []), values[i])
    }
  })

  it('a large value does not change the ones after it', () => {
    assert.equal(copy('x'.repeat(20_000_000)).length, 20_000_000)
    assert.deepEqual(copy({ a: 1 }), { a: 1 })
    assert.equal(copy(Array.from({ length: 300_000 }, (_, i) => `item ${i}`))[299_999], 'item 299999')
  })

  it('strings arrive whole wherever in its buffer the encoder runs out of room', () => {
    const text = 'abcdefghijklmnopqrstuvwxyz0123456789ABC'
    for (let before = 0; before < 42; before++) {
      encode('x'.repeat(17_000_000)) // after so much it begins again with a small buffer
      const value = ['x'.repeat(before), ...Array.from({ length: 1000 }, () => text)]
      assert.deepEqual(copy(value), value)
    }
  })

  it('large binaries are copied from where they are, and not before', () => {
    const source = new Uint8Array(64 * 1024 * 1024)
    const message = encode(source)
    source[17] = 99
    const bytes = new Uint8Array(message.byteLength)
    message.writeTo(bytes)
    assert.equal((decode(bytes, message.headLength, []) as Uint8Array)[17], 99)
  })

  it('called by a getter of the value being encoded, both messages are right', () => {
    let inner: Uint8Array | undefined
    const value = {
      before: [1, { deep: 'x' }],
      get nested() {
        const message = encode({ inner: ['y', new Uint8Array(2000)] })
        inner = new Uint8Array(message.byteLength)
        message.writeTo(inner)
        assert.deepEqual(decode(inner, message.headLength, []), { inner: ['y', new Uint8Array(2000)] })
        return 'got'
      },
      after: { deep: 'z' },
    }
    assert.deepEqual(copy(value), { before: [1, { deep: 'x' }], nested: 'got', after: { deep: 'z' } })
    assert.ok(inner)
  })

  it('called by a getter, an object on both sides of it still arrives as one', () => {
    const twice = { a: 1 }
    const value = {
      first: twice,
      get nested() {
        return bytesOf([{ b: 2 }, { c: 3 }]).headLength
      },
      last: twice,
    }
    const copied = copy(value)
    assert.equal(copied.first, copied.last)
  })
})

describe('decode()', () => {
  it('gives nothing that is a view on the message', () => {
    const value = {
      text: 'some text that is long enough',
      bytes: new Uint8Array(30).fill(7),
      part: new Float64Array(500).fill(0.5),
      buffer: Buffer.alloc(70, 1),
      raw: new ArrayBuffer(9),
    }
    const { bytes, headLength } = bytesOf(value)
    const copied = decode(bytes, headLength, []) as typeof value
    bytes.fill(0xff)
    assert.deepEqual(copied, value)
    for (const binary of [copied.bytes, copied.part, copied.buffer]) assert.notEqual(binary.buffer, bytes.buffer)
  })

  it('reads no further than headLength in a place that is larger', () => {
    for (const value of [5, { a: [1] }, 'x'.repeat(300), new Date(5), [new Uint8Array(5000).fill(3)]]) {
      const { bytes, headLength } = bytesOf(value)
      const place = new Uint8Array(bytes.length + 5000).fill(0xee)
      place.set(bytes)
      assert.deepStrictEqual(decode(place, headLength, []), value)
    }
  })

  it('keeps nothing of the message alive', async () => {
    v8.setFlagsFromString('--expose-gc')
    const collect: () => void = vm.runInNewContext('gc')
    for (const value of [{ a: 1 }, [new Date(5)], 'x'.repeat(3_000_000), new Uint8Array(5000)]) {
      const { bytes, headLength } = bytesOf(value)
      let message: Uint8Array | undefined = bytes.slice()
      const gone = new WeakRef(message.buffer)
      decode(message, headLength, [])
      message = undefined
      for (let turn = 0; turn < 10 && gone.deref() !== undefined; turn++) {
        await new Promise(setImmediate) // a WeakRef holds on until the end of the turn
        collect()
      }
      assert.equal(gone.deref(), undefined)
    }
  })

  it('changing what arrived changes neither the message nor what was sent', () => {
    const part = new Uint8Array(5000)
    const { bytes, headLength } = bytesOf([part])
    const before = bytes.slice()
    ;(decode(bytes, headLength, []) as Uint8Array[])[0].fill(1)
    assert.deepEqual(bytes, before)
    assert.equal(part[0], 0)
  })

  it('reads the same bytes as often as one likes', () => {
    const { bytes, headLength } = bytesOf({ a: [1, 2, { b: 'c' }] })
    for (let round = 0; round < 3; round++) assert.deepEqual(decode(bytes, headLength, []), { a: [1, 2, { b: 'c' }] })
  })
})

describe('handles', () => {
  it('are found anywhere, each once, and arrive as what the reader was given for them', () => {
    const [one, two] = [new Handle(1), new Handle(2)]
    const message = encode({
      one,
      list: [two, one],
      map: new Map<unknown, unknown>([
        ['k', two],
        [one, 'v'],
      ]),
      set: new Set([two]),
    })
    assert.deepEqual(message.handles, [one, two])
    const bytes = new Uint8Array(message.byteLength)
    message.writeTo(bytes)
    const copied = decode(bytes, message.headLength, ['ONE', 'TWO']) as any
    assert.equal(copied.one, 'ONE')
    assert.deepEqual(copied.list, ['TWO', 'ONE'])
    assert.deepEqual(
      [...copied.map],
      [
        ['k', 'TWO'],
        ['ONE', 'v'],
      ],
    )
    assert.deepEqual([...copied.set], ['TWO'])
  })

  it('may be typed arrays, functions and plain objects', () => {
    const array = Object.assign(new Int32Array(4), { [SHAREABLE]: () => ({ id: 1 }) })
    const callable = Object.assign(() => 1, { [SHAREABLE]: () => ({ id: 2 }) })
    const plain = { [SHAREABLE]: () => ({ id: 3 }) }
    assert.deepEqual(encode([array, callable, plain, callable]).handles, [array, callable, plain])
    assert.deepEqual(encode(array).handles, [array])
    assert.deepEqual(encode(callable).handles, [callable])
    assert.deepEqual(encode({ plain }).handles, [plain])
    assert.deepEqual(copy([array, callable, plain, callable]), [array, callable, plain, callable])
  })

  it('are not kept for the next message', () => {
    encode(new Handle(1))
    assert.equal(encode(1).handles.length, 0)
  })
})
