/** Signals to other processes. */
import { libc, SystemCallError } from './libc.ts'

/** Also to a group of processes, as -pid. Throws ESRCH when there is none, EPERM when it is another user's. */
export function signalAny(pid: number, signal: number): void {
  if (libc().kill(pid, signal) < 0) throw new SystemCallError('kill', libc().errno())
}
