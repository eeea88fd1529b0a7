/** Children for these tests: started on shared memory, watched through it, killed by pid whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { closeFd } from '#src/os/descriptor.js'
import { type Mapping, mapShared } from '#src/os/mapping.js'
import { createMemfd } from '#src/os/memfd.js'

export const SHARED_BYTES = 1 << 16
export const CHILD_PROGRAM: string = fileURLToPath(new URL('./child.js', import.meta.url))

/** The words a child and its test talk through; the token lies at TOKEN_OFFSET. */
export const READY = 0
export const ANSWER = 1
export const ANSWER_2 = 2
export const ANSWER_3 = 3
export const COUNT = 4
export const TOKEN_OFFSET = 256

export interface Shared {
  fd: number
  mapping: Mapping
  words: Int32Array
}

/** Fresh shared memory, closed with the test. */
export function share(t: TestContext): Shared {
  const fd = createMemfd('multiproc-test', SHARED_BYTES)
  t.after(() => closeFd(fd))
  const mapping = mapShared(fd, 0, SHARED_BYTES)
  return { fd, mapping, words: new Int32Array(mapping.buffer) }
}

/** A child in one of the roles of child.ts that has said it is ready; it is dead after the test. */
export async function startChild(
  t: TestContext,
  role: string,
  shared: Shared,
): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, [CHILD_PROGRAM, role], { stdio: ['ignore', 'inherit', 'inherit', shared.fd] })
  t.after(() => kill(child))
  await until(`child '${role}' is ready`, () => Atomics.load(shared.words, READY) === 1)
  return child as ChildProcess & { pid: number }
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

const LIMIT_MS = 60_000

/** Waits for something another process does; fails by name when it does not come. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${LIMIT_MS} ms, and it was never true that ${what}`)
    await sleep(1)
  }
}

/** The same without a turn of the event loop, so that libuv cannot reap meanwhile. */
export function untilBlocking(what: string, condition: () => boolean): void {
  const end = performance.now() + LIMIT_MS
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${LIMIT_MS} ms, and it was never true that ${what}`)
  }
}
