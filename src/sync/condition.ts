/**
 * The public Condition: a lock that may also be another object's, and a list of who waits (waiting-list.ts: states, who
 * writes what, deaths).
 *
 *   the lock it goes with · whose lock that is · wait set · list        the first two nobody writes after it is published
 *
 * wait() is: stand in the list · give the lock up · sleep until notified · take the lock back · leave the list.
 * Nobody marks or clears the wait set but the sleepers themselves: who is notified is rung by name.
 */
import { peek, poke } from '#words'
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import { bodyAt, clearReference, holdReference, referenceIn } from '../arena/references.ts'
import { currentSession, type Session } from '../arena/session.ts'
import { Adoption, idIn } from '../arena/shared-object.ts'
import { slotOf } from '../arena/token.ts'
import { type Attempt, checkWaitOptions, Line, NONE } from '../arena/until.ts'
import { forget, WAIT_SET_WORDS } from '../arena/wait-set.ts'
import { ArgumentTypeError, ClosedError, InvalidStateError, TimeoutError } from '../contract/errors.ts'
import { checkCount, checkFunction, checkOptions, checkTimeout, describe } from '../contract/options.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import { describeLockObject, Lock } from './lock.ts'
import type { Ownership, Suspended } from './ownership.ts'
import { RLock } from './rlock.ts'
import { type Entry, LIST_WORDS, WaitingList } from './waiting-list.ts'

const KIND = 8
const LOCK = 0
const OWN = 1 // 1: the lock was made by a Condition, and only Conditions have handles on it
const WAITERS = 2
const LIST = WAITERS + WAIT_SET_WORDS
const WORDS = LIST + LIST_WORDS

/** A wait of this thread. */
interface Wait {
  entry: Entry
  /** The notification is its own: what is left is to take the lock back. */
  notified: boolean
  /** It has left the list. */
  over: boolean
  readonly lock: Lock
  readonly suspended: Suspended
}

/**
 * A lock, and a way to wait, holding it, until another process has changed something.
 *
 * `acquire`, `with` and the rest are those of its lock: an RLock of its own, or the Lock, RLock or Condition it was made
 * with. Several Conditions may go with one lock. Handles may travel in any way, those on the lock and on the Conditions
 * apart.
 *
 * Waits: `wait()` gives the lock up, however often it was acquired, and holds it again as before when it resolves, and
 * also when it rejects. `notify()` wakes who waits longest and never waits for a sleeper. A wait may end though nothing has
 * changed (another process may have been there first, or have died): look again, or use `waitFor()`.
 *
 * If a process dies waiting, a notification that was meant for it goes to the next. If it dies holding the lock, whoever gets
 * it next is told: a waiter by `abandoned`, of the hold with which it called `wait()` and of the Condition.
 *
 * @throws {ArgumentTypeError} when `lock` is no lock · {ClosedError} when it was closed
 * @throws {NotSerializableError} when `lock` was given by share(), and the Condition is not made there
 * @example
 * const changed = new Condition()
 * const jobs: string[] = []
 * const worker = changed.with(async () => {
 *   await changed.waitFor(() => jobs.length > 0, { timeout: 1000 })
 *   return jobs.shift()
 * })
 * await changed.with(() => {
 *   jobs.push('first')
 *   changed.notify()
 * })
 * assert.equal(await worker, 'first')
 */
export class Condition extends Lock {
  #lock: Lock
  readonly #list: WaitingList
  readonly #line: Line
  /** Those of this thread that have an entry, in the order they came. */
  readonly #waits = new Set<Wait>()

  constructor(lock?: Lock)
  /** @internal */
  constructor(adoption: Adoption)
  constructor(given?: Lock | Adoption) {
    const made = given instanceof Adoption ? undefined : prepare(given)
    const adoption = made?.adoption ?? (given as Adoption)
    const lock = made?.lock ?? openLock(adoption.session, adoption.address)
    super(adoption, lock.ownership)
    this.#lock = lock
    lock.ownership.conditions++
    if (made) {
      poke(this.w, this.at + LOCK, toRef(lock.address))
      poke(this.w, this.at + OWN, made.own)
    }
    this.#list = new WaitingList(this.session, this.w, this.at + LIST)
    this.#line = new Line(this.session, this.w, this.at + WAITERS, true)
    if (made) this.session.publish(this, [lock.address])
  }

  /** @internal this thread's handle on its lock; a new one when the user has closed the one that was there. */
  get lock(): Lock {
    if (this.#lock.closed) {
      this.#lock = openLock(this.session, this.address)
      this.#lock.ownership.conditions++
    }
    return this.#lock
  }

  /** @internal */
  override get ownership(): Ownership {
    return this.lock.ownership
  }

  /** @internal the lock was made by a Condition. */
  get ownsLock(): number {
    return peek(this.w, this.at + OWN)
  }

  // ── waiting ──

  /**
   * Gives the lock up and waits until it is notified; resolves holding it again.
   *
   * Awaits; never blocks the event loop. However often the caller has acquired the lock, it gives it up wholly, and holds
   * it again as often, in the same `with()`, when it resolves and also when it rejects: `timeout` and `signal` are about the
   * notification, not about the lock. A hold that is released meanwhile is not taken back.
   * On timeout or abort no notification was used up: one that came at that moment goes on to another.
   * If this process dies, a notification meant for it goes on to another. If the last holder died holding the lock,
   * `abandoned` tells of it: of every hold of the caller, and of the Condition.
   *
   * @throws {InvalidStateError} at once, when the caller does not hold the lock
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError} after close(); of the lock: not holding it
   */
  wait(options?: WaitOptions): Promise<void> {
    try {
      const { signal } = this.#check(options)
      if (signal?.aborted) return Promise.reject(signal.reason)
      return this.#sleep('wait()', this.#begin('wait()'), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As wait(), but blocks this thread. Of several waits of a thread this one is served first, as the others could not go on.
   *
   * @throws as wait()
   */
  waitSync(options?: SyncWaitOptions): void {
    this.#checkSync(options)
    this.#sleepSync('waitSync()', this.#begin('waitSync()'), options)
  }

  /**
   * Waits until `predicate` gives true; it is asked holding the lock, at once and after each notification.
   *
   * Awaits, gives the lock up and takes it back as wait(). `timeout` counts for the whole; then `predicate` is asked once
   * more. With `timeout: 0` it is asked once, and the lock is not given up.
   * If it throws, waitFor() rejects with that, holding the lock.
   *
   * @throws {TimeoutError} when it was not true in time · otherwise as wait()
   */
  async waitFor(predicate: () => boolean, options?: WaitOptions): Promise<void> {
    checkFunction('predicate', predicate)
    const { timeout, signal } = this.#check(options)
    if (signal?.aborted) throw signal.reason
    this.#assertHeld('waitFor()')
    const deadline = new Deadline(timeout)
    while (!answerOf(predicate)) {
      const left = deadline.left('waitFor()')
      try {
        await this.#sleep('waitFor()', this.#begin('waitFor()'), { timeout: left, signal })
      } catch (error) {
        if (signal?.aborted || !deadline.isOver || !(error instanceof TimeoutError)) throw error
      }
    }
  }

  /** As waitFor(), but blocks this thread. */
  waitForSync(predicate: () => boolean, options?: SyncWaitOptions): void {
    checkFunction('predicate', predicate)
    const deadline = new Deadline(this.#checkSync(options))
    this.#assertHeld('waitForSync()')
    while (!answerOf(predicate)) {
      const left = deadline.left('waitForSync()')
      try {
        this.#sleepSync('waitForSync()', this.#begin('waitForSync()'), { timeout: left })
      } catch (error) {
        if (!deadline.isOver || !(error instanceof TimeoutError)) throw error
      }
    }
  }

  #check(options: WaitOptions | undefined): { timeout: number; signal: AbortSignal | undefined } {
    const checked = checkWaitOptions(options)
    this.assertOpen()
    return checked
  }

  #checkSync(options: SyncWaitOptions | undefined): number {
    checkOptions('options', options, ['timeout'])
    this.assertOpen()
    return checkTimeout(options?.timeout)
  }

  #assertHeld(what: string): void {
    if (this.ownership.isCallers()) return
    throw new InvalidStateError(
      `Expected the caller of Condition.${what} to hold its lock, but it does not: acquire it first, or call ${what} inside with()`,
    )
  }

  /** In the list before the lock is given up: whoever gets it sees the entry. */
  #begin(what: string): Wait {
    this.assertOpen() // again: a predicate, or another task, may have closed it meanwhile
    this.#assertHeld(what)
    const { lock } = this
    const entry = this.#list.add()
    const wait: Wait = { entry, notified: false, over: false, lock, suspended: lock.ownership.suspend() }
    this.#waits.add(wait)
    return wait
  }

  async #sleep(what: string, wait: Wait, options?: WaitOptions): Promise<void> {
    const attempt: Attempt<void> = () => (this.#isNotified(wait) ? undefined : NONE)
    try {
      await this.#line.until(`Condition.${what}`, attempt, options)
    } catch (error) {
      this.#giveUp(wait)
      if (wait.lock.closed) throw this.closed ? error : this.#lockClosed()
      await wait.lock.ownership.takeBack(wait.lock, wait.suspended)
      throw error
    }
    try {
      if (wait.lock.closed) throw this.#lockClosed()
      await wait.lock.ownership.takeBack(wait.lock, wait.suspended)
    } catch (error) {
      this.#giveUp(wait)
      throw error
    }
    this.#finish(wait)
  }

  #sleepSync(what: string, wait: Wait, options?: SyncWaitOptions): void {
    const attempt: Attempt<void> = () => (this.#isNotified(wait) || this.#inherits(wait) ? undefined : NONE)
    try {
      this.#line.untilSync(`Condition.${what}`, attempt, options)
    } catch (error) {
      this.#giveUp(wait)
      wait.lock.ownership.takeBackSync(wait.lock, wait.suspended)
      throw error
    }
    wait.lock.ownership.takeBackSync(wait.lock, wait.suspended)
    this.#finish(wait)
  }

  #isNotified(wait: Wait): boolean {
    wait.notified = this.#list.isNotified(wait.entry)
    return wait.notified
  }

  /**
   * A notification for another wait of this thread, which cannot go on while this one blocks it, is this one's. The others
   * share the entries that are left, so that their order stays that of the list.
   */
  #inherits(wait: Wait): boolean {
    const others = [...this.#waits].filter(other => other !== wait && !other.notified)
    const heard = others.find(({ entry }) => this.#list.isNotified(entry))
    if (heard === undefined) return false
    const entries = others.map(other => (other === heard ? wait.entry : other.entry))
    entries.sort((a, b) => (a.ticket - b.ticket) | 0)
    wait.entry = heard.entry
    others.forEach((other, i) => {
      other.entry = entries[i]
    })
    wait.notified = true
    return true
  }

  /** It holds the lock again, and goes on. */
  #finish(wait: Wait): void {
    if (this.#leaves(wait)) this.#list.remove(wait.entry)
  }

  /** It does not go on: what it was notified of is another's. */
  #giveUp(wait: Wait): void {
    if (this.#leaves(wait)) this.#list.giveUp(wait.entry)
  }

  #leaves(wait: Wait): boolean {
    if (wait.over) return false
    wait.over = true
    this.#waits.delete(wait)
    return true
  }

  // ── notifying ──

  /**
   * Wakes the `n` who wait longest, or all if there are fewer. When nobody waits it does nothing, and nothing is remembered.
   *
   * Never waits: not for a sleeper to wake, not for one that is stopped or dead. Who is woken goes on when it gets the
   * lock. If this process dies in the middle of it, some of the `n` are woken.
   *
   * @param n from 1 up; default 1
   * @throws {InvalidStateError} when the caller does not hold the lock · {ArgumentRangeError} for another `n` · {ClosedError}
   */
  notify(n = 1): void {
    this.#notify('notify()', checkCount('n', n, 1))
  }

  /** Wakes everybody who waits. Otherwise as notify(). */
  notifyAll(): void {
    this.#notify('notifyAll()', Number.POSITIVE_INFINITY)
  }

  #notify(what: string, n: number): void {
    this.assertOpen()
    this.#assertHeld(what)
    this.#list.notify(n)
  }

  // ── the rest ──

  protected override summary(): Record<string, unknown> {
    return { lock: this.lock.constructor.name, holder: this.holder, waiting: this.#list.waiting().length }
  }

  protected override leave(): void {
    const error = this.closedError()
    // what is left of a wait needs the lock only: the list may be gone in a moment
    for (const wait of this.#waits) {
      for (const hold of wait.suspended.holds) if (hold.via === this) hold.end()
      if (wait.notified) this.#finish(wait)
      else this.#giveUp(wait)
    }
    this.#line.fail(error)
    if (this.#lock.closed) return
    this.#lock.ownership.leave(error, this)
    if (--this.#lock.ownership.conditions === 0 && this.ownsLock) this.#lock.close()
  }

  #lockClosed(): ClosedError {
    return new ClosedError(
      'Expected the lock of the Condition to be open when its wait was over, but this process has called close() on it: it is not held',
    )
  }
}

/** How long there is time. */
class Deadline {
  readonly #timeout: number
  readonly #at: number

  constructor(timeout: number) {
    this.#timeout = timeout
    this.#at = performance.now() + timeout
  }

  get isOver(): boolean {
    return performance.now() >= this.#at
  }

  /** As the timeout of one more wait; throws when it is over. */
  left(what: string): number | undefined {
    if (this.#timeout === Number.POSITIVE_INFINITY) return undefined
    if (this.isOver) throw new TimeoutError(`Condition.${what} timed out after ${this.#timeout} ms`)
    return Math.ceil(this.#at - performance.now())
  }
}

function answerOf(predicate: () => boolean): boolean {
  const answer: unknown = predicate()
  if (typeof (answer as PromiseLike<unknown> | null)?.then !== 'function') return Boolean(answer)
  Promise.resolve(answer).catch(() => {}) // nobody will look at it
  throw new ArgumentTypeError(
    'Expected `predicate` to give true or false, got a promise: it is asked while the lock is held and must not be asynchronous',
  )
}

/** Checks everything before anything is allocated. */
function prepare(asked: Lock | undefined): { lock: Lock; own: number; adoption: Adoption } {
  if (asked !== undefined && !(asked instanceof Lock)) {
    throw new ArgumentTypeError(`Expected \`lock\` to be a Lock, an RLock or a Condition, got ${describe(asked)}`)
  }
  const session = currentSession()
  if (asked) idIn(session, asked, () => 'lock') // throws also when it is closed
  if (asked instanceof Condition) {
    return { lock: asked.lock, own: asked.ownsLock, adoption: session.create(KIND, WORDS) }
  }
  if (asked) return { lock: asked, own: 0, adoption: session.create(KIND, WORDS) }
  const lock = new RLock()
  try {
    return { lock, own: 1, adoption: session.create(KIND, WORDS) }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** The lock of the Condition at `address`, of which this participant has a reference. */
function openLock(session: Session, address: number): Lock {
  const { w, at } = bodyAt(session, address)
  const lock = toAddress(peek(w, at + LOCK))
  holdReference(session, lock)
  return session.handle(lock) as Lock
}

export const conditionKind: Kind = {
  code: KIND,
  name: 'Condition',
  open: adoption => new Condition(adoption),
  recover(session, address, dead, blocks) {
    const { w, at } = bodyAt(session, address)
    forget(w, at + WAITERS, slotOf(dead))
    return new WaitingList(session, w, at + LIST).recover(dead, blocks)
  },
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    new WaitingList(session, w, at + LIST).freeBlocks()
    clearReference(session, w, at + LOCK)
  },
  refersTo: (session, address) => referenceIn(session, address, LOCK),
  check(session, address, queued) {
    const { w, at } = bodyAt(session, address)
    const list = new WaitingList(session, w, at + LIST)
    return [
      ...checkHolder(session, 'the latch of its list', list.latchHolder),
      ...checkWaiters(session, w, at + WAITERS),
      ...list.check(queued),
    ]
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const waiting = new WaitingList(session, w, at + LIST).waiting()
    // only who holds the lock can notify, and who was notified needs the lock: so who waits here waits for its holder
    const { holders, detail } = describeLockObject(session, toAddress(peek(w, at + LOCK)))
    return { holders, waiters: waiting.map(slotOf), detail: { ...detail, waiting: waiting.length } }
  },
}
