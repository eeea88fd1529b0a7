/** Sorts as Python does: by `<`, which numbers have among each other, and text, bytes, lists and tuples; stable. */

import { Tuple } from '../../pickle/tuple.ts'
import { equal } from './equal.ts'
import { numeric, typeName } from './kinds-of-value.ts'
import { typeError } from './python-errors.ts'

/** A sorted copy. @throws {PythonError} TypeError, for values that have no order among each other */
export function sorted(items: readonly unknown[], reverse: boolean): unknown[] {
  // undefined would be put last unasked
  const copy = items.map(item => (item === undefined ? null : item))
  if (copy.length < 2) return copy
  return copy.sort(reverse ? (a, b) => compare(b, a) : compare)
}

/** Negative: a < b. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  const x = numeric(a)
  const y = numeric(b)
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : 0
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
  if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) return compareArrays(a, b)
  throw typeError(`'<' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`)
}

/** By code points; JavaScript compares UTF-16 units, which differs above U+FFFF. */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
  }
  return a.length - b.length
}

/** Surrogates stand for code points above all others. */
const rank = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit)

function compareArrays(a: unknown[], b: unknown[]): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) if (!equal(a[i], b[i])) return compare(a[i], b[i])
  return a.length - b.length
}
