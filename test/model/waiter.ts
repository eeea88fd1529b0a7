// A thread that blocks, under the checker: the real line (until.ts) over this stand-in for its sleeper (sleeper.ts), whose
// loop is the same but for the clock. A wait is late when the checker ends its sleep by itself.

import { sleep, store, type Words } from '#words'
import { AWAKE, BLOCKED, heard } from '#src/arena/doorbell.js'
import { SLOT, slotAt } from '#src/arena/layout.js'
import type { Sleeper } from '#src/arena/sleeper.js'
import { type Attempt, Line } from '#src/arena/until.js'
import { unmark } from '#src/arena/wait-set.js'
import { TimeoutError } from '#src/contract/errors.js'
import { choose, timedOut } from '../support/explore.ts'

/** What a wait gives that was late, or given up. */
export const GONE: unique symbol = Symbol('gone')
/** A timeout that only the checker brings about. */
const FAR = 1e9

/** A rule that a control leaves out. */
export type Omission = 'pass the ring on' | 'mark before the look' | 'hear before the look' | 'say that one sleeps'

export interface Waiting {
  without?: Omission
  /** It may be given up at any time before it is served, as an abort does it: without another look. */
  mayGiveUp?: boolean
}

/** Waits until `attempt` gives something, in the thread of `slot`, marked in the wait set at `set`. */
export function wait<T>(
  w: Words,
  slot: number,
  set: number,
  attempt: Attempt<T>,
  waiting: Waiting = {},
): T | typeof GONE {
  const sleeper = new ModelSleeper(w, slotAt(slot), slot, waiting)
  const line = new ModelLine({ w, slot, sleeper: sleeper as unknown as Sleeper }, w, set, waiting.without)
  sleeper.line = line
  try {
    return line.untilSync('wait', attempt, { timeout: FAR })
  } catch (error) {
    if (error instanceof TimeoutError) return GONE
    throw error
  }
}

/** The real line, and what it does when a rule is left out. */
class ModelLine extends Line {
  readonly #without?: Omission
  readonly #w: Words
  readonly #set: number
  readonly #slot: number

  constructor(place: ConstructorParameters<typeof Line>[0], w: Words, set: number, without?: Omission) {
    super(place, w, set)
    this.#without = without
    this.#w = w
    this.#set = set
    this.#slot = place.slot
  }

  override mark(): void {
    if (this.#without !== 'mark before the look') super.mark()
  }

  override unmark(): void {
    if (this.#without === 'pass the ring on') unmark(this.#w, this.#set, this.#slot)
    else super.unmark()
  }

  markLate(): void {
    super.mark()
  }
}

class ModelSleeper {
  readonly spinning = false
  line!: ModelLine
  readonly #w: Words
  readonly #at: number
  readonly #slot: number
  readonly #waiting: Waiting

  constructor(w: Words, at: number, slot: number, waiting: Waiting) {
    this.#w = w
    this.#at = at
    this.#slot = slot
    this.#waiting = waiting
  }

  block(_deadline: number, served: () => boolean): void {
    const w = this.#w
    const { without, mayGiveUp } = this.#waiting
    if (without !== 'say that one sleeps') store(w, this.#at + SLOT.asleep, BLOCKED)
    try {
      for (let late = false; ; ) {
        if (served()) return
        if (late || (mayGiveUp && choose(2) === 1)) return
        if (without === 'mark before the look') this.line.markLate()
        if (without === 'hear before the look') heard(w, this.#slot)
        sleep(w, this.#at + SLOT.rung, 0, FAR)
        late = timedOut()
        if (without !== 'hear before the look') heard(w, this.#slot)
      }
    } finally {
      store(w, this.#at + SLOT.asleep, AWAKE)
    }
  }

  wait(): void {}
  forget(): void {}
  again(): void {}
}
