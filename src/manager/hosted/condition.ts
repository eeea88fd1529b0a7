/**
 * Python's Condition: waiting, with a lock given up meanwhile, until somebody notifies.
 *
 *   holds the lock ──wait──▶ asleep ──notified, or the time is over──▶ in line for the lock ──▶ holds it again
 *                              └──the call is withdrawn──▶ gone; a notification that it had goes to the next asleep
 *
 * A caller whose call is withdrawn does not hold the lock. One that lives on (it aborted the call) takes it again by
 * reacquire(), as often as it had it.
 */
import { type Call, type Caller, defineType } from './hosted-type.ts'
import { typeName } from './kinds-of-value.ts'
import { Line, secondsOf } from './line.ts'
import { HostedLock, HostedRLock, lockMethods } from './lock.ts'
import { runtimeError, typeError } from './python-errors.ts'
import { integer } from './subscript.ts'

export class HostedCondition {
  readonly lock: HostedLock
  readonly #asleep = new Line<void>()
  /** How often callers held the lock whose wait was withdrawn. */
  readonly #suspended = new WeakMap<Caller, number[]>()

  constructor(lock: HostedLock) {
    this.lock = lock
  }

  get sleepers(): number {
    return this.#asleep.size
  }

  /** False: the time was over. */
  wait(call: Call, seconds: number): Promise<boolean> {
    const { caller } = call
    const { hold } = this.lock.mutex
    if (hold === undefined || hold.caller !== caller) throw runtimeError('cannot wait on un-acquired lock')
    const { depth } = hold
    return new Promise(resolve => {
      const suspend = () => this.#suspend(caller, depth)
      if (seconds > 0) {
        const told = {
          served: () => this.#regain(call, depth, true, resolve),
          expired: () => this.#regain(call, depth, false, resolve),
          withdrawn: suspend,
        }
        this.#asleep.join(call, seconds, told, undefined)
        this.lock.mutex.free()
      } else {
        this.lock.mutex.free()
        this.#regain(call, depth, false, resolve)
      }
    })
  }

  /** Takes the lock again, however long that takes; for a call that is withdrawn meanwhile it is as if it had slept on. */
  #regain(call: Call, depth: number, notified: boolean, resolve: (notified: boolean) => void): void {
    const { mutex } = this.lock
    const withdrawn = () => {
      this.#suspend(call.caller, depth)
      if (notified) this.#wake(1)
    }
    mutex.enter(call, depth, Number.POSITIVE_INFINITY, {
      got: hold => {
        call.onWithdrawn(() => {
          mutex.undo(hold, depth)
          withdrawn()
        })
        resolve(notified)
      },
      expired: () => {},
      withdrawn,
    })
  }

  #suspend(caller: Caller, depth: number): void {
    const depths = this.#suspended.get(caller)
    if (depths) depths.push(depth)
    else this.#suspended.set(caller, [depth])
  }

  /** After a wait that was withdrawn: waits until the caller holds the lock again as it did before. */
  reacquire(call: Call): Promise<void> {
    const depth = this.#suspended.get(call.caller)?.shift()
    if (depth === undefined) throw runtimeError('cannot reacquire a lock that no withdrawn wait has given up')
    return new Promise(resolve => {
      this.#regain(call, depth, false, () => resolve())
    })
  }

  notify(caller: Caller, count: number): void {
    if (!this.lock.isHeldBy(caller)) throw runtimeError('cannot notify on un-acquired lock')
    this.#wake(count)
  }

  #wake(count: number): void {
    for (const sleeper of this.#asleep.all().slice(0, Math.max(0, count))) sleeper.serve()
  }
}

function lockFor(lock: unknown): HostedLock {
  if (lock === undefined || lock === null) return new HostedRLock()
  if (lock instanceof HostedLock) return lock
  throw typeError(`a Condition needs a Lock or RLock of its own manager, not '${typeName(lock)}'`)
}

export const conditionType = defineType<HostedCondition>({
  typeid: 'Condition',
  init: 'lock?',
  create: ([lock]) => new HostedCondition(lockFor(lock)),
  methods: {
    ...lockMethods<HostedCondition>(condition => condition.lock),
    notify: ['n?', (condition, a, call) => condition.notify(call.caller, a[0] === undefined ? 1 : integer(a[0]))],
    notify_all: ['', (condition, _, call) => condition.notify(call.caller, condition.sleepers)],
    wait: ['timeout?', (condition, a, call) => condition.wait(call, secondsOf(a[0]))],

    // for JavaScript, when a wait was aborted
    reacquire: ['', (condition, _, call) => condition.reacquire(call)],
  },
  repr: condition => `<Condition(${condition.lock instanceof HostedRLock ? 'RLock' : 'Lock'}, ${condition.sleepers})>`,
})
