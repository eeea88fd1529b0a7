/** Anonymous memory as a file without a name: create, give it pages, take pages back. */
import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { ArgumentRangeError, OutOfSharedMemoryError } from '../contract/errors.ts'
import { errnoName, libc, SystemCallError } from './libc.ts'

const { EDQUOT, EINTR, EINVAL, ENOMEM, ENOSPC } = constants.errno

const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const MFD_NOEXEC_SEAL = 8
/** From the strictest a new kernel knows (some demand it) down to what all know. */
const CREATION_FLAGS = [MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL, MFD_CLOEXEC | MFD_ALLOW_SEALING, MFD_CLOEXEC]

const F_ADD_SEALS = 1033
const F_SEAL_SHRINK = 2

const FALLOC_FL_KEEP_SIZE = 1
const FALLOC_FL_PUNCH_HOLE = 2

const MAX_SIZE = 2 ** 40
/** A signal makes the kernel undo the call it interrupts; steps of this size keep what was done before. */
const POPULATE_STEP = 2 ** 28

/** Creates a sparse file of `size` bytes: address space, no memory yet. It never shrinks; it ends with its last holder. */
export function createMemfd(name: string, size: number): number {
  if (!Number.isSafeInteger(size) || size <= 0 || size > MAX_SIZE) {
    throw new ArgumentRangeError(`a shared memory file has 1 to 2^40 bytes, received ${size}`)
  }
  const { memfdCreate, ftruncate, fcntl, close, errno } = libc()
  let fd = -1
  for (const flags of CREATION_FLAGS) {
    fd = memfdCreate(name, flags)
    if (fd >= 0) break
    const failure = errno()
    if (failure !== EINVAL) throw new SystemCallError('memfd_create', failure)
  }
  if (fd < 0) throw new SystemCallError('memfd_create', EINVAL)
  if (ftruncate(fd, size) < 0) {
    const failure = errno()
    close(fd)
    throw new SystemCallError('ftruncate', failure, `to ${size} bytes`)
  }
  // a file that shrank under a mapping would be SIGBUS; where the kernel cannot seal, nobody of ours shrinks it either
  fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)
  return fd
}

/**
 * Makes sure that writing to these bytes cannot fail: touching a page for which there is no memory is SIGBUS.
 * Throws OutOfSharedMemoryError; pages obtained until then stay, `punchHole` gives them back.
 */
export function populate(fd: number, offset: number, length: number): void {
  const { fallocate, errno } = libc()
  const end = offset + length
  for (let at = offset; at < end; ) {
    const step = Math.min(POPULATE_STEP, end - at)
    if (fallocate(fd, 0, at, step) === 0) {
      at += step
      continue
    }
    const failure = errno()
    if (failure === EINTR) continue
    if (failure === ENOSPC || failure === ENOMEM || failure === EDQUOT) {
      throw new OutOfSharedMemoryError(
        `there is no memory for ${length} more bytes of shared memory (${errnoName(failure)}): ` +
          'free objects that are no longer used, or raise the memory limit of this machine or container',
      )
    }
    throw new SystemCallError('fallocate', failure, `${length} bytes at ${offset} of descriptor ${fd}`)
  }
}

/** Gives the whole pages within these bytes back to the system; all these bytes read as zero afterwards. */
export function punchHole(fd: number, offset: number, length: number): void {
  if (length <= 0) return
  const { fallocate, errno } = libc()
  while (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) < 0) {
    const failure = errno()
    if (failure === EINTR) continue
    throw new SystemCallError('fallocate', failure, `punching ${length} bytes at ${offset} of descriptor ${fd}`)
  }
}

/** How long the file is: its address space, not its memory. */
export function fileSize(fd: number): number {
  return fstatSync(fd).size
}

/** How much memory the file holds now. */
export function allocatedBytes(fd: number): number {
  return fstatSync(fd).blocks * 512
}
