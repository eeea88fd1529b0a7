/**
 * The 30 bits by which a word in shared memory names a participant: generation << 11 | slot + 1.
 *
 * The generation grows each time a slot is given out again, so a token left behind by the dead never names the living.
 * Numbers with slot bits 0 are free for other meanings; 0 is nobody.
 */
import { load, peek, type Words } from '#words'
import { OWNER_DIED } from '../os/robust-mutex.ts'
import { SLOT, slotAt } from './layout.ts'

/** What a slot's state word says beside the generation. */
export const FREE = 0
export const RESERVED = 1 //  a parent is about to start a child for it
export const JOINING = 2 //   the child runs, but cannot yet be seen to die by its mutex
export const LIVE = 3
export const DEAD = 4 //      known to be dead, being recovered

const GENERATION = 11
const CODE = (1 << GENERATION) - 1
const GENERATIONS = (1 << 17) - 1

export const nextGeneration = (state: number): number => ((state >>> GENERATION) % GENERATIONS) + 1
export const stateOf = (generation: number, code: number): number => (generation << GENERATION) | code
export const codeOf = (state: number): number => state & CODE
export const tokenOf = (slot: number, state: number): number => (state & ~CODE) | (slot + 1)
export const slotOf = (token: number): number => (token & CODE) - 1

/** The state word that a slot has while `token` names its owner and the owner's code is `code`. */
export const stateFor = (token: number, code: number): number => (token & ~CODE) | code

/** Slow or stopped is not gone. One or two loads, no system call. */
export function isGone(w: Words, token: number): boolean {
  const at = slotAt(slotOf(token))
  const state = load(w, at + SLOT.state)
  if ((state ^ token) >>> GENERATION !== 0) return true
  const code = state & CODE
  if (code === LIVE) return (load(w, at + SLOT.mutex + peek(w, at + SLOT.liveness)) & OWNER_DIED) !== 0
  return code === DEAD || code === FREE
}
