/**
 * What a descriptor is, asked for in the one way that leaves Node's import() alone: it keeps the numbers of the last file
 * that was looked at otherwise, and when that was a pipe or a socket it stops resolving symbolic links (fs.realpathSync,
 * Node 20 to 24, with a path whose beginning it knows). A package that is linked, as pnpm does, would then be there twice.
 */
import { fstatSync, lstatSync, statSync } from 'node:fs'

export interface Found {
  readonly ino: number
  isFIFO(): boolean
  isSocket(): boolean
}

/** Throws EBADF and the like. */
export function statOf(fd: number): Found {
  const found = fstatSync(fd, { bigint: true })
  return { ino: Number(found.ino), isFIFO: () => found.isFIFO(), isSocket: () => found.isSocket() }
}

/** Follows links. Throws ENOENT and the like. */
export const isFifoAt = (path: string): boolean => statSync(path, { bigint: true }).isFIFO()

/** Does not follow links; false also when nothing is there. */
export const isFifoItself = (path: string): boolean =>
  lstatSync(path, { bigint: true, throwIfNoEntry: false })?.isFIFO() === true
