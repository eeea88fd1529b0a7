/** What a call rejects with, of what was thrown in the server. Its stack is the server's. */
import { remoteError } from '../codec/failure.ts'
import { ArgumentRangeError, ArgumentTypeError, InvalidStateError } from '../contract/errors.ts'
import { PythonError } from '../pickle/python-error.ts'

type ErrorClass = new (message: string, options: ErrorOptions) => Error

/** Exceptions of Python's that have a class of ours. */
const ours: Readonly<Record<string, ErrorClass>> = {
  TypeError: ArgumentTypeError,
  ValueError: ArgumentRangeError,
  IndexError: ArgumentRangeError,
  OverflowError: ArgumentRangeError,
  RuntimeError: InvalidStateError,
}

/** `thrown` as it arrived; `where`: the server, for what is no error at all. */
export function failureOf(thrown: unknown, where: string): Error {
  if (!(thrown instanceof Error)) return remoteError(thrown, where)
  const { module, pythonName, args, state } = thrown as Partial<PythonError>
  if (pythonName === undefined) return thrown
  const error = new PythonError(module ?? 'builtins', pythonName, args, { state }) // the codec does not know the class
  const Ours = ours[pythonName]
  const shown = Ours === undefined ? error : new Ours(error.message, { cause: error })
  for (const one of new Set([error, shown])) {
    Object.defineProperty(one, 'stack', { value: thrown.stack, configurable: true, writable: true })
  }
  return shown
}
