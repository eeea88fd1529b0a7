/** What runs in each worker process: takes units of files, counts them, answers each unit with one `put`. */

import type { Queue, Value } from 'multiproc'
import { type PackedTally, Tally } from './tally.ts'
import { WordTable } from './words.ts'

/** Some files to count, together. */
export interface Unit {
  id: number
  paths: string[]
}

/** All there is to know about a unit. It goes in by one `put`: the unit's result and its being done are one step. */
export interface Answer {
  unit: number
  worker: number
  tally: PackedTally
}

export async function work(
  worker: number,
  folder: Uint8Array,
  units: Queue<Unit>,
  answers: Queue<Answer>,
  counted: Value<'i'>,
): Promise<void> {
  const root = Buffer.from(folder)
  const table = new WordTable()
  for await (const unit of units) {
    table.clear()
    const tally = new Tally(table)
    for (const path of unit.paths) {
      tally.count(root, path)
      counted.add(1)
    }
    await answers.put({ unit: unit.id, worker, tally: tally.pack() })
  }
}
