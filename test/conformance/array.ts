// What every SharedArray and RawArray promises.
import { fromCPython } from './array/cpython.ts'
import { deaths } from './array/deaths.ts'
import { kept, text } from './array/elements.ts'
import { locks } from './array/locks.ts'
import { ordinary } from './array/ordinary.ts'
import { sent } from './array/sent.ts'
import type { Except, Implementation } from './implementation.ts'
import { suite } from './suite.ts'

export function arraySuite(make: Implementation, except: readonly Except[] = []): void {
  suite('SharedArray', make, except, [kept, ordinary, sent, text, locks, deaths, fromCPython])
}
