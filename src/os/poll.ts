/** Sleep until a descriptor is readable, or writable, with a limit. */
import { constants } from 'node:os'
import { libc, SystemCallError } from './libc.ts'

const { EBADF, EINTR } = constants.errno

const POLLIN = 1
const POLLOUT = 4
const POLLNVAL = 32

/** The longest sleep: JavaScript's own signals and `worker.terminate()` wait for as long. */
export const SLICE_MS = 250

/** struct pollfd as 32-bit words: the descriptor, then events (low half) and what happened (high half). */
let pollfds = new Int32Array(2 * 8)

/**
 * True when one of them is readable or its other end is gone; false at the timeout, on a signal, and after 250 ms however
 * long the timeout: call it again.
 */
export function pollReadable(fds: readonly number[], timeoutMs: number): boolean {
  return pollFor(POLLIN, fds, timeoutMs)
}

/** The same for writing: true when there is room, or when nobody reads any more. */
export function pollWritable(fd: number, timeoutMs: number): boolean {
  return pollFor(POLLOUT, [fd], timeoutMs)
}

function pollFor(events: number, fds: readonly number[], timeoutMs: number): boolean {
  const { poll, errno } = libc()
  if (pollfds.length < 2 * fds.length) pollfds = new Int32Array(4 * fds.length)
  for (let i = 0; i < fds.length; i++) {
    pollfds[2 * i] = fds[i]
    pollfds[2 * i + 1] = events
  }
  const limit = Math.ceil(Math.min(Math.max(timeoutMs, 0), SLICE_MS))
  const ready = poll(pollfds, fds.length, limit)
  if (ready === 0) return false
  if (ready < 0) {
    const failure = errno()
    if (failure === EINTR) return false
    throw new SystemCallError('poll', failure)
  }
  for (let i = 0; i < fds.length; i++) {
    if (pollfds[2 * i + 1] >> 16 === POLLNVAL) throw new SystemCallError('poll', EBADF, `descriptor ${fds[i]}`)
  }
  return true
}
