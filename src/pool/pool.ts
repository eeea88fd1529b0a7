/** The public Pool: what may be asked of it, and what of that is refused. What it does is in engine.ts. */
import { type InspectOptions, inspect } from 'node:util'
import { ArgumentTypeError, InvalidStateError, NotSerializableError } from '../contract/errors.ts'
import { checkCount, checkOptions, checkTimeout, describe } from '../contract/options.ts'
import { SHAREABLE } from '../contract/shareable.ts'
import { cpuCount } from '../process/family.ts'
import { START_METHOD } from '../process/process.ts'
import type { StartMethod } from '../process/start-method.ts'
import type { Target } from '../process/target.ts'
import {
  checkArgs,
  checkInput,
  checkItemArgs,
  checkMapOptions,
  checkPriority,
  checkTarget,
  chunkOf,
  GRACE,
  give,
  giveAway,
  IDLE_TIMEOUT,
  iteratorOf,
  limit,
  MAP_OPTIONS,
  signalOf,
} from './arguments.ts'
import { type AsyncResult, PoolResult } from './async-result.ts'
import { ABORTED } from './current-task.ts'
import { Engine } from './engine.ts'
import type { Histogram } from './histogram.ts'
import { Single, Whole, type WholePlan } from './jobs.ts'
import { callSite } from './stacks.ts'
import { Stream, type StreamPlan } from './stream.ts'
import { checkTransfer } from './transfer.ts'
import { ONE, SPREAD } from './worker.ts'

export interface PoolOptions {
  /** Workers at most. @default cpuCount() */
  processes?: number
  /** Workers that are kept even if there is nothing to do; they are started at once. @default 0 */
  minProcesses?: number
  /** ms after which a worker that has nothing to do goes. @default 30 s */
  idleTimeout?: number
  /** Run in each worker before its first task. */
  initializer?: Target
  /** What it is called with. @default [] */
  initargs?: unknown[]
  /** Run in each worker before it goes by itself; not in one that is killed. */
  teardown?: Target
  /** A worker that has done so many is replaced by a fresh one. @default no limit */
  maxTasksPerChild?: number
  /** A worker whose memory (RSS; of a thread its heap) exceeds this after a task is replaced by a fresh one. @default no limit */
  memoryLimitMb?: number
  /** Tasks that may wait: beyond it apply() is refused, and map() and imap() read their input more slowly. @default no limit */
  maxQueue?: number
  /** How often a task is run again whose worker died of it. @default 0: it rejects with WorkerDiedError */
  retries?: number
  /** ms between an abort or a timeout and the end of the worker that takes no notice; Infinity: it is left alone. @default 1000 */
  gracePeriod?: number
}

export interface ApplyOptions {
  /** When it is aborted, the call rejects with its reason; a task that runs is told, and ended after `gracePeriod`. */
  signal?: AbortSignal
  /** ms that the task may run; the time it waits does not count. */
  timeout?: number
  /** Higher goes first. @default 0 */
  priority?: number
  /**
   * Buffers that the caller gives away: they are empty afterwards, whatever comes of the call. With nothing else than them, views of
   * them and scalars as `args` they are packed when the task's turn comes.
   */
  transfer?: ArrayBuffer[]
}

export interface MapOptions {
  /** Items that a worker takes at a time, 16,384 at the most. @default map: ceil(items / (4 × processes)); imap: 1 */
  chunksize?: number
  /** When it is aborted, what waits is not run, what runs is told, and ended after the pool's `gracePeriod`. */
  signal?: AbortSignal
  /** Called in this process after each item. What it throws ends the call. */
  onProgress?: (done: number, total: number | undefined) => void
  /** false: all items are run even if one fails. @default true */
  failFast?: boolean
}

export interface ImapOptions extends MapOptions {
  /** Items read from the input whose results were not taken yet, at most. @default 2 × processes × chunksize */
  buffersize?: number
}

export interface PoolStats {
  /** Those that run, or are about to. */
  readonly workers: number
  readonly busy: number
  /** Tasks that nobody has begun; a chunk counts as one. */
  readonly queued: number
  readonly completed: number
  readonly failed: number
  /** Of one task each; in a chunk the mean. */
  readonly runTime: Histogram
  /** From the call to its beginning. */
  readonly waitTime: Histogram
}

const POOL_OPTIONS = [
  'processes',
  'minProcesses',
  'idleTimeout',
  'initializer',
  'initargs',
  'teardown',
  'maxTasksPerChild',
  'memoryLimitMb',
  'maxQueue',
  'retries',
  'gracePeriod',
] as const
const APPLY_OPTIONS = ['signal', 'timeout', 'priority', 'transfer'] as const
const IMAP_OPTIONS = [...MAP_OPTIONS, 'buffersize'] as const

const MEGABYTE = 2 ** 20

/**
 * Worker processes that run functions for this one: the function and its arguments go there, the result comes back.
 *
 * All idle workers pull from one queue of tasks, so no task waits behind a slow one while somebody has time. Workers are
 * started when they are needed, up to `processes`, and go when they have had nothing to do for `idleTimeout`. Functions travel by
 * reference, as a Process's target; values as through a Queue, large typed arrays with one copy each way.
 *
 * Waits: every method awaits. What is pending keeps the event loop alive, idle workers do not: a program that forgets close()
 * exits all the same. Workers end with this process, however that ends.
 * On timeout or abort: see ApplyOptions; neighbours are not touched.
 *
 * If a worker dies, that costs the one task that it was running: it rejects with WorkerDiedError, or is run again elsewhere with
 * `retries`; all others go on, none is run twice, and the worker is replaced. If this process dies its workers die with it.
 *
 * Errors: what a task throws rejects its call, with class, message, own properties, causes and stack; anything else that is
 * thrown arrives as it was. What cannot travel rejects its task with NotSerializableError.
 *
 * A task may use a pool of its own.
 *
 * @throws {ArgumentRangeError} {ArgumentTypeError} {InvalidTargetError} {NotSerializableError} for options that cannot be
 * @example
 * await using pool = new Pool(2)
 * const cpus = { module: import.meta.resolve('multiproc'), name: 'cpuCount' }
 * assert.ok(Number(await pool.apply(cpus)) >= 1)
 */
export class Pool implements AsyncDisposable {
  /** Set in the classes of a context: they start their workers in this way, whatever setStartMethod() says. */
  static readonly [START_METHOD]: StartMethod | undefined = undefined
  readonly #engine: Engine
  readonly #processes: number

  constructor(options?: number | PoolOptions) {
    const given = checkOptions<PoolOptions>(
      'options',
      typeof options === 'number' ? { processes: options } : options,
      POOL_OPTIONS,
    )
    const processes = given.processes === undefined ? cpuCount() : checkCount('processes', given.processes, 1)
    this.#processes = processes
    this.#engine = new Engine({
      method: new.target[START_METHOD],
      name: 'PoolWorker',
      processes,
      minProcesses: given.minProcesses === undefined ? 0 : checkCount('minProcesses', given.minProcesses, 0, processes),
      idleTimeout: given.idleTimeout === undefined ? IDLE_TIMEOUT : checkTimeout(given.idleTimeout),
      initializer: checkTarget('initializer', given.initializer),
      initargs: checkArgs('initargs', given.initargs),
      teardown: checkTarget('teardown', given.teardown),
      maxTasks: limit('maxTasksPerChild', given.maxTasksPerChild),
      memoryLimit: limit('memoryLimitMb', given.memoryLimitMb) * MEGABYTE,
      maxQueue: limit('maxQueue', given.maxQueue),
      retries: given.retries === undefined ? 0 : checkCount('retries', given.retries),
      grace: given.gracePeriod === undefined ? GRACE : checkTimeout(given.gracePeriod),
    })
  }

  /**
   * Runs `fn(...args)` in a worker.
   *
   * Awaits. The arguments are packed at the call, but for what is given away: they may be changed afterwards.
   *
   * @throws what the function threw · {WorkerDiedError} · {TimeoutError} after it has run `timeout` ms · the signal's reason
   * @throws {FullError} when `maxQueue` tasks wait · {ClosedError} after close() and terminate()
   * @throws {InvalidTargetError} {NotSerializableError} {ArgumentTypeError} {ArgumentRangeError} and nothing was run
   */
  apply<A extends unknown[], R>(fn: Target<A, R>, args?: A, o?: ApplyOptions): Promise<Awaited<R>> {
    return this.#apply(fn, args, o, this.apply)
  }

  #apply(fn: Target, args: unknown, o: ApplyOptions | undefined, above: (...all: any[]) => unknown): Promise<any> {
    const site = callSite(above)
    return new Promise((resolve, reject) => {
      const engine = this.#engine
      const callee = engine.callee(fn)
      if (args !== undefined && !Array.isArray(args)) {
        throw new ArgumentTypeError(`Expected \`args\` to be an array, got ${describe(args)}`)
      }
      if (engine.plan.maxQueue !== Infinity) engine.assertRoom()
      const job = new Single(callee, site, resolve, reject)
      if (o === undefined) {
        give(engine, job, args ?? [])
        return
      }
      const how = checkOptions('options', o, APPLY_OPTIONS)
      const timeout = checkTimeout(how.timeout)
      const signal = signalOf(how.signal)
      const priority = checkPriority(how.priority)
      const transfer = checkTransfer(how.transfer)
      signal?.throwIfAborted()
      const task =
        transfer.length === 0
          ? give(engine, job, args ?? [], priority, timeout)
          : giveAway(engine, job, args ?? [], transfer, priority, timeout)
      if (signal === undefined || job.over) return
      const onAbort = () => {
        job.failed(0, signal.reason)
        engine.abandon(task, ABORTED)
      }
      job.onSettled = () => signal.removeEventListener('abort', onAbort)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /**
   * Runs `fn(item)` for each item; gives the results in the order of the items.
   *
   * The first failure rejects, and what was not begun is not run; with `failFast: false` all are run, and then the failure of
   * the first item that failed rejects. An async input is read as it comes.
   *
   * @throws as apply(), and what the input throws
   */
  map<T, R>(fn: Target<[T], R>, items: Iterable<T> | AsyncIterable<T>, o?: MapOptions): Promise<Awaited<R>[]> {
    return this.#map('map', fn, items, o, ONE, this.map)
  }

  /** As map(), but each item is the list of arguments: `fn(...item)`. */
  starmap<A extends unknown[], R>(fn: Target<A, R>, items: Iterable<A>, o?: MapOptions): Promise<Awaited<R>[]> {
    return this.#map('starmap', fn, items, o, SPREAD, this.starmap)
  }

  #map(
    what: string,
    fn: Target<any>,
    items: unknown,
    o: MapOptions | undefined,
    shape: number,
    above: (...all: any[]) => unknown,
  ): Promise<any[]> {
    const site = callSite(above)
    return new Promise((resolve, reject) => {
      const engine = this.#engine
      const callee = engine.callee(fn)
      const { input, isAsync } = checkInput(items, shape)
      const { chunksize, ...how } = checkMapOptions(o)
      how.signal?.throwIfAborted()
      const job = (size: number) =>
        new Whole(callee, engine, { shape, chunksize: size, ...how } satisfies WholePlan, site, resolve, reject)
      if (isAsync) {
        job(chunksize ?? 1).readFrom(iteratorOf(input))
        return
      }
      const all = Array.isArray(input) ? (input as unknown[]) : Array.from(input as Iterable<unknown>)
      engine.assertOpen() // the input may have ended the pool
      if (shape === SPREAD) for (const [i, item] of all.entries()) checkItemArgs(what, i, item)
      job(chunksize ?? chunkOf(Math.max(1, Math.ceil(all.length / (4 * this.#processes))))).giveAll(all)
    })
  }

  /**
   * Runs `fn(item)` for each item; gives the results in the order of the items, as they come.
   *
   * The input, which may be infinite, is read only `buffersize` items ahead of what was taken. Leaving the loop ends it: what
   * was not begun is not run. A failure comes in its place and ends it; with `failFast: false` next() goes on behind it.
   *
   * @throws {ClosedError} {InvalidTargetError} {ArgumentTypeError} {ArgumentRangeError} at the call
   */
  imap<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    o?: ImapOptions,
  ): AsyncIterableIterator<Awaited<R>> {
    return this.#imap(fn, items, o, true, this.imap)
  }

  /** As imap(), but results come in the order in which they are ready. */
  imapUnordered<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    o?: ImapOptions,
  ): AsyncIterableIterator<Awaited<R>> {
    return this.#imap(fn, items, o, false, this.imapUnordered)
  }

  #imap(
    fn: Target<any>,
    items: unknown,
    o: ImapOptions | undefined,
    ordered: boolean,
    above: (...all: any[]) => unknown,
  ): AsyncIterableIterator<any> {
    const site = callSite(above)
    const callee = this.#engine.callee(fn)
    const { input } = checkInput(items, ONE)
    const { buffersize, ...rest } = checkOptions<ImapOptions>('options', o, IMAP_OPTIONS)
    const { chunksize = 1, ...how } = checkMapOptions(rest)
    const usual = 2 * this.#processes * chunksize
    const ahead = buffersize === undefined ? usual : checkCount('buffersize', buffersize, 1)
    how.signal?.throwIfAborted()
    const plan: StreamPlan = { shape: ONE, chunksize, ahead, ordered, deadline: Infinity, what: 'Pool.imap()', ...how }
    return new Stream(callee, this.#engine, iteratorOf(input), plan, site) as AsyncIterableIterator<any>
  }

  /** As apply(), but gives a result that can be asked for later. @throws at the call what apply() rejects with there */
  applyAsync<A extends unknown[], R>(fn: Target<A, R>, args?: A, o?: ApplyOptions): AsyncResult<Awaited<R>> {
    this.#engine.callee(fn)
    return new PoolResult(this.#apply(fn, args, o, this.applyAsync))
  }

  /** As map(), but gives a result that can be asked for later. @throws at the call for a pool that is closed and a function that cannot be found */
  mapAsync<T, R>(fn: Target<[T], R>, items: Iterable<T>, o?: MapOptions): AsyncResult<Awaited<R>[]> {
    this.#engine.callee(fn)
    return new PoolResult(this.#map('mapAsync', fn, items, o, ONE, this.mapAsync))
  }

  /** As starmap(), but gives a result that can be asked for later. @throws as mapAsync() */
  starmapAsync<A extends unknown[], R>(
    fn: Target<A, R>,
    items: Iterable<A>,
    o?: MapOptions,
  ): AsyncResult<Awaited<R>[]> {
    this.#engine.callee(fn)
    return new PoolResult(this.#map('starmapAsync', fn, items, o, SPREAD, this.starmapAsync))
  }

  /** No more tasks. What is pending is done; then the workers go. Does not wait: see join(). */
  close(): void {
    this.#engine.close()
  }

  /**
   * Ends the pool at once: what is pending rejects with ClosedError, workers get SIGTERM, and SIGKILL when they have not ended
   * after `gracePeriod` (a minute at most; a second, if that is Infinity). Resolves when they have ended.
   */
  terminate(): Promise<void> {
    return this.#engine.terminate()
  }

  /**
   * Waits until everything is done and all workers have ended. Keeps the event loop alive. An imap() whose input is not read
   * to the end, and that nobody waits for, is ended: take its results first.
   *
   * @throws {InvalidStateError} before close() or terminate()
   */
  async join(): Promise<void> {
    if (this.#engine.state === 'open') {
      throw new InvalidStateError(
        'Expected the pool to be closed before join(), but it is open; call close() or terminate() first',
      )
    }
    await this.#engine.join()
  }

  /** What it is doing at this moment, and what it has done. What is done and was not looked at yet is settled by that. */
  get stats(): PoolStats {
    this.#engine.settleDone()
    const { workers, busy, queued, completed, failures: failed, runTime, waitTime } = this.#engine
    return { workers, busy, queued, completed, failed, runTime, waitTime }
  }

  /** terminate(), as in Python. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.terminate()
  }

  /** @internal It stays with the process that made it. */
  [SHAREABLE](where: () => string = () => 'value'): never {
    const path = where()
    throw new NotSerializableError(
      `Expected \`${path}\` to be a value that can travel to another process, got a Pool; make one there, a task may use one of its own`,
      { path },
    )
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    this.#engine.settleDone()
    const { workers, busy, queued, completed, failures: failed, state } = this.#engine
    return `Pool ${inspect({ state, workers, busy, queued, completed, failed }, options)}`
  }
}
