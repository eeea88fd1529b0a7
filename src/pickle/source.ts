/** The bytes of a pickle, read from front to back; what would be read past their end is refused. */
import { UnpicklingError } from '../contract/errors.ts'

export class Source {
  readonly bytes: Buffer
  /** The same, of which a slice is a copy. */
  readonly plain: Uint8Array
  readonly #view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Refuses the pickle. */
  fail(why: string, cause?: unknown): never {
    throw new UnpicklingError(`Expected a pickle, but byte ${this.at} of ${this.bytes.length}: ${why}`, {
      offset: this.at,
      ...(cause === undefined ? {} : { cause }),
    })
  }

  /** Checks a length that is claimed, before anything is made of it. */
  expect(length: number): void {
    if (length >= 0 && length <= this.bytes.length - this.at) return
    this.fail(`${length} bytes are to follow; the pickle was cut off`)
  }

  /** Takes so many bytes; gives where they begin. */
  take(length: number): number {
    this.expect(length)
    this.at += length
    return this.at - length
  }

  uint8(): number {
    if (this.at >= this.bytes.length) this.fail('the pickle was cut off')
    return this.bytes[this.at++]
  }

  uint16(): number {
    return this.#view.getUint16(this.take(2), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.take(4), true)
  }

  int32(): number {
    return this.#view.getInt32(this.take(4), true)
  }

  /** Beyond 2**53 it is not exact, and longer than anything there can be. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.take(8), true))
  }

  float64(): number {
    return this.#view.getFloat64(this.take(8), false)
  }

  /** A line of protocol 0 without its end, each byte a character. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) this.fail('a line has no end; the pickle was cut off')
    const from = this.at
    this.at = end + 1
    return this.bytes.toString('latin1', from, end)
  }
}
