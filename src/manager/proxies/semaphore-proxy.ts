/** SemaphoreProxy: permits in a manager. */
import type { WaitOptions } from '../../contract/waiting.ts'
import { BaseProxy } from './base-proxy.ts'
import { Holding, whileHolding } from './holding.ts'
import { late, patienceOf } from './patience.ts'

/**
 * A semaphore that a manager holds, bounded or not. The permits of a process that dies come back, unless the semaphore is used as a
 * signal: from the first release() by a process that held none. acquire() waits; on timeout or abort nothing was taken. Deaths and
 * errors otherwise: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const semaphore = await manager.Semaphore(2)
 * await semaphore.with(async () => assert.equal(await semaphore.getValue(), 1))
 * assert.equal(await semaphore.getValue(), 2)
 */
export class SemaphoreProxy extends BaseProxy {
  /** @throws {TimeoutError} after `timeout` ms · the signal's reason */
  async acquire(options?: WaitOptions): Promise<Holding> {
    const patience = patienceOf(options)
    const limits = patience.isEndless ? [true] : [true, patience.seconds]
    if (!(await this.askPatiently('acquire', limits, patience))) throw late('SemaphoreProxy.acquire()', patience)
    return new Holding(() => this.release(), false)
  }

  /** Does not wait for anybody: null when there is none. */
  async tryAcquire(): Promise<Holding | null> {
    return (await this.ask('acquire', [false])) ? new Holding(() => this.release(), false) : null
  }

  /** @throws {ArgumentRangeError} a bounded one: above its start value */
  release(n = 1): Promise<void> {
    return this.ask('release', [n]) as Promise<void>
  }

  getValue(): Promise<number> {
    return this.ask('get_value', []) as Promise<number>
  }

  /** Runs `fn` while it holds a permit, and gives it back however that ends. */
  with<R>(fn: () => R | Promise<R>, options?: WaitOptions): Promise<R> {
    return whileHolding(this.acquire(options), fn)
  }
}
