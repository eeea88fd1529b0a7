// What every JoinableQueue promises, beside what every Queue does.
import type { Except, Implementation } from './implementation.ts'
import { again } from './joinable-queue/again.ts'
import { done } from './joinable-queue/done.ts'
import { items } from './joinable-queue/items.ts'
import { suite } from './suite.ts'

export function joinableQueueSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('JoinableQueue', make, except, [done, again, items])
}
