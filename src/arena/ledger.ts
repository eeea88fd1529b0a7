/**
 * What each participant has of one thing: a cell for each that has something, some of them among the object's own words,
 * more in blocks that are chained to it.
 *
 *   first block · cells[4]        block: next · (3 free) · cells[31]        cell: token · three words for the object
 *
 *   FREE ──[G1] claim──▶ the participant's ──[G2] vacate: it leaves, or its recovery──▶ FREE
 *
 * Who writes the words, all under the object's latch
 *   token          0 → me [G1], me → 0 [G2], by itself; dead → 0 [G2] by its recovery
 *   the rest       as the object says; all 0 in a cell that is claimed anew
 *   first, next    once, by whoever found no free cell [G3]
 *
 * A counter that somebody raised who then died says nothing about whose share is in it. A cell names its participant, so
 * what a dead one had is known, and every sum can be counted anew.
 *
 * If a process dies
 *   after [G1]            the cell names the dead: its recovery vacates it.
 *   before [G3]           the new block is private, and freed with its owner.
 *   before [G4]           the block is in the chain and still the dead's: recovery finds it there and hands it to the
 *                         object [G5].
 *   after [G6]            the object is being taken apart, the block still in the chain: [G5], and then another goes on.
 *   after [G7]            the block is out of the chain, and freed with its owner.
 */
import { load, peek, poke, store, type Words } from '#words'
import { toAddress, toRef } from './layout.ts'
import { ownerOf, QUEUED } from './owner.ts'
import type { Surroundings } from './surroundings.ts'
import { isGone } from './token.ts'

/** A cell lies at `w[at]`: its token, and then three words for the object. */
export interface Cell {
  readonly w: Words
  readonly at: number
}

const CELL = 4
const INLINE = 4
const FIRST = 0
const NEXT = 0
const FIRST_CELL = 4
const IN_BLOCK = 31
const BLOCK_WORDS = FIRST_CELL + IN_BLOCK * CELL
/** More than all participants need. Whoever looks without the latch may follow a chain that is being freed. */
const MOST_BLOCKS = 64

export const LEDGER_WORDS = FIRST_CELL + INLINE * CELL

export class Ledger {
  readonly #place: Surroundings
  readonly #w: Words
  readonly #at: number
  /** This participant's cell, which nobody else takes while it lives. */
  #mine: Cell | undefined
  /** A block for a claim that found no free cell, until that claim is over. */
  #spare = 0

  /** `w`, `at`: the ledger's words in the object. */
  constructor(place: Surroundings, w: Words, at: number) {
    this.#place = place
    this.#w = w
    this.#at = at
  }

  /** This participant's cell, if it has one. Without the latch too: nobody else gives or takes it. */
  mine(): Cell | undefined {
    this.#mine ??= this.#find(this.#place.me)
    return this.#mine
  }

  /** This participant's cell, a new one if need be; undefined: none is free, bring() one. Under the latch. */
  claim(): Cell | undefined {
    const known = this.mine()
    if (known) return known
    const cell = this.#find(0) ?? this.#grow()
    if (cell === undefined) return undefined
    for (let i = 1; i < CELL; i++) store(cell.w, cell.at + i, 0)
    store(cell.w, cell.at, this.#place.me) // [G1]
    this.#mine = cell
    return cell
  }

  /** Outside the latch, before claim() is tried again. Throws OutOfSharedMemoryError. */
  bring(): void {
    if (this.#spare !== 0) return
    const block = this.#place.allocator.allocate(BLOCK_WORDS * 4)
    const w = this.#place.segment.wordsAt(block)
    const at = this.#place.segment.indexOf(block)
    for (let i = 0; i < BLOCK_WORDS; i++) poke(w, at + i, 0)
    this.#spare = block
  }

  /** Outside the latch, when claim() is over: somebody else may have brought a block first. */
  settle(): void {
    if (this.#spare !== 0) this.#place.allocator.free(this.#spare)
    this.#spare = 0
  }

  #grow(): Cell | undefined {
    const block = this.#spare
    if (block === 0) return undefined
    let { w, at } = { w: this.#w, at: this.#at + FIRST }
    for (const other of this.#blocks()) {
      w = this.#place.segment.wordsAt(other)
      at = this.#place.segment.indexOf(other) + NEXT
    }
    store(w, at, toRef(block)) // [G3] publishes the empty cells
    this.#place.allocator.setOwner(block, QUEUED) // [G4]
    this.#spare = 0
    return { w: this.#place.segment.wordsAt(block), at: this.#place.segment.indexOf(block) + FIRST_CELL }
  }

  /** The cell is free again. Under the latch. */
  vacate(cell: Cell): void {
    if (this.#mine && this.#mine.w === cell.w && this.#mine.at === cell.at) this.#mine = undefined
    store(cell.w, cell.at, 0) // [G2]
  }

  #find(token: number): Cell | undefined {
    for (const cell of this.#all()) if (load(cell.w, cell.at) === token) return cell
    return undefined
  }

  /** The cells that somebody has, with their participants. Under the latch; without it at a glance. */
  *cells(): Generator<Cell & { token: number }> {
    for (const { w, at } of this.#all()) {
      const token = load(w, at)
      if (token !== 0) yield { w, at, token }
    }
  }

  *#all(): Generator<Cell> {
    for (let i = 0; i < INLINE; i++) yield { w: this.#w, at: this.#at + FIRST_CELL + i * CELL }
    for (const block of this.#blocks()) {
      const w = this.#place.segment.wordsAt(block)
      const at = this.#place.segment.indexOf(block) + FIRST_CELL
      for (let i = 0; i < IN_BLOCK; i++) yield { w, at: at + i * CELL }
    }
  }

  *#blocks(): Generator<number> {
    const { segment } = this.#place
    let block = toAddress(load(this.#w, this.#at + FIRST))
    for (let n = 0; block !== 0 && n < MOST_BLOCKS; n++) {
      yield block
      block = toAddress(load(segment.wordsAt(block), segment.indexOf(block) + NEXT))
    }
  }

  // ── recovery, the end of it, and check ──

  /** Of `blocks`, which a dead participant owned, those in the chain become the object's. Under the latch. */
  reclaim(blocks: Set<number>): void {
    if (blocks.size === 0) return
    for (const block of this.#blocks()) if (blocks.delete(block)) this.#place.allocator.setOwner(block, QUEUED) // [G5]
  }

  /** Nobody refers to the object any more: frees the chain block by block, so that another may go on with it. */
  free(): void {
    const { allocator, segment } = this.#place
    for (;;) {
      const block = toAddress(load(this.#w, this.#at + FIRST))
      if (block === 0) return
      allocator.setOwner(block, this.#place.me) // [G6] ours before it is out of the chain
      store(this.#w, this.#at + FIRST, peek(segment.wordsAt(block), segment.indexOf(block) + NEXT)) // [G7]
      allocator.free(block)
    }
  }

  /** What is impossible about it; takes its blocks out of `queued`. Under the latch. */
  check(queued: Set<number>): string[] {
    const wrong: string[] = []
    const seen = new Set<number>()
    for (const { token } of this.cells()) {
      if (isGone(this.#place.w, token)) wrong.push(`a cell of it belongs to token 0x${token.toString(16)}, who is gone`)
      if (seen.has(token)) wrong.push(`token 0x${token.toString(16)} has two cells of it`)
      seen.add(token)
    }
    for (const block of this.#blocks()) {
      const owner = this.#place.allocator.owner(block)
      if (ownerOf(owner) !== QUEUED) wrong.push(`block 0x${block.toString(16)} of it has owner 0x${owner.toString(16)}`)
      queued.delete(block)
    }
    return wrong
  }
}
