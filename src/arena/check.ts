/**
 * Walks the whole session and names whatever is impossible. For crash tests and for diagnosis; exact when nobody is at
 * work at the moment, else a glance.
 */
import { load, peek, type Words } from '#words'
import { kindOf } from './kinds.ts'
import { HEADER, SLOT, slotAt, unitLength, unitOwner } from './layout.ts'
import { isDying, isParcel, isToken, NOBODY, ownerOf, QUEUED, SHARED, SLAB } from './owner.ts'
import { holdersOf, kindCode, parcelContents, referencesOf } from './references.ts'
import { ORPHAN } from './robust-lock.ts'
import { runs } from './runs.ts'
import type { Session } from './session.ts'
import { codeOf, DEAD, FREE, isGone, tokenOf } from './token.ts'

/** Empty when all is well. */
export function check(session: Session): string[] {
  return [...checkLatches(session), ...checkParticipants(session), ...checkUnits(session), ...checkBlocks(session)]
}

function checkLatches({ w }: Session): string[] {
  return (['rosterLatch', 'allocatorLatch', 'referencesLatch'] as const)
    .filter(latch => load(w, HEADER[latch]) !== NOBODY)
    .map(latch => `${latch} is held by ${name(load(w, HEADER[latch]))}`)
}

function checkParticipants({ w }: Session): string[] {
  const wrong: string[] = []
  for (let slot = 0; slot <= load(w, HEADER.highestSlot); slot++) {
    const code = codeOf(load(w, slotAt(slot) + SLOT.state))
    if (code > DEAD) wrong.push(`participant ${slot} is in state ${code}, which does not exist`)
    if (code === DEAD) wrong.push(`participant ${slot} is dead and not recovered`)
  }
  return wrong
}

function checkUnits({ w }: Session): string[] {
  const wrong: string[] = []
  const end = peek(w, HEADER.units)
  let next = peek(w, HEADER.firstUnit)
  let used = 0
  for (const unit of runs(w)) {
    const length = peek(w, unitLength(unit))
    if (unit !== next || length <= 0) wrong.push(`the run at unit ${unit} has length ${length}`)
    if (load(w, unitOwner(unit)) !== NOBODY) used += length
    next = unit + length
  }
  if (next !== end) wrong.push(`the runs end at unit ${next}, the memory at ${end}`)
  if (used !== peek(w, HEADER.usedUnits))
    wrong.push(`${used} units are owned, ${peek(w, HEADER.usedUnits)} are counted`)
  return wrong
}

function checkBlocks(session: Session): string[] {
  const wrong: string[] = []
  const objects = new Set<number>()
  const carried = new Map<number, number>()
  const queued = new Set<number>()
  for (const { address, owner } of session.allocator.blocks()) {
    const by = ownerOf(owner)
    if (owner === SHARED) objects.add(address)
    else if (by === QUEUED) queued.add(address)
    else if (!isToken(by) || owner === SLAB)
      wrong.push(`block ${hex(address)} has owner ${hex(owner)}, which does not exist`)
    else if (isGone(session.w, by)) wrong.push(`block ${hex(address)} belongs to ${name(by)}, who is gone`)
    if (isDying(owner) && isGone(session.w, by)) wrong.push(`object ${hex(address)} was left half taken apart`)
    if (owner === SHARED || isDying(owner)) {
      for (const o of referencesOf(session, address)) carried.set(o, (carried.get(o) ?? 0) + 1)
    }
    if (isParcel(owner)) for (const o of parcelContents(session, address)) carried.set(o, (carried.get(o) ?? 0) + 1)
  }
  for (const object of objects) {
    const { slots, inFlight } = holdersOf(session, object)
    const label = `${kindOf(kindCode(session, object)).name} ${hex(object)}`
    if (slots.length === 0 && inFlight === 0) wrong.push(`${label} is referred to by nobody`)
    if (inFlight !== (carried.get(object) ?? 0)) {
      wrong.push(`${label} stands in ${carried.get(object) ?? 0} messages and objects, ${inFlight} are counted`)
    }
    for (const slot of slots)
      if (isFree(session, slot)) wrong.push(`${label} is held by participant ${slot}, who is gone`)
    wrong.push(
      ...kindOf(kindCode(session, object))
        .check(session, object, queued)
        .map(text => `${label}: ${text}`),
    )
  }
  for (const object of carried.keys())
    if (!objects.has(object)) wrong.push(`a message or object refers to ${hex(object)}, which is free`)
  for (const block of queued) wrong.push(`block ${hex(block)} is marked as queued, and no queue refers to it`)
  return wrong
}

/** Marks of participants that are gone. */
export function checkWaiters(session: Session, w: Words, set: number): string[] {
  const wrong: string[] = []
  for (let slot = 0; slot <= load(session.w, HEADER.highestSlot); slot++) {
    const marked = (load(w, set + 1 + (slot >>> 5)) >>> (slot & 31)) & 1
    if (marked && isFree(session, slot)) wrong.push(`participant ${slot} is marked as waiting, and is gone`)
  }
  return wrong
}

/** A lock or latch word that names somebody who is gone and recovered. */
export function checkHolder(session: Session, what: string, holder: number): string[] {
  if (holder === NOBODY || holder === ORPHAN || !isGone(session.w, holder)) return []
  return [`${what} is held by ${name(holder)}, who is gone`]
}

function isFree({ w }: Session, slot: number): boolean {
  const state = load(w, slotAt(slot) + SLOT.state)
  return codeOf(state) === FREE || isGone(w, tokenOf(slot, state))
}

const name = (token: number): string => `participant ${(token & 0x7ff) - 1} (token ${hex(token)})`
const hex = (n: number): string => `0x${n.toString(16)}`
