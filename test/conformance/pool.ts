// What a Pool and a ProcessPoolExecutor promise, for each way of starting their workers.
import assert from 'node:assert/strict'
import { after, describe, test as register, type TestContext } from 'node:test'
import {
  getContext,
  type Pool,
  type PoolOptions,
  type ProcessPoolExecutor,
  type StartMethod,
  WorkerDiedError,
} from 'multiproc'
import { check, currentSession } from '#inside'
import { until } from '../support/children.ts'
import { inTime } from '../support/in-time.ts'
import { type Except, LIMIT } from './implementation.ts'
import { aborts } from './pool/aborts.ts'
import { binaries } from './pool/binaries.ts'
import { calls } from './pool/calls.ts'
import { fromCPython } from './pool/cpython.ts'
import { deaths } from './pool/deaths.ts'
import { executorFromCPython } from './pool/executor-cpython.ts'
import { lives } from './pool/lives.ts'
import { refusals } from './pool/refusals.ts'

type ExecutorOptions = ConstructorParameters<typeof ProcessPoolExecutor>[0]

/** What the parts of the suite are given. */
export interface PoolSuite {
  readonly method: StartMethod
  test(title: string, body: (t: TestContext) => void | Promise<void>): void
  /** A pool of two workers for all tests that leave it as it was. */
  readonly common: Pool
  /** The same as an executor. */
  readonly executor: ProcessPoolExecutor
  /** An executor of one worker, for tests in which that dies: it goes on with another. */
  readonly mortal: ProcessPoolExecutor
  /** A pool that does not outlive the test. */
  pool(t: TestContext, options?: number | PoolOptions): Pool
  newExecutor(t: TestContext, options?: ExecutorOptions): ProcessPoolExecutor
}

export function poolSuite(method: StartMethod, except: readonly Except[] = []): void {
  const titles = new Set<string>()
  const test: PoolSuite['test'] = (title, body) => {
    assert.ok(!titles.has(title), `two tests are called ${title}`)
    titles.add(title)
    register(title, { timeout: 2 * LIMIT, skip: except.find(one => one.test === title)?.why ?? false }, body)
  }
  const context = getContext(method)
  let common: Pool | undefined
  let executor: ProcessPoolExecutor | undefined
  let mortal: ProcessPoolExecutor | undefined
  const suite: PoolSuite = {
    method,
    test,
    get common() {
      common ??= new context.Pool({ processes: 2, idleTimeout: 10 * LIMIT })
      return common
    },
    get executor() {
      executor ??= new context.ProcessPoolExecutor({ maxWorkers: 2 })
      return executor
    },
    get mortal() {
      mortal ??= new context.ProcessPoolExecutor({ maxWorkers: 1 })
      return mortal
    },
    pool(t, options) {
      const made = new context.Pool(options)
      t.after(() => made.terminate())
      return made
    },
    newExecutor(t, options) {
      const made = new context.ProcessPoolExecutor(options)
      t.after(() => made.killWorkers())
      return made
    },
  }
  describe(`Pool, ${method}`, () => {
    after(async () => {
      await common?.terminate()
      await executor?.killWorkers()
      await mortal?.killWorkers()
    })
    for (const part of [calls, binaries, refusals, aborts, deaths, lives, fromCPython, executorFromCPython]) part(suite)
    test('Pool: when all is done nothing impossible is left in shared memory', async () => {
      let wrong: string[] = []
      const mended = () => {
        wrong = check(currentSession())
        return wrong.length === 0
      }
      await until(mended, 5_000, () => `shared memory to be in order: ${wrong.join('; ')}`)
    })
    for (const { test } of except) assert.ok(titles.has(test), `no test is called ${test}, which is excepted`)
  })
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** What the task sqr() gives for each of a range. */
export const squares = (n: number): number[] => range(n).map(i => i * i)

/** Everything an async iterable gives. */
export async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** Bounds a wait that has no bound of its own. */
export const within = <T>(promise: PromiseLike<T>, what = 'it'): Promise<T> => inTime(promise, LIMIT, what)

/** The error with which the call must fail. */
export async function deathOf(call: PromiseLike<unknown>): Promise<WorkerDiedError> {
  const error = await within(
    Promise.resolve(call).then(
      value => assert.fail(`it gave ${value}`),
      error => error,
    ),
  )
  assert.ok(error instanceof WorkerDiedError, String(error))
  return error
}
