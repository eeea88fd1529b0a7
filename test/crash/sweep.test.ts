// A process is killed before each access that an operation makes to shared memory; what the operation promises holds, and all
// that the process had is given back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as real from '#src/arena/words.js'
import * as seam from '../support/words.crash.js'
import { legacies } from './legacies.js'
import { operations } from './operations.js'
import { died, heirPlan, joinPlan, numberedSteps, planOf, sweep, swept } from './sweep.js'

/** Steps that no death can come before, and why. */
const UNREACHED: Record<string, string> = { 'recovery.ts [R1]': 'it only notes what it has read' }

test('words.crash counts every access, and only lets through what is none', () => {
  const counted = new Map<string, unknown>(Object.entries(seam))
  const through = Object.entries(real).filter(([name, value]) => counted.get(name) === value)
  assert.deepEqual(through.map(([name]) => name).sort(), ['PATIENCE', 'pause', 'relax', 'wideWordsOf', 'wordsOf'])
})

for (const [name, operation] of Object.entries(operations)) {
  test(`${name}, killed before any access: done whole or not at all, nothing left behind`, t =>
    sweep(t, planOf(name, operation)))
}

for (const name of Object.keys(legacies)) {
  test(`coming upon ${name}, killed before any access: another finishes it`, t => sweep(t, heirPlan(name)))
}

test('joining the session, killed before any access: nothing left behind', t => sweep(t, joinPlan))

test('a process died before every numbered step', t => {
  if (swept.size < Object.keys(operations).length + Object.keys(legacies).length + 1) return t.skip('not all was swept')
  const missing = [...numberedSteps()].filter(step => !died.has(step) && !(step in UNREACHED))
  assert.deepEqual(missing, [])
})
