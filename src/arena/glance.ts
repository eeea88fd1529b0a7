/** What there is in a session at this moment: for inspect(). Takes no latch, waits for nobody, and may be wrong in details. */
import { load } from '#words'
import { BLOCKED } from './doorbell.ts'
import { type Description, kindOf } from './kinds.ts'
import { SLOT, slotAt } from './layout.ts'
import { SHARED } from './owner.ts'
import { type ParticipantRecord, participants } from './participants.ts'
import { holdersOf, kindCode } from './references.ts'
import type { Session } from './session.ts'
import { slotOf } from './token.ts'

export interface SeenParticipant extends ParticipantRecord {
  /** Asleep in the kernel: it does nothing else meanwhile. */
  readonly blocked: boolean
}

export interface SeenObject {
  readonly address: number
  readonly kind: string
  readonly bytes: number
  /** By slot: who has a handle on it, who holds it, who waits for it. */
  readonly handles: readonly number[]
  readonly holders: readonly number[]
  readonly waiters: readonly number[]
  readonly description: Description
}

export interface Glance {
  readonly participants: readonly SeenParticipant[]
  readonly objects: readonly SeenObject[]
  /** Bytes in blocks that somebody owns; bytes in units that are taken for them. */
  readonly used: number
  readonly reserved: number
}

export function glance(session: Session): Glance {
  const { w, allocator } = session
  const people = participants(w).map(one => ({
    ...one,
    blocked: load(w, slotAt(one.slot) + SLOT.asleep) === BLOCKED,
  }))
  const bySlot = new Map(people.map(one => [one.slot, one]))
  const objects: SeenObject[] = []
  let used = 0
  for (const { address, owner, bytes } of allocator.glance()) {
    used += bytes
    const seen = owner === SHARED ? look(session, address, bytes, bySlot) : undefined
    if (seen) objects.push(seen)
  }
  return { participants: people, objects, used, reserved: allocator.usage().used }
}

/** Nothing when it changed under our eyes. */
function look(
  session: Session,
  address: number,
  bytes: number,
  bySlot: ReadonlyMap<number, SeenParticipant>,
): SeenObject | undefined {
  try {
    const kind = kindOf(kindCode(session, address))
    const description = kind.describe?.(session, address) ?? {}
    const known = (slots: readonly number[]) => slots.filter(slot => bySlot.has(slot))
    const holders = (description.holders ?? []).filter(token => bySlot.get(slotOf(token))?.token === token).map(slotOf)
    return {
      address,
      kind: kind.name,
      bytes,
      handles: known(holdersOf(session, address).slots),
      holders,
      waiters: known([...new Set(description.waiters)]),
      description,
    }
  } catch {
    return undefined
  }
}
