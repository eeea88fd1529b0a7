/**
 * The spare processes of this thread: booted in advance, taken for one child each, replaced in the background.
 *
 *   booting ──"ready"──▶ ready ──its order──▶ a child (warm.ts)
 *      │ │                 │
 *      │ └──its order──────┼────────────────▶ a child, which reads its order once it has booted
 *      └─────ends──────────┴──▶ gone; replaced, but if it never became ready not before somebody asks for one
 *
 * A spare has the session's memory open and is nobody in it: its child's place is reserved when it is taken. It waits on
 * its line, a socket of which this thread has the other end, and ends when that is closed, as it is in any case when this
 * thread ends (spare.ts). No spare keeps the event loop alive.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { ownSession } from '../../arena/session.ts'
import { isEnding, peekExit, reap } from '../../os/child-status.ts'
import { usableCpus } from '../../os/cpu.ts'
import { PROCESS_BOOTSTRAP } from '../bootstraps.ts'
import { isMainProcess } from '../family.ts'
import { inheritedExecArgv } from './exec-argv.ts'
import { LINE_FD, SPARE_NAME } from './spare.ts'
import { surroundings } from './surroundings.ts'

/** More are booted faster than a program can use them. */
const MOST = 4
/** What a child that was taken needs to reach its target, and some more: no spare is booted meanwhile. ms */
const REST_MS = 20
/** What is killed ends at once, unless the kernel itself is stuck; nobody waits for that. ms */
const KILLED_MS = 1000

export interface Spare {
  readonly process: ChildProcess
  readonly pid: number
  readonly line: Socket
  /** What cannot be changed in it any more; see surroundings.ts. */
  readonly fixed: string
  ready: boolean
}

/** Who asks for spares, and how many each wants: the most counts. */
const wanted = new Map<'default' | 'context', number>()
const spares: Spare[] = []
/** A child has started one itself. Its module may ask for spares, unguarded, and never need any. */
let used = false
let hooked = false
let refilling = false

/** How many spares there shall be from now on, as far as `who` is concerned; undefined: the usual number. */
export function wantSpares(who: 'default' | 'context', count = Math.min(usableCpus(), MOST)): void {
  wanted.set(who, count)
  for (const spare of spares.slice(goal())) endSpare(spare)
  refill()
}

/** A spare that lives and fits, the one that was booted first; undefined: there is none. */
export function findSpare(fixed: string): Spare | undefined {
  used = true
  refillSoon()
  return spares.find(spare => spare.fixed === fixed && peekExit(spare.pid) === undefined && !isEnding(spare.pid))
}

/** It has its order: it is a child now, and another's. */
export function handOver(spare: Spare): void {
  remove(spare)
  spare.process.removeAllListeners('exit')
  spare.line.removeAllListeners('data')
  spare.line.destroy() // what was written is read all the same
  spare.process.ref()
}

/** Ends the spares that were booted in surroundings that are not this process's any more. */
export function renewSpares(fixed: string): void {
  for (const spare of [...spares]) if (spare.fixed !== fixed) endSpare(spare)
}

const goal = (): number => Math.max(0, ...wanted.values())

/** Not now: start() is at work, and the child just started needs the processor first. */
function refillSoon(): void {
  if (refilling) return
  refilling = true
  setTimeout(() => {
    refilling = false
    refill()
  }, REST_MS).unref()
}

/** One after another: each is booted when the one before it is ready. */
function refill(): void {
  if ((isMainProcess || used) && spares.length < goal() && spares.every(({ ready }) => ready)) boot()
}

function boot(): void {
  let child: ChildProcess
  let fixed: string
  try {
    fixed = surroundings().fixed
    child = spawn(process.execPath, [...inheritedExecArgv(), PROCESS_BOOTSTRAP, SPARE_NAME, String(process.pid)], {
      stdio: ['ignore', 'inherit', 'inherit', ownSession().fd, 'pipe'],
    })
  } catch {
    return // no spare, no harm: children are started cold
  }
  child.on('error', () => {})
  const { pid } = child
  if (pid === undefined) return
  const spare: Spare = { process: child, pid, line: child.stdio[LINE_FD] as Socket, fixed, ready: false }
  spares.push(spare)
  child.on('exit', () => {
    remove(spare)
    if (spare.ready) refillSoon()
  })
  spare.line.on('error', () => {})
  spare.line.once('data', () => {
    spare.ready = true
    refill()
  })
  child.unref()
  spare.line.unref()
  if (hooked) return
  hooked = true
  process.on('exit', () => {
    const last = [...spares]
    for (const spare of last) endSpare(spare)
    const deadline = performance.now() + KILLED_MS
    for (const { pid } of last) reap(pid, deadline - performance.now())
  })
}

function remove(spare: Spare): void {
  const at = spares.indexOf(spare)
  if (at >= 0) spares.splice(at, 1)
}

/** It is not needed, or does not hear any more. */
export function endSpare(spare: Spare): void {
  remove(spare)
  spare.process.kill('SIGKILL')
  spare.line.destroy()
}
