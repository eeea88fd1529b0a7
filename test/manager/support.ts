// One manager and one child for the tests of a file: real processes take long to start.
import { after, type TestContext, test as unbounded } from 'node:test'
import { Manager, Pipe, Process, type SyncManager } from 'multiproc'
import { launched } from '../support/launched.ts'

export const LIMIT = 30_000

/** A test that fails by itself when it takes too long. */
export function test(title: string, run: (t: TestContext) => void | Promise<void>): void {
  void unbounded(title, { timeout: LIMIT }, run)
}

/** A manager that is there as long as this file runs. */
export async function managerOfFile(): Promise<SyncManager> {
  const manager = await Manager()
  after(() => manager.shutdown())
  return manager
}

/** The export of the fixtures, as a target. */
export const target = (name: string) => ({ module: new URL('../fixtures/manager.js', import.meta.url), name })

export interface Helper {
  readonly process: Process
  /** Calls a method of the object in the child; what it gives comes back. */
  call(object: unknown, method: string, ...args: unknown[]): Promise<any>
  end(): Promise<void>
}

/** A child that does what it is told. */
export function startHelper(): Helper {
  const [mine, theirs] = Pipe<any, any>()
  const process = new Process({ target: target('obey'), args: [theirs], name: 'helper' })
  process.start()
  theirs.close()
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>()
  let calls = 0
  const listen = async () => {
    while (waiting.size > 0) {
      const { id, gave, threw, message } = await mine.recv({ timeout: LIMIT })
      const call = waiting.get(id)
      waiting.delete(id)
      if (threw === undefined) call?.resolve(gave)
      else call?.reject(Object.assign(new Error(message), { name: threw }))
    }
  }
  return {
    process,
    call(object, method, ...args) {
      const id = calls++
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        mine.sendSync({ id, object, method, args })
        if (waiting.size === 1) {
          listen().catch(error => {
            for (const { reject } of waiting.values()) reject(error)
            waiting.clear()
          })
        }
      })
    },
    async end() {
      process.kill()
      await process.join({ timeout: LIMIT })
      mine.close()
    },
  }
}

/** Starts a child that does not outlive the test. */
export function launch(t: { after(fn: () => Promise<void>): void }, name: string, ...args: unknown[]): Process {
  return launched(t, new Process({ target: target(name), args }))
}

/** Waits until `look` says so; fails by itself when that takes too long. */
export async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + LIMIT
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`Expected ${what} within ${LIMIT} ms`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
