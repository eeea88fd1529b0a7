// Children of a test: bounded, and killed by the end of it.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { getStartMethod, Process, type ProcessOptions } from 'multiproc'
import { launched } from '../support/launched.ts'

/** ms within which everything in these tests is over; nothing depends on how long it takes. */
export const LIMIT = 60_000

/** How these tests start their children: 'spawn', or what a file that runs them once more has chosen before. */
export const method = getStartMethod()

/** For a test that cannot hold for threads. */
export const exceptByThread = (why: string) => ({ skip: method === 'thread' ? why : false })

/** Starts a child that does not outlive the test. */
export function launch<A extends unknown[]>(t: TestContext, options: ProcessOptions<A>): Process<A> {
  return launched(t, new Process<A>({ stdio: 'ignore', ...options }))
}

/** Waits for its end; gives the exit code. */
export async function ended(child: Process): Promise<number | null> {
  await child.join({ timeout: LIMIT })
  assert.equal(child.isAlive(), false)
  return child.exitCode
}

/** Everything that a child with `stdio: 'pipe'` writes until its end. */
export async function outputOf(child: Process): Promise<{ stdout: string; stderr: string; exitCode: number | null }> {
  // joined at the same time: the streams of a daemon keep no event loop alive
  const [stdout, stderr, exitCode] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended(child)])
  return { stdout, stderr, exitCode }
}

/** Resolves when the child has written this much to its stdout. */
export async function says(child: Process, text: string): Promise<void> {
  let seen = ''
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Expected ${child.name} to say ${text}, got ${seen}`)), LIMIT)
    child.stdout?.on('data', piece => {
      seen += piece
      if (!seen.includes(text)) return
      clearTimeout(timer)
      resolve()
    })
  })
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  if (stream !== null) for await (const piece of stream) text += piece
  return text
}
