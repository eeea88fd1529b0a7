/**
 * Starting a child in a process that was booted in advance (spares.ts).
 *
 * The child is endowed as for spawn; what else it must know lies beside what it is told. Then one line, its order, is
 * written to the spare, all at once and without waiting, so that no turn of the event loop is needed.
 *
 * If the spare dies before the order is written another one is taken, or the child is started cold; after that it is a
 * child that died, whose place is given back as any other's. Where a spare cannot be what the child shall be, the child
 * is started cold too.
 */
import { writeSync } from 'node:fs'
import type { Child, StartPlan } from '../start-method.ts'
import { type Endowment, endow } from './endow.ts'
import type { Order } from './spare.ts'
import { endSpare, findSpare, handOver, renewSpares, type Spare } from './spares.ts'
import { SpawnedChild, spawnChild, spawnEndowed } from './spawn.ts'
import { isPossible, surroundings } from './surroundings.ts'

/** With a name of this length an order fits into an empty socket, whatever must be escaped in it. */
const LONGEST_NAME = 512

/** Starts the child. When it throws nothing was started. */
export function startWarm(plan: StartPlan): Child {
  const { name } = plan.identity
  if (plan.stdio !== 'inherit' || plan.memoryLimitMb !== undefined || name.length > LONGEST_NAME)
    return spawnChild(plan)
  const { fixed, env, cwd } = surroundings(plan)
  // what is wrong with them is told by trying
  if (cwd === undefined || !isPossible(env)) return spawnChild(plan)
  if (plan.env === undefined && plan.execArgv === undefined) renewSpares(fixed)
  for (;;) {
    const spare = findSpare(fixed)
    if (spare === undefined) return spawnChild(plan)
    try {
      return endow(plan, { env, cwd }, endowment =>
        // descriptors are inherited by whoever is made now: a spare was made before
        endowment.fds.length > 0 ? spawnEndowed(plan, endowment) : employ(spare, endowment, name),
      )
    } catch (error) {
      if (!(error instanceof SpareGone)) throw error
      endSpare(spare)
    }
  }
}

/** The spare does not hear any more. */
class SpareGone extends Error {}

function employ(spare: Spare, { session, token, toldAt, argsAt }: Endowment, name: string): Child {
  const order: Order = [name, token, toldAt, argsAt]
  const { _handle: socket } = spare.line as unknown as { _handle?: { fd: number } }
  try {
    writeSync(socket?.fd ?? -1, `${JSON.stringify(order)}\n`)
  } catch {
    throw new SpareGone()
  }
  handOver(spare)
  return new SpawnedChild(spare.process, spare.pid, session, token)
}
