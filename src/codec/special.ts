/**
 * What msgpackr would not bring over as it is travels as a list of parts in a wrapper of our own, `Special`.
 *
 * The first part says which kind of special value it is; the table says what follows. Only instances of `Special` are of
 * this kind to msgpackr, so nobody else who uses the same copy of it sees a difference.
 *
 *   message = head, then the large binaries, each at a multiple of 8 from the start of the message
 *   head    = PLAIN or LINKED (one byte), then a value in MessagePack
 */

/** The first byte: what the reader has to prepare for. */
export const PLAIN = 0x50
/** Some objects can only be made when all have arrived: they refer to each other, or are made by a registered class. */
export const LINKED = 0x51

// kinds of special values: the numbers are in messages that may be stored, so new ones go to the end
export const NEGATIVE_ZERO = 0
export const TEXT = 1 // its UTF-16 bytes: a string that UTF-8 cannot say
export const ENTRIES = 2 // key, value, key, value …: a plain object with keys that msgpackr would change
export const NULL_ENTRIES = 3 // key, value, key, value …: an object without a prototype
export const MAP = 4 // key, value, key, value …
export const SET = 5 // items
export const DATE = 6 // milliseconds, NaN when invalid
export const REGEXP = 7 // source, flags
export const ERROR = 8 // name of its class, then key, value, key, value …
export const BOXED = 9 // the primitive
export const BYTES = 10 // kind of binary, its bytes
export const PART = 11 // kind of binary, length: the bytes are the next large binary after the head
export const HANDLE = 12 // which of the handles
export const INSTANCE = 13 // name of the registered class, what its `pack` gave
export const SHARED = 14 // number, value: an object that is met again
export const AGAIN = 15 // number: that object

/** A binary of this size or more travels after the head: it is copied once on each side and never by the codec. */
export const PART_BYTES = 1024
/** A message that is nothing but a binary saves the detour sooner. */
export const LONE_PART_BYTES = 64

/** Deeper nesting is refused before it is sent. */
export const MAX_DEPTH = 1000

export class Special {
  readonly parts: readonly unknown[]

  constructor(parts: readonly unknown[]) {
    this.parts = parts
  }
}

export function align8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8 // not by bit operators: these sizes can exceed 32 bits
}

/** Whether msgpackr brings a string over unchanged: not with half a surrogate pair, nor with a byte order mark in front. */
export function isPlainText(text: string): boolean {
  // `isWellFormed` is in every Node.js we run on; newer than the library TypeScript is given
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed() && text.charCodeAt(0) !== 0xfeff
}

/** Whether msgpackr brings a property of that name over unchanged. */
export function isPlainKey(key: string): boolean {
  return key !== '__proto__' && isPlainText(key)
}
