/**
 * Values to bytes and back. Knows nothing of where the bytes are kept.
 *
 * What arrives is what `structuredClone` would make, and more: class instances as plain objects of their own properties
 * (registered classes and errors as themselves), Buffer as Buffer, objects that are shared by reference as handles.
 * Cycles, and objects that occur twice, keep their shape. Two views on one ArrayBuffer arrive as two.
 *
 * The bytes are MessagePack, written and read by msgpackr; special.ts says how the rest of what travels is put in its terms.
 */
import { MultiprocError, NotSerializableError } from '../contract/errors.ts'
import type { Message } from '../contract/message.ts'
import type { Shareable } from '../contract/shareable.ts'
import { copyBytes } from './binary.ts'
import { plainFailure } from './failure.ts'
import { type Packed, packHead, unpackHead } from './msgpack.ts'
import { pathOf, type Step } from './path.ts'
import { isPlain } from './plain.ts'
import { Replacer } from './replacer.ts'
import { garbled, Restorer } from './restorer.ts'
import { align8, LINKED, PLAIN } from './special.ts'

const NO_HANDLES: readonly Shareable[] = Object.freeze([])
const NO_PARTS: readonly Uint8Array[] = Object.freeze([])
const NO_STEPS: readonly (readonly Step[])[] = Object.freeze([])

class Encoded implements Message {
  readonly headLength: number
  readonly byteLength: number
  readonly handles: readonly Shareable[]
  // not #private: those cost a fifth of the time of a small message
  private readonly packed: Packed
  private readonly start: number
  private readonly parts: readonly Uint8Array[]
  private readonly steps: readonly (readonly Step[])[]

  constructor(
    value: unknown,
    first: number,
    handles: readonly Shareable[],
    parts: readonly Uint8Array[],
    steps: readonly (readonly Step[])[],
  ) {
    const packed = packHead(value, first)
    this.packed = packed
    this.start = packed.start
    this.parts = parts
    this.handles = handles
    this.steps = steps
    this.headLength = packed.end - packed.start
    let length = this.headLength
    for (let i = 0; i < parts.length; i++) length = align8(length) + parts[i].length
    this.byteLength = length
  }

  pathOf(handle: number): string {
    return pathOf(this.steps[handle])
  }

  writeTo(target: Uint8Array): void {
    copyBytes(this.packed, this.start, this.headLength, target, 0)
    let at = this.headLength
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i]
      at = align8(at)
      target.set(part, at)
      at += part.length
    }
  }

  writeWordsTo(target: Int32Array): void {
    const { dataView, byteLength } = this.packed
    const words = (this.headLength + 3) >>> 2
    if (this.parts.length > 0 || words > LOOP_WORDS || dataView === undefined || this.start + words * 4 > byteLength) {
      this.writeTo(new Uint8Array(target.buffer, target.byteOffset, target.byteLength))
      return
    }
    for (let i = 0, at = this.start; i < words; i++, at += 4) target[i] = dataView.getInt32(at, true)
  }
}

/** Words from which on a block copy is quicker than a loop. */
const LOOP_WORDS = 64

/**
 * Turns a value into bytes.
 *
 * Large binaries are only noted: `writeTo` copies them from where they are. A getter may be read more than once.
 *
 * @throws {NotSerializableError} when a part of the value cannot travel; `path` names it
 */
export function encode(value: unknown): Message {
  try {
    if (isPlain(value)) return new Encoded(value, PLAIN, NO_HANDLES, NO_PARTS, NO_STEPS)
  } catch {
    // reading a part of it threw: the replacer meets the same, and can say where
  }
  const replacer = new Replacer()
  const replaced = replacer.replace(value)
  try {
    const { handles, parts, handleSteps } = replacer
    return new Encoded(replaced, replacer.linked ? LINKED : PLAIN, handles, parts, handleSteps)
  } catch (cause) {
    throw new NotSerializableError(
      `Expected a value of at most 4 GiB, got one that cannot be packed: ${(cause as Error).message}; send it in pieces, or as one large typed array`,
      { cause },
    )
  }
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
  const first = message[0]
  if (!(headLength > 1 && headLength <= message.length) || (first !== PLAIN && first !== LINKED)) {
    throw garbled('another start')
  }
  const restorer = new Restorer(message, headLength, handles)
  try {
    const value = unpackHead(message, headLength, restorer)
    return restorer.linked ? restorer.restore(value) : value
  } catch (cause) {
    if (cause instanceof MultiprocError) throw cause
    const isDeep = cause instanceof RangeError && cause.message.includes('call stack')
    throw garbled(isDeep ? 'deeper nesting than can be sent' : 'something garbled', { cause })
  }
}
