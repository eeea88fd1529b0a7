/** What every operation that can wait takes. Durations are milliseconds. */

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
