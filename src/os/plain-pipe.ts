/**
 * Pipes and FIFOs as programs of any kind know them.
 *
 * A descriptor that may be shared with other programs stays blocking, as they expect it: O_NONBLOCK belongs to the open file,
 * which all who inherited it have in common. For work of our own the same pipe is opened anew, by way of /proc.
 */
import { constants as fsConstants, fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { closeFd, endWithThread, openForThread } from './descriptor.ts'
import { libc, SystemCallError } from './libc.ts'
import type { Pipe } from './pipe.ts'
import { posixCalls } from './posix-calls.ts'

const { EACCES, EAGAIN, EINTR } = constants.errno
const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fsConstants
const O_CLOEXEC = 0o2000000
const O_ACCMODE = 3
const F_GETFL = 3
const F_SETFL = 4
const F_DUPFD_CLOEXEC = 1030
const SPLICE_F_NONBLOCK = 2

/** Nothing there to read; no room to write. */
export const NOT_NOW = -1

export type Direction = 'read' | 'write'

/** Two descriptors, blocking and close-on-exec; closed when this thread ends, however it ends. They are closed with `closeFd`. */
export function createPlainPipe(): [read: number, write: number] {
  const fds = new Int32Array(2)
  if (libc().pipe2(fds, O_CLOEXEC) < 0) throw new SystemCallError('pipe2', libc().errno(), LIMITS)
  return [endWithThread(fds[0], O_RDONLY), endWithThread(fds[1], O_WRONLY)]
}

const LIMITS = 'EMFILE and ENFILE: too many open files (ulimit -n); close what is not needed'

/** Which end of a pipe or FIFO this is; undefined when it is none, or no descriptor at all. */
export function directionOf(fd: number): Direction | undefined {
  const flags = libc().fcntl(fd, F_GETFL, 0)
  if (flags < 0 || !fstatSync(fd).isFIFO()) return undefined
  const access = flags & O_ACCMODE
  return access === O_RDONLY ? 'read' : access === O_WRONLY ? 'write' : undefined
}

/**
 * Another descriptor of the same end, which never blocks, for a net.Socket: that closes it, also when its thread ends.
 * Throws what `open` fails with: ENXIO for a FIFO that nobody reads.
 */
export function openAgain(fd: number, direction: Direction): number {
  const { errno, fcntl } = libc()
  const own = posixCalls().open(`/proc/self/fd/${fd}`, accessOf(direction) | O_NONBLOCK | O_CLOEXEC, 0)
  if (own >= 0) return own
  const failure = errno()
  if (failure !== EACCES) throw new SystemCallError('open', failure, `descriptor ${fd}`)
  // this process has changed its user since: then it has to be the common one
  const copy = duplicate(fd)
  fcntl(copy, F_SETFL, fcntl(copy, F_GETFL, 0) | O_NONBLOCK)
  return copy
}

const accessOf = (direction: Direction): number => (direction === 'read' ? O_RDONLY : O_WRONLY)

/** Another number for the same open file, close-on-exec; closed with `closeFd`. */
export function duplicate(fd: number): number {
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0)
  if (copy < 0) throw new SystemCallError('fcntl', libc().errno(), `descriptor ${fd}; ${LIMITS}`)
  return copy
}

/** A copy, made for this thread by another, becomes its own: closed when this thread ends, however it ends. */
export function adopt(fd: number): number {
  const direction = directionOf(fd)
  if (isMainThread || direction === undefined) return fd
  try {
    const own = openForThread(`/proc/self/fd/${fd}`, accessOf(direction) | O_NONBLOCK)
    setBlocking(own)
    closeFd(fd)
    return own
  } catch {
    return fd // a FIFO that nobody reads cannot be opened anew
  }
}

function setBlocking(fd: number): void {
  const { fcntl } = libc()
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK)
}

/** One attempt: how many bytes were read, 0 at the end, NOT_NOW. For descriptors of `openAgain`. */
export function readNow(fd: number, into: Uint8Array): number {
  const { read, errno } = libc()
  for (;;) {
    const count = read(fd, into, into.length)
    if (count >= 0) return count
    const failure = errno()
    if (failure === EAGAIN) return NOT_NOW
    if (failure !== EINTR) throw new SystemCallError('read', failure, `descriptor ${fd}`)
  }
}

/** One attempt: how many bytes were written, NOT_NOW. Throws EPIPE when nobody reads. */
export function writeNow(fd: number, bytes: Uint8Array): number {
  const { write, errno } = libc()
  for (;;) {
    const count = write(fd, bytes, bytes.length)
    if (count >= 0) return count
    const failure = errno()
    if (failure === EAGAIN) return NOT_NOW
    if (failure !== EINTR) throw new SystemCallError('write', failure, `descriptor ${fd}`)
  }
}

/** Makes a FIFO; throws EEXIST when the path is taken. */
export function makeFifo(path: string, mode: number): void {
  if (posixCalls().mkfifo(path, mode) < 0) throw new SystemCallError('mkfifo', libc().errno(), path)
}

/**
 * Opens a FIFO without waiting for the other side; closed with this thread. Throws what fs.openSync throws: ENXIO for a writer
 * when nobody reads.
 */
export function openFifo(path: string, direction: Direction): number {
  const fd = openForThread(path, accessOf(direction) | O_NONBLOCK)
  setBlocking(fd)
  return fd
}

/**
 * Whether somebody writes to the FIFO, or has written, or has come and gone, since it was opened. Takes nothing; `scratch` is an
 * empty pipe, and is empty no more when the answer is yes.
 */
export function hasMet(fd: number, scratch: Pipe): boolean {
  const pollfd = new Int32Array([fd, 1])
  if (libc().poll(pollfd, 1, 0) > 0) return true
  // tee() copies and takes nothing. With nothing to copy it tells apart what read() could tell only by taking: a writer
  // that is silent (EAGAIN) and none at all (0)
  const copied = posixCalls().tee(fd, scratch.write, 1, SPLICE_F_NONBLOCK)
  if (copied >= 0) return copied > 0
  const failure = libc().errno()
  if (failure !== EAGAIN) throw new SystemCallError('tee', failure, `descriptor ${fd}`)
  return true
}
