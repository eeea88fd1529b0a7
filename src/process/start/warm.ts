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
import { renewSpares, type Spare, takeSpare } from './spares.ts'
import { SpawnedChild, spawnChild } from './spawn.ts'
import { isGiveable, surroundings } from './surroundings.ts'

/** A line this long fits into an empty socket at once. Only a name could make it longer. */
const LONGEST_ORDER = 4096

/** Starts the child. When it throws nothing was started. */
export function startWarm(plan: StartPlan): Child {
  if (plan.stdio !== 'inherit' || plan.memoryLimitMb !== undefined) return spawnChild(plan)
  const needs = surroundings(plan)
  if (!isGiveable(needs)) return spawnChild(plan)
  if (plan.env === undefined && plan.execArgv === undefined) renewSpares(needs.fixed)
  for (let spare = takeSpare(needs.fixed); spare !== undefined; spare = takeSpare(needs.fixed)) {
    const taken = spare
    try {
      return endow(plan, { env: needs.env, cwd: needs.cwd }, endowment => employ(taken, endowment, plan.identity.name))
    } catch (error) {
      dismiss(taken)
      if (!(error instanceof SpareGone)) throw error
    }
  }
  return spawnChild(plan)
}

/** The spare does not hear any more. */
class SpareGone extends Error {}

function employ(spare: Spare, { session, token, toldAt, argsAt }: Endowment, name: string): Child {
  const order: Order = [name, token, toldAt, argsAt]
  const line = Buffer.from(`${JSON.stringify(order)}\n`)
  const fd = (spare.line as unknown as { _handle?: { fd: number } })._handle?.fd ?? -1
  try {
    if (line.length > LONGEST_ORDER || writeSync(fd, line) !== line.length) throw new SpareGone()
  } catch {
    throw new SpareGone()
  }
  spare.line.destroy() // what was written is read all the same
  spare.process.ref()
  return new SpawnedChild(spare.process, spare.pid, session, token)
}

function dismiss(spare: Spare): void {
  spare.process.kill('SIGKILL')
  spare.line.destroy()
}
