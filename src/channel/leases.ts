/**
 * Who has taken which item of a queue and has not finished it. Over the log of items (log.ts), where each item is a block of
 * its own; those that were taken hang on a chain (lease-chain.ts), so that an item outlives whoever has it in hand.
 *
 *   in the log ──[T1] take──▶ HELD(me) ──────────finish──────────▶ out of the chain, freed
 *                               ▲  │  │ [T4] finished by another       ▲
 *                    [T2] again │  │  └──────▶ FINISHED(me) ──by me────┘
 *                               │  ▼ [B1] its holder died, or closed, or could not unpack it
 *                             READY   or, delivered too often: LETTER ──taken out──▶
 *
 * Who writes a state: whoever holds the latch of the chain. A block that I have in hand is taken out of the chain by me, or by
 * my recovery: others only mark it FINISHED. So it can be read without the latch.
 *
 * The count of deliveries lies in the state word while an item is READY or a LETTER, and in the lease while it is in hand. So
 * each step that changes it is one store of the state, and may be done twice.
 *
 *   take, under the latch                                 finish, under the latch
 *   [N2] in lease-chain.ts, [C3] in log.ts: committed     [N4] in lease-chain.ts: committed; or, another has it: [T4]
 *   [T1] HELD(me)                                         [T3] free the block, outside the latch; then ring those who
 *   [T2] or of READY: HELD(me): committed                 wait for the last item (joinable-queue.ts)
 *
 * If a process dies
 *   before [T1]            lease-chain.ts: the log still has it, or it is HELD.
 *   with items in hand     its recovery makes them READY [B1], so that they are delivered again, before newer ones; LETTER
 *                          when they were delivered too often. What is FINISHED, or what nobody is to get any more, becomes
 *                          the dead's, and is freed with it [B2].
 *   before it is removed   the block is the dead's and in the chain: recovery gives it back to the queue [D1].
 *   before [T3]            the block is the dead's and freed with it; recovery rings everybody.
 */
import { compareExchange, load, pause, peek, poke, type Words } from '#words'
import { within } from '../arena/latch.ts'
import { PARCEL, QUEUED } from '../arena/owner.ts'
import {
  COUNT,
  FINISHED,
  holderOf,
  isInHand,
  LETTER,
  LETTERS_LATCH,
  LeaseChain,
  MAX_DELIVERIES,
  READY,
} from './lease-chain.ts'
import { CLOSED, DONE, DROPPED, HELD_UP, type Log, type LogPlace, NOT_NOW, OPEN } from './log.ts'
import type { Taken } from './record.ts'

/** The count has 17 bits. */
export const MOST_DELIVERIES = 100_000

/** What a take took. */
export interface Leased {
  block: number
  /** How often it was delivered, this time included. */
  deliveries: number
}

export class Leases {
  readonly #place: LogPlace
  readonly #me: number
  readonly #log: Log
  readonly #chain: LeaseChain
  readonly #w: Words
  readonly #at: number
  readonly #discard: (block: number) => void
  readonly #taken: Taken = { payload: new Int32Array(0), bytes: 0, head: 0, block: 0 }
  readonly #note = (block: number, head: number): void => this.#chain.add(block, head)

  /** `w`, `at`: the queue's own words. `discard` frees a block that belongs to this participant, and what it refers to. */
  constructor(place: LogPlace, log: Log, w: Words, at: number, discard: (block: number) => void) {
    this.#place = place
    this.#me = place.me
    this.#log = log
    this.#chain = new LeaseChain(place, log, w, at)
    this.#w = w
    this.#at = at
    this.#discard = discard
  }

  /** Of a queue that nobody else knows yet. */
  static initialise(w: Words, at: number, maxDeliveries: number): void {
    poke(w, at + MAX_DELIVERIES, maxDeliveries)
  }

  get maxDeliveries(): number {
    return peek(this.#w, this.#at + MAX_DELIVERIES)
  }

  // ── take ──

  /** Takes the oldest item into `leased`. An outcome as of Log.get(). */
  take(leased: Leased): number {
    const { state } = this.#log
    if (this.#log.size() === 0) return state === OPEN ? NOT_NOW : CLOSED
    const outcome = this.#chain.latch.tryWithin(HELD_UP, () => {
      const ready = this.#log.state === DROPPED ? 0 : this.#chain.ready
      return ready !== 0 ? this.#takeReady(leased, ready) : this.#takeFromLog(leased)
    })
    if (outcome === DONE) this.#log.settle()
    return outcome
  }

  #takeReady(leased: Leased, block: number): number {
    const chain = this.#chain
    const deliveries = (chain.state(block) >>> COUNT) + 1
    chain.setDeliveries(block, deliveries)
    chain.setState(block, this.#me) // [T2]
    chain.popReady(block)
    chain.countInHand(1)
    leased.block = block
    leased.deliveries = deliveries
    return DONE
  }

  #takeFromLog(leased: Leased): number {
    const outcome = this.#log.take(this.#taken, false, this.#note)
    if (outcome !== DONE) return outcome
    const { block } = this.#taken
    this.#chain.setState(block, this.#me) // [T1]
    this.#chain.added(block)
    this.#chain.countInHand(1)
    leased.block = block
    leased.deliveries = 1
    return DONE
  }

  // ── finish ──

  /** Another has finished this item, which is in this participant's hand. */
  isFinished(block: number): boolean {
    return (this.#chain.state(block) & FINISHED) !== 0
  }

  /** The item that this participant has in hand is done, and its block goes. False: another had finished it before. */
  finish(block: number): boolean {
    const chain = this.#chain
    const counts = chain.latch.within(() => {
      const inHand = isInHand(chain.state(block))
      if (inHand) chain.countInHand(-1)
      chain.remove(block, this.#me)
      return inHand
    })
    this.#discard(block) // [T3]
    return counts
  }

  /** The oldest item that anybody has in hand is done. False: nobody has any. */
  finishOldest(): boolean {
    const chain = this.#chain
    return chain.latch.within(() => {
      const block = chain.oldest(isInHand)
      if (block === 0) return false
      chain.setState(block, FINISHED | chain.state(block)) // [T4]
      chain.countInHand(-1)
      return true
    })
  }

  // ── give back ──

  /** The item could not be unpacked here: others may try. */
  giveBack(block: number): void {
    this.#giveBackAll(one => one === block)
  }

  /** All that this participant has in hand. */
  giveBackMine(): void {
    this.#giveBackAll(block => (this.#chain.state(block) & ~FINISHED) === this.#me)
  }

  #giveBackAll(which: (block: number) => boolean): void {
    const chain = this.#chain
    const gone: number[] = []
    chain.latch.within(() => {
      for (let block = chain.first; block !== 0; ) {
        const next = chain.next(block)
        if (which(block) && !this.#return(block, this.#me)) gone.push(block)
        block = next
      }
      chain.derive()
    })
    for (const block of gone) this.#discard(block)
  }

  /** Not in hand any more. False: nobody is to get it, and it is out of the chain and `owner`'s. */
  #return(block: number, owner: number): boolean {
    const chain = this.#chain
    if ((chain.state(block) & FINISHED) !== 0 || this.#log.state === DROPPED) {
      chain.remove(block, owner) // [B2]
      return false
    }
    const deliveries = chain.deliveries(block)
    chain.setState(block, (deliveries << COUNT) | (deliveries >= this.maxDeliveries ? LETTER : READY)) // [B1]
    return true
  }

  // ── all done ──

  /** DONE when every item that was put is: none queued, none in hand. */
  allDone(): number {
    if (this.#log.size() !== 0) return NOT_NOW
    return this.#chain.latch.tryWithin(HELD_UP, () =>
      this.#chain.inHand === 0 && this.#log.size() === 0 ? DONE : NOT_NOW,
    )
  }

  // ── letters: none of them goes while somebody holds their latch ──

  /** What `read` makes of each dead letter, oldest first. */
  readLetters<T>(read: (block: number, sequence: number) => T): T[] {
    return this.#withLetters(blocks => blocks.map(block => read(block, this.#chain.sequence(block))))
  }

  /** Takes those out that are still there; says which. */
  takeLetters(letters: readonly { block: number; sequence: number }[]): boolean[] {
    const taken = this.#withLetters(blocks => {
      return this.#chain.latch.within(() => {
        const known = new Set(blocks)
        const there = letters.map(one => known.has(one.block) && this.#chain.sequence(one.block) === one.sequence)
        for (const [n, { block }] of letters.entries()) if (there[n]) this.#chain.remove(block, this.#me)
        return there
      })
    })
    for (const [n, { block }] of letters.entries()) if (taken[n]) this.#discard(block)
    return taken
  }

  #withLetters<T>(act: (blocks: number[]) => T): T {
    return within(this.#place.w, this.#w, this.#at + LETTERS_LATCH, this.#me, () =>
      act(this.#chain.latch.within(() => this.#chain.sorted(LETTER))),
    )
  }

  // ── the end of it ──

  /** Takes and frees everything that is queued, one by one, so that another can go on with it. */
  drop(): void {
    for (let round = 0; ; round++) {
      const outcome = this.dropOne()
      if (outcome === HELD_UP) pause(round)
      else if (outcome !== DONE) return
    }
  }

  dropOne(): number {
    const chain = this.#chain
    const outcome = chain.latch.within(() => {
      const block = chain.ready
      if (block === 0) return this.#log.take(this.#taken, true)
      chain.popReady(block)
      chain.remove(block, this.#me)
      this.#taken.block = block
      return DONE
    })
    if (outcome !== DONE) return outcome
    this.#log.settle()
    this.#discard(this.#taken.block)
    return DONE
  }

  /** Of a queue that nobody refers to any more: everything. */
  takeApart(): void {
    this.drop()
    for (;;) {
      const block = this.#chain.latch.within(() => {
        const first = this.#chain.first
        if (first !== 0) this.#chain.remove(first, this.#me)
        return first
      })
      if (block === 0) return
      this.#discard(block)
    }
  }

  /** As LeaseChain.glance(). */
  glance(): { inHand: Map<number, number>; letters: number } {
    return this.#chain.glance()
  }

  // ── recovery and check ──

  /** The part in the recovery of `dead`, before the log's. `blocks`: all that it owned. False: the latch was busy. */
  recover(dead: number, blocks: Set<number>): boolean {
    compareExchange(this.#w, this.#at + LETTERS_LATCH, dead, 0)
    const chain = this.#chain
    const { allocator } = this.#place
    return chain.latch.tryWithin(false, () => {
      for (let block = chain.first; block !== 0; ) {
        const next = chain.next(block)
        if (blocks.delete(block)) {
          const owner = allocator.owner(block)
          allocator.swapOwner(block, owner, QUEUED | (owner & PARCEL)) // [D1]
        }
        if (holderOf(chain.state(block)) === dead && !this.#return(block, dead)) blocks.add(block)
        block = next
      }
      chain.derive()
      return true
    })
  }

  /** What is impossible about it; takes the blocks out of `queued`, and notes in `holders` everybody that it names. */
  check(queued: Set<number>, holders: Set<number>): string[] {
    const latches = [this.#chain.latch.holder, load(this.#w, this.#at + LETTERS_LATCH)]
    for (const holder of latches) holders.add(holder)
    const wrong = this.#chain.latch.tryWithin(['the latch of its leases is held'], () =>
      this.#chain.check(queued, holders),
    )
    return latches.some(holder => holder !== 0) ? [...wrong, 'a latch of its leases was held'] : wrong
  }
}
