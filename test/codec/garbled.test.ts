/** Bytes that are not a message: an error, and nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode } from '#src/codec/codec.js'
import { MultiprocError } from '#src/contract/errors.js'
import { bytesOf, copy } from './copy.js'

const samples: unknown[] = [
  5,
  'text that is longer than forty characters, so that it has a length',
  { id: 1, name: 'n', tags: ['a', 'b'], price: 1.5, big: 2n ** 70n },
  [{ a: 1 }, { a: 2 }, new Map([[1, new Set([2])]]), new Date(), /x/g, Object(1)],
  [new Error('x', { cause: [1] }), new Uint8Array(20), new Uint8Array(2000), Buffer.from('b'), new Float64Array(3)],
  (() => {
    const cycle: any[] = [1]
    cycle.push(cycle)
    return cycle
  })(),
]

/** Either a value or a MultiprocError: never another error, never a change to a prototype. */
function tryDecode(bytes: Uint8Array, headLength: number): void {
  try {
    decode(bytes, headLength, [])
  } catch (error) {
    assert.ok(error instanceof MultiprocError, String(error))
  }
}

describe('decode() of garbled bytes', () => {
  it('that end too soon: a MultiprocError', () => {
    for (const sample of samples) {
      const { bytes, headLength } = bytesOf(sample)
      for (let end = 0; end < headLength; end++) {
        assert.throws(() => decode(bytes.subarray(0, end), end, []), MultiprocError)
        assert.throws(() => decode(bytes.subarray(0, end), headLength, []), MultiprocError)
        assert.throws(() => decode(bytes, end, []), MultiprocError)
      }
    }
  })

  it('with any byte changed to any other: a value or a MultiprocError', () => {
    for (const sample of samples) {
      const { bytes, headLength } = bytesOf(sample)
      for (let at = 0; at < headLength; at++) {
        const was = bytes[at]
        for (let byte = 0; byte < 256; byte += at < 8 ? 1 : 5) {
          bytes[at] = byte
          tryDecode(bytes, headLength)
        }
        bytes[at] = was
      }
    }
    assert.equal(Object.keys(Object.prototype).length, 0)
  })

  it('at random: a value or a MultiprocError', () => {
    let seed = 7
    const bytes = new Uint8Array(64)
    for (let round = 0; round < 30_000; round++) {
      for (let i = 0; i < bytes.length; i++) {
        seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
        bytes[i] = seed >>> 16
        if (round % 2 === 0 && i % 3 === 0) bytes[i] |= 0xc0
      }
      bytes[0] = 0x50 + (round & 1)
      tryDecode(bytes, bytes.length)
    }
  })

  it('that claim more than there is take no memory', () => {
    for (const tag of [0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd2, 0xd3]) {
      assert.throws(() => decode(Uint8Array.of(0x50, tag, 0xc6, 0xff, 0xff, 0xff, 0x7f), 7, []), MultiprocError)
    }
    assert.throws(() => decode(Uint8Array.of(0x50, 0xd9, 0, 0xc6, 0xff, 0xff, 0xff, 0x7f), 8, []), MultiprocError)
  })

  it('nested without end: a MultiprocError', () => {
    const bytes = new Uint8Array(100_000).fill(0x91)
    bytes[0] = 0x50
    assert.throws(() => decode(bytes, bytes.length, []), /deeper nesting/)
  })

  it('that refer to an object before it is made: a MultiprocError', () => {
    assert.throws(() => decode(Uint8Array.of(0x51, 0xd7, 0xdb, 0), 4, []), MultiprocError)
    assert.throws(() => decode(Uint8Array.of(0x51, 0x91, 0xdb, 1), 4, []), MultiprocError)
  })

  it('learn nothing of the message before', () => {
    copy({ secret: 1 })
    assert.throws(() => decode(Uint8Array.of(0x50, 0xd1, 5), 3, []), /without its keys/)
  })

  it('leave the codec as it was', () => {
    assert.throws(() => decode(new Uint8Array([0x50, 0x92, 1]), 3, []), MultiprocError)
    assert.deepEqual(copy([{ a: 1 }, { a: 2 }]), [{ a: 1 }, { a: 2 }])
  })
})
