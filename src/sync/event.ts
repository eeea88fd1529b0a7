/**
 * A flag that processes wait for. One word: how often it was set, and whether it is set now.
 *
 *   n · CLEAR ──[E1] set──▶ n+1 · SET ──[E2] clear──▶ n+1 · CLEAR
 *
 * Who writes the word: anyone, by compareExchange. A waiter remembers the number it saw when it came: a set() that was
 * followed by a clear() at once is not missed.
 *
 * If a process dies
 *   after [E1], before it rang   the recovery rings everybody, and they see SET.
 *   asleep in wait()             its mark is removed by its recovery. Nobody ever waits for a sleeper to wake.
 */
import { compareExchange, load } from '#words'
import { checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { bodyAt } from '../arena/references.ts'
import { currentSession } from '../arena/session.ts'
import { Adoption, SharedObject } from '../arena/shared-object.ts'
import { slotOf } from '../arena/token.ts'
import { type Attempt, Line, NONE } from '../arena/until.ts'
import { forget, markedIn, WAIT_SET_WORDS, wakeAll } from '../arena/wait-set.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'

const KIND = 3
const SET = 1
const WAITERS = 1

/**
 * A flag that is set or not, and that any number of processes can wait for.
 *
 * Waits: `wait()` awaits, `waitSync()` blocks this thread asleep in the kernel; both return at once while it is set.
 * A `set()` that is followed by `clear()` at once still wakes everybody who was waiting.
 *
 * If a process dies waiting, nothing is left of it: `set()` never waits for a sleeper. If it dies in the middle of
 * `set()`, the flag is either set, and everybody is woken, or not.
 *
 * @example
 * const ready = new Event()
 * assert.equal(ready.isSet(), false)
 * setImmediate(() => ready.set())
 * await ready.wait({ timeout: 1000 })
 * ready.clear()
 */
export class Event extends SharedObject implements Waitable {
  readonly #line: Line

  constructor()
  /** @internal */
  constructor(adoption?: Adoption)
  constructor(adoption?: Adoption) {
    super(adoption instanceof Adoption ? adoption : currentSession().create(KIND, WAITERS + WAIT_SET_WORDS))
    this.#line = new Line(this.session, this.w, this.at + WAITERS)
    if (!(adoption instanceof Adoption)) this.session.publish(this)
  }

  /** Sets the flag and wakes everybody who waits for it. Never waits. */
  set(): void {
    this.assertOpen()
    this.#change(word => (word & SET ? word : (word + 2) | SET)) // [E1]
    wakeAll(this.session.w, this.w, this.at + WAITERS)
  }

  /** Takes the flag down: who calls wait() from now on waits. */
  clear(): void {
    this.assertOpen()
    this.#change(word => word & ~SET) // [E2]
  }

  isSet(): boolean {
    this.assertOpen()
    return (load(this.w, this.at) & SET) !== 0
  }

  /**
   * Waits until the flag is set, or was set since.
   *
   * Awaits; never blocks the event loop. On timeout or abort nothing has changed.
   * If this process dies waiting, nothing is left of it: nobody waits for it to wake.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError} after close()
   */
  wait(options?: WaitOptions): Promise<void> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#line.until('Event.wait()', this.#sinceNow(), options)
  }

  /** As wait(), but blocks this thread. */
  waitSync(options?: SyncWaitOptions): void {
    this.assertOpen()
    this.#line.untilSync('Event.waitSync()', this.#sinceNow(), options)
  }

  /** @internal for wait(): set, or set since. */
  [WAITABLE](): Readiness {
    this.assertOpen()
    const attempt = this.#sinceNow()
    return this.#line.readiness(() => attempt() !== NONE)
  }

  #sinceNow(): Attempt<void> {
    const before = load(this.w, this.at) & ~SET
    return () => {
      const now = load(this.w, this.at)
      return now & SET || (now & ~SET) !== before ? undefined : NONE
    }
  }

  #change(next: (word: number) => number): void {
    for (;;) {
      const seen = load(this.w, this.at)
      if (compareExchange(this.w, this.at, seen, next(seen) | 0) === seen) return
    }
  }

  protected override summary(): Record<string, unknown> {
    return { set: this.isSet() }
  }

  protected override leave(): void {
    this.#line.fail(this.closedError())
  }
}

export const eventKind: Kind = {
  code: KIND,
  name: 'Event',
  open: adoption => new Event(adoption),
  recover(session, address, dead) {
    const { w, at } = bodyAt(session, address)
    forget(w, at + WAITERS, slotOf(dead))
    return true
  },
  takeApart() {},
  check(session, address) {
    const { w, at } = bodyAt(session, address)
    return checkWaiters(session, w, at + WAITERS)
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    return { waiters: markedIn(w, at + WAITERS), detail: { set: (load(w, at) & SET) !== 0 } }
  },
}
