/**
 * The only file that knows msgpackr: a value to the bytes of a head, and back.
 *
 * msgpackr keeps its buffers and its extensions in its module, for everybody who uses the same copy of it. So the bytes
 * of a head are left where msgpackr put them and never written over by us, and reading is done from a copy of ours.
 *
 * Bytes may be anything. What msgpackr understands and we never write is refused where it matters: records, whose readers
 * it would compile, find a list that takes no entries; and all extensions but ours need a piece of the source, which is ours.
 */
import { addExtension, Packr, RESERVE_START_SPACE, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr/pack'
import { clearSource } from 'msgpackr/unpack'
import { MultiprocError } from '../contract/errors.ts'
import { copyBytes } from './binary.ts'
import { Special } from './special.ts'

/** Gives what stands for a `Special` with these parts. Called while msgpackr reads, so it must run no code of the user. */
export interface Receiver {
  receive(parts: readonly unknown[]): unknown
}
/** msgpackr says in two properties of its buffer where in it the latest message is. */
export type Packed = Buffer & { start: number; end: number; dataView?: DataView }

const SPECIAL_TYPE = 0x57
const BIGINT_TYPE = 0x42
const HOW = REUSE_BUFFER_MODE | RESERVE_START_SPACE | 1 // one byte in front is for `first`
const FIRST_BYTES = 8192
/** A buffer that grew beyond this for one message is not kept for the next. */
const KEPT_BYTES = 1024 * 1024

const packr = new Packr({
  useRecords: false,
  variableMapSize: true, // also takes more than 65,535 keys
  useToJSON: false,
  useBigIntExtension: true,
  writeFunction: () => {
    throw new TypeError('a function appeared while the value was read') // from a getter: it was none when first read
  },
})
const unpackr = new Unpackr({ useRecords: false, copyBuffers: true, structuredClone: false })
Object.assign(unpackr, { structures: Object.preventExtensions([]) })

/** Shared with other copies of this package: the one that was loaded last has its extension in place of all of theirs. */
const DESK = Symbol.for('multiproc.codec.desk')
const desk: { receiver?: Receiver } = (globalThis as any)[DESK] ?? {}
Object.defineProperty(globalThis, DESK, { value: desk, configurable: true })

addExtension({
  Class: Special,
  type: SPECIAL_TYPE,
  write: (special: Special) => special.parts,
  read: (parts: unknown) => {
    if (desk.receiver === undefined || !Array.isArray(parts)) throw new MultiprocError('Expected the parts of a value')
    return desk.receiver.receive(parts)
  },
})

/** Packs a value that holds only what msgpackr brings over, and `Special`s. The head is in what comes back, from `start` to `end`. */
export function packHead(value: unknown, first: number): Packed {
  const packed = packr.pack(value, HOW) as Packed
  const { start, end } = packed
  packed[start] = first
  if (packed.length > KEPT_BYTES) {
    // gives msgpackr a small buffer in its place; not when we are called from inside another `pack`, which needs its own
    if ((packr.pack(null, REUSE_BUFFER_MODE) as Packed) === packed) packr.useBuffer(Buffer.allocUnsafeSlow(FIRST_BYTES))
    packed.start = start
    packed.end = end
  }
  return packed
}

/** Used again and again. What earlier messages left in it cannot get into a value: reading beyond the end is an error. */
let source = makeSource(FIRST_BYTES)
const nothing = makeSource(1)

/** Unpacks the value from a head. */
export function unpackHead(message: Uint8Array, headLength: number, to: Receiver): unknown {
  if ((message as { isInbox?: true }).isInbox) return unpackInbox(message, headLength, to)
  const length = headLength - 1
  const isLarge = length > KEPT_BYTES
  if (!isLarge && length > source.length) source = makeSource(Math.min(length * 2, KEPT_BYTES))
  const from = isLarge ? makeSource(length) : source
  copyBytes(message, 1, length, from, 0)
  const before = desk.receiver
  desk.receiver = to
  try {
    return read(from, length)
  } finally {
    desk.receiver = before
    if (isLarge) unpackr.unpack(nothing, 1) // msgpackr keeps the latest source
  }
}

/** The last read was cut short where msgpackr could not clean up: it would go on reading for that one for ever. */
let isCutShort = false

function read(from: Uint8Array, range: number | { start: number; end: number }): unknown {
  if (isCutShort) clearSource()
  isCutShort = false
  try {
    return unpackr.unpack(from as Buffer, range as number)
  } catch (error) {
    isCutShort = true // first, for there may be no stack to look
    isCutShort = error instanceof RangeError
    throw error
  }
}

/** A place for messages that `decode` reads where they lie: what arrives often and is small is spared one copy. */
export function makeInbox(bytes: number): Uint8Array {
  return Object.defineProperty(makeSource(bytes), 'isInbox', { value: true })
}

const range = { start: 1, end: 0 }

function unpackInbox(inbox: Uint8Array, headLength: number, to: Receiver): unknown {
  const before = desk.receiver
  desk.receiver = to
  range.end = headLength
  try {
    return read(inbox, range)
  } finally {
    desk.receiver = before
  }
}

function makeSource(bytes: number): Buffer {
  const made = Buffer.from(new ArrayBuffer(bytes))
  return Object.defineProperty(made, 'subarray', { value: subarrayOfText })
}

/** msgpackr takes pieces of its source for long strings and for extensions. */
function subarrayOfText(this: Buffer, from: number, to: number): Buffer {
  if (this[from - 1] !== BIGINT_TYPE && !isText(this, from, to - from)) {
    throw new MultiprocError('Expected no extension of MessagePack but our own')
  }
  return Buffer.prototype.subarray.call(this, from, to)
}

/** Whether the bytes in front are those of a string of that length: 0xd9, 0xda or 0xdb, then its length. */
function isText(bytes: Buffer, at: number, length: number): boolean {
  if (length < 0x100) return bytes[at - 2] === 0xd9 && bytes[at - 1] === length
  if (length < 0x10000) return bytes[at - 3] === 0xda && bytes.readUInt16BE(at - 2) === length
  return bytes[at - 5] === 0xdb && bytes.readUInt32BE(at - 4) === length
}
