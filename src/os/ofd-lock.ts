/**
 * A lock on one byte of a file, held by an open file description: it falls when the process ends.
 *
 * Not the older per-process fcntl lock, which vanishes when *any* descriptor of that file is closed.
 */
import { constants as fsConstants } from 'node:fs'
import { constants } from 'node:os'
import { openForThread } from './descriptor.ts'
import { libc, SystemCallError } from './libc.ts'

const { EACCES, EAGAIN } = constants.errno

const F_OFD_GETLK = 36
const F_OFD_SETLK = 37
const F_WRLCK = 1
const F_UNLCK = 2

/** struct flock (x64 and arm64 alike): type i16 at 0, whence i16 at 2, start i64 at 8, length i64 at 16, pid i32 at 24. */
const flock = new DataView(new ArrayBuffer(32))

/**
 * An open file description of our own for the same file: locks taken through the inherited one would be shared with
 * whoever else inherited it. In a worker thread Node closes it, and so drops its locks, when the thread ends.
 */
export function openOwn(fd: number): number {
  return openForThread(`/proc/self/fd/${fd}`, fsConstants.O_RDWR)
}

/** Takes the byte for this description's life; false when another description has it. */
export function lockByte(fd: number, byte: number): boolean {
  describe(byte)
  if (libc().fcntlLock(fd, F_OFD_SETLK, flock) === 0) return true
  const failure = libc().errno()
  if (failure === EAGAIN || failure === EACCES) return false
  throw new SystemCallError('fcntl', failure, `locking byte ${byte} of descriptor ${fd}`)
}

/** Gives the byte back, if this description has it. */
export function unlockByte(fd: number, byte: number): void {
  describe(byte)
  flock.setInt16(0, F_UNLCK, true)
  if (libc().fcntlLock(fd, F_OFD_SETLK, flock) < 0) {
    throw new SystemCallError('fcntl', libc().errno(), `unlocking byte ${byte} of descriptor ${fd}`)
  }
}

/** Whether a description other than this one holds the byte. */
export function isByteLocked(fd: number, byte: number): boolean {
  describe(byte)
  if (libc().fcntlLock(fd, F_OFD_GETLK, flock) < 0) {
    throw new SystemCallError('fcntl', libc().errno(), `asking for byte ${byte} of descriptor ${fd}`)
  }
  return flock.getInt16(0, true) !== F_UNLCK
}

function describe(byte: number): void {
  flock.setInt16(0, F_WRLCK, true)
  flock.setInt16(2, 0, true) // SEEK_SET
  flock.setBigInt64(8, BigInt(byte), true)
  flock.setBigInt64(16, 1n, true)
  flock.setInt32(24, 0, true) // must be 0 for OFD locks
}
