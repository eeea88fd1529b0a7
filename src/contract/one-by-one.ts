/** Many of one operation, one after the other: items are put within one time, and taken until there are no more. */
import { ArgumentTypeError } from './errors.ts'
import { describe } from './options.ts'
import type { WaitOptions } from './waiting.ts'

/** Takes one by one, and ends when a take throws an `End`. Leaving the loop early takes nothing more. */
export async function* takeUntil<T>(
  End: new (message?: string) => Error,
  take: () => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  for (;;) {
    let item: T
    try {
      item = await take()
    } catch (error) {
      if (error instanceof End) return
      throw error
    }
    yield item
  }
}

/** Puts the items as they come. `timeout` is that of the whole; an error's `done` says how many were put before it. */
export async function putEach<T>(
  items: Iterable<T>,
  options: WaitOptions | undefined,
  put: (item: T, options: WaitOptions | undefined) => Promise<void>,
): Promise<void> {
  const iterator = iteratorOf(items)
  const began = performance.now()
  let done = 0
  try {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      await put(next.value, options && remaining(options, began))
      done++
    }
  } catch (error) {
    try {
      if (error instanceof Error) Object.assign(error, { done })
      iterator.return?.()
    } catch {
      // a reason that cannot be written on, an iterator that cannot be left: what went wrong first counts
    }
    throw error
  }
}

function iteratorOf<T>(items: Iterable<T>): Iterator<T> {
  if (typeof items?.[Symbol.iterator] !== 'function') {
    throw new ArgumentTypeError(`Expected \`items\` to be iterable, got ${describe(items)}`)
  }
  return items[Symbol.iterator]()
}

function remaining(options: WaitOptions, began: number): WaitOptions {
  if (options.timeout === undefined) return options
  const left = Math.max(0, Math.ceil(options.timeout - (performance.now() - began)))
  return { ...options, timeout: left }
}
