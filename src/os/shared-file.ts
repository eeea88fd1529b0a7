/**
 * Named memory, as shm_open() makes it: a file in /dev/shm, where programs in any language find it.
 *
 * A file is made without a name, gets its size and its pages, and only then its name, by one call of the kernel: nobody
 * ever sees one that is not finished, and a process that is killed on the way leaves nothing.
 */
import { constants, fstatSync, lstatSync, statfsSync, unlinkSync } from 'node:fs'
import { ArgumentRangeError, MultiprocError, OutOfSharedMemoryError } from '../contract/errors.ts'
import { closeFd, openForThread } from './descriptor.ts'
import { errnoName, libc, SystemCallError } from './libc.ts'
import { MAX_VIEW, type Mapping, mapShared } from './mapping.ts'
import { fileSize, populate } from './memfd.ts'

const FOLDER = '/dev/shm'
/** O_TMPFILE is this and O_DIRECTORY, which differs between processors. */
const TMPFILE = 0o20000000
const MODE = 0o600
const AT_FDCWD = -100
const AT_SYMLINK_FOLLOW = 0x400
/** Longer names are refused by the kernel. Bytes */
export const LONGEST_NAME = 255

/** The name as the file is called: shm_open() takes any number of slashes in front, and so do we. */
export function fileNameOf(name: string): string {
  return name.replace(/^\/+/, '')
}

/** A file as memory of this process. It needs no descriptor any more. */
export interface SharedFile {
  readonly mapping: Mapping
  /** By which the file is known when its name may be somebody else's by now. */
  readonly inode: bigint
}

/** A file of `size` bytes that has no name yet: `baptise` gives it one. */
export class UnnamedFile implements SharedFile {
  readonly mapping: Mapping
  readonly inode: bigint
  readonly #fd: number

  /** Throws OutOfSharedMemoryError when there is no memory for all of it. */
  constructor(size: number) {
    checkView(size)
    checkRoom(size)
    this.#fd = open(FOLDER, TMPFILE | constants.O_DIRECTORY | constants.O_RDWR)
    try {
      const { ftruncate, errno } = libc()
      if (ftruncate(this.#fd, size) < 0) throw new SystemCallError('ftruncate', errno(), `to ${size} bytes`)
      populate(this.#fd, 0, size)
      this.mapping = mapShared(this.#fd, 0, size)
      this.inode = fstatSync(this.#fd, { bigint: true }).ino
    } catch (error) {
      closeFd(this.#fd)
      throw error
    }
  }

  /** Gives it its name; false when another has it. */
  baptise(fileName: string): boolean {
    const { linkat, errno } = libc()
    if (linkat(AT_FDCWD, `/proc/self/fd/${this.#fd}`, AT_FDCWD, pathOf(fileName), AT_SYMLINK_FOLLOW) === 0) return true
    const failure = errno()
    if (errnoName(failure) === 'EEXIST') return false
    throw new SystemCallError('linkat', failure, `naming shared memory ${fileName}`)
  }

  /** The descriptor goes; what was mapped or named stays. */
  close(): void {
    closeFd(this.#fd)
  }
}

/** The file of that name; undefined when there is none. `empty`: it has no bytes, so it is not ready, or never will be. */
export function openNamed(fileName: string): SharedFile | 'empty' | undefined {
  const fd = open(pathOf(fileName), constants.O_RDWR | constants.O_NOFOLLOW)
  if (fd < 0) return undefined
  try {
    const size = fileSize(fd)
    if (size === 0) return 'empty'
    checkView(size)
    return { mapping: mapShared(fd, 0, size), inode: fstatSync(fd, { bigint: true }).ino }
  } finally {
    closeFd(fd)
  }
}

/** Takes the name away; the memory goes with its last mapping. False when there is no such name. */
export function unlinkNamed(fileName: string): boolean {
  try {
    unlinkSync(pathOf(fileName))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw refused(fileName, error)
  }
}

/** Whether the name still is that file's. */
export function isNamed(fileName: string, inode: bigint): boolean {
  return lstatSync(pathOf(fileName), { bigint: true, throwIfNoEntry: false })?.ino === inode
}

/** Takes the name away if it still is that file's. Never throws. */
export function unlinkIfSame(fileName: string, inode: bigint): boolean {
  try {
    return isNamed(fileName, inode) && unlinkNamed(fileName)
  } catch {
    return false
  }
}

const pathOf = (fileName: string): string => `${FOLDER}/${fileName}`

function checkView(size: number): void {
  if (size <= MAX_VIEW) return
  throw new ArgumentRangeError(
    `Expected shared memory of at most ${MAX_VIEW} bytes on this version of Node.js, got ${size}`,
  )
}

/** Before anything is taken: else what others need would be gone while we find out. */
function checkRoom(size: number): void {
  const { bavail, bsize } = statfsSync(FOLDER)
  if (size <= bavail * bsize) return
  throw new OutOfSharedMemoryError(
    `Expected ${size} bytes of room in ${FOLDER}, but there are ${bavail * bsize}: unlink what is no longer used, or make it larger (docker: --shm-size; mount -o remount,size=…)`,
  )
}

/** -1: there is none of that name. */
function open(path: string, flags: number): number {
  try {
    return openForThread(path, flags, MODE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && path !== FOLDER) return -1
    throw refused(path, error)
  }
}

function refused(what: string, cause: unknown): MultiprocError {
  return new MultiprocError(`Expected to reach shared memory ${what}, but ${(cause as Error).message}`, { cause })
}
