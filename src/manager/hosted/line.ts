/**
 * Those who wait for something of a hosted object, in the order they came.
 *
 *   waiting ──serve, fail──▶ told       by the object: it is first, and there is something for it
 *      ├──the time is over──▶ told      at the latest a moment after `seconds`, never before
 *      └──call withdrawn────▶ gone      its caller is gone, or took the call back: it takes nothing, nobody is told
 *
 * Each of the three ends the wait for good, so that nobody is served who is not there any more. What becomes of something
 * that was served and whose answer then cannot be delivered is the object's business: it asks the call to be told.
 */
import { LONGEST_TIMER } from '../../contract/waiting.ts'
import type { Call } from './hosted-type.ts'
import { numeric, typeName } from './kinds-of-value.ts'
import { overflowError, typeError, valueError } from './python-errors.ts'

/** What a wait comes to. */
export interface Told<T> {
  served(value: T): void
  expired(): void
  failed?(error: unknown): void
  withdrawn?(): void
}

/** Python's threading.TIMEOUT_MAX. */
const LONGEST = 9_223_372_036

export class Waiter<T, D = undefined> {
  readonly call: Call
  /** What it brought: the item of a put, say. */
  readonly data: D
  readonly #line: Set<Waiter<T, D>>
  readonly #told: Told<T>
  readonly #forget: () => void
  #timer: NodeJS.Timeout | undefined

  /** @internal */
  constructor(line: Set<Waiter<T, D>>, call: Call, seconds: number, told: Told<T>, data: D) {
    this.call = call
    this.data = data
    this.#line = line
    this.#told = told
    line.add(this)
    this.#forget = call.onWithdrawn(() => {
      if (this.#leave()) told.withdrawn?.()
    })
    if (seconds < LONGEST) this.#expireAt(performance.now() + seconds * 1000)
  }

  /** A timer may be a little early, and is too short for long waits. */
  #expireAt(end: number): void {
    const left = end - performance.now()
    if (left > 0) this.#timer = setTimeout(() => this.#expireAt(end), Math.min(Math.ceil(left), LONGEST_TIMER))
    else if (this.#leave()) this.#end(() => this.#told.expired())
  }

  serve(value: T): void {
    if (this.#leave()) this.#end(() => this.#told.served(value))
  }

  fail(error: unknown): void {
    if (this.#leave()) this.#end(() => this.#told.failed?.(error))
  }

  #end(tell: () => void): void {
    this.#forget()
    tell()
  }

  #leave(): boolean {
    clearTimeout(this.#timer)
    return this.#line.delete(this)
  }
}

export class Line<T, D = undefined> {
  readonly #waiting = new Set<Waiter<T, D>>()

  get size(): number {
    return this.#waiting.size
  }

  /** Who came first. */
  get first(): Waiter<T, D> | undefined {
    for (const waiter of this.#waiting) return waiter
    return undefined
  }

  /** All of them at this moment, in order. */
  all(): Waiter<T, D>[] {
    return [...this.#waiting]
  }

  /** Goes to the end of the line. `seconds` above 0, or Infinity. */
  join(call: Call, seconds: number, told: Told<T>, data: D): Waiter<T, D> {
    return new Waiter(this.#waiting, call, seconds, told, data)
  }

  /** The same, as a promise. `expired` gives what the wait comes to when the time is over, or throws. */
  wait<R>(call: Call, seconds: number, expired: () => R, data: D): Promise<T | R> {
    return new Promise((resolve, reject) => {
      const told: Told<T> = {
        served: resolve,
        failed: reject,
        expired() {
          try {
            resolve(expired())
          } catch (error) {
            reject(error)
          }
        },
      }
      this.join(call, seconds, told, data)
    })
  }
}

/** Seconds to wait; None: for ever. */
export function secondsOf(timeout: unknown): number {
  if (timeout === undefined || timeout === null) return Number.POSITIVE_INFINITY
  const number = numeric(timeout)
  if (number === undefined) throw typeError(`'${typeName(timeout)}' object cannot be interpreted as an integer`)
  const seconds = Number(number)
  if (Number.isNaN(seconds)) throw valueError('Invalid value NaN (not a number)')
  if (seconds > LONGEST && seconds !== Number.POSITIVE_INFINITY) throw overflowError('timeout value is too large')
  return seconds
}
