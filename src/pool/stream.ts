/**
 * imap(): results as they come, of an input that is read as they are taken.
 *
 *   input ──read, at most `ahead` items more than were taken──▶ tasks ──▶ results that wait ──next()──▶ the caller
 *
 * Leaving early (return(), an error, an abort) gives everything back: what was not begun is not run, and the input is told.
 */
import { TimeoutError } from '../contract/errors.ts'
import { LONGEST_TIMER } from '../contract/waiting.ts'
import type { Job } from './backlog.ts'
import type { Callee } from './callees.ts'
import { ABORTED } from './current-task.ts'
import type { Engine, Feeder } from './engine.ts'
import type { Progress } from './jobs.ts'
import { Reader, type Sink } from './reader.ts'
import { addCallSite } from './stacks.ts'
import { FAIL_FAST } from './worker.ts'

export interface StreamPlan {
  readonly shape: number
  readonly chunksize: number
  /** Items that may be read before their results are taken. */
  readonly ahead: number
  readonly ordered: boolean
  readonly failFast: boolean
  readonly signal: AbortSignal | undefined
  readonly onProgress: Progress | undefined
  /** When everything must be there, performance.now(); Infinity: whenever. */
  readonly deadline: number
  readonly what: string
}

/** Tasks that wait, at most, of an input that is read whether results are taken or not. */
const MOST_READ = 4096

type Result = IteratorResult<unknown, undefined>

interface Settled {
  readonly failed: boolean
  readonly value: unknown
}

interface Taker {
  resolve(result: Result): void
  reject(error: unknown): void
}

export class Stream implements Job, Feeder, Sink, AsyncIterableIterator<unknown> {
  readonly callee: Callee
  readonly #engine: Engine
  readonly #plan: StreamPlan
  readonly #site: { stack?: string }
  readonly #reader: Reader
  /** By index, when ordered; otherwise by when it came. */
  readonly #waiting = new Map<number, Settled>()
  readonly #takers: Taker[] = []
  #chunk: unknown[] = []
  #read = 0
  #taken = 0
  #arrived = 0
  /** Items that will be settled: those of whole chunks that were given. */
  #given = 0
  /** The input has ended: all of it is given. */
  #ended = false
  #inputError: { error: unknown } | undefined
  #timer: NodeJS.Timeout | undefined
  readonly isOne = false
  readonly batch = 0
  over = false

  constructor(
    callee: Callee,
    engine: Engine,
    input: Iterator<unknown> | AsyncIterator<unknown>,
    plan: StreamPlan,
    site: { stack?: string },
  ) {
    this.callee = callee
    this.#engine = engine
    this.#reader = new Reader(input, this)
    this.#plan = plan
    this.#site = site
    plan.signal?.addEventListener('abort', this.#onAbort, { once: true })
    engine.addFeeder(this)
    this.#reader.read()
  }

  readonly #onAbort = (): void => this.#fail(this.#plan.signal?.reason, true)

  // ── reading ──

  mayRead(): boolean {
    if (this.over || this.#ended || this.#engine.room <= 0) return false
    const { chunksize, ahead } = this.#plan
    const need = this.#chunk.length > 0 ? 1 : Math.min(chunksize, ahead)
    if (ahead === Infinity) return this.#engine.queued < MOST_READ
    return this.#read - this.#taken + need <= ahead
  }

  accept(item: unknown): void {
    if (this.over) return
    this.#read++
    this.#chunk.push(item)
    if (this.#chunk.length >= Math.min(this.#plan.chunksize, this.#plan.ahead)) this.#flush()
  }

  #flush(): void {
    const items = this.#chunk
    if (items.length === 0) return
    this.#chunk = []
    const { chunksize, failFast, shape } = this.#plan
    const index = this.#given
    this.#given += items.length
    const how = shape | (failFast ? FAIL_FAST : 0)
    if (chunksize === 1) this.#engine.giveLater(this, how, items[0], index, 0)
    else this.#engine.giveLater(this, how, items, index, items.length)
  }

  end(failure: { error: unknown } | undefined): void {
    if (failure === undefined) this.#flush()
    this.#ended = true
    this.#inputError = failure
    this.#engine.removeFeeder(this)
    this.#serve()
  }

  feed(): void {
    this.#reader.read()
  }

  /** Somebody waits for what is still to be read. */
  get busy(): boolean {
    return this.#takers.length > 0 || this.#plan.ahead === Infinity
  }

  cutOff(reason: unknown): void {
    if (this.over || this.#ended) return
    this.#reader.stop()
    this.#ended = true
    this.#inputError = { error: reason }
    this.#engine.removeFeeder(this)
    this.#serve()
  }

  // ── results ──

  done(index: number, value: unknown): void {
    this.#arrive(index, { failed: false, value })
  }

  failed(index: number, error: unknown): void {
    this.#arrive(index, { failed: true, value: error })
  }

  #arrive(index: number, settled: Settled): void {
    if (this.over) return
    this.#waiting.set(this.#plan.ordered ? index : this.#arrived, settled)
    this.#arrived++
    if (this.#plan.onProgress !== undefined) {
      try {
        this.#plan.onProgress(this.#arrived, this.#ended ? this.#given : undefined)
      } catch (error) {
        this.#fail(error, false)
        return
      }
    }
    this.#serve()
  }

  /** Gives those who wait what is there. */
  #serve(): void {
    while (this.#takers.length > 0 && !this.over) {
      const settled = this.#waiting.get(this.#taken)
      if (settled === undefined) {
        if (this.#ended && this.#taken >= this.#given) this.#finish(this.#inputError)
        break
      }
      this.#waiting.delete(this.#taken)
      this.#taken++
      this.#clearTimer()
      const taker = this.#takers.shift() as Taker
      if (!settled.failed) taker.resolve({ done: false, value: settled.value })
      else {
        addCallSite(settled.value, this.#site)
        taker.reject(settled.value)
        if (this.#plan.failFast) this.#leave()
      }
    }
    if (this.over) for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined })
    else {
      this.#reader.read()
      this.#setTimer()
    }
  }

  /** The end, or the error of the input. */
  #finish(failure: { error: unknown } | undefined): void {
    if (failure !== undefined) this.#takers.shift()?.reject(failure.error)
    this.#leave()
  }

  #fail(error: unknown, kills: boolean): void {
    if (this.over) return
    addCallSite(error, this.#site)
    const first = this.#takers.shift()
    if (first === undefined) this.#afterwards = { error }
    this.#leave(kills)
    first?.reject(error)
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined })
  }

  /** An error that nobody waited for; whoever comes next gets it. */
  #afterwards: { error: unknown } | undefined

  #leave(kills = false): void {
    if (this.over) return
    this.over = true
    this.#clearTimer()
    this.#waiting.clear()
    this.#chunk = []
    this.#plan.signal?.removeEventListener('abort', this.#onAbort)
    this.#reader.stop()
    this.#ended = true
    this.#engine.abandonAll(this, ABORTED, kills)
    this.#engine.removeFeeder(this)
  }

  // ── for the caller ──

  next(): Promise<Result> {
    if (this.#afterwards !== undefined) {
      const { error } = this.#afterwards
      this.#afterwards = undefined
      return Promise.reject(error)
    }
    if (this.over) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject })
      this.#serve()
    })
  }

  return(): Promise<Result> {
    this.#leave()
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined })
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  // ── the time limit ──

  #setTimer(): void {
    const { deadline, what } = this.#plan
    if (deadline === Infinity || this.#timer !== undefined || this.#takers.length === 0) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        if (performance.now() < deadline) this.#setTimer()
        else this.#fail(new TimeoutError(`${what} timed out: not all results were there in time`), false)
      },
      Math.max(0, Math.min(LONGEST_TIMER, Math.ceil(deadline - performance.now()))),
    )
  }

  #clearTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
