/**
 * The tasks that lie on the board, and what comes of them: what their workers did, and what a dead worker had in hand.
 *
 * The board says who has which task, in one word each (channel/claims.ts); here is what the task was. Results that found no
 * room on the board come by the queue beside it; they are sent before a task is finished, so whoever sees it done has them.
 */
import { Queue } from '../channel/queue.ts'
import { NONE, SLOTS, TaskBoard } from '../channel/task-board.ts'
import { ClosedError, InvalidStateError } from '../contract/errors.ts'
import type { Task } from './backlog.ts'
import { Callees } from './callees.ts'
import { Durations } from './histogram.ts'
import type { News, Parcel } from './worker.ts'

/** Whom the desk tells. */
export interface Clerk {
  done(task: Task, index: number, value: unknown): void
  failed(task: Task, index: number, error: unknown): void
  /** A worker has done a task. */
  worked(serial: number): void
  /** A worker has something to say. */
  heard(serial: number, news: News, value: unknown): void
  /** There was news; all of it has been told. */
  collected(): void
}

/** What a worker sent by the queue beside the board. */
interface Away {
  readonly item: number
  readonly failed: boolean
  readonly value: unknown
}

/** Bytes of tasks that lie on the board beyond what workers need at once: more would only lie in nobody's cache. */
const MOST_BYTES = 4 * 2 ** 20

/** What it is called with is small, and nobody looks at its result before the others of its job are there. */
const mayBeToldLater = (task: Task): boolean =>
  task.count === 0 && task.packed?.bytes === 0 && task.traces === undefined

export class Desk {
  readonly board = new TaskBoard()
  readonly results = new Queue<Parcel>()
  readonly callees = new Callees()
  readonly runTime = new Durations()
  readonly waitTime = new Durations()
  readonly #clerk: Clerk
  readonly #again: boolean
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i)
  /** By slot. */
  readonly #tasks: (Task | undefined)[] = new Array(SLOTS).fill(undefined)
  readonly #away = new Map<number, Away[]>()
  /** What could not be unpacked; whose it was is seen when a result is missing. */
  readonly #illegible: unknown[] = []
  /** Slots that are not FREE, in the order they were filled. */
  #posted: number[] = []
  /** What workers had to say, until what they did before is settled. */
  #heard: [serial: number, news: News, value: unknown][] = []
  #bytes = 0
  #news = 0
  #pumping = false
  #collecting = false

  /** `again`: a task whose worker died may be run again. */
  constructor(clerk: Clerk, again: boolean) {
    this.#clerk = clerk
    this.#again = again
  }

  /** Tasks on the board. */
  get size(): number {
    return this.#posted.length
  }

  /** Tasks on the board that nobody has taken. */
  get waiting(): number {
    let waiting = 0
    for (const slot of this.#posted) if (this.board.isWaiting(slot)) waiting++
    return waiting
  }

  /** The workers that have a task in hand. */
  get holders(): Set<number> {
    const holders = new Set(this.#posted.map(slot => this.board.holder(slot)))
    holders.delete(0)
    return holders
  }

  /** There is room for another task; `workers` of them always find some. */
  hasRoom(workers: number): boolean {
    if (this.#free.length === 0 || !this.board.hasRoom) return false
    return this.#bytes <= MOST_BYTES || this.#posted.length < 2 * workers
  }

  /** Lays a task on the board; gives its slot. Throws what pack() throws, and OutOfSharedMemoryError: then it is not there. */
  post(task: Task): number {
    const { callee } = task.job
    try {
      task.packed ??= task.count > 0 ? this.board.packItems(task.value as unknown[]) : this.board.pack(task.value)
      const slot = this.#free.at(-1) as number
      this.board.offer(slot, {
        fn: callee.id,
        definition: this.callees.definitionOf(callee, this.board),
        shape: task.shape,
        index: task.index,
        count: task.count,
        attempt: task.attempt,
        // with the board full of bytes the next task waits for room
        batch: this.#bytes <= MOST_BYTES && mayBeToldLater(task) ? task.job.batch : 0,
        value: task.packed,
        again: this.#again,
      })
      this.#free.pop()
      this.#tasks[slot] = task
      this.#posted.push(slot)
      this.#bytes += task.packed.bytes
      if (task.count === 0) task.value = undefined // from here on it is what was packed
      return slot
    } catch (error) {
      this.discard(task)
      throw error
    }
  }

  /** What a task was called with need not be kept any more. */
  discard(task: Task): void {
    if (task.packed === undefined) return
    this.board.discard(task.packed)
    task.packed = undefined
  }

  /** The slots of those tasks for which that holds, oldest first. */
  slots(is: (task: Task) => boolean): number[] {
    return this.#posted.filter(slot => is(this.#tasks[slot] as Task))
  }

  task(slot: number): Task | undefined {
    return this.#tasks[slot]
  }

  /** Takes a task back that nobody has taken; false: somebody has. */
  withdraw(slot: number): boolean {
    if (!this.board.withdraw(slot)) return false
    this.#posted.splice(this.#posted.indexOf(slot), 1)
    this.#forget(slot)
    return true
  }

  /** The slot is free. */
  #forget(slot: number): void {
    const task = this.#tasks[slot] as Task
    this.#bytes -= task.packed?.bytes ?? 0
    clearTimeout(task.timer)
    this.#tasks[slot] = undefined
    if (this.#away.size > 0) this.#away.delete(slot)
    this.#free.push(slot)
  }

  // ── results ──

  /** As long as something is on the board: waits for news, and keeps the event loop alive for it. */
  async pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#posted.length > 0) await this.board.untilNews(this.#attempt)
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error
    } finally {
      this.#pumping = false
    }
  }

  readonly #attempt = (): true | typeof NONE => {
    if (this.#posted.length === 0) return true
    const news = this.board.news()
    if (news === this.#news) return NONE
    this.#news = news
    this.collect()
    return true
  }

  /** It is being settled what is done. */
  get collecting(): boolean {
    return this.#collecting
  }

  /** Settles what is done, and hears what workers have to say. */
  collect(): void {
    this.#collecting = true
    try {
      this.#collect()
    } finally {
      this.#collecting = false
    }
  }

  #collect(): void {
    this.#drain()
    const posted = this.#posted
    const done: number[] = []
    let kept = 0
    for (let i = 0; i < posted.length; i++) {
      const slot = posted[i]
      if (this.board.isDone(slot)) done.push(slot)
      else posted[kept++] = slot
    }
    posted.length = kept
    if (done.length > 0) {
      this.#drain()
      for (const slot of done) this.#settle(slot)
    }
    if (this.#heard.length > 0) for (const said of this.#heard.splice(0)) this.#clerk.heard(...said)
    this.#clerk.collected()
  }

  /** What came by the queue. */
  #drain(): void {
    while (!this.results.closed && this.results.qsize() > 0) {
      let parcel: Parcel
      try {
        parcel = this.results.getNowait()
      } catch (error) {
        this.#illegible.push(error)
        continue
      }
      const [slot, which, how, value] = parcel
      if (slot === -1) {
        this.#heard.push([which, how as News, value])
        continue
      }
      const one: Away = { item: which, failed: how as boolean, value }
      const away = this.#away.get(slot)
      if (away === undefined) this.#away.set(slot, [one])
      else away.push(one)
    }
  }

  #settle(slot: number): void {
    const task = this.#tasks[slot] as Task
    const took = this.board.took(slot)
    this.runTime.add(task.count > 0 ? took / task.count : took)
    this.waitTime.add((this.board.began(slot) - task.since) >>> 0)
    this.#clerk.worked(this.board.doer(slot))
    if (task.count > 0) this.#settleItems(task, slot)
    else if (!task.abandoned) this.#settleOne(task, slot)
    this.#release(slot, task)
  }

  #release(slot: number, task: Task): void {
    this.board.release(slot)
    this.#forget(slot)
    this.discard(task)
  }

  #settleOne(task: Task, slot: number): void {
    let outcome: { failed: boolean; value: unknown }
    try {
      const found = this.board.outcome(slot)
      outcome = found.away ? this.#arrived(slot, -1) : found
    } catch (error) {
      outcome = { failed: true, value: error }
    }
    this.#tell(task, task.index, outcome)
  }

  /** Settles the items that have results; gives how many those are. */
  #settleItems(task: Task, slot: number): number {
    return this.board.records(slot, (i, failed, away, value) => {
      if (away) this.#tell(task, task.index + i, this.#arrived(slot, i))
      else if (failed) this.#clerk.failed(task, task.index + i, value)
      else this.#clerk.done(task, task.index + i, value)
    })
  }

  #tell(task: Task, index: number, { failed, value }: { failed: boolean; value: unknown }): void {
    if (failed) this.#clerk.failed(task, index, value)
    else this.#clerk.done(task, index, value)
  }

  #arrived(slot: number, item: number): { failed: boolean; value: unknown } {
    const away = this.#away.get(slot)?.find(one => one.item === item)
    if (away !== undefined) return away
    const why = this.#illegible.shift()
    const lost = 'Expected a result, but there was no memory to send it; return less, or raise MULTIPROC_MEMORY_LIMIT'
    return { failed: true, value: why ?? new InvalidStateError(lost) }
  }

  // ── the dead ──

  /**
   * A worker has ended: settles what it did. Of what it had in hand gives the task, or the items of it, that were not begun
   * (`rest`), and the one that it was running (`lost`); both are on the board no more.
   */
  bury(serial: number): { lost: Task | undefined; rest: Task | undefined } {
    this.collect()
    const slot = this.#posted.find(one => this.board.holder(one) === serial)
    if (slot === undefined) return { lost: undefined, rest: undefined }
    const task = this.#tasks[slot] as Task
    this.#posted.splice(this.#posted.indexOf(slot), 1)
    if (task.count === 0) {
      // what it was called with is kept: it may be run again
      this.board.release(slot)
      this.#forget(slot)
      return { lost: task, rest: undefined }
    }
    const done = this.#settleItems(task, slot)
    // between two items nothing is lost; before the first it was what made it ready for them
    const lost = this.board.begun(slot) > done || done === 0 ? 1 : 0
    const parts = {
      lost: lost > 0 && done < task.count ? task.part(done, done + 1) : undefined,
      rest: done + lost < task.count ? task.part(done + lost, task.count) : undefined,
    }
    this.#release(slot, task)
    return parts
  }

  /** All is done, and nobody is left to read it. */
  close(): void {
    this.callees.discard(this.board)
    this.board.close()
    this.results.close()
  }
}
