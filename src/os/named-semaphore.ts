/** POSIX named semaphores of the C library: a counter in a file of /dev/shm, `sem.<name>`. Where it lies is all we know of it. */
import { constants as fsConstants, statSync } from 'node:fs'
import { constants } from 'node:os'
import { libc, SystemCallError } from './libc.ts'
import { SLICE_MS } from './poll.ts'
import { posixCalls } from './posix-calls.ts'

const { EAGAIN, EINTR, EINVAL, ETIMEDOUT } = constants.errno
const { O_CREAT, O_EXCL } = fsConstants

const CLOCK_MONOTONIC = 1

/** The largest value of one. */
export const MOST_PERMITS = 2 ** 31 - 1

export interface SemaphoreOpening {
  readonly create: boolean
  readonly exclusive: boolean
  readonly value: number
  readonly mode: number
}

/** sizeof(sem_t), with glibc and musl. */
const SEMAPHORE_BYTES = 32

/** Its address; twice the same for one name, which counts how often it was opened. */
export function openSemaphore(name: string, { create, exclusive, value, mode }: SemaphoreOpening): bigint {
  const flags = (create ? O_CREAT : 0) | (exclusive ? O_EXCL : 0)
  // the C library would map what is there without a look, and the kernel kill who reads beyond its end
  const file = statSync(`/dev/shm/sem.${name.slice(1)}`, { throwIfNoEntry: false })
  if (file !== undefined && file.size < SEMAPHORE_BYTES) throw new SystemCallError('sem_open', EINVAL)
  const address = posixCalls().semOpen(name, flags, mode, value)
  if (address === 0) throw new SystemCallError('sem_open', libc().errno())
  return BigInt(address)
}

/** P without waiting: false when it is zero. */
export function tryTake(semaphore: bigint): boolean {
  for (;;) {
    if (posixCalls().semTryWait(semaphore) === 0) return true
    const failure = libc().errno()
    if (failure === EAGAIN) return false
    if (failure !== EINTR) throw new SystemCallError('sem_trywait', failure)
  }
}

/** struct timespec, used for one call at a time. */
const until = new BigInt64Array(2)

/** P, asleep in the kernel: false at the timeout, on a signal, and after 250 ms however long the timeout: call it again. */
export function takeSoon(semaphore: bigint, timeoutMs: number): boolean {
  const { semClockWait, semTimedWait } = posixCalls()
  const limit = BigInt(Math.ceil(Math.min(Math.max(timeoutMs, 0), SLICE_MS) * 1e6))
  // the clock of the wall, where there is no other, may be set back meanwhile: then it takes longer
  const now = semClockWait === undefined ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint()
  until[0] = (now + limit) / 1_000_000_000n
  until[1] = (now + limit) % 1_000_000_000n
  const failed =
    semClockWait === undefined ? semTimedWait(semaphore, until) : semClockWait(semaphore, CLOCK_MONOTONIC, until)
  if (failed === 0) return true
  const failure = libc().errno()
  if (failure === ETIMEDOUT || failure === EINTR) return false
  throw new SystemCallError('sem_clockwait', failure)
}

/** V. */
export function giveBack(semaphore: bigint): void {
  if (posixCalls().semPost(semaphore) < 0) throw new SystemCallError('sem_post', libc().errno())
}

const count = new Int32Array(1)

export function permitsOf(semaphore: bigint): number {
  if (posixCalls().semGetValue(semaphore, count) < 0) throw new SystemCallError('sem_getvalue', libc().errno())
  return count[0]
}

export function closeSemaphore(semaphore: bigint): void {
  if (posixCalls().semClose(semaphore) < 0) throw new SystemCallError('sem_close', libc().errno())
}

/** Takes the name away; those who have it open go on. */
export function unlinkSemaphore(name: string): void {
  if (posixCalls().semUnlink(name) < 0) throw new SystemCallError('sem_unlink', libc().errno())
}
