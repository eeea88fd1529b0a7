/**
 * CPython's framing: a length, then as many bytes.
 *
 *   header   int32 n, big-endian           0 <= n < 2^31
 *            int32 -1, then uint64 n       for longer ones (Python 3.8 and later)
 *
 * The memory for a message grows with what has come of it, whatever length was claimed.
 */
import { constants } from 'node:buffer'
import { BrokenPipeError } from '../contract/errors.ts'
import { keepFreedPages, LARGE } from '../os/heap.ts'
import { type ByteStream, NOTHING } from './byte-stream.ts'

/** The answer of `next` when the message is not all here. */
export const INCOMPLETE: unique symbol = Symbol('incomplete')
/** The answer of `next` when it has read its budget; there may be more. */
export const PAUSED: unique symbol = Symbol('paused')
/** The answer of `next` when the stream ended between two messages. */
export const ENDED: unique symbol = Symbol('ended')

const STAGE = 64 * 1024
/** What is set aside for a message at first, at most. */
const FIRST = 4 * 1024 * 1024
const LONGEST = Math.min(constants.MAX_LENGTH, 2 ** 53 - 1)

/** The header of a message of that many bytes. */
export function headerOf(length: number): Uint8Array {
  if (length <= 0x7fffffff) return Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length)
  const header = new DataView(new ArrayBuffer(12))
  header.setInt32(0, -1)
  header.setBigUint64(4, BigInt(length))
  return new Uint8Array(header.buffer)
}

/** Cuts what comes in into messages. */
export class Frames {
  readonly #stream: ByteStream
  #stage: Uint8Array | undefined
  #start = 0
  #end = 0
  /** The length of the message that has begun. */
  #length = -1
  /** As much of it as does not lie in the stage. */
  #body: Uint8Array | undefined
  #filled = 0

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  /**
   * The next message, in memory of its own. Reads until it is whole or there is nothing more, or `budget` bytes.
   * `refuse` is asked before a message is read; what it throws is thrown, and no message can be read any more.
   *
   * @throws {BrokenPipeError} when the stream failed, or ended within a message, or holds what is no message
   */
  next(
    budget: number,
    refuse?: (length: number) => void,
  ): Uint8Array | typeof INCOMPLETE | typeof PAUSED | typeof ENDED {
    let left = budget
    for (;;) {
      if (this.#length < 0) this.#readHeader()
      if (this.#length >= 0) {
        if (this.#body === undefined) {
          refuse?.(this.#length)
          const staged = this.#end - this.#start
          if (staged >= this.#length) return this.#takeStaged()
          if (this.#length >= LARGE) keepFreedPages()
          this.#body = Buffer.allocUnsafeSlow(Math.min(this.#length, FIRST))
          this.#body.set(this.#stage!.subarray(this.#start, this.#end))
          this.#filled = staged
          this.#start = this.#end = 0
        }
        if (this.#filled === this.#length) return this.#takeBody()
        if (this.#filled === this.#body.length) this.#grow(this.#body)
      }
      if (left <= 0) return PAUSED
      const count = this.#stream.read(this.#body?.subarray(this.#filled) ?? this.#room())
      if (count === NOTHING) return INCOMPLETE
      if (count === 0) {
        if (this.#length < 0 && this.#start === this.#end) return ENDED
        throw new BrokenPipeError('Expected the rest of a message, but the connection ended in the middle of it')
      }
      left -= count
      if (this.#body) this.#filled += count
      else this.#end += count
    }
  }

  #readHeader(): void {
    const staged = this.#end - this.#start
    if (staged < 4) return
    const header = new DataView(this.#stage!.buffer, this.#stage!.byteOffset + this.#start, staged)
    const length = header.getInt32(0)
    if (length >= 0) {
      this.#length = length
      this.#start += 4
    } else {
      if (length !== -1) throw this.#garbled(length)
      if (staged < 12) return
      const long = Number(header.getBigUint64(4))
      if (long > LONGEST) throw this.#garbled(long)
      this.#length = long
      this.#start += 12
    }
  }

  #garbled(length: number): BrokenPipeError {
    return new BrokenPipeError(
      `Expected the length of a message, at most ${LONGEST}, got ${length}: the other side does not speak this protocol, or the message is too long for this Node.js`,
    )
  }

  /** Where the stage is free; what lies in it moves to its start. */
  #room(): Uint8Array {
    this.#stage ??= new Uint8Array(STAGE)
    if (this.#start > 0) {
      this.#stage.copyWithin(0, this.#start, this.#end)
      this.#end -= this.#start
      this.#start = 0
    }
    return this.#stage.subarray(this.#end)
  }

  #takeStaged(): Uint8Array {
    const end = this.#start + this.#length
    const message = this.#stage!.slice(this.#start, end)
    this.#start = end
    if (this.#start === this.#end) this.#start = this.#end = 0
    this.#length = -1
    return message
  }

  #takeBody(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.#body!
    this.#body = undefined
    this.#length = -1
    return new Uint8Array(buffer, byteOffset, byteLength)
  }

  #grow(body: Uint8Array): void {
    this.#body = Buffer.allocUnsafeSlow(Math.min(this.#length, body.length * 2))
    this.#body.set(body)
  }
}
