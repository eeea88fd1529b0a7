// The forms in which parties wait at a Barrier, and what is said of them.
import assert from 'node:assert/strict'
import { type Barrier, BrokenBarrierError } from 'multiproc'

export const forms = ['wait', 'waitSync'] as const
export const why = { mine: true }

export const numbers = (n: number): number[] => [...Array(n).keys()]
export const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b)

/** Rejects, maybe before the test comes to look at it. */
export function expected<T>(rejection: Promise<T>): Promise<T> {
  rejection.catch(() => {})
  return rejection
}

/** Broken, for whoever comes now, by both forms. */
export async function assertBroken(barrier: Barrier): Promise<void> {
  assert.equal(barrier.broken, true)
  assert.equal(barrier.nWaiting, 0)
  await assert.rejects(barrier.wait(), BrokenBarrierError)
  assert.throws(() => barrier.waitSync(), BrokenBarrierError)
}
