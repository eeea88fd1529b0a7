/** What acquire() of a manager's lock or semaphore gives. */

/**
 * What was acquired: `await using held = await lock.acquire()`. Its release is a call, so `using`, which cannot wait, sends it and goes
 * on: it is done before any later call of this process, and an error of it is an unhandled rejection.
 */
export class Holding implements AsyncDisposable, Disposable {
  readonly #give: () => Promise<void>
  /** Its last holder died, or lost its proxy, holding it. */
  readonly abandoned: boolean
  #released: Promise<void> | undefined

  /** @internal */
  constructor(give: () => Promise<void>, abandoned: boolean) {
    this.#give = give
    this.abandoned = abandoned
  }

  /** Gives it back; once, however often it is called. @throws {InvalidStateError} when it is not held any more */
  release(): Promise<void> {
    this.#released ??= this.#give()
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** Runs `fn` once that is acquired, and releases it however `fn` ends. */
export async function whileHolding<R>(acquired: Promise<Holding>, fn: () => R | Promise<R>): Promise<R> {
  const held = await acquired
  try {
    return await fn()
  } finally {
    await held.release()
  }
}
