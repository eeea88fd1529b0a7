/** BarrierProxy: a point in a manager that a number of parties reach together. */
import type { WaitOptions } from '../../contract/waiting.ts'
import { BaseProxy } from './base-proxy.ts'
import { patienceOf } from './patience.ts'

/**
 * A barrier that a manager holds. wait() awaits, never blocks the event loop; a timeout, an abort, and the death of a party that
 * waits break it for all: BrokenBarrierError. Deaths and errors otherwise: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const barrier = await manager.Barrier(2)
 * const places = await Promise.all([barrier.wait(), barrier.wait()])
 * assert.deepEqual(places.sort(), [0, 1])
 */
export class BarrierProxy extends BaseProxy {
  /** 0 … parties-1, each once. @throws {BrokenBarrierError} · the signal's reason, and then it is broken */
  async wait(options?: WaitOptions): Promise<number> {
    const patience = patienceOf(options)
    const args = patience.isEndless ? [] : [patience.seconds]
    return this.askPatiently('wait', args, patience) as Promise<number>
  }

  /** Who waits is sent off with an error, and it may be used again. */
  reset(): Promise<void> {
    return this.ask('reset', []) as Promise<void>
  }

  /** Breaks it. */
  abort(): Promise<void> {
    return this.ask('abort', []) as Promise<void>
  }

  parties(): Promise<number> {
    return this.ask('__getattribute__', ['parties']) as Promise<number>
  }

  nWaiting(): Promise<number> {
    return this.ask('__getattribute__', ['n_waiting']) as Promise<number>
  }

  broken(): Promise<boolean> {
    return this.ask('__getattribute__', ['broken']) as Promise<boolean>
  }
}
