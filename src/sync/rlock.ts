/**
 * A lock that its holder may take again. The word is a Lock's (arena/robust-lock.ts); how often it is taken, and by which
 * asynchronous call tree, is known only to the thread that holds it and kept there (ownership.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Kind } from '../arena/kinds.ts'
import { HELD, LOCK_WORDS, TAKEN_ABANDONED } from '../arena/robust-lock.ts'
import { currentSession } from '../arena/session.ts'
import { Adoption, type SharedObject } from '../arena/shared-object.ts'
import { checkWaitOptions, NONE } from '../arena/until.ts'
import { InvalidStateError } from '../contract/errors.ts'
import type { WaitOptions } from '../contract/waiting.ts'
import type { Held } from './held.ts'
import { checkLockObject, describeLockObject, Lock, recoverLockObject } from './lock.ts'
import { Hold, Ownership, type Suspended } from './ownership.ts'

const KIND = 2

/** The with() calls around the code that runs, innermost first. */
interface Tree {
  readonly outer: Tree | undefined
}
const trees = new AsyncLocalStorage<Tree>()

/** What this thread holds: how often is known here alone, so it must not be collected meanwhile, nor the handles it came by. */
const held: ReentrantOwnership[] = []

/** Of a lock that whoever has it may take again. */
class ReentrantOwnership extends Ownership {
  /** Where it stands in `held`; -1: nowhere. */
  #heldAt = -1

  override acquire(via: SharedObject, options?: WaitOptions): Promise<Held> {
    return this.#enter(via, undefined, options)
  }

  protected override attempt(via: SharedObject): Held | typeof NONE {
    // whoever has nothing needs not be told from those who have
    return this.#try(via, this.holds.length > 0 ? trees.getStore() : undefined, undefined)
  }

  override async with<R>(via: SharedObject, fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    const tree: Tree = { outer: trees.getStore() }
    const hold = await this.#enter(via, tree, options)
    try {
      return await trees.run(tree, fn)
    } finally {
      hold.release()
    }
  }

  /** Awaits the lock for `tree`, or for this thread. Who has it already never stands in line behind others. */
  #enter(via: SharedObject, tree: Tree | undefined, options?: WaitOptions): Promise<Held> {
    const caller = trees.getStore()
    try {
      if (checkWaitOptions(options).signal?.aborted) return Promise.reject(options?.signal?.reason)
    } catch (error) {
      return Promise.reject(error)
    }
    const again = this.#again(via, caller)
    return again ? Promise.resolve(again) : this.wait(via, () => this.#try(via, caller, tree), options)
  }

  /** One more acquisition by whoever has it; undefined: the caller is somebody else. */
  #again(via: SharedObject, caller: Tree | undefined): Hold | undefined {
    return this.#has(caller) ? this.#add(via, false) : undefined
  }

  #try(via: SharedObject, caller: Tree | undefined, tree: Tree | undefined): Held | typeof NONE {
    const again = this.#again(via, caller)
    if (again) return again
    const got = this.take()
    if (got === HELD) return NONE
    this.tree = tree
    return this.#add(via, got === TAKEN_ABANDONED)
  }

  #add(via: SharedObject, abandoned: boolean): Hold {
    const hold = new Hold(this, via, abandoned)
    this.holds.push(hold)
    this.#keep()
    return hold
  }

  /** Whoever asks is the holder: in the thread that has it, and in the call tree if one has it. */
  #has(caller: Tree | undefined): boolean {
    if (this.holds.length === 0 || !this.isThreads()) return false
    return this.tree === undefined || isInside(caller, this.tree)
  }

  override isCallers(): boolean {
    return this.#has(trees.getStore())
  }

  protected override canBeTaken(): boolean {
    return this.#has(trees.getStore()) || super.canBeTaken()
  }

  override release(): void {
    const innermost = this.isCallers() ? this.holds.at(-1) : undefined
    if (innermost === undefined) {
      throw new InvalidStateError(
        'Expected an RLock that the caller holds, but it does not: only the holder may release it, once for each acquire',
      )
    }
    this.end(innermost)
  }

  #keep(): void {
    if (this.#heldAt < 0) this.#heldAt = held.push(this) - 1
  }

  #drop(): void {
    if (this.#heldAt < 0) return
    const last = held.pop() as ReentrantOwnership
    if (last !== this) {
      held[this.#heldAt] = last
      last.#heldAt = this.#heldAt
    }
    this.#heldAt = -1
  }

  protected override free(): void {
    this.#drop()
    super.free()
  }

  protected override tryTakeBack(suspended: Suspended): undefined | typeof NONE {
    const got = super.tryTakeBack(suspended)
    if (this.holds.length > 0) this.#keep()
    return got
  }
}

function isInside(caller: Tree | undefined, tree: object): boolean {
  for (let inner = caller; inner !== undefined; inner = inner.outer) if (inner === tree) return true
  return false
}

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
  constructor()
  /** @internal */
  constructor(adoption?: Adoption)
  constructor(given?: Adoption) {
    const adoption = given instanceof Adoption ? given : currentSession().create(KIND, LOCK_WORDS)
    super(adoption, new ReentrantOwnership(adoption.session, adoption.address))
    if (adoption !== given) this.session.publish(this)
  }

  /**
   * Releases the innermost acquisition of the holder.
   *
   * @throws {InvalidStateError} when the caller does not hold it: another process or thread, or code outside the `with()`
   * that does
   */
  override release(): void {
    super.release()
  }

  protected override summary(): Record<string, unknown> {
    return { holder: this.holder, depth: this.ownership.depth }
  }
}

export const rlockKind: Kind = {
  code: KIND,
  name: 'RLock',
  open: adoption => new RLock(adoption),
  recover: recoverLockObject,
  takeApart() {},
  check: checkLockObject,
  describe: describeLockObject,
}
