/** How durations are distributed, in little memory however many there are: buckets that grow with what they hold. */
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'

/** Durations in milliseconds. */
export interface Histogram {
  readonly count: number
  /** NaN, as `min` and `max`, while `count` is 0. */
  readonly mean: number
  readonly min: number
  readonly max: number
  /** So many percent took at most this long, to some 3 %. `p` from 0 to 100. */
  percentile(p: number): number
}

/** Buckets for each doubling. */
const FINENESS = 16
/** From a microsecond to 12 days. */
const BUCKETS = 40 * FINENESS

export class Durations implements Histogram {
  readonly #buckets = new Float64Array(BUCKETS)
  #count = 0
  #sum = 0
  #min = NaN
  #max = NaN

  /** `us`: in microseconds. */
  add(us: number): void {
    this.#buckets[Math.min(BUCKETS - 1, Math.floor(Math.log2(us + 1) * FINENESS))]++
    this.#count++
    this.#sum += us
    if (!(us >= this.#min)) this.#min = us
    if (!(us <= this.#max)) this.#max = us
  }

  get count(): number {
    return this.#count
  }

  get mean(): number {
    return this.#sum / this.#count / 1e3
  }

  get min(): number {
    return this.#min / 1e3
  }

  get max(): number {
    return this.#max / 1e3
  }

  percentile(p: number): number {
    if (typeof p !== 'number') {
      throw new ArgumentTypeError(`Expected \`p\` to be a number from 0 to 100, got ${describe(p)}`)
    }
    if (!(p >= 0 && p <= 100)) {
      throw new ArgumentRangeError(`Expected \`p\` to be a number from 0 to 100, got ${describe(p)}`)
    }
    if (this.#count === 0) return NaN
    const wanted = Math.max(1, Math.ceil((p / 100) * this.#count))
    let seen = 0
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#buckets[i]
      if (seen < wanted) continue
      const middle = 2 ** ((i + 0.5) / FINENESS) - 1
      return Math.min(this.#max, Math.max(this.#min, middle)) / 1e3
    }
    return this.max
  }
}
