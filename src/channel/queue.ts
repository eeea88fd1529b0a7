/**
 * The public Queue over the log of items in shared memory (log.ts: states, who writes what, deaths). Here: values become
 * messages and back, and every operation is one attempt under one of the two waiting loops (arena/until.ts).
 */

import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { bodyAt } from '../arena/references.ts'
import { currentSession } from '../arena/session.ts'
import { Adoption, SharedObject } from '../arena/shared-object.ts'
import { slotOf } from '../arena/token.ts'
import { type Attempt, BUSY, checkWaitOptions, Line, NONE, served, tryOnce } from '../arena/until.ts'
import { forget, markedIn, wakeAll } from '../arena/wait-set.ts'
import { EmptyError, FullError, ShutDownError } from '../contract/errors.ts'
import { putEach, takeUntil } from '../contract/one-by-one.ts'
import { checkCount, checkFlag, checkOptions } from '../contract/options.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import { type Arrived, discard, dropAll, type Outgoing, packValue, put, retain, take } from './envelope.ts'
import { CLOSED, DONE, DROPPED, HELD_UP, LOG_WORDS, Log, NOT_EMPTY, NOT_FULL, OPEN } from './log.ts'

const KIND = 5
const MAX_ITEMS = 0x7fffffff

export interface QueueOptions {
  /** Items that fit; 0 (default): no limit but memory. */
  maxsize?: number
}

const toValue = (message: Arrived): unknown => message.value()

/**
 * First in, first out; any number of producers and consumers, in any processes.
 *
 * When `put` resolves the item is in shared memory: its producer may end or die. Each producer's items are taken in the
 * order it put them. Values travel by value, as by structuredClone; handles on queues, locks and other shared objects by
 * reference, anywhere in an item.
 *
 * Waits: `get`/`put` await, `getSync`/`putSync` block this thread asleep in the kernel, `getNowait`/`putNowait` never
 * wait. A put waits only where `maxsize` says so: without it the queue grows to the memory's ceiling.
 * On timeout or abort no item was taken, and none was put.
 *
 * If a process dies: an item whose put had resolved is received by somebody, exactly once, unless the process that dies
 * is the one that took it. A producer that dies in `put` has put the item or has not. Whoever waits goes on waiting for
 * the living; nobody else is held up.
 *
 * @throws {ArgumentRangeError} a `maxsize` that is negative, fractional or above 2^31 − 1
 * @example
 * const queue = new Queue<number>({ maxsize: 2 })
 * await queue.put(1)
 * queue.putSync(2)
 * assert.throws(() => queue.putNowait(3), FullError)
 * assert.equal(await queue.get(), 1)
 * assert.equal(queue.getSync(), 2)
 * await assert.rejects(queue.get({ timeout: 10 }), TimeoutError)
 */
export class Queue<T = unknown> extends SharedObject implements AsyncIterable<T>, Waitable {
  readonly #log: Log
  readonly #puts: Line
  readonly #gets: Line
  /** An item that could not be unpacked, when others had been taken with it: for the next get. */
  #failed: { error: unknown } | undefined

  constructor(options?: number | QueueOptions)
  /** @internal */
  constructor(adoption: Adoption)
  constructor(options?: number | QueueOptions | Adoption) {
    const made = options instanceof Adoption ? undefined : checkMaxsize(options)
    super(options instanceof Adoption ? options : currentSession().create(KIND, LOG_WORDS))
    this.#log = new Log(this.session, this.w, this.at)
    this.#puts = new Line(this.session, this.w, this.at + NOT_FULL)
    this.#gets = new Line(this.session, this.w, this.at + NOT_EMPTY)
    if (made !== undefined) {
      Log.initialise(this.w, this.at, made)
      this.session.publish(this)
    }
  }

  // ── put ──

  /**
   * Puts an item at the end.
   *
   * Waits while the queue is full; awaits, never blocks the event loop. On timeout or abort nothing was put.
   * If this process dies before it resolves, the item was put whole or not at all; after, it is safe.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ShutDownError} · {ClosedError}
   * @throws {NotSerializableError} for what cannot travel: `path` names it, nothing was put
   * @throws {OutOfSharedMemoryError} at the memory's ceiling: nothing was put
   */
  put(item: T, options?: WaitOptions): Promise<void> {
    let out: Outgoing | undefined
    try {
      this.assertOpen()
      out = this.pack(item)
      this.assertOpen() // a getter of the item's may have closed it
      if (options === undefined && this.#puts.idle) {
        const got = this.#tryPut(out)
        if (got !== NONE && got !== BUSY) return served(undefined)
      }
      return this.#keepPutting('Queue.put()', retain(out), options)
    } catch (error) {
      if (out) discard(this.session, out, error)
      return Promise.reject(error)
    }
  }

  async #keepPutting(what: string, out: Outgoing, options?: WaitOptions): Promise<void> {
    try {
      await this.#puts.until(what, () => this.#tryPut(out), options)
    } catch (error) {
      discard(this.session, out, error)
      throw error
    }
  }

  /** As put(), but blocks this thread. */
  putSync(item: T, options?: SyncWaitOptions): void {
    this.assertOpen()
    let out = this.pack(item)
    try {
      this.assertOpen() // a getter of the item's may have closed it
      if (options === undefined && this.#puts.idle) {
        const got = this.#tryPut(out)
        if (got !== NONE && got !== BUSY) return
      }
      out = retain(out)
      this.#puts.untilSync('Queue.putSync()', () => this.#tryPut(out), options)
    } catch (error) {
      discard(this.session, out, error)
      throw error
    }
  }

  /**
   * Puts an item at once.
   *
   * @throws {FullError} when the queue is full · otherwise as put()
   */
  putNowait(item: T): void {
    this.assertOpen()
    const out = this.pack(item)
    try {
      this.assertOpen() // a getter of the item's may have closed it
      let got = this.#puts.idle ? this.#tryPut(out) : this.#puts.tryNow(() => this.#tryPut(out))
      if (got === BUSY) got = tryOnce(() => this.#tryPut(out))
      if (got !== NONE && got !== BUSY) return
      throw new FullError(
        got === BUSY
          ? 'Expected room in the queue at once, but another process is in the middle of a put and takes long'
          : `Expected room in the queue, but it holds ${this.qsize()} of at most ${this.maxsize} items`,
      )
    } catch (error) {
      discard(this.session, out, error)
      throw error
    }
  }

  /**
   * Puts the items one after the other, as they come from the iterable; nothing of another producer's is promised to
   * stay out between them.
   *
   * Waits while the queue is full. On timeout (of the whole), abort or error the items before are put, in order, and the
   * error's `done` says how many.
   *
   * @throws as put(), with `done`
   */
  async putMany(items: Iterable<T>, options?: WaitOptions): Promise<void> {
    this.assertOpen()
    checkWaitOptions(options)
    await putEach(items, options, (item, rest) => this.put(item, rest))
  }

  /** @internal A value as it goes in. Throws what put() throws for it. */
  protected pack(item: T): Outgoing {
    return packValue(this.session, item)
  }

  #tryPut(out: Outgoing): undefined | typeof NONE | typeof BUSY {
    const outcome = put(this.#log, out)
    if (outcome === DONE) return undefined
    if (outcome === CLOSED)
      throw new ShutDownError('Expected a queue that takes items, but it was shut down: nothing was put')
    return outcome === HELD_UP ? BUSY : NONE
  }

  // ── get ──

  /**
   * Takes the oldest item.
   *
   * Waits until there is one; awaits, never blocks the event loop. On timeout or abort no item was taken.
   * If this process dies before it resolves, the item stays in the queue or is gone with the process; after, it is gone
   * with it (JoinableQueue delivers it again).
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError}
   * @throws {ShutDownError} when the queue was shut down and is empty
   */
  get(options?: WaitOptions): Promise<T> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#gets.until('Queue.get()', () => this.tryGet(), options)
  }

  /** As get(), but blocks this thread. */
  getSync(options?: SyncWaitOptions): T {
    this.assertOpen()
    if (options === undefined && this.#gets.idle) {
      const got = this.tryGet()
      if (got !== NONE && got !== BUSY) return got
    }
    return this.#gets.untilSync('Queue.getSync()', () => this.tryGet(), options)
  }

  /**
   * Takes the oldest item at once.
   *
   * @throws {EmptyError} when there is none · {ShutDownError} when there is none and the queue was shut down
   */
  getNowait(): T {
    this.assertOpen()
    let got = this.tryGet()
    if (got === BUSY) got = tryOnce(() => this.tryGet())
    if (got !== NONE && got !== BUSY) return got
    throw new EmptyError(
      got === BUSY
        ? 'Expected an item in the queue at once, but another process is in the middle of a get and takes long'
        : 'Expected an item in the queue, but it is empty',
    )
  }

  /**
   * Takes the oldest items: waits for the first, and takes with it what else is there, at most `max`.
   *
   * @throws as get()
   */
  getMany(max: number, options?: WaitOptions): Promise<T[]> {
    try {
      checkCount('max', max, 1)
      this.assertOpen()
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#gets.until('Queue.getMany()', () => this.#tryGetMany(max), options)
  }

  #tryGetMany(max: number): T[] | typeof NONE | typeof BUSY {
    const first = this.tryGet()
    if (first === NONE || first === BUSY) return first as typeof NONE
    const items: T[] = [first as T]
    // an item may close the queue while it is unpacked
    while (items.length < max && !this.closed) {
      if (this.#log.size() === 0) break
      try {
        const next = this.tryGet()
        if (next === NONE || next === BUSY) break
        items.push(next as T)
      } catch (error) {
        // Those before are taken and must be given. Whoever calls next gets the error, or meets the end himself.
        if (!(error instanceof ShutDownError)) this.keepFailure(error)
        break
      }
    }
    return items
  }

  /** @internal An item could not be unpacked and is gone: the next get says so. */
  protected keepFailure(error: unknown): void {
    this.#failed = { error }
  }

  /** @internal Waits in line with those who get. */
  protected untilTaken<R>(what: string, attempt: Attempt<R>, options?: WaitOptions): Promise<R> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#gets.until(what, attempt, options)
  }

  /** @internal The same, blocking. */
  protected untilTakenSync<R>(what: string, attempt: Attempt<R>, options?: SyncWaitOptions): R {
    this.assertOpen()
    return this.#gets.untilSync(what, attempt, options)
  }

  /** @internal One attempt: an item that has been taken. */
  protected tryGet(): T | typeof NONE | typeof BUSY {
    if (this.#failed) {
      const { error } = this.#failed
      this.#failed = undefined
      throw error
    }
    return take(this.session, this.#log, toValue, this.#inVain) as T | typeof NONE | typeof BUSY
  }

  readonly #inVain = (outcome: number): typeof NONE | typeof BUSY => {
    if (outcome === CLOSED) this.throwShutDown()
    return outcome === HELD_UP ? BUSY : NONE
  }

  /** @internal */
  protected throwShutDown(): never {
    if (this.#log.state === DROPPED) this.drop() // whoever was to do it may have died
    throw new ShutDownError('Expected an item in the queue, but it was shut down and is empty')
  }

  /** @internal Takes and frees everything that is queued. */
  protected drop(): void {
    dropAll(this.session, this.#log)
  }

  // ── the rest ──

  /** Items in the queue at this moment; others may be changing it. */
  qsize(): number {
    this.assertOpen()
    return this.#log.size()
  }

  /** True when there is no item at this moment. */
  empty(): boolean {
    return this.qsize() === 0
  }

  /** True when there is no room at this moment. */
  full(): boolean {
    const { maxsize } = this
    return maxsize !== 0 && this.qsize() >= maxsize
  }

  /** Items that fit; 0: no limit but memory. */
  get maxsize(): number {
    this.assertOpen()
    return this.#log.maxsize
  }

  /**
   * No more puts, in any process: they throw ShutDownError, also those that wait. Gets take what is there, and then throw
   * ShutDownError; loops over the queue end. With `immediate` what is queued is dropped, and gets throw at once.
   *
   * Waits for nobody but a put that is being committed. Calling it again does nothing, but for adding `immediate`.
   */
  shutdown(options?: { immediate?: boolean }): void {
    this.assertOpen()
    checkOptions('options', options, ['immediate'])
    const immediate = checkFlag('immediate', options?.immediate, false)
    this.#log.shutDown(immediate)
    if (immediate) this.drop()
    wakeAll(this.session.w, this.w, this.at + NOT_FULL)
    wakeAll(this.session.w, this.w, this.at + NOT_EMPTY)
  }

  /** Takes items until the queue is shut down and empty, then ends. Leaving the loop early takes nothing more. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return takeUntil(ShutDownError, () => this.get())
  }

  /** @internal for wait(): there is an item, or the end. */
  [WAITABLE](): Readiness {
    this.assertOpen()
    return this.#gets.readiness(() => this.#failed !== undefined || this.#log.size() > 0 || this.#log.state !== OPEN)
  }

  protected override summary(): Record<string, unknown> {
    return { maxsize: this.maxsize, size: this.qsize() }
  }

  protected override leave(): void {
    this.#puts.fail(this.closedError())
    this.#gets.fail(this.closedError())
  }
}

export function checkMaxsize(options: number | QueueOptions | undefined): number {
  if (typeof options === 'number') return checkCount('maxsize', options, 0, MAX_ITEMS)
  checkOptions('options', options, ['maxsize'])
  return options?.maxsize === undefined ? 0 : checkCount('maxsize', options.maxsize, 0, MAX_ITEMS)
}

export const queueKind: Kind = {
  code: KIND,
  name: 'Queue',
  open: adoption => new Queue(adoption),
  recover(session, address, dead, blocks) {
    const { w, at } = bodyAt(session, address)
    forget(w, at + NOT_EMPTY, slotOf(dead))
    forget(w, at + NOT_FULL, slotOf(dead))
    return new Log(session, w, at).reclaim(blocks, dead)
  },
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    const log = new Log(session, w, at)
    log.shutDown(true)
    dropAll(session, log)
    log.freeLast()
  },
  check(session, address, queued) {
    const { w, at } = bodyAt(session, address)
    const log = new Log(session, w, at)
    return [
      ...log.latches().flatMap(holder => checkHolder(session, 'a latch of it', holder)),
      ...checkWaiters(session, w, at + NOT_EMPTY),
      ...checkWaiters(session, w, at + NOT_FULL),
      ...log.check(queued),
    ]
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const log = new Log(session, w, at)
    return {
      waiters: [...markedIn(w, at + NOT_EMPTY), ...markedIn(w, at + NOT_FULL)],
      detail: { size: log.size(), maxsize: log.maxsize, shutDown: log.state !== OPEN },
    }
  },
}
