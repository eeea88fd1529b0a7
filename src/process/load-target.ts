/** The other end of resolveTarget(): from a module's URL and a name to the function, in the process that is to call it. */
import { inspect } from 'node:util'
import { InvalidTargetError } from '../contract/errors.ts'
import type { ResolvedTarget } from './target.ts'

export type AnyFunction = (...args: unknown[]) => unknown

/** Imports the module of a target, and gives the function that was meant. `here`: who does it, for messages. */
export async function loadTarget(target: ResolvedTarget, here: 'child' | 'manager' | 'worker'): Promise<AnyFunction> {
  const module: Record<string, unknown> = await import(target.module)
  // Node sees some, but not all, exports of a CommonJS module; its default is the whole of them
  const whole = module.default as Record<string, unknown> | null | undefined
  const found = target.name in module ? module[target.name] : whole?.[target.name]
  if (typeof found !== 'function') {
    throw new InvalidTargetError(
      `Expected ${target.module} to export a function \`${target.name}\` in the ${here}, but ${
        found === undefined ? 'it does not' : `it is ${inspect(found, { depth: 0 })}`
      }; export it whether or not isMainProcess is true`,
    )
  }
  if (target.source !== undefined && target.source !== Function.prototype.toString.call(found)) {
    throw new InvalidTargetError(
      `Expected \`${target.name}\` of ${target.module} to be the same function in the ${here} as in its parent, but it is ` +
        'another one; the file was changed in between, or the function is made differently here',
    )
  }
  return found as AnyFunction
}
