/**
 * The first code in a child that is a process of its own: join the session, which also keeps its descriptor out of the
 * child's own children, and ask the kernel to be told of the parent's death. The rest is the same for every child.
 */
import { fstatSync } from 'node:fs'
import type { Segment } from '../arena/segment.ts'
import { attachSession, mapSession, type Session } from '../arena/session.ts'
import { isGone } from '../arena/token.ts'
import { MultiprocError } from '../contract/errors.ts'
import { setCloseOnExec } from '../os/descriptor.ts'
import { FIRST_INHERITED, inherit } from '../os/hand-down.ts'
import { endWithParent, parentPid } from '../os/prctl.ts'
import { type Joined, live } from './run-target.ts'
import { moveInto, type Order, SPARE_NAME, showName, waitForOrder } from './start/spare.ts'

const SESSION_FD = 3

const [, , first = '', ...numbers] = process.argv
const parent = numbers.map(Number).at(-1) ?? 0
/** A spare learns its name when it is taken; a name of one's own comes with four numbers. */
const isSpare = first === SPARE_NAME && numbers.length === 1

live(first, async (): Promise<Joined> => {
  finishWritesAtOnce()
  const memory = mapSession(SESSION_FD)
  const [name, token, toldAt, argsAt] = isSpare ? await waitForOrder() : orderOnCommandLine()
  const session = join(memory, name, token)
  // the classes behind what travels by reference; by path, since they stand above this folder
  await import('../handles.ts')
  return {
    session,
    toldAt,
    argsAt,
    settleIn({ identity, argv, env, cwd, inherits = 0 }) {
      const fds = Array.from({ length: inherits }, (_, i) => FIRST_INHERITED + i)
      for (const fd of fds) setCloseOnExec(fd)
      inherit(fds)
      process.argv.splice(2, Infinity, ...argv)
      if (env !== undefined && cwd !== undefined) moveInto(env, cwd)
      if (isSpare) showName(identity.name)
      // the parent may be a thread whose process goes on
      if (identity.daemon) endWithParent(parent, () => isGone(session.w, identity.parent.token))
    },
  }
})

function orderOnCommandLine(): Order {
  const [token = 0, toldAt = 0, argsAt = 0] = numbers.map(Number)
  return [first, token, toldAt, argsAt]
}

function join(memory: Segment, name: string, token: number): Session {
  try {
    return attachSession(memory, token)
  } catch (error) {
    if (parentPid() === parent) throw error
    throw new MultiprocError(`Its parent (pid ${parent}) ended before ${name} had started`, { cause: error })
  }
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
