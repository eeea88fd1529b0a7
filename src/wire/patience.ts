/** How long somebody waits for the event loop to bring something: options, the deadline, the signal. */
import { setMaxListeners } from 'node:events'
import { TimeoutError } from '../contract/errors.ts'
import { checkOptions, checkSignal, checkTimeout } from '../contract/options.ts'
import { LONGEST_TIMER, type SyncWaitOptions, type WaitOptions } from '../contract/waiting.ts'

/** Ends a wait at its timeout or abort, unless it is over before. */
export class Patience {
  #timer: NodeJS.Timeout | undefined
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: () => void

  constructor(what: string, timeout: number, signal: AbortSignal | undefined, giveUp: (error: unknown) => void) {
    const end = (error: () => unknown) => {
      this.over()
      giveUp(error())
    }
    const deadline = performance.now() + timeout
    const onTimeout = () => {
      const left = deadline - performance.now()
      if (left > 0) this.#timer = setTimeout(onTimeout, Math.min(Math.ceil(left), LONGEST_TIMER))
      else end(() => new TimeoutError(`${what} timed out after ${timeout} ms`))
    }
    if (timeout !== Infinity) this.#timer = setTimeout(onTimeout, Math.min(timeout, LONGEST_TIMER))
    this.#signal = signal
    this.#onAbort = () => end(() => signal?.reason)
    if (signal) {
      setMaxListeners(0, signal) // many waits with one signal are no leak
      signal.addEventListener('abort', this.#onAbort, { once: true })
    }
  }

  over(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

/** The options of an awaited operation, checked; no timeout is Infinity. */
export function checkWait(options: WaitOptions | undefined): { timeout: number; signal: AbortSignal | undefined } {
  const { timeout, signal } = checkOptions('options', options, ['timeout', 'signal'])
  return { timeout: checkTimeout(timeout), signal: checkSignal(signal) }
}

/** The timeout of a blocking operation, checked. */
export function checkSyncWait(options: SyncWaitOptions | undefined): number {
  return checkTimeout(checkOptions('options', options, ['timeout']).timeout)
}

/** Awaited operations that were served at once before one makes way for timers and sockets. */
const STREAK = 100

let streak = 0

/** Served without waiting. Now and then by way of the event loop: a loop of such awaits would starve it. */
export function served<T>(value: T): Promise<T> {
  if (++streak < STREAK) return Promise.resolve(value)
  streak = 0
  return new Promise(resolve => setImmediate(resolve, value))
}
