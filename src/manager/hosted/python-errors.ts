/** The exceptions that Python's own types raise: what a Python program catches by class, and may look at the text of. */
import { PythonError } from '../../pickle/python-error.ts'

const builtin =
  (name: string) =>
  (...args: unknown[]): PythonError =>
    new PythonError('builtins', name, args)

export const attributeError = builtin('AttributeError')
export const indexError = builtin('IndexError')
export const keyError = builtin('KeyError')
export const memoryError = builtin('MemoryError')
export const overflowError = builtin('OverflowError')
export const recursionError = builtin('RecursionError')
export const runtimeError = builtin('RuntimeError')
export const stopIteration = builtin('StopIteration')
export const typeError = builtin('TypeError')
export const valueError = builtin('ValueError')
