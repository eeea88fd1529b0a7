/** How long a call may wait: milliseconds here, seconds on the wire. */
import { checkWaitOptions } from '../../arena/until.ts'
import { TimeoutError } from '../../contract/errors.ts'
import type { WaitOptions } from '../../contract/waiting.ts'
import type { Limits } from '../remote.ts'

export interface Patience extends Limits {
  readonly isEndless: boolean
  /** null: for ever. */
  readonly seconds: number | null
}

/** What Python's locks can count to, seconds: 292 years. */
const LONGEST = 9_223_372_036

/** @throws {ArgumentTypeError} {ArgumentRangeError} for options that cannot be */
export function patienceOf(options: WaitOptions | undefined): Patience {
  const { timeout, signal } = checkWaitOptions(options)
  const isEndless = timeout === Number.POSITIVE_INFINITY
  return { signal, timeout, isEndless, seconds: isEndless ? null : Math.min(timeout / 1000, LONGEST) }
}

export function late(what: string, { timeout }: Patience): TimeoutError {
  return new TimeoutError(`${what} timed out after ${timeout} ms`)
}
