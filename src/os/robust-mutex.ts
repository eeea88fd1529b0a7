/**
 * A mutex that its thread holds until it dies, and that the kernel marks then: the liveness token.
 *
 * It is never unlocked: the kernel's own unlocking of a robust mutex has windows in which a death goes unseen or is
 * written into memory that was given to somebody else. Its memory may be used again once the whole *process* is gone.
 */
import { libc, SystemCallError } from './libc.ts'
import { pinMapping } from './mapping.ts'
import { threadId } from './thread.ts'

/** Set by the kernel in the owner's word when that thread ended, by whatever means. */
export const OWNER_DIED = 0x40000000

/** Room for a pthread_mutex_t: 40 bytes on x64, 48 on arm64. */
export const MUTEX_BYTES = 64

const PTHREAD_PROCESS_SHARED = 1
const PTHREAD_MUTEX_ROBUST = 1

/**
 * Initialises the mutex in these 64 bytes (16-byte aligned) and locks it for the life of this thread. Returns which of
 * its 32-bit words names the owner and will be marked: 0 with glibc, 1 with musl, -1 when neither does and a death
 * must be learned elsewhere.
 */
export function holdForLife(address: bigint): number {
  const c = libc()
  const attribute = new Uint8Array(64)
  check('pthread_mutexattr_init', c.robustAttributeInit(attribute))
  check('pthread_mutexattr_setpshared', c.robustAttributeShared(attribute, PTHREAD_PROCESS_SHARED))
  if (c.robustAttributeRobust(attribute, PTHREAD_MUTEX_ROBUST) !== 0) return -1 // a kernel or libc without it
  pinMapping(address) // the thread's list of such mutexes leads through this memory until it ends
  check('pthread_mutex_init', c.mutexInit(address, attribute))
  check('pthread_mutex_lock', c.mutexLock(address))
  const me = threadId()
  for (const word of [0, 1]) {
    if (c.int32At(address + BigInt(4 * word)) === me) return word
  }
  return -1
}

/** The pthread functions return their error and leave errno alone. */
function check(name: string, result: number): void {
  if (result !== 0) throw new SystemCallError(name, result)
}
