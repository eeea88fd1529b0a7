/**
 * Who this process is, who started it, and whom it started.
 *
 * A main program knows nothing of the kind until it asks. A child is told by its bootstrap before any of the user's code
 * runs, and its worker threads are told by Node (environment data is handed to every worker).
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { InvalidStateError } from '../contract/errors.ts'
import { usableCpus } from '../os/cpu.ts'
import { parentPid } from '../os/prctl.ts'
import type { Process } from './process.ts'

/** What a child is told about itself. */
export interface Identity {
  readonly name: string
  /** Which child of which child: `[1, 2]` is the second child of the main program's first. */
  readonly path: readonly number[]
  readonly daemon: boolean
  readonly authkey: Uint8Array
  readonly parent: { readonly name: string; readonly pid: number }
}

const KEY = 'multiproc.identity'

let identity = getEnvironmentData(KEY) as unknown as Identity | undefined
let ownKey: Uint8Array | undefined
let started = 0
let importing = false

/** Every started child that is not known to have ended. */
export const children = new Set<Process>()

/**
 * True in a program that was started by a user, false inside a Process. The module a target comes from is imported by
 * the child too: what only the main program shall do stands behind `if (isMainProcess)`.
 *
 * @example
 * assert.equal(isMainProcess, true)
 */
export let isMainProcess = identity === undefined

/** The bootstrap tells a child who it is. */
export function becomeChild(told: Identity): void {
  identity = told
  isMainProcess = false
  setEnvironmentData(KEY, told as never)
}

/**
 * This process: its name ('MainProcess' in a main program), pid, whether it ends with its parent, and the 32 random bytes
 * that it and all its descendants know.
 *
 * @example
 * const { name, pid, daemon, authkey } = currentProcess()
 * assert.equal(name, 'MainProcess')
 * assert.equal(pid, process.pid)
 * assert.equal(daemon, false)
 * assert.equal(authkey.length, 32)
 */
export function currentProcess(): { name: string; pid: number; daemon: boolean; authkey: Uint8Array } {
  return {
    name: identity?.name ?? 'MainProcess',
    pid: process.pid,
    daemon: identity?.daemon ?? false,
    authkey: authkey().slice(),
  }
}

function authkey(): Uint8Array {
  ownKey ??= identity?.authkey ?? crypto.getRandomValues(new Uint8Array(32))
  return ownKey
}

/**
 * The process that started this one; `null` in a main program.
 *
 * isAlive() asks the kernel and never mistakes a later process of the same number for the parent.
 *
 * @example
 * assert.equal(parentProcess(), null)
 */
export function parentProcess(): { name: string; pid: number; isAlive(): boolean } | null {
  if (identity === undefined) return null
  const { name, pid } = identity.parent
  // the kernel gives an orphan another parent at once
  return { name, pid, isAlive: () => parentPid() === pid }
}

/**
 * The children of this process that run at this moment, in the order of their start. A new array each time.
 *
 * @example
 * assert.deepEqual(activeChildren(), [])
 */
export function activeChildren(): Process[] {
  return [...children].filter(child => child.isAlive())
}

/**
 * How many processors this process may use: its affinity and its container's quota are counted in. At least 1.
 *
 * @example
 * assert.ok(cpuCount() >= 1)
 */
export function cpuCount(): number {
  return usableCpus()
}

/**
 * Does nothing. It is here for programs that come from Python, where frozen Windows executables need it.
 *
 * @example
 * freezeSupport()
 */
export function freezeSupport(): void {}

/** The place of the next child in the family tree. */
export function nextPath(): readonly number[] {
  started += 1
  return [...(identity?.path ?? []), started]
}

/** What a child is to be told. */
export function identityFor(name: string, path: readonly number[], daemon: boolean): Identity {
  const { name: parentName, pid } = currentProcess()
  return { name, path, daemon, authkey: authkey(), parent: { name: parentName, pid } }
}

/** While a child imports its target's module it may start nothing: see `checkMayStart`. */
export function setImporting(now: boolean): void {
  importing = now
}

/** Refuses what would never end: a daemon's children would outlive it, an unguarded start would start itself again. */
export function checkMayStart(name: string): void {
  if (identity?.daemon === true) {
    throw new InvalidStateError(
      `Expected ${name} to be started by a process that may have children, but ${identity.name} is a daemon, which ends ` +
        'without waiting for anybody; start it elsewhere, or let this process not be a daemon',
    )
  }
  if (importing) {
    throw new InvalidStateError(
      `Expected ${name} to be started by the main program, but this is a child importing the same module, where it would ` +
        'start itself again and again; put the start behind `if (isMainProcess)`',
    )
  }
}
