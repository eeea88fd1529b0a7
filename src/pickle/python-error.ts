/** An exception of Python as an Error, and the text that Python would print of it. */
import { MultiprocError } from '../contract/errors.ts'
import { asTuple, Tuple } from './tuple.ts'

/**
 * An exception of Python: what one arrives as, and how to send one of your choice.
 *
 * `message` is the text, `name` the name of the class; `args` is everything it was made with, and goes back as it came.
 * Of a traceback, a cause or a context Python sends nothing. queue.Empty, EOFError and a few more have a class of their
 * own here and arrive as that: EmptyError, FullError, ShutDownError, EOFError, BrokenPipeError, TimeoutError,
 * BrokenBarrierError, AuthenticationError, BufferTooShortError, RemoteError.
 *
 * @example
 * const error = loads(dumps(new PythonError('builtins', 'KeyError', ['colour']))) as PythonError
 * assert.ok(error instanceof PythonError && error instanceof Error)
 * assert.equal(String(error), "KeyError: 'colour'")
 * assert.deepEqual([error.module, error.pythonName, error.args[0]], ['builtins', 'KeyError', 'colour'])
 */
export class PythonError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_PYTHON'
  readonly module: string
  /** The name of the class in its module. */
  readonly pythonName: string
  readonly args: Tuple
  /** Its attributes, where it has any; `__notes__` among them. */
  declare state?: unknown

  constructor(module: string, pythonName: string, args: readonly unknown[] = [], options?: { state?: unknown }) {
    super(textOf(module, pythonName, args))
    this.name = pythonName
    this.module = module
    this.pythonName = pythonName
    this.args = args instanceof Tuple ? args : asTuple([...args])
    if (options?.state !== undefined) this.state = options.state
  }

  /** What was added to it by `add_note`. */
  get notes(): string[] {
    const notes = this.state instanceof Map ? this.state.get('__notes__') : undefined
    return Array.isArray(notes) ? notes.filter(note => typeof note === 'string') : []
  }
}

/** OSError and its subclasses, which say the number of the error. */
const ofSystem = /^OSError$|File|Directory|Connection|Pipe|Process|Permission|Interrupted|BlockingIO|Timeout/

/** As Python's `str(error)`, in so far as that is known here: a class may have its own way. */
export function textOf(module: string, name: string, args: readonly unknown[]): string {
  const [number, what, file] = args
  if (module === 'builtins' && ofSystem.test(name) && typeof number === 'number' && typeof what === 'string') {
    return `[Errno ${number}] ${what}${file === undefined || file === null ? '' : `: ${shown(file)}`}`
  }
  if (args.length === 0) return ''
  if (args.length > SHOWN) return `(${args.slice(0, SHOWN).map(shown).join(', ')}, …)`
  if (args.length > 1) return `(${args.map(shown).join(', ')})`
  return typeof args[0] === 'string' && name !== 'KeyError' ? args[0] : shown(args[0])
}

const SHOWN = 10
const LONGEST = 200

/** An argument at a glance: what is inside one is not looked at, as it may be deep or lead back. */
function shown(value: unknown): string {
  if (value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') {
    const text = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value
    return text.includes("'") ? JSON.stringify(text) : `'${text}'`
  }
  if (typeof value === 'number') return String(value)
  if (typeof value === 'bigint') return value < 2n ** 64n && value > -(2n ** 64n) ? String(value) : '<int>'
  if (typeof value !== 'object') return typeof value
  return `<${value.constructor?.name ?? 'object'}>`
}
