/** Unreachable objects are collected when the engine sees fit. It does not see the shared memory that hangs on them. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { threadTime } from './thread-clock.ts'

type Collect = (options?: { type: 'minor' }) => void

let gc: Collect | undefined

/** The flag belongs to the process: another thread, which is at the same, may take it away between two lines of this one. */
const TRIES = 100

function collector(): Collect {
  for (let tries = 0; gc === undefined && tries < TRIES; tries++) {
    setFlagsFromString('--expose-gc')
    gc = runInNewContext('globalThis.gc') as Collect | undefined
    setFlagsFromString('--no-expose-gc')
  }
  gc ??= () => {} // the engine collects when it sees fit
  return gc
}

/** Collects now. What the running job has made, or looked at through a WeakRef, stays. */
export function collectGarbage(): void {
  collector()()
}

// ── what comes in large pieces ──
//
// For the engine, memory outside its heap is a reason to collect everything in it: 10 ms of CPU for every 20 MiB. What came with a
// message is mostly dropped before the next few are there, and to collect what is young takes 0.2 ms, as nothing much can have been
// made meanwhile. The next message then lies where one lay before, in memory that the cache knows and that has its pages.
// Of one who keeps what comes nothing is freed by that, and the engine's own collections come the sooner: then it is left alone.
// So is one of whose own young objects many live: to move them costs more than the message did.

/** Bytes that come between two collections; and between two tries, of one who keeps them. */
const SOON = 4 * 2 ** 20
const LATE = 256 * 2 ** 20
/** What a collection may take of a core, ms: it is there to save ten. */
const WORTH = 2
/** So many in a row have to be in vain: what frees the memory is another thread, which may be late. */
const IN_VAIN = 4

let arrived = 0
/** Of these: views of shared memory. */
let views = 0
let vain = 0
let slow = 0
/** What there was outside the heap before the last collection. */
let before = 0

/** So many bytes outside the heap were made, or became visible, for something that is young. */
export function noteArrival(bytes: number): void {
  arrived += bytes
}

/** The same for a view of shared memory. */
export function noteView(bytes: number): void {
  noteArrival(bytes)
  views += bytes
}

/** At least half of what has come since the last collection of the young are views. */
export const areViewsMost = (): boolean => views >= arrived / 2

/** Bytes that have come since the last collection of the young. */
export const arrivedSince = (): number => arrived

/** So much has come that what is young should be collected. */
export const isCollectionDue = (): boolean => arrived >= (isCollectionInVain() ? LATE : SOON)

/** The last few did not pay: what came was kept, or so much is young that they took long. They are tried rarely. */
export const isCollectionInVain = (): boolean => vain >= IN_VAIN || slow >= IN_VAIN

/** It is known that what came before the last collection is gone: the engine may count it later. */
export function noteFreed(): void {
  vain = 0
}

/** Collects what is young, if that is due. What the running job has looked at through a WeakRef stays. */
export function collectYoung(): void {
  if (!isCollectionDue()) return
  const external = getHeapStatistics().external_memory
  const freed = before + arrived - external
  if (arrived > SOON * 2) {
    // so long ago that it says nothing: the next one will tell
    vain = Math.min(vain, IN_VAIN - 1)
    slow = Math.min(slow, IN_VAIN - 1)
  } else if (freed < arrived / 2) vain++
  else if (freed < arrived * 2) vain = 0 // more than that was the engine's own doing
  before = external
  arrived = 0
  views = 0
  const collect = collector()
  const began = threadTime()
  collect({ type: 'minor' })
  slow = threadTime() - began > WORTH ? slow + 1 : 0
}
