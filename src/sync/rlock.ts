/**
 * A lock that its holder may take again. The word is a Lock's (arena/robust-lock.ts); how often it is taken, and by which
 * asynchronous call tree, is known only to the thread that holds it and kept there.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Kind } from '../arena/kinds.ts'
import { holderOf } from '../arena/robust-lock.ts'
import { Adoption } from '../arena/shared-object.ts'
import { checkWaitOptions, NONE } from '../arena/until.ts'
import { InvalidStateError } from '../contract/errors.ts'
import { checkFunction } from '../contract/options.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { Held } from './held.ts'
import { checkLockObject, Lock, recoverLockObject } from './lock.ts'

const KIND = 2

/** The with() calls around the code that runs, innermost first. */
interface Tree {
  readonly lock: RLock
  readonly outer: Tree | undefined
}
const trees = new AsyncLocalStorage<Tree>()

/** Those that this thread holds: how often is known to the handle alone, so it must not be collected meanwhile. */
const held = new Set<RLock>()

/**
 * A lock that its holder may acquire again; it is free when it was released as often.
 *
 * The holder is a thread, and within `with()` that asynchronous call tree: two tasks of one process that run
 * `lock.with(…)` at the same time exclude each other, while calls nested in one of them do not wait for themselves.
 *
 * Waiting, timeout, abort and death as for Lock. Only the holder may release it.
 *
 * @example
 * const lock = new RLock()
 * await lock.with(async () => {
 *   using again = await lock.acquire({ timeout: 1000 })
 *   assert.equal(lock.locked(), true)
 * })
 * assert.equal(lock.locked(), false)
 */
export class RLock extends Lock {
  /** The acquisitions of this thread that were not released, outermost first. */
  readonly #holds: Again[] = []
  #outermost: Held | undefined
  /** The with() that holds it, if one does. */
  #tree: Tree | undefined

  constructor()
  /** @internal */
  constructor(adoption?: Adoption)
  constructor(adoption?: Adoption) {
    super(adoption instanceof Adoption ? adoption : undefined, KIND)
  }

  override acquire(options?: WaitOptions): Promise<Held> {
    return this.#enter(undefined, options)
  }

  override acquireSync(options?: SyncWaitOptions): Held {
    this.assertOpen()
    const caller = trees.getStore()
    const again = this.#again(caller)
    return again ?? this.block(() => this.#try(caller, undefined), options)
  }

  override tryAcquire(): Held | null {
    this.assertOpen()
    const got = this.#try(trees.getStore(), undefined)
    return got === NONE ? null : got
  }

  override async with<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    checkFunction('fn', fn)
    const tree = { lock: this, outer: trees.getStore() }
    const hold = await this.#enter(tree, options)
    try {
      return await trees.run(tree, fn)
    } finally {
      hold.release()
    }
  }

  /** Awaits the lock for `tree`, or for this thread. Who has it already never stands in line behind others. */
  #enter(tree: Tree | undefined, options?: WaitOptions): Promise<Held> {
    const caller = trees.getStore()
    try {
      this.assertOpen()
      if (checkWaitOptions(options).signal?.aborted) return Promise.reject(options?.signal?.reason)
    } catch (error) {
      return Promise.reject(error)
    }
    const again = this.#again(caller)
    return again ? Promise.resolve(again) : this.await(() => this.#try(caller, tree), options)
  }

  /** One more acquisition by whoever has it; undefined: the caller is somebody else. */
  #again(caller: Tree | undefined): Again | undefined {
    return this.#has(caller) ? this.#add(false) : undefined
  }

  #has(caller: Tree | undefined): boolean {
    if (this.#holds.length === 0 || holderOf(this.w, this.at) !== this.session.me) return false
    return this.#tree === undefined || isInside(caller, this.#tree)
  }

  protected override canBeTaken(): boolean {
    return this.#has(trees.getStore()) || super.canBeTaken()
  }

  #try(caller: Tree | undefined, tree: Tree | undefined): Held | typeof NONE {
    const again = this.#again(caller)
    if (again) return again
    const outermost = this.attempt()
    if (outermost === NONE) return NONE
    this.#outermost = outermost
    this.#tree = tree
    return this.#add(outermost.abandoned)
  }

  #add(abandoned: boolean): Again {
    const hold = new Again(this, abandoned)
    this.#holds.push(hold)
    held.add(this)
    return hold
  }

  /**
   * Releases the innermost acquisition of this thread.
   *
   * @throws {InvalidStateError} when this thread does not hold it
   */
  override release(): void {
    this.assertOpen()
    const innermost = this.#holds.at(-1)
    if (innermost === undefined) {
      throw new InvalidStateError(
        'Expected an RLock that this thread holds, but it does not: only the holder may release it, once for each acquire',
      )
    }
    this.remove(innermost)
  }

  /** @internal the acquisition is over, unless it was already. */
  remove(hold: Again): void {
    const at = this.#holds.indexOf(hold)
    if (at < 0) return
    this.#holds.splice(at, 1)
    if (this.#holds.length > 0) return
    this.#tree = undefined
    held.delete(this)
    const outermost = this.#outermost
    this.#outermost = undefined
    outermost?.release()
  }

  protected override leave(): void {
    this.#holds.length = 0
    this.#tree = undefined
    this.#outermost = undefined
    held.delete(this)
    super.leave()
  }

  protected override summary(): Record<string, unknown> {
    return { holder: this.holder, depth: this.#holds.length }
  }
}

function isInside(caller: Tree | undefined, tree: Tree): boolean {
  for (let inner = caller; inner !== undefined; inner = inner.outer) if (inner === tree) return true
  return false
}

/** One of the acquisitions; ends once. */
class Again implements Held {
  readonly abandoned: boolean
  readonly #lock: RLock

  constructor(lock: RLock, abandoned: boolean) {
    this.#lock = lock
    this.abandoned = abandoned
  }

  release(): void {
    this.#lock.remove(this)
  }

  [Symbol.dispose](): void {
    this.#lock.remove(this)
  }
}

export const rlockKind: Kind = {
  code: KIND,
  name: 'RLock',
  open: adoption => new RLock(adoption),
  recover: recoverLockObject,
  takeApart() {},
  check: checkLockObject,
}
