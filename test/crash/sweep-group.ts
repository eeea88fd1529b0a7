// The tests of one group of operations, and the note of what was swept, which swept.test.ts reads when all groups are done.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { type Group, groups } from './groups.js'
import { died, heirPlan, type Plan, planOf, sweep, swept } from './sweep.js'

/** What one file has swept. */
export interface Note {
  readonly swept: readonly string[]
  readonly died: readonly string[]
}

/** Where the files of one run leave their notes; test/run.ts says so. */
const folder = process.env.MULTIPROC_SWEPT

/** What the files of this run have swept so far; undefined when nobody gathers it. */
export function notes(): Note | undefined {
  if (folder === undefined) return undefined
  const all: Note[] = readdirSync(folder).map(file => JSON.parse(readFileSync(path.join(folder, file), 'utf8')))
  return { swept: all.flatMap(note => note.swept), died: all.flatMap(note => note.died) }
}

export function sweepGroup(name: keyof typeof groups, more: readonly Plan[] = []): void {
  const { operations, legacies = {} }: Group = groups[name]
  for (const [name, operation] of Object.entries(operations)) {
    test(`${name}, killed before any access: done whole or not at all, nothing left behind`, t =>
      sweep(t, planOf(name, operation)))
  }
  for (const name of Object.keys(legacies)) {
    test(`coming upon ${name}, killed before any access: another finishes it`, t => sweep(t, heirPlan(name)))
  }
  for (const plan of more) test(`${plan.name}, killed before any access: nothing left behind`, t => sweep(t, plan))

  after(() => {
    if (folder === undefined) return
    const note: Note = { swept: [...swept], died: [...died] }
    writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(note))
  })
}
