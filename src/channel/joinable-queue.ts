/**
 * The public JoinableQueue: a Queue whose items stay its own until they are marked done (leases.ts: states, who writes what,
 * deaths). Here: which items this process has in hand, oldest first, and who waits for the last one to be done.
 */
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { discardParcel, readParcel, sealParcel } from '../arena/parcel.ts'
import { countByPid } from '../arena/participants.ts'
import { bodyAt } from '../arena/references.ts'
import { currentSession, type Session } from '../arena/session.ts'
import { Adoption } from '../arena/shared-object.ts'
import { slotOf } from '../arena/token.ts'
import { BUSY, Line, NONE } from '../arena/until.ts'
import { forget, markedIn, wakeAll, wakeOne } from '../arena/wait-set.ts'
import { decode, encode } from '../codec/codec.ts'
import { encodeQuick, quickWords } from '../codec/quick.ts'
import { ArgumentRangeError, InvalidStateError } from '../contract/errors.ts'
import type { Message } from '../contract/message.ts'
import { checkCount, checkFlag, checkOptions } from '../contract/options.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { Outgoing } from './envelope.ts'
import { ALL_DONE, LEASED_LOG_WORDS } from './lease-chain.ts'
import { type Leased, Leases, MOST_DELIVERIES } from './leases.ts'
import { CLOSED, DONE, HELD_UP, Log, NOT_EMPTY, NOT_FULL, NOT_NOW, OPEN } from './log.ts'
import { checkMaxsize, Queue, type QueueOptions } from './queue.ts'

const KIND = 10
const DELIVERIES = 5

export interface JoinableQueueOptions extends QueueOptions {
  /** How often an item is delivered, the first time included, before it becomes a dead letter. @default 5 */
  maxDeliveries?: number
}

/** An item in hand, which can be marked done whatever else this process has in hand. */
export interface Lease<T> {
  readonly item: T
  /** 1: the first time; more: so many times, this one included, somebody has been given it who did not finish it. */
  readonly deliveries: number
  /** This item is done. A second time it does nothing. Never waits. @throws {ClosedError} the item went back when the queue was closed here */
  done(): void
}

/** What this participant took and has not marked done. */
interface InHand {
  readonly block: number
  done: boolean
}

/** What is in hand is known to the handle alone, so it must not be collected meanwhile. */
const working = new Set<JoinableQueue<any>>()

const NO_PAYLOAD = new Int32Array(0)
const quickBytes = new Uint8Array(quickWords.buffer)

/**
 * A queue whose items are counted until they are done: `join()` waits for all of them. What a consumer took and had not
 * marked done when it died, ended or closed the queue is delivered again, to others, before newer items and in the old order.
 *
 * So each item is delivered at least once; more than once only when somebody did not finish it. An item that was delivered
 * `maxDeliveries` times and never finished (it may be what kills its consumers) is delivered no more: `deadLetters()` has it,
 * and for `join()` it counts as done.
 *
 * What is in hand does not count in `qsize()` and does not take up room; what came back does, and may exceed `maxsize`.
 * After `shutdown()` what comes back is still given to those who ask; who was told ShutDownError before has left, so a last
 * item may need somebody new. With `immediate`, what is queued counts as done, and what is in hand until it is done or its
 * holder is gone.
 *
 * An item that cannot be unpacked here (its class is not registered, say) goes back as well: get() throws, and others may
 * try, until it is a dead letter.
 *
 * Waits: `join` and `lease` await, `joinSync` and `leaseSync` block this thread asleep in the kernel; all else as in Queue.
 *
 * If a process dies: what it had in hand is delivered again; what it had marked done is done. The counts are right after any
 * death, and nobody waits for the dead: `join()` goes on waiting for those who now have its items.
 *
 * @throws {ArgumentRangeError} a `maxsize` or `maxDeliveries` that is out of range: 0 to 2^31 − 1, 1 to 100,000
 * @example
 * const tasks = new JoinableQueue<number>({ maxDeliveries: 3 })
 * await tasks.put(6)
 * await tasks.put(7)
 * assert.equal(await tasks.get(), 6)
 * tasks.taskDone()
 * const { item, deliveries, done } = await tasks.lease()
 * assert.deepEqual([item, deliveries], [7, 1])
 * done()
 * await tasks.join()
 * assert.throws(() => tasks.taskDone(), RangeError)
 */
export class JoinableQueue<T = unknown> extends Queue<T> {
  readonly #leases: Leases
  readonly #joins: Line
  /** Oldest first, from #oldest on; those that are done are passed over, and taken out when they are the most. */
  #inHand: InHand[] = []
  #oldest = 0
  #undone = 0
  /** Items that are being unpacked: by a class of the user's that takes another meanwhile, several. */
  #opening = 0

  constructor(options?: number | JoinableQueueOptions)
  /** @internal */
  constructor(adoption: Adoption)
  constructor(options?: number | JoinableQueueOptions | Adoption) {
    const made = options instanceof Adoption ? undefined : checkJoinableOptions(options)
    super(options instanceof Adoption ? options : currentSession().create(KIND, LEASED_LOG_WORDS))
    this.#leases = leasesOf(this.session, new Log(this.session, this.w, this.at), this.w, this.at)
    this.#joins = new Line(this.session, this.w, this.at + ALL_DONE)
    if (made !== undefined) {
      Log.initialise(this.w, this.at, made.maxsize)
      Leases.initialise(this.w, this.at, made.maxDeliveries)
      this.session.publish(this)
    }
  }

  // ── done ──

  /**
   * Marks an item as done: the oldest that this process has in hand; when it has none, the oldest that anybody has (Python
   * lets any process call it).
   *
   * Never waits, but for a change of the queue that another is in the middle of.
   * If this process dies in it, the item is done or is delivered again.
   *
   * @throws {ArgumentRangeError} a RangeError (Python: ValueError): nobody has an item in hand; nothing was changed
   */
  taskDone(): void {
    this.assertOpen()
    for (let mine = this.#firstInHand(); mine !== undefined; mine = this.#firstInHand()) if (this.#finish(mine)) return
    if (!this.#leases.finishOldest()) {
      throw new ArgumentRangeError(
        'Expected taskDone() once for each item that was taken, but nobody has one in hand: call it after get(), and no more often',
      )
    }
    this.#ringIfAllDone()
  }

  #firstInHand(): InHand | undefined {
    const all = this.#inHand
    while (this.#oldest < all.length && all[this.#oldest].done) this.#oldest++
    return all[this.#oldest]
  }

  /** False: another had marked it. */
  #finish(mine: InHand): boolean {
    mine.done = true
    if (--this.#undone === 0) working.delete(this)
    if (this.#inHand.length > 16 && this.#undone * 2 < this.#inHand.length) {
      this.#inHand = this.#inHand.filter(one => !one.done)
      this.#oldest = 0
    }
    const counts = this.#leases.finish(mine.block)
    if (counts) this.#ringIfAllDone()
    return counts
  }

  #ringIfAllDone(): void {
    if (this.#leases.allDone() !== NOT_NOW) wakeAll(this.session.w, this.w, this.at + ALL_DONE)
  }

  /**
   * Waits until every item that was put is done: none queued, none in hand. What is put meanwhile counts, too.
   *
   * Awaits, never blocks the event loop. On timeout or abort nothing has changed.
   * If a process dies that has items in hand, they count until somebody else has done them.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError}
   */
  join(options?: WaitOptions): Promise<void> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#joins.until('JoinableQueue.join()', () => this.#tryJoin(), options)
  }

  /** As join(), but blocks this thread. */
  joinSync(options?: SyncWaitOptions): void {
    this.assertOpen()
    this.#joins.untilSync('JoinableQueue.joinSync()', () => this.#tryJoin(), options)
  }

  #tryJoin(): undefined | typeof NONE | typeof BUSY {
    const outcome = this.#leases.allDone()
    if (outcome === DONE) return undefined
    return outcome === HELD_UP ? BUSY : NONE
  }

  // ── get ──

  /**
   * Takes the oldest item as get() does, and gives it with how often it was delivered and a `done()` of its own: for those who
   * work on several at once. taskDone() may mark it as well.
   *
   * Waits until there is one; awaits, never blocks the event loop. On timeout or abort no item was taken.
   * If this process dies before done(), the item is delivered again.
   *
   * @throws as get()
   */
  lease(options?: WaitOptions): Promise<Lease<T>> {
    return this.untilTaken('JoinableQueue.lease()', () => this.#tryLease(), options)
  }

  /** As lease(), but blocks this thread. */
  leaseSync(options?: SyncWaitOptions): Lease<T> {
    return this.untilTakenSync('JoinableQueue.leaseSync()', () => this.#tryLease(), options)
  }

  #tryLease(): Lease<T> | typeof NONE | typeof BUSY {
    const leased: Leased = { block: 0, deliveries: 0 }
    const item = this.#tryTake(leased)
    if (item === NONE || item === BUSY) return item as typeof NONE
    const mine = this.#inHand[this.#inHand.length - 1]
    const done = () => {
      if (mine.done) return
      this.assertOpen()
      this.#finish(mine)
    }
    return { item: item as T, deliveries: leased.deliveries, done }
  }

  /** @internal */
  protected override tryGet(): T | typeof NONE | typeof BUSY {
    return this.#tryTake({ block: 0, deliveries: 0 })
  }

  /** What was taken is the last in hand. */
  #tryTake(leased: Leased): T | typeof NONE | typeof BUSY {
    for (let mine = this.#firstInHand(); mine && this.#leases.isFinished(mine.block); mine = this.#firstInHand()) {
      this.#finish(mine) // by another; only its block is still here
    }
    const outcome = this.#leases.take(leased)
    if (outcome === CLOSED) this.throwShutDown()
    if (outcome !== DONE) return outcome === HELD_UP ? BUSY : NONE
    const item = this.#open(leased.block)
    this.#inHand.push({ block: leased.block, done: false })
    if (++this.#undone === 1) working.add(this)
    return item
  }

  #open(block: number): T {
    this.#opening++
    try {
      const { bytes, headLength, handles } = readParcel(this.session, block)
      return decode(bytes, headLength, handles) as T
    } catch (error) {
      this.#leases.giveBack(block)
      wakeOne(this.session.w, this.w, this.at + NOT_EMPTY)
      this.#ringIfAllDone()
      throw error
    } finally {
      this.#opening--
    }
  }

  /** @internal It went back: who gets it next meets the error himself. */
  protected override keepFailure(): void {}

  // ── put ──

  /** @internal Each in a block of its own, which outlives whoever takes it. */
  protected override pack(item: T): Outgoing {
    const head = encodeQuick(item)
    const message = head > 0 ? quickMessage(head) : encode(item)
    return { payload: NO_PAYLOAD, bytes: 0, head: 0, block: sealParcel(this.session, message) }
  }

  // ── the rest ──

  /**
   * Copies of the items that were delivered `maxDeliveries` times and never done, oldest first. They stay here, and take up
   * memory, until somebody takes them out with `take`: then they are the caller's alone, to be logged, say, or put again.
   *
   * Never waits, but for a change of the queue that another is in the middle of.
   * If this process dies in it, a letter was taken or is still here.
   *
   * @throws an item that cannot be unpacked here: its error; then none was taken
   * @example
   * const tasks = new JoinableQueue<string>({ maxDeliveries: 1 })
   * await tasks.put('poison')
   * assert.deepEqual(tasks.deadLetters(), [])
   * for (const item of tasks.deadLetters({ take: true })) await tasks.put(item)
   * assert.equal(tasks.qsize(), 1)
   */
  deadLetters(options?: { take?: boolean }): T[] {
    this.assertOpen()
    checkOptions('options', options, ['take'])
    const take = checkFlag('take', options?.take, false)
    const letters = this.#leases.readLetters((block, sequence) => {
      const { bytes, headLength, handles } = readParcel(this.session, block)
      return { block, sequence, bytes: bytes.slice(), headLength, handles }
    })
    const items = letters.map(({ bytes, headLength, handles }) => decode(bytes, headLength, handles) as T)
    if (!take) return items
    this.assertOpen() // an item may have closed it while it was unpacked
    const taken = this.#leases.takeLetters(letters)
    return items.filter((_, n) => taken[n])
  }

  /** As Queue.shutdown(). With `immediate`, `join()` waits only for what is in hand. */
  override shutdown(options?: { immediate?: boolean }): void {
    super.shutdown(options)
    wakeAll(this.session.w, this.w, this.at + ALL_DONE)
  }

  /** @internal */
  protected override drop(): void {
    this.#leases.drop()
  }

  /** This process is done with the queue: as Queue.close(). What it had in hand goes back. */
  override close(): void {
    if (this.#opening > 0) {
      throw new InvalidStateError(
        'Expected no item of the queue to be in the middle of being unpacked: do not close it in an `unpack` of registerClass()',
      )
    }
    super.close()
  }

  protected override leave(): void {
    super.leave()
    this.#joins.fail(this.closedError())
    working.delete(this)
    this.#leases.giveBackMine()
    wakeAll(this.session.w, this.w, this.at + NOT_EMPTY)
    this.#ringIfAllDone()
  }
}

/** What encodeQuick() wrote. */
function quickMessage(head: number): Message {
  return {
    headLength: head,
    byteLength: head,
    handles: [],
    pathOf: () => 'value',
    writeTo: target => target.set(quickBytes.subarray(0, head)),
    writeWordsTo: target => target.set(quickWords.subarray(0, (head + 3) >>> 2)),
  }
}

function checkJoinableOptions(options: number | JoinableQueueOptions | undefined): {
  maxsize: number
  maxDeliveries: number
} {
  if (typeof options === 'number') return { maxsize: checkMaxsize(options), maxDeliveries: DELIVERIES }
  checkOptions('options', options, ['maxsize', 'maxDeliveries'])
  const { maxsize, maxDeliveries = DELIVERIES } = options ?? {}
  checkCount('maxDeliveries', maxDeliveries, 1, MOST_DELIVERIES)
  return { maxsize: checkMaxsize({ maxsize }), maxDeliveries }
}

function leasesOf(session: Session, log: Log, w: Int32Array, at: number): Leases {
  return new Leases(session, log, w, at, block => discardParcel(session, block))
}

export const joinableQueueKind: Kind = {
  code: KIND,
  name: 'JoinableQueue',
  open: adoption => new JoinableQueue(adoption),
  recover(session, address, dead, blocks) {
    const { w, at } = bodyAt(session, address)
    for (const set of [NOT_EMPTY, NOT_FULL, ALL_DONE]) forget(w, at + set, slotOf(dead))
    const log = new Log(session, w, at)
    return leasesOf(session, log, w, at).recover(dead, blocks) && log.reclaim(blocks, dead)
  },
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    const log = new Log(session, w, at)
    log.shutDown(true)
    leasesOf(session, log, w, at).takeApart()
    log.freeLast()
  },
  check(session, address, queued) {
    const { w, at } = bodyAt(session, address)
    const log = new Log(session, w, at)
    const holders = new Set(log.latches())
    return [
      ...leasesOf(session, log, w, at).check(queued, holders),
      ...[...holders].flatMap(holder => checkHolder(session, 'an item or a latch of it', holder)),
      ...[NOT_EMPTY, NOT_FULL, ALL_DONE].flatMap(set => checkWaiters(session, w, at + set)),
      ...log.check(queued),
    ]
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const log = new Log(session, w, at)
    const leases = leasesOf(session, log, w, at)
    const { inHand, letters } = leases.glance()
    return {
      holders: [...inHand.keys()],
      exclusive: false,
      waiters: [NOT_EMPTY, NOT_FULL, ALL_DONE].flatMap(set => markedIn(w, at + set)),
      detail: {
        size: log.size(),
        maxsize: log.maxsize,
        shutDown: log.state !== OPEN,
        inHand: countByPid(session.w, inHand),
        deadLetters: letters,
        maxDeliveries: leases.maxDeliveries,
      },
    }
  },
}
