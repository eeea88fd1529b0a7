/**
 * Runs of units: where large blocks and slabs come from. The unit table is the whole truth, read from left to right:
 * each run begins with an owner word and a length, and the next run begins where it ends.
 *
 *   FREE ──[U3] take──▶ token ──[U5] give──▶ FREE          token ⇄ QUEUED, SLAB: by whoever owns it (owner.ts)
 *
 *   one free run ──[U2] split──▶ two free runs ──[U1] join──▶ one free run
 *
 * Who writes the words
 *   lengths        only under the allocator latch
 *   FREE → token   only under the latch; token → anything else by its owner, without it
 *   → FREE         only under the latch, so that `usedUnits` is right while nobody dies
 *
 * If a process dies
 *   before [U2]    the second half is written, but inside a run: nobody reads it.
 *   after [U2]     two free runs. [U1] joins them again when a search passes by.
 *   after [U3]     a run that belongs to the dead: its recovery frees it.
 *   after [U5]     free; `usedUnits` may be too high: the next one to enter finds the latch abandoned and counts anew [U6].
 */
import { load, peek, poke, store, type Words } from '#words'
import { within } from './latch.ts'
import { HEADER, unitLength, unitOwner } from './layout.ts'
import { NOBODY } from './owner.ts'

/** The whole file is one free run. Called once, before anybody else knows the memory. */
export function initialiseRuns(w: Words): void {
  const first = peek(w, HEADER.firstUnit)
  poke(w, unitOwner(first), NOBODY)
  poke(w, unitLength(first), peek(w, HEADER.units) - first)
  poke(w, HEADER.nextUnit, first)
}

/** Gives the first unit of a run of `units`, owned by `me`; 0 when the ceiling does not allow it or none is found. */
export function takeRun(w: Words, me: number, units: number): number {
  return underGuard(w, me, () => {
    if (peek(w, HEADER.usedUnits) + units > peek(w, HEADER.limitUnits)) return 0
    const from = peek(w, HEADER.nextUnit)
    const unit = search(w, from, peek(w, HEADER.units), units) || search(w, peek(w, HEADER.firstUnit), from, units)
    poke(w, HEADER.nextUnit, unit === 0 ? peek(w, HEADER.firstUnit) : unit + units)
    if (unit === 0) return 0
    poke(w, HEADER.usedUnits, peek(w, HEADER.usedUnits) + units)
    poke(w, HEADER.keptUnits, Math.max(0, peek(w, HEADER.keptUnits) - units))
    store(w, unitOwner(unit), me) // [U3]
    return unit
  })
}

/** Finds a free run that begins in [from, to) and is long enough, cut to size. */
function search(w: Words, from: number, to: number, units: number): number {
  const end = peek(w, HEADER.units)
  for (let unit = from; unit < to; unit += peek(w, unitLength(unit))) {
    if (load(w, unitOwner(unit)) !== NOBODY) continue
    let length = peek(w, unitLength(unit))
    while (unit + length < end && load(w, unitOwner(unit + length)) === NOBODY) {
      length += peek(w, unitLength(unit + length))
      store(w, unitLength(unit), length) // [U1]
    }
    if (length < units) continue
    if (length > units) {
      poke(w, unitLength(unit + units), length - units)
      poke(w, unitOwner(unit + units), NOBODY)
      store(w, unitLength(unit), units) // [U2] publishes the second half
    }
    return unit
  }
  return 0
}

/** The run goes back. `kept`: its pages were not given back to the kernel. */
export function giveRun(w: Words, me: number, unit: number, kept: boolean): void {
  underGuard(w, me, () => {
    const units = peek(w, unitLength(unit))
    store(w, unitOwner(unit), NOBODY) // [U5]
    poke(w, HEADER.usedUnits, peek(w, HEADER.usedUnits) - units)
    if (!kept) return
    poke(w, HEADER.keptUnits, peek(w, HEADER.keptUnits) + units)
    // Its pages are there, and perhaps in a cache. The lowest first: those of the last one freed would leave the others behind, and
    // whoever takes two in a row would go on into memory that nobody has touched yet.
    if (unit < peek(w, HEADER.nextUnit)) poke(w, HEADER.nextUnit, unit)
  })
}

/**
 * Does it under the allocator latch; mends the derived words first, when the last one died inside. When it throws, for want of
 * stack say, the next one does.
 */
export function underGuard<T>(w: Words, me: number, act: () => T): T {
  return within(w, w, HEADER.allocatorLatch, me, abandoned => {
    if (abandoned) countAnew(w)
    return act()
  })
}

function countAnew(w: Words): void {
  let used = 0
  for (const unit of runs(w)) if (load(w, unitOwner(unit)) !== NOBODY) used += peek(w, unitLength(unit))
  poke(w, HEADER.usedUnits, used) // [U6]
  poke(w, HEADER.nextUnit, peek(w, HEADER.firstUnit))
}

/** The first unit of every run. Steady only under the allocator latch; without it a glance for diagnosis. */
export function* runs(w: Words): Generator<number> {
  const end = peek(w, HEADER.units)
  for (let unit = peek(w, HEADER.firstUnit); unit < end; ) {
    yield unit
    const length = peek(w, unitLength(unit))
    if (length <= 0) return
    unit += length
  }
}
