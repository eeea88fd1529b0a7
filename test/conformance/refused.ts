// How bad arguments are refused, and those that whatever waits refuses.
import assert from 'node:assert/strict'
import { MultiprocError } from 'multiproc'

type Kind = typeof TypeError | typeof RangeError

/** With a typed error that says it was an argument. */
export const refused = (kind: Kind) => (error: unknown) => {
  assert.ok(error instanceof kind, String(error))
  assert.ok(error instanceof MultiprocError, String(error))
  assert.match(error.code, /^ERR_MULTIPROC_ARGUMENT_/)
  return true
}

/** Options of a wait, and what they are refused with. */
export const badWaits: readonly [options: any, Kind][] = [
  [{ timeout: -1 }, RangeError],
  [{ timeout: 1.5 }, RangeError],
  [{ timeout: NaN }, RangeError],
  [{ timeout: '5' }, TypeError],
  [{ timout: 5 }, TypeError],
  [5, TypeError],
  [null, TypeError],
]
