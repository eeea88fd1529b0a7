/**
 * The public barrier over its parties in shared memory (parties.ts: states, who writes what, deaths). Here: who of this
 * thread waits, and the action.
 *
 * Several tasks of one thread may be parties. They arrive when they call, not when it is their turn in the line: a line
 * serves one after the other, and here they wait for each other. An arrival that cannot be made at once (an action
 * runs, or the latch is held for long) is made by whoever of this thread looks next.
 */
import { load, poke } from '#words'
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { endedInPeace } from '../arena/participants.ts'
import { bodyAt } from '../arena/references.ts'
import { currentSession } from '../arena/session.ts'
import { Adoption, SharedObject } from '../arena/shared-object.ts'
import { BUSY, checkWaitOptions, Line, NONE, served } from '../arena/until.ts'
import { markedIn } from '../arena/wait-set.ts'
import { ArgumentTypeError, BrokenBarrierError } from '../contract/errors.ts'
import { checkCount, checkFunction, checkOptions } from '../contract/options.ts'
import { SHAREABLE, type ShareRef } from '../contract/shareable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import {
  type Action,
  checkAction,
  freeAction,
  importAction,
  reclaimAction,
  requireAction,
  tellAction,
} from './action.ts'
import {
  ACTION,
  BY_ABORT,
  BY_ACTION,
  BY_LOSS,
  BY_RESET,
  BY_TIMEOUT,
  type Cause,
  HELD_UP,
  IS_BROKEN,
  LOOK_FIRST,
  NOT_YET,
  PARTIES_WORDS,
  PASSED,
  Parties,
  TIMEOUT,
  TO_ACT,
  WAITERS,
  WAITING,
} from './parties.ts'

const KIND = 9
const MOST = 0x7fffffff
const FOR_EVER = -1

export interface BarrierOptions {
  /** Run by the last to arrive, in its process, before anybody leaves. Synchronous. */
  action?: () => void
  /** Milliseconds: for every wait that gives none of its own, in any process. @default for ever */
  timeout?: number
}

/** Somebody of this thread on the way through the barrier. */
interface Arrival {
  /** 'due': not there yet; 'waiting' in `generation`; then what came of it. */
  state: 'due' | 'waiting' | 'passed' | 'failed'
  generation: number
  index: number
  error: unknown
}

/**
 * A point that a number of parties reach together: each waits until all have arrived.
 *
 * Waits: `wait()` awaits, `waitSync()` blocks this thread asleep in the kernel. Each gives a number from 0 to parties − 1,
 * in the order of arrival, each once. A party is a call: several tasks of one process may be parties. When all have
 * passed the barrier can be used again at once.
 *
 * The action is run by the last to arrive, in its own process, while the others wait. In a process that did not make the
 * barrier it is found as the target of a Process is: it must be exported by its module.
 *
 * On timeout, abort, `abort()`, an action that throws, or a death, the barrier is broken, for everybody: who waits
 * rejects with BrokenBarrierError, who comes later too, until `reset()`.
 *
 * If a process dies, killed or failed, while it waits or runs the action, the barrier is broken; also if it had passed this
 * barrier before, since the others count on it. One that never came is not known: give a timeout. A process that ends in
 * peace (exit code 0) or calls `close()`, and does not wait at that moment, takes no further part and breaks nothing.
 *
 * @param parties how many have to arrive, 1 … 2³¹ − 1 (Python takes 0 as well, and waits for ever)
 * @throws {ArgumentRangeError} `parties` below 1 · {ArgumentTypeError} an action that is no function, or asynchronous
 * @example
 * const seen: string[] = []
 * const barrier = new Barrier(2, { action: () => seen.push('all are here') })
 * const first = barrier.wait({ timeout: 1000 })
 * assert.equal(barrier.nWaiting, 1)
 * assert.deepEqual([await barrier.wait(), await first], [1, 0])
 * assert.deepEqual(seen, ['all are here'])
 * await assert.rejects(barrier.wait({ timeout: 10 }), BrokenBarrierError)
 * assert.equal(barrier.broken, true)
 */
export class Barrier extends SharedObject {
  readonly #parties: Parties
  readonly #line: Line
  readonly #hasAction: boolean
  readonly #timeout: number | undefined
  #action: Action | undefined
  /** Why the action cannot be found here. */
  #problem: unknown
  #waiting: Arrival[] = []
  readonly #due: Arrival[] = []

  constructor(parties: number, options?: BarrierOptions)
  /** @internal */
  constructor(adoption: Adoption)
  constructor(parties: number | Adoption, options?: BarrierOptions) {
    const made = parties instanceof Adoption ? undefined : check(parties, options)
    super(parties instanceof Adoption ? parties : currentSession().create(KIND, PARTIES_WORDS))
    if (made) {
      Parties.initialise(this.w, this.at, made.parties, made.action !== undefined)
      poke(this.w, this.at + TIMEOUT, made.timeout)
    }
    this.#parties = new Parties(this.session, this.w, this.at)
    this.#line = new Line(this.session, this.w, this.at + WAITERS)
    this.#action = made?.action
    this.#hasAction = this.#parties.hasAction
    const timeout = load(this.w, this.at + TIMEOUT)
    this.#timeout = timeout === FOR_EVER ? undefined : timeout
    if (made) this.session.publish(this)
  }

  /**
   * Waits until all parties have arrived; gives this one's number, 0 … parties − 1.
   *
   * Awaits; never blocks the event loop. On timeout the barrier is broken for everybody, this one included. On abort
   * this one rejects with the signal's reason, and the barrier is broken for the others; a signal that was aborted before
   * the call breaks nothing.
   * If a process dies that waits here, runs the action, or passed before, the barrier is broken.
   *
   * @param options `timeout` in ms, default: the barrier's; 0 passes only as the last one
   * @throws {BrokenBarrierError} at once when it is broken, and when it breaks · the signal's reason · {ClosedError}
   * @throws what the action threw, to the one who ran it · {InvalidTargetError} an action that cannot be found here
   * @throws {TimeoutError} when the action before took so long that it could not even arrive: nothing is broken then
   */
  wait(options?: WaitOptions): Promise<number> {
    try {
      this.assertOpen()
      const { timeout, signal } = checkWaitOptions(options)
      if (signal?.aborted) return Promise.reject(signal.reason)
      const limits =
        timeout === Number.POSITIVE_INFINITY && options?.timeout === undefined ? this.#limits(signal) : options
      if (this.#hasAction && !this.#action) return this.#findThenWait(limits)
      const arrival = this.#arrive()
      return arrival.state === 'passed' ? served(arrival.index) : this.#stay(arrival, limits)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #limits(signal: AbortSignal | undefined): WaitOptions | undefined {
    return this.#timeout === undefined ? signal && { signal } : { timeout: this.#timeout, signal }
  }

  async #findThenWait(options?: WaitOptions): Promise<number> {
    await importAction(this.session, this.w, this.at + ACTION).then(
      action => (this.#action = action),
      problem => (this.#problem = problem),
    )
    this.assertOpen()
    options?.signal?.throwIfAborted()
    return this.#stay(this.#arrive(), options)
  }

  async #stay(arrival: Arrival, options?: WaitOptions): Promise<number> {
    try {
      return await this.#line.until('Barrier.wait()', () => this.#attempt(arrival), options)
    } catch (error) {
      return this.#giveUp(arrival, error, options?.signal?.aborted ? BY_ABORT : BY_TIMEOUT)
    }
  }

  /**
   * As wait(), but blocks this thread.
   *
   * @throws {BrokenBarrierError} · {ClosedError} · as wait()
   */
  waitSync(options?: SyncWaitOptions): number {
    this.assertOpen()
    const limits =
      options?.timeout === undefined && this.#timeout !== undefined ? { ...options, timeout: this.#timeout } : options
    checkSyncOptions(limits)
    const arrival = this.#arrive()
    if (arrival.state === 'passed') return arrival.index
    try {
      return this.#line.untilSync('Barrier.waitSync()', () => this.#attempt(arrival), limits)
    } catch (error) {
      return this.#giveUp(arrival, error, BY_TIMEOUT)
    }
  }

  /** Arrives, now if that is possible. Throws when that fails at once. */
  #arrive(): Arrival {
    const arrival: Arrival = { state: 'due', generation: 0, index: 0, error: undefined }
    this.#due.push(arrival)
    this.#proceed()
    if ((arrival.state as string) === 'failed') throw arrival.error
    return arrival
  }

  #attempt(arrival: Arrival): number | typeof NONE | typeof BUSY {
    const heldUp = this.#proceed()
    if (arrival.state === 'passed') return arrival.index
    if (arrival.state === 'failed') throw arrival.error
    return heldUp ? BUSY : NONE
  }

  /** Sees what became of those who wait, and lets those arrive who could not. True: somebody holds the latch for long. */
  #proceed(): boolean {
    for (;;) {
      if (this.closed) {
        // by an action: the memory may be another object's by now, and whoever tries just now is not in the line
        for (const arrival of [...this.#waiting, ...this.#due]) fail(arrival, this.closedError())
        return false
      }
      this.#look()
      const next = this.#due[0]
      if (next === undefined) return false
      let outcome = IS_BROKEN
      try {
        outcome = this.#parties.arrive(this.#waiting[0]?.generation ?? 0)
      } catch (error) {
        fail(next, error)
      }
      if (outcome === LOOK_FIRST) continue
      if (outcome === NOT_YET) return false
      if (outcome === HELD_UP) return true
      this.#due.shift()
      if (next.state === 'due') this.#take(next, outcome)
    }
  }

  /** It has arrived, or the barrier was broken. */
  #take(arrival: Arrival, outcome: number): void {
    arrival.generation = this.#parties.generation
    arrival.index = this.#parties.index
    if (outcome === IS_BROKEN) fail(arrival, broken(this.#parties.cause ?? BY_RESET))
    else if (outcome === TO_ACT) this.#act(arrival)
    else if (outcome === PASSED) arrival.state = 'passed'
    else {
      arrival.state = 'waiting'
      this.#waiting.push(arrival)
    }
  }

  /** All of this thread that wait do so in the same generation: those of an earlier one were looked at before. */
  #look(): void {
    if (this.#waiting.length === 0) return
    const outcome = this.#parties.look(this.#waiting[0].generation)
    if (outcome === WAITING) return
    for (const arrival of this.#waiting) {
      if (outcome === PASSED) arrival.state = 'passed'
      else fail(arrival, broken(outcome.brokenBy))
    }
    this.#waiting = []
  }

  /** Runs the action, while all others wait. */
  #act(arrival: Arrival): void {
    const { generation } = arrival
    try {
      this.#action ??= this.#findNow()
      const action = this.#action
      refusePromise(action())
    } catch (error) {
      fail(arrival, error)
      if (!this.closed) this.#parties.break(generation, BY_ACTION)
      return
    }
    if (this.closed) fail(arrival, this.closedError())
    else if (this.#parties.finish(generation)) arrival.state = 'passed'
    else fail(arrival, broken(this.#parties.cause ?? BY_RESET))
  }

  #findNow(): Action {
    if (this.#problem !== undefined) throw this.#problem
    return requireAction(this.session, this.w, this.at + ACTION)
  }

  /** The wait is over with `error`: unless everybody has passed just now, the barrier is broken for all. */
  #giveUp(arrival: Arrival, error: unknown, cause: Cause): number {
    if (this.closed || arrival.state === 'failed') throw error
    if (arrival.state === 'due') {
      this.#due.splice(this.#due.indexOf(arrival), 1)
      throw error
    }
    if (arrival.state === 'waiting' && this.#parties.break(arrival.generation, cause)) {
      this.#look()
      throw cause === BY_ABORT ? error : arrival.error
    }
    this.#look()
    // a cast, since what #look() does to the state is not seen here
    if ((arrival.state as string) === 'failed') throw cause === BY_ABORT ? error : arrival.error
    return arrival.index
  }

  /**
   * Sends away who waits, with BrokenBarrierError; from here on the barrier can be used as a new one, broken or not. An
   * action that runs goes on, and the one who runs it is sent away then.
   *
   * Never waits. If this process dies in it, the barrier is as it was, broken, or reset.
   */
  reset(): void {
    this.assertOpen()
    this.#parties.reset()
  }

  /** Breaks the barrier: who waits, and who comes, is sent away with BrokenBarrierError until reset(). Never waits. */
  abort(): void {
    this.assertOpen()
    this.#parties.breakNow(BY_ABORT)
  }

  /** How many have to arrive. */
  get parties(): number {
    this.assertOpen()
    return this.#parties.parties
  }

  /** How many wait at this moment. */
  get nWaiting(): number {
    this.assertOpen()
    return this.#parties.waiting
  }

  /** True until reset(), once something has broken it. */
  get broken(): boolean {
    this.assertOpen()
    return this.#parties.cause !== undefined
  }

  /** @internal its action travels by reference. */
  override [SHAREABLE](): ShareRef {
    const ref = super[SHAREABLE]()
    if (this.#action) tellAction(this.session, this.w, this.at + ACTION, this.#action)
    return ref
  }

  protected override summary(): Record<string, unknown> {
    return { parties: this.parties, waiting: this.nWaiting, broken: this.broken }
  }

  protected override leave(): void {
    this.#parties.quit()
    this.#line.fail(this.closedError())
  }
}

function fail(arrival: Arrival, error: unknown): void {
  arrival.state = 'failed'
  arrival.error = error
}

const WHY: Record<Cause, string> = {
  [BY_ABORT]: 'it was aborted',
  [BY_TIMEOUT]: 'the timeout of somebody who waited has passed',
  [BY_ACTION]: 'its action failed',
  [BY_LOSS]: 'a process that takes part in it has died, or closed it while it waited',
  [BY_RESET]: 'it was reset',
}

function broken(cause: Cause): BrokenBarrierError {
  const mend = cause === BY_RESET ? 'wait again' : 'call reset() to use it again'
  return new BrokenBarrierError(`Expected all parties to arrive at the barrier, but ${WHY[cause]}; ${mend}`)
}

const SYNCHRONOUS = 'it runs while everybody waits, so it must be done when it returns'

function refusePromise(result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return
  Promise.resolve(result).catch(() => {}) // what becomes of it interests nobody any more
  throw new ArgumentTypeError(`Expected \`action\` to be synchronous, but it gave a promise: ${SYNCHRONOUS}`)
}

function checkSyncOptions(options: SyncWaitOptions | undefined): void {
  checkOptions('options', options, ['timeout'])
  checkWaitOptions(options)
}

function check(count: number, options: BarrierOptions | undefined) {
  const parties = checkCount('parties', count, 1, MOST)
  const { action, timeout } = checkOptions('options', options, ['action', 'timeout'])
  if (action !== undefined) {
    checkFunction('action', action)
    if (/Async/.test(Object.prototype.toString.call(action))) {
      throw new ArgumentTypeError(`Expected \`action\` to be synchronous, got an async function: ${SYNCHRONOUS}`)
    }
  }
  return { parties, action, timeout: timeout === undefined ? FOR_EVER : checkCount('timeout', timeout, 0, MOST) }
}

export const barrierKind: Kind = {
  code: KIND,
  name: 'Barrier',
  open: adoption => new Barrier(adoption),
  recover(session, address, dead, blocks) {
    const { w, at } = bodyAt(session, address)
    reclaimAction(session, w, at + ACTION, blocks)
    return new Parties(session, w, at).recover(dead, endedInPeace(session.w, dead), blocks)
  },
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    freeAction(session, w, at + ACTION)
    new Parties(session, w, at).takeApart()
  },
  check(session, address, queued) {
    const { w, at } = bodyAt(session, address)
    const parties = new Parties(session, w, at)
    return [
      ...checkHolder(session, 'its latch', parties.latch),
      ...checkWaiters(session, w, at + WAITERS),
      ...checkAction(session, w, at + ACTION, queued),
      ...parties.check(queued),
    ]
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const { parties, waiting, acting, cause } = new Parties(session, w, at)
    const state = cause === undefined ? (acting ? 'its action runs' : 'open') : `broken: ${WHY[cause]}`
    return { waiters: markedIn(w, at + WAITERS), detail: { parties, arrived: waiting, state } }
  },
}
