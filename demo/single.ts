/** The same census in this one process, for comparison: same walk, same counting, no queue. */

import { Tally } from './tally.ts'
import { walk } from './walk.ts'

export async function countAlone(folder: Buffer): Promise<{ tally: Tally; elapsed: number }> {
  const began = performance.now()
  const tally = new Tally()
  for await (const path of walk(folder, skipped => tally.skipped.push(skipped))) {
    await tally.countPolitely(folder, path)
  }
  return { tally, elapsed: performance.now() - began }
}
