// Arrays of what only the run knows, and what they are refused with.
import assert from 'node:assert/strict'
import { MultiprocError } from 'multiproc'
import type { Implementation } from '../implementation.ts'

/** An array of what only the run knows. */
export const untyped = async (make: Implementation, ...given: unknown[]): Promise<any> => (make.array as any)(...given)

export const refused = (kind: typeof TypeError | typeof RangeError) => (error: unknown) => {
  assert.ok(error instanceof kind && error instanceof MultiprocError, String(error))
  return true
}
