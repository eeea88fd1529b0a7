import { setImmediate } from 'node:timers/promises'
import { collectGarbage } from '#src/os/garbage.js'

/** What nobody can reach any more goes, and what hangs on it. */
export async function collectAll(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    collectGarbage()
    await setImmediate() // finalizers have their own turn
  }
}
