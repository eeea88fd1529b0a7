/**
 * Which units are out, and what to do when a worker died: how the totals stay exact under `kill -9`.
 *
 * The two rules
 *   1. The first answer to a unit counts, later ones are dropped. So feeding a unit again is always harmless.
 *   2. After a death a *marker*, a unit without files, goes into the queue. The queue is first in, first out: when the
 *      marker is answered, everything fed before it has left the queue. What of that is unanswered is in the hands of a
 *      living worker or was in the dead one's, so it is fed again.
 *
 * If a worker dies
 *   before it took a unit          the unit is in the queue, another worker takes it.
 *   holding a unit, counting it    no answer was put. The marker's answer feeds the unit again.
 *   inside put                     the answer is in whole or not at all (the queue's promise); if not, as above.
 *   after put                      the answer is in the queue although its writer is dead; nothing was lost. A marker
 *                                  answered before that answer was read feeds the unit again: rule 1 drops one.
 *   holding the marker             that is a death too, and a newer marker follows. Only the newest one counts.
 *
 * Nothing here asks the queue how full it is or a worker what it is doing: both answers would be old when they come.
 * A unit that cost several workers their life (a huge file under --kill) is not fed for ever: `feed` says 'keep', and
 * the main process, which nobody kills, counts it itself.
 */

import type { Unit } from './worker.ts'

/** A unit fed this often without an answer is counted by the main process. */
const MOST_FEEDS = 4

interface Open {
  unit: Unit
  /** The number of its last feed; feeds are numbered as they go into the queue. */
  fed: number
  feeds: number
}

export class Ledger {
  /** Units that were fed and are not answered. */
  readonly #open = new Map<number, Open>()
  /** Those of them that must go into the queue again. */
  readonly #again = new Set<Open>()
  #lastNumber = 0
  #markerWanted = false
  #newestMarker = 0

  /** True once every unit ever fed is answered. */
  get settled(): boolean {
    return this.#open.size === 0
  }

  /** A new unit, about to be put into the queue. */
  enter(paths: string[]): Unit {
    const id = ++this.#lastNumber
    const unit = { id, paths }
    this.#open.set(id, { unit, fed: id, feeds: 1 })
    return unit
  }

  /** What must go into the queue before anything new: a marker after a death, or a unit once more. */
  urgent(): { unit: Unit; act: 'feed' | 'keep' } | undefined {
    if (this.#markerWanted) {
      this.#markerWanted = false
      this.#newestMarker = ++this.#lastNumber
      return { unit: { id: this.#newestMarker, paths: [] }, act: 'feed' }
    }
    for (const open of this.#again) {
      this.#again.delete(open)
      open.fed = ++this.#lastNumber
      open.feeds++
      return { unit: open.unit, act: open.feeds > MOST_FEEDS ? 'keep' : 'feed' }
    }
    return undefined
  }

  /** A worker is known to be dead. */
  death(): void {
    this.#markerWanted = true
  }

  /** An answer came: true if it is the first to its unit and counts. */
  answer(id: number): boolean {
    if (id === this.#newestMarker) {
      for (const open of this.#open.values()) if (open.fed < id) this.#again.add(open)
      return false
    }
    const open = this.#open.get(id)
    if (!open) return false
    this.#open.delete(id)
    this.#again.delete(open)
    return true
  }
}
