/** Values of Python's that JavaScript has no match for. */
import { MultiprocError } from '../../contract/errors.ts'

/** A tuple. */
export class Tuple<T = unknown> extends Array<T> {}

export function tuple<T>(...items: T[]): Tuple<T> {
  return Tuple.from(items) as Tuple<T>
}

/** An exception of Python's. */
export class PythonError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_PYTHON'
  readonly module: string
  readonly pythonName: string
  readonly args: unknown[]

  constructor(module: string, pythonName: string, args: unknown[] = []) {
    super(`${pythonName}: ${args.map(String).join(', ')}`)
    this.module = module
    this.pythonName = pythonName
    this.args = args
  }
}

/** An object of any other class of Python's. */
export class PythonObject {
  readonly module: string
  readonly name: string
  readonly args: readonly unknown[]

  constructor(module: string, name: string, args: readonly unknown[] = []) {
    this.module = module
    this.name = name
    this.args = args
  }
}
