/**
 * A latch over words some of which are derived from the others: a sum over cells, the links back of a chain. Whoever takes it
 * over from one that died inside derives them anew before anything else, so under it they always hold.
 *
 * States, writers and deaths are the latch's own (latch.ts). Who dies while it mends is as one that died before: the next
 * one to come mends.
 */
import { load, type Words } from '#words'
import { ABANDONED, BUSY, enter, finish, leave, tryEnter } from './latch.ts'

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

  /** Enters, however long it takes. */
  enter(): void {
    if (enter(this.#arena, this.#w, this.#at, this.#me)) this.#mend()
  }

  /** False: somebody holds it for long. */
  tryEnter(): boolean {
    const entered = tryEnter(this.#arena, this.#w, this.#at, this.#me)
    if (entered === ABANDONED) this.#mend()
    return entered !== BUSY
  }

  leave(): void {
    leave(this.#w, this.#at, this.#me)
  }

  /** Enters, does it and leaves. */
  within<T>(act: () => T): T {
    this.enter()
    return this.finish(act)
  }

  /** Having entered: does it, and leaves. When it throws, for want of stack say, the next one mends what it left. */
  finish<T>(act: () => T): T {
    return finish(this.#w, this.#at, this.#me, act)
  }

  /** Who holds it, for check. */
  get holder(): number {
    return load(this.#w, this.#at)
  }
}
