/**
 * Waiting for what the kernel cannot tell an event loop of: it is tried, and tried again after a pause that grows from 1 to
 * 10 ms. So what comes is noticed 10 ms later at most, and a wait costs some hundred cheap system calls a second; no
 * thread waits anywhere, neither one of libuv's nor one of our own.
 *
 * Those who wait here are served in the order they came. In an `ordered` line nobody is served before those in front of
 * him; in another one the attempts differ, and who finds nothing lets those behind try.
 */
import { setMaxListeners } from 'node:events'
import { TimeoutError } from '../contract/errors.ts'
import { checkOptions, checkSignal, checkTimeout } from '../contract/options.ts'
import { LONGEST_TIMER, type SyncWaitOptions, type WaitOptions } from '../contract/waiting.ts'
import { pollReadable } from '../os/poll.ts'

/** An attempt's answer: not now. */
export const NONE: unique symbol = Symbol('none')

/** Tries once and never waits. What it gives has been taken; an error it throws ends the wait. */
export type Attempt<T> = () => T | typeof NONE

const FIRST_NAP = 1
const LONGEST_NAP = 10
/** Awaited operations that were served at once before one makes way for timers and sockets. */
const STREAK = 500

interface Entry {
  readonly attempt: Attempt<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class Patience {
  readonly #ordered: boolean
  readonly #entries: Entry[] = []
  #timer: NodeJS.Timeout | undefined
  #nap = FIRST_NAP

  constructor(ordered: boolean) {
    this.#ordered = ordered
  }

  /** Awaits; `what` names the operation in errors. */
  until<T>(what: string, attempt: Attempt<T>, options: WaitOptions | undefined): Promise<T> {
    return awaited(what, options, (resolve, reject) => {
      const entry: Entry = { attempt, resolve: resolve as Entry['resolve'], reject }
      this.#entries.push(entry)
      this.#nap = FIRST_NAP
      this.#look()
      return {
        lastLook: () => this.#look(),
        leave: () => this.#remove(entry),
      }
    })
  }

  /** Everybody in line gets the error. */
  fail(error: unknown): void {
    for (const entry of this.#entries.splice(0)) entry.reject(error)
    clearTimeout(this.#timer)
  }

  #look(): void {
    clearTimeout(this.#timer)
    for (let at = 0; at < this.#entries.length; ) {
      const entry = this.#entries[at]
      let got: unknown
      try {
        got = entry.attempt()
      } catch (error) {
        this.#entries.splice(at, 1)
        entry.reject(error)
        continue
      }
      if (got !== NONE) {
        this.#entries.splice(at, 1)
        this.#nap = FIRST_NAP
        entry.resolve(got)
      } else if (this.#ordered) break
      else at++
    }
    this.#lookLater()
  }

  #lookLater(): void {
    if (this.#entries.length === 0) return
    this.#timer = setTimeout(() => this.#look(), this.#nap)
    this.#nap = Math.min(2 * this.#nap, LONGEST_NAP)
  }

  #remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry)
    if (at >= 0) this.#entries.splice(at, 1)
    if (this.#entries.length === 0) clearTimeout(this.#timer)
  }
}

interface Wait {
  /** What is there in time is taken, though the timer is late. */
  lastLook(): void
  leave(): void
}

let streak = 0

/** A promise with the timeout and the signal of its options. `begin` tries, and lets it wait. */
export function awaited<T>(
  what: string,
  options: WaitOptions | undefined,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => Wait,
): Promise<T> {
  return new Promise((resolve, reject) => {
    checkOptions('options', options, ['timeout', 'signal'])
    const timeout = checkTimeout(options?.timeout)
    const signal = checkSignal(options?.signal)
    signal?.throwIfAborted()
    let settled = false
    let timer: NodeJS.Timeout | undefined
    const settle = () => {
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const fulfil = (value: T) => {
      settle()
      // a loop of such awaits would starve timers and sockets
      if (++streak % STREAK === 0) setImmediate(resolve, value)
      else resolve(value)
    }
    const fail = (error: unknown) => {
      settle()
      reject(error)
    }
    const leaveWith = (error: unknown) => {
      wait.leave()
      fail(error)
    }
    const onAbort = () => leaveWith(signal?.reason)
    const wait = begin(fulfil, fail)
    if (settled) return
    if (timeout === 0) {
      leaveWith(late(what, 0))
      return
    }
    const began = performance.now()
    const onTimeout = () => {
      const left = began + timeout - performance.now()
      if (left > 0) {
        timer = setTimeout(onTimeout, Math.min(Math.ceil(left), LONGEST_TIMER))
        return
      }
      wait.lastLook()
      if (!settled) leaveWith(late(what, timeout))
    }
    if (timeout !== Number.POSITIVE_INFINITY) timer = setTimeout(onTimeout, Math.min(timeout, LONGEST_TIMER))
    if (signal) {
      setMaxListeners(0, signal) // many waits with one signal are no leak
      signal.addEventListener('abort', onAbort, { once: true })
    }
  })
}

/**
 * Blocks this thread until the attempt succeeds. Between attempts it sleeps in the kernel: in `sleep`, which may return when
 * it likes, or for 1 to 10 ms. So worker.terminate() waits no longer than that.
 */
export function untilSync<T>(
  what: string,
  attempt: Attempt<T>,
  options: SyncWaitOptions | undefined,
  sleep?: (limitMs: number) => void,
): T {
  checkOptions('options', options, ['timeout'])
  const timeout = checkTimeout(options?.timeout)
  const began = performance.now()
  for (let nap = FIRST_NAP; ; nap = Math.min(2 * nap, LONGEST_NAP)) {
    const left = began + timeout - performance.now()
    const got = attempt()
    if (got !== NONE) return got
    if (left <= 0 || timeout === 0) throw late(what, timeout)
    if (sleep) sleep(left)
    else pollReadable([], Math.min(nap, left))
  }
}

function late(what: string, timeout: number): TimeoutError {
  return new TimeoutError(`${what} timed out after ${timeout} ms`)
}
