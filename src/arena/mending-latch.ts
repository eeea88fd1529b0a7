/**
 * A latch over words some of which are derived from the others: a sum over cells, the links back of a chain. Whoever takes it
 * over from one that died inside derives them anew before anything else, so under it they always hold.
 *
 * States, writers and deaths are the latch's own (latch.ts). Who dies while it mends is as one that died before: the next
 * one to come mends.
 */
import { load, type Words } from '#words'
import { tryWithin, within } from './latch.ts'

export class MendingLatch {
  readonly #arena: Words
  readonly #me: number
  readonly #w: Words
  readonly #at: number
  readonly #mend: () => void

  /** `arena`: the words that hold the participants; the latch lies at `w[at]`. `mend` is called under it, and may be again. */
  constructor(arena: Words, me: number, w: Words, at: number, mend: () => void) {
    this.#arena = arena
    this.#me = me
    this.#w = w
    this.#at = at
    this.#mend = mend
  }

  /** Enters, does it and leaves. When it throws, for want of stack say, the next one mends what it left. */
  within<T>(act: () => T): T {
    return within(this.#arena, this.#w, this.#at, this.#me, abandoned => {
      if (abandoned) this.#mend()
      return act()
    })
  }

  /** The same, or `busy` when somebody holds it for long. */
  tryWithin<T>(busy: T, act: () => T): T {
    return tryWithin(this.#arena, this.#w, this.#at, this.#me, busy, abandoned => {
      if (abandoned) this.#mend()
      return act()
    })
  }

  /** Who holds it, for check. */
  get holder(): number {
    return load(this.#w, this.#at)
  }
}
