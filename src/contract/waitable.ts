/** How an object says that there is something to be had of it: what `wait()` knows of the objects it is given. */

/** The method by which an object answers "how are you waited for?". */
export const WAITABLE: unique symbol = Symbol.for('multiproc.waitable')

/** An object that can be given to `wait()`. */
export interface Waitable {
  /** Throws when it cannot be waited for now: closed, or not started. */
  [WAITABLE](): Readiness
}

/** One wait for one object. */
export interface Readiness {
  /** Looks, and takes nothing. Asks the kernel or the shared memory, not the event loop. */
  ready(): boolean
  /** Has `tell` called once, when it is ready; `fail` when it can never be, since this process closed it. */
  watch(tell: () => void, fail: (error: unknown) => void): void
  /** It is of no interest any more. */
  unwatch(): void
}

export function isWaitable(value: unknown): value is Waitable {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as Partial<Waitable>)[WAITABLE] === 'function'
  )
}
