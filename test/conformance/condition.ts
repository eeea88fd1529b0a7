// What every Condition promises.
import { fromCPython } from './condition/cpython.ts'
import { deaths } from './condition/deaths.ts'
import { locks } from './condition/locks.ts'
import { misuse } from './condition/misuse.ts'
import { order } from './condition/order.ts'
import { predicates } from './condition/predicates.ts'
import { waiting } from './condition/waiting.ts'
import { exclusion } from './exclusion.ts'
import type { Except, Implementation } from './implementation.ts'
import { suite } from './suite.ts'

export function conditionSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Condition', make, except, [
    all => exclusion('Condition', () => all.make.condition(), true, all),
    all => exclusion('Condition on a Lock', async () => all.make.condition(await all.make.lock()), false, all),
    waiting,
    predicates,
    order,
    locks,
    misuse,
    deaths,
    fromCPython,
  ])
}
