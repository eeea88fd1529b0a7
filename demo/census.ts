/**
 * The census by many processes. The main process walks the folder and feeds units of files into a bounded queue; workers
 * count them and answer; here the answers are added up, each unit once. How that stays exact when workers die is in
 * ledger.ts, how they are replaced in staff.ts.
 *
 *   walk ──▶ units (bounded) ──▶ workers ──▶ answers (bounded) ──▶ tally
 *              ▲                                   │
 *              └── a unit again ◀── ledger ◀───────┘
 *
 * The feeder may wait for room in `units`; the reader of answers never waits for the feeder, so `answers` always drains,
 * the workers always get on, and there is always room again.
 */

import { Process, Queue, Value } from 'multiproc'
import { Ledger } from './ledger.ts'
import { Staff } from './staff.ts'
import { Tally } from './tally.ts'
import { walk } from './walk.ts'
import { type Answer, type Unit, work } from './worker.ts'

export interface CensusOptions {
  folder: Buffer
  workers: number
  /** Kill a random worker this often, in milliseconds. */
  killEvery?: number
  /** Told from time to time how many files are counted, of how many found so far. */
  onProgress?: (counted: number, found: number) => void
}

/** What one worker (with those that replaced it) counted. */
export interface WorkerSummary {
  name: string
  units: number
  files: number
  bytes: number
  lines: number
  words: number
}

export interface CensusResult {
  tally: Tally
  perWorker: WorkerSummary[]
  /** Milliseconds from before the first worker was started until the last answer was added up. */
  elapsed: number
  kills: number
  deaths: number
}

/**
 * Files in a unit. A large one costs fewer queue operations and table entries per file, a small one loses less by a death
 * and spreads better. So units grow with the tree: a sixty-fourth of the files found so far, within these bounds.
 */
const LEAST_FILES = 16
const MOST_FILES = 256
/** Units waiting for each worker: it should never find the queue empty while the walk goes on. */
const UNITS_AHEAD = 4
/** Answers waiting for the main process, for each worker: it gets the processor late when every core counts. */
const ANSWERS_AHEAD = 32
const PROGRESS_EVERY = 100

export async function census(options: CensusOptions): Promise<CensusResult> {
  const running = new Census(options)
  try {
    return await running.run()
  } finally {
    await running.end()
  }
}

class Census {
  readonly #options: CensusOptions
  readonly #began = performance.now()
  readonly #units: Queue<Unit>
  readonly #answers: Queue<Answer>
  readonly #counted = new Value('i', 0)
  readonly #ledger = new Ledger()
  readonly #staff: Staff
  readonly #tally = new Tally()
  readonly #perWorker: WorkerSummary[]
  readonly #progress: NodeJS.Timeout | undefined
  readonly #failed: Promise<never>
  #fail!: (error: unknown) => void
  #found = 0
  /** Set while the feeder has nothing to feed. */
  #wakeFeeder: (() => void) | undefined

  constructor(options: CensusOptions) {
    this.#options = options
    this.#units = new Queue({ maxsize: options.workers * UNITS_AHEAD })
    this.#answers = new Queue({ maxsize: options.workers * ANSWERS_AHEAD })
    this.#perWorker = Array.from({ length: options.workers }, (_, post) => summary(`worker ${post + 1}`))
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.#staff = new Staff({
      size: options.workers,
      hire: post =>
        new Process({
          target: work,
          args: [post, options.folder, this.#units, this.#answers, this.#counted],
          name: `census-${post + 1}`,
          daemon: true,
        }),
      onDeath: () => {
        this.#ledger.death()
        this.#wakeFeeder?.()
      },
      onFailure: error => this.#fail(error),
    })
    if (options.killEvery !== undefined) this.#staff.killEvery(options.killEvery)
    const { onProgress } = options
    if (onProgress) this.#progress = setInterval(() => onProgress(this.#counted.value, this.#found), PROGRESS_EVERY)
  }

  async run(): Promise<CensusResult> {
    this.#read().catch(this.#fail)
    await Promise.race([this.#feed(), this.#failed])
    const elapsed = performance.now() - this.#began
    const { kills, deaths } = this.#staff
    return { tally: this.#tally, perWorker: this.#perWorker, elapsed, kills, deaths }
  }

  /** Ends the workers, then the queues; in this order, since a worker may still be answering a unit that was fed twice. */
  async end(): Promise<void> {
    clearInterval(this.#progress)
    this.#units.shutdown({ immediate: true })
    await this.#staff.dismiss()
    this.#answers.shutdown({ immediate: true })
    this.#units.close()
    this.#answers.close()
  }

  /** Feeds all units, and some of them again, until every one is answered. */
  async #feed(): Promise<void> {
    const paths = walk(this.#options.folder, skipped => this.#tally.skipped.push(skipped))
    let walking = true
    for (;;) {
      const urgent = this.#ledger.urgent()
      if (urgent) {
        if (urgent.act === 'feed') await this.#units.put(urgent.unit)
        else await this.#countHere(urgent.unit)
      } else if (walking) {
        const size = Math.min(Math.max(this.#found >> 6, LEAST_FILES), MOST_FILES)
        const next = await take(paths, size)
        this.#found += next.length
        if (next.length > 0) await this.#units.put(this.#ledger.enter(next))
        walking = next.length === size
      } else if (this.#ledger.settled) {
        return
      } else {
        await new Promise<void>(resolve => {
          this.#wakeFeeder = resolve
        })
      }
    }
  }

  /** Adds up the answers, until the queue is shut down. */
  async #read(): Promise<void> {
    for await (const { unit, worker, tally } of this.#answers) {
      if (this.#ledger.answer(unit)) {
        this.#staff.praise()
        this.#tally.merge(tally)
        enter(this.#perWorker[worker], tally)
      }
      this.#wakeFeeder?.()
    }
  }

  /** Counts a unit in this process: nobody kills it, so the census ends even if this unit outlives no worker. */
  async #countHere(unit: Unit): Promise<void> {
    if (!this.#ledger.answer(unit.id)) return
    const tally = new Tally()
    for (const path of unit.paths) await tally.countPolitely(this.#options.folder, path)
    this.#tally.merge(tally.pack())
    const { workers } = this.#options
    this.#perWorker[workers] ??= summary('main process')
    enter(this.#perWorker[workers], tally)
  }
}

function summary(name: string): WorkerSummary {
  return { name, units: 0, files: 0, bytes: 0, lines: 0, words: 0 }
}

function enter(into: WorkerSummary, tally: { files: number; bytes: number; lines: number; words: number }): void {
  into.units++
  into.files += tally.files
  into.bytes += tally.bytes
  into.lines += tally.lines
  into.words += tally.words
}

async function take(paths: AsyncGenerator<string>, most: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < most) {
    const { value, done } = await paths.next()
    if (done) break
    taken.push(value)
  }
  return taken
}
