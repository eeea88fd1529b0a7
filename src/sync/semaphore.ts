/**
 * The public semaphore over its permits in shared memory (permits.ts: states, who writes what, deaths). How many permits
 * this thread holds is kept here as well, in ordinary memory: once it is a signal nobody else knows.
 */
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Description, Kind } from '../arena/kinds.ts'
import { countByPid } from '../arena/participants.ts'
import { bodyAt } from '../arena/references.ts'
import { currentSession, type Session } from '../arena/session.ts'
import { Adoption, SharedObject } from '../arena/shared-object.ts'
import { type Attempt, BUSY, Line, NONE, tryOnce } from '../arena/until.ts'
import { markedIn } from '../arena/wait-set.ts'
import { ArgumentRangeError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkFunction, checkOptions } from '../contract/options.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { Held } from './held.ts'
import {
  ALWAYS,
  DONE,
  HELD_UP,
  MOST,
  NEVER,
  PERMITS_WORDS,
  Permits,
  TOO_MANY,
  UNTIL_SIGNAL,
  WAITERS,
} from './permits.ts'

const KIND = 6

export interface SemaphoreOptions {
  /**
   * Whether permits of a process that died come back. Left out: until somebody releases what it did not acquire. true:
   * always; what is released beyond one's own permits are new ones. false: never.
   */
  recover?: boolean
}

/** One permit. It ends with release(), also with that of the semaphore. */
class Permit implements Held {
  readonly abandoned = false
  readonly #semaphore: Semaphore
  #over = false

  constructor(semaphore: Semaphore) {
    this.#semaphore = semaphore
  }

  release(): void {
    if (this.#over) return
    this.#over = true
    this.#semaphore.end()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/**
 * A number of permits that processes take and give back; who finds none waits.
 *
 * Waits: `acquire()` awaits, `acquireSync()` blocks this thread asleep in the kernel, `tryAcquire()` never waits. Within
 * a thread those who wait are served in the order they came; between processes nobody is passed over for ever.
 * On timeout or abort nothing was acquired.
 *
 * If a process dies: the permits it held are free again, whether it was killed or ended without giving them back. That
 * holds until the semaphore is used as a signal: when somebody releases more than it holds itself (as a producer does
 * that counts up for its consumers, or one process in another's stead), permits count events, and from then on those of
 * the dead do not come back. `recover` decides it explicitly. A process that dies waiting leaves nothing.
 *
 * Any process may release it, above its first value too, as in Python; BoundedSemaphore sets a limit.
 *
 * @param value permits at first, 0 … 2³¹ − 1, default 1
 * @throws {ArgumentRangeError} a `value` that is negative, fractional or above 2³¹ − 1 · {ArgumentTypeError} no number
 * @example
 * const seats = new Semaphore(2)
 * const mine = await seats.acquire()
 * const another = seats.acquireSync({ timeout: 1000 })
 * assert.equal(seats.tryAcquire(), null)
 * mine.release()
 * another.release()
 * assert.equal(seats.getValue(), 2)
 * assert.equal(await seats.with(() => 'sat'), 'sat')
 */
export class Semaphore extends SharedObject implements Waitable {
  readonly #line: Line
  readonly #permits: Permits
  /** Permits that this thread acquired and has not given back. */
  #held = 0

  constructor(value?: number, options?: SemaphoreOptions)
  /** @internal */
  constructor(value?: number | Adoption, options?: SemaphoreOptions, kind?: number, bounded?: boolean)
  constructor(value: number | Adoption = 1, options?: SemaphoreOptions, kind = KIND, bounded = false) {
    const made = value instanceof Adoption ? undefined : check(value, options)
    super(value instanceof Adoption ? value : currentSession().create(kind, PERMITS_WORDS))
    this.#permits = new Permits(this.session, this.w, this.at)
    this.#line = new Line(this.session, this.w, this.at + WAITERS, true)
    if (made) {
      Permits.initialise(this.w, this.at, made.value, made.recover, bounded)
      this.session.publish(this)
    }
  }

  /**
   * Waits until a permit is free and takes it.
   *
   * Awaits; never blocks the event loop. On timeout or abort nothing was acquired.
   * If a process that holds permits dies, they are free for those who wait (see the class for when they are not).
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError} after close()
   * @throws {OutOfSharedMemoryError} at the memory's ceiling: nothing was acquired
   */
  acquire(options?: WaitOptions): Promise<Held> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#line.until(`${this.constructor.name}.acquire()`, this.#attempt, options)
  }

  /**
   * As acquire(), but blocks this thread.
   *
   * @throws {TimeoutError} after `timeout` ms · {ClosedError} after close()
   */
  acquireSync(options?: SyncWaitOptions): Held {
    this.assertOpen()
    if (options === undefined && this.#line.idle) {
      const got = this.#attempt()
      if (got !== NONE && got !== BUSY) return got
    }
    return this.#line.untilSync(`${this.constructor.name}.acquireSync()`, this.#attempt, options)
  }

  /** Takes a permit if one is free, else gives null. Never waits. */
  tryAcquire(): Held | null {
    this.assertOpen()
    const got = tryOnce(this.#attempt)
    return got === NONE || got === BUSY ? null : got
  }

  readonly #attempt = ((): Held | typeof NONE | typeof BUSY => {
    const outcome = this.#permits.take()
    if (outcome !== DONE) return outcome === HELD_UP ? BUSY : NONE
    this.#held++
    return new Permit(this)
  }) satisfies Attempt<Held>

  /** @internal a Held of this thread is over: quietly, when its permit was given back by a release() already. */
  end(): void {
    if (this.#held === 0) return
    this.#held--
    this.#permits.give(1)
  }

  /**
   * Gives back permits, and wakes as many of those who wait. Any process may, whether it holds any or not.
   * Better, for what one acquired oneself: `held.release()`, or `using held = …`.
   *
   * Never waits. When it has returned the permits are there, even if this process dies.
   *
   * @param n how many, 1 … 2³¹ − 1, default 1: all of them, or none when it throws
   * @throws {ArgumentRangeError} above the start value of a BoundedSemaphore, above 2³¹ − 1 of any: nothing changed
   */
  release(n = 1): void {
    this.assertOpen()
    checkCount('n', n, 1, MOST)
    if (this.#permits.give(n) === TOO_MANY) {
      throw new ArgumentRangeError(
        `Expected at most ${this.#permits.most} permits in this ${this.constructor.name}, but ${this.getValue()} are ` +
          `free and ${n} more would be too many: release once for each acquire`,
      )
    }
    this.#held = Math.max(0, this.#held - n)
  }

  /** Permits that are free at this moment; others may be changing it. */
  getValue(): number {
    this.assertOpen()
    return this.#permits.free
  }

  /** True while no permit is free: acquire() would wait. */
  locked(): boolean {
    return this.getValue() === 0
  }

  /**
   * Runs `fn` holding a permit and gives it back however `fn` ends; gives what `fn` gives.
   *
   * Waits, timeout, abort and death as acquire().
   */
  async with<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    checkFunction('fn', fn)
    const held = await this.acquire(options)
    try {
      return await fn()
    } finally {
      held.release()
    }
  }

  /** @internal for wait(): a permit is free. */
  [WAITABLE](): Readiness {
    this.assertOpen()
    return this.#line.readiness(() => this.#permits.free > 0)
  }

  protected override summary(): Record<string, unknown> {
    return { value: this.getValue() }
  }

  protected override leave(): void {
    this.#held = 0
    this.#permits.quit()
    this.#line.fail(this.closedError())
  }
}

function check(value: number, options: SemaphoreOptions | undefined): { value: number; recover: number } {
  checkCount('value', value, 0, MOST)
  const { recover } = checkOptions('options', options, ['recover'])
  if (recover === undefined) return { value, recover: UNTIL_SIGNAL }
  return { value, recover: checkFlag('recover', recover, false) ? ALWAYS : NEVER }
}

export const semaphoreKind: Kind = {
  code: KIND,
  name: 'Semaphore',
  open: adoption => new Semaphore(adoption),
  recover: recoverSemaphore,
  takeApart: takeSemaphoreApart,
  check: checkSemaphore,
  describe: describeSemaphore,
}

const permitsAt = (session: Session, address: number): Permits => {
  const { w, at } = bodyAt(session, address)
  return new Permits(session, w, at)
}

/** @internal for both kinds of semaphore, as the next three. */
export function recoverSemaphore(session: Session, address: number, dead: number, blocks: Set<number>): boolean {
  return permitsAt(session, address).recover(dead, blocks)
}

/** @internal */
export function takeSemaphoreApart(session: Session, address: number): void {
  permitsAt(session, address).takeApart()
}

/** @internal */
export function checkSemaphore(session: Session, address: number, queued: Set<number>): string[] {
  const { w, at } = bodyAt(session, address)
  const permits = new Permits(session, w, at)
  return [
    ...checkHolder(session, 'its latch', permits.latch),
    ...checkWaiters(session, w, at + WAITERS),
    ...permits.check(queued),
  ]
}

/** @internal */
export function describeSemaphore(session: Session, address: number): Description {
  const { w, at } = bodyAt(session, address)
  const permits = new Permits(session, w, at)
  const { free, isSignal, most } = permits
  const holders = permits.holders()
  return {
    holders: holders.map(([token]) => token),
    exclusive: free === 0,
    waiters: markedIn(w, at + WAITERS),
    detail: { free, most, held: countByPid(session.w, holders), signal: isSignal },
  }
}
