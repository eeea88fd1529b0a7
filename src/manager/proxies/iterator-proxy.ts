/** IteratorProxy: a walk through something in a manager. */
import { BaseProxy } from './base-proxy.ts'

/** Items fetched by one call. */
const AT_ONCE = 100

/** What Python's `iter()` gives of a proxy: a walk that happens in the manager, step by step. */
export class IteratorProxy<T = any> extends BaseProxy implements AsyncIterable<T> {
  /** @throws {PythonError} StopIteration when that was all */
  __next__(): Promise<T> {
    return this.ask('__next__', []) as Promise<T>
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const items = (await this.ask('nextMany', [AT_ONCE])) as T[]
      yield* items
      if (items.length < AT_ONCE) return
    }
  }
}
