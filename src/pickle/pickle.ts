/** `dumps` and `loads`, as in Python's pickle module, for plain data: neither imports, calls or evaluates anything. */
import { types } from 'node:util'
import { ArgumentRangeError, ArgumentTypeError, UnpicklingError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkFunction, checkOptions, describe } from '../contract/options.ts'
import { isOutOfStack, isWithinDepth } from './depth.ts'
import type { PythonCall, PythonObject } from './python-object.ts'
import { Reader } from './reader.ts'
import { restoreAll } from './restore.ts'
import { Writer } from './writer.ts'

/** Deeper nesting is refused, unless `maxDepth` says otherwise. */
const MAX_DEPTH = 1000

export interface DumpsOptions {
  /** 4 (the default) for every Python from 3.4 on; 5 writes bytearrays shorter, for Python 3.8 on. */
  readonly protocol?: 4 | 5
  /** Asked for each instance of a class, and each function: how Python makes it, or undefined. */
  readonly reduce?: (value: object) => PythonCall | undefined
  /** Levels of containers in one another, from 1 up; default 1000. About as many as that the stack can hold. */
  readonly maxDepth?: number
}

export interface LoadsOptions {
  /** Asked for each PythonObject, the innermost first: what it becomes here, or undefined to leave it. */
  readonly restore?: (object: PythonObject) => unknown
  /** Levels of containers in one another, from 1 up; default 1000. About as many as that the stack can hold. */
  readonly maxDepth?: number
  /** Bytes; default: any. A value may take some hundred times the memory of its pickle, if that was made to. */
  readonly maxSize?: number
  /** Whole floats arrive as PyFloat, to go back as floats; default: as numbers, which go back as ints. */
  readonly exactFloats?: boolean
}

let spare: Writer | undefined

/**
 * Turns a value into a pickle, as Python's `pickle.dumps`: what any Python can read.
 *
 *   null, undefined     None            Array              list           Uint8Array, Buffer    bytes
 *   boolean             bool            Tuple              tuple          ByteArray             bytearray
 *   whole number        int             plain object, Map  dict           other typed arrays    array.array
 *   other number        float           Set                set            Date                  datetime in UTC
 *   bigint              int             FrozenSet          frozenset      Error                 an exception
 *   PyFloat             float           PythonObject …     what it says   PythonDatetime …      datetime.datetime …
 *
 * "Whole" is from -(2**53 - 1) to 2**53 - 1 and not -0. An object that is met again is the same object in Python; a value
 * may lead back to itself. Keys that are equal in Python (1 and true, two tuples of the same items) become one there. Extra
 * properties of arrays, properties by symbol and what a prototype has are left out.
 *
 * Does not wait. Bytes are copied once; nothing in the result is shared with the value.
 *
 * @throws {NotSerializableError} for what Python has no counterpart of (a function, a symbol, an instance of a class, a
 *   list as a key), or what is nested too deep; `path` says where
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} when an option is not as it must be
 * @example
 * const pickle = dumps({ name: 'ada', born: 1815, tags: new Set(['first']) })
 * assert.equal(pickle[0], 0x80)
 * const ada = loads(pickle) as Map<string, unknown>
 * assert.equal(ada.get('born'), 1815)
 */
export function dumps(value: unknown, options?: DumpsOptions): Uint8Array {
  let protocol: 4 | 5 = 4
  let maxDepth = MAX_DEPTH
  let reduce: DumpsOptions['reduce']
  if (options !== undefined) {
    const given = checkOptions('options', options, ['protocol', 'reduce', 'maxDepth'])
    protocol = checkProtocol(given.protocol ?? 4)
    maxDepth = checkCount('maxDepth', given.maxDepth ?? MAX_DEPTH, 1)
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

function tooDeep(maxDepth: number, cause?: unknown): UnpicklingError {
  const got = cause === undefined ? 'got more' : 'and no more than the stack holds'
  return new UnpicklingError(`Expected a pickle of at most ${maxDepth} levels of containers in one another, ${got}`, {
    cause,
  })
}

function checkProtocol(protocol: unknown): 4 | 5 {
  if (protocol === 4 || protocol === 5) return protocol
  const expected = `Expected \`protocol\` to be 4 or 5, got ${describe(protocol)}`
  if (typeof protocol !== 'number') throw new ArgumentTypeError(expected)
  throw new ArgumentRangeError(`${expected}; every Python from 3.4 on reads 4`)
}

/**
 * Reads a pickle, as Python's `pickle.loads`, of protocol 0 to 5, and never imports, calls or evaluates anything.
 *
 *   None                null            list               Array          bytes                 Uint8Array
 *   bool                boolean         tuple              Tuple          bytearray             ByteArray
 *   int                 number, bigint  dict               Map            array.array           typed array
 *   float               number          set                Set            datetime in UTC       Date, PreciseDate
 *   str                 string          frozenset          FrozenSet      other datetime …      PythonDatetime …
 *   an exception        PythonError     class, function    PythonGlobal   everything else       PythonObject
 *
 * An int beyond 2**53 - 1 is a bigint. A dict is always a Map: its keys may be anything, and no key, `__proto__` neither,
 * can be mistaken for something of an object's own. Keys that are tuples or bytes are objects: find them by a walk through
 * the Map. queue.Empty and a few other exceptions are the errors of this package.
 *
 * All of this goes back as it came, but for: a whole float, which goes back as an int (see `exactFloats`); array('l')
 * and ('L'), which go back as ('q') and ('Q'); a str with both halves of a surrogate pair as two, which is one sign here.
 *
 * Does not wait. The value shares no memory with the pickle: bytes are copied, once. What follows the end is not looked at.
 *
 * @throws {UnpicklingError} for what is no pickle, is cut off, refers to something outside of it, or is beyond a limit
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} when an argument is not as it must be
 * @example
 * const fromPython = Buffer.from('gASVDQAAAAAAAACMBWhlbGxvlEsqhpQu', 'base64') // ('hello', 42)
 * assert.deepEqual(loads(fromPython), tuple('hello', 42))
 */
export function loads(bytes: Uint8Array, options?: LoadsOptions): unknown {
  if (!types.isUint8Array(bytes)) {
    throw new ArgumentTypeError(`Expected a pickle as a Uint8Array, got ${describe(bytes)}`)
  }
  let maxDepth = MAX_DEPTH
  let restore: LoadsOptions['restore']
  let exactFloats = false
  if (options !== undefined) {
    const given = checkOptions('options', options, ['restore', 'maxDepth', 'maxSize', 'exactFloats'])
    maxDepth = checkCount('maxDepth', given.maxDepth ?? MAX_DEPTH, 1)
    restore = given.restore === undefined ? undefined : checkFunction('restore', given.restore)
    exactFloats = checkFlag('exactFloats', given.exactFloats, false)
    const maxSize = checkCount('maxSize', given.maxSize ?? Number.MAX_SAFE_INTEGER, 0)
    if (bytes.length > maxSize) {
      throw new UnpicklingError(`Expected a pickle of at most ${maxSize} bytes, got ${bytes.length}; raise \`maxSize\``)
    }
  }
  const reader = new Reader(bytes, exactFloats)
  const value = reader.read()
  try {
    if (reader.containers > maxDepth && !isWithinDepth(value, maxDepth, reader.shared)) throw tooDeep(maxDepth)
    return restore !== undefined && reader.foreign ? restoreAll(value, restore) : value
  } catch (thrown) {
    throw isOutOfStack(thrown) ? tooDeep(maxDepth, thrown) : thrown
  }
}
