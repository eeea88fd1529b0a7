/**
 * What a value is in Python's eyes: a number, a list, a tuple, bytes, a dict …
 *
 * Python's `int` and `float` are one kind here, as numbers and bigints of JavaScript are one kind to Python; `null` and
 * `undefined` are None; a Map or a plain object is a dict; a Uint8Array is bytes.
 */
import { className } from '../../contract/options.ts'
import { ByteArray } from '../../pickle/byte-array.ts'
import { FrozenSet } from '../../pickle/frozen-set.ts'
import { PyFloat } from '../../pickle/py-float.ts'
import { PythonError } from '../../pickle/python-error.ts'
import { PythonObject } from '../../pickle/python-object.ts'
import { Tuple } from '../../pickle/tuple.ts'
import { typeError } from './python-errors.ts'

/** The number that a number, a bigint or a truth value is to Python: 1, 1n and true are the same; else undefined. */
export function numeric(value: unknown): number | bigint | undefined {
  switch (typeof value) {
    case 'number':
      return value
    case 'boolean':
      return value ? 1 : 0
    case 'bigint': {
      const rounded = Number(value)
      return Number.isFinite(rounded) && BigInt(rounded) === value ? rounded : value
    }
    default:
      return value instanceof PyFloat ? value.value : undefined
  }
}

/** A whole number; undefined for anything else. A bigint that is out of reach is as far off as a number can say. */
export function whole(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'bigint') {
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
    return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : Number(value)
  }
  return undefined
}

/** True for what `if value:` is true for in Python. */
export function isTrue(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value)
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0
  if (value instanceof Map || value instanceof Set) return value.size > 0
  if (value instanceof PyFloat) return value.value !== 0
  return !isRecord(value) || Object.keys(value).length > 0
}

/** A plain object: a dict with strings as keys. */
export function isRecord(value: object): value is Record<string, unknown> {
  const proto = Object.getPrototypeOf(value)
  return proto === Object.prototype || proto === null
}

/** What `type(value).__name__` is in Python. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'NoneType'
    case 'boolean':
      return 'bool'
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float'
    case 'bigint':
      return 'int'
    case 'string':
      return 'str'
    case 'object':
      break
    default:
      return typeof value
  }
  if (value === null) return 'NoneType'
  if (Array.isArray(value)) return value instanceof Tuple ? 'tuple' : 'list'
  if (value instanceof Map || isRecord(value)) return 'dict'
  if (value instanceof Set) return value instanceof FrozenSet ? 'frozenset' : 'set'
  if (value instanceof Uint8Array) return value instanceof ByteArray ? 'bytearray' : 'bytes'
  if (value instanceof PyFloat) return 'float'
  if (value instanceof PythonObject) return value.name
  if (value instanceof PythonError) return value.pythonName
  return className(value) ?? 'object'
}

/** An object of this server's that can be gone through itself, as a list or a set. */
export const ITERATE: unique symbol = Symbol('iterate')

/** What `for x in value` goes through in Python; undefined for what it cannot. */
export function iterated(value: unknown): Iterable<unknown> | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value) || value instanceof Set) return value
  if (value instanceof Map) return value.keys()
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? undefined : (value as Uint8Array)
  if (ITERATE in value) return (value as { [ITERATE](): Iterable<unknown> })[ITERATE]()
  return isRecord(value) ? Object.keys(value) : undefined
}

/** What can be gone through, as an array of its own. @throws {PythonError} TypeError */
export function itemsOf(value: unknown): unknown[] {
  const items = iterated(value)
  if (items === undefined) throw typeError(`'${typeName(value)}' object is not iterable`)
  return Array.from(items)
}

/** The entries of a dict; undefined for anything else. */
export function entriesOf(value: unknown): Iterable<[unknown, unknown]> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Map) return value
  return isRecord(value) ? Object.entries(value) : undefined
}
