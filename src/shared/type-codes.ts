/** The C type codes of Python's array module: what each holds, how it lies in memory, what fits. */
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'

/** l and L are 32 bits here; q and Q are bigint; c is one byte; u is one UTF-16 unit. */
export type TypeCode = 'c' | 'b' | 'B' | 'u' | 'h' | 'H' | 'i' | 'I' | 'l' | 'L' | 'q' | 'Q' | 'f' | 'd'

/** What a Value of the type gives and takes. */
export type ValueOf<C extends TypeCode> = C extends 'q' | 'Q' ? bigint : C extends 'c' | 'u' ? string : number

interface Integer {
  readonly form: 'integer'
  readonly low: number
  readonly high: number
}
interface BigInteger {
  readonly form: 'bigint'
  readonly low: bigint
  readonly high: bigint
}
interface Text {
  readonly form: 'text'
  readonly high: number
}
interface Float {
  readonly form: 'float32' | 'float64'
}
export type Type = Integer | BigInteger | Text | Float

const integer = (low: number, high: number): Integer => ({ form: 'integer', low, high })

const TYPES: Record<TypeCode, Type> = {
  c: { form: 'text', high: 0xff },
  u: { form: 'text', high: 0xffff },
  b: integer(-0x80, 0x7f),
  B: integer(0, 0xff),
  h: integer(-0x8000, 0x7fff),
  H: integer(0, 0xffff),
  i: integer(-0x8000_0000, 0x7fff_ffff),
  I: integer(0, 0xffff_ffff),
  l: integer(-0x8000_0000, 0x7fff_ffff),
  L: integer(0, 0xffff_ffff),
  q: { form: 'bigint', low: -(2n ** 63n), high: 2n ** 63n - 1n },
  Q: { form: 'bigint', low: 0n, high: 2n ** 64n - 1n },
  f: { form: 'float32' },
  d: { form: 'float64' },
}

export const TYPE_CODES = Object.keys(TYPES) as TypeCode[]

export function typeOf(code: unknown): Type {
  if (typeof code === 'string' && Object.hasOwn(TYPES, code)) return TYPES[code as TypeCode]
  throw new ArgumentTypeError(`Expected a type code, one of ${TYPE_CODES.join(' ')}, got ${describe(code)}`)
}

/** Checks that `value` fits the type; gives it as it will be read back. */
export function fit(code: TypeCode, type: Type, value: unknown): number | bigint | string {
  switch (type.form) {
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw mismatch(code, 'a whole number', value)
      if (value < type.low || value > type.high) throw outOfRange(code, type.low, type.high, value)
      return value
    case 'bigint':
      if (typeof value !== 'bigint') throw mismatch(code, 'a bigint (write 1n, or BigInt(n))', value)
      if (value < type.low || value > type.high) throw outOfRange(code, type.low, type.high, value)
      return value
    case 'text':
      if (typeof value !== 'string' || value.length !== 1) throw mismatch(code, 'a string of one character', value)
      if (value.charCodeAt(0) > type.high) throw outOfRange(code, '\\0', `\\x${type.high.toString(16)}`, value)
      return value
    default:
      if (typeof value !== 'number') throw mismatch(code, 'a number', value)
      return type.form === 'float32' ? Math.fround(value) : value
  }
}

function mismatch(code: TypeCode, expected: string, value: unknown): ArgumentTypeError {
  return new ArgumentTypeError(`Expected ${expected} for type code '${code}', got ${describe(value)}`)
}

function outOfRange(code: TypeCode, low: unknown, high: unknown, value: unknown): ArgumentRangeError {
  return new ArgumentRangeError(
    `Expected a value from ${String(low)} to ${String(high)} for type code '${code}', got ${describe(value)}`,
  )
}
