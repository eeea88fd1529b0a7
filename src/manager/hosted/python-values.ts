/** Values of Python's that JavaScript has no match for: as they come from a pickle, and go into one. */
export { PythonError } from '../../pickle/python-error.ts'
export { PythonObject } from '../../pickle/python-object.ts'
export { Tuple, tuple } from '../../pickle/tuple.ts'
