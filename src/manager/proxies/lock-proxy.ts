/** LockProxy and RLockProxy: locks in a manager, whose owners are processes. */
import type { WaitOptions } from '../../contract/waiting.ts'
import { BaseProxy } from './base-proxy.ts'
import { Holding, whileHolding } from './holding.ts'
import { late, patienceOf } from './patience.ts'

/**
 * A lock that a manager holds. Its owner is a process: one that dies, or loses its last proxy, gives it back, and the next one is
 * told that it was `abandoned`. Anybody may release it, as in Python.
 *
 * acquire() waits; awaits, never blocks the event loop. On timeout or abort it was not taken. Who waits is served in the order of
 * the calls. Deaths and errors otherwise: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const lock = await manager.Lock()
 * {
 *   await using held = await lock.acquire({ timeout: 1000 })
 *   assert.equal(held.abandoned, false)
 *   assert.equal(await lock.locked(), true)
 * }
 * assert.equal(await lock.locked(), false)
 */
export class LockProxy extends BaseProxy {
  /** @throws {TimeoutError} after `timeout` ms · the signal's reason */
  async acquire(options?: WaitOptions): Promise<Holding> {
    const patience = patienceOf(options)
    const got = await this.askPatiently('hold', patience.isEndless ? [true] : [true, patience.seconds], patience)
    if (got === false) throw late(`${this.constructor.name}.acquire()`, patience)
    return this.holding(got === 'abandoned')
  }

  /** Does not wait for anybody: null when somebody holds it. */
  async tryAcquire(): Promise<Holding | null> {
    const got = await this.ask('hold', [false])
    return got === false ? null : this.holding(got === 'abandoned')
  }

  protected holding(abandoned: boolean): Holding {
    return new Holding(() => this.release(), abandoned)
  }

  /** @throws {InvalidStateError} when nobody holds it; an RLock: when this process does not */
  release(): Promise<void> {
    return this.ask('release', []) as Promise<void>
  }

  locked(): Promise<boolean> {
    return this.ask('locked', []) as Promise<boolean>
  }

  /** The pid of the process that holds it, or null. */
  holder(): Promise<number | null> {
    return this.ask('holder', []) as Promise<number | null>
  }

  /** Runs `fn` while it holds the lock, and releases it however that ends. */
  with<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    return whileHolding(this.acquire(options), fn)
  }
}

/**
 * A lock that a manager holds, and that its owner may acquire again: it is free when it was released as often. The owner is the
 * process, all of its tasks together, as all that a process calls comes to the manager from one client.
 */
export class RLockProxy extends LockProxy {}
