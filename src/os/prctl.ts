/** End with the parent, even when it was killed and could not say goodbye. */
import { constants } from 'node:os'
import { libc, SystemCallError } from './libc.ts'

const PR_SET_PDEATHSIG = 1

/**
 * The kernel sends this process `signal` when the *thread* that started it ends. A parent that ended before this call is
 * not noticed: compare `parentPid()` with the expected one afterwards.
 */
export function dieWithParent(signal: number): void {
  if (libc().prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) < 0) {
    throw new SystemCallError('prctl', libc().errno(), `signal ${signal}`)
  }
}

/**
 * This process is killed when the thread that started it ends, also when that has happened already: when it has another
 * parent than process `parent`, or `isGone` knows.
 */
export function endWithParent(parent: number, isGone: () => boolean = () => false): void {
  dieWithParent(constants.signals.SIGKILL)
  if (parentPid() !== parent || isGone()) process.kill(process.pid, 'SIGKILL') // it ended before the kernel knew
}

/** Asked anew each time: it changes when the parent ends. */
export function parentPid(): number {
  return process.ppid
}
