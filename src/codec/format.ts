/**
 * The bytes of a message: what each tag means. Numbers are little-endian, as on every machine Node.js runs on but one.
 *
 *   message = head, then the parts (large binaries), each at a multiple of 8 from the start of the message
 *   head    = flags, value
 *   value   = tag, then what the table below says; `n` is a value that is a whole number
 *
 * Objects are counted as their tags are met, from 0; REF names one of them, so cycles and shared objects keep their shape.
 */

/** The first byte: this format, and what the reader has to prepare for. */
export const PLAIN = 0x50
export const WITH_REFS = 0x51

export const FIX_OBJECT = 0x80 // 0x80 + number of entries; key, value, key, value …
export const FIX_ARRAY = 0x90 // 0x90 + length; values
export const FIX_STRING = 0xa0 // 0xa0 + bytes; Latin-1
export const FIX_END = 0xc0

export const NULL = 0xc0
export const UNDEFINED = 0xc1
export const FALSE = 0xc2
export const TRUE = 0xc3
export const UINT8 = 0xc4
export const UINT16 = 0xc5
export const UINT32 = 0xc6
export const INT32 = 0xc7
export const FLOAT64 = 0xc8
export const BIGINT64 = 0xc9 // 8 bytes
export const BIGINT = 0xca // hexadecimal digits as a string, with a minus sign in front if there is one
export const LATIN1 = 0xcb // n bytes
export const UTF8 = 0xcc // n bytes
export const UTF16 = 0xcd // n bytes; for strings with half of a surrogate pair, which UTF-8 cannot say
export const ARRAY = 0xce // n, values
export const OBJECT = 0xcf // n, key, value …
export const NULL_OBJECT = 0xd0 // n, key, value …; an object without a prototype
export const SAME_KEYS = 0xd1 // values: the keys are those of the last object at this depth
export const MAP = 0xd2 // n, key, value …
export const SET = 0xd3 // n, values
export const DATE = 0xd4 // 8 bytes: milliseconds as a double, NaN when invalid
export const REGEXP = 0xd5 // source, flags
export const ERROR = 0xd6 // name of its class, n, key, value …
export const BOXED = 0xd7 // the primitive
export const BYTES = 0xd8 // kind of binary (one byte), n, n bytes
export const PART = 0xd9 // kind of binary (one byte), n; the bytes are the next part
export const HANDLE = 0xda // n: which of the handles
export const REF = 0xdb // n: which of the objects
export const INSTANCE = 0xdc // name of the registered class, packed value

export const NEGATIVE = 0xe0 // to 0xff: -32 to -1

/** A binary of this size or more travels as a part: it is copied once on each side and never by the codec. */
export const PART_BYTES = 1024
/** A message that is nothing but a binary saves the detour sooner. */
export const LONE_PART_BYTES = 64

/** Deeper nesting is refused on both sides, so that a value that could be sent can also be received. */
export const MAX_DEPTH = 1000

export function align8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8 // not by bit operators: these sizes can exceed 32 bits
}
