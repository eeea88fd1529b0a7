/**
 * A lock that its holder may take again. The word is a Lock's (arena/robust-lock.ts); how often it is taken, and by which
 * asynchronous call tree, is known only to the thread that holds it and kept there.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Kind } from '../arena/kinds.ts'
import { holderOf } from '../arena/robust-lock.ts'
import { Adoption } from '../arena/shared-object.ts'
import { NONE } from '../arena/until.ts'
import { InvalidStateError } from '../contract/errors.ts'
import { checkFunction } from '../contract/options.ts'
import type { WaitOptions } from '../contract/waiting.ts'
import type { Held } from './held.ts'
import { checkLockObject, Lock, recoverLockObject } from './lock.ts'

const KIND = 2

/** The with() calls around the code that runs, innermost first. */
interface Tree {
  readonly lock: RLock
  readonly outer: Tree | undefined
}
const trees = new AsyncLocalStorage<Tree>()

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
  /** Acquisitions of this thread that were not released. */
  #depth = 0
  #outermost: Held | undefined
  /** The with() that holds it, if one does. */
  #tree: Tree | undefined

  constructor()
  /** @internal */
  constructor(adoption?: Adoption)
  constructor(adoption?: Adoption) {
    super(adoption instanceof Adoption ? adoption : undefined, KIND)
  }

  protected override attempt(): Held | typeof NONE {
    if (this.#depth > 0 && holderOf(this.w, this.at) === this.session.me) {
      if (this.#tree !== undefined && !this.#isInside(this.#tree)) return NONE
      this.#depth++
      return new Again(this)
    }
    const held = super.attempt()
    if (held === NONE) return NONE
    this.#depth = 1
    this.#outermost = held
    this.#tree = undefined
    return new Again(this, held.abandoned)
  }

  #isInside(tree: Tree): boolean {
    for (let inner = trees.getStore(); inner !== undefined; inner = inner.outer) if (inner === tree) return true
    return false
  }

  /**
   * Releases one acquisition of this thread.
   *
   * @throws {InvalidStateError} when this thread does not hold it
   */
  override release(): void {
    this.assertOpen()
    if (this.#depth === 0) {
      throw new InvalidStateError(
        'Expected an RLock that this thread holds, but it does not: only the holder may release it, once for each acquire',
      )
    }
    if (--this.#depth > 0) return
    this.#tree = undefined
    const held = this.#outermost
    this.#outermost = undefined
    held?.release()
  }

  override async with<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    checkFunction('fn', fn)
    const held = await this.acquire(options)
    const tree = { lock: this, outer: trees.getStore() }
    if (this.#depth === 1) this.#tree = tree
    try {
      return await trees.run(tree, fn)
    } finally {
      held.release()
    }
  }
}

/** One of the acquisitions; ends once. */
class Again implements Held {
  readonly abandoned: boolean
  #lock: RLock | undefined

  constructor(lock: RLock, abandoned = false) {
    this.#lock = lock
    this.abandoned = abandoned
  }

  release(): void {
    const lock = this.#lock
    this.#lock = undefined
    lock?.release()
  }

  [Symbol.dispose](): void {
    this.release()
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
