/** Bytes that are not a message: an error, and nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode } from '#src/codec/codec.js'
import { packHead } from '#src/codec/msgpack.js'
import { registerClass } from '#src/codec/register-class.js'
import * as kind from '#src/codec/special.js'
import { Special } from '#src/codec/special.js'
import { MultiprocError } from '#src/contract/errors.js'
import { bytesOf, copy } from './copy.js'

class Stamp {
  readonly made: unknown
  constructor(made: unknown) {
    this.made = made
  }
}
registerClass(Stamp, { name: 'test.Stamp', pack: stamp => stamp.made, unpack: made => new Stamp(made) })

const samples: unknown[] = [
  5,
  'text that is longer than forty characters, so that it has a length',
  { id: 1, name: 'n', tags: ['a', 'b'], price: 1.5, big: 2n ** 70n },
  [{ a: 1 }, { a: 2 }, new Map([[1, new Set([2])]]), new Date(), /x/g, Object(1)],
  [new Error('x', { cause: [1] }), new Uint8Array(20), new Uint8Array(2000), Buffer.from('b'), new Float64Array(3)],
  [
    '\ud800',
    -0,
    JSON.parse('{"__proto__":1,"constructor":2}'),
    Object.assign(Object.create(null), { a: 1 }),
    undefined,
  ],
  (() => {
    const cycle: any[] = [1, new Map<unknown, unknown>([[1, new Set([2])]]), new Stamp('s')]
    cycle.push(cycle, new Error('e', { cause: cycle[1] }), cycle[2])
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

function headOf(value: unknown, start: number): { bytes: Uint8Array; headLength: number } {
  const packed = packHead(value, start)
  const bytes = new Uint8Array(packed.subarray(packed.start, packed.end))
  return { bytes, headLength: bytes.length }
}

function decodeHead(value: unknown, start = kind.PLAIN): unknown {
  const { bytes, headLength } = headOf(value, start)
  return decode(bytes, headLength, [])
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
    for (const tag of [0xdb, 0xdd, 0xdf, 0xc6, 0xc9]) {
      assert.throws(() => decode(Uint8Array.of(0x50, tag, 0x7f, 0xff, 0xff, 0xff, 1), 7, []), MultiprocError)
      // many at once, each in the one before
      const bytes = Uint8Array.from({ length: 5001 }, (_, i) => (i === 0 ? 0x50 : [tag, 0, 0, 0x10, 0][(i - 1) % 5]))
      assert.throws(() => decode(bytes, bytes.length, []), MultiprocError)
    }
    for (const parts of [
      [kind.PART, 0, 2 ** 31],
      [kind.PART, 0, -1],
      [kind.PART, 0, NaN],
    ]) {
      assert.throws(() => decodeHead(new Special(parts)), /beyond its end/)
    }
  })

  it('nested without end: a MultiprocError', () => {
    const bytes = new Uint8Array(100_000).fill(0x91)
    bytes[0] = 0x50
    assert.throws(() => decode(bytes, bytes.length, []), /deeper nesting/)
  })

  it('that refer to an object before it is made: a MultiprocError', () => {
    const again = new Special([kind.AGAIN, 0])
    const instance = new Special([kind.INSTANCE, 'test.Stamp', again])
    const within = new Special([kind.SHARED, 0, new Special([kind.INSTANCE, 'test.Stamp', [again]])])
    for (const value of [again, [again], new Special([kind.SHARED, 0, instance]), within]) {
      assert.throws(() => decodeHead(value, kind.LINKED), /a reference to nothing/)
    }
  })

  it('that say they have no references, and have some: a MultiprocError', () => {
    for (const parts of [
      [kind.SHARED, 0, []],
      [kind.AGAIN, 0],
      [kind.INSTANCE, 'test.Stamp', 1],
    ]) {
      assert.throws(() => decodeHead(new Special(parts), kind.PLAIN), MultiprocError)
    }
  })

  it('with special values of the wrong parts: a value or a MultiprocError', () => {
    const parts = [undefined, null, 1, -1, NaN, 'text', [], {}, new Uint8Array(3), new Special([kind.MAP, 1, 2])]
    for (let number = -1; number < 20; number++) {
      for (const first of parts) {
        for (const second of parts) {
          for (const start of [kind.PLAIN, kind.LINKED]) {
            for (const list of [[number], [number, first], [number, first, second]]) {
              const { bytes, headLength } = headOf(new Special(list), start)
              tryDecode(bytes, headLength)
            }
          }
        }
      }
    }
  })

  it('with special values that lack what they need: a MultiprocError', () => {
    const lists: unknown[][] = [
      [99],
      [kind.HANDLE, 0],
      [kind.MAP, 1],
      [kind.ENTRIES, 'key'],
      [kind.ENTRIES, 1, 2],
      [kind.ERROR, 'Error', 'key'],
      [kind.ERROR, 5],
      [kind.TEXT, 'text'],
      [kind.DATE, '2000'],
      [kind.REGEXP, '[', ''],
      [kind.BOXED, {}],
      [kind.BOXED],
      [kind.BYTES, 0, 'bytes'],
      [kind.BYTES, 99, new Uint8Array(3)],
      [kind.BYTES, 4, new Uint8Array(3)],
    ]
    for (const parts of lists) {
      assert.throws(() => decodeHead(new Special(parts)), MultiprocError, String(parts))
      assert.throws(() => decodeHead(new Special(parts), kind.LINKED), MultiprocError, String(parts))
    }
  })

  it('that begin in another way: a MultiprocError', () => {
    for (const first of [0, 0x4f, 0x52, 0xff]) {
      assert.throws(() => decode(Uint8Array.of(first, 5), 2, []), /another start/)
    }
  })

  it('of the extensions of msgpackr that we never write: a MultiprocError', () => {
    const extensions: Record<string, number[]> = {
      'a record, which would be compiled': [0x94, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1, 0x40, 2, 0x40, 3, 0x40, 4],
      'a record with a long number': [0xd5, 0x72, 0x40, 0x01, 0x91, 0xa1, 0x61, 1],
      'bundled strings': [0xd6, 0x62, 0, 0, 0, 6, 0xc1, 1, 0xa0, 0xa1, 0x61],
      'an Error': [0xd4, 0x65, 0, 0x93, 0xa7, ...Buffer.from('valueOf'), 1, 2],
      'a RegExp': [0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0],
      'a Set': [0xd4, 0x73, 0, 0x91, 1],
      'a typed array': [0xc7, 3, 0x74, 1, 5, 5],
      'a Date': [0xd6, 0xff, 0, 0, 0, 1],
      'an object with a number': [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1],
      'a long one': [0xc7, 100, 0x74, 1, ...new Array(99).fill(0xd9)],
      'a longer one': [0xc8, 1, 44, 0x74, 1, ...new Array(299).fill(0xda)],
      'our own, as bytes': [0xc7, 1, 0x57, 0],
    }
    for (const [name, extension] of Object.entries(extensions)) {
      const bytes = Uint8Array.from([kind.PLAIN, ...extension])
      assert.throws(() => decode(bytes, bytes.length, []), MultiprocError, name)
    }
  })

  it('learn nothing of the message before', () => {
    copy({ secret: 'secret secret secret secret secret secret secret secret secret' })
    for (const bytes of [
      [kind.PLAIN, 0xa5],
      [kind.PLAIN, 0xd9, 66],
      [kind.PLAIN, 0x81],
      [kind.PLAIN, 0x81, 0xa6],
    ]) {
      assert.throws(() => decode(Uint8Array.from(bytes), bytes.length, []), MultiprocError)
    }
  })

  it('leave the codec as it was', () => {
    assert.throws(() => decode(new Uint8Array([kind.PLAIN, 0x92, 1]), 3, []), MultiprocError)
    assert.deepEqual(copy([{ a: 1 }, { a: 2 }]), [{ a: 1 }, { a: 2 }])
  })
})
