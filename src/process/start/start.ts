/** The ways of starting a child, each in a file of its own. */
import { ArgumentRangeError } from '../../contract/errors.ts'
import type { Child, StartMethod, StartPlan } from '../start-method.ts'
import { spawnChild } from './spawn.ts'
import { startWarm } from './warm.ts'

const starters: Partial<Record<StartMethod, (plan: StartPlan) => Child>> = {
  spawn: spawnChild,
  warm: startWarm,
}

/** Starts the child. When it throws nothing was started. */
export function startChild(plan: StartPlan): Child {
  const start = starters[plan.method]
  if (start === undefined) throw new ArgumentRangeError(`Expected a way of starting children, got ${plan.method}`)
  return start(plan)
}
