/**
 * This process as a client of a manager's server: many calls under way over one pipe, all those of one turn in one message,
 * answered in any order.
 *
 *   call() ──record──▶ batch ──end of the turn──▶ pipe ──▶ server          pipe ──▶ records ──▶ promises
 *
 * A call is a number, used again once it is answered: its promise lies under that number in two arrays. While calls are under way
 * somebody stands in the pipe's line and keeps the event loop alive; without any, nobody does.
 *
 * After sending it looks for the answer for some microseconds: a call takes less than putting the process to sleep.
 *
 * The server's end is seen in the pipe (nobody holds its other end), and in the word of its participant in case it ended before
 * it had taken its end of the pipe. Either fails all calls under way, and all later ones at once.
 */
import { setMaxListeners } from 'node:events'
import { relax } from '#words'
import { Hope } from '../arena/hope.ts'
import type { Session } from '../arena/session.ts'
import { BUSY, NONE } from '../arena/until.ts'
import type { Arrived } from '../channel/envelope.ts'
import type { PipeEnd } from '../channel/pipe-end.ts'
import { ClosedError, MultiprocError, OutOfSharedMemoryError, TimeoutError } from '../contract/errors.ts'
import { LONGEST_TIMER } from '../contract/waiting.ts'
import { Arrival, Batch, CALL, DROPPED, NAME, NOTHING, RECALL, VALUE, WITHDRAW, WITHDRAWN } from './batch.ts'
import { failureOf } from './failure.ts'
import type { Limits, Link } from './remote.ts'

/** Messages taken in one go. */
const MOST = 64
/** Looking for an answer lasts this long, ms. */
const LOOK = 0.012
/** With more calls under way their answers come in their own time. */
const FEW = 8

/** A server that does not answer for so long stands still: it was stopped, or an object of the user's computes. ms */
const GRACE = 1000
const LONGEST_TIMEOUT = LONGEST_TIMER - GRACE

type Settle = (value: any) => void

/** The server, as a client knows it. */
export interface ServerSeen {
  /** It has ended, says the kernel. */
  isGone(): boolean
  /** The error for all who call, once it has; undefined: it lives. */
  ending(): Promise<MultiprocError | undefined> | MultiprocError | undefined
}

export class Client implements Link {
  readonly #end: PipeEnd
  readonly #server: ServerSeen
  readonly #batch: Batch
  readonly #arrival = new Arrival()
  readonly #names = new Map<string, number>()
  readonly #resolves: (Settle | undefined)[] = []
  readonly #rejects: (Settle | undefined)[] = []
  readonly #free: number[] = []
  /** Numbers of calls that nobody waits for and that the server has not given up yet. */
  readonly #recalled = new Set<number>()
  #underWay = 0
  #flushing = false
  /** Messages that wait for room in the pipe. */
  #sending = 0
  readonly #spins: boolean
  #receiving = false
  readonly #hope = new Hope()
  /** Why no call is possible any more. */
  #failure: MultiprocError | undefined
  #failing: Promise<void> | undefined

  constructor(session: Session, end: PipeEnd, server: ServerSeen) {
    this.#end = end
    this.#server = server
    this.#batch = new Batch(session)
    this.#spins = session.sleeper.spinning
  }

  call(ident: number, method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#call(ident, method, args, resolve, reject)
    })
  }

  wait(ident: number, method: string, args: readonly unknown[], limits: Limits): Promise<unknown> {
    const { signal, timeout } = limits
    if (signal === undefined && timeout === Number.POSITIVE_INFINITY) return this.call(ident, method, args)
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const settled = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const id = this.#call(
        ident,
        method,
        args,
        value => {
          settled()
          resolve(value)
        },
        error => {
          settled()
          reject(error === TAKEN_BACK ? signal?.reason : error)
        },
      )
      // the server says that it gave the call up, or that it was too late for that; unless it stands still
      const onAbort = () => {
        this.#batch.add(WITHDRAW, id)
        this.#flushSoon()
        clearTimeout(timer)
        timer = setTimeout(() => this.#recall(id, () => signal?.reason), GRACE)
      }
      if (id < 0) return
      if (signal !== undefined) {
        setMaxListeners(0, signal) // many waits with one signal are no leak
        signal.addEventListener('abort', onAbort, { once: true })
      }
      if (timeout <= LONGEST_TIMEOUT) {
        timer = setTimeout(() => this.#recall(id, () => notAnswered(method, timeout)), timeout + GRACE)
      }
    })
  }

  /** The server stands still: whoever called waits no more. What the call took meanwhile goes back when the server goes on. */
  #recall(id: number, error: () => unknown): void {
    const reject = this.#rejects[id]
    this.#drain()
    if (reject === undefined || this.#rejects[id] !== reject) return // it is answered
    this.#resolves[id] = undefined
    this.#rejects[id] = undefined
    this.#recalled.add(id)
    this.#underWay--
    this.#batch.add(RECALL, id)
    this.#flushSoon()
    reject(error())
  }

  /** Gives the number of the call; -1 when it was rejected. */
  #call(ident: number, method: string, args: readonly unknown[], resolve: Settle, reject: Settle): number {
    if (this.#failure !== undefined || this.#failing !== undefined) {
      this.#rejectLate(reject)
      return -1
    }
    const id = this.#free.pop() ?? this.#resolves.length
    try {
      this.#batch.addValue(CALL, id, ident, this.#numberOf(method), args)
    } catch (error) {
      this.#free.push(id)
      if (id === this.#resolves.length) this.#resolves.length = this.#rejects.length = id + 1
      reject(error)
      return -1
    }
    this.#resolves[id] = resolve
    this.#rejects[id] = reject
    this.#underWay++
    this.#flushSoon()
    return id
  }

  #rejectLate(reject: Settle): void {
    if (this.#failure !== undefined) reject(this.#failure)
    else this.#failing?.then(() => reject(this.#failure))
  }

  /** Told to the server with the first call of it. */
  #numberOf(method: string): number {
    const known = this.#names.get(method)
    if (known !== undefined) return known
    const number = this.#names.size
    this.#batch.addValue(NAME, number, 0, 0, method)
    this.#names.set(method, number)
    return number
  }

  dropped(ident: number): void {
    if (this.#failure !== undefined) return
    this.#batch.add(DROPPED, ident)
    this.#flushSoon()
  }

  // ── sending ──

  #flushSoon(): void {
    if (this.#batch.full) this.#flush()
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(this.#flushNow)
  }

  readonly #flushNow = () => {
    this.#flushing = false
    this.#flush()
    if (this.#underWay > 0 && this.#underWay <= FEW && this.#spins) this.#look()
    if (this.#underWay > 0 && !this.#receiving) this.#receive()
  }

  #flush(): void {
    if (this.#batch.length === 0 || this.#end.closed || (this.#sending > 0 && !this.#batch.full)) return
    try {
      const out = this.#batch.pack()
      const waits = this.#end.post('a call of a manager', out)
      this.#batch.clear()
      if (waits !== undefined) this.#sendLater(waits)
    } catch (error) {
      if (error instanceof OutOfSharedMemoryError) this.#refuse(error)
      else this.#fail(error)
      this.#batch.clear()
    }
  }

  /** The batch does not fit into the memory that is left. Nothing of it was sent. */
  #refuse(error: OutOfSharedMemoryError): void {
    this.#names.clear() // some may have been in it
    for (const id of this.#batch.numbersOf([CALL])) {
      const reject = this.#rejects[id]
      this.#resolves[id] = undefined
      this.#rejects[id] = undefined
      this.#free.push(id)
      this.#underWay--
      reject?.(error)
    }
  }

  /** More lies unread than the pipe takes at once. */
  async #sendLater(waits: Promise<void>): Promise<void> {
    this.#sending++
    try {
      await waits
    } catch (error) {
      this.#fail(error)
    }
    this.#sending--
    this.#flush()
  }

  // ── receiving ──

  /** For some microseconds, when that pays. */
  #look(): void {
    if (!this.#hope.looks) return
    const began = performance.now()
    for (;;) {
      for (let i = 0; i < 20; i++) {
        if (this.#drain() !== 0) {
          this.#hope.paid()
          return
        }
        relax()
      }
      const took = performance.now() - began
      if (took < LOOK) continue
      this.#hope.inVain(took)
      return
    }
  }

  #drain(): number {
    try {
      const got = this.#end.tryDrain(this.#arrived, MOST)
      return got === NONE || got === BUSY ? 0 : got
    } catch (error) {
      this.#fail(error)
      return -1
    }
  }

  async #receive(): Promise<void> {
    this.#receiving = true
    try {
      while (this.#underWay > 0) await this.#end.untilReceived('a call of a manager', this.#attempt)
    } catch (error) {
      this.#fail(error)
    }
    this.#receiving = false
    if (this.#underWay > 0 && this.#failing === undefined && this.#failure === undefined) this.#receive()
  }

  readonly #attempt = () => {
    if (this.#underWay === 0) return 0
    const got = this.#end.tryDrain(this.#arrived, MOST)
    if (got === NONE && this.#server.isGone()) throw new MultiprocError('The server of the manager has ended')
    return got
  }

  readonly #arrived = (message: Arrived) => {
    const opened = message.open()
    try {
      this.#arrival.each(opened, this.#settle)
    } finally {
      opened.free()
    }
  }

  readonly #settle = (arrival: Arrival) => {
    const { kind, a: id } = arrival
    const resolve = this.#resolves[id]
    const reject = this.#rejects[id]
    if (resolve === undefined || reject === undefined) {
      if (kind === WITHDRAWN && this.#recalled.delete(id)) this.#free.push(id)
      return
    }
    let value: unknown
    let isValue = kind === VALUE || kind === NOTHING
    if (kind !== NOTHING && kind !== WITHDRAWN) {
      try {
        value = arrival.value()
      } catch (error) {
        isValue = false
        value = error
      }
    }
    this.#resolves[id] = undefined
    this.#rejects[id] = undefined
    this.#free.push(id)
    this.#underWay--
    if (isValue) resolve(value)
    else reject(kind === WITHDRAWN ? TAKEN_BACK : failureOf(value, 'the server of a manager'))
  }

  // ── the end of it ──

  /** No call is possible any more, because of `cause` or the server's end. */
  #fail(cause: unknown): void {
    if (this.#failing !== undefined) return
    this.#failing = this.#giveUp(cause)
  }

  async #giveUp(cause: unknown): Promise<void> {
    const ended = await this.#server.ending()
    this.close(
      ended ??
        new MultiprocError('Expected the manager to serve this process, but the pipe between them is broken', {
          cause,
        }),
    )
  }

  /** Fails what is under way and all that comes with `failure`. */
  close(
    failure: MultiprocError = new ClosedError('Expected a manager that is open, but shutdown() was called on it'),
  ): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.#failing ??= Promise.resolve()
    const rejects = this.#rejects.splice(0)
    this.#resolves.length = 0
    this.#underWay = 0
    this.#end.close()
    for (const reject of rejects) reject?.(failure)
  }
}

const TAKEN_BACK = Symbol('taken back')

function notAnswered(method: string, timeout: number): TimeoutError {
  return new TimeoutError(
    `${method}() of a manager's object timed out after ${timeout} ms: the manager does not answer`,
  )
}
