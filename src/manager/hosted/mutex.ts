/**
 * Who holds a lock, how often, and who waits for it: what Lock, RLock and Condition have in common.
 *
 *   free ──take──▶ held by a caller, `depth` times ──free──▶ held by the first in line, or free
 *                    └──the caller is gone──▶ the same, and who gets it next is told that it was abandoned
 *
 * It goes from hand to hand: while somebody waits it is never free, so nobody who comes later is before those in line.
 */
import type { Call, Caller } from './hosted-type.ts'
import { Line } from './line.ts'

/** One time that somebody holds it, from taking it to giving it up. */
export interface Hold {
  readonly caller: Caller
  /** Its last holder was gone while it held it. */
  readonly abandoned: boolean
  depth: number
}

export class Mutex {
  /** Served with the hold. `depth`: how often it wants to hold it. */
  readonly #line = new Line<Hold, number>()
  #hold: Hold | undefined
  #forget: (() => void) | undefined
  #abandoned = false

  get hold(): Hold | undefined {
    return this.#hold
  }

  get waiting(): number {
    return this.#line.size
  }

  /** The hold, if it is free. */
  take(caller: Caller, depth = 1): Hold | undefined {
    return this.#hold === undefined ? this.#give(caller, depth) : undefined
  }

  /** Takes it, or waits in line; `got` may be called at once. `expired`, `withdrawn`: it was not taken. */
  enter(
    call: Call,
    depth: number,
    seconds: number,
    told: { got(hold: Hold): void; expired(): void; withdrawn?(): void },
  ): void {
    const hold = this.take(call.caller, depth)
    if (hold !== undefined) told.got(hold)
    else if (seconds <= 0) told.expired()
    else {
      const waiting = { served: (given: Hold) => told.got(given), expired: told.expired, withdrawn: told.withdrawn }
      this.#line.join(call, seconds, waiting, depth)
    }
  }

  #give(caller: Caller, depth: number): Hold {
    const hold: Hold = { caller, depth, abandoned: this.#abandoned }
    this.#abandoned = false
    this.#hold = hold
    this.#forget = caller.onGone(() => {
      if (this.#hold === hold) this.free(true)
    })
    return hold
  }

  /** Gives it to the first in line. `abandoned`: the holder cannot say in which state what it guards is. */
  free(abandoned = false): void {
    this.#forget?.()
    this.#forget = undefined
    this.#hold = undefined
    this.#abandoned = abandoned
    const first = this.#line.first
    first?.serve(this.#give(first.call.caller, first.data))
  }

  /** Takes back one level of a hold whose holder was never told of it. */
  undo(hold: Hold, levels = 1): void {
    if (this.#hold !== hold) return
    hold.depth -= levels
    if (hold.depth <= 0) this.free(hold.abandoned)
  }
}
