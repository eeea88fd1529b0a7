/** What stands between the brackets of `items[…]` in Python: an index, which may count from the end, or a slice. */

import { PythonObject } from '../../pickle/python-object.ts'
import { typeName, whole } from './kinds-of-value.ts'
import { indexError, overflowError, typeError, valueError } from './python-errors.ts'

/** The places start, start + step … of a list, `count` of them. */
export interface Slice {
  readonly start: number
  readonly step: number
  readonly count: number
}

/** A slice as it comes over the wire: `builtins.slice(start, stop, step)`; undefined for what is none. */
export function sliceOf(subscript: unknown, length: number): Slice | undefined {
  if (!(subscript instanceof PythonObject) || subscript.name !== 'slice' || subscript.module !== 'builtins')
    return undefined
  const [start, stop, step] = subscript.args
  return resolve(bound(start), bound(stop), bound(step), length)
}

/** A slice to send. */
export function slice(start: number | null, stop: number | null, step: number | null = null): PythonObject {
  return new PythonObject('builtins', 'slice', [start, stop, step])
}

function bound(value: unknown): number | undefined {
  if (value === null || value === undefined) return undefined
  const number = whole(value)
  if (number !== undefined) return number
  throw typeError('slice indices must be integers or None or have an __index__ method')
}

function resolve(start: number | undefined, stop: number | undefined, step = 1, length: number): Slice {
  if (step === 0) throw valueError('slice step cannot be zero')
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1]
  const clamp = (place: number) => Math.min(Math.max(place < 0 ? place + length : place, lowest), highest)
  const first = start === undefined ? (step > 0 ? lowest : highest) : clamp(start)
  const end = stop === undefined ? (step > 0 ? highest : lowest) : clamp(stop)
  return { start: first, step, count: Math.max(0, Math.ceil((end - first) / step)) }
}

/** The place that an index means. `what`, `use`: for the message. @throws {PythonError} IndexError, TypeError */
export function placeOf(index: unknown, length: number, what: string, use: string): number {
  const place = whole(index)
  if (place === undefined) throw typeError(`${what} indices must be integers or slices, not ${typeName(index)}`)
  if (typeof index === 'bigint' && index !== BigInt.asIntN(64, index))
    throw indexError("cannot fit 'int' into an index-sized integer")
  const counted = place < 0 ? place + length : place
  if (counted < 0 || counted >= length) throw indexError(`${use} index out of range`)
  return counted
}

/** A place for those who take any: before the first and behind the last are those. */
export function clamped(index: unknown, length: number): number {
  const place = whole(index) ?? integer(index)
  return place < 0 ? Math.max(0, place + length) : Math.min(place, length)
}

/** A whole number. @throws {PythonError} TypeError */
export function integer(value: unknown): number {
  const number = whole(value)
  if (number === undefined) throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`)
  if (typeof value === 'bigint' && value !== BigInt.asIntN(64, value))
    throw overflowError('Python int too large to convert to C ssize_t')
  return number
}
