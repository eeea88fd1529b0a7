/**
 * The word that owns a block. Owning and allocating are one thing: 0 is free, and whoever is named may free it.
 *
 *   0 FREE · token: private to a participant, freed with it · QUEUED: referred to by a queue · SHARED: a shared object
 *   · SLAB (units only): cut into small blocks
 *
 * Two flags may stand beside a token, one beside QUEUED:
 *   PARCEL   the block is a message that carries handles: each counts as a reference to its object
 *   OBJECT   a shared object that nobody refers to any more; the participant named is taking it apart
 */
export const NOBODY = 0
export const QUEUED = 1 << 11
export const SHARED = 2 << 11
export const SLAB = 3 << 11

export const PARCEL = 1 << 28
export const OBJECT = 1 << 29
const FLAGS = PARCEL | OBJECT

export const ownerOf = (word: number): number => word & ~FLAGS
export const isParcel = (word: number): boolean => (word & PARCEL) !== 0
export const isDying = (word: number): boolean => (word & OBJECT) !== 0
/** True when the word names a participant at all. */
export const isToken = (word: number): boolean => (word & 0x7ff) !== 0
