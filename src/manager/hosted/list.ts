/** Python's list, with JavaScript's names beside its own. */

import { PythonObject } from '../../pickle/python-object.ts'
import { Effort } from './effort.ts'
import { equal } from './equal.ts'
import { defineType } from './hosted-type.ts'
import { sorted } from './in-order.ts'
import { ITERATE, isTrue, itemsOf, iterated, typeName, whole } from './kinds-of-value.ts'
import { indexError, memoryError, typeError, valueError } from './python-errors.ts'
import { represent } from './represent.ts'
import { clamped, integer, placeOf, type Slice, sliceOf } from './subscript.ts'

/** As long as one call may make a list: the engine ends the process when one that grows comes to some 2 ** 27. */
const LONGEST = 2 ** 26

export class HostedList {
  items: unknown[]

  constructor(items: unknown[] = []) {
    this.items = items
  }

  get(subscript: unknown): unknown {
    const { items } = this
    if (typeof subscript === 'number' && subscript >= 0 && subscript < items.length && Number.isInteger(subscript)) {
      return items[subscript]
    }
    const slice = sliceOf(subscript, items.length)
    return slice
      ? this.#places(slice).map(place => items[place])
      : items[placeOf(subscript, items.length, 'list', 'list')]
  }

  set(subscript: unknown, value: unknown): void {
    const { items } = this
    const slice = sliceOf(subscript, items.length)
    if (slice === undefined) items[placeOf(subscript, items.length, 'list', 'list assignment')] = value
    else this.#assign(slice, value)
  }

  #assign(slice: Slice, value: unknown): void {
    if (iterated(value) === undefined) {
      throw typeError(slice.step === 1 ? 'can only assign an iterable' : 'must assign iterable to extended slice')
    }
    const given = itemsOf(value)
    if (slice.step === 1) {
      this.#replace(slice.start, slice.count, given)
      return
    }
    if (given.length !== slice.count) {
      throw valueError(`attempt to assign sequence of size ${given.length} to extended slice of size ${slice.count}`)
    }
    for (const [i, place] of this.#places(slice).entries()) this.items[place] = given[i]
  }

  /** As splice(), for as many items as there are: so many arguments no call takes. */
  #replace(start: number, count: number, given: unknown[]): unknown[] {
    this.#mayGrow(given.length)
    if (given.length < 10_000) return this.items.splice(start, count, ...given)
    const removed = this.items.slice(start, start + count)
    this.items = [...this.items.slice(0, start), ...given, ...this.items.slice(start + count)]
    return removed
  }

  #mayGrow(by: number): void {
    if (this.items.length + by > LONGEST) throw memoryError()
  }

  delete(subscript: unknown): void {
    const { items } = this
    const slice = sliceOf(subscript, items.length)
    if (slice === undefined) items.splice(placeOf(subscript, items.length, 'list', 'list assignment'), 1)
    else if (slice.step === 1) items.splice(slice.start, slice.count)
    else {
      const gone = new Set(this.#places(slice))
      this.items = items.filter((_, place) => !gone.has(place))
    }
  }

  #places({ start, step, count }: Slice): number[] {
    return Array.from({ length: count }, (_, i) => start + i * step)
  }

  extend(value: unknown): void {
    const given = value === this ? [...this.items] : itemsOf(value)
    this.#mayGrow(given.length)
    for (const item of given) this.items.push(item)
  }

  insert(index: unknown, value: unknown): void {
    this.items.splice(clamped(integer(index), this.items.length), 0, value)
  }

  pop(index: unknown = -1): unknown {
    const { items } = this
    if (items.length === 0) {
      integer(index)
      throw indexError('pop from empty list')
    }
    if (index === -1) return items.pop()
    integer(index)
    const place = placeOf(index, items.length, 'list', 'pop')
    return items.splice(place, 1)[0]
  }

  /** -1: it is not there. */
  find(value: unknown, start = 0, stop = this.items.length): number {
    const effort = new Effort()
    for (let i = start; i < stop; i++) if (equal(this.items[i], value, effort)) return i
    return -1
  }

  index(value: unknown, start: unknown = 0, stop: unknown = this.items.length): number {
    const { length } = this.items
    const place = this.find(value, clamped(start, length), clamped(stop, length))
    if (place < 0) throw valueError(`${represent(value)} is not in list`)
    return place
  }

  count(value: unknown): number {
    const effort = new Effort()
    let count = 0
    for (const item of this.items) if (equal(item, value, effort)) count++
    return count
  }

  remove(value: unknown): void {
    const place = this.find(value)
    if (place < 0) throw valueError('list.remove(x): x not in list')
    this.items.splice(place, 1)
  }

  sort(key: unknown, reverse: unknown): void {
    if (key !== undefined && key !== null)
      throw typeError('a key function cannot travel: sort a copy where the function is')
    this.items = sorted(this.items, isTrue(reverse))
  }

  repeat(times: unknown): void {
    this.items = this.repeated(times)
  }

  clear(): void {
    this.items = []
  }

  repeated(times: unknown): unknown[] {
    const count = Math.max(0, repeats(times))
    this.#mayGrow(this.items.length * (count - 1))
    const all: unknown[] = []
    for (let i = 0; i < count && this.items.length > 0; i++) for (const item of this.items) all.push(item)
    return all
  }

  plus(value: unknown): unknown[] {
    const isList = value instanceof HostedList || typeName(value) === 'list'
    if (!isList) throw typeError(`can only concatenate list (not "${typeName(value)}") to list`)
    const more = value instanceof HostedList ? value.items : (value as unknown[])
    this.#mayGrow(more.length)
    return [...this.items, ...more]
  }

  /** The items from `start` to before `stop`, by JavaScript's rules: what is negative counts from the end. */
  slice(start: unknown = 0, stop: unknown = this.items.length): unknown[] {
    return this.items.slice(integer(start), integer(stop))
  }

  /** As Array.prototype.splice. */
  splice(start: unknown, count: unknown, given: readonly unknown[]): unknown[] {
    const { length } = this.items
    const from = clamped(start, length)
    const most = length - from
    return this.#replace(from, count === undefined ? most : Math.min(Math.max(0, integer(count)), most), [...given])
  }

  [ITERATE](): unknown[] {
    return this.items
  }
}

function repeats(times: unknown): number {
  if (whole(times) !== undefined) return integer(times)
  throw typeError(`can't multiply sequence by non-int of type '${typeName(times)}'`)
}

/** What Python gives for a `reversed()` that travels. */
export function backwards(items: unknown[]): PythonObject {
  return new PythonObject('builtins', 'iter', [items.reverse()])
}

export const listType = defineType<HostedList>({
  typeid: 'list',
  init: 'items?, /',
  create: ([items]) => new HostedList(items === undefined ? [] : itemsOf(items)),
  methods: {
    __add__: ['value, /', (list, a) => list.plus(a[0])],
    __contains__: ['value, /', (list, a) => list.find(a[0]) >= 0],
    __delitem__: ['index, /', (list, a) => list.delete(a[0])],
    __getitem__: ['index, /', (list, a) => list.get(a[0])],
    __iadd__: ['items, /', (list, a) => list.extend(a[0])],
    __imul__: ['times, /', (list, a) => list.repeat(a[0])],
    __len__: ['', list => list.items.length],
    __mul__: ['times, /', (list, a) => list.repeated(a[0])],
    __reversed__: ['', list => backwards([...list.items])],
    __rmul__: ['times, /', (list, a) => list.repeated(a[0])],
    __setitem__: ['index, value, /', (list, a) => list.set(a[0], a[1])],
    append: ['value, /', (list, a) => void list.items.push(a[0])],
    clear: ['', list => list.clear()],
    copy: ['', list => [...list.items]],
    count: ['value, /', (list, a) => list.count(a[0])],
    extend: ['items, /', (list, a) => list.extend(a[0])],
    index: ['value, start?, stop?, /', (list, a) => list.index(a[0], a[1], a[2])],
    insert: ['index, value, /', (list, a) => list.insert(a[0], a[1])],
    pop: ['index?, /', (list, a) => list.pop(a[0])],
    remove: ['value, /', (list, a) => list.remove(a[0])],
    reverse: ['', list => void list.items.reverse()],
    sort: ['*, key?, reverse?', (list, a) => list.sort(a[0], a[1])],

    // as in JavaScript
    at: ['index, /', (list, a) => list.items.at(integer(a[0]))],
    includes: ['value, /', (list, a) => list.find(a[0]) >= 0],
    indexOf: ['value, start?, /', (list, a) => list.find(a[0], clamped(a[1] ?? 0, list.items.length))],
    length: ['', list => list.items.length],
    push: [
      '*values',
      (list, a) => {
        for (const value of a) list.items.push(value)
        return list.items.length
      },
    ],
    shift: ['', list => list.items.shift()],
    slice: ['start?, stop?, /', (list, a) => list.slice(a[0], a[1])],
    splice: ['start, count?, /, *values', (list, a) => list.splice(a[0], a[1], a.slice(2))],
    unshift: [
      '*values',
      (list, a) => {
        list.splice(0, 0, a)
        return list.items.length
      },
    ],
  },
  copy: list => [...list.items],
  repr: list => represent(list.items),
})
