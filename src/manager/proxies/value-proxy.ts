/** ValueProxy and ArrayProxy: numbers of a C type in a manager. */
import type { TypeCode, ValueOf } from '../../shared/type-codes.ts'
import { BaseProxy } from './base-proxy.ts'

/**
 * A value of a C type that a manager holds. For one that is only shared by processes of this family take a Value: it is a hundred
 * times as fast. Nothing here waits for anybody. Deaths and errors: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const value = await manager.Value('i', 7)
 * assert.equal(await value.add(1), 8)
 * assert.equal(await value.get(), 8)
 * await assert.rejects(value.set(2 ** 31), RangeError)
 */
export class ValueProxy<C extends TypeCode = TypeCode> extends BaseProxy {
  get(): Promise<ValueOf<C>> {
    return this.ask('get', []) as Promise<ValueOf<C>>
  }

  /** @throws {ArgumentTypeError} {ArgumentRangeError} for what does not fit the type */
  set(value: ValueOf<C>): Promise<void> {
    return this.ask('set', [value]) as Promise<void>
  }

  /** Adds to it, in one step; gives the sum. */
  add(value: ValueOf<C>): Promise<ValueOf<C>> {
    return this.ask('add', [value]) as Promise<ValueOf<C>>
  }
}

/**
 * Values of one C type that a manager holds; for processes of this family alone take a SharedArray. Nothing here waits for
 * anybody. Deaths and errors: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const array = await manager.Array('i', [1, 2, 3])
 * await array.set(0, 5)
 * assert.deepEqual(await array.slice(), [5, 2, 3])
 */
export class ArrayProxy<C extends TypeCode = TypeCode> extends BaseProxy implements AsyncIterable<ValueOf<C>> {
  /** A negative index counts from the end; undefined where there is none. */
  at(index: number): Promise<ValueOf<C> | undefined> {
    return this.ask('at', [index]) as Promise<ValueOf<C> | undefined>
  }

  /** @throws {ArgumentRangeError} where there is none, and for what does not fit the type · {ArgumentTypeError} */
  set(index: number, value: ValueOf<C>): Promise<void> {
    return this.ask('__setitem__', [index, value]) as Promise<void>
  }

  length(): Promise<number> {
    return this.ask('length', []) as Promise<number>
  }

  slice(start?: number, end?: number): Promise<ValueOf<C>[]> {
    return this.ask('slice', end === undefined ? [start ?? 0] : [start ?? 0, end]) as Promise<ValueOf<C>[]>
  }

  /** Goes through the values as they were when it began: one call. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ValueOf<C>, void, undefined> {
    yield* await this.slice()
  }

  // ── Python's names ──

  /** @throws {ArgumentRangeError} where there is none */
  __getitem__(index: number): Promise<ValueOf<C>> {
    return this.ask('__getitem__', [index]) as Promise<ValueOf<C>>
  }

  __setitem__(index: number, value: ValueOf<C>): Promise<void> {
    return this.set(index, value)
  }

  __len__(): Promise<number> {
    return this.length()
  }
}
