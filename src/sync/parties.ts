/**
 * Those who meet at a barrier, in shared memory: who has arrived, and what became of each meeting (a generation).
 *
 *   latch · phase · arrived · parties · … · ledger · wait set       phase: generation << 3 | state
 *                                                                   a cell of the ledger: token · generation · arrivals
 *
 *   g·OPEN ──[P3] the last one arrives──▶ (g+1)·OPEN                              everybody of g has passed
 *   g·OPEN ──[P4] the last one arrives, with an action──▶ g·ACTING ──[P5] it is done──▶ (g+1)·OPEN
 *   g·OPEN, g·ACTING ──[P6] abort, timeout, failed action, death, reset──▶ g·broken ──[P8] reset──▶ (g+1)·OPEN
 *
 * `arrivals` is how often its participant has arrived in `generation` (several tasks of one process may be parties), with
 * two flags: BROKEN, that generation was broken and reset; ENROLLED, it had passed this barrier before. `arrived` is
 * derived: the sum over the cells of this generation.
 *
 * Nobody has to leave before others may arrive anew: a waiter remembers its generation. When the phase is beyond it, it
 * has passed, unless its own cell says BROKEN: a reset marks the cells of those it sends away before it stores the phase.
 *
 * Who writes the words
 *   phase       anyone, by compareExchange, from the very phase it saw [P3] [P4] [P5] [P6]; from broken to OPEN under the
 *               latch [P8]. So of a timeout and the last arrival, one happens.
 *   generation, arrivals   its participant [P1]; BROKEN who resets [P7]; all under the latch
 *   arrived     whoever holds the latch [P2]: counted anew after a death in it
 *
 * If a process dies
 *   after [P1], waiting    its cell says that it has arrived, and it never leaves: its recovery breaks the barrier [P9].
 *                          If it was the last one, whoever comes before that finds all there, and breaks it.
 *   in the action          the same: it has arrived, and its generation is not over.
 *   after [P3], [P5],      who arrived has passed, or is sent away: the recovery rings everybody. The next generation is
 *   before they ring       broken [P9]: a party is missing that has passed before.
 *   between [P6] and [P8]  the barrier is broken and stays so until another reset.
 *   before it arrives      a party that has passed before will not come: [P9], unless it ended in peace. Of one that
 *                          never passed nobody knows: the others' timeouts tell.
 *   its recovery           [P9] comes before the cell goes, so another finds the cell and does both again.
 */
import { compareExchange, load, poke, store, type Words } from '#words'
import { type Cell, LEDGER_WORDS, Ledger } from '../arena/ledger.ts'
import { MendingLatch } from '../arena/mending-latch.ts'
import type { Surroundings } from '../arena/surroundings.ts'
import { slotOf } from '../arena/token.ts'
import { forget, WAIT_SET_WORDS, wakeAll } from '../arena/wait-set.ts'

const LATCH = 0
const PHASE = 1
const ARRIVED = 2
const PARTIES = 3
const HAS_ACTION = 4
/** The Barrier's own: its default timeout, and where its action is described. */
export const TIMEOUT = 5
export const ACTION = 6
const LEDGER = 7
export const WAITERS = LEDGER + LEDGER_WORDS
export const PARTIES_WORDS = WAITERS + WAIT_SET_WORDS

/** In a cell. */
const GENERATION = 1
const ARRIVALS = 2

const BROKEN = 1
const ENROLLED = 2
const ONE = 4

// ── states ──
const OPEN = 0
const ACTING = 1
/** Broken, and by what. */
export const BY_ABORT = 2
export const BY_TIMEOUT = 3
export const BY_ACTION = 4
export const BY_LOSS = 5
export const BY_RESET = 6
export type Cause = typeof BY_ABORT | typeof BY_TIMEOUT | typeof BY_ACTION | typeof BY_LOSS | typeof BY_RESET

const STATE_BITS = 3
const STATE = (1 << STATE_BITS) - 1
const LAST_GENERATION = (1 << (32 - STATE_BITS)) - 1

const stateOf = (phase: number): number => phase & STATE
const generationOf = (phase: number): number => phase >>> STATE_BITS
const phaseOf = (generation: number, state: number): number => (generation << STATE_BITS) | state
/** 0 is that of a cell that is new. */
const after = (generation: number): number => (generation === LAST_GENERATION ? 1 : generation + 1)

// ── what an attempt to arrive came to ──
export const WAITING = 1
/** The last one: everybody has passed. */
export const PASSED = 2
/** The last one: everybody waits until it has run the action. */
export const TO_ACT = 3
export const IS_BROKEN = 4
/** The generation before is complete, and its action runs. */
export const NOT_YET = 5
/** Somebody holds the latch for long. */
export const HELD_UP = 6
/** What became of an earlier arrival of this participant has to be looked at first: its cell is the record. */
export const LOOK_FIRST = 7
const NO_CELL = 8

export class Parties {
  readonly #place: Surroundings
  readonly #w: Words
  readonly #at: number
  readonly #latch: MendingLatch
  readonly #ledger: Ledger
  /** Of the last arrival: which generation it belongs to, and how many had arrived before. */
  generation = 0
  index = 0

  /** `w`, `at`: the barrier's own words. */
  constructor(place: Surroundings, w: Words, at: number) {
    this.#place = place
    this.#w = w
    this.#at = at
    this.#latch = new MendingLatch(place.w, place.me, w, at + LATCH, () => this.#recount())
    this.#ledger = new Ledger(place, w, at + LEDGER)
  }

  /** Of a barrier that nobody else knows yet. */
  static initialise(w: Words, at: number, parties: number, hasAction: boolean): void {
    poke(w, at + PHASE, phaseOf(1, OPEN))
    poke(w, at + PARTIES, parties)
    poke(w, at + HAS_ACTION, hasAction ? 1 : 0)
  }

  get parties(): number {
    return load(this.#w, this.#at + PARTIES)
  }

  get hasAction(): boolean {
    return load(this.#w, this.#at + HAS_ACTION) === 1
  }

  /** How many wait at this moment; of a broken barrier nobody does. */
  get waiting(): number {
    return this.cause === undefined ? load(this.#w, this.#at + ARRIVED) : 0
  }

  /** What the barrier was broken by; undefined: it is not. */
  get cause(): Cause | undefined {
    return causeOf(load(this.#w, this.#at + PHASE))
  }

  /** All have arrived, and the last one runs the action. */
  get acting(): boolean {
    return stateOf(load(this.#w, this.#at + PHASE)) === ACTING
  }

  // ── arriving ──

  /**
   * Tries once. `waitingIn`: the generation in which somebody of this participant still waits, or 0. May throw
   * OutOfSharedMemoryError, not having arrived.
   */
  arrive(waitingIn: number): number {
    const outcome = this.#arrive(waitingIn)
    this.#ledger.settle()
    if (outcome === PASSED) this.#wake()
    return outcome
  }

  #arrive(waitingIn: number): number {
    for (;;) {
      const phase = load(this.#w, this.#at + PHASE)
      if (causeOf(phase) !== undefined) return IS_BROKEN
      if (stateOf(phase) === ACTING) return NOT_YET
      const outcome = this.#latch.tryWithin(HELD_UP, () => this.#arriveLatched(waitingIn))
      if (outcome !== NO_CELL) return outcome
      this.#ledger.bring()
    }
  }

  #arriveLatched(waitingIn: number): number {
    const w = this.#w
    const at = this.#at
    const phase = load(w, at + PHASE)
    if (waitingIn !== 0 && waitingIn !== generationOf(phase)) return LOOK_FIRST
    if (causeOf(phase) !== undefined) return IS_BROKEN
    if (stateOf(phase) === ACTING) return NOT_YET
    const arrived = load(w, at + ARRIVED)
    if (arrived >= load(w, at + PARTIES)) {
      this.#spoil(BY_LOSS) // the last one died before [P3], [P4]: one more has no place here. Its recovery rings
      return IS_BROKEN
    }
    const cell = this.#ledger.claim()
    if (cell === undefined) return NO_CELL
    const generation = generationOf(phase)
    this.#countIn(cell, generation)
    store(w, at + ARRIVED, arrived + 1) // [P2]
    this.generation = generation
    this.index = arrived
    if (arrived + 1 < load(w, at + PARTIES)) return WAITING
    if (load(w, at + HAS_ACTION) === 1) return this.#change(phase, phaseOf(generation, ACTING)) ? TO_ACT : IS_BROKEN // [P4]
    return this.#release(phase) ? PASSED : IS_BROKEN // [P3]
  }

  #countIn({ w, at }: Cell, generation: number): void {
    const arrivals = load(w, at + ARRIVALS)
    if (load(w, at + GENERATION) === generation) {
      store(w, at + ARRIVALS, arrivals + ONE) // [P1]
      return
    }
    const enrolled = isEnrolled(load(w, at + GENERATION), arrivals, generation)
    store(w, at + ARRIVALS, enrolled ? ONE | ENROLLED : ONE)
    store(w, at + GENERATION, generation) // [P1]
  }

  /** Under the latch. False: it was broken in this moment. */
  #release(phase: number): boolean {
    store(this.#w, this.#at + ARRIVED, 0)
    return this.#change(phase, phaseOf(after(generationOf(phase)), OPEN))
  }

  #change(from: number, to: number): boolean {
    return compareExchange(this.#w, this.#at + PHASE, from, to) === from // shows what those before did; publishes
  }

  /** The action is done: everybody passes. False: the barrier was broken meanwhile. */
  finish(generation: number): boolean {
    const phase = phaseOf(generation, ACTING)
    const done = this.#latch.within(() => load(this.#w, this.#at + PHASE) === phase && this.#release(phase)) // [P5]
    if (done) this.#wake()
    return done
  }

  /** Of somebody of this participant who arrived in `generation`: WAITING, PASSED, or what it was broken by. */
  look(generation: number): typeof WAITING | typeof PASSED | { readonly brokenBy: Cause } {
    const phase = load(this.#w, this.#at + PHASE)
    if (generationOf(phase) === generation) {
      const cause = causeOf(phase)
      return cause === undefined ? WAITING : { brokenBy: cause }
    }
    // pairs with [P7]: the phase that we saw was stored after the mark
    const cell = this.#ledger.mine()
    return cell && load(cell.w, cell.at + ARRIVALS) & BROKEN ? { brokenBy: BY_RESET } : PASSED
  }

  // ── breaking and mending ──

  /** Breaks that generation. False: it is over, or broken already. Needs no latch. */
  break(generation: number, cause: Cause): boolean {
    const broken = this.#spoil(cause, generation)
    if (broken) this.#wake()
    return broken
  }

  /** Breaks whatever generation this is, if it is not broken already. */
  breakNow(cause: Cause): void {
    if (this.#spoil(cause)) this.#wake()
  }

  /** Without a ring: also under the latch. */
  #spoil(cause: Cause, generation?: number): boolean {
    for (;;) {
      const phase = load(this.#w, this.#at + PHASE)
      if (causeOf(phase) !== undefined || (generation !== undefined && generationOf(phase) !== generation)) return false
      if (this.#change(phase, phaseOf(generationOf(phase), cause))) return true // [P6]
    }
  }

  /** Sends away who waits; the barrier is as new. Waits for nobody but the latch. */
  reset(): void {
    const idle = this.#latch.within(() => {
      const phase = load(this.#w, this.#at + PHASE)
      const isNew = causeOf(phase) === undefined && load(this.#w, this.#at + ARRIVED) === 0
      if (!isNew) this.#renew(generationOf(phase))
      return isNew
    })
    if (!idle) this.#wake()
  }

  #renew(generation: number): void {
    const w = this.#w
    const at = this.#at
    this.#spoil(BY_RESET) // who is about to break or release it comes too late from here on
    for (const cell of this.#ledger.cells()) {
      if (load(cell.w, cell.at + GENERATION) !== generation) continue
      store(cell.w, cell.at + ARRIVALS, (load(cell.w, cell.at + ARRIVALS) & ENROLLED) | BROKEN) // [P7]
    }
    store(w, at + ARRIVED, 0)
    store(w, at + PHASE, phaseOf(after(generation), OPEN)) // [P8]
  }

  #wake(): void {
    wakeAll(this.#place.w, this.#w, this.#at + WAITERS)
  }

  // ── what is derived ──

  #recount(): void {
    store(this.#w, this.#at + ARRIVED, this.#arrived())
  }

  /** What the cells say. */
  #arrived(): number {
    const generation = generationOf(load(this.#w, this.#at + PHASE))
    let sum = 0
    for (const { w, at } of this.#ledger.cells()) {
      if (load(w, at + GENERATION) === generation) sum += Math.floor(load(w, at + ARRIVALS) / ONE)
    }
    return sum
  }

  // ── the end of it, recovery and check ──

  /** This participant is done with the barrier; if it has arrived, the others cannot count on it. */
  quit(): void {
    const broken = this.#latch.within(() => {
      const cell = this.#ledger.mine()
      const isParty = cell !== undefined && this.#strike(cell, false)
      this.#recount()
      return isParty
    })
    if (broken) this.#wake()
  }

  /** `dead` is gone: the barrier is broken if it was a party. False: the latch was busy. */
  recover(dead: number, inPeace: boolean, blocks: Set<number>): boolean {
    forget(this.#w, this.#at + WAITERS, slotOf(dead))
    return this.#latch.tryWithin(false, () => {
      for (const cell of this.#ledger.cells()) if (cell.token === dead) this.#strike(cell, !inPeace)
      this.#ledger.reclaim(blocks)
      this.#recount()
      return true
    })
  }

  /** Under the latch: its participant will not arrive any more. */
  #strike(cell: Cell, missed: boolean): boolean {
    const generation = generationOf(load(this.#w, this.#at + PHASE))
    const arrivedIn = load(cell.w, cell.at + GENERATION)
    const arrivals = load(cell.w, cell.at + ARRIVALS)
    const isWaiting = arrivedIn === generation && arrivals >= ONE
    const breaks = isWaiting || (missed && isEnrolled(arrivedIn, arrivals, generation))
    if (breaks) this.#spoil(BY_LOSS) // [P9]
    this.#ledger.vacate(cell)
    return breaks
  }

  /** Nobody refers to the barrier any more. */
  takeApart(): void {
    this.#ledger.free()
  }

  /** Who holds the latch, for check. */
  get latch(): number {
    return this.#latch.holder
  }

  /** What is impossible about it; takes its blocks out of `queued`. */
  check(queued: Set<number>): string[] {
    const wrong: string[] = []
    const [arrived, counted] = [this.#arrived(), load(this.#w, this.#at + ARRIVED)]
    if (this.cause === undefined && arrived !== counted) wrong.push(`${arrived} have arrived, ${counted} are counted`)
    if (this.cause === undefined && arrived > this.parties)
      wrong.push(`${arrived} of ${this.parties} parties have arrived`)
    return [...wrong, ...this.#ledger.check(queued)]
  }
}

function causeOf(phase: number): Cause | undefined {
  const state = stateOf(phase)
  return state < BY_ABORT ? undefined : (state as Cause)
}

/** Its participant has passed before: in the generation of its cell, or before that. */
function isEnrolled(arrivedIn: number, arrivals: number, generation: number): boolean {
  if (arrivedIn === 0) return false
  return (arrivals & ENROLLED) !== 0 || (arrivedIn !== generation && (arrivals & BROKEN) === 0)
}
