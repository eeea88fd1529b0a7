/**
 * Python's queue.Queue.
 *
 *   put ──▶ queued ──get──▶ handed ──the answer was delivered──▶ taken
 *             ▲                └──the call was withdrawn before──┐
 *             └──────────────────────────────────────────────────┘  where it stood, before newer items
 *
 * Whoever waits is served as soon as there is something for it: nobody waits for an item while one is queued, or for room
 * while there is some. A put that was answered, or would have been, is not taken back.
 */
import { EmptyError, FullError, ShutDownError } from '../../contract/errors.ts'
import { Fifo } from './fifo.ts'
import { type Call, type Caller, defineType, type Method } from './hosted-type.ts'
import { isTrue } from './kinds-of-value.ts'
import { Line, secondsOf, type Waiter } from './line.ts'
import { valueError } from './python-errors.ts'
import { integer } from './subscript.ts'

export interface Item {
  readonly value: unknown
  /** Items are given in the order of these numbers. */
  readonly sequence: number
  /** How often it was taken. */
  deliveries: number
}

/** What a get is served: an item that is taken already. */
type Get = Waiter<Item>

export class HostedQueue {
  readonly maxsize: number
  protected readonly items = new Fifo<Item>()
  readonly #gets = new Line<Item>()
  readonly #puts = new Line<void, unknown>()
  readonly #joins = new Line<void>()
  /** Items that were put and are not done. */
  protected unfinished = 0
  protected isDropped = false
  #isShut = false
  #sequence = 0

  constructor(maxsize: unknown) {
    this.maxsize = maxsize === undefined ? 0 : Math.max(0, integer(maxsize))
  }

  get size(): number {
    return this.items.size
  }

  get isFull(): boolean {
    return this.maxsize > 0 && this.size >= this.maxsize
  }

  // ── put ──

  put(call: Call, value: unknown, seconds: number): void | Promise<void> {
    if (this.#isShut) throw shutDown()
    if (!this.isFull) return this.#add(value)
    if (seconds <= 0) throw this.#full()
    return this.#puts.wait(
      call,
      seconds,
      () => {
        throw this.#full()
      },
      value,
    )
  }

  #full(): FullError {
    return new FullError(`Expected room in the queue, but it holds ${this.size} of at most ${this.maxsize} items`)
  }

  #add(value: unknown): void {
    this.unfinished++
    this.items.push({ value, sequence: this.#sequence++, deliveries: 0 })
    this.serve()
  }

  // ── get ──

  get(call: Call, seconds: number): unknown {
    return this.taking(call, seconds, item => item.value)
  }

  /** Takes the oldest items, at least one and at most `max`. */
  getMany(call: Call, max: number, seconds: number): unknown {
    if (max < 1) throw valueError('max must be at least 1')
    return this.taking(call, seconds, first => {
      const values = [first.value]
      while (values.length < max && this.size > 0) values.push(this.#take(call).value)
      this.serve()
      return values
    })
  }

  /** Takes an item, and gives what `made` makes of it. */
  protected taking<R>(call: Call, seconds: number, made: (item: Item) => R): R | Promise<R> {
    if (this.size > 0) {
      const result = made(this.#take(call))
      this.serve()
      return result
    }
    if (this.#isShut) throw shutDown()
    if (seconds <= 0) throw empty()
    return new Promise((resolve, reject) => {
      const told = {
        served: (item: Item) => resolve(made(item)),
        failed: reject,
        expired: () => reject(empty()),
      }
      this.#gets.join(call, seconds, told, undefined)
    })
  }

  #take(call: Call): Item {
    const item = this.items.shift() as Item
    item.deliveries++
    this.taken(item, call.caller)
    call.onWithdrawn(() => {
      if (this.untaken(item, call.caller)) {
        item.deliveries--
        this.giveBack(item)
      }
    })
    return item
  }

  /** Somebody has been handed the item. */
  protected taken(_item: Item, _caller: Caller): void {}

  /** The item was never delivered. False: it is not in the caller's hand any more. */
  protected untaken(_item: Item, _caller: Caller): boolean {
    return true
  }

  /** Queues an item again, where it stood. */
  protected giveBack(item: Item): void {
    if (this.isDropped) this.finish()
    else {
      this.items.insert(item, other => other.sequence > item.sequence)
      this.serve()
    }
  }

  /** Gives the waiting what there is: items to those who get, room to those who put. */
  protected serve(): void {
    for (;;) {
      const get: Get | undefined = this.size > 0 ? this.#gets.first : undefined
      if (get !== undefined) {
        get.serve(this.#take(get.call))
        continue
      }
      const put = this.isFull ? undefined : this.#puts.first
      if (put === undefined) return
      this.unfinished++
      this.items.push({ value: put.data, sequence: this.#sequence++, deliveries: 0 })
      put.serve()
    }
  }

  // ── done ──

  /** An item is done. */
  protected finish(): void {
    if (--this.unfinished === 0) for (const join of this.#joins.all()) join.serve()
  }

  taskDone(_caller: Caller): void {
    if (this.unfinished <= 0) throw valueError('task_done() called too many times')
    this.finish()
  }

  join(call: Call, seconds: number): boolean | Promise<boolean> {
    if (this.unfinished === 0) return true
    if (seconds <= 0) return false
    return this.#joins.wait(call, seconds, () => false, undefined).then(outcome => outcome !== false)
  }

  // ── the end ──

  /** No more puts; gets take what is there. `immediate`: what is queued is dropped, and counts as done. */
  shutdown(immediate: boolean): void {
    this.#isShut = true
    for (const put of this.#puts.all()) put.fail(shutDown())
    if (immediate) {
      this.isDropped = true
      for (const _ of this.items.clear()) this.finish()
    }
    if (this.size === 0) for (const get of this.#gets.all()) get.fail(shutDown())
  }
}

const shutDown = (): ShutDownError => new ShutDownError('Expected a queue that is in use, but it was shut down')
const empty = (): EmptyError => new EmptyError('Expected an item in the queue, but it is empty')

/** The seconds that a put() or get() may wait. */
export function patience(block: unknown, timeout: unknown): number {
  if (block !== undefined && !isTrue(block)) return 0
  const seconds = secondsOf(timeout)
  if (seconds < 0) throw valueError("'timeout' must be a non-negative number")
  return seconds
}

export const queueMethods: Record<string, readonly [string, Method<HostedQueue>]> = {
  empty: ['', queue => queue.size === 0],
  full: ['', queue => queue.isFull],
  get: ['block?, timeout?', (queue, a, call) => queue.get(call, patience(a[0], a[1]))],
  get_nowait: ['', (queue, _, call) => queue.get(call, 0)],
  join: ['', (queue, _, call) => nothing(queue.join(call, Number.POSITIVE_INFINITY))],
  put: ['item, block?, timeout?', (queue, a, call) => queue.put(call, a[0], patience(a[1], a[2]))],
  put_nowait: ['item', (queue, a, call) => queue.put(call, a[0], 0)],
  qsize: ['', queue => queue.size],
  shutdown: ['immediate?', (queue, a) => queue.shutdown(isTrue(a[0]))],
  task_done: ['', (queue, _, call) => queue.taskDone(call.caller)],

  // for JavaScript
  getMany: ['max, block?, timeout?', (queue, a, call) => queue.getMany(call, integer(a[0]), patience(a[1], a[2]))],
  // as join, but gives false when the time is over
  joinFor: ['timeout?', (queue, a, call) => queue.join(call, secondsOf(a[0]))],
  maxsize: ['', queue => queue.maxsize],
}

function nothing(outcome: unknown): undefined | Promise<undefined> {
  return outcome instanceof Promise ? outcome.then(() => undefined) : undefined
}

export const queueType = defineType<HostedQueue>({
  typeid: 'Queue',
  init: 'maxsize?',
  create: ([maxsize]) => new HostedQueue(maxsize),
  methods: queueMethods,
})
