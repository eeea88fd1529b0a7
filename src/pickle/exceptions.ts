/**
 * Which error is which exception.
 *
 * An error of this package goes as the exception that `multiprocessing` raises in the same case, and that one arrives as
 * it. JavaScript's own go as the nearest of Python's; every other exception arrives as a PythonError. Whatever arrived as
 * an exception goes back with the arguments it came with.
 */
import * as errors from '../contract/errors.ts'
import { PythonError, textOf } from './python-error.ts'
import { type PythonCall, PythonObject } from './python-object.ts'
import { Tuple } from './tuple.ts'

type ErrorClass = new (message?: string, options?: ErrorOptions) => Error

/** Ours and what they are in Python; every version can import these. The first of a class is the one that is sent. */
const PAIRS: readonly (readonly [cls: ErrorClass, module: string, name: string])[] = [
  [errors.EmptyError, 'queue', 'Empty'],
  [errors.EmptyError, '_queue', 'Empty'],
  [errors.FullError, 'queue', 'Full'],
  [errors.ShutDownError, 'queue', 'ShutDown'],
  [errors.TimeoutError, 'multiprocessing.context', 'TimeoutError'],
  [errors.TimeoutError, 'builtins', 'TimeoutError'],
  [errors.AuthenticationError, 'multiprocessing.context', 'AuthenticationError'],
  [errors.BufferTooShortError, 'multiprocessing.context', 'BufferTooShort'],
  [errors.EOFError, 'builtins', 'EOFError'],
  [errors.BrokenPipeError, 'builtins', 'BrokenPipeError'],
  [errors.BrokenBarrierError, 'threading', 'BrokenBarrierError'],
  [errors.RemoteError, 'multiprocessing.managers', 'RemoteError'],
]

/** What goes one way only: Python uses these for much else. */
const NEAREST: readonly (readonly [cls: abstract new (...args: any[]) => Error, module: string, name: string])[] = [
  [errors.ClosedError, 'builtins', 'ValueError'],
  [errors.InvalidStateError, 'builtins', 'RuntimeError'],
  [errors.WorkerDiedError, 'builtins', 'RuntimeError'],
  [errors.OutOfSharedMemoryError, 'builtins', 'MemoryError'],
  [errors.UnsupportedPlatformError, 'builtins', 'NotImplementedError'],
  [errors.FileExistsError, 'builtins', 'FileExistsError'],
  [errors.FileNotFoundError, 'builtins', 'FileNotFoundError'],
  [errors.InvalidTargetError, 'builtins', 'AttributeError'],
  [errors.NotSerializableError, 'pickle', 'PicklingError'],
  [errors.UnpicklingError, 'pickle', 'UnpicklingError'],
  [errors.ArgumentTypeError, 'builtins', 'TypeError'],
  [errors.ArgumentRangeError, 'builtins', 'ValueError'],
  [TypeError, 'builtins', 'TypeError'],
  [RangeError, 'builtins', 'ValueError'],
  [URIError, 'builtins', 'ValueError'],
  [SyntaxError, 'builtins', 'SyntaxError'],
  [ReferenceError, 'builtins', 'NameError'],
]

const byName = new Map([...PAIRS].reverse().map(([cls, module, name]) => [`${module} ${name}`, cls]))

/** What an error of ours was when it came. */
const origins = new WeakMap<Error, PythonCall & { state?: unknown }>()

/** Python's own that do not say by their name that they are exceptions. */
const UNUSUAL = new Set([
  'StopIteration',
  'StopAsyncIteration',
  'KeyboardInterrupt',
  'ExceptionGroup',
  'BaseExceptionGroup',
])

/** Whether a class of that name is an exception: in somebody's module only its name can tell. */
function isException(module: string, name: string): boolean {
  if (byName.has(`${module} ${name}`)) return true
  if (module === 'builtins' && UNUSUAL.has(name)) return true
  return /(?:Error|Exception|Warning|Exit)$/.test(name)
}

/** The exception that `module.name(*args)` makes; undefined where that is none. */
export function readException(module: string, name: string, args: Tuple): Error | undefined {
  return isException(module, name) ? exception(module, name, args) : undefined
}

function exception(module: string, name: string, args: Tuple): Error {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0 // it happened elsewhere: where it was read is no part of it
  try {
    return make(module, name, args)
  } finally {
    Error.stackTraceLimit = limit
  }
}

function make(module: string, name: string, args: Tuple): Error {
  const Class = byName.get(`${module} ${name}`)
  if (Class === undefined) return new PythonError(module, name, args)
  const [first] = args
  const error =
    Class === errors.BufferTooShortError
      ? new errors.BufferTooShortError('The message is longer than the buffer', {
          data: first instanceof Uint8Array ? first : undefined,
        })
      : new Class(textOf(module, name, args))
  origins.set(error, { module: module === '_queue' ? 'queue' : module, name, args })
  return error
}

/** Gives an exception that was read its attributes. */
export function setState(error: Error, state: unknown): boolean {
  if (error instanceof PythonError) {
    if (error.state !== undefined) return false
    error.state = state
    return true
  }
  const origin = origins.get(error)
  if (origin === undefined || origin.state !== undefined) return false
  origins.set(error, { ...origin, state })
  return true
}

/**
 * What was raised in Python as an Error: an exception of a class that does not sound like one arrives as a PythonObject,
 * and he who knows that it is one makes it one by this.
 */
export function asError(raised: unknown): Error {
  if (raised instanceof Error) return raised
  if (raised instanceof PythonObject && raised.callable === undefined) {
    const error = exception(raised.module, raised.name, Tuple.from(raised.args) as Tuple)
    if (raised.state !== undefined) setState(error, raised.state)
    return error
  }
  return new PythonError('builtins', 'Exception', [raised])
}

/** The exception an error goes as. */
export function callOfError(error: Error): PythonCall {
  if (error instanceof PythonError) {
    return { module: error.module, name: error.pythonName, args: error.args, state: error.state }
  }
  const origin = origins.get(error)
  if (origin !== undefined) return origin
  const call = (module: string, name: string, ...args: unknown[]) => ({ module, name, args })
  const message = String(error.message)
  if (error instanceof errors.BufferTooShortError) return call('multiprocessing.context', 'BufferTooShort', error.data)
  for (const [Class, module, name] of PAIRS) if (error instanceof Class) return call(module, name, message)
  const { errno, syscall, path } = error as NodeJS.ErrnoException
  // a failed system call: from its number Python makes FileNotFoundError, ConnectionRefusedError …
  if (typeof errno === 'number' && errno < 0 && syscall !== undefined) {
    return path === undefined
      ? call('builtins', 'OSError', -errno, message)
      : call('builtins', 'OSError', -errno, message, String(path))
  }
  for (const [Class, module, name] of NEAREST) if (error instanceof Class) return call(module, name, message)
  const named = String(error.name)
  return call('builtins', 'Exception', named === 'Error' || named === '' ? message : `${named}: ${message}`)
}
