/** ListProxy: a list in a manager, after JavaScript's Array. */
import { BaseProxy } from './base-proxy.ts'

/**
 * A list that a manager holds. Methods are those of Array, answered with promises; beside them stand Python's, which throw where
 * Python's do. Items are compared as Python compares them: by value.
 *
 * Nothing here waits for anybody. Deaths and errors: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const list = await manager.list([3, 1])
 * assert.equal(await list.push(2), 3)
 * await list.sort()
 * assert.deepEqual(await list.copy(), [1, 2, 3])
 * assert.equal(await list.at(-1), 3)
 */
export class ListProxy<T = any> extends BaseProxy implements AsyncIterable<T> {
  /** A negative index counts from the end; undefined where there is no item. */
  at(index: number): Promise<T | undefined> {
    return this.ask('at', [index]) as Promise<T | undefined>
  }

  /** @throws {ArgumentRangeError} where there is no item */
  set(index: number, value: T): Promise<void> {
    return this.ask('__setitem__', [index, value]) as Promise<void>
  }

  /** Gives the new length. */
  push(...values: T[]): Promise<number> {
    return this.ask('push', values) as Promise<number>
  }

  /** The last item; with `index` as in Python: that one, and a RangeError where there is none. */
  pop(index?: number): Promise<T | undefined> {
    if (index !== undefined) return this.ask('pop', [index]) as Promise<T>
    return (this.ask('splice', [-1, 1]) as Promise<T[]>).then(taken => taken[0])
  }

  shift(): Promise<T | undefined> {
    return this.ask('shift', []) as Promise<T | undefined>
  }

  unshift(...values: T[]): Promise<number> {
    return this.ask('unshift', values) as Promise<number>
  }

  /** Gives what was taken out. */
  splice(start: number, count?: number, ...values: T[]): Promise<T[]> {
    const args = count === undefined && values.length === 0 ? [start] : [start, count ?? 0, ...values]
    return this.ask('splice', args) as Promise<T[]>
  }

  reverse(): Promise<void> {
    return this.ask('reverse', []) as Promise<void>
  }

  /** By Python's order: numbers by value, text by code point. @throws {ArgumentTypeError} for items that have no order */
  sort(options?: { reverse?: boolean }): Promise<void> {
    return options?.reverse === true ? this.sort().then(() => this.reverse()) : (this.ask('sort', []) as Promise<void>)
  }

  /** -1: it is not there. */
  indexOf(value: T): Promise<number> {
    return this.ask('indexOf', [value]) as Promise<number>
  }

  includes(value: T): Promise<boolean> {
    return this.ask('includes', [value]) as Promise<boolean>
  }

  length(): Promise<number> {
    return this.ask('length', []) as Promise<number>
  }

  slice(start?: number, end?: number): Promise<T[]> {
    return this.ask('slice', end === undefined ? [start ?? 0] : [start ?? 0, end]) as Promise<T[]>
  }

  /** All of it as it is now. */
  copy(): Promise<T[]> {
    return this.ask('copy', []) as Promise<T[]>
  }

  /** Asks for one item after the other, as in Python: a change meanwhile is seen. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let i = 0; ; i++) {
      const found = await this.slice(i, i + 1)
      if (found.length === 0) return
      yield found[0]
    }
  }

  // ── Python's names ──

  append(value: T): Promise<void> {
    return this.ask('append', [value]) as Promise<void>
  }

  /** Also by what another container of the same manager holds: that does not come here. */
  extend(values: Iterable<T> | ListProxy<T>): Promise<void> {
    const plain = values instanceof BaseProxy || Array.isArray(values) ? values : [...values]
    return this.ask('extend', [plain]) as Promise<void>
  }

  insert(index: number, value: T): Promise<void> {
    return this.ask('insert', [index, value]) as Promise<void>
  }

  /** The first that is equal. @throws {ArgumentRangeError} when there is none */
  remove(value: T): Promise<void> {
    return this.ask('remove', [value]) as Promise<void>
  }

  /** @throws {ArgumentRangeError} when it is not there */
  index(value: T): Promise<number> {
    return this.ask('index', [value]) as Promise<number>
  }

  count(value: T): Promise<number> {
    return this.ask('count', [value]) as Promise<number>
  }

  clear(): Promise<void> {
    return this.ask('clear', []) as Promise<void>
  }

  /** @throws {ArgumentRangeError} where there is none */
  __getitem__(index: number): Promise<T> {
    return this.ask('__getitem__', [index]) as Promise<T>
  }

  __setitem__(index: number, value: T): Promise<void> {
    return this.set(index, value)
  }

  /** @throws {ArgumentRangeError} where there is none */
  __delitem__(index: number): Promise<void> {
    return this.ask('__delitem__', [index]) as Promise<void>
  }

  __contains__(value: T): Promise<boolean> {
    return this.includes(value)
  }

  __len__(): Promise<number> {
    return this.length()
  }

  /** A plain copy with `values` behind it. */
  __add__(values: readonly T[] | ListProxy<T>): Promise<T[]> {
    return this.ask('__add__', [values]) as Promise<T[]>
  }

  /** A plain copy, so many times. */
  __mul__(times: number): Promise<T[]> {
    return this.ask('__mul__', [times]) as Promise<T[]>
  }

  /** Repeats the list itself; gives this proxy. */
  async __imul__(times: number): Promise<this> {
    await this.ask('__imul__', [times])
    return this
  }

  /** extend(); gives this proxy. */
  async __iadd__(values: Iterable<T> | ListProxy<T>): Promise<this> {
    await this.extend(values)
    return this
  }
}
