/**
 * Who waits in a Condition, in the order they came: a list of entries in shared memory.
 *
 *            [W2] add                  [N1] notify, under the latch
 *   FREE ─────────────▶ WAITING(by) ─────────────────────▶ NOTIFIED(by)
 *     ▲                    │                                  │  [T1] by holds the lock again
 *     │ [G1] gives up, or  │                                  │  [G2] by gives up: another is NOTIFIED first
 *     │ [D2] by died       │                                  │  [D2] by died: another is NOTIFIED first
 *     └────────────────────┴──────────────────────────────────┘
 *
 *   latch · next ticket · highest place ever used · first block            entry: who · ticket
 *   the first entries lie here, more of them in a chain of blocks that belong to the list; none goes before the list does
 *
 * Who writes the words
 *   who       FREE → by      by, under the latch                                     [W2]
 *             → NOTIFIED     anyone under the latch, by compareExchange              [N1]
 *             → FREE         by, at any time, or its recovery under the latch        [T1] [G1] [G3] [D2]
 *   ticket    by, under the latch, before [W2]; so the smallest number is who came first
 *   the rest  whoever holds the latch. The latch is never the user's lock: that one may be held for minutes.
 *
 * Whoever waits adds its entry while it holds the user's lock and then gives the lock up; whoever notifies holds the
 * lock. So there is no moment in between in which a notification could pass by. An entry stays until its owner holds
 * the lock again: a notification that nobody lives to act upon goes on to the next.
 *
 * If a process dies
 *   after [W1]             a number is left out.
 *   after [W2]             the entry names the dead: nobody notifies it any more, [D2] removes it.
 *   between [W3] and [W4]  the block is in the chain and still the dead's: [D3] hands it to the list.
 *   after [N1], before it  who was chosen finds out when the recovery rings everybody. Of several, some were chosen.
 *   rang [N2]
 *   notified, before [T1]  or while it gives up: [D1] notifies another one, and then removes the entry by [D2]. If the one
 *                          who recovers dies in between, two were notified instead of one: allowed, as any waiter looks
 *                          whether what it waits for is so.
 *   freeing blocks [F1]    it owns the block that is first in the chain: [D3] gives it back, and another begins anew.
 * The latch needs no mending: whoever comes next takes it over.
 */
import { compareExchange, load, peek, poke, store, type Words } from '#words'
import { ring } from '../arena/doorbell.ts'
import { tryWithin, within } from '../arena/latch.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import { ownerOf, QUEUED } from '../arena/owner.ts'
import type { Surroundings } from '../arena/surroundings.ts'
import { isGone, slotOf } from '../arena/token.ts'

const LATCH = 0
const NEXT = 1
const HIGHEST = 2 // how many of the first entries were ever used: the others need no look
const FIRST = 3
const ENTRIES = 4

const WHO = 0
const TICKET = 1
const ENTRY_WORDS = 2

const FREE = 0
/** Beside a token. */
const NOTIFIED = 1 << 28

/** So many lie in the list's own words. */
const PLACES = 20
export const LIST_WORDS = ENTRIES + PLACES * ENTRY_WORDS

/** A block: the next one, its number of entries, the entries. 1 KiB holds 127. */
const BLOCK_NEXT = 0
const BLOCK_PLACES = 1
const BLOCK_ENTRIES = 2
const SMALLEST_BLOCK = 1024
const LARGEST_BLOCK = 32768
/** Room for 16 million. Whoever looks without the latch may follow a chain that is being freed. */
const MOST_BLOCKS = 4096

/** An entry of this participant. */
export interface Entry {
  readonly w: Words
  readonly at: number
  readonly ticket: number
}

export class WaitingList {
  readonly #place: Surroundings
  readonly #arena: Words
  readonly #me: number
  readonly #w: Words
  readonly #at: number
  readonly #places: number

  /** `w`, `at`: the list's own words. `places`: how many entries lie in them. */
  constructor(place: Surroundings, w: Words, at: number, places = PLACES) {
    this.#place = place
    this.#arena = place.w
    this.#me = place.me
    this.#w = w
    this.#at = at
    this.#places = places
  }

  // ── for whoever waits ──

  /** Stands last in the list. May throw OutOfSharedMemoryError, having done nothing. */
  add(): Entry {
    let spare = 0
    for (;;) {
      const { at, entry } = within(this.#arena, this.#w, this.#at + LATCH, this.#me, () => {
        const at = this.#freePlace()
        return { at, entry: at ? this.#occupy(at.w, at.at) : spare !== 0 ? this.#grow(spare) : undefined }
      })
      if (entry) {
        if (at && spare !== 0) this.#place.allocator.free(spare) // a place became free meanwhile
        return entry
      }
      spare = this.#newBlock()
    }
  }

  isNotified(entry: Entry): boolean {
    return (load(entry.w, entry.at + WHO) & NOTIFIED) !== 0
  }

  /** The notification was heard and acted upon: it is over. */
  remove(entry: Entry): void {
    store(entry.w, entry.at + WHO, FREE) // [T1]
  }

  /** Waits no more; a notification that came all the same goes on to another. */
  giveUp(entry: Entry): void {
    if (compareExchange(entry.w, entry.at + WHO, this.#me, FREE) === this.#me) return // [G1]
    this.notify(1) // [G2] before the entry goes: who dies in between has its recovery do it again
    store(entry.w, entry.at + WHO, FREE) // [G3]
  }

  // ── for whoever notifies ──

  /** Notifies the `n` who came first, and wakes them. Waits for nobody. */
  notify(n: number): void {
    const chosen = within(this.#arena, this.#w, this.#at + LATCH, this.#me, () => this.#mark(n))
    for (const slot of chosen) ring(this.#arena, slot) // [N2]
  }

  /** Tokens of those who wait and were not notified, once for each of their waits; at a glance. */
  waiting(): number[] {
    const tokens: number[] = []
    this.#each((w, at) => {
      const who = load(w, at + WHO)
      if (who !== FREE && (who & NOTIFIED) === 0 && !isGone(this.#arena, who)) tokens.push(who)
    })
    return tokens
  }

  /** Under the latch: marks the first `n` of the living; gives their slots. */
  #mark(n: number): number[] {
    const waiting: { w: Words; at: number; who: number; age: number }[] = []
    const next = peek(this.#w, this.#at + NEXT)
    this.#each((w, at) => {
      const who = load(w, at + WHO)
      if (who === FREE || (who & NOTIFIED) !== 0) return
      waiting.push({ w, at, who, age: (next - peek(w, at + TICKET)) >>> 0 })
    })
    if (waiting.length > 1) waiting.sort((a, b) => b.age - a.age)
    const chosen: number[] = []
    for (const { w, at, who } of waiting) {
      if (chosen.length >= n) break
      if (isGone(this.#arena, who)) continue
      if (compareExchange(w, at + WHO, who, who | NOTIFIED) === who) chosen.push(slotOf(who)) // [N1] pairs with isNotified()
    }
    return chosen
  }

  // ── places ──

  /** Calls `visit` with the place of every entry that may be in use, until it says true. */
  #each(visit: (w: Words, at: number) => unknown): boolean {
    const w = this.#w
    const first = this.#at + ENTRIES
    const highest = Math.min(load(w, this.#at + HIGHEST), this.#places)
    for (let i = 0; i < highest; i++) if (visit(w, first + i * ENTRY_WORDS) === true) return true
    let block = toAddress(load(w, this.#at + FIRST))
    for (let n = 0; block !== 0 && n < MOST_BLOCKS; n++) {
      const b = this.#place.segment.wordsAt(block)
      const at = this.#place.segment.indexOf(block)
      const places = peek(b, at + BLOCK_PLACES)
      for (let i = 0; i < places; i++) if (visit(b, at + BLOCK_ENTRIES + i * ENTRY_WORDS) === true) return true
      block = toAddress(peek(b, at + BLOCK_NEXT))
    }
    return false
  }

  /** Under the latch: a place for an entry. */
  #freePlace(): { w: Words; at: number } | undefined {
    const highest = load(this.#w, this.#at + HIGHEST)
    let free: { w: Words; at: number } | undefined
    this.#each((w, at) => {
      if (load(w, at + WHO) !== FREE) return false
      free = { w, at }
      return true
    })
    if (free || highest >= this.#places) return free
    store(this.#w, this.#at + HIGHEST, highest + 1)
    return { w: this.#w, at: this.#at + ENTRIES + highest * ENTRY_WORDS }
  }

  /** Under the latch. */
  #occupy(w: Words, at: number): Entry {
    const ticket = peek(this.#w, this.#at + NEXT)
    poke(this.#w, this.#at + NEXT, (ticket + 1) | 0) // [W1]
    poke(w, at + TICKET, ticket)
    store(w, at + WHO, this.#me) // [W2] publishes the ticket; pairs with [N1]
    return { w, at, ticket }
  }

  /** A block of this participant's, with no entry in it: twice as large as the last, up to a point. */
  #newBlock(): number {
    const { allocator, segment } = this.#place
    const first = toAddress(load(this.#w, this.#at + FIRST))
    const last = first === 0 ? 0 : peek(segment.wordsAt(first), segment.indexOf(first) + BLOCK_PLACES)
    const bytes = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, last * ENTRY_WORDS * 8))
    const places = Math.floor((bytes / 4 - BLOCK_ENTRIES) / ENTRY_WORDS)
    const block = allocator.allocate(bytes)
    const w = segment.wordsAt(block)
    const at = segment.indexOf(block)
    poke(w, at + BLOCK_PLACES, places)
    for (let i = 0; i < places; i++) poke(w, at + BLOCK_ENTRIES + i * ENTRY_WORDS + WHO, FREE)
    return block
  }

  /** Under the latch: the block becomes the list's, with an entry in it. */
  #grow(block: number): Entry {
    const w = this.#place.segment.wordsAt(block)
    const at = this.#place.segment.indexOf(block)
    poke(w, at + BLOCK_NEXT, load(this.#w, this.#at + FIRST))
    store(this.#w, this.#at + FIRST, toRef(block)) // [W3] publishes the block
    this.#place.allocator.swapOwner(block, this.#me, QUEUED) // [W4]
    return this.#occupy(w, at + BLOCK_ENTRIES)
  }

  // ── the end of it ──

  /** Of a list that nobody refers to any more: its blocks go, one by one, so that another can go on with it. */
  freeBlocks(): void {
    const { allocator, segment } = this.#place
    for (;;) {
      const block = toAddress(load(this.#w, this.#at + FIRST))
      if (block === 0) return
      allocator.setOwner(block, this.#me) // [F1] ours before it is out of the chain
      store(this.#w, this.#at + FIRST, peek(segment.wordsAt(block), segment.indexOf(block) + BLOCK_NEXT))
      allocator.free(block)
    }
  }

  // ── recovery and check ──

  /** The entries of `dead` go; what it owned and the list refers to is the list's and leaves `blocks`. False: come again. */
  recover(dead: number, blocks: Set<number>): boolean {
    return tryWithin(this.#arena, this.#w, this.#at + LATCH, this.#me, false, () => {
      this.#each((w, at) => {
        const who = load(w, at + WHO)
        if ((who & ~NOTIFIED) !== dead) return
        if ((who & NOTIFIED) !== 0) this.#mark(1) // [D1] and the recovery rings everybody
        store(w, at + WHO, FREE) // [D2]
      })
      const { allocator } = this.#place
      for (const block of this.#blocks())
        if (blocks.delete(block)) allocator.swapOwner(block, allocator.owner(block), QUEUED) // [D3]
      return true
    })
  }

  #blocks(): number[] {
    const blocks: number[] = []
    for (let block = toAddress(load(this.#w, this.#at + FIRST)); block !== 0; ) {
      blocks.push(block)
      block = toAddress(peek(this.#place.segment.wordsAt(block), this.#place.segment.indexOf(block) + BLOCK_NEXT))
    }
    return blocks
  }

  /** Who holds the latch, for check. */
  get latchHolder(): number {
    return load(this.#w, this.#at + LATCH)
  }

  /** What is impossible about it; takes its blocks out of `queued`. */
  check(queued: Set<number>): string[] {
    const wrong: string[] = []
    const tickets = new Set<number>()
    const next = load(this.#w, this.#at + NEXT)
    this.#each((w, at) => {
      const who = load(w, at + WHO)
      if (who === FREE) return
      const by = who & ~NOTIFIED
      const ticket = load(w, at + TICKET)
      if (isGone(this.#arena, by)) wrong.push(`token 0x${by.toString(16)} waits, and is gone`)
      if (tickets.has(ticket)) wrong.push(`two who wait have ticket ${ticket}`)
      if (ticket === next) wrong.push(`ticket ${ticket} was not given out yet`)
      tickets.add(ticket)
    })
    if (load(this.#w, this.#at + HIGHEST) > this.#places) wrong.push('more entries are in use than there are')
    for (const block of this.#blocks()) {
      const owner = this.#place.allocator.owner(block)
      if (ownerOf(owner) !== QUEUED) wrong.push(`block 0x${block.toString(16)} of it has owner 0x${owner.toString(16)}`)
      queued.delete(block)
    }
    return wrong
  }
}
