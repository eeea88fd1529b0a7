// The forms of a wait in a Condition, what comes of one, and when it has begun.
import type { Condition } from 'multiproc'
import type { Outcome } from '../../fixtures/conformance.ts'
import { until } from '../../support/children.ts'
import { type Implementation, LIMIT } from '../implementation.ts'

export const waits = ['wait', 'waitSync'] as const
export const waitsFor = ['waitFor', 'waitForSync'] as const
export const OUTCOME: Outcome = { gave: undefined }

/** Resolves when so many wait in it. */
export async function waiters(make: Implementation, condition: Condition, count: number): Promise<void> {
  await until(() => make.waitersOf(condition) === count, LIMIT, `${count} to wait in the condition`)
}

export const turn = () => new Promise(setImmediate)
