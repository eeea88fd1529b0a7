/**
 * Bytes that become a pickle. What is long is copied once, at the end, into its place in the result.
 */
import { writeExactly } from './text.ts'

/** From here on bytes wait for the end. */
const LONG = 16 * 1024
/** The memory for what is short: used again each time. */
const USUAL = 8 * 1024

export class Output {
  #bytes = Buffer.allocUnsafeSlow(USUAL)
  /** The same, of which a slice is a copy. */
  #plain = new Uint8Array(this.#bytes.buffer)
  #at = 0
  /** Bytes that belong between those written before and after `at`. */
  #long: { readonly at: number; readonly bytes: Uint8Array }[] = []

  /** Makes room for so many bytes. */
  #ensure(length: number): void {
    if (this.#at + length <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + length))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#use(larger)
  }

  #use(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes
    this.#plain = new Uint8Array(bytes.buffer)
  }

  uint8(value: number): void {
    if (this.#at === this.#bytes.length) this.#ensure(1)
    this.#bytes[this.#at++] = value
  }

  /** An opcode and one byte. */
  short(code: number, value: number): void {
    this.#ensure(2)
    this.#bytes[this.#at++] = code
    this.#bytes[this.#at++] = value
  }

  /** An opcode and a number of `size` bytes. */
  sized(code: number, value: number, size: 2 | 4 | 8): void {
    this.#ensure(1 + size)
    const bytes = this.#bytes
    bytes[this.#at++] = code
    let rest = value
    for (let i = 0; i < size; i++) {
      bytes[this.#at++] = rest & 0xff
      rest = Math.floor(rest / 256)
    }
  }

  float(code: number, value: number): void {
    this.#ensure(9)
    this.#bytes[this.#at] = code
    this.#bytes.writeDoubleBE(value, this.#at + 1)
    this.#at += 9
  }

  /** Bytes as they are; nobody may change them before `finish`. */
  raw(bytes: Uint8Array): void {
    if (bytes.length >= LONG) {
      this.#long.push({ at: this.#at, bytes })
      return
    }
    this.#ensure(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** A text behind one of two opcodes, for a length of one byte or of four. */
  text(text: string, short: number, long: number): void {
    const length = text.length
    this.#ensure(2 + Math.min(length, 32))
    if (length <= 32 && this.#ascii(text, short)) return
    const exact = !(text as unknown as { isWellFormed(): boolean }).isWellFormed()
    // each unit takes up to 3 bytes; of a long text it is counted
    this.#ensure(5 + (exact || length < LONG ? 3 * length : Buffer.byteLength(text)))
    const head = 3 * length <= 0xff ? 2 : 5
    const start = this.#at + head
    const end = exact ? writeExactly(text, this.#bytes, start) : start + this.#bytes.write(text, start, 'utf8')
    if (head === 2) this.short(short, end - start)
    else this.sized(long, end - start, 4)
    this.#at = end
  }

  /** Quicker for what is short than to call into the engine; false: it is not ASCII, and nothing was written. */
  #ascii(text: string, code: number): boolean {
    const bytes = this.#bytes
    const length = text.length
    const start = this.#at + 2
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return false
      bytes[start + i] = unit
    }
    bytes[this.#at] = code
    bytes[this.#at + 1] = length
    this.#at = start + length
    return true
  }

  /** All of it; from here on empty. */
  finish(): Uint8Array {
    const head = this.#bytes
    const end = this.#at
    const long = this.#long
    if (long.length === 0) {
      const result = this.#plain.slice(0, end)
      this.clear()
      return result
    }
    const result = new Uint8Array(long.reduce((sum, { bytes }) => sum + bytes.length, end))
    let from = 0
    let to = 0
    for (const { at, bytes } of long) {
      result.set(head.subarray(from, at), to)
      result.set(bytes, to + at - from)
      to += at - from + bytes.length
      from = at
    }
    result.set(head.subarray(from, end), to)
    this.clear()
    return result
  }

  clear(): void {
    this.#at = 0
    if (this.#long.length > 0) this.#long = []
    if (this.#bytes.length > 8 * USUAL) this.#use(Buffer.allocUnsafeSlow(USUAL))
  }
}
