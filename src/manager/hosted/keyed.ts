/**
 * A table whose keys are found by value, as those of Python's dict and set; in the order they came.
 *
 * A string or number is found as it is. 1, 1n, 1.0 and true are one key, as in Python, and stay as whichever came first.
 * None is one key, be it null or undefined. A list, dict or set cannot be a key. Other objects are found by a text that
 * spells them out: tuples, bytes, dates, records of Python's, instances of classes. A handle, and what shows nothing that
 * could be spelled, is found as itself.
 */

import { className } from '../../contract/options.ts'
import { isShareable } from '../../contract/shareable.ts'
import { ByteArray } from '../../pickle/byte-array.ts'
import { PreciseDate } from '../../pickle/datetime.ts'
import { isOutOfStack } from '../../pickle/depth.ts'
import { FrozenSet } from '../../pickle/frozen-set.ts'
import { Tuple } from '../../pickle/tuple.ts'
import { Effort } from './effort.ts'
import { isRecord, numeric, typeName } from './kinds-of-value.ts'
import { recursionError, typeError } from './python-errors.ts'

/** What stands for a key in the table: the same for equal keys. */
type Stand = string | number | bigint | object | null

/** Stands for a key that must be spelled out. */
class Spelled {
  readonly text: string
  readonly key: unknown

  constructor(text: string, key: unknown) {
    this.text = text
    this.key = key
  }
}

export class Keyed<V> {
  readonly #values = new Map<Stand, V>()
  readonly #spelled = new Map<string, Spelled>()
  /** Keys that look different from what stands for them, as true does from 1. */
  readonly #looks = new Map<Stand, unknown>()
  /** The keys in order, for those who take from the end; undefined: nobody does. */
  #order: Stand[] | undefined

  get size(): number {
    return this.#values.size
  }

  get(key: unknown): V | undefined {
    const stand = this.#find(key)
    return stand === undefined ? undefined : this.#values.get(stand)
  }

  has(key: unknown): boolean {
    const stand = this.#find(key)
    return stand !== undefined && this.#values.has(stand)
  }

  set(key: unknown, value: V): void {
    let stand = this.#find(key)
    if (stand === undefined) {
      const spelled = new Spelled(spellOut(key), key)
      this.#spelled.set(spelled.text, spelled)
      stand = spelled
    }
    if (this.#order === undefined && (stand === key || this.#values.has(stand))) {
      this.#values.set(stand, value)
      return
    }
    if (!this.#values.has(stand)) {
      if (stand !== key && !(stand instanceof Spelled)) this.#looks.set(stand, key ?? null)
      this.#order?.push(stand)
    }
    this.#values.set(stand, value)
  }

  delete(key: unknown): boolean {
    const stand = this.#find(key)
    if (stand === undefined || !this.#values.delete(stand)) return false
    if (stand instanceof Spelled) this.#spelled.delete(stand.text)
    else if (this.#looks.size > 0) this.#looks.delete(stand)
    if (this.#order !== undefined) {
      if (this.#order.at(-1) === stand) this.#order.pop()
      else this.#order = undefined
    }
    return true
  }

  clear(): void {
    this.#values.clear()
    this.#spelled.clear()
    this.#looks.clear()
    this.#order = undefined
  }

  /** The key that came last, which must be there. */
  lastKey(): unknown {
    this.#order ??= [...this.#values.keys()]
    return this.#look(this.#order.at(-1) as Stand)
  }

  *keys(): Generator<unknown> {
    for (const stand of this.#values.keys()) yield this.#look(stand)
  }

  keyList(): unknown[] {
    const stands = [...this.#values.keys()]
    return this.#spelled.size + this.#looks.size === 0 ? stands : stands.map(stand => this.#look(stand))
  }

  valueList(): V[] {
    return [...this.#values.values()]
  }

  *[Symbol.iterator](): Generator<[unknown, V]> {
    for (const [stand, value] of this.#values) yield [this.#look(stand), value]
  }

  #look(stand: Stand): unknown {
    if (stand instanceof Spelled) return stand.key
    if (this.#looks.size === 0) return stand
    const look = this.#looks.get(stand)
    return look === undefined ? stand : look
  }

  /** What stands for the key; undefined for one that must be spelled out and is not there. */
  #find(key: unknown): Stand | undefined {
    if (typeof key === 'string' || typeof key === 'number') return key
    return this.#findOther(key)
  }

  #findOther(key: unknown): Stand | undefined {
    if (key === null || key === undefined) return null
    const number = numeric(key)
    if (number !== undefined) return number
    if (typeof key !== 'object') return unhashable(key)
    return isKeyOfItsOwn(key) ? key : this.#spelled.get(spellOut(key))
  }
}

/** Nothing else is equal to it. */
function isKeyOfItsOwn(key: object): boolean {
  if (isShareable(key)) return true
  return (
    !(Array.isArray(key) || key instanceof Uint8Array || key instanceof Date || isDict(key)) &&
    Object.keys(key).length === 0
  )
}

const isDict = (key: object): boolean => key instanceof Map || key instanceof Set || isRecord(key)

function unhashable(key: unknown): never {
  throw typeError(`unhashable type: '${typeName(key)}'`)
}

const numbers = new WeakMap<object, number>()
let numbered = 0

/** As many parts as a key may have. */
const MOST_PARTS = 2 ** 20

/** A text that is the same for equal values and no others. @throws {PythonError} TypeError, MemoryError, RecursionError */
function spellOut(key: unknown): string {
  try {
    return spell(key, false, new Effort(MOST_PARTS))
  } catch (error) {
    throw isOutOfStack(error) ? recursionError('maximum recursion depth exceeded') : error
  }
}

/** Within an instance of a class, lists and dicts are content. */
function spell(value: unknown, asContent: boolean, effort: Effort): string {
  effort.spend()
  if (value === null || value === undefined) return 'N;'
  if (typeof value === 'string') return `s${value.length}:${value}`
  const number = numeric(value)
  if (number !== undefined) return typeof number === 'bigint' ? `i${number};` : `n${number};`
  if (typeof value !== 'object') return unhashable(value)
  const all = (items: Iterable<unknown>, inside: boolean) =>
    Array.from(items, item => spell(item, inside, effort)).join('')
  if (value instanceof Tuple) return `(${all(value, asContent)})`
  if (value instanceof FrozenSet)
    return `<${Array.from(value, item => spell(item, asContent, effort))
      .sort()
      .join('')}>`
  if (value instanceof Uint8Array) {
    if (value instanceof ByteArray && !asContent) return unhashable(value)
    return `b${value.length}:${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')}`
  }
  if (value instanceof Date) return `d${value.getTime()},${value instanceof PreciseDate ? value.microseconds : 0};`
  if (isKeyOfItsOwn(value)) {
    const mark = numbers.get(value) ?? ++numbered
    numbers.set(value, mark)
    return `#${mark};`
  }
  if (Array.isArray(value) || isDict(value)) {
    if (!asContent) return unhashable(value)
    return `[${all(value instanceof Map || value instanceof Set || Array.isArray(value) ? value : Object.entries(value), true)}]`
  }
  return `o${className(value)}[${all(Object.values(value), true)}];`
}
