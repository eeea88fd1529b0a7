/**
 * Where a pool lays its tasks for its workers and finds their results: slots in shared memory, over claims.ts (states, who
 * writes what, deaths). The words of a slot belong to the giver while it is FREE or DONE, to its taker while it is CLAIMED.
 *
 *   function · its definition · shape · index · count · attempt · batch · task (cell) · records · begun · abort · began · took
 *   · result (cell) · capacity · room for a small task · room for a small result
 *
 * What is too large for its room is a parcel: of a task one of the giver's own, which only reads are made of; of a result a
 * message in the queue beside the board, put before the task is finished. So no block ever changes its owner here, and a
 * taker that dies leaves nothing to be mended but its mark in the wait set. A large result is written over its task, in the
 * giver's block, if it has room for it (`capacity`) and the task is not to be run again.
 *
 * Of a task of many items the results lie in its records, a block of the giver's: `begun` says how many items were begun, and the cell of
 * each item its result, so that of the items of a dead taker one at most is lost: the one that was begun and has no result.
 */
import { load, peek, poke, store, type Words } from '#words'
import { checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import { bodyAt } from '../arena/references.ts'
import { currentSession } from '../arena/session.ts'
import { type Adoption, SharedObject } from '../arena/shared-object.ts'
import { slotOf } from '../arena/token.ts'
import { Line, NONE } from '../arena/until.ts'
import { forget, markedIn, WAIT_SET_WORDS, wakeAll, wakeOne } from '../arena/wait-set.ts'
import { TimeoutError } from '../contract/errors.ts'
import {
  CLAIMED,
  claim,
  claimWords,
  codeOf,
  DONE,
  finish,
  hasRoom,
  hasTickets,
  news,
  offer,
  READY,
  release,
  stateOf,
  takerOf,
  tell,
  withdraw,
} from './claims.ts'
import {
  AWAY,
  CELL,
  discardValue,
  type PackedValue,
  packItems,
  packValue,
  peekScalar,
  peekValue,
  pokeScalar,
  pokeSmall,
  pokeValue,
  readBlock,
  rewriteBlock,
  SpareBlocks,
} from './packed-value.ts'

export { NONE } from '../arena/until.ts'
export type { PackedValue } from './packed-value.ts'

const KIND = 18
/** How many tasks may lie on the board, taken ones included. */
export const SLOTS = 512

/** Items that a task may have: their records are words, which lie in one unit, and so in one window. */
export const MOST_ITEMS = 16_384

/** Waits of those who take, waits of the giver, then the claims, then the slots. */
const TASKS = 0
const RESULTS = TASKS + WAIT_SET_WORDS
const CLAIMS = RESULTS + WAIT_SET_WORDS
const FIRST = CLAIMS + claimWords(SLOTS)

const FUNCTION = 0
const DEFINITION = 1
const SHAPE = 2
const INDEX = 3
const COUNT = 4
const ATTEMPT = 5
const BATCH = 6
const TASK = 7
const RECORDS = TASK + CELL
const BEGUN = RECORDS + 1
const ABORT = BEGUN + 1
const BEGAN = ABORT + 1
const TOOK = BEGAN + 1
const RESULT = TOOK + 1
const CAPACITY = RESULT + CELL
const TASK_AREA = CAPACITY + 1
const ROOM = 46
const RESULT_AREA = TASK_AREA + ROOM
const SLOT_WORDS = RESULT_AREA + ROOM
const BODY_WORDS = FIRST + SLOTS * SLOT_WORDS

/** A result that is an error. Beside the kind of its cell. */
const FAILED = 16
/** In the cell of an item: it has a result. Beside its kind. */
const RECORDED = 32
const KIND_BITS = 15

/** Of a capacity in one word. */
const MOST_CAPACITY = 2 ** 31 - 1

/** What a task is: a function, and what it is called with. */
export interface Posting {
  readonly fn: number
  /** Where the definition of the function lies. */
  readonly definition: number
  readonly shape: number
  readonly index: number
  /** Items, of a task of many; 0: it is one. */
  readonly count: number
  readonly attempt: number
  /** Tasks whose results are wanted together have a number in common; 0: this result is wanted as soon as it is there. */
  readonly batch: number
  readonly value: PackedValue
  /** It may be run again, so its result must not be written over it. */
  readonly again: boolean
}

/** A task as its taker reads it. */
export interface Taken {
  readonly slot: number
  readonly fn: number
  readonly shape: number
  readonly index: number
  readonly count: number
  readonly attempt: number
  readonly batch: number
}

/** What is known of a result; `value` is not there when it is `away`. */
export interface Outcome {
  readonly failed: boolean
  readonly away: boolean
  readonly value: unknown
}

/** Microseconds of a clock that all processes of a machine share, in 32 bits: for differences. */
const [seconds, nanos] = process.hrtime()
const offset = seconds * 1e6 + nanos / 1e3 - performance.now() * 1e3
export const clock = (): number => (offset + performance.now() * 1e3) | 0

export class TaskBoard extends SharedObject {
  readonly #tasks: Line
  readonly #results: Line
  readonly #spare: SpareBlocks

  constructor()
  /** @internal */
  constructor(adoption: Adoption)
  constructor(adoption?: Adoption) {
    super(adoption ?? currentSession().create(KIND, BODY_WORDS))
    this.#tasks = new Line(this.session, this.w, this.at + TASKS)
    this.#results = new Line(this.session, this.w, this.at + RESULTS)
    this.#spare = new SpareBlocks(this.session)
    if (adoption === undefined) this.session.publish(this)
  }

  #slot(slot: number): number {
    return this.at + FIRST + slot * SLOT_WORDS
  }

  // ── the giver ──

  /** @throws {NotSerializableError} {OutOfSharedMemoryError} and nothing is kept */
  pack(value: unknown): PackedValue {
    return packValue(this.session, value, ROOM, this.#spare)
  }

  /** The items of a task of many, MOST_ITEMS at the most. Throws the same. */
  packItems(items: readonly unknown[]): PackedValue {
    return packItems(this.session, items, ROOM, this.#spare)
  }

  discard(value: PackedValue): void {
    discardValue(this.session, value, this.#spare)
  }

  /** A value that everybody may read, in a block of its own: `low` says where. */
  keep(value: unknown): PackedValue {
    return packValue(this.session, value, 0)
  }

  get hasRoom(): boolean {
    return hasRoom(this.w, this.at + CLAIMS, SLOTS)
  }

  /** Lays the task into a FREE slot, and wakes a taker. May throw OutOfSharedMemoryError, and nothing was done. */
  offer(slot: number, posting: Posting): void {
    const { w } = this
    const at = this.#slot(slot)
    const { count } = posting
    let records = 0
    if (count > 0) {
      records = this.session.allocator.allocate(count * CELL * 4)
      const cells = this.session.segment.wordsAt(records)
      const first = this.session.segment.indexOf(records)
      for (let i = 0; i < count; i++) poke(cells, first + i * CELL, 0)
    }
    poke(w, at + FUNCTION, posting.fn)
    poke(w, at + DEFINITION, posting.definition)
    poke(w, at + SHAPE, posting.shape)
    poke(w, at + INDEX, posting.index)
    poke(w, at + COUNT, count)
    poke(w, at + ATTEMPT, posting.attempt)
    poke(w, at + BATCH, posting.batch)
    poke(w, at + RECORDS, toRef(records))
    poke(w, at + BEGUN, 0)
    poke(w, at + ABORT, 0)
    poke(w, at + BEGAN, 0)
    poke(w, at + CAPACITY, posting.again ? 0 : Math.min(posting.value.capacity, MOST_CAPACITY))
    pokeValue(w, at + TASK, at + TASK_AREA, posting.value)
    offer(w, this.at + CLAIMS, SLOTS, slot)
    wakeOne(this.session.w, w, this.at + TASKS)
  }

  /** True: nobody has taken it; the slot is FREE. */
  withdraw(slot: number): boolean {
    if (!withdraw(this.w, this.at + CLAIMS, SLOTS, slot)) return false
    this.#freeRecords(slot)
    return true
  }

  /** Its result was read, or its taker is dead. */
  release(slot: number): void {
    this.#freeRecords(slot)
    release(this.w, this.at + CLAIMS, SLOTS, slot)
  }

  #freeRecords(slot: number): void {
    const at = this.#slot(slot) + RECORDS
    const records = toAddress(peek(this.w, at))
    if (records === 0) return
    poke(this.w, at, 0)
    this.session.allocator.free(records)
  }

  isWaiting(slot: number): boolean {
    return stateOf(this.w, this.at + CLAIMS, SLOTS, slot) === READY
  }

  isDone(slot: number): boolean {
    return codeOf(stateOf(this.w, this.at + CLAIMS, SLOTS, slot)) === DONE
  }

  /** Who has it in hand; 0: nobody. */
  holder(slot: number): number {
    const state = stateOf(this.w, this.at + CLAIMS, SLOTS, slot)
    return codeOf(state) === CLAIMED ? takerOf(state) : 0
  }

  /** It has some task in hand. */
  isHolder(taker: number): boolean {
    for (let slot = 0; slot < SLOTS; slot++) if (this.holder(slot) === taker) return true
    return false
  }

  /** Who did a task that is done. */
  doer(slot: number): number {
    return takerOf(stateOf(this.w, this.at + CLAIMS, SLOTS, slot))
  }

  /** Tells the taker that nobody wants the result any more: it sees it between two items. */
  askToStop(slot: number, why: number): void {
    store(this.w, this.#slot(slot) + ABORT, why)
  }

  /**
   * When it was begun and how long it took, in clock() and µs. Of one in hand only the first; 0: its taker is still importing the
   * function.
   */
  began(slot: number): number {
    return load(this.w, this.#slot(slot) + BEGAN)
  }

  took(slot: number): number {
    return peek(this.w, this.#slot(slot) + TOOK) >>> 0
  }

  /** How many items were begun. */
  begun(slot: number): number {
    return load(this.w, this.#slot(slot) + BEGUN)
  }

  /** Of a task that is DONE. Throws what decode() throws. */
  outcome(slot: number): Outcome {
    const at = this.#slot(slot)
    const word = peek(this.w, at + RESULT)
    const failed = (word & FAILED) !== 0
    const away = (word & KIND_BITS) === AWAY
    if (away) return { failed, away, value: undefined }
    poke(this.w, at + RESULT, word & KIND_BITS)
    return { failed, away, value: peekValue(this.session, this.w, at + RESULT, at + RESULT_AREA) }
  }

  /**
   * Calls back for each item that has a result, in order; gives how many there are. `away` ones have no value. Of a task that is DONE, or
   * whose taker is dead: whoever has seen that sees all that the taker wrote.
   */
  records(slot: number, each: (i: number, failed: boolean, away: boolean, value: unknown) => void): number {
    const at = this.#slot(slot)
    const count = peek(this.w, at + COUNT)
    const address = toAddress(peek(this.w, at + RECORDS))
    const cells = this.session.segment.wordsAt(address)
    const first = this.session.segment.indexOf(address)
    for (let i = 0; i < count; i++) {
      const word = peek(cells, first + i * CELL)
      if (word === 0) return i
      const kind = word & KIND_BITS
      each(i, (word & FAILED) !== 0, kind === AWAY, peekScalar(cells, first + i * CELL, kind))
    }
    return count
  }

  /** Waits until somebody has something to tell. The event loop stays alive meanwhile. */
  untilNews<T>(attempt: () => T | typeof NONE, timeout?: number): Promise<T | undefined> {
    const waiting = this.#results.until('Pool', attempt, timeout === undefined ? undefined : { timeout })
    if (timeout === undefined) return waiting
    return waiting.catch(error => {
      if (error instanceof TimeoutError) return undefined
      throw error
    })
  }

  news(): number {
    return news(this.w, this.at + CLAIMS)
  }

  /** Takers look again, all of them. */
  wakeTakers(): void {
    wakeAll(this.session.w, this.w, this.at + TASKS)
  }

  // ── the takers ──

  /** Waits until a task can be taken, or `otherwise` says that there is no need to. Gives its slot, or -1. */
  take(taker: number, otherwise: () => boolean): Promise<number> {
    return this.#tasks.until('Pool', () => {
      if (otherwise()) return -1
      const slot = this.tryTake(taker)
      return slot < 0 ? NONE : slot
    })
  }

  /** A task, or -1. */
  tryTake(taker: number): number {
    return claim(this.w, this.at + CLAIMS, SLOTS, taker)
  }

  /** What came with tasks, and is not used any more, goes, if that is due. */
  collectYoung(): void {
    this.session.collectYoung()
  }

  /** There seems to be a task to take. */
  get hasTasks(): boolean {
    return hasTickets(this.w, this.at + CLAIMS)
  }

  /** Whoever leaves without taking hands on what it may have been woken for. */
  passOn(): void {
    if (this.hasTasks) wakeOne(this.session.w, this.w, this.at + TASKS)
  }

  read(slot: number): Taken {
    const { w } = this
    const at = this.#slot(slot)
    return {
      slot,
      fn: peek(w, at + FUNCTION),
      shape: peek(w, at + SHAPE),
      index: peek(w, at + INDEX),
      count: peek(w, at + COUNT),
      attempt: peek(w, at + ATTEMPT),
      batch: peek(w, at + BATCH),
    }
  }

  /** What the function is called with. Throws what decode() throws. */
  value(slot: number): unknown {
    const at = this.#slot(slot)
    return peekValue(this.session, this.w, at + TASK, at + TASK_AREA)
  }

  definition(slot: number): unknown {
    return readBlock(this.session, peek(this.w, this.#slot(slot) + DEFINITION))
  }

  /** Why it need not go on; 0: it shall. */
  askedToStop(slot: number): number {
    return load(this.w, this.#slot(slot) + ABORT)
  }

  begin(slot: number, now: number): void {
    store(this.w, this.#slot(slot) + BEGAN, now || 1)
  }

  /** Its result as far as it is small; false: it must go another way, before finish(). */
  result(slot: number, value: unknown, failed: boolean): boolean {
    const at = this.#slot(slot)
    const { w } = this
    const capacity = peek(w, at + CAPACITY)
    let lies = pokeSmall(w, at + RESULT, at + RESULT_AREA, ROOM, value)
    if (!lies && capacity > 0 && !failed) {
      lies = rewriteBlock(this.session, w, at + RESULT, peek(w, at + TASK + 1), capacity, value)
    }
    if (!lies) poke(w, at + RESULT, AWAY)
    if (failed) poke(w, at + RESULT, peek(w, at + RESULT) | FAILED)
    return lies
  }

  /** The cells of the items of a task of many. */
  items(slot: number): { cells: Words; first: number } {
    const address = toAddress(peek(this.w, this.#slot(slot) + RECORDS))
    return { cells: this.session.segment.wordsAt(address), first: this.session.segment.indexOf(address) }
  }

  /** A plain write, as those of results: the giver looks when the task is DONE, or its taker dead, and then sees all that this one wrote. */
  beginItem(slot: number, i: number): void {
    poke(this.w, this.#slot(slot) + BEGUN, i + 1)
  }

  /** `quietly`: the giver may sleep on; wakeGiver() comes later. */
  finish(slot: number, taker: number, took: number, quietly: boolean): void {
    poke(this.w, this.#slot(slot) + TOOK, took)
    finish(this.w, this.at + CLAIMS, SLOTS, slot, taker)
    if (!quietly) this.wakeGiver()
  }

  wakeGiver(): void {
    wakeOne(this.session.w, this.w, this.at + RESULTS)
  }

  /** There is something in the queue beside the board. */
  tell(): void {
    tell(this.w, this.at + CLAIMS)
    this.wakeGiver()
  }

  protected override summary(): Record<string, unknown> {
    return { slots: SLOTS }
  }

  protected override leave(): void {
    this.#spare.free()
    this.#tasks.fail(this.closedError())
    this.#results.fail(this.closedError())
  }
}

/** The result of item `i`, if it is a scalar; false: it must go another way, before awayItem(). */
export function recordItem(cells: Words, first: number, i: number, value: unknown): boolean {
  const cell = first + i * CELL
  const kind = pokeScalar(cells, cell, value)
  if (kind < 0) return false
  poke(cells, cell, kind | RECORDED)
  return true
}

/** The result of item `i` has gone another way. */
export function awayItem(cells: Words, first: number, i: number, failed: boolean): void {
  store(cells, first + i * CELL, AWAY | RECORDED | (failed ? FAILED : 0))
}

export const taskBoardKind: Kind = {
  code: KIND,
  name: 'TaskBoard',
  open: adoption => new TaskBoard(adoption),
  recover(session, address, dead) {
    const { w, at } = bodyAt(session, address)
    forget(w, at + TASKS, slotOf(dead))
    forget(w, at + RESULTS, slotOf(dead))
    return true
  },
  takeApart() {},
  check(session, address) {
    const { w, at } = bodyAt(session, address)
    return [...checkWaiters(session, w, at + TASKS), ...checkWaiters(session, w, at + RESULTS)]
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    let waiting = 0
    let inHand = 0
    for (let slot = 0; slot < SLOTS; slot++) {
      const state = codeOf(stateOf(w, at + CLAIMS, SLOTS, slot))
      if (state === READY) waiting++
      if (state === CLAIMED) inHand++
    }
    return { waiters: markedIn(w, at + TASKS), exclusive: false, detail: { waiting, inHand } }
  },
}
