/**
 * What of Python has no counterpart here, kept as its pickle describes it: a name, and what an object is made from.
 *
 * Nothing is ever imported, called or looked up. It goes back as it came.
 */
import type { Tuple } from './tuple.ts'

/**
 * A class or a function of Python, by its name; `PythonGlobal('builtins', 'int')` is what `int` itself arrives as.
 *
 * @example
 * const int = loads(dumps(new PythonGlobal('builtins', 'int'))) as PythonGlobal
 * assert.deepEqual([int.module, int.name], ['builtins', 'int'])
 */
export class PythonGlobal {
  readonly module: string
  /** With dots where it belongs to a class, as in `ZoneInfo._unpickle`. */
  readonly name: string

  constructor(module: string, name: string) {
    this.module = module
    this.name = name
  }
}

/** How an object of Python is made: what a `reduce` may give, and what a PythonObject is. */
export interface PythonCall {
  /** Of the class, or of the function that makes the object. */
  readonly module: string
  readonly name: string
  readonly args: readonly unknown[]
  readonly kwargs?: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>
  /** `cls.__new__(cls, *args)`: makes an instance without `__init__`. Otherwise it is called. */
  readonly bare?: boolean
  /** What is called instead of the name, where that is itself something that has to be made first. */
  readonly callable?: PythonObject
  /** Appended, as with a deque. */
  readonly items?: readonly unknown[]
  /** Set by key, as with an OrderedDict. */
  readonly entries?: ReadonlyMap<unknown, unknown>
  /** Given to `__setstate__`, or else the attributes; undefined: none. */
  readonly state?: unknown
}

export type PythonObjectOptions = Pick<PythonCall, 'kwargs' | 'bare' | 'callable' | 'items' | 'entries' | 'state'>

/**
 * An object of Python that means nothing here: a Decimal, a range, an instance of somebody's class.
 *
 * It says how Python makes the object (`module.name(*args)`, then `items`, `entries`, `state`), and goes back as that.
 * Python then does what it says: pass on no such object from somebody whom you would not let run code there.
 *
 * @example
 * const price = loads(dumps(new PythonObject('decimal', 'Decimal', ['19.90']))) as PythonObject
 * assert.equal(`${price.module}.${price.name}`, 'decimal.Decimal')
 * assert.equal(price.args[0], '19.90')
 */
export class PythonObject implements PythonCall {
  readonly module: string
  readonly name: string
  args: unknown[]
  // declared only: what it has not is not there
  declare kwargs?: Map<string, unknown>
  bare: boolean
  declare callable?: PythonObject
  declare items?: unknown[]
  declare entries?: Map<unknown, unknown>
  declare state?: unknown

  constructor(module: string, name: string, args: readonly unknown[] | Tuple = [], options?: PythonObjectOptions) {
    this.module = module
    this.name = name
    this.args = args as unknown[]
    this.bare = options?.bare ?? false
    if (options === undefined) return
    const { kwargs, callable, items, entries, state } = options
    if (kwargs !== undefined) this.kwargs = new Map(kwargs instanceof Map ? kwargs : Object.entries(kwargs))
    if (callable !== undefined) this.callable = callable
    if (items !== undefined) this.items = [...items]
    if (entries !== undefined) this.entries = new Map(entries)
    if (state !== undefined) this.state = state
  }
}
