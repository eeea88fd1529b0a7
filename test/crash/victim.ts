// The child that performs one operation and dies before one of its accesses. Runs under `--conditions=crash`.
import process from 'node:process'
import type { Queue, Value } from 'multiproc'
import { currentSession } from '#src/arena/session.js'
import { isAlive } from '../support/processes.js'
import { type Access, arm, disarm, record } from '../support/words.crash.js'
import { legacies, operations } from './groups.js'
import type { Operation } from './operation.js'
import { callUnderstudy } from './understudy.js'

/** What the child has come to: it writes READY and ACTED, its parent GO. */
export const READY = 1
export const GO = 2
export const ACTED = 3

/** What the parent gets of a recording: each access names one of the places. */
export interface Recording {
  readonly places: readonly (readonly string[])[]
  readonly accesses: readonly { kind: string; writes: boolean; place: number }[]
}

/** What the child does: the operation, or (with `heirAt`) the recovery of one who died at such a line of it. */
export interface Role {
  readonly name: string
  readonly heirAt?: readonly string[]
}

/** Performs the operation and dies before its `k`th access; if there is none, right after it. */
export function victim(role: Role, k: number, stage: Value<'i'>, given: unknown): void {
  const ready = makeReady(role, stage, given)
  arm(k)
  act(role, given, ready)
  disarm()
  stage.value = ACTED
  process.kill(process.pid, 'SIGKILL')
}

/** Performs the operation and is stopped before that access, or at one of these lines. When it may go on it does, and ends. */
export function stopper(name: string, at: number | readonly string[], given: unknown): void {
  const ready = all[name].ready?.(given)
  arm(at, 'SIGSTOP')
  all[name].act(given, ready)
  disarm()
}

/** Performs the operation, tells what it did, and dies as well: what it holds shall be recovered. */
export function recorder(role: Role, stage: Value<'i'>, given: unknown, recordings: Queue<Recording>): void {
  const ready = makeReady(role, stage, given)
  record()
  act(role, given, ready)
  recordings.putNowait(compact(disarm()))
  stage.value = ACTED
  process.kill(process.pid, 'SIGKILL')
}

/** Armed from its first access on, by its environment. What comes after that is told if it was to be recorded. */
export function joiner(stage: Value<'i'>, recordings?: Queue<Recording>): void {
  const accesses = disarm()
  recordings?.putNowait(compact(accesses))
  stage.value = ACTED
  process.kill(process.pid, 'SIGKILL')
}

/** Is left to die by its heir, and dies at one of these lines of the operation. */
export function dier(name: string, at: readonly string[], stage: Value<'i'>, given: unknown): void {
  const ready = makeReady({ name }, stage, given)
  arm(at)
  all[name].act(given, ready)
  process.kill(process.pid, 'SIGKILL')
}

const all: Record<string, Operation> = { ...operations, ...legacies }

/** Waits by looking: whoever sleeps in the session also looks for the dead, and here nobody shall but the one whose turn it is. */
function makeReady({ name, heirAt }: Role, stage: Value<'i'>, given: unknown): unknown {
  if (heirAt !== undefined) return bereave(name, heirAt, stage, given)
  const ready = all[name].ready?.(given)
  stage.value = READY
  while (stage.value < GO) nap()
  return ready
}

/** Somebody else does it first, and dies when it is told to; nobody notices, for only the event loop, which does not turn here, would. */
function bereave(name: string, at: readonly string[], stage: Value<'i'>, given: unknown): void {
  legacies[name].settle?.()
  const { pid } = callUnderstudy({ part: 'dier', args: [name, at, stage, given] })
  while (isAlive(pid)) nap()
}

function act({ name, heirAt }: Role, given: unknown, ready: unknown): void {
  if (heirAt === undefined) all[name].act(given, ready)
  else if (legacies[name].inherit) legacies[name].inherit(given)
  else currentSession().lookForDead()
}

const nap = (): unknown => Atomics.wait(still, 0, 0, 4)
const still = new Int32Array(new SharedArrayBuffer(4))

export function compact(accesses: readonly Access[]): Recording {
  const places = new Map<string, number>()
  return {
    accesses: accesses.map(({ kind, writes, lines }) => {
      const key = lines.join(' ')
      const place = places.get(key) ?? places.size
      places.set(key, place)
      return { kind, writes, place }
    }),
    places: [...places.keys()].map(key => key.split(' ')),
  }
}
