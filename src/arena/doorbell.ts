/**
 * How a thread is woken: by its `rung` word, and by whatever its thread sleeps in.
 *
 *   rung    0 ──[B1] anyone rings──▶ 1 ──[B4] its owner, awake, before it looks at what it waits for──▶ 0
 *   asleep  AWAKE ⇄ BLOCKED (in a futex on `rung`) · AWAKE ⇄ AWAITING (in the event loop, watching its pipe)
 *
 * Who writes the words
 *   rung    anyone to 1, its owner to 0.      asleep    only its owner.
 *
 * A ringer sets `rung` and then reads `asleep`; a sleeper sets `asleep` and then reads `rung` (the futex does it in the
 * kernel, the event loop's side by hand, sleeper.ts). So one of the two sees the other. `rung` is set to 0 before the owner looks around, never
 * after: a ring that comes while it looks makes it look again. A ring for nothing costs one look.
 *
 * If a process dies
 *   between [B1] and [B3]  `rung` is 1, so later ringers think the bell was heard, and nobody was woken. Whoever
 *                          recovers the dead rings everybody, whatever `rung` says [B5].
 *   asleep                 rings spent on it are lost for the others: [B5] again.
 */
import { exchange, load, store, type Words, wake } from '#words'
import { closeFd, openPeerPipe, writeByte } from '../os/pipe.ts'
import { HEADER, SLOT, slotAt } from './layout.ts'
import { codeOf, isGone, LIVE, tokenOf } from './token.ts'

export const AWAKE = 0
export const BLOCKED = 1
export const AWAITING = 2

export function ring(w: Words, slot: number): void {
  const at = slotAt(slot)
  if (exchange(w, at + SLOT.rung, 1) === 1) return // [B1] publishes what the ringer changed; pairs with [B4]
  reach(w, slot)
}

/** Rings every living participant, also one that seems to be rung already. */
export function ringAll(w: Words): void {
  const highest = load(w, HEADER.highestSlot)
  for (let slot = 0; slot <= highest; slot++) {
    const at = slotAt(slot)
    if (codeOf(load(w, at + SLOT.state)) !== LIVE) continue
    store(w, at + SLOT.rung, 1) // [B5]
    reach(w, slot)
  }
}

function reach(w: Words, slot: number): void {
  const at = slotAt(slot)
  const asleep = load(w, at + SLOT.asleep)
  if (asleep === BLOCKED)
    wake(w, at + SLOT.rung) // [B3]
  else if (asleep === AWAITING) pull(w, slot)
}

/** The owner, awake: what is rung from here on is rung anew. */
export function heard(w: Words, slot: number): boolean {
  return exchange(w, slotAt(slot) + SLOT.rung, 0) === 1 // [B4] pairs with [B1]
}

/** Peers' bells that this thread has opened, for each session by slot. They belong to one life of the slot: its token. */
const opened = new WeakMap<Words, Map<number, { token: number; fd: number }>>()

/** Rings in the peer's event loop. What was committed stays committed: a bell that cannot be reached is no error. */
function pull(w: Words, slot: number): void {
  try {
    writeTo(w, slot)
  } catch {
    // no descriptor left, say; the peer looks around by itself twice a second
  }
}

/** Closes what this thread has opened of the bells of those who are gone. */
export function closeBellsOfTheGone(w: Words): void {
  const bells = opened.get(w)
  if (bells === undefined) return
  for (const [slot, { token, fd }] of bells) {
    if (!isGone(w, token)) continue
    bells.delete(slot)
    closeFd(fd)
  }
}

/** Writes a byte into the pipe that the peer's event loop watches. */
function writeTo(w: Words, slot: number): void {
  const at = slotAt(slot)
  const token = tokenOf(slot, load(w, at + SLOT.state))
  let bells = opened.get(w)
  if (bells === undefined) {
    bells = new Map()
    opened.set(w, bells)
  }
  let bell = bells.get(slot)
  if (bell?.token !== token) {
    if (bell) closeFd(bell.fd)
    bells.delete(slot)
    const fd = openPeerPipe(load(w, at + SLOT.pid), load(w, at + SLOT.bell), load(w, at + SLOT.bellInode))
    if (fd === undefined) return // it is ending, or hidden from us: it looks around by itself twice a second
    bell = { token, fd }
    bells.set(slot, bell)
  }
  if (!writeByte(bell.fd)) {
    closeFd(bell.fd)
    bells.delete(slot)
  }
}
