// What the sweeps of all groups (sweep-*.test.ts, which come before this file) make together: no numbered step was left out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as real from '#src/arena/words.js'
import * as seam from '../support/words.crash.js'
import { legacies, operations } from './groups.js'
import { heirPlan, joinPlan, numberedSteps } from './sweep.js'
import { notes } from './sweep-group.js'

/** Steps that no death can come before, and why. */
const UNREACHED: Record<string, string> = { 'recovery.ts [R1]': 'it only notes what it has read' }

test('words.crash counts every access, and only lets through what is none', () => {
  const counted = new Map<string, unknown>(Object.entries(seam))
  const through = Object.entries(real).filter(([name, value]) => counted.get(name) === value)
  assert.deepEqual(through.map(([name]) => name).sort(), ['PATIENCE', 'pause', 'relax', 'wideWordsOf', 'wordsOf'])
})

test('a process died before every numbered step', t => {
  const all = [...Object.keys(operations), ...Object.keys(legacies).map(name => heirPlan(name).name), joinPlan.name]
  const note = notes()
  const missing = all.filter(name => !note?.swept.includes(name))
  if (missing.length > 0) {
    return t.skip(
      `NOT ALL WAS SWEPT in this run: \`npm test -- crash/swe\` sweeps everything. Missing: ${missing.join('; ')}`,
    )
  }
  const steps = numberedSteps()
  for (const step of Object.keys(UNREACHED)) {
    assert.ok(steps.has(step), `${step} is excused and does not exist`)
    assert.ok(!note?.died.includes(step), `${step} is excused and somebody died before it`)
  }
  assert.deepEqual(
    [...steps].filter(step => !note?.died.includes(step) && !(step in UNREACHED)),
    [],
  )
})
