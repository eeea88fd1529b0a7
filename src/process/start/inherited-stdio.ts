/**
 * What `stdio: 'inherit'` means for the children of a thread whose own output is not that of the process: theirs goes where
 * it goes. (The descriptors 1 and 2, which a process or another thread would write to, are those of the whole process.)
 */
import type { Child, StartPlan } from '../start-method.ts'

let own: StartPlan['stdio'] = 'inherit'

/** The bootstrap of a thread says where its output goes. */
export function setOwnStdio(stdio: StartPlan['stdio']): void {
  own = stdio
}

/** Starts the child; its output is handed on where it cannot be inherited. */
export function startWithOwnStdio(plan: StartPlan, start: (plan: StartPlan) => Child): Child {
  if (plan.stdio !== 'inherit' || own === 'inherit') return start(plan)
  if (own === 'ignore') return start({ ...plan, stdio: 'ignore' })
  const child = start({ ...plan, stdio: 'pipe' })
  child.stdout?.pipe(process.stdout, { end: false })
  child.stderr?.pipe(process.stderr, { end: false })
  return new Proxy(child, {
    get(target, key) {
      if (key === 'stdout' || key === 'stderr') return null
      const member: unknown = Reflect.get(target, key)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
