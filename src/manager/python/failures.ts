/**
 * What a call answers with when it fails.
 *
 *   #ERROR      an exception that the caller catches by its class: Python's own, and those of the queue module
 *   #TRACEBACK  text, which Python raises as a RemoteError: for errors that only JavaScript knows
 *
 * Either way the stack of the server goes along: as the text, or as a note of the exception, which Python 3.11 and later print.
 */
import { RemoteError } from '../../contract/errors.ts'
import { describe } from '../../contract/options.ts'
import { asError, callOfError } from '../../pickle/exceptions.ts'
import { PythonError } from '../../pickle/python-error.ts'
import { type Tuple, tuple } from '../../pickle/tuple.ts'

export const RETURN = '#RETURN'
export const ERROR = '#ERROR'
export const TRACEBACK = '#TRACEBACK'
export const PROXY = '#PROXY'
export const UNSERIALIZABLE = '#UNSERIALIZABLE'
/** Between two of this package: there is no result, where Python has None for that, too. */
export const NOTHING = '#NOTHING'
/** Between two of this package: takes back the call that is under way, and says that it was. */
export const WITHDRAW = '#WITHDRAW'
export const WITHDRAWN = '#WITHDRAWN'

export type Reply = Tuple

/** The answer for what was thrown. */
export function failure(thrown: unknown): Reply {
  if (!(thrown instanceof Error)) return traceback(`${describe(thrown)} was thrown`)
  if (thrown instanceof PythonError) return tuple(ERROR, thrown)
  const { module, name, args } = callOfError(thrown)
  // what Python has no class for
  if (module === 'builtins' && name === 'Exception') return traceback(textOf(thrown))
  if (module !== 'builtins') return tuple(ERROR, thrown) // queue.Empty: nobody looks for its stack
  const state = new Map([['__notes__', [`In the manager, process ${process.pid}:\n${textOf(thrown)}`]]])
  return tuple(ERROR, new PythonError(module, name, args, { state }))
}

export function traceback(text: string): Reply {
  return tuple(TRACEBACK, text.endsWith('\n') ? text : `${text}\n`)
}

/** With the stack, where there is one. */
export function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `${describe(thrown)} was thrown`
  const { name, message, stack } = thrown
  return typeof stack === 'string' && stack.includes(message) ? stack : `${name}: ${message}\n${stack ?? ''}`
}

/** What a failed call rejects with here. `where` names the manager. */
export function failureIn(kind: unknown, result: unknown, where: string): Error {
  if (kind === ERROR) return asError(result)
  if (kind === TRACEBACK || kind === UNSERIALIZABLE) return remote(where, String(result))
  return remote(where, `an answer of an unknown kind: ${describe(kind)}`)
}

/** The last line of a traceback says what happened; of a stack of JavaScript's it is the first. */
function remote(where: string, text: string): RemoteError {
  const lines = text.trim().split('\n')
  const what =
    text.startsWith('Traceback') || /^-+$/.test(lines[0]) ? lines.findLast(line => !/^-*$/.test(line)) : lines[0]
  const error = new RemoteError(`In ${where}: ${what ?? text}`)
  error.stack = `${error.name}: ${error.message}\n  there:\n${text.trimEnd().replace(/^/gm, '    ')}\n${error.stack?.replace(/^.*\n/, '') ?? ''}`
  return error
}
