// How a suite is written down: tests by title, those an implementation is excused from, and the look around at the end.
import assert from 'node:assert/strict'
import { describe, test as register, type TestContext } from 'node:test'
import type { Process } from 'multiproc'
import { until } from '../support/children.ts'
import { type Except, type Implementation, LIMIT } from './implementation.ts'
import { stateOf } from './stat.ts'

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
  const made: { close(): void }[] = []
  const kept = keeping(make, made)
  const test = (title: string, body: Body, ms = 180_000) => {
    assert.ok(!titles.has(title), `two tests are called ${title}`)
    titles.add(title)
    register(title, { timeout: ms, skip: except.find(one => one.test === title)?.why ?? false }, t => {
      t.after(() => {
        for (const object of made.splice(0)) object.close()
      })
      return body(t)
    })
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
    for (const part of parts) part({ make: kept, test, death })
    test(`${object}: when all is done nothing impossible is left in shared memory`, () => nothingImpossible(make))
    for (const { test } of except) assert.ok(titles.has(test), `no test is called ${test}, which is excepted`)
  })
}

/** Remembers what is made, so that it can be closed: a wait that a failed test left behind would keep the program alive. */
function keeping(make: Implementation, made: { close(): void }[]): Implementation {
  const keep = async <T extends { close(): void }>(making: T | Promise<T>): Promise<T> => {
    const object = await making
    made.push(object)
    return object
  }
  return {
    ...make,
    queue: async options => keep(make.queue(options)),
    joinableQueue: async options => keep(make.joinableQueue(options)),
    simpleQueue: async () => keep(make.simpleQueue()),
    lock: async () => keep(make.lock()),
    rlock: async () => keep(make.rlock()),
    event: async () => keep(make.event()),
    condition: async lock => keep(make.condition(lock)),
    pipe: async options => {
      const ends = await make.pipe(options)
      made.push(...ends)
      return ends as never
    },
    semaphore: async (value, options) => keep(make.semaphore(value, options)),
    boundedSemaphore: async (value, options) => keep(make.boundedSemaphore(value, options)),
    barrier: async (parties, options) => keep(make.barrier(parties, options)),
    value: async (type, initial, options) => keep(make.value(type, initial, options)),
    rawValue: async (type, initial) => keep(make.rawValue(type, initial)),
    sharedMemory: async options => keep(make.sharedMemory(options)),
    shareableList: async (items, options) => {
      const list = await make.shareableList(items, options)
      made.push(list.shm)
      return list
    },
  }
}

/** What a dead process left is mended soon, not at once; and one that is just ending looks impossible for a moment. */
async function nothingImpossible(make: Implementation): Promise<void> {
  let wrong: string[] = []
  const mended = () => {
    wrong = make.impossible()
    return wrong.length === 0
  }
  await until(mended, LIMIT, () => `shared memory to be in order: ${wrong.join('; ')}`)
}

/** Resolves when the children sleep in an operation that waits. */
export async function asleep(make: Implementation, ...children: Process[]): Promise<void> {
  for (const child of children) {
    // it says that it is about to sleep a moment before it does: so it has to be seen asleep twice
    let looks = 0
    const sleeps = () => make.isAsleep(child) && stateOf(make.task(child)) === 'S'
    const settled = () => {
      looks = sleeps() ? looks + 1 : 0
      return looks === 2
    }
    await until(() => !child.isAlive() || settled(), LIMIT, `${child.name} to begin to wait`)
    assert.ok(child.isAlive(), `${child.name} ended with exit code ${child.exitCode} instead of waiting`)
  }
}

/**
 * Makes the change while the children are asleep, and sees that each was rung for it. Without that a wake-up that was lost
 * would be made good by the next tick, and not be noticed.
 */
export async function rings(make: Implementation, children: Process[], change: () => void): Promise<void> {
  await asleep(make, ...children)
  const rung = await make.rungBy(children, change)
  for (const [n, child] of children.entries()) assert.ok(rung[n], `${child.name} was not rung`)
}

/** Resolves when the child has ended; gives the exit code. */
export async function ended(child: Process): Promise<number | null> {
  await child.join({ timeout: LIMIT })
  assert.equal(child.isAlive(), false, `${child.name} did not end`)
  return child.exitCode
}

/** SIGKILL, and its end; what it was in the middle of is mended before anybody comes by. */
export async function killed(make: Implementation, child: Process): Promise<void> {
  child.kill()
  assert.equal(await ended(child), -9)
  await nothingImpossible(make)
}
