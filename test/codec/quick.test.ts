// The short cut for common values: the bytes are those of the long way, or it is not taken.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode, encode } from '#src/codec/codec.js'
import { encodeQuick, quickWords } from '#src/codec/quick.js'

/** The bytes of the short way; undefined when it was not taken. */
function quick(value: unknown): Uint8Array | undefined {
  const length = encodeQuick(value)
  return length === 0 ? undefined : new Uint8Array(quickWords.buffer).slice(0, length)
}

function long(value: unknown): Uint8Array {
  const message = encode(value)
  const bytes = new Uint8Array(message.byteLength)
  message.writeTo(bytes)
  return bytes
}

const taken: unknown[] = [
  ...[
    0,
    1,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    0.5,
    -0.5,
    NaN,
    Infinity,
    -Infinity,
  ],
  ...['', 'a', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(255), '\0', '\x7f'],
  ...[true, false, null, {}, [], [[]], { a: {} }, [1, 'two', null, [3]]],
  { id: 7, name: 'widget-blue', tags: ['red', 'large', 'new'], price: 19.5 },
  Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`k${i}`, i])),
  Array.from({ length: 15 }, (_, i) => i * 1000),
  { 1: 'one', 0: 'zero', constructo: 1 },
]

const twice = { a: 1 }
const cyclic: unknown[] = []
cyclic.push(cyclic)
class Point {
  x = 1
}

const left: [string, unknown][] = [
  ['-0', -0],
  ['a number below zero', -1],
  ['undefined', undefined],
  ['a bigint', 1n],
  ['a text that is not ASCII', 'é'],
  ['a lone surrogate', '\ud800'],
  ['a long text', 'x'.repeat(256)],
  ['an object twice', [twice, twice]],
  ['a cycle', cyclic],
  ['a class instance', new Point()],
  ['no prototype', Object.create(null)],
  ['a Map', new Map()],
  ['a Date', new Date()],
  ['bytes', new Uint8Array(3)],
  ['an own constructor', { constructor: Array }],
  ['a __proto__ key', JSON.parse('{"__proto__":1}')],
  ['16 keys', Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, i]))],
  ['16 items', new Array(16).fill(0)],
  ['much', Array.from({ length: 10 }, (_, i) => String(i).repeat(100))],
  ['many objects', Array.from({ length: 9 }, () => ({}))],
  ['a function', { f() {} }],
  ['a symbol', [Symbol('s')]],
  ['a subclassed array', new (class extends Array {})()],
]

describe('encodeQuick()', () => {
  for (const value of taken) {
    test(`${JSON.stringify(value) ?? String(value)}`.slice(0, 60).concat(': the bytes of the long way'), () => {
      const bytes = quick(value)
      assert.ok(bytes, 'it took the long way')
      assert.deepEqual(bytes, long(value))
      assert.deepStrictEqual(decode(bytes, bytes.length, []), value)
    })
  }

  for (const [what, value] of left) {
    test(`leaves ${what} to the long way`, () => assert.equal(quick(value), undefined))
  }

  test('a getter that throws, or that encodes something itself, takes the long way and does no harm', () => {
    const throws = { get a() { throw new Error('no') } } // biome-ignore format: in one line
    assert.equal(quick(throws), undefined)
    const nested = { get a() { return quick([1, 2]) === undefined ? 1 : 2 } } // biome-ignore format: in one line
    assert.deepEqual(quick(nested), long({ a: 1 }))
    assert.deepEqual(quick([1]), long([1]))
  })

  test('random plain values: the bytes of the long way wherever it is taken', () => {
    let seed = 4711
    const random = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return (seed >>> 8) % n
    }
    const make = (depth: number): unknown => {
      const pick = random(depth > 3 ? 6 : 8)
      if (pick === 0) return random(300)
      if (pick === 1) return random(2 ** 24) * random(512)
      if (pick === 2) return random(1000) / 7
      if (pick === 3) return 'abcdefghijklmnop'.slice(0, random(17)).repeat(random(4))
      if (pick === 4) return random(2) === 0
      if (pick === 5) return null
      if (pick === 6) return Array.from({ length: random(6) }, () => make(depth + 1))
      return Object.fromEntries(Array.from({ length: random(6) }, (_, i) => [`key${i}`, make(depth + 1)]))
    }
    let short = 0
    for (let i = 0; i < 5000; i++) {
      const value = make(0)
      const bytes = quick(value)
      if (bytes === undefined) continue
      short++
      assert.deepEqual(bytes, long(value))
    }
    assert.ok(short > 2500, `only ${short} of 5000 took the short way`)
  })
})
