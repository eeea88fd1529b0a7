// Stands where src/arena/words.ts stands under `--conditions=crash`: the real words, with a counter before each access. At the
// access it was armed for the process kills itself (or stops itself), so that exactly the accesses before it have happened.
//
// A child starts and joins as always and arms the counter before one operation; with MULTIPROC_CRASH_AT=<k> in its
// environment (or `record`) it is so from its first access on. Copying many words counts as two accesses, one for each half.
import process from 'node:process'
import type { WideWords, Words } from '#src/arena/words.js'
import * as real from '#src/arena/words.js'

// what is no access goes through as it is; what is one has its namesake below
export * from '#src/arena/words.js'

/** One access of a recorded operation: what it does, and where in build/src/ it comes from (file:line:column), innermost first. */
export interface Access {
  readonly kind: string
  readonly writes: boolean
  readonly lines: readonly string[]
}

let armed = process.env.MULTIPROC_CRASH_AT !== undefined
let fatal = Number(process.env.MULTIPROC_CRASH_AT ?? 0)
let signal: 'SIGKILL' | 'SIGSTOP' = 'SIGKILL'
let count = 0
let places: readonly string[] = []
let recorded: Access[] | undefined
if (process.env.MULTIPROC_CRASH_AT === 'record') record()

/**
 * The process gets `how` before an access from here on: the `when`th (the first is 1), or the first that one of the lines
 * `when` leads to, as in `src/channel/log.js:181`.
 */
export function arm(when: number | readonly string[], how: 'SIGKILL' | 'SIGSTOP' = 'SIGKILL'): void {
  armed = true
  signal = how
  count = 0
  fatal = typeof when === 'number' ? when : 0
  places = typeof when === 'number' ? [] : when
  Error.stackTraceLimit = 20
}

/** Writes down every access from here on. */
export function record(): void {
  arm(0)
  recorded = []
}

/** No more counting; gives what was recorded. */
export function disarm(): readonly Access[] {
  armed = false
  const accesses = recorded ?? []
  recorded = undefined
  return accesses
}

function access(kind: string, writes: boolean): void {
  if (!armed) return
  count++
  if (recorded) note(recorded, kind, writes)
  if (count !== fatal && !(places.length > 0 && callers().some(line => places.includes(line)))) return
  if (signal === 'SIGSTOP') armed = false
  process.kill(process.pid, signal)
  // the signal is there before kill() returns; should it not be, nothing else happens meanwhile
  if (signal === 'SIGKILL') for (;;) Atomics.wait(still, 0, 0, 1000)
}

/** Where a loop that only reads comes from is looked up for its first turns, and then now and then: each look takes long. */
const [FIRST, THEN] = [64, 61]
let reads = 0

function note(accesses: Access[], kind: string, writes: boolean): void {
  const before = accesses.at(-1)
  reads = !writes && before?.kind === kind ? reads + 1 : 0
  const lines = before === undefined || reads < FIRST || reads % THEN === 0 ? callers(COLUMNS) : before.lines
  accesses.push({ kind, writes, lines })
}

const still = new Int32Array(new SharedArrayBuffer(4))

const LINES = /\/(src\/[\w/-]+\.js:\d+)/g
const COLUMNS = /\/(src\/[\w/-]+\.js:\d+:\d+)/g

function callers(pattern = LINES): string[] {
  const places: string[] = []
  for (const [, place] of (new Error().stack ?? '').matchAll(pattern)) places.push(place)
  return places
}

export function load(w: Words, i: number): number {
  access('load', false)
  return real.load(w, i)
}
export function store(w: Words, i: number, value: number): void {
  access('store', true)
  real.store(w, i, value)
}
export function add(w: Words, i: number, value: number): number {
  access('add', true)
  return real.add(w, i, value)
}
export function or(w: Words, i: number, value: number): number {
  access('or', true)
  return real.or(w, i, value)
}
export function and(w: Words, i: number, value: number): number {
  access('and', true)
  return real.and(w, i, value)
}
export function exchange(w: Words, i: number, value: number): number {
  access('exchange', true)
  return real.exchange(w, i, value)
}
export function compareExchange(w: Words, i: number, expected: number, value: number): number {
  access('compareExchange', true)
  return real.compareExchange(w, i, expected, value)
}
export function peek(w: Words, i: number): number {
  access('peek', false)
  return real.peek(w, i)
}
export function poke(w: Words, i: number, value: number): void {
  access('poke', true)
  real.poke(w, i, value)
}
export function load64(w: WideWords, i: number): bigint {
  access('load64', false)
  return real.load64(w, i)
}
export function store64(w: WideWords, i: number, value: bigint): void {
  access('store64', true)
  real.store64(w, i, value)
}
export function compareExchange64(w: WideWords, i: number, expected: bigint, value: bigint): bigint {
  access('compareExchange64', true)
  return real.compareExchange64(w, i, expected, value)
}
export function sleep(w: Words, i: number, expected: number, ms: number): void {
  access('sleep', false)
  real.sleep(w, i, expected, ms)
}
export function wake(w: Words, i: number): void {
  access('wake', true)
  real.wake(w, i)
}
export function pokeAll(w: Words, i: number, source: Int32Array, words: number): void {
  const half = words >>> 1
  access('pokeAll', true)
  real.pokeAll(w, i, source, half)
  access('pokeAll', true)
  real.pokeAll(w, i + half, source.subarray(half), words - half)
}
export function peekAll(w: Words, i: number, target: Int32Array, words: number): void {
  access('peekAll', false)
  real.peekAll(w, i, target, words)
}
