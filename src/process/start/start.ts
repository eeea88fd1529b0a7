/** The ways of starting a child, each in a file of its own. */
import { ArgumentRangeError } from '../../contract/errors.ts'
import type { Child, StartMethod, StartPlan } from '../start-method.ts'
import { startWithOwnStdio } from './inherited-stdio.ts'
import { spawnChild } from './spawn.ts'
import { startThread } from './thread.ts'

const starters: Partial<Record<StartMethod, (plan: StartPlan) => Child>> = { spawn: spawnChild, thread: startThread }

/** Starts the child. When it throws nothing was started. */
export function startChild(method: StartMethod, plan: StartPlan): Child {
  const start = starters[method]
  if (start === undefined) throw new ArgumentRangeError(`Expected a way of starting children, got ${method}`)
  return startWithOwnStdio(plan, start)
}
