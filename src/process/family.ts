/**
 * Who this process is, who started it, and whom it started.
 *
 * A main program knows nothing of the kind until it asks. A child is told by its bootstrap before any of the user's code
 * runs, and its worker threads are told by Node (environment data is handed to every worker).
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import { ownSession, type Session } from '../arena/session.ts'
import { isGone } from '../arena/token.ts'
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
  /** A daemon that may have children all the same. */
  readonly isParent: boolean
  readonly authkey: Uint8Array
  /** `token`: the parent's in the session, since it may be one thread of several. */
  readonly parent: { readonly name: string; readonly pid: number; readonly token: number }
}

const KEY = 'multiproc.identity'

let identity = getEnvironmentData(KEY) as unknown as Identity | undefined
/** Of a child that has joined; a worker thread of its own making knows who it is and nothing more. */
let joined: Session | undefined
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
export function becomeChild(told: Identity, session: Session): void {
  identity = told
  joined = session
  isMainProcess = false
  setEnvironmentData(KEY, told as never)
}

/** Makes a worker thread that is a child know who it is from its first line of code on, whatever it loads first. */
export function startAs<W>(told: Identity, startWorker: () => W): W {
  const own = getEnvironmentData(KEY)
  setEnvironmentData(KEY, told as never)
  try {
    return startWorker()
  } finally {
    setEnvironmentData(KEY, own)
  }
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
  const { name, pid, token } = identity.parent
  return { name, pid, isAlive: () => isParentAlive(pid, token) }
}

function isParentAlive(pid: number, token: number): boolean {
  // the kernel gives an orphan another parent at once; a thread has its parent in its own process
  if (pid !== process.pid && parentPid() !== pid) return false
  return joined === undefined || !isGone(joined.w, token)
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
export function identityFor(name: string, path: readonly number[], daemon: boolean, isParent = false): Identity {
  const { name: parentName, pid } = currentProcess()
  return { name, path, daemon, isParent, authkey: authkey(), parent: { name: parentName, pid, token: ownSession().me } }
}

/** While a child imports its target's module it may start nothing: see `checkMayStart`. */
export function setImporting(now: boolean): void {
  importing = now
}

/** Refuses what would never end: a daemon's children would outlive it, an unguarded start would start itself again. */
export function checkMayStart(name: string): void {
  if (identity?.daemon === true && !identity.isParent) {
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
