/**
 * The commonest values back from bytes: numbers, short ASCII texts, and small plain objects and arrays of those. Reads what
 * quick.ts writes, and as much of what msgpackr writes; everything else is left to it.
 *
 * Short texts are looked for among those that came before: the keys of objects and dicts come again and again, and the
 * engine knows the hash of a text that it has met.
 */
import { PLAIN } from './special.ts'

/** What comes back when the value is not for here: take the long way. */
export const SLOW: unique symbol = Symbol('slow')

const MOST_DEPTH = 8
/** Longer texts are not kept. */
const KEPT_TEXT = 24
const KEPT = 1024
const texts: string[] = new Array(KEPT).fill('')

const eight = new DataView(new ArrayBuffer(8))
const latin1Slice = (Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, from: number, to: number): string })
  .latin1Slice

let at = 0
let end = 0
let bytes: Uint8Array = new Uint8Array(0)

/** The value whose head lies in `source` from `from` on and is `length` bytes long. */
export function decodeQuick(source: Uint8Array, from: number, length: number): unknown {
  if (source[from] !== PLAIN) return SLOW
  bytes = source
  at = from + 1
  end = from + length
  const value = read(0)
  return at === end ? value : SLOW
}

function read(depth: number): unknown {
  if (at >= end) return SLOW
  const head = bytes[at++]
  if (head < 0x80) return head
  if (head < 0x90) return readObject(head & 15, depth)
  if (head < 0xa0) return readArray(head & 15, depth)
  if (head < 0xc0) return readText(head & 31)
  switch (head) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xcb:
      return readFloat()
    case 0xcc:
      return bytes[at++]
    case 0xcd:
      at += 2
      return (bytes[at - 2] << 8) | bytes[at - 1]
    case 0xce:
      at += 4
      return ((bytes[at - 4] << 24) | (bytes[at - 3] << 16) | (bytes[at - 2] << 8) | bytes[at - 1]) >>> 0
    case 0xd0:
      return (bytes[at++] << 24) >> 24
    case 0xd1:
      at += 2
      return (((bytes[at - 2] << 8) | bytes[at - 1]) << 16) >> 16
    case 0xd2:
      at += 4
      return (bytes[at - 4] << 24) | (bytes[at - 3] << 16) | (bytes[at - 2] << 8) | bytes[at - 1]
    case 0xd9:
      return readText(bytes[at++])
    default:
      return SLOW
  }
}

function readFloat(): number {
  for (let i = 0; i < 8; i++) eight.setUint8(i, bytes[at + i])
  at += 8
  return eight.getFloat64(0)
}

function readText(length: number): string | typeof SLOW {
  const from = at
  at += length
  if (!(at <= end)) return SLOW // also when the length itself lies beyond the end
  let hash = length
  for (let i = from; i < at; i++) {
    const byte = bytes[i]
    if (byte > 0x7f) return SLOW
    hash = (Math.imul(hash, 31) + byte) | 0
  }
  if (length > KEPT_TEXT) return latin1Slice.call(bytes, from, at)
  const place = (hash ^ (hash >>> 11)) & (KEPT - 1)
  const kept = texts[place]
  if (kept.length === length && isAt(kept, from)) return kept
  const text = latin1Slice.call(bytes, from, at)
  texts[place] = text
  return text
}

function isAt(text: string, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false
  return true
}

function readArray(length: number, depth: number): unknown {
  if (depth === MOST_DEPTH) return SLOW
  const items: unknown[] = []
  for (let i = 0; i < length; i++) {
    const item = read(depth + 1)
    if (item === SLOW) return SLOW
    items.push(item)
  }
  return items
}

function readObject(keys: number, depth: number): unknown {
  if (depth === MOST_DEPTH) return SLOW
  const object: Record<string, unknown> = {}
  for (let i = 0; i < keys; i++) {
    const key = read(depth + 1)
    if (typeof key !== 'string' || key === '__proto__') return SLOW
    const value = read(depth + 1)
    if (value === SLOW) return SLOW
    object[key] = value
  }
  return object
}
