/** What a call of the user's waits for: one result, or all of a list. */
import type { Job } from './backlog.ts'
import type { Callee } from './callees.ts'
import { ABORTED } from './current-task.ts'
import type { Engine, Feeder } from './engine.ts'
import { Reader, type Sink } from './reader.ts'
import { addCallSite } from './stacks.ts'
import { FAIL_FAST } from './worker.ts'

/** Tasks that wait, at most, of an input that is read as it comes. */
const MOST_READ = 4096

/** apply(): one call. */
export class Single implements Job {
  readonly callee: Callee
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #site: { stack?: string }
  readonly isOne = true
  readonly batch = 0
  over = false
  /** Called once it is settled, in whatever way. */
  onSettled: (() => void) | undefined

  constructor(
    callee: Callee,
    site: { stack?: string },
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.callee = callee
    this.#site = site
    this.#resolve = resolve
    this.#reject = reject
  }

  done(_index: number, value: unknown): void {
    this.over = true
    this.onSettled?.()
    this.#resolve(value)
  }

  failed(_index: number, error: unknown): void {
    if (this.over) return
    this.over = true
    this.onSettled?.()
    addCallSite(error, this.#site)
    this.#reject(error)
  }
}

export type Progress = (done: number, total: number | undefined) => void

export interface WholePlan {
  readonly shape: number
  readonly chunksize: number
  readonly failFast: boolean
  readonly signal: AbortSignal | undefined
  readonly onProgress: Progress | undefined
}

let batches = 0

/** map(): all results in order, or the first error. */
export class Whole implements Job, Feeder, Sink {
  readonly callee: Callee
  readonly #engine: Engine
  readonly #plan: WholePlan
  readonly #site: { stack?: string }
  readonly #resolve: (results: unknown[]) => void
  readonly #reject: (error: unknown) => void
  readonly isOne = false
  /** Set when nothing happens before the last result: no progress is told, and no more input is read. */
  batch = 0
  #results: unknown[] = []
  #reader: Reader | undefined
  #chunk: unknown[] = []
  #given = 0
  /** How many there are; undefined while the input is still read. */
  #total: number | undefined
  #settled = 0
  #failure: { index: number; error: unknown } | undefined
  over = false

  constructor(
    callee: Callee,
    engine: Engine,
    plan: WholePlan,
    site: { stack?: string },
    resolve: (results: unknown[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.callee = callee
    this.#engine = engine
    this.#plan = plan
    this.#site = site
    this.#resolve = resolve
    this.#reject = reject
    plan.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  readonly #onAbort = (): void => this.#end(this.#plan.signal?.reason, true)

  // ── the input ──

  /** All items, which are there; the list stays the caller's. */
  giveAll(items: readonly unknown[]): void {
    const { chunksize } = this.#plan
    const total = items.length
    this.#total = total
    this.#results = new Array(total) // they come in any order, and far from each other: the engine would make a dictionary
    if (this.#engine.room !== Infinity) {
      this.readFrom(items.slice().values())
      return
    }
    if (this.#plan.onProgress === undefined) {
      batches = (batches % 2 ** 30) + 1
      this.batch = batches
    }
    for (let i = 0; i < total; i += chunksize) {
      if (chunksize === 1) this.#engine.enqueue(this, this.#shape, items[i], i, 0)
      else {
        const count = Math.min(chunksize, total - i)
        const chunk = items.slice(i, i + count)
        chunk.length = count // whoever is told of each task may have made the list shorter
        this.#engine.enqueue(this, this.#shape, chunk, i, count)
      }
    }
    this.#engine.start()
    this.#look()
  }

  /** Items that come, as there is room for them. */
  readFrom(input: Iterator<unknown> | AsyncIterator<unknown>): void {
    this.#reader = new Reader(input, this)
    this.#engine.addFeeder(this)
    this.#reader.read()
  }

  get #shape(): number {
    return this.#plan.shape | (this.#plan.failFast ? FAIL_FAST : 0)
  }

  mayRead(): boolean {
    return !this.over && this.#engine.room > 0 && this.#engine.queued < MOST_READ
  }

  accept(item: unknown): void {
    this.#chunk.push(item)
    if (this.#chunk.length >= this.#plan.chunksize) this.#flush()
  }

  #flush(): void {
    const items = this.#chunk
    if (items.length === 0) return
    this.#chunk = []
    const index = this.#given
    this.#given += items.length
    if (this.#plan.chunksize === 1) this.#engine.giveLater(this, this.#shape, items[0], index, 0)
    else this.#engine.giveLater(this, this.#shape, items, index, items.length)
  }

  end(failure: { error: unknown } | undefined): void {
    if (failure !== undefined) {
      this.#end(failure.error, false)
      return
    }
    this.#flush()
    this.#total = this.#given
    this.#engine.removeFeeder(this)
    this.#look()
  }

  feed(): void {
    this.#reader?.read()
  }

  /** It reads on by itself. */
  readonly busy = true

  cutOff(reason: unknown): void {
    this.#end(reason, false)
  }

  // ── the results ──

  done(index: number, value: unknown): void {
    if (this.over) return
    this.#results[index] = value
    this.#itemSettled()
  }

  failed(index: number, error: unknown): void {
    if (this.over) return
    if (this.#plan.failFast) {
      this.#end(error, false)
      return
    }
    if (this.#failure === undefined || index < this.#failure.index) this.#failure = { index, error }
    this.#itemSettled()
  }

  #itemSettled(): void {
    this.#settled++
    if (this.#plan.onProgress !== undefined) {
      try {
        this.#plan.onProgress(this.#settled, this.#total)
      } catch (error) {
        this.#end(error, false) // it is the caller's own
        return
      }
    }
    this.#look()
  }

  /** It ends with this error; what was not begun is not run. */
  #end(error: unknown, kills: boolean): void {
    if (this.over) return
    this.#leave()
    this.#engine.abandonAll(this, ABORTED, kills)
    addCallSite(error, this.#site)
    this.#reject(error)
  }

  #leave(): void {
    this.over = true
    this.#plan.signal?.removeEventListener('abort', this.#onAbort)
    this.#reader?.stop()
    this.#engine.removeFeeder(this)
  }

  #look(): void {
    if (this.over || this.#settled !== this.#total) return
    this.#leave()
    if (this.#failure === undefined) this.#resolve(this.#results)
    else {
      addCallSite(this.#failure.error, this.#site)
      this.#reject(this.#failure.error)
    }
  }
}
