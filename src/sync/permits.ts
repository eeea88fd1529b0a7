/**
 * The permits of a semaphore in shared memory: whose they are, until it is used as a signal.
 *
 *   latch · permits · free · bound · recover · ledger · wait set        a cell of the ledger: token · held
 *
 *   OWNED: permits is how many there are ──[S6] somebody gives what it does not hold──▶ SIGNAL: permits is how many are free
 *
 * While the permits are owned the ledger says who holds how many, and `free` is derived: permits − what all hold. When a
 * holder dies its cell goes, and so they are free. A semaphore whose releases come from others than its acquires counts
 * events: to give those of the dead back would invent some. The first such release changes it for good, in the one store
 * that also counts it; from then on one word is all there is, and it needs no latch.
 *
 * `recover` decides: ALWAYS stays OWNED, what is given beyond one's own are new permits [S4]; NEVER begins as SIGNAL.
 *
 * Who writes the words
 *   held       its participant, under the latch: the truth                       [S1] [S3]
 *   free       whoever holds the latch: derived, counted anew after a death in it
 *   permits    OWNED: whoever holds the latch [S4] [S6]; SIGNAL: anyone, by compareExchange   [S2] [S5]
 *
 * If a process dies
 *   after [S1]            it held the permit: its recovery vacates the cell [S7] and counts `free` anew.
 *   after [S3], [S4]      what it gave is given; `free` is counted anew by the next one in the latch, or the recovery.
 *                         After [S4] its cell still says what it held; its recovery vacates it, which comes to the same.
 *   after [S2]            SIGNAL: the permit is gone with it.
 *   after [S5], [S6],     the permits are there, and nobody was rung: the recovery rings everybody.
 *   before [S8] rings
 *
 * Why a taker may trust `free` when it says none, without the latch: whoever raises it looks for marks afterwards; and where
 * a death left it too low, its recovery rings.
 */
import { compareExchange, load, peek, poke, store, type Words } from '#words'
import { LEDGER_WORDS, Ledger } from '../arena/ledger.ts'
import { MendingLatch } from '../arena/mending-latch.ts'
import type { Surroundings } from '../arena/surroundings.ts'
import { isGone, slotOf } from '../arena/token.ts'
import { forget, WAIT_SET_WORDS, wakeAll, wakeOne } from '../arena/wait-set.ts'

const LATCH = 0
const PERMITS = 1
const FREE = 2
const BOUND = 3
const RECOVER = 4
const LEDGER = 5
export const WAITERS = LEDGER + LEDGER_WORDS
export const PERMITS_WORDS = WAITERS + WAIT_SET_WORDS

/** In a cell. */
const HELD = 1

export const MOST = 0x7fffffff
const SIGNAL = 1 << 31
const UNBOUNDED = -1

/** What becomes of the permits of the dead: they come back until it is a signal, or always, or never. */
export const UNTIL_SIGNAL = 0
export const ALWAYS = 1
export const NEVER = 2

/** What an attempt came to. */
export const DONE = 1
export const NOT_NOW = 2 //   none is free
export const HELD_UP = 3 //   somebody holds the latch for long
export const TOO_MANY = 4 //  above the bound
const AGAIN = 5 //            it became a signal meanwhile
const NO_CELL = 6

/** From so many on everybody who waits is rung at once. */
const CROWD = 64

export class Permits {
  readonly #place: Surroundings
  readonly #w: Words
  readonly #at: number
  readonly #latch: MendingLatch
  readonly #ledger: Ledger

  /** `w`, `at`: the semaphore's own words. */
  constructor(place: Surroundings, w: Words, at: number) {
    this.#place = place
    this.#w = w
    this.#at = at
    this.#latch = new MendingLatch(place.w, place.me, w, at + LATCH, () => this.#recount())
    this.#ledger = new Ledger(place, w, at + LEDGER)
  }

  /** Of a semaphore that nobody else knows yet. */
  static initialise(w: Words, at: number, value: number, recover: number, bounded: boolean): void {
    poke(w, at + PERMITS, recover === NEVER ? SIGNAL | value : value)
    poke(w, at + FREE, value)
    poke(w, at + BOUND, bounded ? value : UNBOUNDED)
    poke(w, at + RECOVER, recover)
  }

  /** How many are free at this moment. */
  get free(): number {
    const permits = load(this.#w, this.#at + PERMITS)
    return permits < 0 ? permits & MOST : Math.max(0, load(this.#w, this.#at + FREE))
  }

  /** True: the permits of the dead do not come back. */
  get isSignal(): boolean {
    return load(this.#w, this.#at + PERMITS) < 0
  }

  /** How many can be free at once. */
  get most(): number {
    const bound = peek(this.#w, this.#at + BOUND)
    return bound === UNBOUNDED ? MOST : bound
  }

  // ── take ──

  /** Tries once. May throw OutOfSharedMemoryError, having taken nothing. */
  take(): number {
    const outcome = this.#take()
    this.#ledger.settle()
    return outcome
  }

  #take(): number {
    const w = this.#w
    const at = this.#at
    for (;;) {
      const permits = load(w, at + PERMITS)
      if (permits < 0) {
        if (permits === SIGNAL) return NOT_NOW
        if (compareExchange(w, at + PERMITS, permits, permits - 1) === permits) return DONE // [S2]
        continue
      }
      if (load(w, at + FREE) <= 0) return NOT_NOW
      const outcome = this.#latch.tryWithin(HELD_UP, () => this.#takeLatched())
      if (outcome === NO_CELL) this.#ledger.bring()
      else if (outcome !== AGAIN) return outcome
    }
  }

  #takeLatched(): number {
    const w = this.#w
    const at = this.#at
    if (load(w, at + PERMITS) < 0) return AGAIN
    const free = load(w, at + FREE)
    if (free <= 0) return NOT_NOW
    const cell = this.#ledger.claim()
    if (cell === undefined) return NO_CELL
    store(cell.w, cell.at + HELD, peek(cell.w, cell.at + HELD) + 1) // [S1]
    store(w, at + FREE, free - 1)
    return DONE
  }

  // ── give ──

  /** Gives `n` and rings as many who wait, or says TOO_MANY and changes nothing. Waits for nobody but the latch. */
  give(n: number): number {
    for (;;) {
      const outcome = this.isSignal ? this.#giveSignal(n) : this.#giveOwned(n)
      if (outcome === AGAIN) continue
      if (outcome === DONE) this.#wake(n)
      return outcome
    }
  }

  #giveSignal(n: number): number {
    const permits = load(this.#w, this.#at + PERMITS)
    if ((permits & MOST) + n > this.most) return TOO_MANY
    return compareExchange(this.#w, this.#at + PERMITS, permits, permits + n) === permits ? DONE : AGAIN // [S5]
  }

  #giveOwned(n: number): number {
    return this.#latch.within(() => this.#giveLatched(n))
  }

  #giveLatched(n: number): number {
    const w = this.#w
    const at = this.#at
    const permits = load(w, at + PERMITS)
    if (permits < 0) return AGAIN
    const cell = this.#ledger.mine()
    const held = cell ? peek(cell.w, cell.at + HELD) : 0
    if (cell && n <= held)
      store(cell.w, cell.at + HELD, held - n) // [S3]
    else if (peek(w, at + RECOVER) === ALWAYS) {
      if (permits + n - held > this.most) return TOO_MANY
      store(w, at + PERMITS, permits + n - held) // [S4]
      if (cell) store(cell.w, cell.at + HELD, 0)
    } else {
      const free = permits - this.#heldByLiving()
      if (free + n > this.most) return TOO_MANY
      store(w, at + PERMITS, SIGNAL | (free + n)) // [S6]
      return DONE
    }
    store(w, at + FREE, load(w, at + FREE) + n)
    return DONE
  }

  /** Rings one for each permit: who is rung takes what it can, who finds none goes on sleeping. */
  #wake(n: number): void {
    const { w: arena } = this.#place
    const set = this.#at + WAITERS
    if (n >= CROWD) wakeAll(arena, this.#w, set)
    else for (let i = 0; i < n && load(this.#w, set) !== 0; i++) wakeOne(arena, this.#w, set) // [S8]
  }

  // ── what is derived ──

  /** `free` is what the cells say. */
  #recount(): void {
    const permits = load(this.#w, this.#at + PERMITS)
    if (permits >= 0) store(this.#w, this.#at + FREE, permits - this.#held())
  }

  #held(): number {
    let sum = 0
    for (const { w, at } of this.#ledger.cells()) sum += peek(w, at + HELD)
    return sum
  }

  #heldByLiving(): number {
    let sum = 0
    for (const { w, at, token } of this.#ledger.cells()) if (!isGone(this.#place.w, token)) sum += peek(w, at + HELD)
    return sum
  }

  // ── the end of it, recovery and check ──

  /** This participant is done with the semaphore: what it holds is free, unless it is a signal. */
  quit(): void {
    const freed = this.#latch.within(() => {
      const cell = this.#ledger.mine()
      const held = cell ? peek(cell.w, cell.at + HELD) : 0
      if (cell) this.#ledger.vacate(cell)
      this.#recount()
      return this.isSignal ? 0 : held
    })
    if (freed > 0) this.#wake(freed)
  }

  /** `dead` is gone: what it held is free. False: the latch was busy. */
  recover(dead: number, blocks: Set<number>): boolean {
    forget(this.#w, this.#at + WAITERS, slotOf(dead))
    return this.#latch.tryWithin(false, () => {
      for (const cell of this.#ledger.cells()) if (cell.token === dead) this.#ledger.vacate(cell) // [S7]
      this.#ledger.reclaim(blocks)
      this.#recount()
      return true
    })
  }

  /** Nobody refers to the semaphore any more. */
  takeApart(): void {
    this.#ledger.free()
  }

  /** Who holds permits, and how many, at a glance: nobody, once it is a signal. */
  holders(): [token: number, held: number][] {
    if (this.isSignal) return []
    return [...this.#ledger.cells()]
      .map(({ w, at, token }): [number, number] => [token, load(w, at + HELD)])
      .filter(([, held]) => held > 0)
  }

  /** Who holds the latch, for check. */
  get latch(): number {
    return this.#latch.holder
  }

  /** What is impossible about it; takes its blocks out of `queued`. */
  check(queued: Set<number>): string[] {
    const wrong: string[] = []
    const permits = load(this.#w, this.#at + PERMITS)
    const free = load(this.#w, this.#at + FREE)
    const held = this.#held()
    if (permits >= 0 && free !== permits - held)
      wrong.push(`${held} of its ${permits} permits are held, ${free} are counted as free`)
    if (this.free > this.most) wrong.push(`${this.free} permits are free, at most ${this.most} can be`)
    return [...wrong, ...this.#ledger.check(queued)]
  }
}
