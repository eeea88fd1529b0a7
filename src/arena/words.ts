/**
 * Every access to a shared word. The only file that touches one; under `node --conditions=model` the interleaving
 * checker (test/support/words.model.ts) takes its place, and runs the real code above it in every order, with a
 * death before any access.
 *
 * What we assume of the platform: JavaScript promises that Atomics are atomic and sequentially consistent on *shared*
 * buffers. Ours is memory that the kernel shares and that V8 sees as an ordinary ArrayBuffer; it runs the same machine
 * code on it (checked once at start-up, os/mapping.ts). An aligned 32-bit store is never torn, not even by SIGKILL.
 * `Atomics.wait` refuses such memory, so sleeping is a futex of our own (os/futex.ts).
 */
import { futexWait, futexWake } from '../os/futex.ts'
import type { Mapping } from '../os/mapping.ts'
import { yieldCpu } from '../os/thread.ts'

export type Words = Int32Array

/** Where the memory under a view lies in this process: the futex wants an address. */
const addresses = new WeakMap<ArrayBufferLike, bigint>()

export function wordsOf(mapping: Mapping): Words {
  addresses.set(mapping.buffer, mapping.address)
  return new Int32Array(mapping.buffer)
}

export function load(w: Words, i: number): number {
  return Atomics.load(w, i)
}

export function store(w: Words, i: number, value: number): void {
  Atomics.store(w, i, value)
}

/** The next four give the value that was there before. */
export function add(w: Words, i: number, value: number): number {
  return Atomics.add(w, i, value)
}

export function or(w: Words, i: number, value: number): number {
  return Atomics.or(w, i, value)
}

export function and(w: Words, i: number, value: number): number {
  return Atomics.and(w, i, value)
}

export function exchange(w: Words, i: number, value: number): number {
  return Atomics.exchange(w, i, value)
}

/**
 * Gives what was there: equal to `expected` means that the word is now `value`. The engine's own function and none around it:
 * only that needs no stack, so that a latch is left however little of it there is.
 */
export const compareExchange: (w: Words, i: number, expected: number, value: number) => number = Atomics.compareExchange

/** A plain read: only under the latch that guards the word, or of a word that only this thread writes. */
export function peek(w: Words, i: number): number {
  return w[i]
}

/** A plain write, under the same conditions; the next `store` or `compareExchange` publishes it. */
export function poke(w: Words, i: number, value: number): void {
  w[i] = value
}

/** Pairs of words as one: for values of 64 bits, which must never be seen half-written. */
export type WideWords = BigInt64Array

const wide = new WeakMap<ArrayBufferLike, WideWords>()

/** The same memory in steps of 8 bytes. */
export function wideWordsOf(w: Words): WideWords {
  let view = wide.get(w.buffer)
  if (view === undefined) {
    view = new BigInt64Array(w.buffer)
    wide.set(w.buffer, view)
  }
  return view
}

export function load64(w: WideWords, i: number): bigint {
  return Atomics.load(w, i)
}

export function store64(w: WideWords, i: number, value: bigint): void {
  Atomics.store(w, i, value)
}

export function compareExchange64(w: WideWords, i: number, expected: bigint, value: bigint): bigint {
  return Atomics.compareExchange(w, i, expected, value)
}

/** Sleeps in the kernel while the word is `expected`: until wake(), at most `ms`. May wake for no reason. */
export function sleep(w: Words, i: number, expected: number, ms: number): void {
  futexWait(addressOf(w, i), expected, ms)
}

/** Wakes every thread of every process that sleeps on this word. */
export function wake(w: Words, i: number): void {
  futexWake(addressOf(w, i), 0x7fffffff)
}

function addressOf(w: Words, i: number): bigint {
  return addresses.get(w.buffer)! + BigInt(w.byteOffset + i * 4)
}

/** Looks at a held latch before a caller that must not block gives up: some tens of microseconds, the last ones yielding. */
export const PATIENCE = 60

/**
 * Some 200 ns of nothing between two looks at words that another is writing: each look takes the cache line away from it,
 * and costs it more than it costs us.
 */
export function relax(): void {
  for (let i = 0; i < RELAX; i++) Atomics.load(napping, 0)
}

const RELAX = 20
const SPINS = 40
const YIELDS = 80
const napping = new Int32Array(new SharedArrayBuffer(4))

/**
 * What a contender does between its `round`th look at a word and the next, when it expects the word to change within
 * a microsecond: nothing at first; then it lets others run (the holder may have been preempted, on one core it surely
 * has); then it naps, up to 10 ms at a time (the holder may have been stopped by a debugger).
 */
export function pause(round: number): void {
  if (round < SPINS) return
  if (round < YIELDS) yieldCpu()
  else Atomics.wait(napping, 0, 0, Math.min(10, 0.05 * (round - YIELDS + 1)))
}

/** Many plain writes, from the beginning of `source`. */
export function pokeAll(w: Words, i: number, source: Int32Array, count: number): void {
  if (count > BULK) w.set(source.subarray(0, count), i)
  else for (let k = 0; k < count; k++) w[i + k] = source[k]
}

/** Many plain reads, to the beginning of `target`. */
export function peekAll(w: Words, i: number, target: Int32Array, count: number): void {
  if (count > BULK) target.set(w.subarray(i, i + count))
  else for (let k = 0; k < count; k++) target[k] = w[i + k]
}

/** Words from which on a block copy is quicker than a loop. */
const BULK = 64
