/** The public ProcessPoolExecutor: concurrent.futures' face of a pool. What it does is in engine.ts. */
import { type InspectOptions, inspect } from 'node:util'
import { NotSerializableError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkOptions, checkTimeout } from '../contract/options.ts'
import { SHAREABLE } from '../contract/shareable.ts'
import { cpuCount } from '../process/family.ts'
import { START_METHOD } from '../process/process.ts'
import type { StartMethod } from '../process/start-method.ts'
import type { Target } from '../process/target.ts'
import {
  checkArgs,
  checkInput,
  checkTarget,
  chunkOf,
  GRACE,
  give,
  IDLE_TIMEOUT,
  iteratorOf,
  limit,
} from './arguments.ts'
import { Engine } from './engine.ts'
import { Single } from './jobs.ts'
import { callSite } from './stacks.ts'
import { Stream } from './stream.ts'
import { ONE } from './worker.ts'

export interface ExecutorOptions {
  /** @default cpuCount() */
  maxWorkers?: number
  /** Run in each worker before its first task. */
  initializer?: Target
  /** What it is called with. @default [] */
  initargs?: unknown[]
  /** A worker that has done so many is replaced by a fresh one. @default no limit */
  maxTasksPerChild?: number
}

export interface ExecutorMapOptions {
  /** ms from the call until all results must be there. @default for ever */
  timeout?: number
  /** Items that a worker takes at a time. @default 1 */
  chunksize?: number
  /** Items read from the input whose results were not taken yet, at most. @default no limit: all are run, taken or not */
  buffersize?: number
}

export interface ShutdownOptions {
  /** Waits until everything is done and all workers have ended. @default true */
  wait?: boolean
  /** What nobody has begun is not run, and rejects with ClosedError. @default false */
  cancelPending?: boolean
}

/**
 * Worker processes that run functions for this one, as Python's `concurrent.futures` has them: submit() gives a promise for each
 * call. Where it differs from Pool: leaving its scope waits for what is pending, and map() goes on behind a failure.
 *
 * Workers are started when they are needed, up to `maxWorkers`. What is pending keeps the event loop alive, idle workers do not.
 *
 * If a worker dies, that costs the one task that it was running, which rejects with WorkerDiedError; all others go on, and the worker
 * is replaced (in Python the whole executor breaks). If this process dies its workers die with it.
 *
 * @throws {ArgumentRangeError} {ArgumentTypeError} {InvalidTargetError} {NotSerializableError} for options that cannot be
 * @example
 * await using executor = new ProcessPoolExecutor({ maxWorkers: 2 })
 * const cpus = { module: import.meta.resolve('multiproc'), name: 'cpuCount' }
 * const [one, other] = await Promise.all([executor.submit(cpus), executor.submit(cpus)])
 * assert.equal(one, other)
 */
export class ProcessPoolExecutor implements AsyncDisposable {
  /** Set in the classes of a context. */
  static readonly [START_METHOD]: StartMethod | undefined = undefined
  readonly #engine: Engine

  constructor(o?: ExecutorOptions) {
    const given = checkOptions<ExecutorOptions>('options', o, [
      'maxWorkers',
      'initializer',
      'initargs',
      'maxTasksPerChild',
    ])
    this.#engine = new Engine({
      method: new.target[START_METHOD],
      name: 'ExecutorWorker',
      processes: given.maxWorkers === undefined ? cpuCount() : checkCount('maxWorkers', given.maxWorkers, 1),
      minProcesses: 0,
      idleTimeout: IDLE_TIMEOUT,
      initializer: checkTarget('initializer', given.initializer),
      initargs: checkArgs('initargs', given.initargs),
      teardown: undefined,
      maxTasks: limit('maxTasksPerChild', given.maxTasksPerChild),
      memoryLimit: Infinity,
      maxQueue: Infinity,
      retries: 0,
      grace: GRACE,
    })
  }

  /**
   * Runs `fn(...args)` in a worker. The arguments are packed at the call: they may be changed afterwards.
   *
   * @throws what the function threw · {WorkerDiedError} · {ClosedError} after shutdown()
   * @throws {InvalidTargetError} {NotSerializableError} {ArgumentTypeError} and nothing was run
   */
  submit<A extends unknown[], R>(fn: Target<A, R>, ...args: A): Promise<Awaited<R>> {
    const site = callSite(this.submit)
    return new Promise((resolve, reject) => {
      const callee = this.#engine.callee(fn)
      give(this.#engine, new Single(callee, site, resolve as (value: unknown) => void, reject), args)
    })
  }

  /**
   * Runs `fn(item)` for each item; gives the results in the order of the items, as they come. A failure comes in its place, and
   * next() goes on behind it. Leaving the loop ends it: what was not begun is not run.
   *
   * @throws {TimeoutError} from next(), when not all results were there `timeout` ms after the call · what a task threw
   * @throws {ClosedError} {InvalidTargetError} {ArgumentTypeError} {ArgumentRangeError} at the call
   */
  map<T, R>(
    fn: Target<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    o?: ExecutorMapOptions,
  ): AsyncIterableIterator<Awaited<R>> {
    const site = callSite(this.map)
    const callee = this.#engine.callee(fn)
    const { input } = checkInput(items, ONE)
    const { timeout, chunksize, buffersize } = checkOptions<ExecutorMapOptions>('options', o, [
      'timeout',
      'chunksize',
      'buffersize',
    ])
    const plan = {
      shape: ONE,
      chunksize: chunksize === undefined ? 1 : chunkOf(checkCount('chunksize', chunksize, 1)),
      ahead: buffersize === undefined ? Infinity : checkCount('buffersize', buffersize, 1),
      ordered: true,
      failFast: false,
      signal: undefined,
      onProgress: undefined,
      deadline: performance.now() + checkTimeout(timeout),
      what: 'ProcessPoolExecutor.map()',
    }
    return new Stream(callee, this.#engine, iteratorOf(input), plan, site) as AsyncIterableIterator<any>
  }

  /**
   * No more tasks. What is pending is done, unless it is cancelled; then the workers go. Resolves when they have ended, or at once.
   * Calling it again waits again.
   */
  async shutdown(o?: ShutdownOptions): Promise<void> {
    const given = checkOptions<ShutdownOptions>('options', o, ['wait', 'cancelPending'])
    const waits = checkFlag('wait', given.wait, true)
    this.#engine.close()
    if (checkFlag('cancelPending', given.cancelPending, false)) this.#engine.cancelWaiting()
    if (waits) await this.#engine.join()
  }

  /** Ends it at once: what is pending rejects with ClosedError, workers get SIGTERM, and SIGKILL when they take no notice. */
  terminateWorkers(): Promise<void> {
    return this.#engine.terminate('SIGTERM')
  }

  /** As terminateWorkers(), with SIGKILL. */
  killWorkers(): Promise<void> {
    return this.#engine.terminate('SIGKILL')
  }

  /** shutdown(): waits for what is pending. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  /** @internal It stays with the process that made it. */
  [SHAREABLE](where: () => string = () => 'value'): never {
    const path = where()
    throw new NotSerializableError(
      `Expected \`${path}\` to be a value that can travel to another process, got a ProcessPoolExecutor; make one there`,
      { path },
    )
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { workers, busy, queued, state } = this.#engine
    return `ProcessPoolExecutor ${inspect({ state, workers, busy, queued }, options)}`
  }
}
