/**
 * Who refers to a shared object, and when it is freed: with the last handle, in whatever process, or in a message.
 *
 *   kind · inFlight · holders[32]        then the object's own words (its body)
 *
 *   private ──[F1] publish──▶ SHARED ──[F4] last reference gone──▶ dying (owner | OBJECT) ──taken apart──▶ FREE
 *
 * Who writes the words
 *   holders    one bit for each participant that has a handle: set by itself [F2], cleared by itself [F3] or by its
 *              recovery. The truth about handles.
 *   inFlight   how often the object stands in messages that nobody has opened (blocks whose owner word says PARCEL) and
 *              in other objects. Derived from them: raised before a block becomes a parcel, lowered after it was one.
 * All under the references latch, but for [F1], and for [F2] where something else keeps the object alive meanwhile. The last
 * handle goes by [F4] alone, another by [F3] alone: nobody who ends between two steps leaves an object that none refers to.
 * Objects that refer to each other in a circle (a queue that holds itself) stay until the session ends.
 *
 * If a process dies
 *   before [F1]             a private block: freed with its owner, and all that it had prepared.
 *   holding handles         recovery clears its bits, and does [F4] for what nobody else holds.
 *   between inFlight and    inFlight is too high, never too low. Recovery counts the parcels anew, and so does the next
 *   the owner word          one to enter the latch if the death was inside [F5]; what then nobody refers to goes.
 *   taking an object apart  the owner word says so: recovery goes on with it.
 * The same if the stack is full inside. Who has no stack left for [F3] or [F4] still has the handle, which is dropped when it
 * is collected. Who claimed an object and had none left to take it apart goes on with it when it takes the next one apart
 * (session.ts).
 */
import { and, or, peek, poke, store, type Words } from '#words'
import { kindOf } from './kinds.ts'
import { within } from './latch.ts'
import { HEADER, toAddress } from './layout.ts'
import { isDying, isParcel, NOBODY, OBJECT, ownerOf, PARCEL, SHARED } from './owner.ts'
import type { Session } from './session.ts'
import { slotOf } from './token.ts'

const KIND = 0
const IN_FLIGHT = 1
const HOLDERS = 2
const GROUPS = 32
/** Words before the body. */
export const BODY = HOLDERS + GROUPS + 14

/** A private object with a zeroed body and this participant as its holder. `bytes`: with data behind its body (Allocator: blank). */
export function allocateObject(session: Session, kind: number, bodyWords: number, bytes = 0): number {
  const least = (BODY + bodyWords) * 4
  const address = session.allocator.allocate(Math.max(least, bytes), bytes > least)
  const { w, at } = objectAt(session, address)
  for (let i = 0; i < BODY + bodyWords; i++) poke(w, at + i, 0)
  poke(w, at + KIND, kind)
  poke(w, at + HOLDERS + (session.slot >>> 5), 1 << (session.slot & 31))
  return address
}

/** The object is complete, and refers to `others`: the processes may come to know it. */
export function publishObject(session: Session, address: number, others: readonly number[] = []): void {
  const share = () => session.allocator.setOwner(address, SHARED) // [F1] publishes all that was poked
  if (others.length === 0) {
    share()
    return
  }
  underReferences(session, () => {
    for (const other of others) countInFlight(session, other, 1)
    share()
  })
}

/** This participant has a handle from here on. Only for an object that something else keeps alive meanwhile. */
export function holdReference(session: Session, object: number): void {
  const { w, at } = objectAt(session, object)
  or(w, at + HOLDERS + (session.slot >>> 5), 1 << (session.slot & 31)) // [F2]
}

/** While an object is taken apart: word `i` of it does not refer to another any more. */
export function clearReference(session: Session, w: Words, i: number): void {
  const object = toAddress(peek(w, i))
  underReferences(session, () => {
    poke(w, i, 0)
    if (object === 0) return
    countInFlight(session, object, -1)
    claimIfUnreferenced(session, object)
  })
  session.takeApart()
}

export function kindCode(session: Session, address: number): number {
  const { w, at } = objectAt(session, address)
  return peek(w, at + KIND)
}

/** This participant has no handle on the object any more. */
export function dropReference(session: Session, address: number): void {
  underReferences(session, () => {
    const { w, at } = objectAt(session, address)
    const isLast = !isHeldByOthers(session, address)
    if (isLast) session.condemn(address)
    session.forget(address) // not before: until here the collection of the handle would drop it
    if (isLast)
      session.allocator.swapOwner(address, SHARED, session.me | OBJECT) // [F4]
    else and(w, at + HOLDERS + (session.slot >>> 5), ~(1 << (session.slot & 31))) // [F3]
  })
  session.takeApart()
}

/** Under the latch: when nobody refers to it, it is this participant's to take apart, after the latch, by session.takeApart(). */
export function claimIfUnreferenced(session: Session, address: number): void {
  if (isReferredTo(session, address, 0)) return
  session.condemn(address) // before: whoever has no stack left after [F4] comes back to it
  session.allocator.swapOwner(address, SHARED, session.me | OBJECT) // [F4]
}

/** The block becomes a parcel of `owner`: what it carries counts as referred to. */
export function sealReferences(session: Session, block: number, objects: readonly number[], owner: number): void {
  underReferences(session, () => {
    for (const object of objects) countInFlight(session, object, 1)
    session.allocator.setOwner(block, owner | PARCEL)
  })
}

/** The parcel becomes a plain block of this participant, which from here on holds what was in it. */
export function openReferences(session: Session, block: number, objects: readonly number[]): void {
  underReferences(session, () => {
    for (const object of objects) {
      const { w, at } = objectAt(session, object)
      or(w, at + HOLDERS + (session.slot >>> 5), 1 << (session.slot & 31)) // [F2]
    }
    session.allocator.setOwner(block, session.me)
    for (const object of objects) countInFlight(session, object, -1)
  })
}

/** The parcel becomes a plain block without having been opened; what nobody refers to any more goes. */
export function discardReferences(session: Session, block: number, objects: readonly number[]): void {
  underReferences(session, () => {
    session.allocator.setOwner(block, session.me)
    for (const object of objects) {
      countInFlight(session, object, -1)
      claimIfUnreferenced(session, object)
    }
  })
  session.takeApart()
}

function countInFlight(session: Session, object: number, by: number): void {
  const { w, at } = objectAt(session, object)
  store(w, at + IN_FLIGHT, Math.max(0, peek(w, at + IN_FLIGHT) + by))
}

/**
 * Does it under the references latch. When it throws, for want of stack say, or its process dies, the next one counts anew,
 * and takes apart what the last one did not come to.
 */
export function underReferences<T>(session: Session, act: () => T): T {
  let late = false
  const result = within(session.w, session.w, HEADER.referencesLatch, session.me, abandoned => {
    late = abandoned
    if (abandoned) for (const object of recountReferences(session, NOBODY)) claimIfUnreferenced(session, object) // [F5]
    return act()
  })
  if (late) takeLeftApart(session)
  return result
}

function takeLeftApart(session: Session): void {
  try {
    session.takeApart()
  } catch {
    // no stack is left for it: what was to be done is done, and this comes with the next one
  }
}

/** Under the latch: sets every inFlight to what the parcels say, those of `dead` not counted. Gives all objects. */
export function recountReferences(session: Session, dead: number): number[] {
  const objects: number[] = []
  const counts = new Map<number, number>()
  const count = (object: number) => counts.set(object, (counts.get(object) ?? 0) + 1)
  for (const { address, owner } of session.allocator.blocks()) {
    if (owner === SHARED) objects.push(address)
    if (owner === SHARED || isDying(owner)) referencesOf(session, address).forEach(count)
    if (isParcel(owner) && ownerOf(owner) !== dead) parcelContents(session, address).forEach(count)
  }
  for (const object of objects) {
    const { w, at } = objectAt(session, object)
    store(w, at + IN_FLIGHT, counts.get(object) ?? 0)
  }
  return objects
}

/** What the object refers to by itself. */
export function referencesOf(session: Session, object: number): number[] {
  return kindOf(kindCode(session, object)).refersTo?.(session, object) ?? []
}

/** Of an object whose word `i` refers to another, if it refers to any: that one. */
export function referenceIn(session: Session, address: number, i: number): number[] {
  const { w, at } = bodyAt(session, address)
  const object = toAddress(peek(w, at + i))
  return object === 0 ? [] : [object]
}

/** Under the latch: the dead participant's handles are gone. */
export function forgetHolder(session: Session, object: number, dead: number): void {
  const { w, at } = objectAt(session, object)
  const slot = slotOf(dead)
  and(w, at + HOLDERS + (slot >>> 5), ~(1 << (slot & 31)))
}

/** The participants that hold a handle, by slot, and the number of messages under way; for check and diagnosis. */
export function holdersOf(session: Session, object: number): { slots: number[]; inFlight: number } {
  const { w, at } = objectAt(session, object)
  const slots: number[] = []
  for (let slot = 0; slot < GROUPS * 32; slot++) {
    if ((peek(w, at + HOLDERS + (slot >>> 5)) >>> (slot & 31)) & 1) slots.push(slot)
  }
  return { slots, inFlight: peek(w, at + IN_FLIGHT) }
}

/** Under the latch: anybody but this participant has a handle on it, or a message under way carries it. */
export function isHeldByOthers(session: Session, object: number): boolean {
  return isReferredTo(session, object, 1 << (session.slot & 31))
}

/** `mine`: the bit of this participant, where its own handle does not count. */
function isReferredTo(session: Session, object: number, mine: number): boolean {
  const { w, at } = objectAt(session, object)
  if (peek(w, at + IN_FLIGHT) !== 0) return true
  for (let g = 0; g < GROUPS; g++) {
    const others = g === session.slot >>> 5 ? ~mine : -1
    if ((peek(w, at + HOLDERS + g) & others) !== 0) return true
  }
  return false
}

/** The object's own words. */
export function bodyAt(session: Session, address: number): { w: Words; at: number } {
  const { w, at } = objectAt(session, address)
  return { w, at: at + BODY }
}

export function objectAt(session: Session, address: number): { w: Words; at: number } {
  return { w: session.segment.wordsAt(address), at: session.segment.indexOf(address) }
}

// ── parcels: how a block lists the objects it carries (parcel.ts writes the rest) ──

/** `lease`: six words for a queue that keeps track of who has taken what (channel/leases.ts). */
export const PARCEL_WORDS = { headLength: 0, low: 1, high: 2, handles: 3, lease: 4, first: 10 } as const

export function parcelContents(session: Session, block: number): number[] {
  const { w, at } = objectAt(session, block)
  const objects: number[] = []
  for (let i = 0, n = peek(w, at + PARCEL_WORDS.handles); i < n; i++) {
    const one = contentAt(session, block, i)
    objects.push(toAddress(peek(one.w, one.at)))
  }
  return objects
}

/** The word for object `i`: there may be so many that they lie across windows (segment.ts). */
export function contentAt(session: Session, block: number, i: number): { w: Words; at: number } {
  return objectAt(session, block + (PARCEL_WORDS.first + i) * 4)
}
