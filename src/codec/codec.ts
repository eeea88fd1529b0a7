/**
 * Values to bytes and back. Knows nothing of where the bytes are kept.
 *
 * What arrives is what `structuredClone` would make, and more: class instances as plain objects of their own properties
 * (registered classes and errors as themselves), Buffer as Buffer, objects that are shared by reference as handles.
 * Cycles, and objects that occur twice, keep their shape. Two views on one ArrayBuffer arrive as two.
 */
import { InvalidStateError, NotSerializableError } from '../contract/errors.ts'
import type { Message } from '../contract/message.ts'
import type { Shareable } from '../contract/shareable.ts'
import { copyBytes } from './binary.ts'
import { plainFailure } from './failure.ts'
import { align8 } from './format.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const writer = new Writer()
const reader = new Reader()
/** Counts the messages of `writer`: one writes over the other. */
let latest = 0

class Encoded implements Message {
  readonly headLength: number
  readonly byteLength: number
  readonly handles: readonly Shareable[]
  readonly #head: Uint8Array
  readonly #parts: readonly Uint8Array[]
  readonly #number: number

  constructor(from: Writer, number: number) {
    this.#head = from.bytes
    this.#parts = from.parts
    this.#number = number
    this.handles = from.handles
    let end = from.position
    this.headLength = end
    for (let i = 0; i < this.#parts.length; i++) end = align8(end) + this.#parts[i].length
    this.byteLength = end
  }

  writeTo(target: Uint8Array): void {
    if (this.#number !== 0 && this.#number !== latest) {
      throw new InvalidStateError(
        'Expected the latest message, but another value was encoded since; write each before the next',
      )
    }
    copyBytes(this.#head, 0, this.headLength, target, 0)
    let at = this.headLength
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i]
      at = align8(at)
      target.set(part, at)
      at += part.length
    }
  }
}

/**
 * Turns a value into bytes.
 *
 * Large binaries are only noted: `writeTo` copies them from where they are.
 *
 * @throws {NotSerializableError} when a part of the value cannot travel; `path` names it
 */
export function encode(value: unknown): Message {
  // a getter or a `pack` may encode something itself: that happens in a writer of its own
  const own = writer.busy ? new Writer() : writer
  own.writeHead(value)
  const message = new Encoded(own, own === writer ? ++latest : 0)
  own.letGo()
  return message
}

/**
 * Turns whatever was thrown into bytes; what cannot travel in it is left out, so this never fails.
 */
export function encodeFailure(thrown: unknown): Message {
  try {
    return encode(thrown)
  } catch (error) {
    if (!(error instanceof NotSerializableError)) throw error
    return encode(plainFailure(thrown))
  }
}

/**
 * Turns bytes into the value. Nothing of it is a view on `message`, which may go away or change afterwards.
 *
 * `message` begins with the head and holds all parts; `handles` are what stands for `Message.handles` on this side.
 *
 * @throws {MultiprocError} when the bytes are not those of a message, or name a class that is not registered here
 */
export function decode(message: Uint8Array, headLength: number, handles: readonly unknown[]): unknown {
  const own = reader.busy ? new Reader() : reader
  return own.readMessage(message, headLength, handles)
}
