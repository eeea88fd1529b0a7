/**
 * The workers of a pool: started when they are needed, told to go when they are not, and, whatever becomes of them, noticed when
 * they end.
 *
 *   booting ──ready──▶ at work ──go / leaving──▶ going ──▶ ended
 *      └──────────────────┴────────── died ────────────────▲
 */
import type { Connection } from '../channel/connection.ts'
import { Pipe } from '../channel/pipe.ts'
import type { Queue } from '../channel/queue.ts'
import type { TaskBoard } from '../channel/task-board.ts'
import { LONGEST_TIMER } from '../contract/waiting.ts'
import { LastWords } from '../process/last-words.ts'
import { MAY_HAVE_CHILDREN, ON_END, Process, START_METHOD } from '../process/process.ts'
import { getStartMethod, type StartMethod } from '../process/start-method.ts'
import type { ResolvedTarget } from '../process/target.ts'
import type { Order, Parcel, Setup } from './worker.ts'

/** What workers are started with. */
export interface CrewPlan {
  readonly method: StartMethod | undefined
  readonly name: string
  readonly initializer: ResolvedTarget | undefined
  readonly initargs: readonly unknown[]
  readonly teardown: ResolvedTarget | undefined
  readonly minProcesses: number
  readonly idleTimeout: number
  readonly maxTasks: number
  /** Bytes. */
  readonly memoryLimit: number
  /** ms between being told to go and being made to. */
  readonly grace: number
}

export interface Worker {
  readonly serial: number
  readonly process: Process
  readonly control: Connection<Order, never>
  readonly words: LastWords | undefined
  state: 'booting' | 'at work' | 'going'
  /** When it last did something, ms. */
  lastActive: number
  /** What a thread said last. */
  lastWords: string
  /** It is killed because of this. */
  killedFor: string | undefined
  timer: NodeJS.Timeout | undefined
  /** Resolves when it has been seen off. */
  readonly gone: Promise<void>
}

/** By way of its folder: see process/bootstraps.ts. */
const WORKER = new URL('../pool/worker.js', import.meta.url)

/** ms that a worker has to go when there is nothing left to do, whatever the grace period of tasks is. */
const LEAST_GRACE = 1000
const MOST_GRACE = 60_000

/** Of all pools of this thread, so that names are told apart. */
let started = 0

const classes = new Map<StartMethod, typeof Process>()

function classFor(method: StartMethod): typeof Process {
  let made = classes.get(method)
  if (made === undefined) {
    made = class PoolProcess<A extends unknown[]> extends Process<A> {
      static override readonly [START_METHOD]: StartMethod | undefined = method
      static override readonly [MAY_HAVE_CHILDREN] = true
    }
    classes.set(method, made)
  }
  return made
}

export class Crew {
  readonly #plan: CrewPlan
  #idleTimer: NodeJS.Timeout | undefined
  readonly #board: TaskBoard
  readonly #results: Queue<Parcel>
  readonly #onEnd: (worker: Worker) => void
  readonly #workers = new Map<number, Worker>()
  #serial = 0

  constructor(plan: CrewPlan, board: TaskBoard, results: Queue<Parcel>, onEnd: (worker: Worker) => void) {
    this.#plan = plan
    this.#board = board
    this.#results = results
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#workers.size
  }

  /** Those who take tasks, or will when they have booted. */
  get active(): number {
    let active = 0
    for (const worker of this.#workers.values()) if (worker.state !== 'going') active++
    return active
  }

  all(): Worker[] {
    return [...this.#workers.values()]
  }

  worker(serial: number): Worker | undefined {
    return this.#workers.get(serial)
  }

  /** Starts one. Throws what Process.start() throws. */
  start(): void {
    const { method = getStartMethod(), name, initializer, initargs, teardown, maxTasks, memoryLimit } = this.#plan
    const isThread = method === 'thread'
    const words = isThread ? undefined : new LastWords()
    const [orders, control] = Pipe<never, Order>({ duplex: false })
    const serial = ++this.#serial
    const setup: Setup = {
      serial,
      board: this.#board,
      results: this.#results,
      control: orders,
      stderr: words?.place,
      initializer,
      initargs,
      teardown,
      maxTasks,
      memoryLimit,
      isThread,
    }
    try {
      const process = new (classFor(method))({
        target: { module: WORKER, name: 'work' },
        args: [setup],
        name: `${name}-${++started}`,
        daemon: true,
      })
      process.start()
      let tell = () => {}
      const gone = new Promise<void>(resolve => {
        tell = resolve
      })
      const worker: Worker = {
        serial,
        process,
        control,
        words,
        state: 'booting',
        lastActive: performance.now(),
        lastWords: '',
        killedFor: undefined,
        timer: undefined,
        gone,
      }
      this.#workers.set(serial, worker)
      process[ON_END](() => {
        this.#ended(worker)
        tell()
      })
    } catch (error) {
      words?.end()
      control.close()
      throw error
    } finally {
      orders.close() // the child's now
    }
  }

  #ended(worker: Worker): void {
    clearTimeout(worker.timer)
    worker.lastWords = worker.words?.end() || worker.lastWords
    worker.control.close()
    this.#workers.delete(worker.serial)
    this.#onEnd(worker)
  }

  ready(worker: Worker): void {
    if (worker.state === 'booting') worker.state = 'at work'
    worker.words?.opened()
  }

  /** It takes no more by itself. */
  leaving(worker: Worker): void {
    worker.state = 'going'
    worker.words?.opened()
    this.#seeItGo(worker)
  }

  /** Tells it to take no more, and to end when it has done what it is at. */
  letGo(worker: Worker): void {
    if (worker.state === 'going') return
    worker.state = 'going'
    this.#order(worker, 'go')
  }

  /** Lets it go, and sees that it does: it has nothing more to do. */
  dismiss(worker: Worker): void {
    this.letGo(worker)
    this.#seeItGo(worker)
  }

  // ── those who have nothing to do ──

  /** There is nothing to do: lets them go once they have done nothing for `idleTimeout`, but for `minProcesses` of them. */
  watchIdle(busy: () => ReadonlySet<number>, ms: number = this.#plan.idleTimeout): void {
    if (this.#idleTimer !== undefined || ms === Infinity || this.active <= this.#plan.minProcesses) return
    const look = () => {
      this.#idleTimer = undefined
      this.watchIdle(busy, this.#dismissIdle(busy()))
    }
    this.#idleTimer = setTimeout(look, Math.min(Math.max(1, Math.ceil(ms)), LONGEST_TIMER)).unref()
  }

  /** They are let go for other reasons. */
  unwatchIdle(): void {
    clearTimeout(this.#idleTimer)
  }

  /** Gives when to come again, ms. */
  #dismissIdle(busy: ReadonlySet<number>): number {
    const { minProcesses, idleTimeout } = this.#plan
    const now = performance.now()
    let surplus = this.active - minProcesses
    let soonest = idleTimeout
    for (const worker of this.all()) {
      if (surplus <= 0) break
      if (worker.state === 'going' || busy.has(worker.serial)) continue
      const left = worker.lastActive + idleTimeout - now
      if (left > 0) soonest = Math.min(soonest, left)
      else {
        this.dismiss(worker)
        surplus--
      }
    }
    return soonest
  }

  #seeItGo(worker: Worker): void {
    const look = () => {
      // it may have taken a task before it heard that it should go: that is done first
      if (this.#board.isHolder(worker.serial)) worker.timer = setTimeout(look, patience).unref()
      else worker.process.kill()
    }
    const patience = Math.min(Math.max(this.#plan.grace, LEAST_GRACE), MOST_GRACE)
    worker.timer ??= setTimeout(look, patience).unref()
  }

  /** Has it look whether its task is to be aborted. */
  look(worker: Worker): void {
    this.#order(worker, 'look')
  }

  #order(worker: Worker, order: Order): void {
    // one that is dead does not hear; its end will be told
    worker.control.send(order).catch(() => {})
  }

  /** Ends it at once, because of this. */
  kill(worker: Worker, why: string): void {
    worker.killedFor = why
    worker.process.kill()
  }

  /** Ends all, with this signal first; resolves when they have ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const workers = this.all()
    for (const { process } of workers) {
      if (signal === 'SIGTERM') process.terminate()
      else process.kill()
    }
    // tasks may have for ever, this has not: whoever ends the pool wants it ended
    const { grace } = this.#plan
    const timeout = grace === Infinity ? LEAST_GRACE : Math.min(grace, MOST_GRACE)
    await Promise.all(workers.map(({ process }) => process.join({ timeout })))
    for (const { process } of workers) if (process.isAlive()) process.kill()
    await this.ended()
  }

  /** Resolves when those who are there now are seen off. Keeps the event loop alive. */
  async ended(): Promise<void> {
    const alive = setInterval(() => {}, MOST_GRACE)
    try {
      await Promise.all(this.all().map(({ gone }) => gone))
    } finally {
      clearInterval(alive)
    }
  }
}
