/**
 * Blocks of shared memory, valid after a death at any step: small ones from slabs (slab.ts), large ones as runs of units
 * (runs.ts). A block's owner word is its allocation (owner.ts); there is no other record of it.
 *
 * What is kept here in ordinary memory (which slabs are mine, where I looked last) is hint: a participant that starts
 * anew loses nothing by not having it.
 */
import { add, compareExchange, load, peek, store, type Words } from '#words'
import { OutOfSharedMemoryError } from '../contract/errors.ts'
import { HEADER, UNIT, unitLength, unitOwner } from './layout.ts'
import { NOBODY, SLAB } from './owner.ts'
import { giveRun, runs, takeRun, underGuard } from './runs.ts'
import {
  adopt,
  countOf,
  cut,
  free as freeBlock,
  isEmpty,
  keeperOf,
  LARGEST,
  numberAt,
  offsetOf,
  ownerAt,
  SIZES,
  sizeClassOf,
  sizeOf,
  take,
} from './slab.ts'
import { isGone } from './token.ts'

/** What the allocator needs of the segment; the interleaving checker brings a smaller one. */
export interface Memory {
  readonly words: Words
  wordsAt(address: number): Words
  indexOf(address: number): number
  /** Makes sure that the pages are there, or throws OutOfSharedMemoryError. */
  populate(address: number, bytes: number): void
  /** Gives the pages back to the kernel; they read as zero afterwards. */
  discard(address: number, bytes: number): void
  /** Fills the pages, which are there, with zeros. */
  clear(address: number, bytes: number): void
}

/** A block at the moment of the look. */
export interface Block {
  readonly address: number
  readonly owner: number
}

/** My slabs of one size. */
interface Shelf {
  readonly slabs: number[]
  at: number
  next: number
}

/** Of how many other slabs a full one's keeper looks into before it makes a new one. */
const TRIES = 4
/**
 * Freed runs keep their pages up to this many units in all, 512 MiB, and this part of the ceiling: to have the kernel take a page
 * away, clear another and map it again in each process costs ten times what it costs to write to one that is there.
 */
const KEPT_UNITS = 2048
const KEPT_PART = 8
/** From this size on the kernel is asked for the pages beforehand, so that "none left" is an error and not a signal. */
const POPULATED = 1 << 20
/** Of how many places it is remembered that they have pages: asking the kernel costs as much as a sixth of filling them. */
const MOST_PLACES = 4096

export class Allocator {
  readonly #memory: Memory
  readonly #w: Words
  readonly #me: number
  readonly #reclaim: () => void
  readonly #shelves: (Shelf | undefined)[] = []
  /** From these units on so many bytes have pages, unless some were given back since `#discards`. */
  readonly #places = new Map<number, number>()
  #discards = 0

  /** `reclaim`: frees what is owned without need; called once before memory is refused. */
  constructor(memory: Memory, me: number, reclaim: () => void = () => {}) {
    this.#memory = memory
    this.#w = memory.words
    this.#me = me
    this.#reclaim = reclaim
  }

  /**
   * A block of at least `bytes`, owned by this participant, with whatever was in it; `blank`: a run of units (more than
   * LARGEST) reads as zero, and its pages are there. Throws OutOfSharedMemoryError.
   */
  allocate(bytes: number, blank = false): number {
    if (bytes > LARGEST) return this.#allocateRun(bytes, blank)
    const sizeClass = sizeClassOf(bytes)
    let shelf = this.#shelves[sizeClass]
    if (shelf === undefined) {
      shelf = { slabs: [], at: 0, next: 0 }
      this.#shelves[sizeClass] = shelf
    }
    for (let tries = Math.min(TRIES, shelf.slabs.length); tries > 0; tries--) {
      const block = this.#takeFrom(shelf)
      if (block !== 0) return block
      shelf.at = (shelf.at + 1) % shelf.slabs.length
      shelf.next = 0
    }
    const slab = this.#bring(SIZES[sizeClass])
    if (slab !== 0) {
      shelf.slabs.push(slab)
      shelf.at = shelf.slabs.length - 1
      shelf.next = 0
      const block = this.#takeFrom(shelf)
      return block !== 0 ? block : this.allocate(bytes) // an adopted one may be full
    }
    for (let i = 0; i < shelf.slabs.length; i++) {
      shelf.at = i
      shelf.next = 0
      const block = this.#takeFrom(shelf)
      if (block !== 0) return block
    }
    throw this.#exhausted(bytes)
  }

  #takeFrom(shelf: Shelf): number {
    const address = shelf.slabs[shelf.at]
    const w = this.#memory.wordsAt(address)
    const slab = this.#memory.indexOf(address)
    const i = take(w, slab, shelf.next, this.#me)
    if (i < 0) return 0
    shelf.next = i + 1
    return address + offsetOf(w, slab, i)
  }

  /** A slab of an earlier keeper, a new one, or a new one in the place of those that became empty; 0: none to be had. */
  #bring(size: number): number {
    const slab = this.#adopt(size) || this.#newSlab(size)
    if (slab !== 0) return slab
    this.#reclaim()
    this.trim()
    return this.#adopt(size) || this.#newSlab(size)
  }

  #newSlab(size: number): number {
    const unit = takeRun(this.#w, this.#me, 1)
    if (unit === 0) return 0
    const address = unit * UNIT
    cut(this.#memory.wordsAt(address), this.#memory.indexOf(address), size, this.#me)
    store(this.#w, unitOwner(unit), SLAB) // pairs with the load in #ownerOf
    return address
  }

  /** A slab whose keeper is gone. */
  #adopt(size: number): number {
    return underGuard(this.#w, this.#me, () => {
      for (const unit of runs(this.#w)) {
        if (load(this.#w, unitOwner(unit)) !== SLAB) continue
        const w = this.#memory.wordsAt(unit * UNIT)
        const slab = this.#memory.indexOf(unit * UNIT)
        if (sizeOf(w, slab) !== size || !isGone(this.#w, keeperOf(w, slab))) continue
        adopt(w, slab, this.#me)
        return unit * UNIT
      }
      return 0
    })
  }

  #allocateRun(bytes: number, blank: boolean): number {
    const units = Math.ceil(bytes / UNIT)
    let unit = takeRun(this.#w, this.#me, units)
    if (unit === 0) {
      this.#reclaim()
      this.trim()
      unit = takeRun(this.#w, this.#me, units)
      if (unit === 0) throw this.#exhausted(bytes)
    }
    if (blank || bytes >= POPULATED) {
      try {
        if (blank && this.#hasPages(unit, bytes)) this.#memory.clear(unit * UNIT, bytes)
        else {
          if (blank) this.#discard(unit, units) // clears no page that is not there
          this.#populate(unit, bytes)
        }
      } catch (error) {
        this.#discardAndGive(unit, units)
        throw error
      }
    }
    return unit * UNIT
  }

  /** As long as nobody has given pages back, those that were there once are there. Of a run that is ours only we give them back. */
  #hasPages(unit: number, bytes: number): boolean {
    const discards = load(this.#w, HEADER.discards) // after [U3]: whoever gave pages of it back has counted before
    if (discards !== this.#discards || this.#places.size >= MOST_PLACES) this.#places.clear()
    this.#discards = discards
    return (this.#places.get(unit) ?? 0) >= bytes
  }

  #populate(unit: number, bytes: number): void {
    if (this.#hasPages(unit, bytes)) return
    this.#memory.populate(unit * UNIT, bytes)
    this.#places.set(unit, bytes)
  }

  /** Counted first: whoever dies between the two has only made others ask in vain. */
  #discard(unit: number, units: number): void {
    const before = add(this.#w, HEADER.discards, 1)
    if (before === this.#discards) {
      // nobody else has given any back: we know which are gone
      this.#discards = (before + 1) | 0
      for (const [start, bytes] of this.#places) {
        if (start < unit + units && start + Math.ceil(bytes / UNIT) > unit) this.#places.delete(start)
      }
    }
    this.#memory.discard(unit * UNIT, units * UNIT)
  }

  /** The block is free. Its owner word must name this participant. */
  free(address: number): void {
    const unit = Math.floor(address / UNIT)
    if (load(this.#w, unitOwner(unit)) === SLAB) {
      const start = unit * UNIT
      const w = this.#memory.wordsAt(start)
      const slab = this.#memory.indexOf(start)
      freeBlock(w, slab, numberAt(w, slab, address - start))
      return
    }
    const units = peek(this.#w, unitLength(unit))
    const most = Math.min(KEPT_UNITS, Math.floor(peek(this.#w, HEADER.limitUnits) / KEPT_PART))
    if (peek(this.#w, HEADER.keptUnits) + units > most) this.#discardAndGive(unit, units)
    else giveRun(this.#w, this.#me, unit, true)
  }

  /** First the pages, then the run: the other way round we would wipe what its next owner wrote. */
  #discardAndGive(unit: number, units: number): void {
    this.#discard(unit, units)
    giveRun(this.#w, this.#me, unit, false)
  }

  /** Gives back slabs of ours in which nothing is left; one of each size is kept. */
  trim(): void {
    for (const shelf of this.#shelves) {
      if (shelf === undefined) continue
      for (let i = shelf.slabs.length - 1; i > 0; i--) {
        const address = shelf.slabs[i]
        if (!isEmpty(this.#memory.wordsAt(address), this.#memory.indexOf(address))) continue
        shelf.slabs.splice(i, 1)
        // Nobody but us takes blocks from it, so it stays empty; under the latch nobody reads it as a slab either.
        underGuard(this.#w, this.#me, () => store(this.#w, unitOwner(address / UNIT), this.#me))
        this.#discardAndGive(address / UNIT, 1)
      }
      shelf.at = 0
      shelf.next = 0
    }
  }

  owner(address: number): number {
    return load(this.#ownerWords(address), this.#ownerIndex(address))
  }

  setOwner(address: number, owner: number): void {
    store(this.#ownerWords(address), this.#ownerIndex(address), owner)
  }

  /** True when the block was `from`'s and is now `to`'s. */
  swapOwner(address: number, from: number, to: number): boolean {
    return compareExchange(this.#ownerWords(address), this.#ownerIndex(address), from, to) === from
  }

  #ownerWords(address: number): Words {
    const unit = Math.floor(address / UNIT)
    return load(this.#w, unitOwner(unit)) === SLAB ? this.#memory.wordsAt(address) : this.#w
  }

  #ownerIndex(address: number): number {
    const unit = Math.floor(address / UNIT)
    if (load(this.#w, unitOwner(unit)) !== SLAB) return unitOwner(unit)
    const start = unit * UNIT
    const slab = this.#memory.indexOf(start)
    return ownerAt(slab, numberAt(this.#memory.wordsAt(start), slab, address - start))
  }

  /** Every block that somebody owns. Under the latch, so that no slab is given back while it is read. */
  blocks(): Block[] {
    const all: Block[] = []
    underGuard(this.#w, this.#me, () => {
      for (const unit of runs(this.#w)) {
        const owner = load(this.#w, unitOwner(unit))
        if (owner === SLAB) this.#addBlocks(unit * UNIT, all)
        else if (owner !== NOBODY) all.push({ address: unit * UNIT, owner })
      }
    })
    return all
  }

  #addBlocks(start: number, all: Block[]): void {
    const w = this.#memory.wordsAt(start)
    const slab = this.#memory.indexOf(start)
    for (let i = 0, count = countOf(w, slab); i < count; i++) {
      const owner = load(w, ownerAt(slab, i))
      if (owner !== NOBODY) all.push({ address: start + offsetOf(w, slab, i), owner })
    }
  }

  /**
   * As blocks(), with their sizes, and without the latch: it waits for nobody. While others are at work something may be missing or
   * not be what it seems.
   */
  glance(): (Block & { readonly bytes: number })[] {
    const all: (Block & { readonly bytes: number })[] = []
    for (const unit of runs(this.#w)) {
      const owner = load(this.#w, unitOwner(unit))
      const start = unit * UNIT
      if (owner === NOBODY) continue
      if (owner !== SLAB) {
        all.push({ address: start, owner, bytes: peek(this.#w, unitLength(unit)) * UNIT })
        continue
      }
      const w = this.#memory.wordsAt(start)
      const slab = this.#memory.indexOf(start)
      const bytes = sizeOf(w, slab)
      if (!(SIZES as readonly number[]).includes(bytes)) continue
      for (let i = 0, count = Math.min(countOf(w, slab), UNIT / bytes); i < count; i++) {
        const blockOwner = load(w, ownerAt(slab, i))
        if (blockOwner !== NOBODY) all.push({ address: start + offsetOf(w, slab, i), owner: blockOwner, bytes })
      }
    }
    return all
  }

  /** Bytes in units that somebody owns, and the ceiling. */
  usage(): { used: number; limit: number } {
    return { used: peek(this.#w, HEADER.usedUnits) * UNIT, limit: peek(this.#w, HEADER.limitUnits) * UNIT }
  }

  #exhausted(bytes: number): OutOfSharedMemoryError {
    const { used, limit } = this.usage()
    return new OutOfSharedMemoryError(
      `Expected ${bytes} bytes of shared memory, but ${used} of at most ${limit} are taken; ` +
        'take items out, close what is not needed, or raise MULTIPROC_MEMORY_LIMIT (for example to 8g)',
    )
  }
}
