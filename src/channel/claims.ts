/**
 * Which of many takes which of the tasks on a board: one giver, who fills the slots, and any number of takers.
 *
 *   FREE ──[O1] offer──▶ READY ──[T1] claim──▶ CLAIMED(taker) ──[F1] finish──▶ DONE(taker) ──giver──▶ FREE
 *                          │ [W1] withdraw                        │ its taker is dead ──giver──▶ FREE
 *                          └──────────▶ FREE
 *
 *   tail · next · news     tickets written [O2], tickets passed by [T2], tasks finished [F2] (a hint that it is worth to look)
 *   order[SLOTS]            ticket n names the slot order[n mod SLOTS]
 *   state[SLOTS]            the truth: who has a task is decided by one compareExchange on its state, [T1] or [W1]
 *
 * Who writes the words
 *   tail, order            the giver.    next: anyone, by compareExchange, one further.    news: takers, by add
 *   a state                FREE, READY: the giver. READY → CLAIMED: any taker. CLAIMED → DONE: the taker it names.
 *
 * Tickets are hints. One may be stale: its task was withdrawn, or claimed by another ticket for the same slot. Whoever meets
 * such a one finds the state not READY and goes on; if the slot holds another task by now it takes that one, out of turn. A
 * task that is READY has a ticket that nobody has passed by: a ticket is passed only after a try at its slot, and written
 * after the state.
 *
 * If a process dies
 *   giver, anywhere        the board goes with it: nobody else gives.
 *   taker, before [T1]     nothing has changed.
 *   taker, after [T1]      the state names it, and the giver, who learns of its end from the kernel, sees what it had in hand:
 *                          exactly that. `next` may be one behind, and the next taker moves it.
 *   taker, after [F1]      the task is done; `news` may be one short: the giver looks at all states when it learns of the end.
 */
import { add, compareExchange, load, peek, store, type Words } from '#words'

export const FREE = 0
export const READY = 1
export const CLAIMED = 2
export const DONE = 3
const CODE = 3
const BY = 2
/** Takers are numbered from 1 up to this. */
export const MOST_TAKERS = 2 ** 29

const TAIL = 0
const NEXT = 1
const NEWS = 2
const ORDER = 3

export const codeOf = (state: number): number => state & CODE
export const takerOf = (state: number): number => state >>> BY

/** Words of a board of so many slots, a power of two. */
export const claimWords = (slots: number): number => ORDER + 2 * slots

const stateAt = (at: number, slots: number, slot: number): number => at + ORDER + slots + slot

export function stateOf(w: Words, at: number, slots: number, slot: number): number {
  return load(w, stateAt(at, slots, slot))
}

// ── the giver ──

/** There is room for another ticket. */
export function hasRoom(w: Words, at: number, slots: number): boolean {
  return ((peek(w, at + TAIL) - load(w, at + NEXT)) | 0) < slots
}

/** The task in the slot, which was FREE, may be taken. There must be room. */
export function offer(w: Words, at: number, slots: number, slot: number): void {
  const tail = peek(w, at + TAIL)
  store(w, stateAt(at, slots, slot), READY) // [O1] publishes the task; pairs with [T1]
  store(w, at + ORDER + (tail & (slots - 1)), slot)
  store(w, at + TAIL, (tail + 1) | 0) // [O2] pairs with the load in claim()
}

/** True: nobody has taken it, and nobody will. */
export function withdraw(w: Words, at: number, slots: number, slot: number): boolean {
  return compareExchange(w, stateAt(at, slots, slot), READY, FREE) === READY // [W1]
}

/** The slot may be used again: what was in it is done, or its taker is dead. */
export function release(w: Words, at: number, slots: number, slot: number): void {
  store(w, stateAt(at, slots, slot), FREE)
}

/** Changes whenever a task was finished. */
export function news(w: Words, at: number): number {
  return load(w, at + NEWS)
}

// ── the takers ──

/** The slot of a task that belongs to `taker` now, or -1: there is none. */
export function claim(w: Words, at: number, slots: number, taker: number): number {
  for (;;) {
    const next = load(w, at + NEXT)
    if (next === load(w, at + TAIL)) return -1
    const slot = load(w, at + ORDER + (next & (slots - 1)))
    const claimed = (taker << BY) | CLAIMED
    const got = compareExchange(w, stateAt(at, slots, slot), READY, claimed) === READY // [T1]
    compareExchange(w, at + NEXT, next, (next + 1) | 0) // [T2]
    if (got) return slot
  }
}

/** There may be a task. */
export function hasTickets(w: Words, at: number): boolean {
  return load(w, at + NEXT) !== load(w, at + TAIL)
}

/** The result lies in the slot. */
export function finish(w: Words, at: number, slots: number, slot: number, taker: number): void {
  store(w, stateAt(at, slots, slot), (taker << BY) | DONE) // [F1] publishes the result
  tell(w, at)
}

/** There is something to look at for the giver. */
export function tell(w: Words, at: number): void {
  add(w, at + NEWS, 1) // [F2]
}
