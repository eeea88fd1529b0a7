/**
 * Python's Semaphore and BoundedSemaphore.
 *
 *   owned: who holds how many is known ──somebody gives what it does not hold──▶ signal: only how many are free is
 *
 * While the permits are owned, those of a caller that is gone are free again. A semaphore whose releases come from others
 * than its acquires counts events, and to give those of the gone back would invent some. `recover` decides it: true,
 * always owned, what is given beyond one's own are new permits; false, a signal from the start.
 */
import { type Call, type Caller, defineType, type Method } from './hosted-type.ts'
import { isTrue } from './kinds-of-value.ts'
import { Line, secondsOf } from './line.ts'
import { valueError } from './python-errors.ts'
import { integer } from './subscript.ts'

/** What one caller holds. */
interface Holding {
  permits: number
  readonly forget: () => void
}

export class HostedSemaphore {
  readonly #line = new Line<void>()
  readonly #holdings = new Map<Caller, Holding>()
  readonly #most: number
  readonly #recover: boolean | undefined
  #free: number
  #isSignal: boolean

  constructor(value: unknown, recover: unknown, bounded: boolean) {
    this.#free = value === undefined ? 1 : integer(value)
    if (this.#free < 0) throw valueError('semaphore initial value must be >= 0')
    this.#most = bounded ? this.#free : Number.POSITIVE_INFINITY
    this.#recover = recover === undefined || recover === null ? undefined : isTrue(recover)
    this.#isSignal = this.#recover === false
  }

  get free(): number {
    return this.#free
  }

  acquire(call: Call, seconds: number): boolean | Promise<boolean> {
    if (this.#free > 0) {
      this.#take(call)
      return true
    }
    if (seconds <= 0) return false
    return new Promise(resolve => {
      this.#line.join(call, seconds, { served: () => resolve(true), expired: () => resolve(false) }, undefined)
    })
  }

  #take(call: Call): void {
    this.#free--
    if (!this.#isSignal) this.#hold(call.caller, 1)
    call.onWithdrawn(() => {
      const holding = this.#holdings.get(call.caller)
      // it was given back already, by somebody who thought it delivered
      if (!this.#isSignal && holding === undefined) return
      if (holding) this.#hold(call.caller, -1)
      this.#add(1)
    })
  }

  #hold(caller: Caller, change: number): void {
    const holding = this.#holdings.get(caller) ?? { permits: 0, forget: caller.onGone(() => this.#gone(caller)) }
    holding.permits += change
    this.#holdings.set(caller, holding)
    if (holding.permits > 0) return
    holding.forget()
    this.#holdings.delete(caller)
  }

  #gone(caller: Caller): void {
    const permits = this.#holdings.get(caller)?.permits ?? 0
    this.#holdings.delete(caller)
    this.#add(permits)
  }

  #add(permits: number): void {
    this.#free += permits
    for (let first = this.#line.first; first && this.#free > 0; first = this.#line.first) {
      this.#take(first.call)
      first.serve()
    }
  }

  release(caller: Caller, permits: number): void {
    if (permits < 1) throw valueError('n must be one or more')
    const mine = this.#holdings.get(caller)?.permits ?? 0
    const isOwned = !this.#isSignal && (permits <= mine || this.#recover === true)
    let all = this.#free + permits
    // a permit that is in somebody's hand stays there
    if (isOwned) for (const { permits: held } of this.#holdings.values()) all += held
    if (isOwned) all -= Math.min(mine, permits)
    if (all > this.#most) throw valueError('Semaphore released too many times')
    if (isOwned) {
      if (mine > 0) this.#hold(caller, -Math.min(mine, permits))
    } else if (!this.#isSignal) {
      this.#isSignal = true
      for (const { forget } of this.#holdings.values()) forget()
      this.#holdings.clear()
    }
    this.#add(permits)
  }
}

function patience(blocking: unknown, timeout: unknown): number {
  const seconds = secondsOf(timeout)
  if (blocking === undefined || isTrue(blocking)) return seconds
  if (seconds !== Number.POSITIVE_INFINITY) throw valueError("can't specify timeout for non-blocking acquire")
  return 0
}

const methods: Record<string, readonly [string, Method<HostedSemaphore>]> = {
  acquire: ['blocking?, timeout?', (semaphore, a, call) => semaphore.acquire(call, patience(a[0], a[1]))],
  get_value: ['', semaphore => semaphore.free],
  locked: ['', semaphore => semaphore.free === 0],
  release: ['n?', (semaphore, a, call) => semaphore.release(call.caller, a[0] === undefined ? 1 : integer(a[0]))],
}

export const semaphoreType = defineType<HostedSemaphore>({
  typeid: 'Semaphore',
  init: 'value?, recover?',
  create: ([value, recover]) => new HostedSemaphore(value, recover, false),
  methods,
  repr: semaphore => `<Semaphore: value=${semaphore.free}>`,
})

export const boundedSemaphoreType = defineType<HostedSemaphore>({
  typeid: 'BoundedSemaphore',
  init: 'value?, recover?',
  create: ([value, recover]) => new HostedSemaphore(value, recover, true),
  methods,
  repr: semaphore => `<BoundedSemaphore: value=${semaphore.free}>`,
})
