/** What a Process is made with, checked when it is made. */
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkOptions, checkString, describe } from '../contract/options.ts'
import { looksLikeTarget, type Target } from './target.ts'

export interface ProcessOptions<A extends unknown[]> {
  /** The function to run, exported by its module; or `{ module, name }`. */
  target: Target<A>
  /** What it is called with: anything that can travel, queues and locks included. @default [] */
  args?: A
  /** For messages and `ps`. @default 'Process-1', 'Process-2' …; 'Process-1:2' for the second child of the first */
  name?: string
  /** Ended when its parent ends, however that ends; may not have children of its own. @default false */
  daemon?: boolean
  /** The whole environment. @default process.env */
  env?: NodeJS.ProcessEnv
  /** Options for Node. @default this process's own, without those of one run (--eval, --inspect, --test, --watch …) */
  execArgv?: string[]
  /** @default this process's own */
  cwd?: string
  /**
   * Where stdout and stderr go; stdin is always empty. 'pipe': to `process.stdout` and `process.stderr` of this object,
   * which somebody must read, or the child stands still once the pipe is full. @default 'inherit'
   */
  stdio?: 'inherit' | 'ignore' | 'pipe'
  /** Megabytes of JavaScript heap; a child that needs more is ended by Node (exit code -6). @default Node's own */
  memoryLimitMb?: number
}

const OPTIONS = ['target', 'args', 'name', 'daemon', 'env', 'execArgv', 'cwd', 'stdio', 'memoryLimitMb'] as const

/** `hasRun`: it is of a class that has a method run(), as one would write it in Python. */
export function checkProcessOptions<A extends unknown[]>(
  options: ProcessOptions<A>,
  hasRun: boolean,
): ProcessOptions<A> {
  const given = checkOptions<ProcessOptions<A>>('options', options, OPTIONS)
  if (!looksLikeTarget(given.target)) {
    const mend = hasRun ? '; run() of a subclass does not travel: export a function and give that' : ''
    throw new ArgumentTypeError(
      `Expected \`target\` to be a function or { module, name }, got ${describe(given.target)}${mend}`,
    )
  }
  if (given.args !== undefined && !Array.isArray(given.args)) {
    throw new ArgumentTypeError(`Expected \`args\` to be an array, got ${describe(given.args)}`)
  }
  checkSurroundings(given)
  if (given.name !== undefined) checkName(given.name)
  checkFlag('daemon', given.daemon, false)
  return { ...given, target: given.target }
}

/** The name stands on the child's command line. */
function checkName(given: unknown): void {
  const name = checkString('name', given)
  if (name === '' || name.includes('\0')) {
    throw new ArgumentRangeError(
      `Expected \`name\` to be a text that can stand on a command line, got ${describe(name)}`,
    )
  }
}

function withNul(name: string): ArgumentRangeError {
  return new ArgumentRangeError(`Expected \`${name}\` to hold no NUL, which no program can be given; leave it out`)
}

/** The options that say in what surroundings the child runs. */
function checkSurroundings(given: Omit<Partial<ProcessOptions<never>>, 'target' | 'args'>): void {
  const { env, execArgv, cwd, stdio, memoryLimitMb } = given
  if (env !== undefined && (typeof env !== 'object' || env === null || Array.isArray(env))) {
    throw new ArgumentTypeError(`Expected \`env\` to be an object of strings, got ${describe(env)}`)
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every(option => typeof option === 'string'))) {
    throw new ArgumentTypeError(`Expected \`execArgv\` to be an array of strings, got ${describe(execArgv)}`)
  }
  if (cwd !== undefined) checkString('cwd', cwd)
  for (const [name, value] of Object.entries(env ?? {})) {
    if (typeof value === 'symbol') {
      throw new ArgumentTypeError(`Expected \`env\` to be an object of strings, got ${describe(value)} for ${name}`)
    }
    if (`${name}${value}`.includes('\0')) throw withNul(`env.${name}`)
  }
  for (const option of execArgv ?? []) if (option.includes('\0')) throw withNul('execArgv')
  if (cwd?.includes('\0')) throw withNul('cwd')
  if (stdio !== undefined && !['inherit', 'ignore', 'pipe'].includes(stdio)) {
    throw new ArgumentTypeError(`Expected \`stdio\` to be 'inherit', 'ignore' or 'pipe', got ${describe(stdio)}`)
  }
  if (memoryLimitMb !== undefined) checkCount('memoryLimitMb', memoryLimitMb, 1)
}
