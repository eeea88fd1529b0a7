/**
 * What each kind of shared object answers for itself: how a handle on it is opened, what it mends after a death, how it
 * is taken apart. Filled once by src/handles.ts; nothing in the arena knows a single kind by name.
 */
import { MultiprocError } from '../contract/errors.ts'
import type { Session } from './session.ts'
import type { Adoption, SharedObject } from './shared-object.ts'

export interface Kind {
  /** In the object's first word. Never reused for something else. */
  readonly code: number
  readonly name: string
  open(adoption: Adoption): SharedObject
  /**
   * Participant `dead` is gone: removes its marks, gives back what it held, and takes out of `blocks` (all that it owned)
   * those that the object still refers to, making them its own. May be done twice. False: a latch was busy, come again.
   * Called under the references latch; must not throw.
   */
  recover(session: Session, address: number, dead: number, blocks: Set<number>): boolean
  /** Nobody refers to the object any more: frees what it refers to, step by step, so that another may go on with it. */
  takeApart(session: Session, address: number): void
  /** The objects that this one refers to by itself; each counts as a reference. */
  refersTo?(session: Session, address: number): number[]
  /** What is impossible about it; empty when all is well. Takes the blocks that it refers to out of `queued`. */
  check(session: Session, address: number, queued: Set<number>): string[]
  /** What inspect() is to show of it: a glance, which waits for nobody. May throw when the object changes meanwhile. */
  describe?(session: Session, address: number): Description
}

/** All of it may be left out. */
export interface Description {
  /** Tokens of those who hold it, in the sense that the object has: whoever waits for it waits for them. */
  readonly holders?: readonly number[]
  /** false: whoever waits for it does not wait for its holders: there is enough for all, or others bring what it waits for. */
  readonly exclusive?: boolean
  /** Slots of those who wait for it: `markedIn()` of its wait sets. */
  readonly waiters?: readonly number[]
  /** A name that share() gave, and the objects that it stands for. */
  readonly name?: string
  readonly named?: readonly number[]
  /** What is worth seeing of its state. */
  readonly detail?: Record<string, unknown>
}

const kinds = new Map<number, Kind>()

export function registerKinds(list: readonly Kind[]): void {
  for (const kind of list) kinds.set(kind.code, kind)
}

export function kindOf(code: number): Kind {
  const kind = kinds.get(code)
  if (kind === undefined) {
    throw new MultiprocError(
      `Expected a kind of shared object that this copy of multiproc knows, got number ${code}: do both processes use the same version?`,
    )
  }
  return kind
}
