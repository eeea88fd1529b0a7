// What every Barrier promises.
import { actions } from './barrier/actions.ts'
import { breaking } from './barrier/breaking.ts'
import { fromCPython } from './barrier/cpython.ts'
import { deaths } from './barrier/deaths.ts'
import { misuse } from './barrier/misuse.ts'
import { passing } from './barrier/passing.ts'
import type { Except, Implementation } from './implementation.ts'
import { suite } from './suite.ts'

export function barrierSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Barrier', make, except, [passing, breaking, actions, misuse, deaths, fromCPython])
}
