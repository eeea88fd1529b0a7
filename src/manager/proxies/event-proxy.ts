/** EventProxy: a flag in a manager. */
import type { WaitOptions } from '../../contract/waiting.ts'
import { BaseProxy } from './base-proxy.ts'
import { late, patienceOf } from './patience.ts'

/**
 * A flag that a manager holds, and that can be waited for. wait() awaits, never blocks the event loop. Deaths and errors: see
 * BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const event = await manager.Event()
 * await assert.rejects(event.wait({ timeout: 10 }), TimeoutError)
 * await event.set()
 * await event.wait()
 */
export class EventProxy extends BaseProxy {
  set(): Promise<void> {
    return this.ask('set', []) as Promise<void>
  }

  clear(): Promise<void> {
    return this.ask('clear', []) as Promise<void>
  }

  isSet(): Promise<boolean> {
    return this.ask('is_set', []) as Promise<boolean>
  }

  /** Waits until it is set. @throws {TimeoutError} after `timeout` ms · the signal's reason */
  async wait(options?: WaitOptions): Promise<void> {
    const patience = patienceOf(options)
    if (!(await this.askPatiently('wait', [patience.seconds], patience))) throw late('EventProxy.wait()', patience)
  }
}
