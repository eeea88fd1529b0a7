/** ConditionProxy: waiting in a manager, with a lock given up meanwhile. */
import { checkCount, checkFunction } from '../../contract/options.ts'
import type { WaitOptions } from '../../contract/waiting.ts'
import { LockProxy } from './lock-proxy.ts'
import { late, patienceOf } from './patience.ts'

/**
 * A condition that a manager holds, with its lock: a Lock of its own, or the one it was made with. wait() gives the lock up while it sleeps
 * and holds it again when it resolves, and also when it rejects; notify() never waits for a sleeper. If a sleeper dies, a notification
 * that it had goes to the next one. Deaths and errors otherwise: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const condition = await manager.Condition()
 * await using held = await condition.acquire()
 * await assert.rejects(condition.wait({ timeout: 10 }), TimeoutError)
 * await condition.notifyAll()
 */
export class ConditionProxy extends LockProxy {
  /** @throws {InvalidStateError} without the lock · {TimeoutError} after `timeout` ms · the signal's reason */
  async wait(options?: WaitOptions): Promise<void> {
    const patience = patienceOf(options)
    if (!(await this.#sleep(patience.seconds, patience.signal))) throw late('ConditionProxy.wait()', patience)
  }

  async #sleep(seconds: number | null, signal: AbortSignal | undefined): Promise<unknown> {
    signal?.throwIfAborted()
    try {
      // after the time the lock is waited for, however long that takes
      return await this.askPatiently('wait', [seconds], { signal, timeout: Number.POSITIVE_INFINITY })
    } catch (error) {
      // the call was taken back, and with it the place in line for the lock
      if (signal?.aborted && error === signal.reason) await this.ask('reacquire', [])
      throw error
    }
  }

  /** Waits until `predicate`, which is called here with the lock held, says so. Otherwise as wait(). */
  async waitFor(predicate: () => boolean | Promise<boolean>, options?: WaitOptions): Promise<void> {
    checkFunction('predicate', predicate)
    const patience = patienceOf(options)
    const end = performance.now() + patience.timeout
    while (!(await predicate())) {
      const left = end - performance.now()
      if (left <= 0) throw late('ConditionProxy.waitFor()', patience)
      await this.#sleep(patience.isEndless ? null : Math.min(left / 1000, patience.seconds as number), patience.signal)
    }
  }

  /** @throws {InvalidStateError} without the lock */
  async notify(n = 1): Promise<void> {
    checkCount('n', n)
    await this.ask('notify', [n])
  }

  /** @throws {InvalidStateError} without the lock */
  notifyAll(): Promise<void> {
    return this.ask('notify_all', []) as Promise<void>
  }
}
