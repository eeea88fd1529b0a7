// The short way back from bytes gives what the long way gives, or leaves the value to it; whatever the bytes are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from '#src/codec/codec.js'
import { decodeQuick, SLOW } from '#src/codec/quick-read.js'

// biome-ignore format: one list
const values: unknown[] = [
  0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -1, -32, -33, -128, -129, -32768, -32769,
  -(2 ** 31), 0.5, -0.5, 1e300, NaN, Infinity, -0, 2 ** 53, 10n, '', 'a', 'a key', 'x'.repeat(31), 'x'.repeat(32),
  'x'.repeat(300), 'ä', '日本', true, false, null, undefined, [], [1, 'two', [3, [4]]], {}, { a: 1, b: { c: ['d'] } },
  { ['__proto__']: 1 }, Array.from({ length: 20 }, (_, i) => i), [[[[[[[[[[1]]]]]]]]]], new Date(0), new Map([[1, 2]]),
  Uint8Array.of(1, 2), ['key', { id: 1, name: 'n', tags: ['a', 'b'], price: 1.5 }],
]

function bytesOf(value: unknown): { bytes: Uint8Array; head: number } {
  const message = encode(value)
  const bytes = new Uint8Array(message.byteLength)
  message.writeTo(bytes)
  return { bytes, head: message.headLength }
}

test('decodeQuick() gives what decode() gives, or nothing', () => {
  let quick = 0
  for (const value of values) {
    const { bytes, head } = bytesOf(value)
    const shifted = new Uint8Array(bytes.length + 8).fill(0x80)
    shifted.set(bytes, 5)
    const got = decodeQuick(shifted, 5, head)
    if (got === SLOW) continue
    quick++
    assert.deepEqual(got, decode(bytes, head, []))
  }
  assert.ok(quick > 35, `only ${quick} went the short way`)
})

test('decodeQuick() gives the text that is there, not one that came before', () => {
  for (let i = 0; i < 5000; i++) {
    const text = `key ${(i * 7919) % 5003}`
    const { bytes, head } = bytesOf(text)
    assert.equal(decodeQuick(bytes, 0, head), text)
  }
})

test('decodeQuick() of any bytes throws nothing, and gives nothing that decode() would refuse', () => {
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return seed >>> 8
  }
  for (let round = 0; round < 20_000; round++) {
    const { bytes, head } = bytesOf(values[random() % values.length])
    const garbled = bytes.slice()
    garbled[1 + (random() % Math.max(1, head - 1))] = random() & 255
    const length = random() % 4 === 0 ? Math.max(1, head - (random() % head)) : head
    const got = decodeQuick(garbled, 0, length)
    if (got !== SLOW) assert.deepEqual(got, decode(garbled.slice(0, length), length, []))
  }
})
