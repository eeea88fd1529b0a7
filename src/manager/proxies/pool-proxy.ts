/** PoolProxy: worker processes of a manager's server, with the methods of a Pool. */
import { checkCount, checkFlag, checkOptions, checkSignal } from '../../contract/options.ts'
import { checkInput, iteratorOf } from '../../pool/arguments.ts'
import type { ApplyOptions, MapOptions, PoolOptions } from '../../pool/pool.ts'
import { ONE, SPREAD } from '../../pool/worker.ts'
import { resolveTarget, type Target } from '../../process/target.ts'
import { BaseProxy } from './base-proxy.ts'

/** Of apply(). */
export type PoolProxyApplyOptions = Omit<ApplyOptions, 'transfer'>
/** Of map() and starmap(). */
export type PoolProxyMapOptions = Omit<MapOptions, 'onProgress'>
/** Of imap() and imapUnordered(). */
export interface PoolProxyImapOptions {
  /** Items that a worker takes at a time. @default 1 */
  chunksize?: number
  /** Items read from the input whose results were not taken yet, at most. @default 32 × chunksize */
  buffersize?: number
  signal?: AbortSignal
}

interface StreamPlan {
  readonly size: number
  readonly most: number
  readonly ordered: boolean
  readonly signal: AbortSignal | undefined
}

/** A chunk of the input, or the results of one. */
type Step = { chunk: unknown[] } | { chunk?: undefined; call: Promise<Step>; results: unknown[] }

const CHUNKS_AHEAD = 32
const ENDLESS = Number.POSITIVE_INFINITY

/**
 * A pool whose workers belong to a manager's server: many processes share it. Functions travel by reference, as a Process's target,
 * and run in the workers; the server only hands on.
 *
 * Everything awaits. On abort, or when the process that called dies, what waits is not run, and what runs is told and ended after
 * the pool's `gracePeriod`. A worker that dies costs the one task that it ran; the workers end with the manager. Errors: as of a
 * Pool.
 *
 * close() is that of a Pool: no more tasks. The pool goes when nobody has a proxy of it any more.
 *
 * @example
 * await using manager = await Manager()
 * await using pool = await manager.Pool(1)
 * const cpus = { module: import.meta.resolve('multiproc'), name: 'cpuCount' }
 * assert.ok(Number(await pool.apply(cpus)) >= 1)
 */
export class PoolProxy extends BaseProxy implements AsyncDisposable {
  /** Runs `fn(...args)` in a worker. @throws as Pool.apply() */
  async apply<A extends unknown[], R>(
    fn: Target<A, R>,
    args?: A,
    options?: PoolProxyApplyOptions,
  ): Promise<Awaited<R>> {
    const { signal, ...how } = checkOptions('options', options, ['signal', 'timeout', 'priority'])
    return this.#run('apply', fn, args ?? [], how, signal) as Promise<Awaited<R>>
  }

  /** Runs `fn(item)` for each item; gives the results in the order of the items. @throws as Pool.map() */
  map<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: PoolProxyMapOptions,
  ): Promise<Awaited<R>[]> {
    return this.#runAll('map', fn, items, options)
  }

  /** As map(), but each item is the list of arguments: `fn(...item)`. */
  starmap<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    options?: PoolProxyMapOptions,
  ): Promise<Awaited<R>[]> {
    return this.#runAll('starmap', fn, items, options)
  }

  async #runAll(
    method: string,
    fn: Target<any>,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: PoolProxyMapOptions | undefined,
  ): Promise<any[]> {
    const { signal, ...how } = checkOptions('options', options, ['chunksize', 'signal', 'failFast'])
    checkFlag('failFast', how.failFast, true)
    const { input, isAsync } = checkInput(items, method === 'map' ? ONE : SPREAD)
    const all: unknown[] = isAsync ? [] : [...(input as Iterable<unknown>)]
    if (isAsync) for await (const item of input) all.push(item)
    return this.#run(method, fn, all, how, signal) as Promise<any[]>
  }

  async #run(method: string, fn: Target<any>, given: unknown, how: object, signal: unknown): Promise<unknown> {
    const limits = { signal: checkSignal(signal), timeout: ENDLESS }
    return this.askPatiently(method, [portable(fn), given, how], limits)
  }

  /**
   * Runs `fn(item)` for each item; gives the results in the order of the items, as they come. The input, which may be infinite, is
   * read only `buffersize` items ahead. Leaving the loop ends it, a failure comes in its place and ends it.
   */
  imap<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: PoolProxyImapOptions,
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    return this.#imap(fn, items, options, true)
  }

  /** As imap(), but results come in the order in which they are ready. */
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: PoolProxyImapOptions,
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    return this.#imap(fn, items, options, false)
  }

  #imap(
    fn: Target<any>,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: PoolProxyImapOptions | undefined,
    ordered: boolean,
  ): AsyncGenerator<any, void, undefined> {
    const how = checkOptions('options', options, ['chunksize', 'buffersize', 'signal'])
    const size = how.chunksize === undefined ? 1 : checkCount('chunksize', how.chunksize, 1)
    const ahead = how.buffersize === undefined ? CHUNKS_AHEAD * size : checkCount('buffersize', how.buffersize, 1)
    const most = Math.max(1, Math.floor(ahead / size))
    const input = iteratorOf(checkInput(items, ONE).input)
    return this.#stream(portable(fn), input, { size, most, ordered, signal: checkSignal(how.signal) })
  }

  /** The input is waited for beside the results: one that is slow holds nothing up. */
  async *#stream(
    fn: unknown,
    input: Iterator<unknown> | AsyncIterator<unknown>,
    { size, most, ordered, signal }: StreamPlan,
  ): AsyncGenerator<any, void, undefined> {
    const left = new AbortController()
    const both = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal])
    const limits = { signal: both, timeout: ENDLESS }
    const underWay = new Set<Promise<Step>>()
    let reading: Promise<Step> | undefined
    let isOver = false
    const give = (chunk: unknown[]) => {
      const call = this.askPatiently('map', [fn, chunk, { chunksize: size }], limits) as Promise<unknown[]>
      const one: Promise<Step> = call.then(results => ({ call: one, results }))
      one.catch(() => {}) // told in its place, unless the loop was left
      underWay.add(one)
    }
    try {
      for (;;) {
        if (!isOver && underWay.size < most) reading ??= chunkOf(input, size)
        const [first] = underWay
        if (first === undefined && reading === undefined) return
        const results = ordered && first !== undefined ? [first] : [...underWay]
        const step = await Promise.race(reading === undefined ? results : [...results, reading])
        if (step.chunk !== undefined) {
          reading = undefined
          isOver = step.chunk.length < size
          if (step.chunk.length > 0) give(step.chunk)
        } else {
          underWay.delete(step.call)
          yield* step.results
        }
      }
    } finally {
      reading?.catch(() => {})
      left.abort()
      const ended = isOver ? undefined : input.return?.()
      if (reading === undefined) await ended // else it comes when the input goes on
    }
  }

  /** No more tasks. What is pending is done; then the workers go. */
  override close(): Promise<void> {
    return this.ask('close', []) as Promise<void>
  }

  /** Ends the pool at once: what is pending rejects with ClosedError. Resolves when the workers have ended. */
  terminate(): Promise<void> {
    return this.ask('terminate', []) as Promise<void>
  }

  /** Waits until everything is done and all workers have ended. @throws {InvalidStateError} before close() or terminate() */
  join(): Promise<void> {
    return this.ask('join', []) as Promise<void>
  }

  /** terminate(); then this process has no proxy of it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.terminate()
    } finally {
      super.close()
    }
  }
}

/** How the server finds the function. */
function portable(fn: Target<any>): { module: string; name: string } {
  const { module, name } = resolveTarget(fn)
  return { module, name }
}

/** The options of a pool, as they travel. */
export function portablePoolOptions(options: number | PoolOptions | undefined): unknown {
  if (typeof options !== 'object' || options === null) return options ?? null
  const { initializer, teardown } = options
  return {
    ...options,
    ...(initializer === undefined ? {} : { initializer: portable(initializer) }),
    ...(teardown === undefined ? {} : { teardown: portable(teardown) }),
  }
}

/** What the input has next; fewer than `size` items: that was all. */
async function chunkOf(input: Iterator<unknown> | AsyncIterator<unknown>, size: number): Promise<Step> {
  const chunk: unknown[] = []
  while (chunk.length < size) {
    const next = await input.next()
    if (next.done) break
    chunk.push(next.value)
  }
  return { chunk }
}
