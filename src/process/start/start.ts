/** The ways of starting a child, each in a file of its own. */
import type { Child, StartMethod, StartPlan } from '../start-method.ts'
import { startWithOwnStdio } from './inherited-stdio.ts'
import { spawnChild } from './spawn.ts'
import { startThread } from './thread.ts'
import { startWarm } from './warm.ts'

const starters: Record<StartMethod, (plan: StartPlan) => Child> = {
  spawn: spawnChild,
  warm: startWarm,
  thread: startThread,
}

/** Starts the child. When it throws nothing was started. */
export function startChild(plan: StartPlan): Child {
  return startWithOwnStdio(plan, starters[plan.method])
}
