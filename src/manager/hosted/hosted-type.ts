/**
 * What the server knows of the types it holds objects of, and what they know of those who call.
 *
 * A hosted object lives in one thread, and no call runs while another does: what a call does before its first wait is one
 * step. Names, arguments and units are Python's (times in seconds), whoever calls.
 */
import { attributeError, typeError } from './python-errors.ts'
import { Signature } from './signature.ts'

/** Who calls: a process of the session, or one connection (one thread) of a remote or Python client. */
export interface Caller {
  readonly label: string
  readonly pid: number | null
  /** Runs `undo` when the caller is gone: after its calls under way were withdrawn. Gives what takes that back. */
  onGone(undo: () => void): () => void
}

/** One call under way: from its arrival until its answer has been delivered. */
export interface Call {
  readonly caller: Caller
  /**
   * Runs `giveUp` when the caller is gone or took the call back before the answer was delivered, also when there is an
   * answer already: what was taken for it goes back. Gives what takes that back. The promise of a call that was withdrawn
   * while it waited never settles.
   */
  onWithdrawn(giveUp: () => void): () => void
}

/** A type of objects that the server can hold. */
export interface HostedType {
  readonly typeid: string
  /** The methods that may be called. */
  readonly exposed: readonly string[]
  /** Makes an object. @throws {PythonError} TypeError, ValueError … */
  create(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): object
  /**
   * Calls a method: a plain value, or a Promise only when it has to wait.
   *
   * @throws {PythonError} what Python would raise · {EmptyError} · {FullError} · {ShutDownError} · {BrokenBarrierError}
   */
  call(
    object: object,
    method: string,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
    call: Call,
  ): unknown
  /** Methods whose result becomes a hosted object itself, and of which type. */
  readonly gives: Readonly<Record<string, string>>
  /** The object as a plain value (Python: `_getvalue()`). @throws {PythonError} TypeError, when it is none */
  copy(object: object): unknown
  /** The object as Python would print it. */
  repr(object: object): string
}

/** Runs a method: `args` are those of its signature, in order; those left out are missing or undefined. */
export type Method<T> = (object: T, args: readonly unknown[], call: Call) => unknown

/** A type is written down as a table: each method with the signature of Python's. */
export interface TypeTable<T extends object> {
  readonly typeid: string
  /** The name in messages, where it is not the typeid. */
  readonly name?: string
  readonly init: string
  create(args: readonly unknown[]): T
  readonly methods: Readonly<Record<string, readonly [signature: string, run: Method<T>]>>
  readonly gives?: Readonly<Record<string, string>>
  copy?(object: T): unknown
  repr?(object: T): string
}

/** @internal */
export function defineType<T extends object>(table: TypeTable<T>): HostedType {
  const name = table.name ?? table.typeid
  const init = new Signature(name, '', table.init)
  const methods = new Map(
    Object.entries(table.methods).map(([method, [signature, run]]) => [
      method,
      { signature: new Signature(name, method, signature), run },
    ]),
  )
  return {
    typeid: table.typeid,
    exposed: [...methods.keys()],
    gives: table.gives ?? {},
    create: (args, kwargs) => table.create(init.bind(args, kwargs)),
    call(object, method, args, kwargs, call) {
      const found = methods.get(method)
      if (found === undefined) throw attributeError(`'${name}' object has no attribute '${method}'`)
      return found.run(object as T, found.signature.bind(args, kwargs), call)
    },
    copy: object => (table.copy ? table.copy(object as T) : noCopy(name)),
    repr: object => table.repr?.(object as T) ?? `<${name}>`,
  }
}

function noCopy(name: string): never {
  throw typeError(`cannot pickle '${name}' object`)
}
