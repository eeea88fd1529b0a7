/**
 * The byte map of a session's memory: each offset once. docs/memory-map.md tells the same in pictures.
 *
 *   0            header          one page: what the session is, the latches of the arena itself
 *   64 KiB       participants    1,024 slots of 256 bytes: who is here, alive or dead
 *   320 KiB      unit table      two words for every unit of 256 KiB: who owns it; how many units its run has
 *   …            units           slabs of small blocks, and runs of units for large ones; see allocator.ts
 *
 * Addresses are byte offsets in the file. A word that holds an address holds it in steps of 64 bytes, so that 31 bits
 * reach 128 GiB; 0 is "none". The file is sparse: its size is address space, a page costs memory on its first touch.
 */
/** Another one with every change of what lies where, in the bodies of objects too: processes that differ must not meet. */
export const MAGIC = 0x6d70_0001 | 0

/** The header, in words. Each latch has a cache line of its own. */
export const HEADER = {
  magic: 0,
  units: 1, //             how many units the file has; never changes
  firstUnit: 2, //         the first that is not taken by header, slots and table; never changes
  limitUnits: 3, //        the ceiling; never changes
  highestSlot: 4, //       no slot above it was ever taken; only grows, under the roster latch
  rosterLatch: 16, //      guards FREE → RESERVED
  allocatorLatch: 32, //   guards the unit table and the next three words
  usedUnits: 33, //        derived: sum over the owned runs
  keptUnits: 34, //        hint: freed units whose pages were kept
  nextUnit: 35, //         hint: where the next search for a free run begins
  discards: 36, //         how often pages were given back to the kernel; counted before it is done
  referencesLatch: 48, //  guards who refers to which object, and the word below
  firstName: 49, //        the commons only: the list of what is shared by name (commons/name.ts)
} as const

export const SLOTS = 1024
export const SLOT_WORDS = 64
const SLOTS_AT = 65536

/** The words of a participant's slot. */
export const SLOT = {
  state: 0, //       generation << 11 | code: every transition is one compareExchange
  reaper: 1, //      token of the participant that is recovering this dead slot, or 0
  rung: 2, //        1: look at everything you wait for
  asleep: 3, //      AWAKE, BLOCKED or AWAITING: how a ring must reach this thread
  pid: 4,
  liveness: 5, //    which word of the mutex below the kernel marks
  reservedBy: 6, //  token of the parent, while RESERVED or JOINING
  bell: 7, //        the writing end of this thread's doorbell: its descriptor number,
  bellInode: 8, //   and its inode, so that nobody rings a stranger
  peace: 9, //       1: it is ending by itself, with exit code 0
  mutex: 16, //      64 bytes: the robust mutex, held for life
  name: 32, //       64 bytes: UTF-8, zero-padded
} as const

export const slotAt = (slot: number): number => SLOTS_AT / 4 + slot * SLOT_WORDS

export const UNIT = 256 * 1024
const TABLE_AT = SLOTS_AT + SLOTS * SLOT_WORDS * 4

/** The owner word of a unit: the truth about the run that begins there. */
export const unitOwner = (unit: number): number => TABLE_AT / 4 + unit * 2
/** The length in units of the run (free or owned) that begins there. */
export const unitLength = (unit: number): number => TABLE_AT / 4 + unit * 2 + 1
export const firstUnitOf = (units: number): number => Math.ceil((TABLE_AT + units * 8) / UNIT)

export const toRef = (address: number): number => address / 64
export const toAddress = (ref: number): number => ref * 64
