/**
 * What lies between the two ends of a pipe: a log of messages in each direction (log.ts), and the beacons of those who
 * watch for them (beacon.ts). An end is an object of its own (pipe-end.ts); whether anybody holds it is exactly whether
 * it is referred to, by handles or by messages under way (references.ts), so the end of a pipe needs no counting.
 *
 *   for each side:  messages to that side (a log) · beacons of that side
 *
 *   both ends held ──[E1] the end of side s is freed──▶ to the other side: DRAINING   the other side receives what is there,
 *                  ──[E2]──────────────────────────────▶ to side s: DROPPED            then EOF; its sends are refused
 *
 * Who writes the words: as log.ts and beacon.ts say; the states of the logs also whoever takes an end apart.
 *
 * Back-pressure is by weight: a send waits while more than MARK bytes that nobody has received lie in its direction. So two
 * sides that send each other something large at the same time do not wait for each other, and no sender fills the memory.
 *
 * If a process dies
 *   holding an end              recovery forgets its handle; was it the last one, the end is taken apart, as when it is closed.
 *   before [E1], [E2], or [E3]  the end still says that it is being taken apart: recovery does it again from the start.
 *   before [E4]                 what was not dropped is dropped by the next who sends in vain, or with the core.
 */

import { BEACON_WORDS, beaconsOf, lightAll, recoverBeacons } from '../arena/beacon.ts'
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { discardParcel } from '../arena/parcel.ts'
import { allocateObject, bodyAt, publishObject } from '../arena/references.ts'
import type { Session } from '../arena/session.ts'
import { slotOf } from '../arena/token.ts'
import { forget, wakeAll } from '../arena/wait-set.ts'
import { InvalidStateError } from '../contract/errors.ts'
import { DONE, LOG_WORDS, Log, NOT_EMPTY, NOT_FULL } from './log.ts'

const KIND = 11

export type Side = 0 | 1
export const otherSide = (side: Side): Side => (side === 0 ? 1 : 0)

/** In steps of 16 words, so that each latch keeps a cache line of its own. */
const BEACONS_AT = Math.ceil(LOG_WORDS / 16) * 16
const SIDE_WORDS = Math.ceil((BEACONS_AT + BEACON_WORDS) / 16) * 16

/** Words from the core's beginning to the log of messages to that side. */
export const logOffset = (side: Side): number => side * SIDE_WORDS
export const beaconOffset = (side: Side): number => side * SIDE_WORDS + BEACONS_AT

/** A send waits while more than this lies unread in its direction, bytes; less when memory is small. */
const MARK = 8 << 20
const SHARE_OF_MEMORY = 8

/** A core that this participant still has to publish. */
export function allocateCore(session: Session): number {
  const address = allocateObject(session, KIND, 2 * SIDE_WORDS)
  const { w, at } = bodyAt(session, address)
  const mark = Math.min(MARK, Math.floor(session.allocator.usage().limit / SHARE_OF_MEMORY))
  for (const side of [0, 1] as const) Log.initialise(w, at + logOffset(side), 0, mark)
  return address
}

export function publishCore(session: Session, address: number): void {
  publishObject(session, address)
}

/** Nobody holds the end of `side` any more, and never will. */
export function leaveSide(session: Session, core: number, side: Side): void {
  const { w, at } = bodyAt(session, core)
  const [mine, theirs] = [at + logOffset(side), at + logOffset(otherSide(side))]
  new Log(session, w, theirs).end(false) // [E1] they receive what is there, and then EOF
  const unread = new Log(session, w, mine)
  unread.end(true) // [E2] who sends is told that nobody will receive it
  wakeAll(session.w, w, theirs + NOT_EMPTY) // [E3]
  wakeAll(session.w, w, mine + NOT_FULL)
  lightAll(session.w, w, at + beaconOffset(otherSide(side)))
  drop(session, unread) // [E4]
}

/** Frees what nobody will receive, item by item, as far as no latch is in the way. */
export function drop(session: Session, log: Log): void {
  const taken = { payload: NO_PAYLOAD, bytes: 0, head: 0, block: 0 }
  while (log.get(taken, true) === DONE) if (taken.block !== 0) discardParcel(session, taken.block)
}

const NO_PAYLOAD = new Int32Array(0)

export const pipeCoreKind: Kind = {
  code: KIND,
  name: 'Pipe',
  open() {
    throw new InvalidStateError('Expected a handle on an end of a pipe, got one on the pipe itself')
  },
  recover(session, address, dead, blocks) {
    const { w, at } = bodyAt(session, address)
    let mended = true
    for (const side of [0, 1] as const) {
      const log = at + logOffset(side)
      forget(w, log + NOT_EMPTY, slotOf(dead))
      forget(w, log + NOT_FULL, slotOf(dead))
      recoverBeacons(session.w, w, at + beaconOffset(side), dead)
      if (!new Log(session, w, log).reclaim(blocks, dead)) mended = false
    }
    return mended
  },
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    for (const side of [0, 1] as const) {
      const log = new Log(session, w, at + logOffset(side))
      log.end(true)
      drop(session, log)
      log.freeLast()
    }
  },
  check(session, address, queued) {
    const { w, at } = bodyAt(session, address)
    return ([0, 1] as const).flatMap(side => {
      const log = new Log(session, w, at + logOffset(side))
      return [
        ...log.latches().flatMap(holder => checkHolder(session, 'a latch of it', holder)),
        ...checkWaiters(session, w, at + logOffset(side) + NOT_EMPTY),
        ...checkWaiters(session, w, at + logOffset(side) + NOT_FULL),
        ...beaconsOf(w, at + beaconOffset(side)).flatMap(owner => checkHolder(session, 'a beacon of it', owner)),
        ...log.check(queued),
      ]
    })
  },
  // who waits is told at the ends
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const logs = ([0, 1] as const).map(side => new Log(session, w, at + logOffset(side)))
    return { detail: { unread: logs.map(log => log.size()), bytes: logs.map(log => log.bytes()) } }
  },
}
