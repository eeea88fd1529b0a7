/** A semaphore that notices a release too many. Its words are a Semaphore's (permits.ts). */
import type { Kind } from '../arena/kinds.ts'
import type { Adoption } from '../arena/shared-object.ts'
import {
  checkSemaphore,
  describeSemaphore,
  recoverSemaphore,
  Semaphore,
  type SemaphoreOptions,
  takeSemaphoreApart,
} from './semaphore.ts'

const KIND = 7

/**
 * A Semaphore whose free permits never become more than it had at first: releasing one more throws.
 *
 * Waits, timeout, abort and death as for Semaphore.
 *
 * @param value permits at first, 0 … 2³¹ − 1, default 1
 * @throws {ArgumentRangeError} from release(), also a RangeError: nothing changed · for a bad `value` as Semaphore
 * @example
 * const seats = new BoundedSemaphore(2)
 * seats.acquireSync()
 * seats.release()
 * assert.throws(() => seats.release(), RangeError)
 * assert.equal(seats.getValue(), 2)
 */
export class BoundedSemaphore extends Semaphore {
  constructor(value?: number, options?: SemaphoreOptions)
  /** @internal */
  constructor(value?: number | Adoption)
  constructor(value: number | Adoption = 1, options?: SemaphoreOptions) {
    super(value, options, KIND, true)
  }
}

export const boundedSemaphoreKind: Kind = {
  code: KIND,
  name: 'BoundedSemaphore',
  open: adoption => new BoundedSemaphore(adoption),
  recover: recoverSemaphore,
  takeApart: takeSemaphoreApart,
  check: checkSemaphore,
  describe: describeSemaphore,
}
