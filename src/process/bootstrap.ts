/**
 * The first code in a child that is a process of its own: join the session, which also keeps its descriptor out of the
 * child's own children, and ask the kernel to be told of the parent's death. The rest is the same for every child.
 */
import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { attachSession, type Session } from '../arena/session.ts'
import { isGone } from '../arena/token.ts'
import { MultiprocError } from '../contract/errors.ts'
import { dieWithParent, parentPid } from '../os/prctl.ts'
import { type Joined, live } from './run-target.ts'

const SESSION_FD = 3

const [, , name = '', ...numbers] = process.argv
const [token = 0, toldAt = 0, argsAt = 0, parent = 0] = numbers.map(Number)

live(name, async (): Promise<Joined> => {
  finishWritesAtOnce()
  const session = join()
  // the classes behind what travels by reference; by path, since they stand above this folder
  await import('../handles.ts')
  return {
    session,
    toldAt,
    argsAt,
    settleIn(identity, argv) {
      process.argv.splice(2, Infinity, ...argv)
      if (!identity.daemon) return
      dieWithParent(constants.signals.SIGKILL)
      // it died before the kernel knew; the parent may be a thread whose process goes on
      if (parentPid() !== parent || isGone(session.w, identity.parent.token)) process.kill(process.pid, 'SIGKILL')
    },
  }
})

function join(): Session {
  try {
    return attachSession(SESSION_FD, token)
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
