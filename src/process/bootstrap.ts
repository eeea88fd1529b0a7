/**
 * The first code in a child.
 *
 * In this order, since each step relies on those before it: join the session, which also keeps its descriptor out of
 * the child's own children; learn who we are; be told of the parent's death; import the target's module (it may register
 * the classes that the arguments are made of); read the arguments; call. Then the child ends by itself as soon as its
 * event loop is empty.
 *
 * Whatever goes wrong is printed on stderr under the name of the process, and the exit code is 1. What goes wrong later,
 * in the background, is left to the user's own listeners where there are any.
 */
import { fstatSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { inspect } from 'node:util'
import { openParcel } from '../arena/parcel.ts'
import { attachSession, type Session } from '../arena/session.ts'
import { decode } from '../codec/codec.ts'
import { InvalidTargetError, MultiprocError } from '../contract/errors.ts'
import { dieWithParent, parentPid } from '../os/prctl.ts'
import { becomeChild, setImporting } from './family.ts'
import type { GivenToChild, ToldToChild } from './start/spawn.ts'
import type { ResolvedTarget } from './target.ts'

const SESSION_FD = 3

/** Node's own code for a program that waits for what can never come. */
const UNSETTLED = 13

/** How deep a chain of causes is printed. */
const CAUSES = 6

const [, , name = '', ...numbers] = process.argv
const [token = 0, toldAt = 0, argsAt = 0, parent = 0] = numbers.map(Number)

type AnyFunction = (...args: unknown[]) => unknown

/** Where we are, for the message of whatever goes wrong; `null` when the target has been left. */
let doing: string | null = 'joining the session of its parent'

process.on('uncaughtException', error => {
  // the user's own listener takes over, as it would in a program that is no child
  if (process.listenerCount('uncaughtException') > 1) return
  fail(error)
})
endWhenNothingIsLeft()
run().then(
  () => {
    doing = null
  },
  error => fail(error),
)

async function run(): Promise<void> {
  finishWritesAtOnce()
  const session = join()
  // the classes behind what travels by reference; by path, since they stand above this folder
  await import('../handles.ts')
  const { identity, target, argv } = take<ToldToChild>(session, toldAt)
  becomeChild(identity)
  process.argv.splice(2, Infinity, ...argv)
  if (identity.daemon) {
    dieWithParent(constants.signals.SIGKILL)
    if (parentPid() !== parent) process.kill(process.pid, 'SIGKILL') // it died before the kernel knew
  }
  doing = `importing ${target.module}`
  setImporting(true)
  const fn = await load(target)
  setImporting(false)
  doing = 'reading its arguments'
  const { args } = take<GivenToChild>(session, argsAt)
  doing = 'waiting for the promise of its target'
  await fn(...args)
}

function join(): Session {
  try {
    return attachSession(SESSION_FD, token)
  } catch (error) {
    if (parentPid() === parent) throw error
    throw new MultiprocError(`Its parent (pid ${parent}) ended before ${name} had started`, { cause: error })
  }
}

function take<T>(session: Session, address: number): T {
  const parcel = openParcel(session, address)
  try {
    return decode(parcel.bytes, parcel.headLength, parcel.handles) as T
  } finally {
    parcel.free()
  }
}

async function load(target: ResolvedTarget): Promise<AnyFunction> {
  const module: Record<string, unknown> = await import(target.module)
  // Node sees some, but not all, exports of a CommonJS module; its default is the whole of them
  const whole = module.default as Record<string, unknown> | null | undefined
  const found = target.name in module ? module[target.name] : whole?.[target.name]
  if (typeof found !== 'function') {
    throw new InvalidTargetError(
      `Expected ${target.module} to export a function \`${target.name}\` in the child, but ${
        found === undefined ? 'it does not' : `it is ${inspect(found, { depth: 0 })}`
      }; export it whether or not isMainProcess is true`,
    )
  }
  if (target.source !== undefined && target.source !== Function.prototype.toString.call(found)) {
    throw new InvalidTargetError(
      `Expected \`${target.name}\` of ${target.module} to be the same function in the child as in its parent, but it is ` +
        'another one; the file was changed in between, or the function is made differently here',
    )
  }
  return found as AnyFunction
}

/** process.exit() would cut off what has been written to a pipe and not yet been read. */
function finishWritesAtOnce(): void {
  for (const [fd, stream] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ] as const) {
    const kind = fstatSync(fd)
    if (!kind.isFIFO() && !kind.isSocket()) continue // files and terminals are written to synchronously
    const { _handle: handle } = process[stream] as { _handle?: { setBlocking?(blocking: boolean): void } }
    handle?.setBlocking?.(true)
  }
}

/** The loop is empty and the target has not returned: it waits for something that nobody will ever do. */
function endWhenNothingIsLeft(): void {
  let empty = false
  process.on('beforeExit', () => {
    empty = true
    setImmediate(() => {
      empty = false // another listener gave the loop new work
    }).unref()
  })
  process.on('exit', code => {
    if (!empty || doing === null || code !== 0) return
    process.exitCode = UNSETTLED
    print(`${title()} ended while ${doing}: nothing is left that could settle it\n`)
  })
}

function fail(error: unknown): never {
  const where = doing === null || doing.startsWith('waiting') ? '' : ` while ${doing}`
  print(`${title()} failed${where}:\n${show(error)}\n`)
  process.exit(1)
}

function show(error: unknown): string {
  try {
    return inspect(error, { depth: CAUSES })
  } catch {
    return 'something that cannot be shown' // a getter of its own threw
  }
}

function title(): string {
  return `${name} (pid ${process.pid})`
}

/** To the descriptor: the stream may be replaced, closed or full. */
function print(text: string): void {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(2, bytes, done)
    } catch (error) {
      // nobody reads any more: then nobody misses it
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
    }
  }
}
