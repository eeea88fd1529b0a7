/**
 * A message in a block of its own: what does not fit into a queue's segment, or carries handles.
 *
 *   headLength · length (two words) · handles · lease (six words) · the objects …      then, from the next 64 bytes on, the message
 *
 * Written by whoever owns the block, read by whoever owns it; nobody else looks, but for the list of objects.
 */
import { peek, poke } from '#words'
import type { Message } from '../contract/message.ts'
import { collectYoung, noteArrival } from '../os/garbage.ts'
import { keepFreedPages, LARGE } from '../os/heap.ts'
import { toRef } from './layout.ts'
import { isParcel, ownerOf } from './owner.ts'
import {
  contentAt,
  discardReferences,
  holdReference,
  objectAt,
  openReferences,
  PARCEL_WORDS,
  parcelContents,
  sealReferences,
} from './references.ts'
import type { Session } from './session.ts'
import { idIn } from './shared-object.ts'

const headerBytes = (handles: number): number => Math.ceil(((PARCEL_WORDS.first + handles) * 4) / 64) * 64

/** Puts the message into a block that belongs to participant `owner`. Throws OutOfSharedMemoryError. */
export function sealParcel(session: Session, message: Message, owner: number = session.me): number {
  const objects = message.handles.map((handle, i) => idIn(session, handle, () => message.pathOf(i)))
  const offset = headerBytes(objects.length)
  const block = session.allocator.allocate(offset + message.byteLength)
  const { w, at } = objectAt(session, block)
  poke(w, at + PARCEL_WORDS.headLength, message.headLength)
  poke(w, at + PARCEL_WORDS.low, message.byteLength | 0)
  poke(w, at + PARCEL_WORDS.high, Math.floor(message.byteLength / 2 ** 32))
  poke(w, at + PARCEL_WORDS.handles, objects.length)
  for (const [i, object] of objects.entries()) {
    const one = contentAt(session, block, i)
    poke(one.w, one.at, toRef(object))
  }
  try {
    message.writeTo(session.segment.bytesAt(block + offset, message.byteLength))
  } catch (error) {
    session.allocator.free(block)
    throw error
  }
  if (objects.length > 0) sealReferences(session, block, objects, owner)
  else if (owner !== session.me) session.allocator.setOwner(block, owner)
  return block
}

/** Puts another message, without handles, into a block that somebody else sees to; there must be room for it. */
export function rewriteParcel(session: Session, block: number, message: Message): void {
  const { w, at } = objectAt(session, block)
  poke(w, at + PARCEL_WORDS.headLength, message.headLength)
  poke(w, at + PARCEL_WORDS.low, message.byteLength | 0)
  poke(w, at + PARCEL_WORDS.high, Math.floor(message.byteLength / 2 ** 32))
  poke(w, at + PARCEL_WORDS.handles, 0)
  if (message.byteLength >= LARGE) keepFreedPages()
  message.writeTo(session.segment.bytesAt(block + headerBytes(0), message.byteLength))
}

export interface ParcelContents {
  readonly bytes: Uint8Array
  readonly headLength: number
  /** The objects it carried, as handles of this process. */
  readonly handles: readonly unknown[]
}

export interface OpenParcel extends ParcelContents {
  /** The block goes; `bytes` must not be looked at any more. */
  free(): void
}

/** Opens a parcel that belongs to this participant. */
export function openParcel(session: Session, block: number): OpenParcel {
  const objects = parcelContents(session, block)
  if (objects.length > 0) openReferences(session, block, objects)
  try {
    return read(session, block, objects)
  } catch (error) {
    session.allocator.free(block)
    throw error
  }
}

/** Reads a parcel that remains one: somebody sees to it that nobody frees it meanwhile. */
export function readParcel(session: Session, block: number): ParcelContents {
  const objects = parcelContents(session, block)
  for (const object of objects) holdReference(session, object)
  return read(session, block, objects)
}

/** The message in a parcel that belongs to this participant, unopened: what it carries is not this participant's. */
export function contentsOf(session: Session, block: number): Pick<OpenParcel, 'bytes' | 'headLength'> {
  const { w, at } = objectAt(session, block)
  const length = (peek(w, at + PARCEL_WORDS.low) >>> 0) + peek(w, at + PARCEL_WORDS.high) * 2 ** 32
  if (length >= LARGE) {
    // a copy is made of it next
    keepFreedPages()
    collectYoung()
    noteArrival(length)
  }
  return {
    bytes: session.segment.bytesAt(block + headerBytes(peek(w, at + PARCEL_WORDS.handles)), length),
    headLength: peek(w, at + PARCEL_WORDS.headLength),
  }
}

function read(session: Session, block: number, objects: readonly number[]): OpenParcel {
  const handles: unknown[] = []
  let failure: unknown
  for (const object of objects) {
    try {
      handles.push(session.handle(object))
    } catch (error) {
      failure ??= error // the others get their handles all the same: by these their references are dropped
    }
  }
  if (failure !== undefined) throw failure
  return {
    ...contentsOf(session, block),
    handles,
    free: () => session.allocator.free(block),
  }
}

/** Frees a parcel that belongs to this participant without opening it. */
export function discardParcel(session: Session, block: number): void {
  const owner = session.allocator.owner(block)
  if (ownerOf(owner) !== session.me) return // somebody has it by now
  if (isParcel(owner)) discardReferences(session, block, parcelContents(session, block))
  session.allocator.free(block)
}
