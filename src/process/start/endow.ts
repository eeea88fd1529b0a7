/**
 * What every child has before it exists: a place in the session, and there, in blocks that belong to that place and are
 * freed with it, what the child is told and what it is given.
 */
import { sealParcel } from '../../arena/parcel.ts'
import { ownSession, type Session } from '../../arena/session.ts'
import { encode } from '../../codec/codec.ts'
import { collectHandedDown } from '../../os/hand-down.ts'
import type { Child, GivenToChild, StartPlan, ToldToChild } from '../start-method.ts'

export interface Endowment {
  readonly session: Session
  /** The participant that the child will be. */
  readonly token: number
  /** Where the parcels lie: who it is, and its arguments. */
  readonly toldAt: number
  readonly argsAt: number
  /** Descriptors of this process that are among its arguments: it is to have them, in this order. */
  readonly fds: readonly number[]
}

/** Prepares a child and lets `begin` start it. When that throws all is as before. */
export function endow(
  plan: StartPlan,
  surroundings: Pick<ToldToChild, 'env' | 'cwd'>,
  begin: (endowment: Endowment) => Child,
): Child {
  // first, since it tells the user what cannot travel; named, so that the path begins with `args`
  const { packed: args, handedDown } = collectHandedDown(() => encode({ args: plan.args } satisfies GivenToChild))
  const { fds, used } = handedDown
  const { identity, target, method } = plan
  const told: ToldToChild = { identity, target, method, argv: process.argv.slice(2), ...surroundings }
  if (used) told.inherits = fds.length
  const session = ownSession()
  const token = session.reserve(identity.name)
  try {
    const argsAt = sealParcel(session, args, token)
    const toldAt = sealParcel(session, encode(told), token)
    return begin({ session, token, toldAt, argsAt, fds })
  } catch (error) {
    session.childEnded(token) // it never began; what was laid down for it goes as if it had
    throw error
  }
}
