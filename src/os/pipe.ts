/** A pair of descriptors that wakes: the doorbell. A byte in it says only "look again". */
import { constants as fsConstants, fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { closeFd, endWithThread, openForThread } from './descriptor.ts'
import { libc, SystemCallError } from './libc.ts'

export { closeFd } from './descriptor.ts'

export interface Pipe {
  read: number
  write: number
  /** Names the pipe on this machine for as long as it lives: what a peer checks before it rings. */
  inode: number
}

const { EAGAIN, EBADF, EINTR, EPIPE } = constants.errno
const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fsConstants
const O_ACCMODE = 3
const F_GETFL = 3
const O_CLOEXEC = 0o2000000

const oneByte = new Uint8Array([1])
const drained = new Uint8Array(512)

/**
 * Both ends non-blocking and close-on-exec. They are ours alone to close, with `closeFd`. The kernel writes their numbers
 * into `fds`: a thread that is terminated before it has looked at them leaves them there, for `closeLeftPipe`.
 */
export function createPipe(fds: Int32Array = new Int32Array(2)): Pipe {
  if (libc().pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) throw new SystemCallError('pipe2', libc().errno())
  return { read: fds[0], write: fds[1], inode: fstatSync(fds[0]).ino }
}

/** The same; both ends are closed when this thread ends, however it ends. */
export function createPipeForThread(): Pipe {
  const { read, write, inode } = createPipe()
  return { read: endWithThread(read, O_RDONLY | O_NONBLOCK), write: endWithThread(write, O_WRONLY | O_NONBLOCK), inode }
}

/**
 * Closes a pipe of a thread that has ended. The writing end was nobody else's. The reading end may have been closed by
 * Node, with the thread's event loop, and its number may be somebody else's: it is ours when it reads from the same pipe.
 */
export function closeLeftPipe([read, write]: Int32Array): void {
  if (write === 0) return
  const { ino } = fstatSync(write)
  if (isPipe(read, ino) && (libc().fcntl(read, F_GETFL, 0) & O_ACCMODE) === O_RDONLY) closeFd(read)
  closeFd(write)
}

/** Inode numbers travel in words of 32 bits. */
const isSameInode = (one: number, other: number): boolean => (one | 0) === (other | 0)

function isPipe(fd: number, inode: number): boolean {
  try {
    const found = fstatSync(fd)
    return found.isFIFO() && isSameInode(found.ino, inode)
  } catch {
    return false
  }
}

/** Rings. True also when the pipe is full, since then it is rung already; false when nobody can hear it any more. */
export function writeByte(fd: number): boolean {
  const { write, errno } = libc()
  for (;;) {
    if (write(fd, oneByte, 1) === 1) return true
    const failure = errno()
    if (failure === EAGAIN) return true
    if (failure === EPIPE || failure === EBADF) return false
    if (failure !== EINTR) throw new SystemCallError('write', failure, `descriptor ${fd}`)
  }
}

/** Takes every byte that is there; returns at once when there is none, or when the other end is gone. */
export function drain(fd: number): void {
  const { read, errno } = libc()
  for (;;) {
    const count = read(fd, drained, drained.length)
    if (count === drained.length) continue
    if (count >= 0) return // fewer than asked for: it was empty just now
    const failure = errno()
    if (failure === EAGAIN) return
    if (failure !== EINTR) throw new SystemCallError('read', failure, `descriptor ${fd}`)
  }
}

/** What opening or looking at a descriptor of a process that ended, or that is not ours to look at, fails with. */
const GONE = new Set(['ENOENT', 'EACCES', 'EPERM', 'ESRCH', 'ENXIO', 'ENOTDIR'])

/**
 * The write end of a pipe that another process (or thread) has open as its descriptor `fd`; undefined when that process
 * is gone, closed it, or has something else under that number by now. Close it with `closeFd`.
 */
export function openPeerPipe(pid: number, fd: number, inode: number): number | undefined {
  let opened: number
  try {
    opened = openForThread(`/proc/${pid}/fd/${fd}`, O_WRONLY | O_NONBLOCK)
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
  const found = fstatSync(opened)
  if (found.isFIFO() && isSameInode(found.ino, inode)) return opened
  closeFd(opened)
  return undefined
}
