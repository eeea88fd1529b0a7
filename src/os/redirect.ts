/** A process writes its standard error into a pipe that another process reads, from here on. */
import { constants } from 'node:fs'
import { libc } from './libc.ts'
import { closeFd, openPeerPipe } from './pipe.ts'

const STDERR = 2
const F_SETFL = 4
const F_SETPIPE_SZ = 1031
/** So much fits in while nobody reads; the kernel's own 64 KiB are soon full. */
const PIPE_BYTES = 1 << 20

/** `pid`, `fd`, `inode`: who holds the writing end, and as what. False: it is not there, and all is as before. */
export function redirectStderr(pid: number, fd: number, inode: number): boolean {
  const opened = openPeerPipe(pid, fd, inode)
  if (opened === undefined) return false
  // what is not JavaScript, and writes its last words, does not know how to wait for room
  libc().fcntl(opened, F_SETFL, constants.O_WRONLY)
  const redirected = libc().dup2(opened, STDERR) === STDERR
  closeFd(opened)
  return redirected
}

/** Gives a pipe more room; without the right to, it stays as it is. */
export function enlargePipe(fd: number): void {
  libc().fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES)
}
