/** Bytes being written: numbers, strings and the room for them, in a buffer that is used again and again. */
import { NotSerializableError } from '../contract/errors.ts'
import * as tag from './format.ts'

const { latin1Write, utf8Write, ucs2Write } = Buffer.prototype as any
const FIRST_BYTES = 32 * 1024
/** A buffer that grew beyond this for one message is not kept for the next. */
const KEPT_BYTES = 16 * 1024 * 1024
const MOST_BYTES = 0x7fff_ffff
/** Room that is always left, so that a tag and a number need no check of their own. */
const MARGIN = 32
/** Shorter strings are cheaper to write in a loop than by a call into Node.js. */
const LOOP_CHARS = 40

const float = new Float64Array(1)
const bigint = new BigInt64Array(float.buffer)
const floatBytes = new Uint8Array(float.buffer)

export class Output {
  bytes = new Uint8Array(FIRST_BYTES)
  position = 0
  /** Before a write at a position beyond this, `grow`. */
  protected limit = FIRST_BYTES - MARGIN

  writeNumber(value: number): void {
    const bytes = this.bytes
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0) {
        if (value < 0x80) {
          bytes[this.position++] = value
        } else if (value < 0x100) {
          bytes[this.position++] = tag.UINT8
          bytes[this.position++] = value
        } else if (value < 0x10000) {
          bytes[this.position++] = tag.UINT16
          bytes[this.position++] = value
          bytes[this.position++] = value >> 8
        } else {
          this.#write32(tag.INT32, value)
        }
      } else if (value >= -32) {
        bytes[this.position++] = value & 0xff
      } else {
        this.#write32(tag.INT32, value)
      }
    } else if (value >>> 0 === value && value !== 0) {
      this.#write32(tag.UINT32, value)
    } else {
      this.writeDouble(tag.FLOAT64, value)
    }
  }

  #write32(kind: number, value: number): void {
    const { bytes, position } = this
    bytes[position] = kind
    bytes[position + 1] = value
    bytes[position + 2] = value >> 8
    bytes[position + 3] = value >> 16
    bytes[position + 4] = value >>> 24
    this.position = position + 5
  }

  writeDouble(kind: number, value: number): void {
    float[0] = value
    this.#write64(kind)
  }

  /** Writes what was put into `float` or `bigint`. */
  #write64(kind: number): void {
    const { bytes, position } = this
    bytes[position] = kind
    for (let i = 0; i < 8; i++) bytes[position + 1 + i] = floatBytes[i]
    this.position = position + 9
  }

  writeBigInt(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      bigint[0] = value
      this.#write64(tag.BIGINT64)
    } else {
      this.bytes[this.position++] = tag.BIGINT
      this.writeString(value.toString(16))
    }
  }

  writeString(value: string): void {
    const length = value.length
    if (length < LOOP_CHARS) {
      const { bytes, position } = this
      if (position + length > this.limit) {
        this.grow(length)
        this.writeString(value)
        return
      }
      let at = position + (length < 32 ? 1 : 2) // a length under 128 takes one byte
      let all = 0
      for (let i = 0; i < length; i++) {
        const unit = value.charCodeAt(i)
        all |= unit
        bytes[at++] = unit
      }
      if (all < 0x100) {
        if (length < 32) {
          bytes[position] = tag.FIX_STRING + length
        } else {
          bytes[position] = tag.LATIN1
          bytes[position + 1] = length
        }
        this.position = at
        return
      }
    }
    this.#writeLongString(value)
  }

  #writeLongString(value: string): void {
    const wellFormed = isWellFormed(value)
    const size = wellFormed ? Buffer.byteLength(value) : value.length * 2
    if (this.position + size > this.limit - MARGIN) this.grow(size + MARGIN)
    const ascii = size === value.length
    this.bytes[this.position++] = ascii ? tag.LATIN1 : wellFormed ? tag.UTF8 : tag.UTF16
    this.writeNumber(size)
    const how = ascii ? latin1Write : wellFormed ? utf8Write : ucs2Write
    how.call(this.bytes, value, this.position, size)
    this.position += size
  }

  /** Makes room for `more` bytes and the margin. */
  grow(more: number): void {
    const needed = this.position + more + 2 * MARGIN
    if (needed > MOST_BYTES) {
      throw new NotSerializableError(
        'Expected a value of at most 2 GiB, got more; send it in pieces, or as one large typed array',
      )
    }
    // allocUnsafeSlow: every byte up to `position` is written, and the rest is never sent
    const bytes = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, this.bytes.length * 2), MOST_BYTES))
    const grown = new Uint8Array(bytes.buffer)
    grown.set(this.bytes.subarray(0, this.position))
    this.bytes = grown
    this.limit = grown.length - MARGIN
  }

  /** Lets go of a buffer that one large message left behind. */
  protected shrink(): void {
    if (this.bytes.length <= KEPT_BYTES) return
    this.bytes = new Uint8Array(FIRST_BYTES)
    this.limit = FIRST_BYTES - MARGIN
  }
}

/** In every Node.js we run on; newer than the library TypeScript is given. */
function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed()
}
