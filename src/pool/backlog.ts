/** Tasks that nobody has taken and that do not lie on the board yet: higher priority first, otherwise in the order they came. */
import type { PackedValue } from '../channel/task-board.ts'
import type { Callee } from './callees.ts'
import type { TaskTrace } from './trace.ts'

/** A call of the user's, which one or many tasks belong to. */
export interface Job {
  readonly callee: Callee
  /** Nobody waits for it any more: what is not begun need not be run. */
  readonly over: boolean
  /** It has one task, and no list of them. */
  readonly isOne: boolean
  /** A number that its tasks have in common, whose results are wanted all together; 0: each is wanted as soon as it is there. */
  readonly batch: number
  done(index: number, value: unknown): void
  failed(index: number, error: unknown): void
}

/** What a worker takes at a time. */
export class Task {
  readonly job: Job
  readonly shape: number
  /** What the function is called with, until it is packed; or the items of a task of many. */
  value: unknown
  readonly index: number
  /** 0: it is one. */
  readonly count: number
  /** clock() when it was given. */
  readonly since: number
  readonly priority: number
  /** ms that it may run. */
  readonly timeout: number
  attempt = 1
  /** Set before it is laid on the board, or as soon as it is given. */
  packed: PackedValue | undefined = undefined
  /** Told to end: whatever comes of it is of no interest. */
  abandoned = false
  timer: NodeJS.Timeout | undefined = undefined
  /** What is told on diagnostics channels, for each item; missing while nobody listens. */
  traces: TaskTrace[] | undefined = undefined

  constructor(
    job: Job,
    shape: number,
    value: unknown,
    index: number,
    count: number,
    since: number,
    priority = 0,
    timeout = Infinity,
  ) {
    this.job = job
    this.shape = shape
    this.value = value
    this.index = index
    this.count = count
    this.since = since
    this.priority = priority
    this.timeout = timeout
  }

  /** Of a task of many items, some. */
  part(from: number, to: number): Task {
    const { job, shape, index, since, priority, timeout } = this
    const items = (this.value as unknown[]).slice(from, to)
    const part = new Task(job, shape, items, index + from, to - from, since, priority, timeout)
    part.attempt = this.attempt
    part.abandoned = this.abandoned
    part.traces = this.traces?.slice(from, to)
    return part
  }
}

/** First in, first out, without moving what is left at each turn. */
class Line {
  #items: (Task | undefined)[] = []
  #first = 0

  get size(): number {
    return this.#items.length - this.#first
  }

  push(task: Task): void {
    this.#items.push(task)
  }

  /** Before all others. */
  unshift(task: Task): void {
    if (this.#first > 0) this.#items[--this.#first] = task
    else this.#items.unshift(task)
  }

  /** Takes out all for which that holds. */
  remove(is: (task: Task) => boolean): Task[] {
    const all = this.#items.slice(this.#first) as Task[]
    this.#items = all.filter(task => !is(task))
    this.#first = 0
    return all.filter(is)
  }

  shift(): Task {
    const task = this.#items[this.#first] as Task
    this.#items[this.#first++] = undefined
    if (this.#first > 1024 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return task
  }
}

export class Backlog {
  readonly #lines = new Map<number, Line>()
  /** Highest first. */
  #priorities: number[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Of what comes next; undefined: nothing does. */
  get priority(): number | undefined {
    return this.#priorities.find(priority => this.#lines.get(priority)!.size > 0)
  }

  push(task: Task): void {
    this.#lineOf(task.priority).push(task)
    this.#size++
  }

  /** Back to where it came from. */
  unshift(task: Task): void {
    this.#lineOf(task.priority).unshift(task)
    this.#size++
  }

  shift(): Task | undefined {
    for (const priority of this.#priorities) {
      const line = this.#lines.get(priority)!
      if (line.size === 0) continue
      this.#size--
      return line.shift()
    }
    return undefined
  }

  /** Takes out all tasks of a job that are still wanted. */
  remove(job: Job): Task[] {
    const removed = [...this.#lines.values()].flatMap(line =>
      line.size === 0 ? [] : line.remove(task => task.job === job && !task.abandoned),
    )
    this.#size -= removed.length
    return removed
  }

  #lineOf(priority: number): Line {
    let line = this.#lines.get(priority)
    if (line === undefined) {
      line = new Line()
      this.#lines.set(priority, line)
      this.#priorities = [...this.#lines.keys()].sort((a, b) => b - a)
    }
    return line
  }
}
