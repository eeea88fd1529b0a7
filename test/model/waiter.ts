// A thread that blocks until it is served, under the checker, in two forms.
//
// wait() is the real line (until.ts) over a stand-in for its sleeper (sleeper.ts), whose loop is the same but for the clock:
// a wait is late when the checker ends its sleep by itself. waitInTurns() is the same order of steps in a few lines: it
// forgets after each look what it has seen, and so allows larger scenarios; and it can leave a rule out.

import { AWAKE, BLOCKED, heard } from '#src/arena/doorbell.js'
import { SLOT, slotAt } from '#src/arena/layout.js'
import type { Sleeper } from '#src/arena/sleeper.js'
import { type Attempt, Line, NONE } from '#src/arena/until.js'
import { mark, unmark, wakeOne } from '#src/arena/wait-set.js'
import { TimeoutError } from '#src/contract/errors.js'
import { sleep, store, type Words } from '#words'
import { choose, restart, timedOut } from '../support/explore.ts'

/** A timeout that only the checker brings about. */
const FAR = 1e9

/** What a wait gives that was late. */
export const LATE: unique symbol = Symbol('late')

/** Waits until `attempt` gives something, in the thread of `slot`, marked in the wait set at `set`. */
export function wait<T>(w: Words, slot: number, set: number, attempt: Attempt<T>): T | typeof LATE {
  const line = new Line({ w, slot, sleeper: sleeperOf(w, slot) as unknown as Sleeper }, w, set)
  try {
    return line.untilSync('wait', attempt, { timeout: FAR })
  } catch (error) {
    if (error instanceof TimeoutError) return LATE
    throw error
  }
}

const sleeperOf = (w: Words, slot: number) => ({
  spinning: false,
  block(_deadline: number, served: () => boolean): void {
    store(w, slotAt(slot) + SLOT.asleep, BLOCKED)
    try {
      for (let late = false; ; ) {
        if (served() || late) return
        sleep(w, slotAt(slot) + SLOT.rung, 0, FAR)
        late = timedOut()
        heard(w, slot)
      }
    } finally {
      store(w, slotAt(slot) + SLOT.asleep, AWAKE)
    }
  },
  forget(): void {},
})

/** How far a wait in turns is: not begun, asleep, at a look, at the last one because it is late, or leaving with what it got. */
export type Turn = undefined | 'asleep' | 'look' | 'last look' | { got: number }

/** What a scenario sets for a waiter that begins with the turn 'asleep'. */
export function lay(w: Words, slot: number, set: number): void {
  w[set] |= 1 << (slot >>> 5)
  w[set + 1 + (slot >>> 5)] |= 1 << (slot & 31)
  w[slotAt(slot) + SLOT.asleep] = BLOCKED
}

export type WaitRule = 'pass the ring on' | 'look after the mark' | 'mark before each look' | 'hear before the look'

export interface Waiting {
  without?: WaitRule
  /** Starts the body again with this turn. Default restart(). */
  again?(turn: Turn): never
  /** It may be given up before any sleep, as an abort does it: without another look. */
  mayGiveUp?: boolean
}

/** What a wait in turns gives that was late or given up. */
export const NOTHING = -1

/** Gives what `attempt` gave, or NOTHING; until then it restarts its body with the next turn. */
export function waitInTurns(
  w: Words,
  slot: number,
  set: number,
  attempt: () => number | typeof NONE,
  turn: Turn,
  { without, mayGiveUp = false, again = restart }: Waiting = {},
): number {
  const rung = slotAt(slot) + SLOT.rung
  if (typeof turn === 'object') {
    store(w, slotAt(slot) + SLOT.asleep, AWAKE)
    if (!unmark(w, set, slot) && without !== 'pass the ring on') wakeOne(w, w, set)
    return turn.got
  }
  if (turn === undefined) store(w, slotAt(slot) + SLOT.asleep, BLOCKED)
  if (turn !== 'asleep') {
    const marks = turn === undefined || without !== 'mark before each look'
    if (marks && without !== 'look after the mark') mark(w, set, slot)
    const got = attempt()
    if (got !== NONE) again({ got })
    if (turn === 'last look') again({ got: NOTHING })
    if (marks && without === 'look after the mark') mark(w, set, slot)
  }
  if (mayGiveUp && choose(2) === 1) again({ got: NOTHING })
  if (without === 'hear before the look') heard(w, slot)
  sleep(w, rung, 0, FAR)
  const late = timedOut()
  if (without !== 'hear before the look') heard(w, slot)
  return again(late ? 'last look' : 'look')
}

/** Waits until `ready`, by the real line, and takes nothing. */
export function watch(w: Words, slot: number, set: number, ready: () => boolean): boolean {
  return new Line({ w, slot, sleeper: sleeperOf(w, slot) as unknown as Sleeper }, w, set).watchSync(ready, FAR)
}
