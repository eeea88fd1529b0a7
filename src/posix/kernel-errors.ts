/** What the kernel said, as an error that says what it means here. */
import { constants } from 'node:os'
import { ArgumentTypeError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkOptions, describe } from '../contract/options.ts'
import { SystemCallError } from '../os/libc.ts'

/** By the kernel's name of the failure, as in ENOENT: what is thrown instead; a text is added to what the kernel said. */
export type Meanings = Readonly<Record<string, string | ((cause: ErrorOptions) => Error)>>

/** Runs a call of the kernel and explains its failure. */
export function explained<T>(call: () => T, meanings: () => Meanings): T {
  try {
    return call()
  } catch (error) {
    throw explain(error, meanings())
  }
}

/** The error to throw in the place of this one, which stays as its `cause`. */
export function explain(error: unknown, meanings: Meanings): unknown {
  const name = failureOf(error)
  const meaning = name === undefined ? undefined : meanings[name]
  if (name === undefined || meaning === undefined) return error
  if (typeof meaning === 'function') return meaning({ cause: error })
  const { syscall } = error as { syscall?: string }
  return new SystemCallError(syscall ?? 'system call', numberOf(name), meaning, { cause: error })
}

/** 'ENOENT' for an error of the kernel, whoever reports it; undefined for another error. */
function failureOf(error: unknown): string | undefined {
  if (error instanceof SystemCallError) return error.errno
  const { code, syscall } = error as NodeJS.ErrnoException
  return typeof syscall === 'string' ? code : undefined
}

function numberOf(name: string): number {
  const numbers: Record<string, number> = constants.errno
  return numbers[name] ?? 0
}

export interface CreationOptions {
  /** Make it when there is none. @default false */
  create?: boolean
  /** With `create`: there must be none yet. @default false */
  exclusive?: boolean
  /** Who may use it when it is made, as of a file; the umask is taken off. @default 0o600, this user only */
  mode?: number
}

/** What is common to everything that can be created or found. */
export function checkCreation<T extends CreationOptions>(
  given: T | undefined,
  more: readonly (keyof T & string)[] = [],
): { create: boolean; exclusive: boolean; mode: number; more: Partial<T> } {
  const options = checkOptions<T>('options', given, ['create', 'exclusive', 'mode', ...more])
  const create = checkFlag('create', options.create, false)
  const exclusive = checkFlag('exclusive', options.exclusive, false)
  if (exclusive && !create) {
    throw new ArgumentTypeError('Expected `exclusive` together with `create: true`, got it alone; add `create: true`')
  }
  return { create, exclusive, mode: checkMode(options.mode), more: options }
}

/** Rights, as of a file. */
export function checkMode(mode: unknown): number {
  return mode === undefined ? 0o600 : checkCount('mode', mode, 0, 0o777)
}

/** Bytes as they are, or a text as UTF-8. */
export function checkData(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof Uint8Array) return data
  throw new ArgumentTypeError(
    `Expected \`data\` to be a Uint8Array or a string, got ${describe(data)}; pack it first, as in JSON.stringify(data)`,
  )
}
