/** What the calls of a pool are given, checked before anything is done with it. */
import { setMaxListeners } from 'node:events'
import { MOST_ITEMS } from '../channel/task-board.ts'
import { encode } from '../codec/codec.ts'
import { ArgumentTypeError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkFunction, checkOptions, checkSignal, describe } from '../contract/options.ts'
import { looksLikeTarget, resolveTarget, type Target } from '../process/target.ts'
import type { Task } from './backlog.ts'
import type { Engine } from './engine.ts'
import type { Progress, Single } from './jobs.ts'
import type { MapOptions } from './pool.ts'
import { renamed } from './renamed.ts'
import { areGivenAway, takeArguments, takeAway } from './transfer.ts'
import { SPREAD } from './worker.ts'

/** ms after which a worker that has nothing to do goes, and between an abort and the end of a worker that takes no notice. */
export const IDLE_TIMEOUT = 30_000
export const GRACE = 1000

export const MAP_OPTIONS = ['chunksize', 'signal', 'onProgress', 'failFast'] as const

type Input = Iterable<unknown> | AsyncIterable<unknown>

/** Lays down a call, or says which argument cannot travel. */
export function give(
  engine: Engine,
  job: Single,
  args: unknown[],
  priority?: number,
  timeout?: number,
  whenPacked?: () => void,
): Task {
  try {
    return engine.give(job, SPREAD, args, priority, timeout, whenPacked)
  } catch (error) {
    throw renamed(error, 'value', 'args')
  }
}

/** The same for arguments with buffers that the caller gives away. */
export function giveAway(
  engine: Engine,
  job: Single,
  args: unknown[],
  transfer: ArrayBuffer[],
  priority: number,
  timeout: number,
): Task {
  if (areGivenAway(args, transfer)) {
    return engine.giveLater(job, SPREAD, takeArguments(args, transfer), 0, 0, priority, timeout)
  }
  return give(engine, job, args, priority, timeout, () => takeAway(transfer))
}

export function limit(name: string, value: number | undefined): number {
  return value === undefined ? Infinity : checkCount(name, value, 1)
}

export function checkTarget(name: string, target: Target | undefined): ReturnType<typeof resolveTarget> | undefined {
  if (target === undefined) return undefined
  if (looksLikeTarget(target)) return resolveTarget(target)
  throw new ArgumentTypeError(`Expected \`${name}\` to be a function or { module, name }, got ${describe(target)}`)
}

export function checkArgs(name: string, args: unknown[] | undefined): unknown[] {
  if (args === undefined) return []
  if (!Array.isArray(args)) throw new ArgumentTypeError(`Expected \`${name}\` to be an array, got ${describe(args)}`)
  encode({ [name]: args }) // told here, and not when a worker is started
  return args
}

export function checkPriority(priority: unknown): number {
  if (priority === undefined) return 0
  if (typeof priority === 'number' && Number.isFinite(priority)) return priority
  throw new ArgumentTypeError(`Expected \`priority\` to be a finite number, got ${describe(priority)}`)
}

export function checkInput(items: unknown, shape: number): { input: Input; isAsync: boolean } {
  const isAsync = typeof (items as AsyncIterable<unknown>)?.[Symbol.asyncIterator] === 'function'
  if (!isAsync && typeof (items as Iterable<unknown>)?.[Symbol.iterator] !== 'function') {
    throw new ArgumentTypeError(`Expected \`items\` to be iterable, got ${describe(items)}`)
  }
  if (isAsync && shape === SPREAD) {
    throw new ArgumentTypeError(
      'Expected `items` of starmap() to be an iterable, got an async one; use map() with a function of one argument',
    )
  }
  return { input: items as Input, isAsync }
}

export function checkItemArgs(what: string, i: number, item: unknown): void {
  if (Array.isArray(item)) return
  throw new ArgumentTypeError(`Expected items[${i}] of ${what}() to be an array of arguments, got ${describe(item)}`)
}

export function iteratorOf(input: Input): Iterator<unknown> | AsyncIterator<unknown> {
  return Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]()
}

export interface MapPlan {
  readonly chunksize: number | undefined
  readonly signal: AbortSignal | undefined
  readonly onProgress: Progress | undefined
  readonly failFast: boolean
}

/** As many items at a time, or as many as a task may have. */
export const chunkOf = (items: number): number => Math.min(MOST_ITEMS, items)

export function checkMapOptions(o: MapOptions | undefined): MapPlan {
  const { chunksize, signal, onProgress, failFast } = checkOptions<MapOptions>('options', o, MAP_OPTIONS)
  return {
    chunksize: chunksize === undefined ? undefined : chunkOf(checkCount('chunksize', chunksize, 1)),
    signal: signalOf(signal),
    onProgress: onProgress === undefined ? undefined : checkFunction('onProgress', onProgress),
    failFast: checkFlag('failFast', failFast, true),
  }
}

/** A signal of the caller's: many calls with one are no leak. */
export function signalOf(value: unknown): AbortSignal | undefined {
  const signal = checkSignal(value)
  if (signal !== undefined) setMaxListeners(0, signal)
  return signal
}
