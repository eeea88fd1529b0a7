/**
 * What all pools are made of: tasks come in, are laid on the board as far as there is room, and are settled when their results are
 * there or their worker is dead.
 *
 *   backlog ──fill()──▶ on the board ──a worker claims it──▶ in hand ──▶ done ──collect()──▶ settled
 *      ▲                     │ taken back: aborted, or others go before      │ its worker died
 *      └─────────────────────┴──────────────── retried ◀─────────────────────┘
 *
 * Who has a task is told by one word on the board (channel/claims.ts), and who is dead by the kernel. So at any kill the task
 * that a worker had in hand is known exactly, it has not run twice, and no other is touched.
 */
import { Queue } from '../channel/queue.ts'
import { clock, NONE, type PackedValue, SLOTS, TaskBoard } from '../channel/task-board.ts'
import { ClosedError, FullError, InvalidStateError, TimeoutError } from '../contract/errors.ts'
import type { Target } from '../process/target.ts'
import { Backlog, type Job, Task } from './backlog.ts'
import { type Callee, Callees } from './callees.ts'
import { Crew, type CrewPlan, type Worker } from './crew.ts'
import { type ABORTED, TIMED_OUT } from './current-task.ts'
import { Durations } from './histogram.ts'
import { obituary } from './obituary.ts'
import { renamed } from './renamed.ts'
import { traceEnd, traceStart } from './trace.ts'
import type { Parcel } from './worker.ts'

export interface EnginePlan extends CrewPlan {
  readonly processes: number
  readonly minProcesses: number
  readonly idleTimeout: number
  readonly maxQueue: number
  readonly retries: number
}

/** What reads an input, and gives tasks as there is room. */
export interface Feeder {
  /** There may be room. */
  feed(): void
  /** It will give more by itself. */
  readonly busy: boolean
  /** It gives no more; who waits for more is told the reason. */
  cutOff(reason: unknown): void
}

/** So many workers in a row that end before they are ready are no accident. */
const MOST_STILLBORN = 3
/** Bytes of tasks that lie on the board beyond what workers need at once. */
const MOST_BYTES = 64 * 2 ** 20
const LONGEST_TIMER = 2 ** 31 - 1

/** What a worker sent by the queue beside the board. */
interface Away {
  readonly item: number
  readonly failed: boolean
  readonly value: unknown
}

const terminated = () => new ClosedError('Expected the task to be done, but its pool was terminated before that')

export class Engine {
  readonly plan: EnginePlan
  readonly backlog = new Backlog()
  readonly callees = new Callees()
  readonly runTime = new Durations()
  readonly waitTime = new Durations()
  completed = 0
  failed = 0
  readonly #board = new TaskBoard()
  readonly #results = new Queue<Parcel>()
  readonly #crew: Crew
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i)
  /** By slot. */
  readonly #tasks: (Task | undefined)[] = new Array(SLOTS).fill(undefined)
  readonly #away = new Map<number, Away[]>()
  /** Slots that are not FREE, in the order they were filled. */
  #posted: number[] = []
  #bytes = 0
  /** Tasks in the backlog that will not be run. */
  #passedOver = 0
  #news = 0
  #pumping = false
  #filling = false
  #stillborn = 0
  /** What could not be unpacked; whose it was is seen when a result is missing. */
  readonly #illegible: unknown[] = []
  #state: 'open' | 'closed' | 'terminated' = 'open'
  #broken: { error: unknown } | undefined
  #idleTimer: NodeJS.Timeout | undefined
  #disposed = false
  readonly #feeders = new Set<Feeder>()
  readonly #emptied = new Set<() => void>()

  constructor(plan: EnginePlan) {
    this.plan = plan
    this.#crew = new Crew(plan, this.#board, this.#results, worker => this.#ended(worker))
    for (let i = 0; i < plan.minProcesses; i++) this.#crew.start()
  }

  // ── tasks come in ──

  /** @throws {ClosedError} {InvalidTargetError} and the like: nothing was started */
  callee(fn: Target): Callee {
    this.assertOpen()
    return this.callees.of(fn)
  }

  assertOpen(): void {
    if (this.#state !== 'open') {
      throw new ClosedError(
        `Expected an open pool, but it was ${this.#state === 'closed' ? 'closed' : 'terminated'}: make a new one`,
      )
    }
    if (this.#broken !== undefined) {
      throw new InvalidStateError(
        'Expected a pool whose workers can start, but they cannot; see `cause` for what went wrong, mend it and make a new one',
        { cause: this.#broken.error },
      )
    }
  }

  /** How many more tasks may wait. */
  get room(): number {
    return this.plan.maxQueue - this.queued
  }

  /** @throws {FullError} */
  assertRoom(): void {
    if (this.room > 0) return
    throw new FullError(
      `Expected fewer than ${this.plan.maxQueue} waiting tasks (\`maxQueue\`), but there are ${this.queued}: wait for some, or use imap(), which reads its input as there is room`,
    )
  }

  /** A task to be run; what it is called with is packed now, so that it may be changed afterwards. Throws what pack() throws. */
  give(job: Job, shape: number, value: unknown, priority?: number, timeout?: number): Task {
    const packed = this.#board.pack(value)
    const task = new Task(job, shape, undefined, 0, 0, clock(), priority, timeout)
    task.packed = packed
    this.#add(task)
    return task
  }

  /** A task to be run; what it is called with is packed when it is laid on the board. `count`: items; 0: it is one. */
  giveLater(job: Job, shape: number, value: unknown, index: number, count: number): void {
    this.#add(new Task(job, shape, value, index, count, clock()))
  }

  /** One of many of them at once; start() follows. */
  enqueue(job: Job, shape: number, value: unknown, index: number, count: number): void {
    const task = new Task(job, shape, value, index, count, clock())
    traceStart(task)
    this.backlog.push(task)
  }

  #add(task: Task): void {
    if (this.#state === 'terminated' || this.#broken !== undefined) {
      this.#discard(task)
      this.#failWhole(task, () => this.#broken?.error ?? terminated())
      return
    }
    traceStart(task)
    this.backlog.push(task)
    if (this.#posted.length > 0 && task.priority > 0) this.#makeWay(task.priority)
    this.start()
  }

  /** Those of lower priority that nobody has taken go back. */
  #makeWay(priority: number): void {
    for (let i = this.#posted.length - 1; i >= 0; i--) {
      const slot = this.#posted[i]
      const task = this.#tasks[slot] as Task
      if (task.priority >= priority || !this.#board.withdraw(slot)) continue
      this.#posted.splice(i, 1)
      this.#forget(slot)
      this.backlog.unshift(task)
    }
  }

  /** What waits is laid on the board, and there are workers for it. */
  start(): void {
    this.#fill()
    this.#staff()
    if (this.#posted.length > 0) void this.#pump()
  }

  #fill(): void {
    if (this.#filling) return
    this.#filling = true
    try {
      while (this.backlog.size > 0 && this.#free.length > 0 && this.#board.hasRoom) {
        if (this.#bytes > MOST_BYTES && this.#posted.length >= 2 * this.plan.processes) break
        const task = this.backlog.shift() as Task
        if (task.abandoned) {
          this.#passedOver--
          this.#discard(task)
        } else if (task.job.over) this.#discard(task)
        else if (!this.#post(task)) break
      }
    } finally {
      this.#filling = false
    }
    for (const feeder of this.#feeders) feeder.feed()
  }

  addFeeder(feeder: Feeder): void {
    this.#feeders.add(feeder)
  }

  removeFeeder(feeder: Feeder): void {
    if (this.#feeders.delete(feeder) && this.#posted.length === 0 && this.backlog.size === 0) this.#rest()
  }

  /** False: there is no memory for it now. */
  #post(task: Task): boolean {
    const { job } = task
    try {
      task.packed ??= this.#board.pack(task.value)
      const slot = this.#free.at(-1) as number
      this.#board.offer(slot, {
        fn: job.callee.id,
        definition: this.callees.definitionOf(job.callee, this.#board),
        shape: task.shape,
        index: task.index,
        count: task.count,
        attempt: task.attempt,
        value: task.packed,
      })
      this.#free.pop()
      this.#tasks[slot] = task
      this.#posted.push(slot)
      this.#bytes += task.packed.bytes
      if (task.timeout !== Infinity) this.#watchTime(task, slot, task.timeout)
      return true
    } catch (error) {
      this.#discard(task)
      this.#failAll(task, error)
      return true
    }
  }

  /** None of its items can be run. */
  #failAll(task: Task, error: unknown): void {
    if (task.count === 0) this.#fail(task, task.index, renamed(error, 'value', `items[${task.index}]`))
    for (let i = 0; i < task.count; i++) {
      const path = /^value\[(\d+)\]/.exec((error as { path?: string })?.path ?? '')
      const told = path === null ? error : renamed(error, path[0], `items[${task.index + Number(path[1])}]`)
      this.#fail(task, task.index + i, told)
    }
  }

  // ── results ──

  /** As long as something is on the board: waits for news, and keeps the event loop alive for it. */
  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#posted.length > 0) await this.#board.untilNews(this.#attempt)
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error
    } finally {
      this.#pumping = false
    }
  }

  readonly #attempt = (): true | typeof NONE => {
    if (this.#posted.length === 0) return true
    const news = this.#board.news()
    if (news === this.#news) return NONE
    this.#news = news
    this.#collect()
    return true
  }

  #collect(): void {
    this.#drain()
    const posted = this.#posted
    let kept = 0
    const done: number[] = []
    for (let i = 0; i < posted.length; i++) {
      const slot = posted[i]
      if (this.#board.isDone(slot)) done.push(slot)
      else posted[kept++] = slot
    }
    posted.length = kept
    if (done.length > 0) {
      // what was seen done has sent its results before
      this.#drain()
      for (const slot of done) this.#settle(slot)
    }
    if (this.#state === 'terminated') return
    this.#fill()
    this.#staff()
    if (this.#posted.length === 0) this.#rest()
  }

  /** What came by the queue. */
  #drain(): void {
    while (!this.#results.closed && this.#results.qsize() > 0) {
      let parcel: Parcel
      try {
        parcel = this.#results.getNowait()
      } catch (error) {
        this.#illegible.push(error)
        continue
      }
      const [slot, which, how, value] = parcel
      if (slot === -1) {
        const worker = this.#crew.worker(which)
        if (worker !== undefined) this.#hear(worker, how as string, value)
        continue
      }
      const away = this.#away.get(slot)
      const one = { item: which, failed: how as boolean, value }
      if (away === undefined) this.#away.set(slot, [one])
      else away.push(one)
    }
  }

  #hear(worker: Worker, news: string, value: unknown): void {
    if (news === 'ready') {
      this.#stillborn = 0
      this.#crew.ready(worker)
    } else if (news === 'leaving') this.#crew.leaving(worker)
    else if (news === 'words') worker.lastWords = value as string
    else this.#break(value)
  }

  #settle(slot: number): void {
    const task = this.#tasks[slot] as Task
    const took = this.#board.took(slot)
    this.runTime.add(task.count > 0 ? took / task.count : took)
    this.waitTime.add((this.#board.began(slot) - task.since) >>> 0)
    const worker = this.#crew.worker(this.#board.doer(slot))
    if (worker !== undefined) worker.lastActive = performance.now()
    if (task.count > 0) this.#settleItems(task, slot)
    else if (!task.abandoned) this.#settleOne(task, slot)
    this.#board.release(slot)
    this.#discard(task)
    this.#forget(slot)
  }

  #settleOne(task: Task, slot: number): void {
    let outcome: { failed: boolean; value: unknown }
    try {
      const found = this.#board.outcome(slot)
      outcome = found.away ? this.#arrived(slot, -1) : found
    } catch (error) {
      outcome = { failed: true, value: error }
    }
    if (outcome.failed) this.#fail(task, task.index, outcome.value)
    else this.#done(task, task.index, outcome.value)
  }

  /** Settles the items that have results; gives how many those are. */
  #settleItems(task: Task, slot: number): number {
    return this.#board.records(slot, (i, failed, away, value) => {
      const outcome = away ? this.#arrived(slot, i) : { failed, value }
      if (outcome.failed) this.#fail(task, task.index + i, outcome.value)
      else this.#done(task, task.index + i, outcome.value)
    })
  }

  #arrived(slot: number, item: number): { failed: boolean; value: unknown } {
    const away = this.#away.get(slot)?.find(one => one.item === item)
    if (away !== undefined) return away
    const why = this.#illegible.shift()
    return {
      failed: true,
      value:
        why ??
        new InvalidStateError(
          'Expected a result, but there was no memory to send it; send less at a time, or raise MULTIPROC_MEMORY_LIMIT',
        ),
    }
  }

  #done(task: Task, index: number, value: unknown): void {
    this.completed++
    traceEnd(task, index, false, value)
    if (!task.abandoned) task.job.done(index, value)
  }

  #fail(task: Task, index: number, error: unknown): void {
    this.failed++
    traceEnd(task, index, true, error)
    if (!task.abandoned) task.job.failed(index, error)
  }

  /** The slot is free. */
  #forget(slot: number): void {
    const task = this.#tasks[slot]
    if (task?.packed !== undefined) this.#bytes -= task.packed.bytes
    clearTimeout(task?.timer)
    this.#tasks[slot] = undefined
    if (this.#away.size > 0) this.#away.delete(slot)
    this.#free.push(slot)
  }

  #discard(task: Task): void {
    if (task.packed === undefined) return
    this.#board.discard(task.packed)
    if (task.packed.bytes === 0) return
    // its bytes are still counted until #forget()
    task.packed = { ...task.packed, kind: 0 } satisfies PackedValue
  }

  // ── what need not be run any more ──

  /** Its caller does not want it. What is not begun goes; what runs is told, and ended after a while. */
  abandon(task: Task, why: typeof ABORTED | typeof TIMED_OUT): void {
    if (task.abandoned) return
    task.abandoned = true
    const at = this.#posted.findIndex(slot => this.#tasks[slot] === task)
    if (at < 0) {
      this.#passedOver++ // in the backlog
      return
    }
    const slot = this.#posted[at]
    if (this.#board.withdraw(slot)) {
      this.#posted.splice(at, 1)
      this.#discard(task)
      this.#forget(slot)
      this.#collect()
      return
    }
    this.#stop(task, slot, why)
  }

  #stop(task: Task, slot: number, why: number): void {
    this.#board.askToStop(slot, why)
    const serial = this.#board.holder(slot)
    const worker = this.#crew.worker(serial)
    if (worker === undefined) return
    this.#crew.look(worker)
    const kill = () => {
      const isStill = this.#tasks[slot] === task && this.#board.holder(slot) === serial
      if (isStill) this.#crew.kill(worker, why === TIMED_OUT ? 'its task timed out' : 'its task was aborted')
    }
    setTimeout(kill, this.plan.grace).unref()
  }

  /** All tasks of a job. `grace`: those that run are ended after a while; otherwise they may go on. */
  abandonAll(job: Job, why: typeof ABORTED | typeof TIMED_OUT, kills: boolean): void {
    for (const task of this.backlog.remove(job)) this.#discard(task)
    for (const slot of [...this.#posted]) {
      const task = this.#tasks[slot]
      if (task === undefined || task.job !== job) continue
      if (kills) {
        this.abandon(task, why)
        continue
      }
      task.abandoned = true
      if (this.#board.withdraw(slot)) {
        this.#posted.splice(this.#posted.indexOf(slot), 1)
        this.#discard(task)
        this.#forget(slot)
      } else this.#board.askToStop(slot, why)
    }
    if (this.#posted.length === 0) this.#collect()
  }

  #watchTime(task: Task, slot: number, ms: number): void {
    task.timer = setTimeout(
      () => {
        if (this.#tasks[slot] !== task || task.abandoned) return
        if (this.#board.isDone(slot)) return
        const isBegun = this.#board.holder(slot) !== 0
        const ran = isBegun ? ((clock() - this.#board.began(slot)) | 0) / 1e3 : 0
        const left = task.timeout - ran
        if (left > 0 || !isBegun) {
          this.#watchTime(task, slot, Math.ceil(left))
          return
        }
        const { name } = task.job.callee
        const late = new TimeoutError(`${name}() timed out: it has run for ${task.timeout} ms`)
        this.#fail(task, task.index, late)
        this.abandon(task, TIMED_OUT)
      },
      Math.min(ms, LONGEST_TIMER),
    )
  }

  // ── workers ──

  /** As many as there are tasks for. */
  #staff(): void {
    if (this.#state === 'terminated' || this.#broken !== undefined) return
    const wanted = Math.min(this.plan.processes, this.#posted.length + this.backlog.size)
    try {
      for (let active = this.#crew.active; active < wanted; active++) this.#crew.start()
    } catch (error) {
      // with one that works the pool goes on
      if (this.#crew.active === 0) this.#break(error)
    }
  }

  #ended(worker: Worker): void {
    this.#collectFrom(worker)
    if (worker.state === 'booting' && worker.killedFor === undefined && this.#state !== 'terminated') {
      this.#stillborn++
      if (this.#stillborn >= MOST_STILLBORN) this.#break(obituary(worker, undefined, null))
    }
    if (this.#state !== 'terminated') {
      this.#fill()
      this.#staff()
      for (let active = this.#crew.active; this.#mayKeep && active < this.plan.minProcesses; active++)
        this.#crew.start()
    }
    if (this.#posted.length === 0) this.#rest()
    else void this.#pump()
  }

  get #mayKeep(): boolean {
    return this.#state === 'open' && this.#broken === undefined
  }

  /** What a worker that has ended has done, and what it had in hand. */
  #collectFrom(worker: Worker): void {
    this.#drain()
    for (const slot of [...this.#posted]) {
      const task = this.#tasks[slot] as Task
      if (this.#board.isDone(slot)) {
        this.#posted.splice(this.#posted.indexOf(slot), 1)
        this.#settle(slot)
      } else if (this.#board.holder(slot) === worker.serial) {
        this.#posted.splice(this.#posted.indexOf(slot), 1)
        this.#bury(task, slot, worker)
      }
    }
  }

  /** The worker had the task in hand. */
  #bury(task: Task, slot: number, worker: Worker): void {
    const lost: Task[] = []
    if (task.count === 0) this.#loseOne(task, task.index, worker, lost)
    else {
      const done = this.#settleItems(task, slot)
      // between two items nothing was lost; before the first it was what made it ready
      const atWork = this.#board.begun(slot) > done || done === 0
      if (!task.abandoned && done < task.count) {
        if (atWork) this.#loseOne(task.part(done, done + 1), task.index + done, worker, lost)
        const next = done + (atWork ? 1 : 0)
        if (next < task.count) lost.push(task.part(next, task.count))
      }
    }
    this.#board.release(slot)
    if (task.count > 0 || !lost.includes(task)) this.#discard(task)
    this.#forget(slot)
    for (const again of lost.reverse()) this.backlog.unshift(again)
  }

  /** It is run again, if that is wished; otherwise it fails. */
  #loseOne(task: Task, index: number, worker: Worker, again: Task[]): void {
    if (task.abandoned) return
    if (task.attempt <= this.plan.retries && worker.killedFor === undefined && this.#state !== 'terminated') {
      task.attempt++
      again.push(task)
      return
    }
    this.#fail(task, index, obituary(worker, task.job.callee, task.index === 0 && task.count === 0 ? null : index))
  }

  /** Nothing is to be done: those who are not needed may go. */
  #rest(): void {
    if (this.backlog.size > 0) {
      if (this.#broken === undefined) return
    }
    for (const tell of [...this.#emptied]) tell()
    if (this.#state === 'closed' || this.#broken !== undefined) {
      for (const worker of this.#crew.all()) this.#crew.dismiss(worker)
      this.#dispose()
      return
    }
    this.#watchIdle(this.plan.idleTimeout)
  }

  #watchIdle(ms: number): void {
    if (this.#idleTimer !== undefined || ms === Infinity || this.#crew.active <= this.plan.minProcesses) return
    this.#idleTimer = setTimeout(
      () => {
        this.#idleTimer = undefined
        this.#letIdleGo()
      },
      Math.min(Math.max(1, ms), LONGEST_TIMER),
    ).unref()
  }

  #letIdleGo(): void {
    if (this.#state !== 'open') return
    const busy = new Set(this.#posted.map(slot => this.#board.holder(slot)))
    const now = performance.now()
    let surplus = this.#crew.active - this.plan.minProcesses
    let soonest = Infinity
    for (const worker of this.#crew.all()) {
      if (surplus <= 0) break
      if (worker.state === 'going' || busy.has(worker.serial)) continue
      const left = worker.lastActive + this.plan.idleTimeout - now
      if (left > 0) soonest = Math.min(soonest, left)
      else {
        this.#crew.dismiss(worker)
        surplus--
      }
    }
    this.#watchIdle(soonest === Infinity ? this.plan.idleTimeout : soonest)
  }

  // ── the end ──

  /** Workers cannot start: what waits never runs. */
  #break(error: unknown): void {
    if (this.#broken !== undefined) return
    this.#broken = { error }
    this.#rejectAll(() => error)
  }

  #rejectAll(reason: () => unknown): void {
    for (let task = this.backlog.shift(); task !== undefined; task = this.backlog.shift()) {
      this.#discard(task)
      if (task.abandoned) this.#passedOver--
      else this.#failWhole(task, reason)
    }
    for (const slot of [...this.#posted]) {
      const task = this.#tasks[slot] as Task
      this.#failWhole(task, reason)
      task.abandoned = true
      if (!this.#board.withdraw(slot)) continue
      this.#posted.splice(this.#posted.indexOf(slot), 1)
      this.#discard(task)
      this.#forget(slot)
    }
    for (const feeder of [...this.#feeders]) feeder.cutOff(reason())
    if (this.#posted.length === 0) this.#rest()
  }

  #failWhole(task: Task, reason: () => unknown): void {
    for (let i = 0; i < Math.max(1, task.count); i++) this.#fail(task, task.index + i, reason())
  }

  get state(): 'open' | 'closed' | 'terminated' {
    return this.#state
  }

  get broken(): { error: unknown } | undefined {
    return this.#broken
  }

  get workers(): number {
    return this.#crew.active
  }

  /** pids of the workers. */
  get pids(): number[] {
    return this.#crew.all().map(({ process }) => process.pid as number)
  }

  get busy(): number {
    let busy = 0
    for (const slot of this.#posted) if (this.#board.holder(slot) !== 0) busy++
    return busy
  }

  /** Tasks that nobody has begun. */
  get queued(): number {
    let queued = this.backlog.size - this.#passedOver
    for (const slot of this.#posted) if (this.#board.isWaiting(slot)) queued++
    return queued
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    clearTimeout(this.#idleTimer)
    if (this.#posted.length === 0 && this.backlog.size === 0) this.#rest()
  }

  /** What is pending is rejected. Workers end: by SIGTERM, or after a while by SIGKILL. */
  async terminate(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#state !== 'terminated') {
      this.#state = 'terminated'
      clearTimeout(this.#idleTimer)
      this.#rejectAll(terminated)
    }
    await this.#crew.end(signal)
    this.#dispose()
  }

  /** What waits and is not begun is rejected. */
  cancelWaiting(): void {
    const reason = () => new ClosedError('Expected the task to be begun, but its pool was shut down before that')
    for (let task = this.backlog.shift(); task !== undefined; task = this.backlog.shift()) {
      this.#discard(task)
      if (task.abandoned) this.#passedOver--
      else this.#failWhole(task, reason)
    }
    for (const slot of [...this.#posted]) {
      if (!this.#board.withdraw(slot)) continue
      const task = this.#tasks[slot] as Task
      this.#posted.splice(this.#posted.indexOf(slot), 1)
      this.#discard(task)
      this.#forget(slot)
      this.#failWhole(task, reason)
    }
    if (this.#posted.length === 0) this.#rest()
  }

  /** Resolves when everything is done and all workers have ended; close() or terminate() came before. */
  async join(): Promise<void> {
    while (this.#posted.length > 0 || this.backlog.size > 0 || [...this.#feeders].some(feeder => feeder.busy)) {
      await new Promise<void>(resolve => {
        const tell = () => {
          this.#emptied.delete(tell)
          resolve()
        }
        this.#emptied.add(tell)
      })
    }
    // nobody reads them now, and whoever waits here may be who would
    const reason = new ClosedError(
      'Expected all results of imap() to be taken before join(), but its input is not read to the end; take them first, or leave the loop',
    )
    for (const feeder of [...this.#feeders]) feeder.cutOff(reason)
    while (this.#crew.size > 0) {
      for (const worker of this.#crew.all()) this.#crew.dismiss(worker)
      await this.#crew.ended()
    }
    this.#dispose()
  }

  /** All is done, and nobody is left. */
  #dispose(): void {
    if (
      this.#disposed ||
      this.#feeders.size > 0 ||
      this.#crew.size > 0 ||
      this.#posted.length > 0 ||
      this.#state === 'open'
    )
      return
    this.#disposed = true
    this.callees.discard(this.#board)
    this.#board.close()
    this.#results.close()
  }
}
