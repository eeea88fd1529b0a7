// Stands where src/arena/words.ts stands under `--conditions=model`: no access of a body touches memory, each one is
// answered from the body's past, and the first that has no answer yet is handed to explore.ts, which decides when it happens.

export type Words = Int32Array

export function load(w: Words, i: number): number {
  return access('load', w, i)
}
export function store(w: Words, i: number, v: number): void {
  access('store', w, i, v)
}
export function add(w: Words, i: number, v: number): number {
  return access('add', w, i, v)
}
export function or(w: Words, i: number, v: number): number {
  return access('or', w, i, v)
}
export function and(w: Words, i: number, v: number): number {
  return access('and', w, i, v)
}
export function exchange(w: Words, i: number, v: number): number {
  return access('exchange', w, i, v)
}
export function compareExchange(w: Words, i: number, expected: number, v: number): number {
  return access('compareExchange', w, i, expected, v)
}
/** A plain read. A step like any other, and a data race if anybody else may write the word at that moment. */
export function peek(w: Words, i: number): number {
  return access('peek', w, i)
}
/** A plain write. A step like any other, and a data race if anybody else may access the word at that moment. */
export function poke(w: Words, i: number, v: number): void {
  access('poke', w, i, v)
}
/** Plain writes one after the other, each a step of its own. */
export function pokeAll(w: Words, i: number, source: Int32Array, count: number): void {
  for (let k = 0; k < count; k++) poke(w, i + k, source[k])
}
export function peekAll(w: Words, i: number, target: Int32Array, count: number): void {
  for (let k = 0; k < count; k++) target[k] = peek(w, i + k)
}
/** Sleeps while the word holds `expected`, until `wake`; ends by itself only as often as the scenario's `timeouts` allow. */
export function sleep(w: Words, i: number, expected: number, _ms: number): void {
  access('sleep', w, i, expected)
}
export function wake(w: Words, i: number): void {
  access('wake', w, i)
}
/**
 * Goes on once something this body has read or written since its last `pause` is different: until then another turn of its
 * loop would find the same and end up here again. It is therefore for loops that turn until something changes, with one
 * pause per turn. A loop that gives up after some turns takes their number from here (PATIENCE) and does not pause after the last.
 */
export function pause(_round?: number): void {
  access('pause')
}

/** No step: it touches nothing that is shared. */
export function relax(): void {}

/** One look is enough here: a body that looks twice in vain and then gives up is one that was slow to look once. */
export const PATIENCE = 1

// What the bodies of a scenario say to the checker.

/** Adds to a ghost cell. Not a step: it happens in one with this body's last access (or with the start, or its waking). */
export function ghostAdd(cell: number, delta: number): void {
  effect({ cell, value: delta, adds: true })
}
/** Sets a ghost cell, in one with this body's last access. */
export function ghostSet(cell: number, value: number): void {
  effect({ cell, value, adds: false })
}
/** A step that touches nothing: the others may run here and the body may die here, e.g. inside a critical section. */
export function moment(): void {
  access('choose', undefined, 0, 1)
}
/** Any of 0 … n - 1: every answer is tried. */
export function choose(n: number): number {
  return access('choose', undefined, 0, n)
}
/** Whether this body's last `sleep` or `pause` ended by itself: what a scenario's deadline answers from. */
export function timedOut(): boolean {
  return run?.timedOut ?? false
}
/**
 * Starts the body again from its first line, with `turn` (anything JSON can hold) as its third argument and nothing else
 * kept. An endless loop ends each turn with it: two turns that begin alike are then one state, and the search comes to an end.
 */
export function restart(turn?: unknown): never {
  end({ restart: { turn } })
  throw UNWIND
}
/** Reports a violation, with the steps that led to it. */
export function fail(message: string): never {
  end({ failure: message })
  throw UNWIND
}

// What explore.ts runs bodies with.

export type Body = (words: Words, me: number, turn?: any) => void
export type Kind =
  | 'load'
  | 'store'
  | 'add'
  | 'or'
  | 'and'
  | 'exchange'
  | 'compareExchange'
  | 'peek'
  | 'poke'
  | 'sleep'
  | 'asleep'
  | 'wake'
  | 'pause'
  | 'choose'
/** An access that a body is about to make: `a` and `b` are its operands in order. */
export type Operation = { kind: Kind; i: number; a: number; b: number }
export type Past = { op: Operation; result: number }[]
export type Effect = { cell: number; value: number; adds: boolean }
/** How far a body came: to its next access, a restart, a failure, or (none of them) its end. */
export type Outcome = {
  op?: Operation
  restart?: { turn: unknown }
  failure?: string
  ended: boolean
  effects: Effect[]
}

/** The answer of a `sleep` or `pause` that ended by itself; 0 otherwise. */
export const TIMED_OUT = 1

type Run = { words: Words; past: Past; position: number; timedOut: boolean; outcome: Outcome }
let run: Run | undefined
const UNWIND = Symbol('leave the body: the checker knows enough')

/** Runs a body from its start to its first access that `past` does not answer. */
export function replay(body: Body, words: Words, me: number, turn: unknown, past: Past): Outcome {
  const outcome: Outcome = { ended: false, effects: [] }
  run = { words, past, position: 0, timedOut: false, outcome }
  try {
    body(words, me, turn)
    if (!outcome.ended && run.position < past.length) end({ failure: NOT_DETERMINISTIC })
  } catch (error) {
    if (error !== UNWIND) end({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  } finally {
    run = undefined
  }
  outcome.ended = true
  return outcome
}

const NOT_DETERMINISTIC =
  'the body took another way when it was run again: expected every run with the same answers to be the same; ' +
  'create all of its state inside the body, and use no clock and no chance'

/** Does one access to the word at `at`: the checker's own step, and everything that runs outside a body (`init`, `final`). */
export function perform(memory: Int32Array, { kind, a, b }: Operation, at: number): number {
  const old = memory[at]
  if (kind === 'load' || kind === 'peek') return old
  if (kind === 'compareExchange') {
    if (old === a) memory[at] = b
    return old
  }
  if (kind === 'add') memory[at] = old + a
  else if (kind === 'or') memory[at] = old | a
  else if (kind === 'and') memory[at] = old & a
  else memory[at] = a
  return kind === 'store' || kind === 'poke' ? 0 : old
}

function access(kind: Kind, w?: Words, i = 0, a = 0, b = 0): number {
  if (w !== undefined && (!Number.isInteger(i) || i < 0 || i >= w.length))
    throw new RangeError(`${kind}: expected a word between 0 and ${w.length - 1}, got ${i}`)
  const op = { kind, i, a: a | 0, b: b | 0 }
  if (run === undefined) {
    if (kind === 'wake') return 0
    if (w === undefined || kind === 'sleep')
      throw new Error(`${kind}: expected to be called inside a body of a scenario`)
    return perform(w, op, i)
  }
  if (w !== undefined && w !== run.words)
    throw new Error(
      `${kind}: expected the one words array of the scenario, got another one; give the body its own range of words`,
    )
  if (run.position === run.past.length) {
    end({ op }) // only the first counts: a `finally` of the body may come here again on the way out
    throw UNWIND
  }
  const was = run.past[run.position++]
  if (was.op.kind !== kind || was.op.i !== i || was.op.a !== op.a || was.op.b !== op.b)
    throw new Error(NOT_DETERMINISTIC)
  if (kind === 'sleep' || kind === 'pause') run.timedOut = was.result === TIMED_OUT
  return was.result
}

function effect(noted: Effect): void {
  if (run !== undefined && !run.outcome.ended && run.position === run.past.length) run.outcome.effects.push(noted)
}

function end(how: Omit<Outcome, 'ended' | 'effects'>): void {
  if (run === undefined) throw new Error('expected to be called inside a body of a scenario')
  if (!run.outcome.ended) Object.assign(run.outcome, how, { ended: true })
}
