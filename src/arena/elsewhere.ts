/**
 * Objects are made in this program's own session, unless a function was told to make them in another: it, and all that it
 * calls and awaits, and nobody else in the thread.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Session } from './session.ts'

interface Making {
  session: Session | undefined
  readonly what: unknown
  readonly outer: Making | undefined
}

/** Costs every promise of the thread something while it is in use, so it is given up in between. */
const makings = new AsyncLocalStorage<Making>()
let running = 0

/** Where the code that runs now makes objects, when that is not its own session. */
export function elsewhere(): Session | undefined {
  return running === 0 ? undefined : makings.getStore()?.session
}

/** The code that runs now was called to make `what`. */
export function isMaking(what: unknown): boolean {
  if (running === 0) return false
  for (let making = makings.getStore(); making !== undefined; making = making.outer) {
    if (making.what === what && making.session !== undefined) return true
  }
  return false
}

/** Runs `fn`, and lets all objects that it makes until it is done lie in `session`. */
export async function makeIn<T>(session: Session, what: unknown, fn: () => T | Promise<T>): Promise<T> {
  const making: Making = { session, what, outer: running === 0 ? undefined : makings.getStore() }
  running++
  try {
    return await makings.run(making, async () => fn())
  } finally {
    making.session = undefined // what it left running goes on in its own session
    if (--running === 0) makings.disable()
  }
}
