/**
 * Somebody died: what it held is taken over, what it owned is freed, everybody is rung. A loop over the objects, which
 * answer for themselves (kinds.ts).
 *
 *   DEAD ──[R0] claim──▶ its recovery is ours ──[R1]…[R6]──▶ FREE
 *
 *   [R1] the arena's latches are taken over;        [R4] all living are rung
 *        which blocks does the dead own?
 *   [R2] every object mends what it left            [R5] its process is gone: its blocks are freed
 *   [R3] its handles are forgotten, parcels counted [R6] the slot is FREE
 *
 * If the one who recovers dies: its right to recover (the `reaper` word) names a dead participant, so another takes it
 * and begins anew at [R1]. Every step may be done twice; blocks freed by the first are not the dead's any more.
 *
 * Why [R4] rings everybody, and does not ask who is marked or rung: the dead may have been chosen to be woken, or have
 * been about to ring the one it chose. Nobody can tell; one needless look each is the price.
 *
 * Why [R5] waits for the whole process: the kernel marks a thread as dead up to 3 ms before the other threads of its
 * process have stopped, and one of those may still be copying into a block.
 */

import { pause } from '#words'
import { isByteLocked } from '../os/ofd-lock.ts'
import { ringAll } from './doorbell.ts'
import { kindOf } from './kinds.ts'
import { enter, leave } from './latch.ts'
import { HEADER } from './layout.ts'
import { isDying, OBJECT, ownerOf, SHARED } from './owner.ts'
import { claim, release, unclaim } from './participants.ts'
import {
  claimIfUnreferenced,
  forgetHolder,
  guardReferences,
  kindCode,
  leaveReferences,
  recountReferences,
} from './references.ts'
import { guard } from './runs.ts'
import type { Session } from './session.ts'
import { slotOf } from './token.ts'

/** True when it is done, or another does it; false: to be tried again later. */
export function recover(session: Session, dead: number): boolean {
  const { w, me, allocator } = session
  if (!claim(w, dead, me)) return true // [R0]
  takeLatchesOver(session)
  const blocks = new Set<number>()
  const halfTaken: number[] = []
  for (const { address, owner } of allocator.blocks()) {
    if (ownerOf(owner) !== dead) continue
    if (isDying(owner)) halfTaken.push(address)
    else blocks.add(address) // [R1]
  }
  guardReferences(session)
  const mended = mend(session, dead, blocks, halfTaken) // [R2]
  if (mended) {
    for (const object of recountReferences(session, dead)) {
      forgetHolder(session, object, dead) // [R3]
      claimIfUnreferenced(session, object)
    }
  }
  leaveReferences(session)
  ringAll(w) // [R4]
  if (!mended || !isProcessGone(session, dead)) {
    unclaim(w, dead, me)
    session.takeApart()
    return false
  }
  for (const block of blocks) if (ownerOf(allocator.owner(block)) === dead) own(session, block, dead) // [R5]
  for (const object of halfTaken) {
    session.condemn(object)
    allocator.swapOwner(object, dead | OBJECT, me | OBJECT)
  }
  session.takeApart()
  release(w, dead) // [R6]
  return true
}

/** No word names the dead when its recovery is over. The references latch follows. */
function takeLatchesOver({ w, me }: Session): void {
  guard(w, me)
  leave(w, HEADER.allocatorLatch, me)
  enter(w, w, HEADER.rosterLatch, me)
  leave(w, HEADER.rosterLatch, me)
}

/** Under the references latch: no object goes away while we look at it. */
function mend(session: Session, dead: number, blocks: Set<number>, halfTaken: readonly number[]): boolean {
  let mended = true
  const look = (object: number) => {
    if (!kindOf(kindCode(session, object)).recover(session, object, dead, blocks)) mended = false
  }
  for (const { address, owner } of session.allocator.blocks()) if (owner === SHARED) look(address)
  for (const object of halfTaken) look(object)
  return mended
}

function own(session: Session, block: number, dead: number): void {
  const owner = session.allocator.owner(block)
  if (ownerOf(owner) === dead && session.allocator.swapOwner(block, owner, session.me)) session.allocator.free(block)
}

/** Looks for a few milliseconds at the most. */
function isProcessGone(session: Session, dead: number): boolean {
  for (let round = 100; round < 120; round++) {
    if (!isByteLocked(session.ownFile, slotOf(dead))) return true
    pause(round)
  }
  return false
}
