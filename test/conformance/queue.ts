// What every Queue promises.
import type { Except, Implementation } from './implementation.ts'
import { fromCPython } from './queue/cpython.ts'
import { deaths } from './queue/deaths.ts'
import { ends } from './queue/ends.ts'
import { handles } from './queue/handles.ts'
import { items } from './queue/items.ts'
import { memory } from './queue/memory.ts'
import { misuse } from './queue/misuse.ts'
import { order } from './queue/order.ts'
import { waiting } from './queue/waiting.ts'
import { suite } from './suite.ts'

export function queueSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Queue', make, except, [items, handles, order, waiting, ends, misuse, memory, deaths, fromCPython])
}
