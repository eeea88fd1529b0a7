/**
 * What a child does once it has joined the session, however it was started: learn who it is, import its target's module
 * (which may register the classes that the arguments are made of), read the arguments, call. Then it ends by itself as
 * soon as its event loop is empty.
 *
 * Whatever goes wrong is printed on stderr under the name of the child, and the exit code is 1. What goes wrong later,
 * in the background, is left to the user's own listeners where there are any.
 */
import { openParcel } from '../arena/parcel.ts'
import type { Session } from '../arena/session.ts'
import { decode } from '../codec/codec.ts'
import { becomeChild, setImporting } from './family.ts'
import { inheritMethod } from './inherited-method.ts'
import { loadTarget } from './load-target.ts'
import { print, show } from './print.ts'
import type { GivenToChild, ToldToChild } from './start-method.ts'

/** Node's own code for a program that waits for what can never come. */
const UNSETTLED = 13

let name = 'a child'
let say: (text: string) => void = print
/** Where we are, for the message of whatever goes wrong; `null` when the target has been left. */
let doing: string | null = 'joining the session of its parent'

/**
 * Runs the whole life of a child: `joined` gives the session it has joined; the rest lies there. `tell` prints what went
 * wrong, and is for a child whose standard error is no descriptor.
 */
export function live(
  childName: string,
  joined: () => Promise<Joined> | Joined,
  tell: (text: string) => void = print,
): void {
  name = childName
  say = tell
  process.on('uncaughtException', error => {
    // the user's own listener takes over, as it would in a program that is no child
    if (process.listenerCount('uncaughtException') > 1) return
    fail(error)
  })
  endWhenNothingIsLeft()
  run(joined).then(
    () => {
      doing = null
    },
    error => fail(error),
  )
}

export interface Joined {
  readonly session: Session
  /** Where in the session lies what the child is told, and what it is given. */
  readonly toldAt: number
  readonly argsAt: number
  /** Called once the child knows who it is, before any of the user's code. */
  settleIn?(told: ToldToChild): void
}

async function run(joined: () => Promise<Joined> | Joined): Promise<void> {
  const { session, toldAt, argsAt, settleIn } = await joined()
  const told = take<ToldToChild>(session, toldAt)
  const { identity, target } = told
  name = identity.name
  becomeChild(identity, session)
  inheritMethod(told.method)
  settleIn?.(told)
  // the classes of what the operating system itself offers; by path, since they stand above this folder
  if (told.inherits !== undefined) await import('../posix.ts')
  doing = `importing ${target.module}`
  setImporting(true)
  const fn = await loadTarget(target, 'child')
  setImporting(false)
  doing = 'reading its arguments'
  const { args } = take<GivenToChild>(session, argsAt)
  doing = 'waiting for the promise of its target'
  await fn(...args)
}

function take<T>(session: Session, address: number): T {
  const parcel = openParcel(session, address)
  try {
    return decode(parcel.bytes, parcel.headLength, parcel.handles) as T
  } finally {
    parcel.free()
  }
}

/** The loop is empty and the target has not returned: it waits for something that nobody will ever do. */
function endWhenNothingIsLeft(): void {
  let empty = false
  process.on('beforeExit', () => {
    empty = true
    // another listener gave the loop new work, whose timers may come before anything else
    const goesOn = () => {
      empty = false
    }
    setImmediate(goesOn).unref()
    setTimeout(goesOn, 1).unref()
  })
  process.on('exit', code => {
    if (!empty || doing === null || code !== 0) return
    process.exitCode = UNSETTLED
    say(`${title()} ended while ${doing}: nothing is left that could settle it\n`)
  })
}

function fail(error: unknown): never {
  const where = doing === null || doing.startsWith('waiting') ? '' : ` while ${doing}`
  say(`${title()} failed${where}:\n${show(error)}\n`)
  process.exit(1)
}

function title(): string {
  return `${name} (pid ${process.pid})`
}
