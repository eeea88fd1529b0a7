/** Python's Lock and RLock, as the threading module has them; a caller that is gone gives back what it held. */
import { type Call, type Caller, defineType, type Method } from './hosted-type.ts'
import { isTrue } from './kinds-of-value.ts'
import { secondsOf } from './line.ts'
import { type Hold, Mutex } from './mutex.ts'
import { runtimeError, valueError } from './python-errors.ts'

/** Whether it was acquired. 'abandoned': yes, and its last holder was gone while it held it. */
export type Acquired = boolean | 'abandoned'

/** Anybody may release it. */
export class HostedLock {
  readonly mutex = new Mutex()

  /** Waits until it is free, at most so many seconds. `told`: 'abandoned' is wanted. */
  acquire(call: Call, seconds: number, told = false): Acquired | Promise<Acquired> {
    const hold = this.take(call.caller)
    if (hold) return this.#handed(call, hold, told)
    if (seconds <= 0) return false
    return new Promise(resolve => {
      this.mutex.enter(call, 1, seconds, {
        got: given => resolve(this.#handed(call, given, told)),
        expired: () => resolve(false),
      })
    })
  }

  #handed(call: Call, hold: Hold, told: boolean): Acquired {
    call.onWithdrawn(() => this.mutex.undo(hold))
    return told && hold.abandoned && hold.depth === 1 ? 'abandoned' : true
  }

  protected take(caller: Caller): Hold | undefined {
    return this.mutex.take(caller)
  }

  release(_caller: Caller): void {
    if (this.mutex.hold === undefined) throw runtimeError('release unlocked lock')
    this.mutex.free()
  }

  isHeldBy(caller: Caller): boolean {
    return this.mutex.hold?.caller === caller
  }

  get holder(): number | null {
    return this.mutex.hold?.caller.pid ?? null
  }
}

/** Its holder may acquire it again, and only its holder may release it. */
export class HostedRLock extends HostedLock {
  protected override take(caller: Caller): Hold | undefined {
    const { hold } = this.mutex
    if (hold?.caller !== caller) return this.mutex.take(caller)
    hold.depth++
    return hold
  }

  override release(caller: Caller): void {
    const { hold } = this.mutex
    if (hold?.caller !== caller) throw runtimeError('cannot release un-acquired lock')
    if (--hold.depth === 0) this.mutex.free()
  }
}

/** The seconds that an acquire() may wait. */
export function patience(blocking: unknown, timeout: unknown): number {
  const isForEver = timeout === undefined || timeout === null || timeout === -1
  if (blocking !== undefined && !isTrue(blocking)) {
    if (!isForEver) throw valueError("can't specify a timeout for a non-blocking call")
    return 0
  }
  const seconds = secondsOf(isForEver ? undefined : timeout)
  if (seconds < 0) throw valueError('timeout value must be a non-negative number')
  return seconds
}

/** The methods of whatever has a lock. */
export function lockMethods<T>(lockOf: (object: T) => HostedLock): Record<string, readonly [string, Method<T>]> {
  return {
    acquire: ['blocking?, timeout?', (object, a, call) => lockOf(object).acquire(call, patience(a[0], a[1]))],
    locked: ['', object => lockOf(object).mutex.hold !== undefined],
    release: ['', (object, _, call) => lockOf(object).release(call.caller)],

    // for JavaScript: as acquire, but 'abandoned' when it was; the holder's pid, or null
    hold: ['blocking?, timeout?', (object, a, call) => lockOf(object).acquire(call, patience(a[0], a[1]), true)],
    holder: ['', object => lockOf(object).holder],
  }
}

const looks = (name: string) => (lock: HostedLock) =>
  `<${lock.mutex.hold ? 'locked' : 'unlocked'} ${name}${lock.mutex.hold ? ` held by ${lock.mutex.hold.caller.label}` : ''}>`

export const lockType = defineType<HostedLock>({
  typeid: 'Lock',
  init: '',
  create: () => new HostedLock(),
  methods: lockMethods(lock => lock),
  repr: looks('Lock'),
})

export const rlockType = defineType<HostedLock>({
  typeid: 'RLock',
  init: '',
  create: () => new HostedRLock(),
  methods: lockMethods(lock => lock),
  repr: looks('RLock'),
})
