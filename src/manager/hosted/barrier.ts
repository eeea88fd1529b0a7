/**
 * Python's Barrier: a point that a number of parties reach together.
 *
 *   filling ──all are there──▶ they leave, and it fills anew
 *      └──abort, a timeout, or a party that waited is gone or took its call back──▶ broken ──reset──▶ filling
 *
 * reset() while some wait sends them off with an error, and it fills anew.
 */
import { BrokenBarrierError } from '../../contract/errors.ts'
import { type Call, defineType } from './hosted-type.ts'
import { Line, secondsOf } from './line.ts'
import { attributeError, typeError, valueError } from './python-errors.ts'
import { integer } from './subscript.ts'

export class HostedBarrier {
  readonly parties: number
  /** Each with its number: how many were there before it. */
  readonly #line = new Line<void, number>()
  readonly #seconds: number
  #isBroken = false

  constructor(parties: unknown, action: unknown, timeout: unknown) {
    this.parties = integer(parties)
    if (this.parties < 1) throw valueError('parties must be > 0')
    if (action !== undefined && action !== null)
      throw typeError('a Barrier of a manager takes no action: a function cannot travel')
    this.#seconds = secondsOf(timeout)
  }

  get waiting(): number {
    return this.#line.size
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  wait(call: Call, timeout: unknown): number | Promise<number> {
    const seconds = timeout === undefined || timeout === null ? this.#seconds : secondsOf(timeout)
    if (this.#isBroken) throw broken('it is broken')
    const index = this.#line.size
    if (index === this.parties - 1) {
      for (const waiter of this.#line.all()) waiter.serve()
      return index
    }
    if (seconds <= 0) {
      this.#break('a party waited no longer')
      throw broken('not all were there in time')
    }
    return new Promise((resolve, reject) => {
      const told = {
        served: () => resolve(index),
        failed: reject,
        expired: () => {
          this.#break('a party waited no longer')
          reject(broken('not all were there in time'))
        },
        withdrawn: () => this.#break('a party that waited is gone'),
      }
      this.#line.join(call, seconds, told, index)
    })
  }

  #break(why: string): void {
    this.#isBroken = true
    this.#sendOff(why)
  }

  #sendOff(why: string): void {
    for (const waiter of this.#line.all()) waiter.fail(broken(why))
  }

  abort(): void {
    this.#break('it was aborted')
  }

  reset(): void {
    this.#isBroken = false
    this.#sendOff('it was reset')
  }

  attribute(name: unknown): number | boolean {
    if (name === 'parties') return this.parties
    if (name === 'n_waiting') return this.waiting
    if (name === 'broken') return this.#isBroken
    throw attributeError(`'Barrier' object has no attribute '${String(name)}'`)
  }
}

const broken = (why: string): BrokenBarrierError =>
  new BrokenBarrierError(`Expected all parties to arrive at the barrier, but ${why}`)

export const barrierType = defineType<HostedBarrier>({
  typeid: 'Barrier',
  init: 'parties, action?, timeout?',
  create: ([parties, action, timeout]) => new HostedBarrier(parties, action, timeout),
  methods: {
    __getattribute__: ['name, /', (barrier, a) => barrier.attribute(a[0])],
    abort: ['', barrier => barrier.abort()],
    reset: ['', barrier => barrier.reset()],
    wait: ['timeout?', (barrier, a, call) => barrier.wait(call, a[0])],
  },
  repr: barrier =>
    barrier.isBroken ? '<Barrier: broken>' : `<Barrier: waiters=${barrier.waiting}/${barrier.parties}>`,
})
