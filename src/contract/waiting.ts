/** What every operation that can wait takes. Durations are milliseconds. */

/** ms that a timer of Node.js may be set to: a longer one would go off at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** How long an awaited operation may wait. */
export interface WaitOptions {
  /** Milliseconds, a whole number from 0 up. 0 tries exactly once. @default for ever */
  timeout?: number
  /** When it is aborted the operation rejects with `signal.reason`, and has taken nothing. */
  signal?: AbortSignal
}

/** How long a blocking operation may wait. */
export interface SyncWaitOptions {
  /** Milliseconds, a whole number from 0 up. 0 tries exactly once. @default for ever */
  timeout?: number
}
