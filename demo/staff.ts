/** The worker processes: starts them, replaces each one that ends too early, and kills one now and then if asked to. */

import type { Process } from 'multiproc'

export interface StaffOptions {
  size: number
  /** Makes the process for a post; it is not started yet. */
  hire: (post: number) => Process
  /** A worker ended although the work was not over; its replacement was started. */
  onDeath: () => void
  /** Workers end as soon as they start: there is no use in going on. */
  onFailure: (error: Error) => void
}

/** A death without any answer in between, this often for each post, means that the workers do not work. */
const MOST_DEATHS_IN_VAIN = 5
/** How long workers may take to leave when the work is over; then they are killed. */
const LEAVE_TIME = 5000

export class Staff {
  kills = 0
  deaths = 0
  readonly #options: StaffOptions
  readonly #posts: Process[] = []
  readonly #ends: Promise<void>[] = []
  #killer: NodeJS.Timeout | undefined
  #working = true
  #deathsInVain = 0
  #mayKill = true

  constructor(options: StaffOptions) {
    this.#options = options
    for (let post = 0; post < options.size; post++) this.#fill(post)
  }

  /**
   * Kills a random worker every `every` milliseconds, as `kill -9` would. A tick is left out when no answer came since
   * the last one: on a machine too slow to count anything in between, the census would never end.
   */
  killEvery(every: number): void {
    this.#killer = setInterval(() => {
      if (!this.#mayKill) return
      this.#mayKill = false
      this.#posts[Math.floor(Math.random() * this.#posts.length)].kill()
      this.kills++
    }, every)
  }

  /** An answer came: the workers work. */
  praise(): void {
    this.#deathsInVain = 0
    this.#mayKill = true
  }

  /** No more replacements. Resolves when every worker has ended, by itself or, after a while, killed. */
  async dismiss(): Promise<void> {
    this.#working = false
    clearInterval(this.#killer)
    const late = setTimeout(() => this.killAll(), LEAVE_TIME)
    await Promise.all(this.#ends)
    clearTimeout(late)
  }

  killAll(): void {
    this.#working = false
    clearInterval(this.#killer)
    for (const worker of this.#posts) if (worker.isAlive()) worker.kill()
  }

  #fill(post: number): void {
    const worker = this.#options.hire(post)
    this.#posts[post] = worker
    worker.start()
    this.#ends[post] = this.#watch(post, worker)
  }

  async #watch(post: number, worker: Process): Promise<void> {
    await worker.join()
    const { name, exitCode } = worker
    worker.close()
    if (!this.#working) return
    this.deaths++
    if (++this.#deathsInVain > MOST_DEATHS_IN_VAIN * this.#options.size) {
      this.killAll()
      this.#options.onFailure(
        new Error(`The workers end before they count anything; ${name} with exit code ${exitCode}.`),
      )
      return
    }
    this.#options.onDeath()
    this.#fill(post)
  }
}
