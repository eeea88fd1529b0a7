/**
 * The only waiting loops: try, else sleep until rung, late or aborted. Here timeout, abort, doorbell and death meet.
 *
 * The order that loses no wake-up, for every waiter:
 *
 *   try · mark yourself · try again · sleep · (rung) · mark yourself · try again · …
 *
 * Whoever changes the thing looks for marks afterwards, so either the second try sees the change or the changer sees the
 * mark. A mark is cleared by the one who rings: hence it is set anew before every look. Whoever stops waiting without
 * having taken anything may have been rung for it in that very moment, and passes the ring on. A thread that dies is no
 * special case: whoever recovers it rings everybody, and everybody looks again.
 *
 * Within a thread the waiters for one thing stand in line and are served in the order they came, awaited and blocking
 * ones together: so `put(1); put(2)` arrive in that order, and a put that blocks first helps those before it.
 *
 * Beside the line stand watchers: poll() and wait() want to know that there is something, and take nothing. A ring that
 * chose a thread for its watcher has woken nobody who would take; so whoever tells a watcher rings the next, and that one,
 * if it only watches, the next again, until one takes or nobody is left. Takers go first: what they leave is there for
 * watchers.
 */
import { setMaxListeners } from 'node:events'
import { pause, relax, type Words } from '#words'
import { TimeoutError } from '../contract/errors.ts'
import { checkOptions, checkSignal, checkTimeout } from '../contract/options.ts'
import type { Readiness } from '../contract/waitable.ts'
import { LONGEST_TIMER, type SyncWaitOptions, type WaitOptions } from '../contract/waiting.ts'
import { Hope, LOOK } from './hope.ts'
import type { Sleeper, Waiters } from './sleeper.ts'
import { mark, unmark, wakeOne } from './wait-set.ts'

/** An attempt's answer: not now. (`undefined` and `null` are values.) */
export const NONE: unique symbol = Symbol('none')
/** An attempt's answer: somebody is in the middle of a change and takes long; ask again soon. */
export const BUSY: unique symbol = Symbol('busy')

/** Tries once and never waits. What it gives has been taken; an error it throws ends the wait. */
export type Attempt<T> = () => T | typeof NONE | typeof BUSY

interface Entry {
  readonly attempt: Attempt<unknown>
  readonly by: object | undefined
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Somebody who wants to know, once, that there is something to be had; it leaves the line as it is told. */
export interface Watcher {
  /** Looks, and takes nothing. */
  ready(): boolean
  /** It is ready. Must not throw. */
  tell(): void
  /** The object is not this process's any more. */
  fail(error: unknown): void
  /** Who watches, for fail() of the line. */
  readonly by?: object | undefined
}

/** What a line needs to know of the thread it is in. */
export interface Place {
  /** The words that hold the participants. */
  readonly w: Words
  readonly sleeper: Sleeper
  readonly slot: number
}

const WAIT_OPTIONS = ['timeout', 'signal'] as const
const SYNC_WAIT_OPTIONS = ['timeout'] as const

/** Awaited operations that were served at once before one makes way for timers and sockets. */
const STREAK = 500

let streak = 0

/** Those in this thread who wait for one thing. */
export class Line implements Waiters {
  readonly #place: Place
  readonly #w: Words
  readonly #set: number
  readonly #blockingFirst: boolean
  readonly #entries: Entry[] = []
  readonly #watchers = new Set<Watcher>()
  /** Why nobody can wait here any more. */
  #failure: { error: unknown } | undefined
  /** That what is waited for here comes at once: learnt from the last waits. */
  readonly #hope = new Hope()
  #marked = false

  /**
   * `set`: the index in `w` of the wait set (wait-set.ts). `blockingFirst`: who blocks this thread goes before those who
   * await in it. So it must be where those would have to run to let it in: a lock granted to an awaiting task of a thread
   * that is blocked is never released.
   */
  constructor(place: Place, w: Words, set: number, blockingFirst = false) {
    this.#blockingFirst = blockingFirst
    this.#place = place
    this.#w = w
    this.#set = set
  }

  /** Nobody stands in line: whoever comes may try at once. */
  get idle(): boolean {
    return this.#entries.length === 0
  }

  /** Nobody of this thread waits here in any way. */
  get #deserted(): boolean {
    return this.#entries.length === 0 && this.#watchers.size === 0
  }

  get hopeful(): boolean {
    return this.#hope.looks
  }

  /** Awaits: never blocks the event loop. `what` names the operation in errors, `by` who waits, for fail(). */
  until<T>(what: string, attempt: Attempt<T>, options?: WaitOptions, by?: object): Promise<T> {
    let timeout: number
    let signal: AbortSignal | undefined
    try {
      ;({ timeout, signal } = checkWaitOptions(options))
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (!this.idle) this.#serveFirst()
      if (this.idle) {
        const got = timeout === 0 ? tryOnce(attempt) : attempt()
        if (got !== NONE && got !== BUSY) return served(got)
      }
    } catch (error) {
      return Promise.reject(error)
    }
    if (timeout === 0) return Promise.reject(late(what, 0))
    return new Promise((resolve, reject) => this.#queueUp(what, attempt, by, timeout, signal, resolve, reject))
  }

  #queueUp<T>(
    what: string,
    attempt: Attempt<T>,
    by: object | undefined,
    timeout: number,
    signal: AbortSignal | undefined,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const began = performance.now()
    let timer: NodeJS.Timeout | undefined
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (this.#place.sleeper.looking) this.#hope.paid()
      else this.#hope.inVain(0)
    }
    const entry: Entry = {
      attempt,
      by,
      resolve: value => {
        settle()
        resolve(value as T)
      },
      reject: error => {
        settle()
        reject(error)
      },
    }
    const leaveWith = (error: () => unknown) => {
      if (this.#remove(entry)) entry.reject(error())
    }
    const onAbort = () => leaveWith(() => signal?.reason)
    const onTimeout = () => {
      const left = began + timeout - performance.now()
      if (left > 0) {
        timer = setTimeout(onTimeout, Math.min(Math.ceil(left), LONGEST_TIMER))
        return
      }
      this.#serveFirst() // what is there in time is taken, though we look late
      leaveWith(() => late(what, timeout))
    }
    if (timeout !== Number.POSITIVE_INFINITY) timer = setTimeout(onTimeout, Math.min(timeout, LONGEST_TIMER))
    if (signal) {
      setMaxListeners(0, signal) // many waits with one signal are no leak
      signal.addEventListener('abort', onAbort, { once: true })
    }
    this.#entries.push(entry)
    this.#place.sleeper.wait(this)
  }

  /** Blocks this thread, asleep in the kernel. */
  untilSync<T>(what: string, attempt: Attempt<T>, options?: SyncWaitOptions, by?: object): T {
    checkOptions('options', options, SYNC_WAIT_OPTIONS)
    const timeout = checkTimeout(options?.timeout)
    if (!this.idle && !this.#blockingFirst) this.#serveFirst()
    if (this.idle || this.#blockingFirst) {
      const got = timeout === 0 ? tryOnce(attempt) : attempt()
      if (got !== NONE && got !== BUSY) return got
    }
    if (timeout === 0) throw late(what, 0)
    let state: 'waiting' | 'served' | 'failed' = 'waiting'
    let outcome: unknown
    const entry: Entry = {
      attempt,
      by,
      resolve: value => {
        state = 'served'
        outcome = value
      },
      reject: error => {
        state = 'failed'
        outcome = error
      },
    }
    if (this.#blockingFirst) this.#entries.unshift(entry)
    else this.#entries.push(entry)
    this.#block(performance.now(), timeout, () => state !== 'waiting')
    if (state === 'waiting') {
      this.#remove(entry)
      throw late(what, timeout)
    }
    if (this.#deserted) this.unmark()
    if (state === 'failed') throw outcome
    return outcome as T
  }

  #block(began: number, timeout: number, settled: () => boolean): void {
    const { sleeper } = this.#place
    if (!(sleeper.spinning && this.hopeful && this.#look(began, settled))) {
      let rounds = 100
      sleeper.block(began + timeout, () => {
        this.mark()
        while (this.#serve() === BUSY && !settled() && performance.now() - began < timeout) {
          pause(rounds++)
          if (rounds % 50 === 0) sleeper.lookForDead()
        }
        return settled()
      })
    }
  }

  /** Looks for what is waited for, awake; true when it was there. */
  #look(began: number, settled: () => boolean): boolean {
    for (let round = 1; ; round++) {
      this.serve()
      if (settled()) {
        this.#hope.paid()
        return true
      }
      const looked = (round & 7) === 0 ? performance.now() - began : 0
      if (looked > LOOK) {
        this.#hope.inVain(looked)
        return false
      }
      relax()
    }
  }

  /** Everybody in line gets the error, or those that wait `by` the one: the object is not theirs any more. */
  fail(error: unknown, by?: object): void {
    if (by === undefined) this.#failure = { error }
    const isTheirs = (one: { readonly by?: object | undefined }) => by === undefined || one.by === by
    for (const entry of this.#entries.filter(isTheirs)) {
      this.#entries.splice(this.#entries.indexOf(entry), 1)
      entry.reject(error)
    }
    for (const watcher of [...this.#watchers].filter(isTheirs)) {
      this.#watchers.delete(watcher)
      watcher.fail(error)
    }
    if (this.#deserted) this.#withdraw()
  }

  // ── watching ──

  /** Tells the watcher once it is ready: from the event loop, or from a `watchSync` in this thread. */
  watch(watcher: Watcher): void {
    if (this.#failure) {
      watcher.fail(this.#failure.error)
      return
    }
    this.#watchers.add(watcher)
    this.#place.sleeper.wait(this)
  }

  /** The watcher does not want to know any more. */
  unwatch(watcher: Watcher): void {
    if (this.#watchers.delete(watcher) && this.#deserted) this.#withdraw()
  }

  /** For wait(); `by`: as for until(). */
  readiness(ready: () => boolean, by?: object): Readiness {
    let watcher: Watcher | undefined
    return {
      ready,
      watch: (tell, fail) => {
        watcher = { ready, tell, fail, by }
        this.watch(watcher)
      },
      unwatch: () => {
        if (watcher) this.unwatch(watcher)
      },
    }
  }

  /** Blocks this thread until it is ready: true; false after `timeout` ms. */
  watchSync(ready: () => boolean, timeout: number): boolean {
    if (!this.idle) this.#serveFirst()
    if (ready()) return true
    if (timeout === 0) return false
    let state = 'waiting' as 'waiting' | 'ready' | 'failed'
    let failure: unknown
    const watcher: Watcher = {
      ready,
      tell: () => {
        state = 'ready'
      },
      fail: error => {
        state = 'failed'
        failure = error
      },
    }
    this.#watchers.add(watcher)
    this.#block(performance.now(), timeout, () => state !== 'waiting')
    this.#watchers.delete(watcher)
    if (this.#deserted) this.#withdraw()
    if (state === 'failed') throw failure
    return state === 'ready'
  }

  // ── what the sleeper calls ──

  mark(): void {
    if (this.#deserted) return // a ring that came for those who have left must be seen as theirs by unmark()
    this.#marked = true
    mark(this.#w, this.#set, this.#place.slot)
  }

  /** Takes the mark away. A ring that had chosen this thread, and is not used here, belongs to another. */
  unmark(): void {
    if (!this.#marked) return
    this.#marked = false
    if (!unmark(this.#w, this.#set, this.#place.slot)) wakeOne(this.#place.w, this.#w, this.#set)
  }

  serve(): boolean {
    const answer = this.#serve()
    if (answer === BUSY) this.#place.sleeper.again()
    if (!this.#deserted) return true
    this.unmark()
    return false
  }

  /** Serves from the front as long as it goes, then tells those who watch; gives what stopped it. */
  #serve(): typeof NONE | typeof BUSY | undefined {
    for (;;) {
      const stopped = this.#serveEntries()
      if (this.#watchers.size === 0 || !this.#tellWatchers()) return stopped
    }
  }

  /** True: the mark had to be set anew for those who are left, so it is time for another look. */
  #tellWatchers(): boolean {
    const ready = [...this.#watchers].filter(watcher => watcher.ready())
    for (const watcher of ready) this.#watchers.delete(watcher)
    const passes = ready.length > 0 && this.#marked
    if (passes) {
      // Our own mark goes first, or the ring would come back to us.
      this.#marked = false
      unmark(this.#w, this.#set, this.#place.slot)
      wakeOne(this.#place.w, this.#w, this.#set)
      this.mark()
    }
    for (const watcher of ready) watcher.tell()
    return passes && !this.#deserted
  }

  #serveEntries(): typeof NONE | typeof BUSY | undefined {
    while (this.#entries.length > 0) {
      // Out of the line while it tries: an attempt may run code of the user's that uses the same object.
      const entry = this.#entries.shift() as Entry
      let got: unknown
      try {
        got = entry.attempt()
      } catch (error) {
        entry.reject(error)
        continue
      }
      if (got === NONE || got === BUSY) {
        this.#entries.unshift(entry)
        return got
      }
      entry.resolve(got)
    }
    return undefined
  }

  /** Those who stand in line already. */
  #serveFirst(): void {
    this.#serve()
    if (this.#deserted) this.#withdraw()
  }

  /** Tries once, after those who stand in line already; does not wait. */
  tryNow<T>(attempt: Attempt<T>): T | typeof NONE | typeof BUSY {
    if (!this.idle) this.#serveFirst()
    return this.idle ? attempt() : NONE
  }

  /** Nobody here waits any more. */
  #withdraw(): void {
    this.unmark()
    this.#place.sleeper.forget(this)
  }

  /** Leaves the line without having taken anything; false when it was served before. */
  #remove(entry: Entry): boolean {
    const at = this.#entries.indexOf(entry)
    if (at < 0) return false
    this.#entries.splice(at, 1)
    if (this.#deserted) this.#withdraw()
    return true
  }
}

/**
 * For whoever tries and does not wait. That somebody is in the middle of a change is no answer: its latch is free in a
 * microsecond, in some milliseconds if it was preempted. BUSY only when it takes longer: it was stopped, perhaps.
 */
export function tryOnce<T>(attempt: Attempt<T>): T | typeof NONE | typeof BUSY {
  let got = attempt()
  for (let round = FIRST_NAP; got === BUSY && round < LAST_NAP; round++) {
    pause(round)
    got = attempt()
  }
  return got
}

/** Rounds of pause(): naps of some 40 ms in all. */
const FIRST_NAP = 80
const LAST_NAP = 120

/** The options of an awaited operation, checked; no timeout is Infinity. */
export function checkWaitOptions(options: WaitOptions | undefined): {
  timeout: number
  signal: AbortSignal | undefined
} {
  checkOptions('options', options, WAIT_OPTIONS)
  return { timeout: checkTimeout(options?.timeout), signal: checkSignal(options?.signal) }
}

/** Served without waiting. Now and then by way of the event loop: a loop of such awaits would starve timers and sockets. */
export function served<T>(value: T): Promise<T> {
  if (++streak < STREAK) return Promise.resolve(value)
  streak = 0
  return new Promise(resolve => setImmediate(resolve, value))
}

function late(what: string, timeout: number): TimeoutError {
  return new TimeoutError(`${what} timed out after ${timeout} ms`)
}
