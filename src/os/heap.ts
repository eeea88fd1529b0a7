/**
 * Pages of the C heap. A buffer of 1 MiB is mapped anew by malloc each time, and its 256 pages are faulted in one by one:
 * four times the cost of the copy that fills it. glibc keeps freed pages for the next one when it is told to.
 */
import { libc } from './libc.ts'

const M_TRIM_THRESHOLD = -1
const M_MMAP_THRESHOLD = -3

/** From this size on the pages of a buffer cost more than what is copied into it, bytes. */
export const LARGE = 16 * 1024

/** Buffers up to this size come from pages that others have used; the most that glibc takes. */
const LARGEST_KEPT = 32 * 2 ** 20
/** So much may lie there freed. */
const KEPT = 64 * 2 ** 20

let told = false

/**
 * From here on this process keeps up to 64 MiB of freed pages for the next buffers. Nothing happens where the C library
 * has no such knob, or where the user has turned it (MALLOC_…_ in the environment).
 */
export function keepFreedPages(): void {
  if (told) return
  told = true
  const { MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_, GLIBC_TUNABLES } = process.env
  if (MALLOC_MMAP_THRESHOLD_ || MALLOC_TRIM_THRESHOLD_ || GLIBC_TUNABLES?.includes('glibc.malloc')) return
  const { mallopt } = libc()
  mallopt?.(M_MMAP_THRESHOLD, LARGEST_KEPT)
  mallopt?.(M_TRIM_THRESHOLD, KEPT)
}
