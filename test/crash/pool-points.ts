// Before which of the accesses of a pool, or of its workers, to die.
import type { Access } from '../support/words.crash.js'
import { EXHAUSTIVE } from './sweep.js'

/** Where an access comes from: a line of the pool, and one of what it works with. */
const WHERE = [/^src\/pool\//, /^src\/(channel|process)\//]
/** Writes one after the other from the same line: so many of them. */
const LOOP = 3

interface Write {
  readonly k: number
  readonly lines: readonly string[]
}

/**
 * Counted from 1. Shared memory changes only with a write, so a death before a read leaves what one before the next write does. In
 * the exhaustive form every write counts; otherwise, of those that come from the same place, the first, and of these places so
 * many, spread over all.
 */
export function writesOf(accesses: readonly Access[], most: number): number[] {
  const all = accesses.flatMap(({ writes, lines }, i): Write[] => (writes ? [{ k: i + 1, lines }] : []))
  if (EXHAUSTIVE) return withoutLoops(all)
  const met = new Set<string>()
  const firsts = all.filter(({ lines }) => {
    const where = WHERE.map(one => lines.find(line => one.test(line))).join(' ')
    return !met.has(where) && met.add(where)
  })
  const step = Math.max(1, firsts.length / most)
  return Array.from({ length: Math.min(most, firsts.length) }, (_, i) => firsts[Math.floor(i * step)].k)
}

function withoutLoops(all: readonly Write[]): number[] {
  let before = ''
  let turns = 0
  return all.flatMap(({ k, lines }) => {
    const place = lines.join(' ')
    turns = place === before ? turns + 1 : 0
    before = place
    return turns < LOOP ? [k] : []
  })
}

/** The lines, of those that match, from which the accesses come first of all: a death at each of them is sure to be there. */
export function linesOf(accesses: readonly Access[], pattern: RegExp): string[] {
  const outermost = accesses.flatMap(({ lines }) => lines.findLast(line => pattern.test(line)) ?? [])
  return [...new Set(outermost.map(line => line.replace(/:\d+$/, '')))]
}
