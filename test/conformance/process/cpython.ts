// CPython's own tests, Lib/test/_test_multiprocessing.py and test_multiprocessing_main_handling.py, told anew under their names.
import type { ProcessSuite } from '../process.ts'
import { ends } from './cpython/ends.ts'
import { life } from './cpython/life.ts'
import { failures, mains } from './cpython/programs.ts'
import { startMethods } from './cpython/start-methods.ts'

export function fromCPython(suite: ProcessSuite): void {
  life(suite)
  ends(suite)
  failures(suite)
  startMethods(suite)
  mains(suite)
}
