/**
 * What a client and the server of a manager say to each other: records one after another, all those of one turn of the event
 * loop in one message. A record is some words, and a value where it has one.
 *
 *   kind | handles << 8 · three words, by kind · bytes of the head · bytes of the value · the value, padded to words
 *
 *   from the client                                  from the server
 *     CALL      number of the call, object, method     VALUE      number of the call
 *     NAME      number that the method is to have      NOTHING    number of the call: its value is undefined
 *     WITHDRAW  number of the call                     FAILURE    number of the call, what was thrown
 *     RECALL    number of the call: nobody waits for it any more, answered or not; its end is WITHDRAWN
 *     DROPPED   an object that it has no proxy of      WITHDRAWN  number of the call: nothing was done for it
 *     HELLO     who it is
 *
 * Values are put into bytes at the call: what the caller changes afterwards does not travel, and what cannot travel is told
 * there. One that carries handles ends its message, so that the handles of a message belong to its last record.
 */
import { sealParcel } from '../arena/parcel.ts'
import type { Session } from '../arena/session.ts'
import { idIn } from '../arena/shared-object.ts'
import type { Opened, Outgoing } from '../channel/envelope.ts'
import { INLINE_BYTES } from '../channel/log.ts'
import { decode, encode } from '../codec/codec.ts'
import { encodeQuick, quickWords } from '../codec/quick.ts'
import { decodeQuick, SLOW } from '../codec/quick-read.ts'
import { NotSerializableError } from '../contract/errors.ts'
import type { Message } from '../contract/message.ts'
import type { Shareable } from '../contract/shareable.ts'

export const CALL = 1
export const NAME = 2
export const WITHDRAW = 3
export const DROPPED = 4
export const HELLO = 5
export const VALUE = 6
export const NOTHING = 7
export const FAILURE = 8
export const WITHDRAWN = 9
export const RECALL = 10

const HEAD = 6
const FIRST_WORDS = INLINE_BYTES / 4
/** A batch that grew beyond this for one turn is not kept for the next. */
const KEPT_WORDS = 1 << 18
/** More is sent before the turn is over. */
export const ENOUGH_WORDS = 1 << 16

const NO_HANDLES: readonly Shareable[] = []

/** Records on their way out. */
export class Batch {
  readonly #session: Session
  #words = new Int32Array(FIRST_WORDS)
  #bytes = new Uint8Array(this.#words.buffer)
  #length = 0
  #handles: readonly Shareable[] = NO_HANDLES
  #message: Message | undefined

  constructor(session: Session) {
    this.#session = session
  }

  /** In words. */
  get length(): number {
    return this.#length
  }

  /** It is time to send it. */
  get full(): boolean {
    return this.#handles.length > 0 || this.#length >= ENOUGH_WORDS
  }

  /** A record without a value; gives where it begins. */
  add(kind: number, a: number, b = 0, c = 0): number {
    const at = this.#length
    if (at + HEAD > this.#words.length) this.#grow(HEAD)
    const words = this.#words
    words[at] = kind
    words[at + 1] = a
    words[at + 2] = b
    words[at + 3] = c
    words[at + 4] = 0
    words[at + 5] = 0
    this.#length = at + HEAD
    return at
  }

  /** A record with a value; gives what travels in it by reference. Throws what encode() does, and then nothing was added. */
  addValue(kind: number, a: number, b: number, c: number, value: unknown): readonly Shareable[] {
    const quick = encodeQuick(value)
    if (quick === 0) return this.#addLong(kind, a, b, c, value)
    const n = (quick + 3) >>> 2
    if (this.#length + HEAD + n > this.#words.length) this.#grow(HEAD + n)
    const at = this.add(kind, a, b, c)
    const words = this.#words
    words[at + 4] = quick
    words[at + 5] = quick
    for (let i = 0; i < n; i++) words[at + HEAD + i] = quickWords[i]
    this.#length = at + HEAD + n
    return NO_HANDLES
  }

  #addLong(kind: number, a: number, b: number, c: number, value: unknown): readonly Shareable[] {
    const message = encode(value)
    const { handles, byteLength, headLength } = message
    for (let i = 0; i < handles.length; i++) idIn(this.#session, handles[i], () => message.pathOf(i))
    if (byteLength > LONGEST) throw tooLong(byteLength)
    const n = (byteLength + 3) >>> 2
    this.#grow(HEAD + n)
    const at = this.add(kind | (handles.length > 0 ? CARRIES : 0), a, b, c)
    const words = this.#words
    words[at + 4] = headLength
    words[at + 5] = byteLength
    const start = (at + HEAD) * 4
    message.writeTo(this.#bytes.subarray(start, start + byteLength))
    this.#length = at + HEAD + n
    if (handles.length > 0) {
      this.#handles = handles
      this.#message = message
    }
    return handles
  }

  /** The record at `at` says something else; its value is passed over. */
  change(at: number, kind: number): void {
    this.#words[at] = kind
  }

  #grow(words: number): void {
    const least = this.#length + words
    if (least <= this.#words.length) return
    const grown = new Int32Array(Math.max(least, this.#words.length * 2))
    grown.set(this.#words.subarray(0, this.#length))
    this.#words = grown
    this.#bytes = new Uint8Array(grown.buffer)
  }

  /** All of it, ready to be put; the batch is empty again once that has been sent or retained. */
  pack(): Outgoing {
    const bytes = this.#length * 4
    if (bytes <= INLINE_BYTES && this.#handles.length === 0) {
      return { payload: this.#words, bytes, head: 0, block: 0 }
    }
    const contents = this.#bytes.subarray(0, bytes)
    const message = this.#message
    const block = sealParcel(this.#session, {
      headLength: 0,
      byteLength: bytes,
      handles: this.#handles,
      pathOf: i => message?.pathOf(i) ?? 'value',
      writeTo: target => target.set(contents),
      writeWordsTo() {},
    })
    return { payload: this.#words, bytes, head: 0, block }
  }

  /** The first numbers of all records of these kinds. */
  numbersOf(kinds: readonly number[]): number[] {
    const numbers: number[] = []
    for (let at = 0; at < this.#length; at += HEAD + ((this.#words[at + 5] + 3) >>> 2)) {
      if (kinds.includes(this.#words[at] & KIND)) numbers.push(this.#words[at + 1])
    }
    return numbers
  }

  clear(): void {
    this.#length = 0
    if (this.#handles.length > 0) {
      this.#handles = NO_HANDLES
      this.#message = undefined
    }
    if (this.#words.length > KEPT_WORDS) {
      this.#words = new Int32Array(FIRST_WORDS)
      this.#bytes = new Uint8Array(this.#words.buffer)
    }
  }
}

/** The value of this record has the handles of the message. */
const CARRIES = 1 << 8
const KIND = CARRIES - 1
/** A record says its length in 31 bits. */
const LONGEST = 0x7fff_fff0

function tooLong(bytes: number): NotSerializableError {
  return new NotSerializableError(
    `Expected a value of less than 2 GiB, got one of ${bytes} bytes; send it in pieces, or as a SharedArray`,
  )
}

/** One record that arrived; the same object for all of them, good until the next. */
export class Arrival {
  kind = 0
  a = 0
  b = 0
  c = 0
  #opened!: Opened
  #at = 0
  #handles: readonly unknown[] = NO_HANDLES

  /** Calls back for each record of the message. What it throws ends that. */
  each(opened: Opened, look: (arrival: this) => void): void {
    const { words, handles } = opened
    const end = opened.byteLength >>> 2
    for (let at = 0; at < end; ) {
      const kind = words[at]
      this.kind = kind & KIND
      this.a = words[at + 1]
      this.b = words[at + 2]
      this.c = words[at + 3]
      this.#at = at
      this.#opened = opened
      this.#handles = (kind & CARRIES) !== 0 ? handles : NO_HANDLES
      at += HEAD + ((words[at + 5] + 3) >>> 2) // before `look`: it may read records of another message
      look(this)
    }
  }

  /** What travelled in it by reference. */
  get handles(): readonly unknown[] {
    return this.#handles
  }

  value(): unknown {
    const { words, bytes } = this.#opened
    const at = this.#at
    const headLength = words[at + 4]
    if (headLength === 0) return undefined
    const byteLength = words[at + 5]
    const from = (at + HEAD) * 4
    if (headLength === byteLength) {
      const value = decodeQuick(bytes, from, headLength)
      if (value !== SLOW) return value
    }
    return decode(new Uint8Array(bytes.buffer, bytes.byteOffset + from, byteLength), headLength, this.#handles)
  }
}
