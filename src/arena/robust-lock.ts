/**
 * A lock whose holder may die. One word, and a set of those who wait for it.
 *
 *            [A1] take                       [A3] give
 *   FREE ───────────────▶ HELD(by) ─────────────────────────▶ FREE
 *                           │  by dies
 *                           ▼            [D1] recovery
 *                        HELD(dead) ───────────────────▶ ORPHAN
 *                           │ [A2] take: abandoned          │ [A2] take: abandoned
 *                           └──────────▶ HELD(by) ◀─────────┘
 *
 * Who writes the word
 *   FREE → HELD(me)             only me, by compareExchange                                [A1]
 *   HELD(dead), ORPHAN → HELD(me)   only me, by compareExchange, once the holder is gone   [A2]
 *   HELD(x) → FREE              x, or whoever releases it in x's stead, by compareExchange [A3]
 *   HELD(dead) → ORPHAN         the recovery of the dead                                   [D1]
 *
 * If a process dies
 *   before [A1]            nothing was promised.
 *   after [A1], [A2]       the word names the dead: whoever comes next takes it by [A2] and is told `abandoned`. Those
 *                          who sleep are rung by the recovery, and come.
 *   after [A3], before     FREE, but the sleeper was not rung: the recovery rings everybody.
 *   [A4] rings
 *
 * Why [D1], when [A2] takes over from the dead anyway: `holder` must not name a dead process for ever, and after half a
 * million lives of that slot its token would name a living one.
 */
import { compareExchange, load, type Words } from '#words'
import { isGone, slotOf } from './token.ts'
import { forget, WAIT_SET_WORDS, wakeOne } from './wait-set.ts'

export const LOCK_WORDS = 1 + WAIT_SET_WORDS

const NOT_HELD = 0
/** No token: its slot bits are 0. */
export const ORPHAN = 1 << 11

export const TAKEN = 0
export const TAKEN_ABANDONED = 1
export const HELD = 2

/** The index of the wait set of the lock at `at`. */
export const waitersOf = (at: number): number => at + 1

/** Tries once. `arena`: the words that hold the participants. */
export function take(arena: Words, w: Words, at: number, me: number): number {
  const seen = compareExchange(w, at, NOT_HELD, me) // [A1] pairs with [A3]: shows what the last holder did
  if (seen === NOT_HELD) return TAKEN
  return takeOver(arena, w, at, me, seen)
}

function takeOver(arena: Words, w: Words, at: number, me: number, seen: number): number {
  if (seen !== ORPHAN && !isGone(arena, seen)) return HELD
  return compareExchange(w, at, seen, me) === seen ? TAKEN_ABANDONED : HELD // [A2]
}

/** False: it was not `holder`'s. */
export function give(arena: Words, w: Words, at: number, holder: number): boolean {
  if (compareExchange(w, at, holder, NOT_HELD) !== holder) return false // [A3] publishes; pairs with [A1]
  wakeOne(arena, w, waitersOf(at)) // [A4]
  return true
}

/** Who has it: a token, ORPHAN or 0. */
export function holderOf(w: Words, at: number): number {
  return load(w, at)
}

/** The lock's part in the recovery of `dead`. */
export function recoverLock(w: Words, at: number, dead: number): void {
  compareExchange(w, at, dead, ORPHAN) // [D1]
  forget(w, waitersOf(at), slotOf(dead))
}
