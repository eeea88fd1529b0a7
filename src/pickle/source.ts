/** The bytes of a pickle, read from front to back; what would be read past their end is refused. */
import { UnpicklingError } from '../contract/errors.ts'

const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

export class Source {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** A copy of so many bytes. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    const from = this.take(length)
    const copy = new Uint8Array(length)
    copy.set(this.bytes.subarray(from, this.at))
    return copy
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
    const at = this.take(2)
    return this.bytes[at] | (this.bytes[at + 1] << 8)
  }

  int32(): number {
    const at = this.take(4)
    const bytes = this.bytes
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  /** Beyond 2**53 it is not exact, and longer than anything there can be. */
  uint64(): number {
    return this.uint32() + this.uint32() * 0x1_0000_0000
  }

  /** The highest byte first, unlike all else. */
  float64(): number {
    const at = this.take(8)
    for (let i = 0; i < 8; i++) floatBytes[i] = this.bytes[at + 7 - i]
    return float[0]
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
