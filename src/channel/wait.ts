/**
 * wait(): until one or more of several objects are ready, whatever they are. Each object answers for itself
 * (contract/waitable.ts); nothing here knows a kind by name, and nothing is looked at again and again.
 */
import { setMaxListeners } from 'node:events'
import { served } from '../arena/until.ts'
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { checkOptions, checkSignal, checkTimeout, describe } from '../contract/options.ts'
import { isWaitable, type Readiness, WAITABLE } from '../contract/waitable.ts'
import { LONGEST_TIMER, type WaitOptions } from '../contract/waiting.ts'

/**
 * Waits until one or more of the objects are ready, and gives those that are, in the order they came in. Nothing is taken:
 * what is ready for one may be taken by another a moment later, so take it with `timeout: 0`.
 *
 * Ready is: a Connection or Queue with something to receive, or at its end; a Listener where somebody can be accepted; a
 * Process that ended; a Lock, RLock or Semaphore that can be acquired; an Event that is set (or was set since, if only for a
 * moment).
 *
 * Waits: awaits, never blocks the event loop, asleep until one of them says so. An empty list is answered at once with an
 * empty list (Python's `wait([])` never returns). At the timeout it resolves with an empty list; a negative timeout
 * counts as 0, as in Python. On abort it rejects with the signal's reason.
 *
 * If a process dies: a Process is ready; a Connection whose other end nobody holds any more is at its end; a Lock
 * that it held can be acquired.
 *
 * @throws {ArgumentTypeError} for what cannot be waited for; the message says which · {ClosedError} also when an object is
 * closed meanwhile · {InvalidStateError} for a Process that was not started
 * @example
 * const queue = new Queue<number>()
 * const event = new Event()
 * assert.deepEqual(await wait([queue, event], { timeout: 10 }), [])
 * event.set()
 * assert.deepEqual(await wait([queue, event]), [event])
 * queue.putNowait(1)
 * assert.deepEqual(await wait([queue, event]), [queue, event])
 */
export async function wait<T>(objects: Iterable<T>, options?: WaitOptions): Promise<T[]> {
  const { timeout, signal } = checkWait(options)
  signal?.throwIfAborted()
  const all = listOf(objects)
  const waits = all.map(readinessOf)
  const deadline = performance.now() + timeout
  for (let left = timeout; ; left = deadline - performance.now()) {
    const ready = all.filter((_, i) => waits[i].ready())
    if (ready.length > 0 || all.length === 0 || left <= 0) return served(ready)
    await oneOf(waits, left, signal)
  }
}

/** Until one of them says that it is ready (somebody else may be quicker to take what is there), or `ms` have passed. */
async function oneOf(waits: readonly Readiness[], ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      if (ms !== Infinity) timer = setTimeout(resolve, Math.min(Math.ceil(ms), LONGEST_TIMER))
      if (signal) {
        onAbort = () => reject(signal.reason)
        setMaxListeners(0, signal) // many waits with one signal are no leak
        signal.addEventListener('abort', onAbort, { once: true })
      }
      for (const wait of waits) wait.watch(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
    for (const wait of waits) wait.unwatch()
  }
}

/** As the options of every wait, but that a negative timeout is one that is over. */
function checkWait(options: WaitOptions | undefined): { timeout: number; signal: AbortSignal | undefined } {
  const { timeout, signal } = checkOptions('options', options, ['timeout', 'signal'])
  return { timeout: checkPatience(timeout), signal: checkSignal(signal) }
}

/** @internal a timeout by Python's rule for poll() and wait(): negative is 0. */
export function checkPatience(timeout: unknown): number {
  if (typeof timeout !== 'number' || !(timeout < 0)) return checkTimeout(timeout)
  if (Number.isInteger(timeout)) return 0
  throw new ArgumentRangeError(
    `Expected \`timeout\` to be a whole number of milliseconds, got ${describe(timeout)}; round it with Math.ceil`,
  )
}

function listOf<T>(objects: Iterable<T>): T[] {
  if (typeof objects !== 'object' || objects === null || typeof objects[Symbol.iterator] !== 'function') {
    throw new ArgumentTypeError(
      `Expected \`objects\` to be an iterable of what can be waited for, got ${describe(objects)}`,
    )
  }
  return [...objects]
}

function readinessOf(object: unknown, i: number): Readiness {
  if (isWaitable(object)) return object[WAITABLE]()
  throw new ArgumentTypeError(
    `Expected objects[${i}] to be a Connection, a Listener, a queue, a Process, a lock, a semaphore or an Event, got ${describe(object)}`,
  )
}
