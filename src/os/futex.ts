/** Sleep until a word of shared memory changes, in the kernel: the quickest blocking wait between two processes. */
import { constants } from 'node:os'
import { libc, SystemCallError } from './libc.ts'

const { EAGAIN, EINTR, ETIMEDOUT } = constants.errno

const SYS_FUTEX = process.arch === 'arm64' ? 98 : 202
// without FUTEX_PRIVATE_FLAG: the word lies in memory of several processes
const FUTEX_WAIT = 0
const FUTEX_WAKE = 1

/** struct timespec, used for one call at a time. */
const timeout = new BigInt64Array(2)

/**
 * Sleeps while the word is `expected`, at most `timeoutMs`. Returns when woken, when the word is something else, at the
 * timeout, on a signal, and for no reason: look at the word again. The thread cannot be terminated meanwhile, so be brief.
 */
export function futexWait(address: bigint, expected: number, timeoutMs: number): void {
  const { syscallFutex, errno } = libc()
  const milliseconds = Math.min(Math.max(timeoutMs, 0), 2 ** 31)
  const seconds = Math.floor(milliseconds / 1000)
  timeout[0] = BigInt(seconds)
  timeout[1] = BigInt(Math.floor((milliseconds - seconds * 1000) * 1e6))
  if (syscallFutex(SYS_FUTEX, address, FUTEX_WAIT, expected, timeout, null, 0) === 0) return
  const failure = errno()
  if (failure !== EAGAIN && failure !== ETIMEDOUT && failure !== EINTR) throw new SystemCallError('futex', failure)
}

/** Wakes up to `count` of those who sleep on the word. */
export function futexWake(address: bigint, count: number): void {
  const { syscallFutex, errno } = libc()
  if (syscallFutex(SYS_FUTEX, address, FUTEX_WAKE, count, null, null, 0) < 0) {
    throw new SystemCallError('futex', errno())
  }
}
