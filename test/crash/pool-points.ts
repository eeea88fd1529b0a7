// Before which of the accesses of a pool, or of its workers, to die.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { checkout } from '../support/children.js'
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
  const all = allWrites(accesses)
  if (EXHAUSTIVE) return withoutLoops(all)
  return spread(
    firsts(all, lines => WHERE.map(one => lines.find(line => one.test(line)))),
    most,
  )
}

/** The same, but in the exhaustive form too only the first of those that come from the same place by the same way, `all` at the most. */
export function placesOf(accesses: readonly Access[], most: number, all: number): number[] {
  if (!EXHAUSTIVE) return writesOf(accesses, most)
  return spread(
    firsts(allWrites(accesses), lines => lines),
    all,
  )
}

function allWrites(accesses: readonly Access[]): Write[] {
  return accesses.flatMap(({ writes, lines }, i) => (writes ? [{ k: i + 1, lines }] : []))
}

function firsts(all: readonly Write[], whereOf: (lines: readonly string[]) => readonly unknown[]): number[] {
  const met = new Set<string>()
  return all.flatMap(({ k, lines }) => {
    const where = whereOf(lines).join(' ')
    if (met.has(where)) return []
    met.add(where)
    return [k]
  })
}

function spread(points: readonly number[], most: number): number[] {
  const step = Math.max(1, points.length / most)
  return Array.from({ length: Math.min(most, points.length) }, (_, i) => points[Math.floor(i * step)])
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

/** What a sleeper does when it was rung, line by line (as in build/src/). */
export function rungLines(): string[] {
  const file = 'src/arena/sleeper.js'
  const lines = readFileSync(path.join(checkout, 'build', file), 'utf8').split('\n')
  const first = lines.findIndex(line => /^\s*heard\(/.test(line)) + 1
  assert.ok(first > 0 && /#look\(\)/.test(lines[first]), `expected a ring to be heard and looked at in ${file}`)
  return [`${file}:${first}`, `${file}:${first + 1}`]
}
