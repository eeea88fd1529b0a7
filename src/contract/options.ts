/**
 * Checks arguments before anything is done with them.
 *
 * Every message has the same three parts: what was expected, what came, and how to mend it where that is known.
 */
import { ArgumentRangeError, ArgumentTypeError } from './errors.ts'

/** A value in a few words, for the "got …" of a message: `-1 (number)`, `"abc" (string)`, `an instance of Map`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return value.name === '' ? 'a function' : `a function (${value.name})`
  if (typeof value === 'string')
    return `${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)} (string)`
  if (typeof value !== 'object') return `${Object.is(value, -0) ? '-0' : String(value)} (${typeof value})`
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
  } catch {
    return 'an object' // a revoked Proxy
  }
  const name = className(value)
  return name === undefined || name === 'Object' ? 'an object' : `an instance of ${name}`
}

/** The name of the class of an object, if it has one. Runs no code of the object's own. */
export function className(value: object): string | undefined {
  try {
    for (let proto = Object.getPrototypeOf(value); proto !== null; proto = Object.getPrototypeOf(proto)) {
      const made = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value
      if (typeof made === 'function' && typeof made.name === 'string' && made.name !== '') return made.name
    }
  } catch {
    // a revoked or hostile Proxy: it has no name
  }
  return undefined
}

/** A whole number from `min` to `max`; gives it back. */
export function checkCount(name: string, value: unknown, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} up` : `from ${min} to ${max}`
  const expected = `Expected \`${name}\` to be a whole number ${range}, got ${describe(value)}`
  if (typeof value !== 'number') throw new ArgumentTypeError(expected)
  if (!Number.isSafeInteger(value) || value < min || value > max) throw new ArgumentRangeError(expected)
  return value
}

/** A timeout in milliseconds; `Infinity` when it was left out: for ever. */
export function checkTimeout(value: unknown): number {
  if (value === undefined || value === Infinity) return Infinity
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  const expected = `Expected \`timeout\` to be a whole number of milliseconds from 0 up, got ${describe(value)}`
  if (typeof value !== 'number') throw new ArgumentTypeError(`${expected}; leave it out to wait for ever`)
  if (value > 0) throw new ArgumentRangeError(`${expected}; round it up with Math.ceil`)
  throw new ArgumentRangeError(`${expected}; leave it out to wait for ever, give 0 to try once`)
}

/** An AbortSignal, or nothing. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value
  throw new ArgumentTypeError(
    `Expected \`signal\` to be an AbortSignal, got ${describe(value)}; take it from an AbortController or AbortSignal.timeout()`,
  )
}

/** An options object that names nothing unknown; an empty one when it was left out. */
export function checkOptions<T extends object>(
  name: string,
  value: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgumentTypeError(`Expected \`${name}\` to be an object of options, got ${describe(value)}`)
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key as keyof T & string)) continue
    throw new ArgumentTypeError(
      `Expected \`${name}\` to hold only ${known.join(', ')}, got \`${key}\`; check its spelling`,
    )
  }
  return value
}

/** A function; gives it back. */
export function checkFunction<F extends (...args: any[]) => unknown>(name: string, value: F): F {
  if (typeof value === 'function') return value
  throw new ArgumentTypeError(`Expected \`${name}\` to be a function, got ${describe(value)}`)
}

/** true, false, or `otherwise` when it was left out. */
export function checkFlag(name: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise
  if (typeof value === 'boolean') return value
  throw new ArgumentTypeError(`Expected \`${name}\` to be true or false, got ${describe(value)}`)
}

/** A string; gives it back. */
export function checkString(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new ArgumentTypeError(`Expected \`${name}\` to be a string, got ${describe(value)}`)
}
