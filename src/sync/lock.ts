/**
 * Mutual exclusion between processes, for a holder that may die. States and deaths: arena/robust-lock.ts; which hold is
 * current in this thread: ownership.ts; this is their public face.
 */
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Description, Kind } from '../arena/kinds.ts'
import { pidOf } from '../arena/participants.ts'
import { bodyAt } from '../arena/references.ts'
import { holderOf, LOCK_WORDS, ORPHAN, recoverLock, waitersOf } from '../arena/robust-lock.ts'
import { currentSession, type Session } from '../arena/session.ts'
import { Adoption, SharedObject } from '../arena/shared-object.ts'
import { markedIn } from '../arena/wait-set.ts'
import { checkFunction } from '../contract/options.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { Held } from './held.ts'
import { Ownership } from './ownership.ts'

const KIND = 1

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
  readonly #ownership: Ownership

  constructor()
  /** @internal `ownership`: of a lock that is not a plain one, or that lies in another object. */
  constructor(adoption?: Adoption, ownership?: Ownership)
  constructor(adoption?: Adoption, ownership?: Ownership) {
    super(adoption instanceof Adoption ? adoption : currentSession().create(KIND, LOCK_WORDS))
    this.#ownership = ownership ?? new Ownership(this.session, this.address)
    if (!(adoption instanceof Adoption)) this.session.publish(this)
  }

  /** @internal what this thread has of it. */
  get ownership(): Ownership {
    return this.#ownership
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
    if (this.closed) return Promise.reject(this.closedError())
    return this.ownership.acquire(this, options)
  }

  /**
   * As acquire(), but blocks this thread. A thread that holds the lock itself waits until another process releases it.
   *
   * @throws {TimeoutError} after `timeout` ms · {ClosedError} after close()
   */
  acquireSync(options?: SyncWaitOptions): Held {
    this.assertOpen()
    return this.ownership.acquireSync(this, options)
  }

  /** Takes the lock if it is free, else gives null. Never waits. */
  tryAcquire(): Held | null {
    this.assertOpen()
    return this.ownership.tryAcquire(this)
  }

  /**
   * Releases the lock, whoever holds it (as in Python). (A lock whose holder died is free: the next one to acquire it is told.)
   * Better: `held.release()`, or `using held = …`.
   *
   * @throws {InvalidStateError} when nobody holds it
   */
  release(): void {
    this.assertOpen()
    this.ownership.release()
  }

  /** True while somebody holds it; false when its holder died. */
  locked(): boolean {
    return this.holder !== null
  }

  /** The pid of the process that holds it, or null. */
  get holder(): number | null {
    this.assertOpen()
    return this.ownership.holder
  }

  /**
   * True while this thread holds the lock and its last holder died holding it: what it guards may be half-changed. It is
   * what `abandoned` of the hold says, for code in `with()`, which has none.
   */
  get abandoned(): boolean {
    this.assertOpen()
    return this.ownership.abandoned
  }

  /**
   * Runs `fn` holding the lock and releases it however `fn` ends; gives what `fn` gives.
   *
   * Waits, timeout, abort and death as acquire().
   */
  async with<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    checkFunction('fn', fn)
    this.assertOpen()
    return this.ownership.with(this, fn, options)
  }

  /** @internal for wait(): it can be taken. */
  [WAITABLE](): Readiness {
    this.assertOpen()
    return this.ownership.readiness(this)
  }

  protected override summary(): Record<string, unknown> {
    return { holder: this.holder }
  }

  protected override leave(): void {
    this.ownership.leave(this.closedError())
  }
}

export const lockKind: Kind = {
  code: KIND,
  name: 'Lock',
  open: adoption => new Lock(adoption),
  recover: recoverLockObject,
  takeApart() {},
  check: checkLockObject,
  describe: describeLockObject,
}

/** @internal likewise. */
export function describeLockObject(session: Session, address: number): Description {
  const { w, at } = bodyAt(session, address)
  const holder = holderOf(w, at)
  const isFree = holder === 0 || holder === ORPHAN
  return {
    holders: isFree ? [] : [holder],
    waiters: markedIn(w, waitersOf(at)),
    detail: { holder: isFree ? null : pidOf(session.w, holder) },
  }
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
