/**
 * Whether two values are equal, as `==` says it in Python: by what they hold, not by which object they are.
 *
 * 1, 1n and true are equal; a tuple equals no list; a Map equals a plain object that holds the same. Unlike in Python, NaN
 * equals itself: on its way to the server it is no more the same object anyway.
 */
import { isShareable } from '../../contract/shareable.ts'
import { PreciseDate } from '../../pickle/datetime.ts'
import { PyFloat } from '../../pickle/py-float.ts'
import { PythonError } from '../../pickle/python-error.ts'
import { Tuple } from '../../pickle/tuple.ts'
import { Effort } from './effort.ts'
import { Keyed } from './keyed.ts'
import { entriesOf, numeric } from './kinds-of-value.ts'
import { recursionError } from './python-errors.ts'

/** As deep as Python goes. */
const DEEPEST = 1000

/** `effort`: what a call that compares many values has for all of them. */
export function equal(a: unknown, b: unknown, effort: Effort = new Effort(), depth = 0): boolean {
  if (a === b) return true
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    effort.spend()
    if (isShareable(a)) return false
    if (depth > DEEPEST) throw recursionError('maximum recursion depth exceeded in comparison')
    return sameContent(a, b, effort, depth + 1)
  }
  const x = numeric(a)
  return x === undefined ? isNone(a) && isNone(b) : Object.is(x, numeric(b)) || x === numeric(b)
}

const isNone = (value: unknown): boolean => value === null || value === undefined

function sameContent(a: object, b: object, effort: Effort, depth: number): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && sameArrays(a, b, effort, depth)
  if (a instanceof Set) return b instanceof Set && sameSets(a, b, effort, depth)
  const entries = entriesOf(a)
  if (entries) {
    const others = entriesOf(b)
    return others !== undefined && sameEntries(asMap(entries), asMap(others), effort, depth)
  }
  if (ArrayBuffer.isView(a)) return ArrayBuffer.isView(b) && sameViews(a, b)
  if (a instanceof Date) return b instanceof Date && sameMoment(a, b)
  if (a instanceof PyFloat || b instanceof PyFloat) return numeric(a) === numeric(b)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (a instanceof RegExp) return String(a) === String(b)
  if (a instanceof Error && (a.message !== (b as Error).message || a.name !== (b as Error).name)) return false
  const keys = Object.keys(a)
  // what holds nothing that can be seen is equal to nothing but itself
  if (keys.length === 0 && !(a instanceof Error)) return false
  return sameEntries(new Map(Object.entries(a)), new Map(Object.entries(b)), effort, depth)
}

function sameMoment(a: Date, b: Date): boolean {
  const within = (date: Date) => (date instanceof PreciseDate ? date.microseconds : 0)
  return Object.is(a.getTime(), b.getTime()) && within(a) === within(b)
}

function sameArrays(a: unknown[], b: unknown[], effort: Effort, depth: number): boolean {
  if (a.length !== b.length || a instanceof Tuple !== b instanceof Tuple) return false
  for (let i = 0; i < a.length; i++) {
    effort.spend()
    if (!equal(a[i], b[i], effort, depth)) return false
  }
  return true
}

function sameSets(a: Set<unknown>, b: Set<unknown>, effort: Effort, depth: number): boolean {
  if (a.size !== b.size) return false
  const find = finder(b, effort, depth)
  for (const item of a) if (!b.has(item) && find(item) === undefined) return false
  return true
}

const asMap = (entries: Iterable<[unknown, unknown]>): Map<unknown, unknown> =>
  entries instanceof Map ? entries : new Map(entries)

function sameEntries(a: Map<unknown, unknown>, b: Map<unknown, unknown>, effort: Effort, depth: number): boolean {
  if (a.size !== b.size) return false
  const find = finder(b.keys(), effort, depth)
  for (const [key, value] of a) {
    let other = b.get(key)
    if (other === undefined && !b.has(key)) {
      const found = find(key)
      if (found === undefined) return false
      other = b.get(found.key)
    }
    if (!equal(value, other, effort, depth)) return false
  }
  return true
}

/** Finds the key that is equal to another one: what Python could hash by a table, made when it is needed; the rest one by one. */
function finder(
  keys: Iterable<unknown>,
  effort: Effort,
  depth: number,
): (sought: unknown) => { readonly key: unknown } | undefined {
  const table = new Keyed<{ readonly key: unknown }>()
  const others: { readonly key: unknown }[] = []
  let isMade = false
  return sought => {
    if (!isMade) for (const key of keys) hashed(() => table.set(key, { key })) ?? others.push({ key })
    isMade = true
    return hashed(() => table.get(sought))?.of ?? others.find(({ key }) => equal(sought, key, effort, depth))
  }
}

/** undefined: it cannot be hashed. */
function hashed<T>(use: () => T): { readonly of: T } | undefined {
  try {
    return { of: use() }
  } catch (error) {
    if (error instanceof PythonError && error.pythonName === 'TypeError') return undefined
    throw error
  }
}

function sameViews(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const areBytes = a instanceof Uint8Array && b instanceof Uint8Array
  if (!areBytes && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0
}

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
