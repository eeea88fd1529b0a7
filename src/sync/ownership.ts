/**
 * A thread's side of one lock (arena/robust-lock.ts), kept in ordinary memory: which holds are current, and who waits.
 *
 * There is one for each handle on a lock, and a thread has one handle on it; a Condition stands on that of its lock. So
 * every hold and every wait notes the handle it came by, and ends with it.
 */
import type { Words } from '#words'
import { pidOf } from '../arena/participants.ts'
import { bodyAt } from '../arena/references.ts'
import { give, HELD, holderOf, ORPHAN, TAKEN_ABANDONED, take, waitersOf } from '../arena/robust-lock.ts'
import type { Session } from '../arena/session.ts'
import type { SharedObject } from '../arena/shared-object.ts'
import { isGone } from '../arena/token.ts'
import { type Attempt, Line, NONE } from '../arena/until.ts'
import { InvalidStateError } from '../contract/errors.ts'
import type { Readiness } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { Held } from './held.ts'

/** One acquisition. It ends once: with release(), with the handle it came by, or by release() of the lock. */
export class Hold implements Held {
  abandoned: boolean
  readonly #ownership: Ownership
  readonly #via: SharedObject
  #ended = false

  constructor(ownership: Ownership, via: SharedObject, abandoned: boolean) {
    this.#ownership = ownership
    this.#via = via
    this.abandoned = abandoned
  }

  /** The handle by which it was acquired. */
  get via(): SharedObject {
    return this.#via
  }

  get ended(): boolean {
    return this.#ended
  }

  /** True the first time. */
  end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    return true
  }

  release(): void {
    this.#ownership.end(this)
  }

  [Symbol.dispose](): void {
    this.#ownership.end(this)
  }
}

/** What was given up and is to be taken back: all the holds, and the call tree that had them. */
export interface Suspended {
  readonly holds: readonly Hold[]
  readonly tree: object | undefined
}

export class Ownership {
  /** The acquisitions of this thread that were not released, outermost first; of a lock that is not re-entrant one at most. */
  protected readonly holds: Hold[] = []
  /** The with() that holds it, where that matters. */
  protected tree: object | undefined
  /** Condition handles of this thread that stand on it. */
  conditions = 0
  readonly #line: Line
  readonly #arena: Words
  readonly #w: Words
  readonly #at: number
  readonly #me: number
  #abandoned = false

  /** `address`: of an object whose body begins with a lock. */
  constructor(session: Session, address: number) {
    const { w, at } = bodyAt(session, address)
    this.#arena = session.w
    this.#me = session.me
    this.#w = w
    this.#at = at
    this.#line = new Line(session, w, waitersOf(at), true)
  }

  acquire(via: SharedObject, options?: WaitOptions): Promise<Held> {
    return this.wait(via, () => this.attempt(via), options)
  }

  acquireSync(via: SharedObject, options?: SyncWaitOptions): Held {
    if (options === undefined && this.#line.idle) {
      const got = this.attempt(via)
      if (got !== NONE) return got
    }
    return this.block(via, () => this.attempt(via), options)
  }

  tryAcquire(via: SharedObject): Held | null {
    const got = this.attempt(via)
    return got === NONE ? null : got
  }

  async with<R>(via: SharedObject, fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    const held = await this.acquire(via, options)
    try {
      return await fn()
    } finally {
      held.release()
    }
  }

  /** Tries once. */
  protected attempt(via: SharedObject): Held | typeof NONE {
    const got = this.take()
    if (got === HELD) return NONE
    const hold = new Hold(this, via, got === TAKEN_ABANDONED)
    this.holds.push(hold)
    return hold
  }

  /** Takes the word, if it is free. */
  protected take(): number {
    const got = take(this.#arena, this.#w, this.#at, this.#me)
    if (got === HELD) return HELD
    if (this.holds.length > 0) this.holds.length = 0 // one that another process released in our stead
    this.#abandoned = got === TAKEN_ABANDONED
    return got
  }

  protected wait<T>(via: SharedObject, attempt: Attempt<T>, options?: WaitOptions): Promise<T> {
    return this.#line.until(`${via.constructor.name}.acquire()`, attempt, options, via)
  }

  protected block<T>(via: SharedObject, attempt: Attempt<T>, options?: SyncWaitOptions): T {
    return this.#line.untilSync(`${via.constructor.name}.acquireSync()`, attempt, options, via)
  }

  /** The hold is over, unless it was already. */
  end(hold: Hold): void {
    if (!hold.end()) return
    const at = this.holds.lastIndexOf(hold)
    if (at < 0) return // it is given up at the moment, or another process had released it
    if (this.holds.length > 1) this.holds.splice(at, 1)
    else {
      this.holds.pop()
      this.free()
    }
  }

  /** The last hold of this thread is over. */
  protected free(): void {
    this.tree = undefined
    give(this.#arena, this.#w, this.#at, this.#me)
  }

  /** Releases it, whoever holds it. */
  release(): void {
    const holder = holderOf(this.#w, this.#at)
    if (holder === this.#me) for (const hold of this.holds.splice(0)) hold.end()
    const isHeld = holder !== 0 && holder !== ORPHAN && !isGone(this.#arena, holder)
    if (!isHeld || !give(this.#arena, this.#w, this.#at, holder)) {
      throw new InvalidStateError(
        'Expected a lock that somebody holds, but it is free: release it once for each acquire',
      )
    }
  }

  /** The pid of the process that holds it, or null. */
  get holder(): number | null {
    const holder = holderOf(this.#w, this.#at)
    return holder === 0 || holder === ORPHAN ? null : pidOf(this.#arena, holder)
  }

  /** How often this thread has it. */
  get depth(): number {
    return this.holds.length
  }

  /** This thread has it, and from one that died holding it. */
  get abandoned(): boolean {
    return this.#abandoned && this.isThreads()
  }

  /** Whoever asks holds it. */
  isCallers(): boolean {
    return this.isThreads()
  }

  protected isThreads(): boolean {
    return holderOf(this.#w, this.#at) === this.#me
  }

  // ── giving it up for a while ──

  /** Gives it up wholly, however often it was taken. Only for the holder. */
  suspend(): Suspended {
    const suspended = { holds: this.holds.splice(0), tree: this.tree }
    this.free()
    return suspended
  }

  /** For wait(): whoever asks could take it. */
  readiness(via: SharedObject): Readiness {
    return this.#line.readiness(() => this.canBeTaken(), via)
  }

  protected canBeTaken(): boolean {
    const holder = holderOf(this.#w, this.#at)
    return holder === 0 || holder === ORPHAN || isGone(this.#arena, holder)
  }

  /** Waits until it is free and has it as before; without end, for whoever comes back from a wait counts on it. */
  takeBack(via: SharedObject, suspended: Suspended): Promise<void> {
    return this.wait(via, () => this.tryTakeBack(suspended))
  }

  takeBackSync(via: SharedObject, suspended: Suspended): void {
    this.block(via, () => this.tryTakeBack(suspended))
  }

  protected tryTakeBack({ holds, tree }: Suspended): undefined | typeof NONE {
    if (holds.length > 0 && holds.every(hold => hold.ended)) return undefined // released meanwhile: nobody would do it again
    const got = this.take()
    if (got === HELD) return NONE
    for (const hold of holds) {
      if (hold.ended) continue
      if (got === TAKEN_ABANDONED) hold.abandoned = true
      this.holds.push(hold)
    }
    this.tree = tree
    return undefined
  }

  /** What was begun by the handle is over: it was closed. Without a handle: everything. */
  leave(error: unknown, via?: SharedObject): void {
    for (const hold of this.holds.slice()) if (via === undefined || hold.via === via) this.end(hold)
    this.#line.fail(error, via)
  }
}
