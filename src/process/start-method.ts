/** In which way children are started, and what is common to all ways. */
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { checkCount, checkOptions, describe } from '../contract/options.ts'
import type { Identity } from './family.ts'
import { inheritedMethod } from './inherited-method.ts'
import { wantSpares } from './start/spares.ts'
import type { ResolvedTarget } from './target.ts'

/** 'spawn': a fresh Node process. 'warm': taken from spare processes already booted. 'thread': a worker_threads Worker, same API. */
export type StartMethod = 'spawn' | 'warm' | 'thread'

/** All that is needed to start a child; everything in it was checked. */
export interface StartPlan {
  readonly method: StartMethod
  readonly identity: Identity
  readonly target: ResolvedTarget
  readonly args: readonly unknown[]
  readonly env: NodeJS.ProcessEnv | undefined
  readonly execArgv: readonly string[] | undefined
  readonly cwd: string | undefined
  readonly stdio: 'inherit' | 'ignore' | 'pipe'
  readonly memoryLimitMb: number | undefined
}

/** What the child reads first. */
export interface ToldToChild {
  readonly identity: StartPlan['identity']
  readonly target: StartPlan['target']
  readonly argv: readonly string[]
  /** The way it was started; it starts its own children in the same way. */
  readonly method: StartMethod
  /** For a process that was there before its turn came; others are started with them. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** How many descriptors it inherits, when objects of multiproc/posix are among its arguments. */
  inherits?: number
}

/** What the child reads once its module is there. */
export interface GivenToChild {
  readonly args: readonly unknown[]
}

/** A started child, however it was started. */
export interface Child {
  readonly pid: number
  readonly stdout: NodeJS.ReadableStream | null
  readonly stderr: NodeJS.ReadableStream | null
  /** Asks the kernel; needs no turn of the event loop. */
  hasEnded(): boolean
  /** `null` while it runs; negative when a signal ended it. */
  exitCode(): number | null
  /** Sleeps in the kernel until the child has ended or a while has passed: call it again. */
  sleep(limitMs: number): void
  signal(name: NodeJS.Signals): void
  /** Calls back once, soon after the event loop has learnt of the end. */
  onEnd(listener: () => void): void
  /** Whether the event loop stays alive for the child. */
  keepAlive(keep: boolean): void
}

/** What may be said about a start method beside its name. */
export interface StartMethodOptions {
  /** How many spare processes 'warm' keeps; 0: none. @default as many as cpuCount(), at most 4 */
  spares?: number
}

const AVAILABLE: readonly StartMethod[] = ['spawn', 'warm', 'thread']

let chosen: StartMethod | undefined

/**
 * The ways of starting a child that there are here, the default first.
 *
 * @example
 * assert.equal(getAllStartMethods()[0], 'spawn')
 */
export function getAllStartMethods(): StartMethod[] {
  return [...AVAILABLE]
}

/**
 * How children are started from now on, unless setStartMethod() says otherwise. In a child: the way it was started
 * itself, so a whole family does as its main program chose.
 *
 * @example
 * assert.equal(getStartMethod(), 'spawn')
 */
export function getStartMethod(): StartMethod {
  chosen ??= inherited()
  return chosen
}

/**
 * Chooses how children of this process are started from now on; those that run stay as they are. May be called again at
 * any time (Python: once, unless forced).
 *
 * - `'spawn'`: a fresh Node process for each child, some 50 ms.
 * - `'warm'`: a process that was booted in advance, in a few milliseconds. Spare processes boot in the background, one
 *   after another, from this call on (in a child: from its first start() on), and each that was taken is replaced. A
 *   spare has run none of your code, is used once, and ends with this process, however that ends; each costs some
 *   40 MB. When none is there, or the child needs what cannot be changed in a running process, it is started cold, as
 *   with 'spawn', and nothing else is different: `execArgv` and `memoryLimitMb`, `stdio` other than 'inherit', and
 *   variables in `env` that are read while a program boots (NODE_…, UV_…, LD_…, LANG …). Where it differs from 'spawn'
 *   otherwise: what `--import` and `--require` load is loaded when the spare boots, and before `env` and `cwd` are
 *   those of the child. The spares of 'warm' end when another way is chosen, unless a context uses them.
 *
 * @param options `spares`: how many 'warm' keeps
 * @throws {ArgumentRangeError} when this version has no such way, and for more than 64 spares
 * @throws {ArgumentTypeError} for what is no text, for `spares` with another way than 'warm', and for other options
 * @example
 * setStartMethod('warm', { spares: 1 })
 * assert.equal(getStartMethod(), 'warm')
 * setStartMethod('spawn')
 */
export function setStartMethod(m: StartMethod, options?: StartMethodOptions): void {
  const spares = checkStartMethod(m, options)
  chosen = m
  wantSpares('default', m === 'warm' ? spares : 0)
}

/** A start method that there is, and how many spares it shall have; undefined: the usual. */
export function checkStartMethod(m: unknown, options?: StartMethodOptions): number | undefined {
  const expected = `Expected the start method to be one of those this version has (${AVAILABLE.join(', ')}), got ${describe(m)}`
  if (typeof m !== 'string') throw new ArgumentTypeError(expected)
  if (!AVAILABLE.includes(m as StartMethod)) throw new ArgumentRangeError(expected)
  const { spares } = checkOptions('options', options, ['spares'])
  if (spares === undefined) return undefined
  if (m !== 'warm')
    throw new ArgumentTypeError(`Expected \`spares\` with 'warm' only, which keeps them, got it with ${m}`)
  return checkCount('spares', spares, 0, MOST_SPARES)
}

/** Each is a process of its own; more than this is a mistake. */
const MOST_SPARES = 64

function inherited(): StartMethod {
  const parents = inheritedMethod() ?? 'spawn'
  // a child is not known to have many children of its own, until it says so
  if (parents === 'warm') wantSpares('default', 1)
  return parents
}
