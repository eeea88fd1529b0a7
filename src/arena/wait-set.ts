/**
 * Who waits for one thing: a bit for each participant, and a summary so that "nobody" costs one load.
 *
 *   summary      bit g: somebody in group g may be marked      (hint)
 *   groups[32]   bit s of word g: participant 32 g + s waits   (truth)
 *   next         where the next search begins                  (hint)
 *
 * Who writes the words
 *   a bit        set by its participant before it sleeps [M1]; cleared by a waker that chose it [W2], by itself when it
 *                no longer waits [M3], or by whoever recovers it
 *   summary      set after the bit [M2]; cleared by a waker that found the group empty [W3]
 *
 * A waiter marks itself, looks once more, and only then sleeps; a waker changes the thing, and only then looks for marks.
 * So one of the two sees the other.
 *
 * Why [W3] looks at the group again: a waiter may have marked itself between the waker's look and [W3]. Its summary bit
 * would be gone, and another waker could have passed by in that moment and seen nobody. So the one who cleared it rings
 * the whole group; whoever still waits then marks itself anew, the summary included.
 *
 * If a process dies
 *   after [M1] or [M2]     a mark too many, until its recovery removes it.
 *   after [W2]             the chosen one was not rung; or the chosen one dies before it acts; or a waker dies between
 *                          [W3] and its second look. Recovery rings everybody.
 */
import { and, exchange, load, or, store, type Words } from '#words'
import { ring } from './doorbell.ts'

const GROUPS = 32
const NEXT = GROUPS + 1
export const WAIT_SET_WORDS = GROUPS + 2

export function mark(w: Words, set: number, slot: number): void {
  or(w, set + 1 + (slot >>> 5), 1 << (slot & 31)) // [M1]
  or(w, set, 1 << (slot >>> 5)) // [M2] pairs with the load in wakeOne
}

/** Gives false when a waker had chosen this one: then its ring must be passed on if it is not used. */
export function unmark(w: Words, set: number, slot: number): boolean {
  const bit = 1 << (slot & 31)
  return (and(w, set + 1 + (slot >>> 5), ~bit) & bit) !== 0 // [M3]
}

/**
 * Rings one waiter, if there is any. `arena`: the words that hold the participants; `w`: those that hold the set. Round robin, so that nobody
 * is passed over for ever.
 */
export function wakeOne(arena: Words, w: Words, set: number): void {
  let summary = load(w, set)
  if (summary === 0) return
  const next = load(w, set + NEXT)
  const first = next >>> 5
  for (let turn = 0; turn <= GROUPS && summary !== 0; turn++) {
    const group = (first + turn) & (GROUPS - 1)
    if (((summary >>> group) & 1) === 0) continue
    const from = turn === 0 ? next & 31 : 0
    if (wakeIn(arena, w, set, group, from)) return
    if (turn > 0 || from === 0) {
      if (tidy(arena, w, set, group)) return
      summary = load(w, set)
    }
  }
}

/** Rings one of the group, looking at its participants from `from` up. */
function wakeIn(arena: Words, w: Words, set: number, group: number, from: number): boolean {
  const at = set + 1 + group
  let marked = load(w, at) & (-1 << from)
  while (marked !== 0) {
    const bit = marked & -marked
    marked &= ~bit
    if ((and(w, at, ~bit) & bit) === 0) continue // [W2] another waker was quicker
    const slot = group * 32 + (31 - Math.clz32(bit))
    store(w, set + NEXT, (slot + 1) & (GROUPS * 32 - 1))
    ring(arena, slot)
    return true
  }
  return false
}

/**
 * Takes an empty group out of the summary, and rings it when somebody turned up meanwhile; true when that one was rung. (It may have left again, having taken something else: then another group's turn comes.)
 */
function tidy(arena: Words, w: Words, set: number, group: number): boolean {
  and(w, set, ~(1 << group)) // [W3]
  if (load(w, set + 1 + group) === 0) return false
  return wakeGroup(arena, w, set, group)
}

/** Rings all of the group, each once: who marks itself again meanwhile looks again by itself. False: there was nobody. */
function wakeGroup(arena: Words, w: Words, set: number, group: number): boolean {
  const chosen = exchange(w, set + 1 + group, 0) // [W2]
  for (let left = chosen; left !== 0; left &= left - 1) ring(arena, group * 32 + (31 - Math.clz32(left & -left)))
  return chosen !== 0
}

/** Rings all who wait: the thing has changed for everybody. */
export function wakeAll(arena: Words, w: Words, set: number): void {
  let summary = load(w, set)
  while (summary !== 0) {
    const group = 31 - Math.clz32(summary)
    wakeGroup(arena, w, set, group)
    tidy(arena, w, set, group)
    summary &= ~(1 << group)
  }
}

/** Removes a dead participant's mark. */
export function forget(w: Words, set: number, slot: number): void {
  and(w, set + 1 + (slot >>> 5), ~(1 << (slot & 31)))
}

/** The slots that are marked, at a glance. */
export function markedIn(w: Words, set: number): number[] {
  const slots: number[] = []
  for (let group = 0; group < GROUPS; group++) {
    for (let left = load(w, set + 1 + group); left !== 0; left &= left - 1) {
      slots.push(group * 32 + (31 - Math.clz32(left & -left)))
    }
  }
  return slots
}
