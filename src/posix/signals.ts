/** Signals, to other processes and to this one. */
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { ArgumentRangeError, ArgumentTypeError, InvalidStateError } from '../contract/errors.ts'
import { checkCount, describe } from '../contract/options.ts'
import { LONGEST_TIMER, type WaitOptions } from '../contract/waiting.ts'
import { signalAny } from '../os/signal.ts'
import { explained } from './kernel-errors.ts'
import { awaited } from './patience.ts'

const numbers: Readonly<Record<string, number>> = constants.signals

/** Linux counts its signals to here. */
const LAST = 64

/** The kernel lets nobody catch these. */
const UNCATCHABLE = ['SIGKILL', 'SIGSTOP']

/**
 * Sends a signal to a process, of whatever program; a negative number is a group of processes, as in kill(2).
 *
 * Does not wait: the signal is under way when it returns, and what the other does with it is its own affair. To a process
 * that has ended and whose parent has not looked yet (a zombie) it is sent in vain, without an error.
 *
 * @param pid above 0, or below −1 for the group −pid. (0 and −1, which mean "all of mine", are refused.)
 * @param signal its name, or its number: 0 to 64; 0 only asks whether there is such a process
 * @throws {SystemCallError} ESRCH: there is no such process; EPERM: it is another user's
 * @throws {ArgumentTypeError} {ArgumentRangeError} for a signal or a pid that cannot be
 * @example
 * const arrived = waitForSignal('SIGUSR2')
 * sendSignal(process.pid, 'SIGUSR2')
 * assert.equal((await arrived).signal, 'SIGUSR2')
 */
export function sendSignal(pid: number, signal: NodeJS.Signals | number): void {
  checkCount('pid', pid, -(2 ** 31) + 1, 2 ** 31 - 1)
  if (pid === 0 || pid === -1) {
    const whom = pid === 0 ? 'this process and its whole group' : 'every process of this user'
    throw new ArgumentRangeError(
      `Expected \`pid\` to be the id of one process, or below -1 for a group, got ${pid}, which would be ${whom}`,
    )
  }
  const number = typeof signal === 'number' ? checkCount('signal', signal, 0, LAST) : numberOf(signal)
  explained(
    () => signalAny(pid, number),
    () => ({
      ESRCH: `there is no process ${pid}: it has ended, or never was`,
      EPERM: `process ${pid} is another user's: run as that user or root`,
    }),
  )
}

/**
 * Waits for a signal to this process, and catches it: it does not do what it would do by itself (SIGTERM would end the process).
 *
 * Awaits, and keeps the event loop alive. All who wait for the same signal get it. It is caught from the call until the turn of the
 * event loop after it came (or the timeout, or the abort): a loop of waits misses none, and whoever wants to listen for
 * good uses `process.on`. Several of one kind that come at the same moment may be one: the kernel does not count them.
 *
 * `at`: when it was handled, ms since 1970.
 *
 * @throws {TimeoutError} after `timeout` ms · the signal's reason (of `options.signal`)
 * @throws {ArgumentRangeError} for SIGKILL and SIGSTOP, which nobody can catch (EINVAL), and for what is no signal
 * @throws {InvalidStateError} in a worker thread: signals belong to the main thread
 * @example
 * setTimeout(() => sendSignal(process.pid, 'SIGHUP'), 10)
 * const { signal, at } = await waitForSignal('SIGHUP', { timeout: 5000 })
 * assert.equal(signal, 'SIGHUP')
 * assert.ok(at <= Date.now())
 */
export async function waitForSignal(
  signal: NodeJS.Signals,
  options?: WaitOptions,
): Promise<{ signal: NodeJS.Signals; at: number }> {
  numberOf(signal)
  if (UNCATCHABLE.includes(signal)) {
    throw new ArgumentRangeError(
      `Expected a signal that can be caught, got ${signal}, which the kernel lets nobody catch (EINVAL); ask for SIGTERM, or SIGTSTP`,
    )
  }
  if (!isMainThread) {
    throw new InvalidStateError(
      'Expected the main thread, since signals come to that alone; wait for them there and tell this thread, by an Event say',
    )
  }
  return awaited(`waitForSignal('${signal}')`, options, (resolve, reject) => {
    const leave = () => {
      clearInterval(alive)
      // whoever waits for the next one in this turn of the loop begins before this one is let go
      setImmediate(() => process.off(signal, caught)).unref()
    }
    const caught = () => {
      leave()
      resolve({ signal, at: Date.now() })
    }
    const alive = setInterval(() => {}, LONGEST_TIMER) // a listener for a signal keeps no event loop alive
    try {
      process.on(signal, caught)
    } catch (cause) {
      clearInterval(alive)
      reject(
        new ArgumentRangeError(`Expected a signal that can be caught, but this system refuses ${signal}`, { cause }),
      )
    }
    return { lastLook: () => {}, leave }
  })
}

function numberOf(signal: unknown): number {
  if (typeof signal !== 'string') {
    throw new ArgumentTypeError(`Expected \`signal\` to be the name of a signal, got ${describe(signal)}`)
  }
  if (!Object.hasOwn(numbers, signal)) {
    throw new ArgumentRangeError(
      `Expected \`signal\` to be one such as 'SIGTERM' or 'SIGUSR1', got ${describe(signal)}`,
    )
  }
  return numbers[signal]
}
