/** QueueProxy and JoinableQueueProxy: queues in a manager, with the methods of the local ones. */
import { EmptyError, FullError, ShutDownError } from '../../contract/errors.ts'
import { putEach, takeUntil } from '../../contract/one-by-one.ts'
import { checkCount } from '../../contract/options.ts'
import type { WaitOptions } from '../../contract/waiting.ts'
import { BaseProxy } from './base-proxy.ts'
import { late, type Patience, patienceOf } from './patience.ts'

/**
 * A queue that a manager holds. For processes of this family alone take a Queue: it is many times as fast.
 *
 * get() and put() wait; they await, never block the event loop. Who waits is served in the order of the calls. On timeout or abort
 * no item was taken, and none was put. A process that dies takes nothing with it but what its calls were answered with.
 * Deaths and errors otherwise: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const queue = await manager.Queue<string>(1)
 * await queue.put('a')
 * await assert.rejects(queue.putNowait('b'), FullError)
 * assert.equal(await queue.get(), 'a')
 * await assert.rejects(queue.get({ timeout: 10 }), TimeoutError)
 */
export class QueueProxy<T = any> extends BaseProxy implements AsyncIterable<T> {
  /** @throws {TimeoutError} after `timeout` ms · the signal's reason · {ShutDownError} */
  put(item: T, options?: WaitOptions): Promise<void> {
    return this.#patiently('put', [item], options) as Promise<void>
  }

  /** Does not wait. @throws {FullError} {ShutDownError} */
  putNowait(item: T): Promise<void> {
    return this.ask('put_nowait', [item]) as Promise<void>
  }

  /** One after the other: on timeout (of the whole), abort or error those before were put, and the error's `done` says how many. */
  async putMany(items: Iterable<T>, options?: WaitOptions): Promise<void> {
    await putEach(items, options, (item, rest) => this.put(item, rest))
  }

  /** @throws {TimeoutError} after `timeout` ms · the signal's reason · {ShutDownError} when it was shut down and is empty */
  get(options?: WaitOptions): Promise<T> {
    return this.#patiently('get', [], options) as Promise<T>
  }

  /** Does not wait. @throws {EmptyError} {ShutDownError} */
  getNowait(): Promise<T> {
    return this.ask('get_nowait', []) as Promise<T>
  }

  /** At least one, at most `max`. Otherwise as get(). */
  async getMany(max: number, options?: WaitOptions): Promise<T[]> {
    checkCount('max', max, 1)
    return this.#patiently('getMany', [max], options) as Promise<T[]>
  }

  #patiently(method: string, args: unknown[], options: WaitOptions | undefined): Promise<unknown> {
    if (options === undefined) return this.ask(method, args)
    let patience: Patience
    try {
      patience = patienceOf(options)
    } catch (error) {
      return Promise.reject(error)
    }
    if (patience.isEndless) return this.askPatiently(method, args, patience)
    return this.askPatiently(method, [...args, true, patience.seconds], patience).catch(error => {
      const isLate = error instanceof EmptyError || error instanceof FullError
      throw isLate ? late(`${this.constructor.name}.${method}()`, patience) : error
    })
  }

  qsize(): Promise<number> {
    return this.ask('qsize', []) as Promise<number>
  }

  empty(): Promise<boolean> {
    return this.ask('empty', []) as Promise<boolean>
  }

  full(): Promise<boolean> {
    return this.ask('full', []) as Promise<boolean>
  }

  maxsize(): Promise<number> {
    return this.ask('maxsize', []) as Promise<number>
  }

  /** No more puts; gets take what is there, then ShutDownError. `immediate`: what is queued is dropped. */
  shutdown(options?: { immediate?: boolean }): Promise<void> {
    return this.ask('shutdown', [options?.immediate === true]) as Promise<void>
  }

  /** Takes items until the queue is shut down and empty. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return takeUntil(ShutDownError, () => this.get())
  }
}

/**
 * A queue that a manager holds, whose items are counted until taskDone(). What a process took and had not marked done when it died
 * goes back to the others, as in JoinableQueue; an item that was delivered `maxDeliveries` times is a dead letter.
 *
 * @example
 * await using manager = await Manager()
 * const queue = await manager.JoinableQueue<number>()
 * await queue.put(1)
 * await queue.get()
 * await assert.rejects(queue.join({ timeout: 10 }), TimeoutError)
 * await queue.taskDone()
 * await queue.join()
 */
export class JoinableQueueProxy<T = any> extends QueueProxy<T> {
  /** The oldest item that this process has taken is done. @throws {ArgumentRangeError} more often than items were taken */
  taskDone(): Promise<void> {
    return this.ask('task_done', []) as Promise<void>
  }

  /** Waits until all that was put is done. @throws {TimeoutError} after `timeout` ms · the signal's reason */
  async join(options?: WaitOptions): Promise<void> {
    const patience = patienceOf(options)
    const done = await this.askPatiently('joinFor', [patience.seconds], patience)
    if (done === false) throw late('JoinableQueueProxy.join()', patience)
  }

  deadLetters(): Promise<T[]> {
    return this.ask('deadLetters', []) as Promise<T[]>
  }
}
