/** `dumps` and `loads`, as in Python's pickle module, for plain data: neither imports, calls or evaluates anything. */
import { ArgumentRangeError, ArgumentTypeError, UnpicklingError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkFunction, checkOptions, describe } from '../contract/options.ts'
import { isWithinDepth } from './depth.ts'
import type { PythonCall, PythonObject } from './python-object.ts'
import { Reader } from './reader.ts'
import { restoreAll } from './restore.ts'
import { Writer } from './writer.ts'

/** Deeper nesting is refused, unless `maxDepth` says otherwise. */
const MAX_DEPTH = 1000
/** More than this many levels could be more than the stack holds. */
const DEEPEST = 2000

export interface DumpsOptions {
  /** 4 (the default) for every Python from 3.4 on; 5 writes bytearrays shorter, for Python 3.8 on. */
  readonly protocol?: 4 | 5
  /** Asked for each instance of a class, and each function: how Python makes it, or undefined. */
  readonly reduce?: (value: object) => PythonCall | undefined
  /** Levels of containers, 1 to 2000; default 1000. */
  readonly maxDepth?: number
}

export interface LoadsOptions {
  /** Asked for each PythonObject, the innermost first: what it becomes here, or undefined to leave it. */
  readonly restore?: (object: PythonObject) => unknown
  /** Levels of containers, 1 to 2000; default 1000. */
  readonly maxDepth?: number
  /** Bytes; default: any. A value may take some hundred times the memory of its pickle, if that was made to. */
  readonly maxSize?: number
  /** Whole floats arrive as PyFloat, to go back as floats; default: as numbers, which go back as ints. */
  readonly exactFloats?: boolean
}

let spare: Writer | undefined

export function dumps(value: unknown, options?: DumpsOptions): Uint8Array {
  let protocol: 4 | 5 = 4
  let maxDepth = MAX_DEPTH
  let reduce: DumpsOptions['reduce']
  if (options !== undefined) {
    const given = checkOptions('options', options, ['protocol', 'reduce', 'maxDepth'])
    protocol = checkProtocol(given.protocol ?? 4)
    maxDepth = checkCount('maxDepth', given.maxDepth ?? MAX_DEPTH, 1, DEEPEST)
    reduce = given.reduce === undefined ? undefined : checkFunction('reduce', given.reduce)
  }
  // a getter, or `reduce`, may pickle something itself
  const writer = spare ?? new Writer()
  spare = undefined
  try {
    return writer.pickle(value, protocol, maxDepth, reduce)
  } finally {
    spare = writer
  }
}

function tooMuch(expected: string): UnpicklingError {
  return new UnpicklingError(`Expected a pickle of ${expected}; raise the limit if you trust who sent it`)
}

function checkProtocol(protocol: unknown): 4 | 5 {
  if (protocol === 4 || protocol === 5) return protocol
  const expected = `Expected \`protocol\` to be 4 or 5, got ${describe(protocol)}`
  if (typeof protocol !== 'number') throw new ArgumentTypeError(expected)
  throw new ArgumentRangeError(`${expected}; every Python from 3.4 on reads 4`)
}

export function loads(bytes: Uint8Array, options?: LoadsOptions): unknown {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentTypeError(`Expected a pickle as a Uint8Array, got ${describe(bytes)}`)
  }
  let maxDepth = MAX_DEPTH
  let restore: LoadsOptions['restore']
  let exactFloats = false
  if (options !== undefined) {
    const given = checkOptions('options', options, ['restore', 'maxDepth', 'maxSize', 'exactFloats'])
    maxDepth = checkCount('maxDepth', given.maxDepth ?? MAX_DEPTH, 1, DEEPEST)
    restore = given.restore === undefined ? undefined : checkFunction('restore', given.restore)
    exactFloats = checkFlag('exactFloats', given.exactFloats, false)
    const maxSize = checkCount('maxSize', given.maxSize ?? Number.MAX_SAFE_INTEGER, 0)
    if (bytes.length > maxSize) throw tooMuch(`at most ${maxSize} bytes, got ${bytes.length}`)
  }
  const reader = new Reader(bytes, exactFloats)
  const value = reader.read()
  if (reader.containers > maxDepth && !isWithinDepth(value, maxDepth, reader.shared)) {
    throw tooMuch(`at most ${maxDepth} levels of containers in one another, got more`)
  }
  return restore !== undefined && reader.foreign ? restoreAll(value, restore) : value
}
