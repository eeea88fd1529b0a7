/**
 * The items of a queue in shared memory: a chain of segments that producers write at one end and consumers read at the
 * other. Bounded by a number of items, by the weight of those that nobody has taken (a pipe), or by nothing but memory.
 *
 *   first ─▶ segment ─next─▶ segment ─next─▶ segment          segment: next · capacity · records …
 *               ▲ head                          ▲ tail        record:  kind and length · payload, or a block's address
 *
 *   not there ──[P3] put──▶ QUEUED ──[C3] get──▶ the consumer's        OPEN ──▶ DRAINING (no more puts) ──▶ DROPPED
 *
 * HEAD and TAIL count items, and each is the one word that commits: item n is there when TAIL passes n, gone when HEAD
 * does. Where it lies follows from them: `putAt` and `getAt` each have two places, and the one that belongs to count n is
 * place n & 1. Only the other one is written before the commit, so a death leaves the one that counts as it was. In the same
 * way, and only where `mark` is set, `putWeight` and `getWeight` say how much all items up to that count weigh: what nobody
 * has taken weighs their difference, and no death can put it wrong. A put goes in while that is at most `mark`, so
 * always when there is nothing, however heavy the item.
 *
 * Who writes the words
 *   tail, putAt, putWeight, first, next, records   whoever holds the put latch
 *   head, getAt, getWeight                         whoever holds the get latch; producers read getWeight beside it
 *   state    only up: under the put latch; by end() without it, when nobody puts any more or nobody will get
 *   beside   whoever holds the latch of the leases (leases.ts); 0 in a queue that has none
 *
 * put, under the put latch                          get, under the get latch
 *   [P1] write the record beyond TAIL                 [C1] copy the record, or own its block
 *   [P2] write the other place of putAt, putWeight    [C2] own the segment that is done with; write the other getAt,
 *                                                          getWeight
 *   [P3] store TAIL + 1: committed                    [C3] store HEAD + 1: committed
 *   [P4] hand block and segment to the queue          [C4] free the segment
 *   [P5] ring one consumer, outside the latch         [C5] ring one producer, outside the latch
 *   [P6] and the next producer, if the mark was not reached: one light item more may make room for many
 *
 * If a process dies
 *   before [P3]    what lies beyond TAIL is garbage, and written over by the next one. Block and segment are the dead's
 *                  and freed with it.
 *   before [P4]    the item is there, its block or segment still the dead's: recovery finds them in the chain [D1] and
 *                  hands them to the queue before it frees what the dead owned.
 *   before [P5]    the consumer was not rung: recovery rings everybody. So it does for [P6].
 *   before [C3]    the item is still first. Its block or segment may be the dead's: [D1].
 *                  (Where leases are kept, [C1] notes the block and leaves it the queue's: leases.ts.)
 *   after [C3]     the item was the dead consumer's. Its block, and a segment that was done with, are freed with it.
 * A latch that died with its holder needs no mending: whoever comes next takes it over, or the recovery frees it [D2]. Where the
 * stack ends inside it is left as it would be at that step, and others go on.
 * A shutdown that died before it had dropped everything: whoever meets DROPPED gets nothing, and may drop the rest.
 */
import { compareExchange, load, peek, poke, pokeAll, store, type Words } from '#words'
import type { Allocator, Memory } from '../arena/allocator.ts'
import { BUSY, ENTERED, tryEnter, tryWithin, within } from '../arena/latch.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import { NOBODY, ownerOf, PARCEL, QUEUED } from '../arena/owner.ts'
import { WAIT_SET_WORDS, wakeOne } from '../arena/wait-set.ts'
import { blockHeader, END, HEAVIEST, inlineHeader, readRecord, type Taken, weightOf } from './record.ts'

const MAXSIZE = 0
const STATE = 1
const FIRST = 2
const MARK = 3
const PUT_LATCH = 16
const TAIL = 17
const PUT_AT = 18 // two places of two words: segment, index of its next record
const PUT_WEIGHT = 22 // two places of one word
const GET_LATCH = 32
const HEAD = 33
const GET_AT = 34
const GET_WEIGHT = 38
/** Items that were taken and came back: queued, though no longer in here. They take up room. */
export const BESIDE = 40
export const NOT_EMPTY = 48
export const NOT_FULL = NOT_EMPTY + WAIT_SET_WORDS
export const LOG_WORDS = NOT_FULL + WAIT_SET_WORDS

export const OPEN = 0
export const DRAINING = 1
export const DROPPED = 2

const NEXT = 0
const CAPACITY = 1
const RECORDS = 2

/** The largest payload that is copied under the latch, bytes: about a microsecond. */
export const INLINE_BYTES = 4096
const SMALLEST_SEGMENT = 1024
const LARGEST_SEGMENT = 32768

/** What an attempt came to. */
export const DONE = 1
export const NOT_NOW = 2 //  full, or empty
export const HELD_UP = 3 //  somebody holds the latch for long
export const CLOSED = 4 //   shut down

/** Takes note of the block that item number `head` lies in, before it is taken. The block remains the queue's. */
export type Note = (block: number, head: number) => void

export interface LogPlace {
  readonly w: Words
  readonly me: number
  readonly allocator: Allocator
  readonly segment: Memory
}

export class Log {
  readonly #place: LogPlace
  readonly #arena: Words
  readonly #me: number
  readonly #w: Words
  readonly #at: number
  /** A segment allocated for a put that found no room, until that put is over. */
  #spare = 0
  /** A segment that the last take() was done with. */
  #emptied = 0
  /** The last put left the mark unreached. */
  #roomLeft = false

  /** `w`, `at`: the queue's own words. */
  constructor(place: LogPlace, w: Words, at: number) {
    this.#place = place
    this.#arena = place.w
    this.#me = place.me
    this.#w = w
    this.#at = at
  }

  /** Of a queue that nobody else knows yet. `markBytes`: puts wait while more than this lies there; 0: they do not. */
  static initialise(w: Words, at: number, maxsize: number, markBytes = 0): void {
    poke(w, at + MAXSIZE, maxsize)
    poke(w, at + MARK, Math.min(HEAVIEST, Math.floor(markBytes / 4)))
  }

  get maxsize(): number {
    return peek(this.#w, this.#at + MAXSIZE)
  }

  get state(): number {
    return load(this.#w, this.#at + STATE)
  }

  /** Items that somebody will get: none, once they are to be dropped. */
  size(): number {
    return this.state === DROPPED ? 0 : this.#count()
  }

  #count(): number {
    const tail = load(this.#w, this.#at + TAIL)
    return Math.max(0, (tail - load(this.#w, this.#at + HEAD)) | 0) + load(this.#w, this.#at + BESIDE)
  }

  /** What lies there weighs so many bytes, at a glance; 0 where weights are not kept. */
  bytes(): number {
    return this.state === DROPPED ? 0 : Math.max(0, this.#untaken(load(this.#w, this.#at + TAIL))) * 4
  }

  /** The number of the item that the next get takes. */
  get head(): number {
    return load(this.#w, this.#at + HEAD)
  }

  #isFull(): boolean {
    const maxsize = peek(this.#w, this.#at + MAXSIZE)
    return maxsize !== 0 && this.#count() >= maxsize
  }

  // ── put ──

  /** Puts `bytes` of `payload`, the first `head` of them the head. */
  putInline(payload: Int32Array, bytes: number, head: number): number {
    return this.#put(inlineHeader(bytes, head), payload, (bytes + 3) >>> 2, 0)
  }

  /** Puts a parcel that belongs to this participant; `bytes` is what it counts for. */
  putBlock(block: number, bytes = 0): number {
    return this.#put(blockHeader(bytes), undefined, 1, block)
  }

  /** May throw OutOfSharedMemoryError, having put nothing. */
  #put(header: number, payload: Int32Array | undefined, words: number, block: number): number {
    const w = this.#w
    const at = this.#at
    this.#freeSpare() // of a put that threw
    for (;;) {
      if (this.#spare === 0) {
        if (load(w, at + STATE) !== OPEN) return CLOSED
        if (this.#isFull()) return NOT_NOW
      }
      // as tryWithin() does it; a function made for each put would cost a tenth of it
      let outcome = HELD_UP
      let entered = ENTERED
      try {
        entered = tryEnter(this.#arena, w, at + PUT_LATCH, this.#me)
        if (entered !== BUSY) outcome = this.#putLatched(header, payload, words, block)
      } finally {
        if (entered !== BUSY) compareExchange(w, at + PUT_LATCH, this.#me, NOBODY)
      }
      if (outcome === DONE) {
        wakeOne(this.#arena, w, at + NOT_EMPTY) // [P5]
        if (this.#roomLeft) wakeOne(this.#arena, w, at + NOT_FULL) // [P6]
      }
      if (outcome > 0) {
        this.#freeSpare()
        return outcome
      }
      this.#spare = this.#newSegment(-outcome, words)
    }
  }

  /** An outcome, or minus the capacity of the segment that has no room: bring another. */
  #putLatched(header: number, payload: Int32Array | undefined, words: number, block: number): number {
    const w = this.#w
    const at = this.#at
    if (load(w, at + STATE) !== OPEN) return CLOSED
    const tail = peek(w, at + TAIL)
    const maxsize = peek(w, at + MAXSIZE)
    if (maxsize !== 0 && ((tail - load(w, at + HEAD)) | 0) + load(w, at + BESIDE) >= maxsize) return NOT_NOW
    const mark = peek(w, at + MARK)
    if (mark !== 0 && this.#untaken(tail) > mark) return NOT_NOW
    const here = at + PUT_AT + (tail & 1) * 2
    let segment = toAddress(peek(w, here))
    let i = peek(w, here + 1)
    const { allocator } = this.#place
    const spare = this.#spare
    const capacity = segment === 0 ? 0 : this.#capacity(segment)
    const grows = i + 1 + words > capacity
    if (grows) {
      if (spare === 0) return -Math.max(1, capacity)
      if (segment === 0) poke(w, at + FIRST, toRef(spare))
      else {
        if (i < capacity) this.#poke(segment, i, END)
        this.#poke(segment, NEXT, toRef(spare))
      }
      segment = spare
      i = RECORDS
    }
    const s = this.#place.segment.wordsAt(segment)
    const record = this.#place.segment.indexOf(segment) + i
    poke(s, record, header) // [P1]
    if (payload) pokeAll(s, record + 1, payload, words)
    else poke(s, record + 1, toRef(block))
    const there = at + PUT_AT + (~tail & 1) * 2
    poke(w, there, toRef(segment)) // [P2]
    poke(w, there + 1, i + 1 + words)
    if (mark !== 0) {
      const weight = weightOf(header)
      this.#roomLeft = this.#untaken(tail) + weight <= mark
      poke(w, at + PUT_WEIGHT + (~tail & 1), (peek(w, at + PUT_WEIGHT + (tail & 1)) + weight) | 0)
    }
    // [P4] goes as deep as these: where the stack ends is seen before [P3], after which nothing may throw
    const spareOwner = grows ? allocator.owner(spare) : NOBODY
    const blockOwner = block !== 0 ? allocator.owner(block) : NOBODY
    if (grows) this.#spare = 0 // before: whatever is thrown, what is in the chain is not freed
    store(w, at + TAIL, (tail + 1) | 0) // [P3] publishes the record and its place; pairs with [C1]
    if (grows) allocator.swapOwner(spare, spareOwner, QUEUED) // [P4]
    // unless a consumer was so quick that it owns it already
    if (block !== 0) allocator.swapOwner(block, blockOwner, QUEUED | (blockOwner & PARCEL))
    return DONE
  }

  /**
   * Under the put latch: what the items up to `tail` weigh that nobody has taken. A get that comes between the two loads
   * may be counted although it is not committed; then the item is on its way out.
   */
  #untaken(tail: number): number {
    const head = load(this.#w, this.#at + HEAD)
    const taken = load(this.#w, this.#at + GET_WEIGHT + (head & 1))
    return (peek(this.#w, this.#at + PUT_WEIGHT + (tail & 1)) - taken) | 0
  }

  /** Four times the last, so that a queue of a few items is small and one of millions has long segments. */
  #newSegment(lastCapacity: number, words: number): number {
    const bytes = Math.max(
      Math.min(LARGEST_SEGMENT, Math.max(SMALLEST_SEGMENT, lastCapacity * 16)),
      (RECORDS + 1 + words) * 4,
    )
    const segment = this.#place.allocator.allocate(bytes)
    this.#poke(segment, NEXT, 0)
    this.#poke(segment, CAPACITY, Math.floor(bytes / 4))
    return segment
  }

  /** Another producer brought a segment first, or there was no room any more. */
  #freeSpare(): void {
    const spare = this.#spare
    if (spare === 0) return
    this.#spare = 0
    this.#place.allocator.free(spare)
  }

  // ── get ──

  /** Takes the oldest item into `taken`; with `dropping` also one that nobody is to get. */
  get(taken: Taken, dropping = false): number {
    const outcome = this.take(taken, dropping)
    if (outcome === DONE) this.settle()
    return outcome
  }

  /** Does what a get does under its latch; settle() must follow what is DONE. */
  take(taken: Taken, dropping = false, note?: Note): number {
    const w = this.#w
    const at = this.#at
    const state = load(w, at + STATE)
    if (state === DROPPED && !dropping) return CLOSED
    if (load(w, at + HEAD) === load(w, at + TAIL)) return state === OPEN ? NOT_NOW : CLOSED
    let entered = ENTERED // as in put
    try {
      entered = tryEnter(this.#arena, w, at + GET_LATCH, this.#me)
      if (entered === BUSY) return HELD_UP
      const head = peek(w, at + HEAD)
      if (head === load(w, at + TAIL)) return state === OPEN ? NOT_NOW : CLOSED
      this.#emptied = this.#getLatched(head, taken, note)
    } finally {
      if (entered !== BUSY) compareExchange(w, at + GET_LATCH, this.#me, NOBODY)
    }
    return DONE
  }

  /** After a take(), or when an item beside the log was taken. */
  settle(): void {
    const emptied = this.#emptied
    this.#emptied = 0
    if (emptied !== 0) this.#place.allocator.free(emptied) // [C4]
    const isBounded = (peek(this.#w, this.#at + MAXSIZE) | peek(this.#w, this.#at + MARK)) !== 0
    if (isBounded) wakeOne(this.#arena, this.#w, this.#at + NOT_FULL) // [C5]
  }

  /** Gives the segment that is done with, or 0. */
  #getLatched(head: number, taken: Taken, note: Note | undefined): number {
    const w = this.#w
    const at = this.#at
    const { allocator } = this.#place
    const here = at + GET_AT + (head & 1) * 2
    const before = toAddress(peek(w, here))
    let segment = before
    let i = peek(w, here + 1)
    if (segment === 0) {
      segment = toAddress(peek(w, at + FIRST))
      i = RECORDS
    } else if (this.#isEnd(segment, i)) {
      segment = toAddress(this.#peek(segment, NEXT))
      i = RECORDS
    }
    const s = this.#place.segment.wordsAt(segment)
    const record = this.#place.segment.indexOf(segment) + i
    const words = readRecord(s, record, taken) // [C1] pairs with [P3]
    if (note !== undefined) note(taken.block, head)
    else if (taken.block !== 0) allocator.setOwner(taken.block, this.#me | (allocator.owner(taken.block) & PARCEL))
    const emptied = segment === before ? 0 : before
    if (emptied !== 0) allocator.setOwner(emptied, this.#me) // [C2]
    const there = at + GET_AT + (~head & 1) * 2
    poke(w, there, toRef(segment))
    poke(w, there + 1, i + 1 + words)
    if (peek(w, at + MARK) !== 0) {
      const soFar = peek(w, at + GET_WEIGHT + (head & 1))
      store(w, at + GET_WEIGHT + (~head & 1), (soFar + weightOf(peek(s, record))) | 0)
    }
    store(w, at + HEAD, (head + 1) | 0) // [C3] makes room; pairs with the load of HEAD in put
    return emptied
  }

  #isEnd(segment: number, i: number): boolean {
    return i >= this.#capacity(segment) || this.#peek(segment, i) === END
  }

  // ── the end of it ──

  /** No more puts; with `drop` no more gets either. Waits for nobody but the latch. */
  shutDown(drop: boolean): void {
    const state = drop ? DROPPED : DRAINING
    within(this.#arena, this.#w, this.#at + PUT_LATCH, this.#me, () => {
      if (load(this.#w, this.#at + STATE) < state) store(this.#w, this.#at + STATE, state)
    })
  }

  /**
   * The same without the latch, so without waiting for a process that was stopped inside it. For the end of a pipe: with
   * `drop` its readers are gone, and what is put in this very moment lies there until somebody drops it; without, its
   * writers are gone.
   */
  end(drop: boolean): void {
    const state = drop ? DROPPED : DRAINING
    for (let seen = this.state; seen < state; seen = this.state) {
      if (compareExchange(this.#w, this.#at + STATE, seen, state) === seen) return
    }
  }

  /** The last segment, of a queue that is empty and that nobody refers to any more. */
  freeLast(): void {
    const head = peek(this.#w, this.#at + HEAD)
    const here = this.#at + GET_AT + (head & 1) * 2
    const segment = toAddress(peek(this.#w, here))
    if (segment === 0) return
    this.#place.allocator.setOwner(segment, this.#me) // ours before it is out of the chain, as in [C2]
    poke(this.#w, here, 0)
    this.#place.allocator.free(segment)
  }

  // ── recovery and check: the whole chain ──

  /** [D1] of `blocks`, which a dead participant owned, those that the queue refers to become the queue's. */
  reclaim(blocks: Set<number>, dead: number): boolean {
    compareExchange(this.#w, this.#at + PUT_LATCH, dead, 0) // [D2]
    compareExchange(this.#w, this.#at + GET_LATCH, dead, 0)
    if (blocks.size === 0) return true
    const { allocator } = this.#place
    return this.#walk(block => {
      if (!blocks.delete(block)) return
      const owner = allocator.owner(block)
      allocator.swapOwner(block, owner, QUEUED | (owner & PARCEL))
    })
  }

  /** What is impossible about the chain; takes its blocks out of `queued`. */
  check(queued: Set<number>): string[] {
    const wrong: string[] = []
    let items = 0
    let weight = 0
    const looked = this.#walk(
      block => {
        const owner = this.#place.allocator.owner(block)
        if (ownerOf(owner) !== QUEUED)
          wrong.push(`block 0x${block.toString(16)} in it has owner 0x${owner.toString(16)}`)
        queued.delete(block)
      },
      each => {
        items++
        weight += each
      },
    )
    const w = this.#w
    const untaken = this.#untaken(load(w, this.#at + TAIL))
    if (!looked) wrong.push('its latches are held')
    else if (peek(w, this.#at + MARK) !== 0 && untaken !== weight) {
      wrong.push(`its items weigh ${weight} words, ${untaken} are counted`)
    } else if (items !== this.#count() - load(w, this.#at + BESIDE)) {
      wrong.push(`it has ${items} items and counts ${this.#count()}`)
    }
    return wrong
  }

  /** Calls `each` with every segment and block of the chain. False: a latch was busy. */
  #walk(each: (block: number) => void, item: (weight: number) => void = () => {}): boolean {
    const w = this.#w
    const at = this.#at
    const arena = this.#arena
    const me = this.#me
    return tryWithin(arena, w, at + PUT_LATCH, me, false, () =>
      tryWithin(arena, w, at + GET_LATCH, me, false, () => this.#walkLatched(each, item)),
    )
  }

  #walkLatched(each: (block: number) => void, item: (weight: number) => void): boolean {
    const w = this.#w
    const at = this.#at
    const head = peek(w, at + HEAD)
    const tail = peek(w, at + TAIL)
    const here = at + GET_AT + (head & 1) * 2
    let segment = toAddress(peek(w, here))
    let i = peek(w, here + 1)
    if (segment !== 0) each(segment)
    const taken: Taken = { payload: new Int32Array(0), bytes: 0, head: 0, block: 0 }
    for (let n = head; n !== tail; n = (n + 1) | 0) {
      if (segment === 0 || this.#isEnd(segment, i)) {
        segment = toAddress(segment === 0 ? peek(w, at + FIRST) : this.#peek(segment, NEXT))
        i = RECORDS
        each(segment)
      }
      const s = this.#place.segment.wordsAt(segment)
      const record = this.#place.segment.indexOf(segment) + i
      i += 1 + readRecord(s, record, taken)
      if (taken.block !== 0) each(taken.block)
      item(weightOf(peek(s, record)))
    }
    return true
  }

  /** Who holds the latches, for check. */
  latches(): number[] {
    return [load(this.#w, this.#at + PUT_LATCH), load(this.#w, this.#at + GET_LATCH)]
  }

  #capacity(segment: number): number {
    return this.#peek(segment, CAPACITY)
  }

  #peek(segment: number, i: number): number {
    return peek(this.#place.segment.wordsAt(segment), this.#place.segment.indexOf(segment) + i)
  }

  #poke(segment: number, i: number, value: number): void {
    poke(this.#place.segment.wordsAt(segment), this.#place.segment.indexOf(segment) + i, value)
  }
}
