// A thread that blocks, under the checker: the real line (until.ts) with this in place of its sleeper (sleeper.ts), whose
// loop is the same but for the clock: a wait is late when the checker ends its sleep.

import { sleep, store, type Words } from '#words'
import { AWAKE, BLOCKED, heard } from '#src/arena/doorbell.js'
import { SLOT, slotAt } from '#src/arena/layout.js'
import type { Sleeper } from '#src/arena/sleeper.js'
import { type Attempt, Line, type Place } from '#src/arena/until.js'
import { TimeoutError } from '#src/contract/errors.js'
import { timedOut } from '../support/explore.ts'

/** What a wait came to that was not served. */
export const LATE: unique symbol = Symbol('late')

/** A rule that a control leaves out. */
export type Omission = 'pass the ring on' | 'mark before the look' | 'say that one sleeps' | 'hear before the look'

/** Waits until `attempt` gives something: in the thread of `slot`, marked in the wait set at `set`. */
export function wait<T>(w: Words, slot: number, set: number, attempt: Attempt<T>, without?: Omission): T | typeof LATE {
  const line: Line = new (without === 'pass the ring on' ? SelfishLine : Line)(placeOf(w, slot, without), w, set)
  if (without === 'mark before the look') {
    lateMark = () => line.mark()
  }
  try {
    return line.untilSync('wait', attempt, { timeout: FAR })
  } catch (error) {
    if (error instanceof TimeoutError) return LATE
    throw error
  }
}
