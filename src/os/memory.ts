/** How much memory there is to use, and sizes as people write them. */
import { totalmem } from 'node:os'
import { ArgumentRangeError } from '../contract/errors.ts'
import { CGROUP_PLACES, type CgroupPlaces, cgroupFiles } from './cgroup.ts'

const V2 = { directories: ['', 'unified'], controller: '', files: ['memory.max'] }
const V1 = { directories: ['memory'], controller: 'memory', files: ['memory.limit_in_bytes'] }

/** Bytes this process may use at most: what the machine has, or the smallest limit of its containers. Never throws. */
export function memoryAvailable(places: CgroupPlaces = CGROUP_PLACES): number {
  let least = totalmem()
  for (const [limit] of [...cgroupFiles(V2, places), ...cgroupFiles(V1, places)]) {
    const bytes = Number(limit) // NaN for 'max', and close to 2^63 for no limit in version 1
    if (bytes > 0) least = Math.min(least, bytes)
  }
  return least
}

const UNITS = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** '512m', '1.5 GiB', '1073741824': a number of bytes. Units are powers of 1024, in any case, with or without b or ib. */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text)
  const bytes = match ? Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase() as keyof typeof UNITS]) : Number.NaN
  if (!Number.isSafeInteger(bytes)) {
    throw new ArgumentRangeError(
      `Expected a number of bytes such as 512m, 2g or 1073741824 (in MULTIPROC_MEMORY_LIMIT, if it is set), got ${JSON.stringify(text)}`,
    )
  }
  return bytes
}
