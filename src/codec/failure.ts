/**
 * Errors between processes: class, name, message, stack, cause and every property of their own.
 *
 * An Error arrives as the nearest class both sides know (the built-in ones and this package's own), with its name kept.
 */
import * as errors from '../contract/errors.ts'
import { RemoteError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'

const builtIn = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError]
const ours = Object.values(errors).filter(value => typeof value === 'function')
const prototypes = new Map<string, object>([...builtIn, ...ours].map(known => [known.name, known.prototype]))
const names = new Map<object, string>([...prototypes].map(([name, prototype]) => [prototype, name]))

/** What an Error keeps where a loop over its properties does not see it. */
const hidden = ['name', 'message', 'stack', 'cause', 'errors'] as const

export interface PackedError {
  /** The name of the nearest class both sides know. */
  readonly kind: string
  readonly entries: readonly (readonly [key: string, value: unknown])[]
}

/** Takes an Error apart. Reading its properties may run getters, and may throw what they throw. */
export function packError(error: Error): PackedError {
  let proto = Object.getPrototypeOf(error)
  while (proto !== null && !names.has(proto)) proto = Object.getPrototypeOf(proto)
  const kind = names.get(proto) ?? 'Error'
  const entries: [string, unknown][] = []
  for (const key of hidden) {
    // a name or message on the prototype counts too, where it is not the one the receiver has anyway
    const expected = key === 'name' ? proto?.name : key === 'message' ? '' : undefined
    if (!Object.hasOwn(error, key) && (error as any)[key] === expected) continue
    entries.push([key, (error as any)[key]])
  }
  for (const key of Object.keys(error)) {
    if (!hidden.includes(key as 'name')) entries.push([key, (error as any)[key]])
  }
  return { kind, entries }
}

/** An empty Error of that class, to be filled by `unpackEntry`: in two steps, because a cause may lead back to it. */
export function unpackError(kind: string): Error {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0 // its stack is the one it brings
  const error = new Error()
  Error.stackTraceLimit = limit
  const proto = prototypes.get(kind) ?? Error.prototype
  if (proto !== Error.prototype) Object.setPrototypeOf(error, proto)
  return error
}

export function unpackEntry(error: Error, key: string, value: unknown): void {
  const enumerable = !hidden.includes(key as 'name')
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true })
}

/** What was thrown, reduced to what can always travel: an Error of text alone. */
export function plainFailure(thrown: unknown): Error {
  const error = unpackError('Error')
  const text = (read: () => unknown) => {
    try {
      const found = read()
      return typeof found === 'string' ? found : undefined
    } catch {
      return undefined // a getter that throws: better an error with a gap than none
    }
  }
  const isObject = typeof thrown === 'object' && thrown !== null
  for (const key of ['name', 'message', 'stack', 'code'] as const) {
    const found = isObject ? text(() => (thrown as any)[key]) : undefined
    if (found !== undefined) unpackEntry(error, key, found)
  }
  if (error.message === '') unpackEntry(error, 'message', `${describe(thrown)} was thrown`)
  return error
}

/** The error for those who waited here, of what was thrown there: the message at a glance, both stacks, the original as `cause`. */
export function remoteError(thrown: unknown, where: string): RemoteError {
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `${describe(thrown)} was thrown`
  return new RemoteError(`In ${where}: ${what}`, { cause: thrown })
}
