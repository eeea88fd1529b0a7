/**
 * Mutual exclusion between processes, for a holder that may die. States and deaths: arena/robust-lock.ts; this is its
 * public face. Which hold is current in this thread is kept here, in ordinary memory.
 */

import type { Words } from '#words'
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { pidOf } from '../arena/participants.ts'
import { bodyAt } from '../arena/references.ts'
import {
  give,
  HELD,
  holderOf,
  LOCK_WORDS,
  ORPHAN,
  recoverLock,
  TAKEN_ABANDONED,
  take,
  waitersOf,
} from '../arena/robust-lock.ts'
import { currentSession, type Session } from '../arena/session.ts'
import { Adoption, SharedObject } from '../arena/shared-object.ts'
import { isGone } from '../arena/token.ts'
import { type Attempt, Line, NONE } from '../arena/until.ts'
import { InvalidStateError } from '../contract/errors.ts'
import { checkFunction } from '../contract/options.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { Held } from './held.ts'

const KIND = 1

/** One acquisition. It ends with release(), also when another process released the lock in our stead. */
class Hold implements Held {
  readonly abandoned: boolean
  readonly #lock: Lock

  constructor(lock: Lock, abandoned: boolean) {
    this.#lock = lock
    this.abandoned = abandoned
  }

  release(): void {
    this.#lock.end(this)
  }

  [Symbol.dispose](): void {
    this.#lock.end(this)
  }
}

/**
 * A lock that one thread of one process holds at a time; not re-entrant.
 *
 * Waits: `acquire()` awaits, `acquireSync()` blocks this thread asleep in the kernel, `tryAcquire()` never waits. Within
 * a thread those who wait are served in the order they came; between processes nobody is passed over for ever.
 * On timeout or abort nothing was acquired.
 *
 * If a process dies: a lock held by it is free for the next one to come, whose `abandoned` is true: what the lock guards
 * may be half-changed. A process that dies waiting leaves nothing. A holder that is slow or stopped keeps it.
 *
 * Any process may release it, as in Python. Handles may travel to other processes in any way.
 *
 * @example
 * const lock = new Lock()
 * const held = lock.acquireSync({ timeout: 1000 })
 * assert.equal(lock.locked(), true)
 * assert.equal(lock.tryAcquire(), null)
 * held.release()
 * assert.equal(await lock.with(() => 'done'), 'done')
 */
export class Lock extends SharedObject implements Waitable {
  readonly #line: Line
  readonly #arena: Words
  readonly #me: number
  #current: Hold | undefined

  constructor()
  /** @internal */
  constructor(adoption?: Adoption, kind?: number)
  constructor(adoption?: Adoption, kind = KIND) {
    super(adoption instanceof Adoption ? adoption : currentSession().create(kind, LOCK_WORDS))
    this.#arena = this.session.w
    this.#me = this.session.me
    this.#line = new Line(this.session, this.w, waitersOf(this.at), true)
    if (!(adoption instanceof Adoption)) this.session.publish(this)
  }

  /**
   * Waits until the lock is free and takes it.
   *
   * Awaits; never blocks the event loop. On timeout or abort nothing was acquired.
   * If its holder dies: it is granted, with `abandoned` true.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError} after close()
   */
  acquire(options?: WaitOptions): Promise<Held> {
    return this.await(() => this.attempt(), options)
  }

  /** @internal */
  protected await(attempt: Attempt<Held>, options?: WaitOptions): Promise<Held> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#line.until(`${this.constructor.name}.acquire()`, attempt, options)
  }

  /**
   * As acquire(), but blocks this thread. A thread that holds the lock itself waits until another process releases it.
   *
   * @throws {TimeoutError} after `timeout` ms · {ClosedError} after close()
   */
  acquireSync(options?: SyncWaitOptions): Held {
    this.assertOpen()
    if (options === undefined && this.#line.idle) {
      const got = this.attempt()
      if (got !== NONE) return got
    }
    return this.block(() => this.attempt(), options)
  }

  /** @internal */
  protected block(attempt: Attempt<Held>, options?: SyncWaitOptions): Held {
    this.assertOpen()
    return this.#line.untilSync(`${this.constructor.name}.acquireSync()`, attempt, options)
  }

  /** Takes the lock if it is free, else gives null. Never waits. */
  tryAcquire(): Held | null {
    this.assertOpen()
    const got = this.attempt()
    return got === NONE ? null : got
  }

  /** @internal tries once. */
  protected attempt(): Held | typeof NONE {
    const got = take(this.#arena, this.w, this.at, this.#me)
    if (got === HELD) return NONE
    const hold = new Hold(this, got === TAKEN_ABANDONED)
    this.#current = hold
    return hold
  }

  /** @internal the hold is over, unless it was already. */
  end(hold: Hold): void {
    if (this.#current !== hold) return
    this.#current = undefined
    give(this.#arena, this.w, this.at, this.#me)
  }

  /**
   * Releases the lock, whoever holds it (as in Python). (A lock whose holder died is free: the next one to acquire it is told.)
   * Better: `held.release()`, or `using held = …`.
   *
   * @throws {InvalidStateError} when nobody holds it
   */
  release(): void {
    this.assertOpen()
    const holder = holderOf(this.w, this.at)
    if (holder === this.#me) this.#current = undefined
    const isHeld = holder !== 0 && holder !== ORPHAN && !isGone(this.#arena, holder)
    if (!isHeld || !give(this.#arena, this.w, this.at, holder)) {
      throw new InvalidStateError(
        'Expected a lock that somebody holds, but it is free: release it once for each acquire',
      )
    }
  }

  /** True while somebody holds it; false when its holder died. */
  locked(): boolean {
    return this.holder !== null
  }

  /** The pid of the process that holds it, or null. */
  get holder(): number | null {
    this.assertOpen()
    const holder = holderOf(this.w, this.at)
    return holder === 0 || holder === ORPHAN ? null : pidOf(this.#arena, holder)
  }

  /**
   * Runs `fn` holding the lock and releases it however `fn` ends; gives what `fn` gives.
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

  /** @internal for wait(): it can be taken. */
  [WAITABLE](): Readiness {
    this.assertOpen()
    return this.#line.readiness(() => this.canBeTaken())
  }

  /** @internal */
  protected canBeTaken(): boolean {
    const holder = holderOf(this.w, this.at)
    return holder === 0 || holder === ORPHAN || isGone(this.#arena, holder)
  }

  protected override summary(): Record<string, unknown> {
    return { holder: this.holder }
  }

  protected override leave(): void {
    if (this.#current) this.end(this.#current)
    this.#line.fail(this.closedError())
  }
}

export const lockKind: Kind = {
  code: KIND,
  name: 'Lock',
  open: adoption => new Lock(adoption),
  recover: recoverLockObject,
  takeApart() {},
  check: checkLockObject,
}

/** @internal for every object whose body begins with a lock. */
export function recoverLockObject(session: Session, address: number, dead: number): boolean {
  const { w, at } = bodyAt(session, address)
  recoverLock(w, at, dead)
  return true
}

/** @internal likewise. */
export function checkLockObject(session: Session, address: number): string[] {
  const { w, at } = bodyAt(session, address)
  return [...checkHolder(session, 'it', holderOf(w, at)), ...checkWaiters(session, w, waitersOf(at))]
}
