/** Has a child ended, and how: asked without waiting for the event loop, and without taking the answer from libuv. */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { closeFd } from './descriptor.ts'
import { libc, SystemCallError } from './libc.ts'
import { openPidfd } from './pidfd.ts'
import { pollReadable } from './poll.ts'

const { ECHILD, EINTR } = constants.errno

const P_PID = 1
const WNOHANG = 1
const WEXITED = 4
const WNOWAIT = 0x01000000

const CLD_EXITED = 1

/** siginfo_t as 32-bit words: code at 2, pid at 4, status at 6. */
const siginfo = new Int32Array(32)

/**
 * How a child of this process ended; undefined while it runs, 'gone' when it is no child of ours or was reaped already.
 * The zombie stays, so that Node's own 'exit' event still comes.
 */
export function peekExit(pid: number): { code: number | null; signal: number | null } | undefined | 'gone' {
  const { waitid, errno } = libc()
  siginfo[4] = 0 // stays 0 when the child runs
  while (waitid(P_PID, pid, siginfo, WEXITED | WNOWAIT | WNOHANG) < 0) {
    const failure = errno()
    if (failure === ECHILD) return 'gone'
    if (failure !== EINTR) throw new SystemCallError('waitid', failure, `process ${pid}`)
  }
  if (siginfo[4] === 0) return undefined
  const [how, status] = [siginfo[2], siginfo[6]]
  return how === CLD_EXITED ? { code: status, signal: null } : { code: null, signal: status }
}

/** The main thread has ended: while the others follow, peekExit() still says that the process runs, and its files are open. */
export function isEnding(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return /^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1)) // the name before it may hold anything
  } catch {
    return true // gone
  }
}

/** Without pidfds the end of a child is looked for this often. ms */
const LOOK_EVERY = 5

/**
 * Blocks until the child has ended, and takes its status, so that not even a zombie is left for init; false at the limit.
 * Node's own 'exit' event never comes afterwards: for children that nobody asks about, at the end of this process.
 */
export function reap(pid: number, limitMs: number): boolean {
  const deadline = performance.now() + limitMs
  const pidfd = openPidfd(pid)
  try {
    for (;;) {
      siginfo[4] = 0
      const failed = libc().waitid(P_PID, pid, siginfo, WEXITED | WNOHANG) < 0
      if (failed ? libc().errno() === ECHILD : siginfo[4] !== 0) return true
      const left = deadline - performance.now()
      if (left <= 0) return false
      if (pidfd === undefined) pollReadable([], Math.min(left, LOOK_EVERY))
      else pollReadable([pidfd], left)
    }
  } finally {
    if (pidfd !== undefined) closeFd(pidfd)
  }
}
