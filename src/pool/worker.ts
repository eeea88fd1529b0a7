/**
 * What a worker of a pool does: take a task, run it, lay down the result; until it is told to go, has done as many as it
 * should, or has become too large.
 *
 * Its event loop goes on all the time: a task may be asynchronous, and what tasks leave running (timers, sockets) lives.
 */
import type { Connection } from '../channel/connection.ts'
import type { Queue } from '../channel/queue.ts'
import { awayItem, clock, recordItem, type Taken, type TaskBoard } from '../channel/task-board.ts'
import { plainFailure } from '../codec/failure.ts'
import { NotSerializableError, OutOfSharedMemoryError } from '../contract/errors.ts'
import { setImporting } from '../process/family.ts'
import { lastLines, type StderrPlace, speakTo } from '../process/last-words.ts'
import { type AnyFunction, loadTarget } from '../process/load-target.ts'
import { show } from '../process/print.ts'
import type { ResolvedTarget } from '../process/target.ts'
import { running } from './current-task.ts'
import { renamed } from './renamed.ts'

/** How the function is called: with the value, or with the items of it. */
export const ONE = 0
export const SPREAD = 1
/** Beside it: a task of many items ends with the first that fails. */
export const FAIL_FAST = 2

/** What a worker is told when it starts. */
export interface Setup {
  readonly serial: number
  readonly board: TaskBoard
  readonly results: Queue<Parcel>
  readonly control: Connection<never, Order>
  /** Undefined in a thread, whose standard error is that of the whole process. */
  readonly stderr: StderrPlace | undefined
  readonly initializer: ResolvedTarget | undefined
  readonly initargs: readonly unknown[]
  readonly teardown: ResolvedTarget | undefined
  readonly maxTasks: number
  readonly memoryLimit: number
  readonly isThread: boolean
}

/** From the pool: look whether your task is to be aborted; or, go. */
export type Order = 'look' | 'go'

/** To the pool: a result that found no room on the board (slot, item or -1, whether it is an error, the result); or news of a worker. */
export type Parcel =
  | [slot: number, item: number, failed: boolean, value: unknown]
  | [slot: -1, serial: number, news: News, value: unknown]
export type News = 'ready' | 'unfit' | 'leaving' | 'words'

/** ms for which a worker may run without a turn of its event loop, if its tasks let it. */
const LONGEST_STREAK = 10
/** Results of which the pool is not told at once, at most. */
const MOST_UNTOLD = 16
/** Memory is looked at this often, ms. */
const LOOK_AT_MEMORY = 20

/** The life of a worker; the target of its process. */
export async function work(setup: Setup): Promise<void> {
  if (setup.stderr !== undefined) speakTo(setup.stderr)
  else keepLastWords(setup)
  const worker = new Worker(setup)
  void worker.obey()
  if (!(await worker.initialise())) process.exit(1)
  await worker.live()
  await worker.leave()
  process.exit(0)
}

class Worker {
  readonly #setup: Setup
  readonly #board: TaskBoard
  readonly #serial: number
  readonly #functions = new Map<number, AnyFunction>()
  #going = false
  #slot = -1
  #lastTurn = performance.now()
  #lastLook = performance.now()
  /** Tasks of this batch that are done and that the pool was not told of: it wants all of them, and would wake in vain. */
  #batch = 0
  #untold = 0

  constructor(setup: Setup) {
    this.#setup = setup
    this.#board = setup.board
    this.#serial = setup.serial
    running.why = () => (this.#slot < 0 ? 0 : this.#board.askedToStop(this.#slot))
  }

  /** Does what the pool says, until it says no more. */
  async obey(): Promise<void> {
    try {
      for await (const order of this.#setup.control) {
        if (order === 'look') running.look()
        else this.#go()
      }
    } finally {
      this.#go()
    }
  }

  #go(): void {
    this.#going = true
    this.#board.wakeTakers()
  }

  async initialise(): Promise<boolean> {
    const { initializer, initargs } = this.#setup
    try {
      if (initializer !== undefined) await (await importTarget(initializer))(...initargs)
    } catch (error) {
      this.#tell('unfit', error)
      return false
    }
    this.#tell('ready', undefined)
    return true
  }

  #tell(news: News, value: unknown): void {
    const { results } = this.#setup
    try {
      results.putSync([-1, this.#serial, news, value])
    } catch {
      results.putSync([-1, this.#serial, news, plainFailure(value)])
    }
    this.#board.tell()
  }

  async live(): Promise<void> {
    const board = this.#board
    let left = this.#setup.maxTasks
    while (!this.#going) {
      let slot = board.tryTake(this.#serial)
      if (slot < 0) {
        this.#tellResults()
        slot = await board.take(this.#serial, () => this.#going)
        if (slot < 0) return
        this.#lastTurn = performance.now()
      }
      this.#slot = slot
      const task = board.read(slot)
      if (task.batch !== this.#batch) this.#tellResults()
      const going = this.#run(task)
      if (going !== undefined) await going
      left -= Math.max(1, task.count)
      const now = performance.now()
      if (left <= 0 || this.#isTooLarge(now)) return
      if (now - this.#lastTurn > LONGEST_STREAK) {
        if (!board.hasTasks) this.#tellResults()
        await this.#turn() // in which handles are let go of
      }
      board.collectYoung()
    }
  }

  /** The pool is told of the tasks that it was not told of. */
  #tellResults(): void {
    if (this.#untold === 0) return
    this.#untold = 0
    this.#board.wakeGiver()
  }

  #turn(): Promise<void> {
    return new Promise(resolve => {
      setImmediate(() => {
        this.#lastTurn = performance.now()
        resolve()
      })
    })
  }

  #isTooLarge(now: number): boolean {
    const { memoryLimit, isThread } = this.#setup
    if (memoryLimit === Infinity || now - this.#lastLook < LOOK_AT_MEMORY) return false
    this.#lastLook = now
    if (!isThread) return process.memoryUsage.rss() > memoryLimit
    return process.memoryUsage().heapTotal > memoryLimit
  }

  /** Says that it takes no more, and tidies up. */
  async leave(): Promise<void> {
    this.#going = true
    this.#board.passOn()
    this.#tell('leaving', undefined)
    const { teardown } = this.#setup
    if (teardown !== undefined) await (await importTarget(teardown))()
  }

  // ── one task ──

  /** Runs it to its end; a promise when that takes turns of the event loop. */
  #run(task: Taken): Promise<void> | undefined {
    const fn = this.#functions.get(task.fn)
    if (fn === undefined) return this.#runAfterImport(task)
    return task.count > 0 ? this.#runMany(task, fn) : this.#runOne(task, fn)
  }

  async #runAfterImport(task: Taken): Promise<void> {
    try {
      const definition = this.#board.definition(task.slot) as ResolvedTarget
      this.#functions.set(task.fn, await importTarget(definition))
    } catch (error) {
      this.#board.begin(task.slot, clock())
      this.#settle(task, error, true)
      return
    }
    await this.#run(task)
  }

  #runOne(task: Taken, fn: AnyFunction): Promise<void> | undefined {
    const { slot, shape } = task
    let result: unknown
    this.#board.begin(slot, clock())
    try {
      const value = this.#board.value(slot)
      running.begin(task.index, task.attempt)
      result = (shape & SPREAD) === 0 ? fn(value) : fn(...(value as unknown[]))
    } catch (error) {
      this.#settle(task, error, true)
      return undefined
    }
    if (!isThenable(result)) {
      this.#settle(task, result, false)
      return undefined
    }
    return Promise.resolve(result).then(
      value => this.#settle(task, value, false),
      error => this.#settle(task, error, true),
    )
  }

  #settle(task: Taken, value: unknown, failed: boolean): void {
    const { slot } = task
    let lies = false
    try {
      lies = this.#board.result(slot, value, failed)
    } catch {
      // it cannot travel; whoever tries again can say why
    }
    if (!lies) {
      // an error takes the place of a result that cannot travel
      if (!this.#send(slot, -1, failed, value) && !failed) this.#board.result(slot, new Error(), true)
    }
    this.#finish(slot, lies && !failed ? task.batch : 0)
  }

  #finish(slot: number, batch: number): void {
    running.end()
    this.#slot = -1
    const quietly = batch !== 0 && this.#untold < MOST_UNTOLD
    this.#untold = quietly ? this.#untold + 1 : 0
    this.#batch = batch
    this.#board.finish(slot, this.#serial, (clock() - this.#board.began(slot)) | 0, quietly)
  }

  /** By the queue beside the board. False: an error went in the place of the value. */
  #send(slot: number, item: number, failed: boolean, value: unknown): boolean {
    const { results } = this.#setup
    try {
      results.putSync([slot, item, failed, value])
      return true
    } catch (error) {
      const reason = failed ? plainFailure(value) : renamed(error, 'value[3]', 'result')
      try {
        results.putSync([slot, item, true, reason])
      } catch (cause) {
        // then it does not arrive, and the pool says so
        if (!(cause instanceof OutOfSharedMemoryError || cause instanceof NotSerializableError)) throw cause
      }
      return false
    }
  }

  // ── a task of many items ──

  #runMany(task: Taken, fn: AnyFunction): Promise<void> | undefined {
    const { slot } = task
    this.#board.begin(slot, clock())
    let values: unknown[]
    try {
      values = this.#board.value(slot) as unknown[]
    } catch (error) {
      this.#settleItems(task, error)
      return undefined
    }
    const at = this.#runItems(task, fn, values, 0)
    if (at < 0) {
      this.#finish(slot, 0)
      return undefined
    }
    return this.#runRest(task, fn, values, at)
  }

  /** None of them can be read. */
  #settleItems(task: Taken, error: unknown): void {
    const { cells, first } = this.#board.items(task.slot)
    for (let i = 0; i < task.count; i++) {
      this.#board.beginItem(task.slot, i)
      this.#send(task.slot, i, true, error)
      awayItem(cells, first, i, true)
    }
    this.#finish(task.slot, 0)
  }

  /** The promise that item `#runItems()` stopped at has given. */
  #pending: unknown

  /** From item `from` on; -1: all are done. Otherwise the item whose promise is pending, or that is next after a turn. */
  #runItems(task: Taken, fn: AnyFunction, values: unknown[], from: number): number {
    const { slot, shape, index, attempt } = task
    const board = this.#board
    const { cells, first } = board.items(slot)
    const spread = (shape & SPREAD) !== 0
    for (let i = from; i < values.length; i++) {
      if (board.askedToStop(slot) !== 0) return -1
      if ((i & 31) === 31 && i !== from && performance.now() - this.#lastTurn > LONGEST_STREAK) {
        this.#pending = NOTHING
        return i
      }
      board.beginItem(slot, i)
      running.begin(index + i, attempt)
      let result: unknown
      try {
        result = spread ? fn(...(values[i] as unknown[])) : fn(values[i])
      } catch (error) {
        if (this.#itemFailed(task, cells, first, i, error)) return -1
        continue
      }
      if (isThenable(result)) {
        this.#pending = result
        return i
      }
      if (!recordItem(cells, first, i, result) && this.#itemAway(task, cells, first, i, result)) return -1
    }
    return -1
  }

  async #runRest(task: Taken, fn: AnyFunction, values: unknown[], at: number): Promise<void> {
    const { cells, first } = this.#board.items(task.slot)
    for (let i = at; i >= 0; ) {
      if (this.#pending === NOTHING) {
        await this.#turn()
        i = this.#runItems(task, fn, values, i)
        continue
      }
      try {
        const result = await this.#pending
        if (!recordItem(cells, first, i, result) && this.#itemAway(task, cells, first, i, result)) break
      } catch (error) {
        if (this.#itemFailed(task, cells, first, i, error)) break
      }
      i = this.#runItems(task, fn, values, i + 1)
    }
    this.#finish(task.slot, 0)
  }

  /** True: the rest need not be run. */
  #itemFailed(task: Taken, cells: Int32Array, first: number, i: number, error: unknown): boolean {
    this.#send(task.slot, i, true, error)
    awayItem(cells, first, i, true)
    return (task.shape & FAIL_FAST) !== 0
  }

  #itemAway(task: Taken, cells: Int32Array, first: number, i: number, value: unknown): boolean {
    const sent = this.#send(task.slot, i, false, value)
    awayItem(cells, first, i, !sent)
    return !sent && (task.shape & FAIL_FAST) !== 0
  }
}

/** In the place of a promise: a turn of the event loop is due. */
const NOTHING = Symbol('nothing')

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  try {
    return typeof (value as any).then === 'function'
  } catch {
    return true // whoever awaits it meets the same
  }
}

/** While its module is imported nothing may be started: the module would start itself again. */
async function importTarget(target: ResolvedTarget): Promise<AnyFunction> {
  setImporting(true)
  try {
    return await loadTarget(target, 'worker')
  } finally {
    setImporting(false)
  }
}

/** In a thread: what it writes to its standard error, told to the pool when it ends. */
function keepLastWords({ results, board, serial }: Setup): void {
  let kept = ''
  const { write } = process.stderr
  process.stderr.write = function (this: typeof process.stderr, ...args: unknown[]): boolean {
    kept = (kept + String(args[0])).slice(-4096)
    return Reflect.apply(write, this, args)
  } as typeof write
  process.on('uncaughtExceptionMonitor', error => {
    kept += show(error)
  })
  process.on('exit', () => {
    if (kept === '') return
    results.putSync([-1, serial, 'words', lastLines(kept)])
    board.tell()
  })
}
