/**
 * What all pools are made of: tasks come in, are laid on the board as far as there is room, and are settled when their results are
 * there or their worker is dead.
 *
 *   backlog ──fill()──▶ on the board ──a worker claims it──▶ in hand ──▶ done ──▶ settled
 *      ▲                     │ taken back: aborted, or others go before      │ its worker died
 *      └─────────────────────┴──────────────── retried ◀─────────────────────┘
 *
 * Who has a task is told by one word on the board, and who is dead by the kernel (desk.ts). So at any kill the task that a
 * worker had in hand is known exactly, it has not run twice, and no other is touched.
 */
import { clock } from '../channel/task-board.ts'
import { TimeoutError } from '../contract/errors.ts'
import { LONGEST_TIMER } from '../contract/waiting.ts'
import type { Target } from '../process/target.ts'
import { Backlog, type Job, Task } from './backlog.ts'
import type { Callee } from './callees.ts'
import { Crew, type CrewPlan, type Worker } from './crew.ts'
import { type ABORTED, TIMED_OUT } from './current-task.ts'
import { type Clerk, Desk } from './desk.ts'
import type { Durations } from './histogram.ts'
import { obituary } from './obituary.ts'
import { cancelled, exiting, full, isExiting, noticeExit, notOpen, terminated, unable, unread } from './refusals.ts'
import { renamed } from './renamed.ts'
import { traceEnd, traceStart } from './trace.ts'
import type { News } from './worker.ts'

export interface EnginePlan extends CrewPlan {
  readonly processes: number
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

/** Why a task is abandoned. */
type Why = typeof ABORTED | typeof TIMED_OUT

/** So many workers in a row that end before they are ready are no accident. */
const MOST_STILLBORN = 3

export class Engine implements Clerk {
  readonly plan: EnginePlan
  readonly #backlog = new Backlog()
  readonly #desk: Desk
  readonly #crew: Crew
  readonly #feeders = new Set<Feeder>()
  readonly #emptied = new Set<() => void>()
  completed = 0
  failures = 0
  #state: 'open' | 'closed' | 'terminated' = 'open'
  #broken: { error: unknown } | undefined
  #disposed = false
  #filling = false
  /** Tasks in the backlog that will not be run. */
  #passedOver = 0
  #stillborn = 0
  /** Has ended, and is being seen off. */
  #ending: Worker | undefined

  constructor(plan: EnginePlan) {
    this.plan = plan
    noticeExit()
    this.#desk = new Desk(this, plan.retries > 0)
    this.#crew = new Crew(plan, this.#desk.board, this.#desk.results, worker => this.#ended(worker))
    try {
      for (let i = 0; i < plan.minProcesses; i++) this.#crew.start()
    } catch (error) {
      void this.terminate('SIGKILL')
      throw error
    }
  }

  // ── what is to be seen ──

  /** Settles what is done and was not told yet; not while that is being done, by whom a result is told. */
  settleDone(): void {
    if (!this.#disposed && !this.#desk.collecting) this.#desk.collect()
  }

  get state(): 'open' | 'closed' | 'terminated' {
    return this.#state
  }

  get workers(): number {
    return this.#crew.active
  }

  get busy(): number {
    return this.#desk.holders.size
  }

  /** Tasks that nobody has begun. */
  get queued(): number {
    return this.#backlog.size - this.#passedOver + this.#desk.waiting
  }

  get runTime(): Durations {
    return this.#desk.runTime
  }

  get waitTime(): Durations {
    return this.#desk.waitTime
  }

  get #isIdle(): boolean {
    return this.#desk.size === 0 && this.#backlog.size === 0
  }

  // ── tasks come in ──

  /** @throws {ClosedError} {InvalidTargetError} and the like: nothing was started */
  callee(fn: Target): Callee {
    this.assertOpen()
    return this.#desk.callees.of(fn)
  }

  assertOpen(): void {
    if (isExiting()) throw exiting()
    if (this.#state !== 'open') throw notOpen(this.#state)
    if (this.#broken !== undefined) throw unable(this.#broken.error)
  }

  /** How many more tasks may wait. */
  get room(): number {
    const { maxQueue } = this.plan
    return maxQueue === Infinity ? Infinity : maxQueue - this.queued
  }

  /** @throws {FullError} */
  assertRoom(): void {
    if (this.room <= 0) throw full(this.plan.maxQueue, this.queued)
  }

  /**
   * A task to be run; what it is called with is packed now, so that it may be changed afterwards. Throws what pack() throws, and
   * `whenPacked()`: then it is not run.
   */
  give(job: Job, shape: number, value: unknown, priority?: number, timeout?: number, whenPacked?: () => void): Task {
    const packed = this.#desk.board.pack(value)
    try {
      whenPacked?.()
    } catch (error) {
      this.#desk.board.discard(packed)
      throw error
    }
    const task = new Task(job, shape, undefined, 0, 0, clock(), priority, timeout)
    task.packed = packed
    this.#add(task)
    return task
  }

  /** A task to be run; what it is called with is packed when it is laid on the board. `count`: items; 0: it is one. */
  giveLater(
    job: Job,
    shape: number,
    value: unknown,
    index: number,
    count: number,
    priority?: number,
    timeout?: number,
  ): Task {
    const task = new Task(job, shape, value, index, count, clock(), priority, timeout)
    this.#add(task)
    return task
  }

  /** One of many of them at once; start() follows. */
  enqueue(job: Job, shape: number, value: unknown, index: number, count: number): void {
    const task = new Task(job, shape, value, index, count, clock())
    traceStart(task)
    this.#backlog.push(task)
  }

  #add(task: Task): void {
    traceStart(task)
    if (this.#state === 'terminated' || this.#broken !== undefined) {
      this.#desk.discard(task)
      this.#failWhole(task, () => this.#broken?.error ?? terminated())
      return
    }
    this.#backlog.push(task)
    if (task.priority > 0) this.#makeWay(task.priority)
    this.start()
  }

  /** Those of lower priority that nobody has taken go back. */
  #makeWay(priority: number): void {
    for (const slot of this.#desk.slots(task => task.priority < priority).reverse()) {
      const task = this.#desk.task(slot) as Task
      if (this.#desk.withdraw(slot)) this.#backlog.unshift(task)
    }
  }

  /** What waits is laid on the board, and there are workers for it. */
  start(): void {
    this.#fill()
    this.#staff()
    if (this.#desk.size > 0) void this.#desk.pump()
  }

  #fill(): void {
    if (this.#filling) return
    this.#filling = true
    try {
      while (this.#backlog.size > 0 && this.#desk.hasRoom(this.plan.processes)) {
        const task = this.#backlog.shift() as Task
        if (task.abandoned) this.#passedOver--
        if (task.abandoned || task.job.over) this.#desk.discard(task)
        else this.#post(task)
      }
    } finally {
      this.#filling = false
    }
    for (const feeder of this.#feeders) feeder.feed()
  }

  #post(task: Task): void {
    let slot: number
    try {
      slot = this.#desk.post(task)
    } catch (error) {
      this.#refuse(task, error)
      return
    }
    if (task.timeout !== Infinity) this.#watchTime(task, slot, task.timeout)
  }

  /** None of its items can be sent. */
  #refuse(task: Task, error: unknown): void {
    if (task.count === 0) this.failed(task, task.index, renamed(error, 'value', `items[${task.index}]`))
    const item = /^value\[(\d+)\]/.exec((error as { path?: string } | undefined)?.path ?? '')
    const told = item === null ? error : renamed(error, item[0], `items[${task.index + Number(item[1])}]`)
    for (let i = 0; i < task.count; i++) this.failed(task, task.index + i, told)
  }

  addFeeder(feeder: Feeder): void {
    this.#feeders.add(feeder)
  }

  removeFeeder(feeder: Feeder): void {
    if (this.#feeders.delete(feeder) && this.#isIdle) this.#rest()
  }

  // ── what the desk tells ──

  done(task: Task, index: number, value: unknown): void {
    this.completed++
    traceEnd(task, index, false, value)
    if (!task.abandoned) task.job.done(index, value)
  }

  failed(task: Task, index: number, error: unknown): void {
    this.failures++
    traceEnd(task, index, true, error)
    if (!task.abandoned) task.job.failed(index, error)
  }

  worked(serial: number): void {
    const worker = this.#crew.worker(serial)
    if (worker !== undefined) worker.lastActive = performance.now()
  }

  heard(serial: number, news: News, value: unknown): void {
    const worker = this.#ending?.serial === serial ? this.#ending : this.#crew.worker(serial)
    if (worker === undefined) return
    if (news === 'ready') {
      this.#stillborn = 0
      this.#crew.ready(worker)
    } else if (news === 'leaving') this.#crew.leaving(worker)
    else if (news === 'words') worker.lastWords = value as string
    else this.#break(value)
  }

  collected(): void {
    if (this.#state !== 'terminated') {
      this.#fill()
      this.#staff()
    }
    if (this.#isIdle) this.#rest()
  }

  // ── what need not be run any more ──

  /** Its caller does not want it. What is not begun goes; what runs is told, and ended after a while. */
  abandon(task: Task, why: Why): void {
    if (task.abandoned) return
    task.abandoned = true
    const slot = this.#desk.slots(one => one === task)[0]
    if (slot === undefined) this.#passedOver++
    else if (this.#desk.withdraw(slot)) {
      this.#desk.discard(task)
      this.collected()
    } else this.#stop(task, slot, why, true)
  }

  /** All tasks of a job. `kills`: those that run are ended after a while; otherwise they may go on. */
  abandonAll(job: Job, why: Why, kills: boolean): void {
    for (const task of this.#backlog.remove(job)) this.#desk.discard(task)
    for (const slot of this.#desk.slots(task => task.job === job)) {
      const task = this.#desk.task(slot) as Task
      task.abandoned = true
      if (this.#desk.withdraw(slot)) this.#desk.discard(task)
      else this.#stop(task, slot, why, kills)
    }
    if (this.#isIdle) this.#rest()
  }

  #stop(task: Task, slot: number, why: Why, kills: boolean): void {
    const { board } = this.#desk
    board.askToStop(slot, why)
    const serial = board.holder(slot)
    const worker = this.#crew.worker(serial)
    if (worker === undefined) return
    this.#crew.look(worker)
    if (!kills || this.plan.grace === Infinity) return
    const kill = () => {
      const isStill = this.#desk.task(slot) === task && board.holder(slot) === serial
      if (isStill) this.#crew.kill(worker, why === TIMED_OUT ? 'its task timed out' : 'its task was aborted')
    }
    setTimeout(kill, Math.min(this.plan.grace, LONGEST_TIMER)).unref()
  }

  #watchTime(task: Task, slot: number, ms: number): void {
    const look = () => {
      const { board } = this.#desk
      if (this.#desk.task(slot) !== task || task.abandoned || board.isDone(slot)) return
      const began = board.holder(slot) === 0 ? 0 : board.began(slot)
      const left = began === 0 ? task.timeout : task.timeout - ((clock() - began) | 0) / 1e3
      if (left > 0) {
        this.#watchTime(task, slot, Math.ceil(left))
        return
      }
      const { name } = task.job.callee
      this.failed(task, task.index, new TimeoutError(`${name}() timed out: it has run for ${task.timeout} ms`))
      this.abandon(task, TIMED_OUT)
    }
    task.timer = setTimeout(look, Math.min(ms, LONGEST_TIMER))
  }

  // ── workers ──

  /** As many as there are tasks for. */
  #staff(): void {
    if (this.#state === 'terminated' || this.#broken !== undefined) return
    const wanted = Math.min(this.plan.processes, this.#desk.size + this.#backlog.size - this.#passedOver)
    this.#startUpTo(wanted)
  }

  #startUpTo(wanted: number): void {
    try {
      for (let active = this.#crew.active; active < wanted; active++) this.#crew.start()
    } catch (error) {
      // with one that works the pool goes on
      if (this.#crew.active === 0) this.#break(error)
    }
  }

  #ended(worker: Worker): void {
    this.#ending = worker
    const { lost, rest } = this.#desk.bury(worker.serial)
    this.#ending = undefined
    if (rest !== undefined && !rest.abandoned) this.#backlog.unshift(rest)
    if (lost !== undefined) this.#lose(lost, worker)
    if (worker.state === 'booting' && worker.killedFor === undefined && this.#state !== 'terminated') {
      this.#stillborn++
      if (this.#stillborn >= MOST_STILLBORN) this.#break(obituary(worker, undefined, null))
    }
    if (this.#state === 'open' && this.#broken === undefined) this.#startUpTo(this.plan.minProcesses)
    this.collected()
    if (this.#desk.size > 0) void this.#desk.pump()
  }

  /** A worker died of it, or with it: it is run again, if that is wished; otherwise it fails. */
  #lose(task: Task, worker: Worker): void {
    const again = task.attempt <= this.plan.retries && worker.killedFor === undefined && this.#state !== 'terminated'
    if (!task.abandoned && again) {
      task.attempt++
      this.#backlog.unshift(task)
      return
    }
    this.#desk.discard(task)
    if (task.abandoned) return
    this.failed(task, task.index, obituary(worker, task.job.callee, task.job.isOne ? null : task.index))
  }

  /** Nothing is to be done: those who are not needed may go. */
  #rest(): void {
    for (const tell of [...this.#emptied]) tell()
    if (this.#state === 'open' && this.#broken === undefined) {
      this.#crew.watchIdle(() => this.#desk.holders)
      return
    }
    if (this.#state !== 'terminated' && this.#feeders.size === 0) {
      for (const worker of this.#crew.all()) this.#crew.dismiss(worker)
    }
    this.#dispose()
  }

  // ── the end ──

  /** Workers cannot start: what waits never runs. */
  #break(error: unknown): void {
    if (this.#broken !== undefined) return
    this.#broken = { error }
    this.#rejectAll(() => error)
  }

  #rejectAll(reason: () => unknown): void {
    this.#rejectWaiting(reason)
    for (const slot of this.#desk.slots(task => !task.abandoned)) {
      const task = this.#desk.task(slot) as Task
      this.#failWhole(task, reason)
      task.abandoned = true
    }
    for (const feeder of [...this.#feeders]) feeder.cutOff(reason())
    if (this.#isIdle) this.#rest()
  }

  #rejectWaiting(reason: () => unknown): void {
    const waiting: Task[] = []
    for (let task = this.#backlog.shift(); task !== undefined; task = this.#backlog.shift()) waiting.push(task)
    this.#passedOver = 0
    for (const slot of this.#desk.slots(() => true)) {
      const task = this.#desk.task(slot) as Task
      if (this.#desk.withdraw(slot)) waiting.push(task)
    }
    for (const task of waiting) {
      this.#desk.discard(task)
      if (!task.abandoned) this.#failWhole(task, reason)
    }
  }

  #failWhole(task: Task, reason: () => unknown): void {
    for (let i = 0; i < Math.max(1, task.count); i++) this.failed(task, task.index + i, reason())
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.#crew.unwatchIdle()
    if (this.#isIdle) this.#rest()
  }

  /** What waits and is not begun is rejected. */
  cancelWaiting(): void {
    this.#rejectWaiting(cancelled)
    if (this.#isIdle) this.#rest()
  }

  /** What is pending is rejected. Workers end: by this signal, or after a while by SIGKILL. */
  async terminate(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#state !== 'terminated') {
      this.#state = 'terminated'
      this.#crew.unwatchIdle()
      this.#rejectAll(terminated)
    }
    await this.#crew.end(signal)
    this.#dispose()
  }

  /** Resolves when everything is done and all workers have ended; close() or terminate() came before. */
  async join(): Promise<void> {
    while (!this.#isIdle || [...this.#feeders].some(feeder => feeder.busy)) {
      await new Promise<void>(resolve => {
        const tell = () => {
          this.#emptied.delete(tell)
          resolve()
        }
        this.#emptied.add(tell)
      })
    }
    // nobody reads them now, and whoever waits here may be who would
    for (const feeder of [...this.#feeders]) feeder.cutOff(unread())
    while (this.#crew.size > 0) {
      for (const worker of this.#crew.all()) this.#crew.dismiss(worker)
      await this.#crew.ended()
    }
    this.#dispose()
  }

  /** All is done, and nobody is left. */
  #dispose(): void {
    if (this.#disposed || this.#state === 'open' || this.#feeders.size > 0 || this.#crew.size > 0 || !this.#isIdle)
      return
    this.#disposed = true
    this.#desk.close()
  }
}
