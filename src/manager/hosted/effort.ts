/**
 * How much one call may look at. What leads to the same object by many ways (a = (a, a), forty times) is small on the wire, and
 * without end for whoever goes every way; and while a call runs nobody else is served.
 */
import { memoryError } from './python-errors.ts'

/** Half a second's worth. */
const MOST = 2 ** 24

export class Effort {
  #left: number

  constructor(most = MOST) {
    this.#left = most
  }

  /** One value more. @throws {PythonError} MemoryError */
  spend(): void {
    if (--this.#left < 0) throw memoryError('the value leads to too many others')
  }
}
