/**
 * A message of a Queue or a Connection on its way into a log and out of it: small ones are records, large ones and those that carry
 * handles lie in a block of their own. A message is a value, or mere bytes: those have no head, which no value lacks.
 */
import { contentsOf, discardParcel, openParcel, sealParcel } from '../arena/parcel.ts'
import type { Session } from '../arena/session.ts'
import { copyOf } from '../codec/binary.ts'
import { decode, encode } from '../codec/codec.ts'
import { makeInbox } from '../codec/msgpack.ts'
import { encodeQuick, quickWords } from '../codec/quick.ts'
import { MultiprocError } from '../contract/errors.ts'
import type { Message } from '../contract/message.ts'
import { DONE, HELD_UP, INLINE_BYTES, type Log } from './log.ts'
import type { Taken } from './record.ts'

/** On its way in: small ones in `payload`, others in a block that belongs to this process until it is put. */
export interface Outgoing {
  readonly payload: Int32Array
  readonly bytes: number
  readonly head: number
  readonly block: number
  /** It is being put. When something nobody foresaw is thrown then, for want of stack say, it may have been put or not. */
  isUnderWay?: boolean
}

/** Small messages are built here; nothing stays in it. */
const payload = new Int32Array(INLINE_BYTES / 4)
const payloadBytes = new Uint8Array(payload.buffer)
const NO_HANDLES: readonly never[] = []

/** A value, ready to be put. The next one may be packed into the same place: retain() it if it has to wait. */
export function packValue(session: Session, value: unknown): Outgoing {
  const head = encodeQuick(value)
  if (head > 0) return { payload: quickWords, bytes: head, head, block: 0 }
  const message = encode(value)
  const bytes = message.byteLength
  if (bytes > INLINE_BYTES || message.handles.length > 0) return inBlock(session, message)
  message.writeWordsTo(payload)
  return { payload, bytes, head: message.headLength, block: 0 }
}

/** Mere bytes, ready to be put. */
export function packBytes(session: Session, bytes: Uint8Array): Outgoing {
  const { byteLength } = bytes
  if (byteLength > INLINE_BYTES) {
    const writeTo = (target: Uint8Array) => target.set(bytes)
    const pathOf = () => 'value'
    return inBlock(session, { headLength: 0, byteLength, handles: NO_HANDLES, pathOf, writeTo, writeWordsTo() {} })
  }
  payloadBytes.set(bytes)
  return { payload, bytes: byteLength, head: 0, block: 0 }
}

function inBlock(session: Session, message: Message): Outgoing {
  return { payload, bytes: message.byteLength, head: 0, block: sealParcel(session, message) }
}

/** Out of the common place, for a message that has to wait. */
export function retain(out: Outgoing): Outgoing {
  return out.block === 0 ? { ...out, payload: out.payload.slice(0, (out.bytes + 3) >>> 2) } : out
}

/** One attempt: what it came to (log.ts). */
export function put(log: Log, out: Outgoing): number {
  out.isUnderWay = true
  const outcome = out.block === 0 ? log.putInline(out.payload, out.bytes, out.head) : log.putBlock(out.block, out.bytes)
  out.isUnderWay = false
  return outcome
}

/**
 * A message that was not put, because of `error`. When nobody can say whether it was, its block stays where it is: a block
 * that is freed under a message is worse than one that is kept until this process ends.
 */
export function discard(session: Session, out: Outgoing, error: unknown): void {
  if (out.block === 0 || (out.isUnderWay === true && !(error instanceof MultiprocError))) return
  discardParcel(session, out.block)
}

/** A message for those who read it themselves. */
export interface Opened {
  readonly words: Int32Array
  /** The same memory. May be longer than the message. */
  readonly bytes: Uint8Array
  readonly byteLength: number
  readonly handles: readonly unknown[]
  free(): void
}

const nothing = () => {}

/** What a log gave. It is good for one look, and then cleared. */
export class Arrived implements Taken {
  #session!: Session
  readonly #contents = makeInbox(INLINE_BYTES)
  readonly payload = new Int32Array(this.#contents.buffer)
  bytes = 0
  head = 0
  block = 0

  /** The message as a value: mere bytes as a Uint8Array. */
  value(): unknown {
    if (this.block === 0) {
      if (this.head === 0) return new Uint8Array(copyOf(this.#contents, 0, this.bytes))
      return decode(this.#contents, this.head, NO_HANDLES)
    }
    const { bytes, headLength, handles } = openParcel(this.#session, this.block)
    if (headLength === 0) return new Uint8Array(copyOf(bytes, 0, bytes.length))
    return decode(bytes, headLength, handles)
  }

  /** What the message is, unread: where it lies, or a parcel that the reader has to free. Good until clear(). */
  open(): Opened {
    if (this.block === 0) {
      return { words: this.payload, bytes: this.#contents, byteLength: this.bytes, handles: NO_HANDLES, free: nothing }
    }
    const { bytes, handles, free } = openParcel(this.#session, this.block)
    this.block = 0
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2)
    return { words, bytes, byteLength: bytes.byteLength, handles, free }
  }

  /** The message as bytes: a value as they were sent. A view that is good until clear(). */
  raw(): Uint8Array {
    if (this.block === 0) return new Uint8Array(this.#contents.buffer, 0, this.bytes)
    return contentsOf(this.#session, this.block).bytes
  }

  /** Takes the oldest message of the log; gives what that came to (log.ts). */
  take(session: Session, log: Log): number {
    this.#session = session
    return log.get(this)
  }

  clear(): void {
    if (this.block !== 0) discardParcel(this.#session, this.block)
    this.block = 0
  }
}

/** Takes and frees everything that is in the log, message by message, so that another can go on with it. */
export function dropAll(session: Session, log: Log): void {
  const taken: Taken = { payload: new Int32Array(INLINE_BYTES / 4), bytes: 0, head: 0, block: 0 }
  for (;;) {
    const outcome = log.get(taken, true)
    if (outcome === DONE) {
      if (taken.block !== 0) discardParcel(session, taken.block)
    } else if (outcome !== HELD_UP) return
  }
}

const arrived = new Arrived()
let looking = false

/**
 * Takes the oldest message and gives what `look` makes of it, or what `otherwise` makes of the outcome. A class of the
 * user's may receive while it is unpacked, so this may be called inside itself.
 */
export function take<T>(
  session: Session,
  log: Log,
  look: (message: Arrived) => T,
  otherwise: (outcome: number) => T,
): T {
  const message = looking ? new Arrived() : arrived
  const outcome = message.take(session, log)
  if (outcome !== DONE) return otherwise(outcome)
  const nested = looking
  looking = true
  try {
    return look(message)
  } finally {
    looking = nested
    message.clear()
  }
}
