/** DictProxy: a dict in a manager, after JavaScript's Map. */
import { BaseProxy } from './base-proxy.ts'
import type { IteratorProxy } from './iterator-proxy.ts'

/**
 * A dict that a manager holds. Methods are those of Map, answered with promises; beside them stand Python's, which throw where
 * Python's do. Keys are compared as Python compares them: by value, so `1`, `1n` and `true` are one key, and a tuple may be one.
 *
 * Nothing here waits for anybody: an answer takes some microseconds. Deaths and errors: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const ages = await manager.dict<string, number>({ ada: 36 })
 * await ages.set('alan', 41)
 * assert.equal(await ages.get('ada'), 36)
 * assert.equal(await ages.has('grace'), false)
 * assert.deepEqual(await ages.keys(), ['ada', 'alan'])
 */
export class DictProxy<K = any, V = any> extends BaseProxy implements AsyncIterable<[K, V]> {
  /** The value of the key; undefined, or `otherwise`, when there is none. */
  get(key: K): Promise<V | undefined>
  get<D>(key: K, otherwise: D): Promise<V | D>
  get(key: K, ...otherwise: unknown[]): Promise<V | undefined> {
    return this.ask('get', otherwise.length === 0 ? [key] : [key, otherwise[0]]) as Promise<V | undefined>
  }

  set(key: K, value: V): Promise<void> {
    return this.ask('set', [key, value]) as Promise<void>
  }

  has(key: K): Promise<boolean> {
    return this.ask('has', [key]) as Promise<boolean>
  }

  /** Whether there was one. */
  delete(key: K): Promise<boolean> {
    return this.ask('delete', [key]) as Promise<boolean>
  }

  /** Takes the key out; gives its value: undefined, or `otherwise`, when there was none. (Python: KeyError without a default.) */
  pop(key: K): Promise<V | undefined>
  pop<D>(key: K, otherwise: D): Promise<V | D>
  pop(key: K, otherwise?: unknown): Promise<V | undefined> {
    return this.ask('pop', [key, otherwise]) as Promise<V | undefined>
  }

  /** Takes the youngest entry out. @throws {PythonError} KeyError when there is none */
  popitem(): Promise<[K, V]> {
    return this.ask('popitem', []) as Promise<[K, V]>
  }

  /** The value of the key, which is set to `value` when there is none: in one step. */
  setDefault(key: K, value: V): Promise<V> {
    return this.ask('setDefault', [key, value]) as Promise<V>
  }

  /** Sets all of them, in one step; also those of another dict of the same manager. */
  update(entries: Iterable<readonly [K, V]> | Record<string, V> | DictProxy<K, V>): Promise<void> {
    return this.ask('update', [entries instanceof BaseProxy ? entries : plainEntries(entries)]) as Promise<void>
  }

  clear(): Promise<void> {
    return this.ask('clear', []) as Promise<void>
  }

  size(): Promise<number> {
    return this.ask('size', []) as Promise<number>
  }

  /** In the order in which they were set first, as in Map and in Python. */
  keys(): Promise<K[]> {
    return this.ask('keys', []) as Promise<K[]>
  }

  values(): Promise<V[]> {
    return this.ask('values', []) as Promise<V[]>
  }

  entries(): Promise<[K, V][]> {
    return this.ask('entries', []) as Promise<[K, V][]>
  }

  /** All of it as it is now. */
  copy(): Promise<Map<K, V>> {
    return this.ask('copy', []) as Promise<Map<K, V>>
  }

  /** Goes through the entries as they were when it began: one call. */
  async *[Symbol.asyncIterator](): AsyncGenerator<[K, V], void, undefined> {
    yield* await this.entries()
  }

  // ── Python's names ──

  /** @throws {PythonError} KeyError when there is none */
  __getitem__(key: K): Promise<V> {
    return this.ask('__getitem__', [key]) as Promise<V>
  }

  __setitem__(key: K, value: V): Promise<void> {
    return this.set(key, value)
  }

  /** @throws {PythonError} KeyError when there is none */
  __delitem__(key: K): Promise<void> {
    return this.ask('__delitem__', [key]) as Promise<void>
  }

  __contains__(key: K): Promise<boolean> {
    return this.has(key)
  }

  /** A walk that happens in the manager, and fails when a member was added or taken out meanwhile. */
  __iter__(): Promise<IteratorProxy<K>> {
    return this.ask('__iter__', []) as Promise<IteratorProxy<K>>
  }

  __len__(): Promise<number> {
    return this.size()
  }

  setdefault(key: K, value: V): Promise<V> {
    return this.setDefault(key, value)
  }

  items(): Promise<[K, V][]> {
    return this.entries()
  }
}

/** What travels of an initial value. */
export function plainEntries<K, V>(entries: Iterable<readonly [K, V]> | Record<string, V>): unknown {
  if (entries instanceof Map || Array.isArray(entries)) return entries
  const isIterable = typeof entries === 'object' && entries !== null && Symbol.iterator in entries
  return isIterable ? Array.from(entries as Iterable<readonly [K, V]>) : entries
}
