/** SetProxy: a set in a manager, after JavaScript's Set. */
import { BaseProxy } from './base-proxy.ts'
import type { IteratorProxy } from './iterator-proxy.ts'

/** What the methods that compare or combine take. */
export type SetOperand<T> = Iterable<T> | SetProxy<T>

/**
 * A set that a manager holds. Methods are those of Set, answered with promises; beside them stand Python's. Members are compared
 * as Python compares them: by value. What gives a set gives a plain one.
 *
 * Nothing here waits for anybody. Deaths and errors: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const set = await manager.set(['a', 'b'])
 * await set.add('c')
 * assert.equal(await set.has('c'), true)
 * assert.deepEqual(await set.intersection(['a', 'z']), new Set(['a']))
 */
export class SetProxy<T = any> extends BaseProxy implements AsyncIterable<T> {
  add(value: T): Promise<void> {
    return this.ask('add', [value]) as Promise<void>
  }

  has(value: T): Promise<boolean> {
    return this.ask('has', [value]) as Promise<boolean>
  }

  /** Whether it was there. */
  delete(value: T): Promise<boolean> {
    return this.ask('delete', [value]) as Promise<boolean>
  }

  clear(): Promise<void> {
    return this.ask('clear', []) as Promise<void>
  }

  size(): Promise<number> {
    return this.ask('size', []) as Promise<number>
  }

  values(): Promise<T[]> {
    return this.ask('values', []) as Promise<T[]>
  }

  copy(): Promise<Set<T>> {
    return this.ask('copy', []) as Promise<Set<T>>
  }

  union(...others: SetOperand<T>[]): Promise<Set<T>> {
    return this.ask('union', others.map(operand)) as Promise<Set<T>>
  }

  intersection(...others: SetOperand<T>[]): Promise<Set<T>> {
    return this.ask('intersection', others.map(operand)) as Promise<Set<T>>
  }

  difference(...others: SetOperand<T>[]): Promise<Set<T>> {
    return this.ask('difference', others.map(operand)) as Promise<Set<T>>
  }

  symmetricDifference(other: SetOperand<T>): Promise<Set<T>> {
    return this.ask('symmetricDifference', [operand(other)]) as Promise<Set<T>>
  }

  isSubsetOf(other: SetOperand<T>): Promise<boolean> {
    return this.ask('isSubsetOf', [operand(other)]) as Promise<boolean>
  }

  isSupersetOf(other: SetOperand<T>): Promise<boolean> {
    return this.ask('isSupersetOf', [operand(other)]) as Promise<boolean>
  }

  isDisjointFrom(other: SetOperand<T>): Promise<boolean> {
    return this.ask('isDisjointFrom', [operand(other)]) as Promise<boolean>
  }

  /** Goes through the members as they were when it began: one call. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.values()
  }

  // ── Python's names ──

  discard(value: T): Promise<void> {
    return this.ask('discard', [value]) as Promise<void>
  }

  /** @throws {PythonError} KeyError when it is not there */
  remove(value: T): Promise<void> {
    return this.ask('remove', [value]) as Promise<void>
  }

  /** Takes any of them out. @throws {PythonError} KeyError when there is none */
  pop(): Promise<T> {
    return this.ask('pop', []) as Promise<T>
  }

  update(...others: SetOperand<T>[]): Promise<void> {
    return this.ask('update', others.map(operand)) as Promise<void>
  }

  intersection_update(...others: SetOperand<T>[]): Promise<void> {
    return this.ask('intersection_update', others.map(operand)) as Promise<void>
  }

  difference_update(...others: SetOperand<T>[]): Promise<void> {
    return this.ask('difference_update', others.map(operand)) as Promise<void>
  }

  symmetric_difference_update(other: SetOperand<T>): Promise<void> {
    return this.ask('symmetric_difference_update', [operand(other)]) as Promise<void>
  }

  symmetric_difference(other: SetOperand<T>): Promise<Set<T>> {
    return this.symmetricDifference(other)
  }

  issubset(other: SetOperand<T>): Promise<boolean> {
    return this.isSubsetOf(other)
  }

  issuperset(other: SetOperand<T>): Promise<boolean> {
    return this.isSupersetOf(other)
  }

  isdisjoint(other: SetOperand<T>): Promise<boolean> {
    return this.isDisjointFrom(other)
  }

  __contains__(value: T): Promise<boolean> {
    return this.has(value)
  }

  /** A walk that happens in the manager, and fails when a member was added or taken out meanwhile. */
  __iter__(): Promise<IteratorProxy<T>> {
    return this.ask('__iter__', []) as Promise<IteratorProxy<T>>
  }

  __len__(): Promise<number> {
    return this.size()
  }

  /** Whether it has the same members. */
  __eq__(other: SetOperand<T>): Promise<boolean> {
    return this.ask('__eq__', [asSet(other)]) as Promise<boolean>
  }

  __lt__(other: SetOperand<T>): Promise<boolean> {
    return this.ask('__lt__', [asSet(other)]) as Promise<boolean>
  }

  __gt__(other: SetOperand<T>): Promise<boolean> {
    return this.ask('__gt__', [asSet(other)]) as Promise<boolean>
  }
}

function operand<T>(other: SetOperand<T>): unknown {
  return other instanceof BaseProxy || other instanceof Set || Array.isArray(other)
    ? other
    : [...(other as Iterable<T>)]
}

function asSet<T>(other: SetOperand<T>): unknown {
  return other instanceof BaseProxy ? other : new Set(other as Iterable<T>)
}
