/** Unreachable objects are collected when the engine sees fit. It does not see the shared memory that hangs on them. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options?: { type: 'minor' }) => void

let gc: Collect | undefined

function collector(): Collect {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc')
    gc = runInNewContext('gc') as Collect
    setFlagsFromString('--no-expose-gc')
  }
  return gc
}

/** Collects now. What the running job has made, or looked at through a WeakRef, stays. */
export function collectGarbage(): void {
  collector()()
}

/** So much may come before the young are collected, bytes. */
const MOST_ARRIVED = 4 * 2 ** 20

let arrived = 0

/** So many bytes outside the heap were made, or made visible, that hang on young objects. */
export function noteArrived(bytes: number): void {
  arrived += bytes
}

export const hasMuchArrived = (): boolean => arrived >= MOST_ARRIVED

/**
 * If much has come since the last time: collects what is young. For the engine memory outside its heap is a reason to collect all
 * of it, 10 ms for every 20 MiB; what dies young is found in a fraction of one.
 */
export function collectArrived(): void {
  arrived = 0
  collector()({ type: 'minor' })
}
