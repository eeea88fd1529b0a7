// What an operation is that is killed at each of its accesses, and what somebody leaves behind who dies in the middle of one.
import { currentSession } from '#src/arena/session.js'
import type { Sleeping } from './sleeper.js'

/** Where an operation stood when its process died: before its one commit or after it. */
export type Outcome = 'before' | 'after'

export interface Operation<S = any, R = any> {
  /** Nothing tells afterwards whether it was done: `verify` gives the same whenever the process died. */
  readonly traceless?: true
  /** `ready` needs somebody who does something first and dies (actor.ts, playFirst). */
  readonly understudy?: true
  /** In the parent: handles and plain values, given to the child. */
  prepare(): S
  /** In the child before it is armed. */
  ready?(given: S): R
  /** In the child, armed. */
  act(given: S, ready: R): void
  /** Others that wait for one of the objects while the child acts, each in a process of its own. */
  asleep?(given: S): readonly Sleeping[]
  /** In the parent, once the child is dead and recovered. `answer`: of those who were asleep, by their number. */
  verify(given: S, answer: (which: number) => Promise<unknown>): Outcome | Promise<Outcome>
}

/** An operation, and the numbered step before which its process dies. */
export interface Legacy extends Operation {
  readonly step: string
  /** What the next one does before anybody dies. */
  settle?(): void
  /** What the next one does who comes upon it, in the operation's place; default: look for the dead. */
  inherit?(given: any): void
}

/** Bytes of which each depends on its place, so that a torn item shows. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 7 + (i >>> 8)) & 255
  return bytes
}

/** Blocks of these sizes can be had without a new slab from here on. */
export function stock(...sizes: number[]): void {
  const { allocator } = currentSession()
  for (const block of sizes.map(size => allocator.allocate(size))) allocator.free(block)
}
