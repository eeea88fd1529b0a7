/** File descriptors: open so that they end with their thread, close without surprises, keep out of children. */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { libc, SystemCallError } from './libc.ts'

const F_GETFD = 1
const F_SETFD = 2
const FD_CLOEXEC = 1

/**
 * Node closes what a worker thread opened through `fs` when that thread ends, however it ends, and warns when `fs`
 * closes something it did not open. So each descriptor must be closed by whoever opened it; this remembers which are Node's.
 */
const openedByNode = new Set<number>()

/**
 * What a descriptor is. By bigints, which Node keeps apart: on Node 20 a path with a symbolic link in it is not resolved by
 * `import` while the last other look of this thread was at a pipe or a socket (fs.realpathSync goes by what it left).
 */
export function statOf(fd: number): { readonly inode: number; readonly isPipe: boolean; readonly isSocket: boolean } {
  const found = fstatSync(fd, { bigint: true })
  return { inode: Number(found.ino), isPipe: found.isFIFO(), isSocket: found.isSocket() }
}

/** Opens a path; close-on-exec, and closed by Node when this worker thread ends. Throws what `fs.openSync` throws. */
export function openForThread(path: string, flags: number, mode?: number): number {
  const fd = openSync(path, flags, mode) // libuv adds O_CLOEXEC
  openedByNode.add(fd)
  return fd
}

/** Closes a descriptor that this folder made. Once: by the second time its number may be somebody else's. */
export function closeFd(fd: number): void {
  if (openedByNode.delete(fd)) closeSync(fd)
  else if (libc().close(fd) < 0) {
    const errno = libc().errno()
    throw new SystemCallError('close', errno, `descriptor ${fd}`)
  }
}

/**
 * A descriptor made by a system call, which Node knows nothing of, is to end with this worker thread: opened anew, as
 * Node's. Gives its new number; in a main thread it stays as it is.
 */
export function endWithThread(fd: number, flags: number): number {
  if (isMainThread) return fd
  const own = openForThread(`/proc/self/fd/${fd}`, flags)
  closeFd(fd)
  return own
}

/** Keeps a descriptor that was inherited from a parent out of this process's own children. */
export function setCloseOnExec(fd: number): void {
  const { fcntl, errno } = libc()
  const flags = fcntl(fd, F_GETFD, 0)
  if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) {
    throw new SystemCallError('fcntl', errno(), `descriptor ${fd}`)
  }
}
