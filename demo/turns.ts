/**
 * Turns of the event loop for long synchronous work in the main process, which must hear Ctrl-C, read answers and draw
 * the progress bar meanwhile.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'

/** Milliseconds without a turn: nobody notices so few. */
const LONGEST = 20

export class Turns {
  #last = performance.now()

  /** True if the event loop has waited long enough: then await `take`. */
  get due(): boolean {
    return performance.now() - this.#last > LONGEST
  }

  async take(): Promise<void> {
    await nextTurn()
    this.#last = performance.now()
  }
}
