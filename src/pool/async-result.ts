/** What applyAsync() and mapAsync() give: a result that can be asked for. */
import { InvalidStateError, TimeoutError } from '../contract/errors.ts'
import { checkOptions, checkSignal, checkTimeout } from '../contract/options.ts'
import { LONGEST_TIMER, type WaitOptions } from '../contract/waiting.ts'

/** A result that will be there some time. It can be awaited as a promise is; when it fails and nobody looks, nothing happens. */
export interface AsyncResult<R> extends PromiseLike<R> {
  /**
   * Waits for the result. Awaits, never blocks the event loop; keeps it alive. On timeout or abort the task goes on.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · what the task threw
   */
  get(options?: WaitOptions): Promise<R>
  /** Waits until the task is done, or `timeout` ms have passed; it rejects only with the signal's reason. */
  wait(options?: WaitOptions): Promise<void>
  /** Whether it is done, well or not. */
  ready(): boolean
  /** Whether it is done without an error. @throws {InvalidStateError} before it is done */
  successful(): boolean
}

const LATE = Symbol('late')

export class PoolResult<R> implements AsyncResult<R> {
  readonly #promise: Promise<R>
  #state: 'pending' | 'done' | 'failed' = 'pending'

  constructor(promise: Promise<R>) {
    this.#promise = promise
    promise.then(
      () => {
        this.#state = 'done'
      },
      () => {
        this.#state = 'failed' // and nobody is told who does not ask
      },
    )
  }

  async get(options?: WaitOptions): Promise<R> {
    const got = await this.#within(options)
    if (got === LATE) throw new TimeoutError(`AsyncResult.get() timed out after ${options?.timeout} ms`)
    return this.#promise
  }

  async wait(options?: WaitOptions): Promise<void> {
    await this.#within(options)
  }

  ready(): boolean {
    return this.#state !== 'pending'
  }

  successful(): boolean {
    if (this.#state !== 'pending') return this.#state === 'done'
    throw new InvalidStateError('Expected a result that is ready(), but its task is not done; wait() for it first')
  }

  // biome-ignore lint/suspicious/noThenProperty: it is to be awaited like a promise
  then<A = R, B = never>(
    onDone?: ((value: R) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise.then(onDone, onFailed)
  }

  /** Resolves when it is settled, or with LATE; rejects with the signal's reason. */
  #within(options: WaitOptions | undefined): Promise<typeof LATE | undefined> {
    const { timeout, signal } = checkOptions('options', options, ['timeout', 'signal'])
    const limit = checkTimeout(timeout)
    const abort = checkSignal(signal)
    abort?.throwIfAborted()
    if (this.ready()) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const timer = limit <= LONGEST_TIMER ? setTimeout(() => settle(() => resolve(LATE)), limit) : undefined
      const onAbort = () => settle(() => reject(abort?.reason))
      const settle = (tell: () => void) => {
        clearTimeout(timer)
        abort?.removeEventListener('abort', onAbort)
        tell()
      }
      abort?.addEventListener('abort', onAbort, { once: true })
      const done = () => settle(() => resolve(undefined))
      this.#promise.then(done, done)
    })
  }
}
