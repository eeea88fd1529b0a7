// What the tests of inspect() look at: children that hold and wait, and what the report says of them.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { getContext, inspect, type Process, type SessionReport, type StartMethod } from 'multiproc'
import { launched } from '../support/launched.ts'

/** ms: no wait in these tests is longer; none depends on how long it is. */
export const LIMIT = 60_000

/** Starts a child that does not outlive the test. */
export function launch<A extends unknown[]>(t: TestContext, target: (...args: A) => unknown, ...args: A): Process<A> {
  return launchBy(t, 'spawn', target, ...args)
}

export function launchBy<A extends unknown[]>(
  t: TestContext,
  method: StartMethod,
  target: (...args: A) => unknown,
  ...args: A
): Process<A> {
  return launched(t, new (getContext(method).Process)({ target, args }))
}

/** What the report says of the object, which must be the only one of its kind. */
export function only(kind: string, report: SessionReport = inspect()): SessionReport['objects'][number] {
  const found = report.objects.filter(object => object.kind === kind)
  assert.equal(found.length, 1, `${found.length} objects of kind ${kind}`)
  return found[0]
}

/** The kinds of what it waits for; undefined: it is not there. */
export const waitingOf = (one: { readonly name: string }): string[] | undefined =>
  inspect()
    .participants.find(({ name }) => name === one.name)
    ?.waitingFor.map(id => id.split(' ')[0])
