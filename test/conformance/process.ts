// What every way of starting children promises.
import assert from 'node:assert/strict'
import { describe, test as register, type TestContext } from 'node:test'
import { getContext, type Process, type ProcessOptions, type StartMethod } from 'multiproc'
import { check, currentSession } from '#inside'
import { until } from '../support/children.ts'
import { launched } from '../support/launched.ts'
import { type Except, LIMIT } from './implementation.ts'
import { fromCPython } from './process/cpython.ts'
import { crowds } from './process/crowds.ts'
import { ends } from './process/ends.ts'
import { methods } from './process/methods.ts'

/** What the parts of the suite are given. */
export interface ProcessSuite {
  readonly method: StartMethod
  test(title: string, body: (t: TestContext) => void | Promise<void>, ms?: number): void
  /** A child that is not started yet. */
  make<A extends unknown[]>(options: ProcessOptions<A>): Process<A>
  /** Starts a child that does not outlive the test. */
  launch<A extends unknown[]>(t: TestContext, options: ProcessOptions<A>): Process<A>
}

export function processSuite(method: StartMethod, except: readonly Except[] = []): void {
  const titles = new Set<string>()
  const test: ProcessSuite['test'] = (title, body, ms = 180_000) => {
    assert.ok(!titles.has(title), `two tests are called ${title}`)
    titles.add(title)
    register(title, { timeout: ms, skip: except.find(one => one.test === title)?.why ?? false }, body)
  }
  const make: ProcessSuite['make'] = options => new (getContext(method).Process)(options)
  const launch: ProcessSuite['launch'] = (t, options) => launched(t, make(options))
  describe(`Process, ${method}`, () => {
    for (const part of [ends, crowds, methods, fromCPython]) part({ method, test, make, launch })
    test('Process: when all is done nothing impossible is left in shared memory', async () => {
      let wrong: string[] = []
      const mended = () => {
        wrong = check(currentSession())
        return wrong.length === 0
      }
      await until(mended, LIMIT, () => `shared memory to be in order: ${wrong.join('; ')}`)
    })
    for (const { test } of except) assert.ok(titles.has(test), `no test is called ${test}, which is excepted`)
  })
}
