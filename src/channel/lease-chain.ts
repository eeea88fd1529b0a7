/**
 * The chain of leases: through the blocks of items that were taken from a queue and are not finished (leases.ts), whoever
 * has them. A latch of its own, and what is derived from the chain under it.
 *
 *   first ─▶ block ─next─▶ block ─next─▶ block      lease in a block: state · sequence · deliveries · next · before · after
 *
 *   not in it ──[N1] add──▶ CLAIMED(me) ── … ──[N4] remove──▶ not in it, the block is its remover's
 *
 * `first`, `next` and the states are the truth. Derived from them, and derived anew whenever the latch was abandoned and in
 * every recovery: `before` (the chain backwards), the list of those that are READY in their old order (`ready`, `after`),
 * how many are in hand (`inHand`), how many are READY (`beside`, in the log's words: they take up room in the queue).
 *
 * Who writes the words: whoever holds the latch. A state is read without it, too.
 *
 *   add, before the log's commit                        remove
 *   [N1] write the lease: CLAIMED(me), its sequence     [N3] own the block
 *   [N2] first = the block                              [N4] what lies before it passes it by: committed
 *
 * If a process dies
 *   after [N2]             the first block is CLAIMED. When its sequence is HEAD, the log still has it, and whoever enters next
 *                          takes it out of the chain [V1]; when HEAD has passed it, it was taken, and is HELD [V2].
 *   before [N4]            the block is the dead's and in the chain: recovery gives it back to the queue.
 *   after [N4]             the block is the dead's, and freed with it.
 *   with the latch         who enters next derives anew what is derived.
 */
import { load, peek, poke, store, type Words } from '#words'
import { toAddress, toRef } from '../arena/layout.ts'
import { MendingLatch } from '../arena/mending-latch.ts'
import { ownerOf, PARCEL, QUEUED } from '../arena/owner.ts'
import { PARCEL_WORDS } from '../arena/references.ts'
import { WAIT_SET_WORDS } from '../arena/wait-set.ts'
import { BESIDE, LOG_WORDS, type Log, type LogPlace } from './log.ts'

/** From the next cache line behind the log's words on. */
const LATCH = Math.ceil(LOG_WORDS / 16) * 16
const FIRST = LATCH + 1
const READY_FIRST = LATCH + 2
const IN_HAND = LATCH + 3
export const MAX_DELIVERIES = LATCH + 4
export const LETTERS_LATCH = LATCH + 5
export const ALL_DONE = LATCH + 16
export const LEASED_LOG_WORDS = ALL_DONE + WAIT_SET_WORDS

/** The words of a lease, in the header of its parcel. */
const STATE = PARCEL_WORDS.lease
const SEQUENCE = STATE + 1
const DELIVERIES = STATE + 2
const NEXT = STATE + 3
const BEFORE = STATE + 4
const AFTER = STATE + 5

/** Beside a token. HELD has no flag. */
const CLAIMED = 1 << 29
export const FINISHED = 1 << 30
const TOKEN = (1 << 28) - 1
/** No tokens: their slot bits are 0. The number of deliveries stands above them. */
export const READY = 1 << 11
export const LETTER = 2 << 11
export const COUNT = 13
const KIND = (1 << COUNT) - 1

export const isHolder = (state: number): boolean => (state & 0x7ff) !== 0
export const isInHand = (state: number): boolean => isHolder(state) && (state & FINISHED) === 0
export const holderOf = (state: number): number => (isHolder(state) ? state & TOKEN : 0)
export const isOf = (kind: number, state: number): boolean => (state & KIND) === kind

export class LeaseChain {
  /** All below is done under it, but for what says otherwise. */
  readonly latch: MendingLatch
  readonly #place: LogPlace
  readonly #me: number
  readonly #log: Log
  readonly #w: Words
  readonly #at: number

  /** `w`, `at`: the queue's own words. */
  constructor(place: LogPlace, log: Log, w: Words, at: number) {
    this.latch = new MendingLatch(place.w, place.me, w, at + LATCH, () => this.#mend())
    this.#place = place
    this.#me = place.me
    this.#log = log
    this.#w = w
    this.#at = at
  }

  // ── the chain ──

  get first(): number {
    return toAddress(peek(this.#w, this.#at + FIRST))
  }

  next(block: number): number {
    return toAddress(this.#peek(block, NEXT))
  }

  /** The log is about to give this block out, as item number `head`. */
  add(block: number, head: number): void {
    const first = peek(this.#w, this.#at + FIRST)
    this.#poke(block, SEQUENCE, head) // [N1]
    this.#poke(block, DELIVERIES, 1)
    this.#poke(block, NEXT, first)
    this.#poke(block, BEFORE, 0)
    this.setState(block, CLAIMED | this.#me)
    store(this.#w, this.#at + FIRST, toRef(block)) // [N2]
  }

  /** The log has given it out: the links back are set. */
  added(block: number): void {
    const next = this.next(block)
    if (next !== 0) this.#poke(next, BEFORE, toRef(block))
  }

  /** The block is `owner`'s from here on. */
  remove(block: number, owner: number): void {
    const { allocator } = this.#place
    allocator.setOwner(block, owner | (allocator.owner(block) & PARCEL)) // [N3]
    const next = this.#peek(block, NEXT)
    const before = this.#peek(block, BEFORE)
    if (before === 0)
      store(this.#w, this.#at + FIRST, next) // [N4]
    else this.#store(toAddress(before), NEXT, next) // [N4]
    if (next !== 0) this.#poke(toAddress(next), BEFORE, before)
  }

  /** This word is looked at without the latch, too. */
  state(block: number): number {
    const { segment } = this.#place
    return load(segment.wordsAt(block), segment.indexOf(block) + STATE)
  }

  setState(block: number, state: number): void {
    this.#store(block, STATE, state)
  }

  sequence(block: number): number {
    return this.#peek(block, SEQUENCE)
  }

  /** While it is in hand; else the count stands in the state. */
  deliveries(block: number): number {
    return this.#peek(block, DELIVERIES)
  }

  setDeliveries(block: number, deliveries: number): void {
    this.#poke(block, DELIVERIES, deliveries)
  }

  /** The oldest that `wanted` says yes to, or 0. */
  oldest(wanted: (state: number) => boolean): number {
    const { head } = this.#log
    let oldest = 0
    for (let block = this.first; block !== 0; block = this.next(block)) {
      if (wanted(this.state(block)) && (oldest === 0 || this.#age(block, head) > this.#age(oldest, head)))
        oldest = block
    }
    return oldest
  }

  /** Those that are READY, or a LETTER, in the order in which they were put. */
  sorted(kind: number): number[] {
    const blocks: number[] = []
    for (let block = this.first; block !== 0; block = this.next(block)) {
      if (isOf(kind, this.state(block))) blocks.push(block)
    }
    if (blocks.length < 2) return blocks
    const { head } = this.#log
    return blocks.sort((a, b) => this.#age(b, head) - this.#age(a, head))
  }

  /** How many items were taken since: sequences go round. */
  #age(block: number, head: number): number {
    return (head - this.#peek(block, SEQUENCE)) >>> 0
  }

  /**
   * Who has how many in hand, by token, and how many are dead letters: without the latch, at a glance. Blocks may leave the
   * chain meanwhile and become something else: then it ends there.
   */
  glance(): { inHand: Map<number, number>; letters: number } {
    const inHand = new Map<number, number>()
    let letters = 0
    const seen = new Set<number>()
    for (let block = this.first; block !== 0 && !seen.has(block); block = this.next(block)) {
      if (ownerOf(this.#place.allocator.owner(block)) !== QUEUED) break
      seen.add(block)
      const state = this.state(block)
      if (isInHand(state)) inHand.set(holderOf(state), (inHand.get(holderOf(state)) ?? 0) + 1)
      else if (isOf(LETTER, state)) letters++
    }
    return { inHand, letters }
  }

  // ── what is derived ──

  /** How many are in hand. */
  get inHand(): number {
    return peek(this.#w, this.#at + IN_HAND)
  }

  countInHand(by: number): void {
    poke(this.#w, this.#at + IN_HAND, peek(this.#w, this.#at + IN_HAND) + by)
  }

  /** The oldest that is READY, or 0. */
  get ready(): number {
    return toAddress(peek(this.#w, this.#at + READY_FIRST))
  }

  /** The oldest that is READY is so no longer. */
  popReady(block: number): void {
    poke(this.#w, this.#at + READY_FIRST, this.#peek(block, AFTER))
    store(this.#w, this.#at + BESIDE, load(this.#w, this.#at + BESIDE) - 1)
  }

  /** After a death, or when several states have changed. */
  derive(): void {
    let before = 0
    let inHand = 0
    for (let block = this.first; block !== 0; block = this.next(block)) {
      this.#poke(block, BEFORE, before)
      if (isInHand(this.state(block))) inHand++
      before = toRef(block)
    }
    const ready = this.sorted(READY)
    for (const [n, block] of ready.entries()) this.#poke(block, AFTER, n + 1 < ready.length ? toRef(ready[n + 1]) : 0)
    poke(this.#w, this.#at + READY_FIRST, ready.length > 0 ? toRef(ready[0]) : 0)
    poke(this.#w, this.#at + IN_HAND, inHand)
    store(this.#w, this.#at + BESIDE, ready.length)
  }

  /** The last one died under the latch. */
  #mend(): void {
    const { first } = this
    const state = first === 0 ? 0 : this.state(first)
    if (isHolder(state) && (state & CLAIMED) !== 0) {
      if (this.#peek(first, SEQUENCE) === this.#log.head)
        store(this.#w, this.#at + FIRST, this.#peek(first, NEXT)) // [V1]
      else this.setState(first, state & TOKEN) // [V2]
    }
    this.derive()
  }

  // ── check ──

  /** What is impossible about it; takes its blocks out of `queued`, and notes in `holders` who has what is in hand. */
  check(queued: Set<number>, holders: Set<number>): string[] {
    const wrong: string[] = []
    let before = 0
    let inHand = 0
    for (let block = this.first; block !== 0; block = this.next(block)) {
      const state = this.state(block)
      const owner = this.#place.allocator.owner(block)
      const name = `leased block 0x${block.toString(16)}`
      if (ownerOf(owner) !== QUEUED) wrong.push(`${name} has owner 0x${owner.toString(16)}`)
      if (this.#peek(block, BEFORE) !== before) wrong.push(`the block before ${name} is another one`)
      if (isInHand(state)) inHand++
      if (isHolder(state)) holders.add(state & TOKEN)
      if (isHolder(state) ? (state & CLAIMED) !== 0 : !isOf(READY, state) && !isOf(LETTER, state))
        wrong.push(`${name} is in state 0x${state.toString(16)}, which does not last`)
      queued.delete(block)
      before = toRef(block)
    }
    if (this.inHand !== inHand) wrong.push(`${inHand} items are in hand, ${this.inHand} are counted`)
    return [...wrong, ...this.#checkReady()]
  }

  #checkReady(): string[] {
    const ready = this.sorted(READY)
    const beside = load(this.#w, this.#at + BESIDE)
    if (beside !== ready.length) return [`${ready.length} items came back, ${beside} are counted`]
    let listed = this.ready
    for (const block of ready) {
      if (listed !== block) return ['the list of items that came back is another one']
      listed = toAddress(this.#peek(block, AFTER))
    }
    return listed === 0 ? [] : ['the list of items that came back is too long']
  }

  #peek(block: number, word: number): number {
    const { segment } = this.#place
    return peek(segment.wordsAt(block), segment.indexOf(block) + word)
  }

  #poke(block: number, word: number, value: number): void {
    const { segment } = this.#place
    poke(segment.wordsAt(block), segment.indexOf(block) + word, value)
  }

  #store(block: number, word: number, value: number): void {
    const { segment } = this.#place
    store(segment.wordsAt(block), segment.indexOf(block) + word, value)
  }
}
