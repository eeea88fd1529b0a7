/** A process as a descriptor: readable (poll it) once the process has ended, and never another one's. */
import { constants } from 'node:os'
import { ArgumentRangeError } from '../contract/errors.ts'
import { libc, SystemCallError } from './libc.ts'

const { EINVAL, ENOSYS, EPERM, ESRCH } = constants.errno

const SYS_PIDFD_OPEN = 434

/**
 * Undefined when there is no such process, or when the kernel (before 5.3) or a sandbox has no pidfds.
 * Open it while the process is known to live, or it may be a later one of that number. Close-on-exec; `closeFd` closes it.
 */
export function openPidfd(pid: number): number | undefined {
  const fd = libc().syscall(SYS_PIDFD_OPEN, pid, 0, 0) // always close-on-exec
  if (fd >= 0) return fd
  const failure = libc().errno()
  if (failure === ESRCH || failure === EINVAL || failure === ENOSYS || failure === EPERM) return undefined
  throw new SystemCallError('pidfd_open', failure, `process ${pid}`)
}

/** Sends a signal; false when there is no such process. A zombie counts as one: this is no test of life. */
export function signalPid(pid: number, signal: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0)
    throw new ArgumentRangeError(`a process id is a positive integer, received ${pid}`)
  if (libc().kill(pid, signal) === 0) return true
  const failure = libc().errno()
  if (failure === ESRCH) return false
  throw new SystemCallError('kill', failure, `signal ${signal} to process ${pid}`)
}
