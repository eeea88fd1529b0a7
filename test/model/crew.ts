// The participants of a scenario: process p sits in slot p and lives its first life there, and its death is told by the
// kernel's bit in its mutex, as in the real arena.

import assert from 'node:assert/strict'
import { HEADER, SLOT, slotAt } from '#src/arena/layout.js'
import { LIVE, stateOf, tokenOf } from '#src/arena/token.js'
import { OWNER_DIED } from '#src/os/robust-mutex.js'
import { compareExchange, load, pause, type Words } from '#words'
import { explore, type Scenario, type Verdict } from '../support/explore.ts'

/** The token of the participant in `slot`, in its first life there. */
export const token = (slot: number): number => tokenOf(slot, stateOf(1, LIVE))

/** Words above this one are no participant's: a scenario puts its own objects there. */
export const FREE_WORDS = slotAt(64)
/** One bit for each dead process: spares the reapers of a model the search, which would only make it larger. */
export const OBITUARY = FREE_WORDS - 1

export function seat(w: Words, slots: number[]): void {
  for (const slot of slots) w[slotAt(slot) + SLOT.state] = stateOf(1, LIVE)
  w[HEADER.highestSlot] = Math.max(...slots)
}

export function bury(w: Words, process: number, slot = process): void {
  w[slotAt(slot) + SLOT.mutex] |= OWNER_DIED
  w[OBITUARY] |= 1 << process
}

/** Waits for a death that is not in `known`, and says whose. */
export function nextDead(w: Words, known = 0): number {
  for (;;) {
    const dead = load(w, OBITUARY) & ~known
    if (dead !== 0) return 31 - Math.clz32(dead & -dead)
    pause(0)
  }
}

/** What the words of participants are called in a trace. */
export function namesOf(slots: number[]): Record<number, string> {
  const names: Record<number, string> = { [OBITUARY]: 'obituary' }
  for (const slot of slots)
    for (const [word, offset] of Object.entries(SLOT)) names[slotAt(slot) + offset] = `${word}${slot}`
  for (const [word, at] of Object.entries(HEADER)) names[at] = word
  return names
}

/** The scenario keeps its promise in every run. */
export function holds(scenario: Scenario): Verdict {
  const verdict = explore(scenario)
  assert.equal(verdict.why, undefined, `${verdict.why}\n${verdict.trace?.join('\n')}`)
  assert.ok(verdict.ends > 0, 'no run came to an end')
  return verdict
}

/** The scenario without one of the rules: the checker must find the run that breaks it. */
export function breaks(scenario: Scenario, why: RegExp): Verdict {
  const verdict = explore(scenario)
  assert.match(verdict.why ?? 'nothing was wrong', why, verdict.trace?.join('\n'))
  return verdict
}

/** Leaves a latch, as within() does. */
export function leave(w: Words, latch: number, me: number): void {
  compareExchange(w, latch, me, 0)
}
