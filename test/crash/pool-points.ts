// Before which of the accesses of a pool to die.
import type { Access } from '../support/words.crash.js'
import { EXHAUSTIVE } from './sweep.js'

/** Where an access comes from: a line of the pool, and one of what it works with. */
const WHERE = [/^src\/pool\//, /^src\/(channel|process)\//]

/**
 * Counted from 1. Shared memory changes only with a write, so a death before a read leaves what one before the next write does.
 * Of those that come from the same place the first stands for all, but in the exhaustive form.
 */
export function writesOf(accesses: readonly Access[]): number[] {
  const met = new Set<string>()
  return accesses.flatMap(({ writes, lines }, i) => {
    const where = WHERE.map(pattern => lines.find(line => pattern.test(line))).join(' ')
    if (!writes || (!EXHAUSTIVE && met.has(where))) return []
    met.add(where)
    return [i + 1]
  })
}
