/** Has a child ended, and how: asked without waiting for the event loop, and without taking the answer from libuv. */
import { constants } from 'node:os'
import { libc, SystemCallError } from './libc.ts'

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
