/**
 * The robust lock inside the arena. One word; it guards a few words beside it for less than a microsecond.
 *
 *            [L1] enter                     [L3] leave
 *   FREE ────────────────▶ HELD(me) ───────────────────▶ FREE
 *                            │   ▲
 *                   me dies  ▼   │ [L2] enter: taken over, the one who enters is told
 *                        HELD(dead)
 *
 * Who writes the word
 *   FREE → HELD(me)        only me                                  [L1]
 *   HELD(dead) → HELD(me)  only me, once the holder is known dead   [L2]
 *   HELD(me) → FREE        only me                                  [L3]
 *   HELD(me) → HELD(dead)  only me, when something threw inside, within() or tryWithin(): the one who enters is told
 *
 * If a process dies
 *   after [L1] or [L2]     the word names the dead: the next one to come takes it over by [L2] and is told, so that it
 *                          can mend what the words guarded. Most need no mending: they change by one committing store.
 *   after [L3]             nothing is left.
 * The same if an error that nobody can prevent is thrown inside, because the stack is full. To enter lies within the `try`, and
 * [L3] is no call of a function of ours, but of the engine's (words.ts): so it needs no stack, and is done whatever happens.
 *
 * Nobody sleeps on a latch and nobody is rung: a contender looks again until the word changes (words.ts, pause). Never
 * held over user code, a system call that may wait, or anything that throws.
 */
import { compareExchange, PATIENCE, pause, type Words } from '#words'
import { isGone, slotOf } from './token.ts'

const NOBODY = 0

export const ENTERED = 0
export const ABANDONED = 1 // entered; the last holder died inside
export const BUSY = 2 //      not entered: the holder takes long, stopped perhaps

/** Enters, or says BUSY after a few looks. `arena`: the words that hold the participants; `w`: those that hold the latch. */
export function tryEnter(arena: Words, w: Words, latch: number, me: number): number {
  return contend(arena, w, latch, me, PATIENCE)
}

/** Enters, however long it takes. True: the last holder died inside. */
export function enter(arena: Words, w: Words, latch: number, me: number): boolean {
  return contend(arena, w, latch, me, Number.POSITIVE_INFINITY) === ABANDONED
}

function contend(arena: Words, w: Words, latch: number, me: number, rounds: number): number {
  for (let round = 0; round < rounds; round++) {
    const seen = compareExchange(w, latch, NOBODY, me) // [L1] pairs with [L3]: shows what the last holder wrote
    if (seen === NOBODY) return ENTERED
    if ((seen === me || isGone(arena, seen)) && compareExchange(w, latch, seen, me) === seen) return ABANDONED // [L2]
    if (round + 1 < rounds) pause(round)
  }
  return BUSY
}

/**
 * Enters, does it and leaves; `act` is told when the last holder died inside. When it throws, because no stack is left say,
 * whoever comes next is told, as if the holder had died: the word names somebody who never was, the slot's life number 0.
 */
export function within<T>(arena: Words, w: Words, latch: number, me: number, act: (abandoned: boolean) => T): T {
  let next = slotOf(me) + 1
  try {
    const result = act(enter(arena, w, latch, me)) // here: the stack may be full between entering and what comes after
    next = NOBODY
    return result
  } finally {
    compareExchange(w, latch, me, next) // [L3] if it was entered: publishes what was written inside; pairs with [L1]
  }
}

/** The same, or `busy` when somebody holds it for long. */
export function tryWithin<T>(
  arena: Words,
  w: Words,
  latch: number,
  me: number,
  busy: T,
  act: (abandoned: boolean) => T,
): T {
  let next = slotOf(me) + 1
  try {
    const entered = tryEnter(arena, w, latch, me)
    if (entered === BUSY) {
      next = me
      return busy
    }
    const result = act(entered === ABANDONED)
    next = NOBODY
    return result
  } finally {
    if (next !== me) compareExchange(w, latch, me, next) // [L3] if it was entered
  }
}
