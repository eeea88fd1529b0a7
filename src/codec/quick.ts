/**
 * The commonest values to bytes by a short cut: small numbers, short ASCII texts, and small plain objects and arrays of
 * those. The bytes are the very ones that msgpackr would make (a test compares them); everything else is left to it.
 *
 * Why not msgpackr for these too: it wants to be told first that nothing in the value needs care (plain.ts), and then
 * reads it again. Here one walk does both, in a third of the time, and small items in a queue are nothing but that.
 */
import { PLAIN } from './special.ts'

/** Longer ones are worth msgpackr's preparations. */
const MOST_BYTES = 512
const MOST_KEYS = 15
const MOST_ITEMS = 15
const MOST_OBJECTS = 8
/** What a number or the head of a text takes at the most. */
const ROOM = 16

/** The bytes of the last value that went the short way, from the first one on. */
export const quickWords = new Int32Array((MOST_BYTES + ROOM) / 4)
const bytes = new Uint8Array(quickWords.buffer)
const view = new DataView(quickWords.buffer)

/** Objects met in this value: one that is met again has to arrive as one, and that is not for here. */
const met: (object | undefined)[] = new Array(MOST_OBJECTS).fill(undefined)
let count = 0
let at = 0
let busy = false

/** Puts the head of the value's message into `quickWords`; gives its length, or 0: take the long way. */
export function encodeQuick(value: unknown): number {
  if (busy) return 0 // a getter puts something itself, while its own object is half written
  busy = true
  bytes[0] = PLAIN
  at = 1
  try {
    return write(value) ? at : 0
  } catch {
    return 0 // a getter threw: the long way meets the same, and can say where
  } finally {
    busy = false
    if (count > 0) forget()
  }
}

function forget(): void {
  while (count > 0) met[--count] = undefined
}

function write(value: unknown): boolean {
  if (at > MOST_BYTES) return false
  switch (typeof value) {
    case 'string':
      return writeText(value)
    case 'number':
      return writeNumber(value)
    case 'boolean':
      bytes[at++] = value ? 0xc3 : 0xc2
      return true
    case 'object':
      if (value !== null) return writeObject(value)
      bytes[at++] = 0xc0
      return true
    default:
      return false
  }
}

function writeNumber(value: number): boolean {
  if (value >>> 0 === value) {
    if (value < 0x80) {
      if (value === 0 && 1 / value < 0) return false
      bytes[at++] = value
    } else if (value < 0x100) {
      bytes[at++] = 0xcc
      bytes[at++] = value
    } else if (value < 0x10000) {
      bytes[at] = 0xcd
      view.setUint16(at + 1, value)
      at += 3
    } else {
      bytes[at] = 0xce
      view.setUint32(at + 1, value)
      at += 5
    }
    return true
  }
  if (value >> 0 === value) return false // below zero
  bytes[at] = 0xcb
  view.setFloat64(at + 1, value)
  at += 9
  return true
}

function writeText(text: string): boolean {
  const { length } = text
  if (length < 0x20) bytes[at++] = 0xa0 | length
  else if (length < 0x100) {
    bytes[at++] = 0xd9
    bytes[at++] = length
  } else return false
  if (at + length > MOST_BYTES) return false
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return false
    bytes[at++] = unit
  }
  return true
}

function writeObject(value: object): boolean {
  for (let i = 0; i < count; i++) if (met[i] === value) return false
  if (count === MOST_OBJECTS) return false
  met[count++] = value
  const proto = Object.getPrototypeOf(value)
  if (proto === Array.prototype) return Array.isArray(value) && value.constructor === Array && writeArray(value)
  if (proto !== Object.prototype || value.constructor !== Object) return false
  const head = at++
  let keys = 0
  for (const key in value) {
    if (++keys > MOST_KEYS || key === '__proto__' || !writeText(key) || !write((value as any)[key])) return false
  }
  bytes[head] = 0x80 | keys
  return true
}

function writeArray(items: unknown[]): boolean {
  const { length } = items
  if (length > MOST_ITEMS) return false
  bytes[at++] = 0x90 | length
  for (let i = 0; i < length; i++) if (!write(items[i])) return false
  return true
}
