// How a suite is written down: tests by title, those an implementation is excused from, and the look around at the end.
import assert from 'node:assert/strict'
import { describe, test as register, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Process } from 'multiproc'
import { type Except, type Implementation, LIMIT } from './implementation.ts'

type Body = (t: TestContext) => void | Promise<void>

/** What the parts of a suite are given. */
export interface Suite {
  readonly make: Implementation
  test(title: string, body: Body, ms?: number): void
  /** A test in which a process dies: afterwards nothing impossible may be left of it. */
  death(title: string, body: Body, ms?: number): void
}

export function suite(
  object: string,
  make: Implementation,
  except: readonly Except[],
  parts: readonly ((suite: Suite) => void)[],
): void {
  const titles = new Set<string>()
  const test = (title: string, body: Body, ms = 60_000) => {
    assert.ok(!titles.has(title), `two tests are called ${title}`)
    titles.add(title)
    register(title, { timeout: ms, skip: except.find(one => one.test === title)?.why ?? false }, body)
  }
  const death = (title: string, body: Body, ms?: number) =>
    test(
      title,
      async t => {
        await body(t)
        await nothingImpossible(make)
      },
      ms,
    )
  describe(`${object}, ${make.name}`, () => {
    for (const part of parts) part({ make, test, death })
    test(`${object}: when all is done nothing impossible is left in shared memory`, () => nothingImpossible(make))
    for (const { test } of except) assert.ok(titles.has(test), `no test is called ${test}, which is excepted`)
  })
}

/** What a dead process left is mended soon, not at once. */
async function nothingImpossible(make: Implementation): Promise<void> {
  for (const end = performance.now() + 5_000; performance.now() < end; await sleep(10)) {
    if (make.impossible().length === 0) return
  }
  assert.deepEqual(make.impossible(), [])
}

/** Resolves when the child sleeps in an operation that waits. */
export async function asleep(make: Implementation, ...children: Process[]): Promise<void> {
  for (const child of children) {
    for (const end = performance.now() + LIMIT; !make.isAsleep(child); await sleep(2)) {
      assert.ok(child.isAlive(), `${child.name} ended with exit code ${child.exitCode} instead of waiting`)
      assert.ok(performance.now() < end, `${child.name} did not begin to wait`)
    }
  }
}

/** Resolves when the child has ended; gives the exit code. */
export async function ended(child: Process): Promise<number | null> {
  await child.join({ timeout: LIMIT })
  assert.equal(child.isAlive(), false, `${child.name} did not end`)
  return child.exitCode
}

/** SIGKILL, and its end. */
export async function killed(child: Process): Promise<void> {
  child.kill()
  assert.equal(await ended(child), -9)
}
