/**
 * A slab: one unit cut into blocks of one size, with a table of owner words in front.
 *
 *   size · count · keeper · data        then `count` owner words, then the blocks from byte `data` on
 *
 *   a block's owner word   FREE ──[S1] take──▶ token ──[S2] free──▶ FREE      (other owners: owner.ts)
 *
 * Who writes the words
 *   FREE → token   only the slab's keeper: one participant allocates here, so taking needs no lock
 *   → FREE         whoever owns the block, any participant
 *   keeper         the participant that made the slab [S0]; under the allocator latch another, once that one is gone [S3]
 *
 * If a process dies
 *   before [S0]    the unit belongs to the dead as a plain run, and is freed with it.
 *   after [S1]     the block belongs to the dead: freed, unless a queue refers to it (recovery.ts).
 *   as keeper      its slabs have none, until somebody who needs blocks of that size takes one over by [S3].
 */
import { load, peek, poke, store, type Words } from '#words'
import { UNIT } from './layout.ts'
import { NOBODY } from './owner.ts'

const SIZE = 0
const COUNT = 1
const KEEPER = 2
const DATA = 3
const OWNERS = 4

/** Steps of at most a half, so that little is wasted, and three of the largest fill a unit. */
export const SIZES = [
  64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536,
  81920,
] as const
export const LARGEST = SIZES[SIZES.length - 1]

/** The smallest class whose blocks hold `bytes`. */
export function sizeClassOf(bytes: number): number {
  let c = 0
  while (SIZES[c] < bytes) c++
  return c
}

/** Cuts a unit that belongs to `keeper`. It becomes a slab when its owner word says so. */
export function cut(w: Words, slab: number, size: number, keeper: number): void {
  const count = Math.floor((UNIT - OWNERS * 4 - 64) / (size + 4))
  poke(w, slab + SIZE, size)
  poke(w, slab + COUNT, count)
  poke(w, slab + KEEPER, keeper)
  poke(w, slab + DATA, Math.ceil((OWNERS * 4 + count * 4) / 64) * 64)
  for (let i = 0; i < count; i++) poke(w, slab + OWNERS + i, NOBODY) // [S0] published by the unit's owner word
}

/** Takes a free block, looking from the `from`th on; gives its number, or -1. Only the keeper may. */
export function take(w: Words, slab: number, from: number, me: number): number {
  const count = peek(w, slab + COUNT)
  for (let n = 0, i = from < count ? from : 0; n < count; n++, i = i + 1 < count ? i + 1 : 0) {
    if (load(w, slab + OWNERS + i) !== NOBODY) continue // pairs with [S2]: its last owner is done with it
    store(w, slab + OWNERS + i, me) // [S1]
    return i
  }
  return -1
}

export const keeperOf = (w: Words, slab: number): number => load(w, slab + KEEPER)
/** Under the allocator latch, from a keeper that is gone. */
export const adopt = (w: Words, slab: number, keeper: number): void => store(w, slab + KEEPER, keeper) // [S3]

export const sizeOf = (w: Words, slab: number): number => peek(w, slab + SIZE)
export const countOf = (w: Words, slab: number): number => peek(w, slab + COUNT)
/** Bytes from the slab's beginning to its `i`th block, and back. */
export const offsetOf = (w: Words, slab: number, i: number): number => peek(w, slab + DATA) + i * peek(w, slab + SIZE)
export const numberAt = (w: Words, slab: number, offset: number): number =>
  Math.floor((offset - peek(w, slab + DATA)) / peek(w, slab + SIZE))
/** The index of the owner word of the `i`th block. */
export const ownerAt = (slab: number, i: number): number => slab + OWNERS + i
/** Whoever owns the block gives it back. */
export const free = (w: Words, slab: number, i: number): void => store(w, ownerAt(slab, i), NOBODY) // [S2]

export function isEmpty(w: Words, slab: number): boolean {
  const count = peek(w, slab + COUNT)
  for (let i = 0; i < count; i++) if (load(w, slab + OWNERS + i) !== NOBODY) return false
  return true
}
