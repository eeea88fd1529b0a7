/**
 * A value in the words of an object that has a few to spare: numbers and the like in two of them, small plain things as a
 * message behind them, anything else as a parcel in a block of its own, which stays its sender's.
 *
 *   kind · low · high        INT: low · DOUBLE: both · INLINE: bytes, head length · BLOCK: the parcel · AWAY: it lies elsewhere
 *                            · INTS, DOUBLES: a block of numbers, how many
 */
import { peek, peekAll, poke, pokeAll, type Words } from '#words'
import { toAddress, toRef } from '../arena/layout.ts'
import { discardParcel, readParcel, rewriteParcel, sealParcel } from '../arena/parcel.ts'
import type { Session } from '../arena/session.ts'
import { decode, encode } from '../codec/codec.ts'
import { makeInbox } from '../codec/msgpack.ts'
import { encodeQuick, quickWords } from '../codec/quick.ts'

const UNDEFINED = 0
const NULL = 1
const FALSE = 2
const TRUE = 3
const INT = 4
const DOUBLE = 5
const INLINE = 6
const BLOCK = 7
/** The value went another way. */
export const AWAY = 8

const INTS = 9
const DOUBLES = 10

/** Words of kind, low and high. */
export const CELL = 3

/** A value on its way in. */
export interface PackedValue {
  readonly kind: number
  readonly low: number
  readonly high: number
  readonly words: Int32Array | undefined
  readonly bytes: number
  /** Bytes of message that the block has room for, if it is a large one that may be used again; else 0. */
  readonly capacity: number
}

/** Blocks from this size on are used again: to make one costs as much as to fill it. */
const LARGE = 64 * 1024
/** And kept up to so many bytes in all. */
const MOST_KEPT = 32 * 2 ** 20
/** Most waste of a block that is used again. */
const WASTE = 2

/** Large blocks of this participant's that nobody uses at the moment. */
export class SpareBlocks {
  readonly #session: Session
  readonly #spare: { readonly ref: number; readonly capacity: number }[] = []
  #bytes = 0

  constructor(session: Session) {
    this.#session = session
  }

  /** A block with room for so much; undefined: there is none. */
  take(bytes: number): { readonly ref: number; readonly capacity: number } | undefined {
    const at = this.#spare.findLastIndex(({ capacity }) => capacity >= bytes && capacity <= bytes * WASTE)
    if (at < 0) return undefined
    const [block] = this.#spare.splice(at, 1)
    this.#bytes -= block.capacity
    return block
  }

  /** False: there are enough. */
  keep(ref: number, capacity: number): boolean {
    if (this.#bytes + capacity > MOST_KEPT) return false
    this.#bytes += capacity
    this.#spare.push({ ref, capacity })
    return true
  }

  free(): void {
    for (const { ref } of this.#spare.splice(0)) discardParcel(this.#session, toAddress(ref))
    this.#bytes = 0
  }
}

const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)
const NO_HANDLES: readonly never[] = []

/** Puts a number or the like into the cell; gives its kind, or -1: it is something else. The kind is not written. */
export function pokeScalar(w: Words, cell: number, value: unknown): number {
  switch (typeof value) {
    case 'number':
      if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
        poke(w, cell + 1, value)
        return INT
      }
      double[0] = value
      poke(w, cell + 1, halves[0])
      poke(w, cell + 2, halves[1])
      return DOUBLE
    case 'undefined':
      return UNDEFINED
    case 'boolean':
      return value ? TRUE : FALSE
    default:
      return value === null ? NULL : -1
  }
}

/** What lies there by itself; undefined for what is no scalar. */
export function peekScalar(w: Words, cell: number, kind: number): unknown {
  switch (kind) {
    case INT:
      return peek(w, cell + 1)
    case DOUBLE:
      halves[0] = peek(w, cell + 1)
      halves[1] = peek(w, cell + 2)
      return double[0]
    case TRUE:
      return true
    case FALSE:
      return false
    case NULL:
      return null
    default:
      return undefined
  }
}

const scratch = new Int32Array(CELL)

/** Packs a value; what is large goes into a block of this participant's. Throws what encode() throws, and OutOfSharedMemoryError. */
export function packValue(session: Session, value: unknown, room: number, spare?: SpareBlocks): PackedValue {
  const scalar = pokeScalar(scratch, 0, value)
  if (scalar >= 0) return { kind: scalar, low: scratch[1], high: scratch[2], words: undefined, bytes: 0, capacity: 0 }
  const head = encodeQuick(value)
  const words = (head + 3) >>> 2
  if (head > 0 && words <= room) {
    return { kind: INLINE, low: head, high: head, words: quickWords.slice(0, words), bytes: 0, capacity: 0 }
  }
  const message = encode(value)
  const bytes = message.byteLength
  const reusable = spare !== undefined && bytes >= LARGE && message.handles.length === 0
  const again = reusable ? spare.take(bytes) : undefined
  if (again !== undefined) {
    rewriteParcel(session, toAddress(again.ref), message)
    return { kind: BLOCK, low: again.ref, high: 0, words: undefined, bytes, capacity: again.capacity }
  }
  const block = sealParcel(session, message)
  return { kind: BLOCK, low: toRef(block), high: 0, words: undefined, bytes, capacity: reusable ? bytes : 0 }
}

/** Numbers up to here are a short message. */
const FEW = 15

/** The same for the items of a task, of which there may be as many as lie in one unit: a list of numbers needs no message. */
export function packItems(session: Session, items: readonly unknown[], room: number, spare: SpareBlocks): PackedValue {
  if (items.length <= FEW) return packValue(session, items, room, spare)
  let kind = INTS
  for (const item of items) {
    if (typeof item !== 'number') return packValue(session, items, room, spare)
    if ((item | 0) !== item || (item === 0 && 1 / item < 0)) kind = DOUBLES
  }
  const numbers = items as readonly number[]
  const words = kind === INTS ? new Int32Array(numbers) : new Int32Array(new Float64Array(numbers).buffer)
  const bytes = words.byteLength
  const block = session.allocator.allocate(bytes)
  pokeAll(session.segment.wordsAt(block), session.segment.indexOf(block), words, words.length)
  return { kind, low: toRef(block), high: items.length, words: undefined, bytes, capacity: 0 }
}

function peekItems(session: Session, ref: number, count: number, kind: number): unknown[] {
  const block = toAddress(ref)
  const words = new Int32Array(kind === INTS ? count : count * 2)
  peekAll(session.segment.wordsAt(block), session.segment.indexOf(block), words, words.length)
  const numbers = kind === INTS ? words : new Float64Array(words.buffer)
  const items = new Array<unknown>(count)
  for (let i = 0; i < count; i++) items[i] = numbers[i]
  return items
}

/** Frees the block of a packed value, if it has one. */
export function discardValue(session: Session, packed: PackedValue, spare?: SpareBlocks): void {
  if (packed.kind === INTS || packed.kind === DOUBLES) session.allocator.free(toAddress(packed.low))
  if (packed.kind !== BLOCK) return
  if (packed.capacity > 0 && spare?.keep(packed.low, packed.capacity)) return
  discardParcel(session, toAddress(packed.low))
}

/** Writes the value over the one in a block that has room for so much; false: it is too large, or carries handles. */
export function rewriteBlock(
  session: Session,
  w: Words,
  cell: number,
  ref: number,
  capacity: number,
  value: unknown,
): boolean {
  const message = encode(value)
  if (message.byteLength > capacity || message.handles.length > 0) return false
  rewriteParcel(session, toAddress(ref), message)
  poke(w, cell, BLOCK)
  poke(w, cell + 1, ref)
  return true
}

/** Writes it down; `area`: where there is room for a small message. */
export function pokeValue(w: Words, cell: number, area: number, packed: PackedValue): void {
  poke(w, cell, packed.kind)
  poke(w, cell + 1, packed.low)
  poke(w, cell + 2, packed.high)
  if (packed.words !== undefined) pokeAll(w, area, packed.words, packed.words.length)
}

/** Writes the value down if it is small; false: it is not, and must go another way. */
export function pokeSmall(w: Words, cell: number, area: number, room: number, value: unknown): boolean {
  const scalar = pokeScalar(w, cell, value)
  if (scalar >= 0) {
    poke(w, cell, scalar)
    return true
  }
  const head = encodeQuick(value)
  const words = (head + 3) >>> 2
  if (head === 0 || words > room) return false
  poke(w, cell, INLINE)
  poke(w, cell + 1, head)
  poke(w, cell + 2, head)
  pokeAll(w, area, quickWords, words)
  return true
}

const INBOX_BYTES = 1024
const inbox = makeInbox(INBOX_BYTES)
const inboxWords = new Int32Array(inbox.buffer)

/** Reads the value. A block stays what it is: somebody sees to it that nobody frees it meanwhile. */
export function peekValue(session: Session, w: Words, cell: number, area: number): unknown {
  const kind = peek(w, cell)
  if (kind === INLINE) {
    const head = peek(w, cell + 1)
    peekAll(w, area, inboxWords, (head + 3) >>> 2)
    return decode(inbox, head, NO_HANDLES)
  }
  if (kind === BLOCK) return readBlock(session, peek(w, cell + 1))
  if (kind === INTS || kind === DOUBLES) return peekItems(session, peek(w, cell + 1), peek(w, cell + 2), kind)
  return peekScalar(w, cell, kind)
}

/** The value in a parcel that is known by its place. */
export function readBlock(session: Session, ref: number): unknown {
  const { bytes, headLength, handles } = readParcel(session, toAddress(ref))
  return decode(bytes, headLength, handles)
}
