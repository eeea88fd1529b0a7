/** Python's int in bytes: two's complement, the lowest byte first, as short as it can be. Any size. */

const scratch = Buffer.alloc(8)

/** A number where that is exact, else a bigint. Throws a RangeError beyond what a bigint can hold. */
export function readInteger(bytes: Buffer, from: number, length: number): number | bigint {
  if (length === 0) return 0
  // six bytes are exact in a number
  if (length <= 6) return bytes.readIntLE(from, length)
  if (length <= 8) {
    scratch.fill(bytes[from + length - 1] >= 0x80 ? 0xff : 0)
    bytes.copy(scratch, 0, from, from + length)
    return asNumber(scratch.readBigInt64LE())
  }
  const hex = Buffer.from(bytes.subarray(from, from + length))
    .reverse()
    .toString('hex')
  return asNumber(BigInt.asIntN(length * 8, BigInt(`0x${hex}`)))
}

export function asNumber(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

/** The longest decimal number that is read: to take one apart is slow, and CPython's limit is 4,300 digits. */
const MOST_DIGITS = 50_000

/** Decimal digits, as protocol 0 has them; undefined where they are none. */
export function readDecimal(line: string): number | bigint | undefined {
  const digits = line.trim()
  if (digits.length > MOST_DIGITS || !/^[+-]?\d+$/.test(digits)) return undefined
  const value = Number(digits)
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value
  return digits[0] === '-' ? -BigInt(digits.slice(1)) : BigInt(digits.replace('+', ''))
}

/** The bytes of any bigint. */
export function integerBytes(value: bigint): Buffer {
  const positive = value < 0n ? ~value : value
  let hex = positive.toString(16)
  if (hex.length % 2 === 1) hex = `0${hex}`
  // the highest bit is the sign
  if (hex[0] >= '8') hex = `00${hex}`
  const bytes = Buffer.from(hex, 'hex').reverse()
  if (value < 0n) for (let i = 0; i < bytes.length; i++) bytes[i] ^= 0xff
  return bytes
}
