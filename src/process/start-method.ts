/** In which way children are started, and what is common to all ways. */
import { ArgumentRangeError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import type { Identity } from './family.ts'
import type { ResolvedTarget } from './target.ts'

/** 'spawn': a fresh Node process. 'warm': taken from spare processes already booted. 'thread': a worker_threads Worker, same API. */
export type StartMethod = 'spawn' | 'warm' | 'thread'

/** All that is needed to start a child; everything in it was checked. */
export interface StartPlan {
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

const AVAILABLE: readonly StartMethod[] = ['spawn', 'thread']

let method: StartMethod = 'spawn'

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
 * How children are started from now on, unless setStartMethod() says otherwise.
 *
 * @example
 * assert.equal(getStartMethod(), 'spawn')
 */
export function getStartMethod(): StartMethod {
  return method
}

/**
 * Chooses how children of this process are started from now on; those that run stay as they are.
 *
 * @throws {ArgumentRangeError} when this version has no such way
 * @example
 * setStartMethod('spawn')
 * assert.equal(getStartMethod(), 'spawn')
 */
export function setStartMethod(m: StartMethod): void {
  if (!AVAILABLE.includes(m)) {
    throw new ArgumentRangeError(
      `Expected the start method to be one of those this version has (${AVAILABLE.join(', ')}), got ${describe(m)}`,
    )
  }
  method = m
}
