// Where a body can stand. A running function cannot be copied, so its place is the list of answers it has had: a node of a
// tree. Each node is found out once, by running the body from its start with those answers.

import { type Body, type Effect, type Operation, type Past, replay, type Words } from './words.model.ts'

export type Place = {
  id: number
  /** The access that comes next; none: the body has finished, or failed. */
  op?: Operation
  failure?: string
  /** Where the memory of a state holds the word of `op`. */
  at: number
  /** What the pause that comes next waits for a change of: everything seen since the pause before it. */
  seen: { at: number; value: number }[]
  /** The word that the next access reads or writes, -1 for none. */
  touches: number
  writes: boolean
  plain: boolean
}
/** A way to a place, and the ghosts noted on the way. */
export type Way = { to: Place; effects: Effect[] }

/** What a `sleep` answers to the checker when it does not return yet: the body then stands at `asleep`. */
export const FELL_ASLEEP = 2
/** No body goes further than this without `restart`: the tree of an endless loop has no end either. */
const MAX_STEPS = 500

type Node = Place & { before?: { node: Node; answer: number }; turn: unknown; ways: Map<number, Way>; sleeper?: Node }

export class Places {
  readonly #nodes: Node[] = []
  readonly #starts = new Map<string, Way | undefined>()
  readonly #body: Body
  readonly #words: Words
  readonly #me: number
  readonly #columnOf: (word: number) => number
  /** How many steps the body has been followed for, at most. */
  longest = 0

  constructor(body: Body, words: Words, me: number, columnOf: (word: number) => number) {
    this.#body = body
    this.#words = words
    this.#me = me
    this.#columnOf = columnOf
  }

  at(id: number): Place {
    return this.#nodes[id]
  }

  /** The beginning of the body, first or after `restart(turn)`. */
  start(turn?: unknown): Way {
    const key = JSON.stringify(turn) ?? ''
    if (!this.#starts.has(key)) {
      this.#starts.set(key, undefined)
      this.#starts.set(key, this.#explore(turn, undefined))
    }
    const way = this.#starts.get(key)
    if (way !== undefined) return way
    return { to: this.#add({ failure: 'restart() without an access since the start', turn }), effects: [] }
  }

  /** Where the body comes when the access it stands at answers `answer`. */
  after(place: Place, answer: number): Way {
    const node = this.#nodes[place.id]
    const known = node.ways.get(answer)
    if (known !== undefined) return known
    const way = this.#find(node, answer)
    node.ways.set(answer, way)
    return way
  }

  #find(node: Node, answer: number): Way {
    if (node.sleeper !== undefined) return this.after(node.sleeper, answer)
    if (node.op!.kind !== 'sleep' || answer !== FELL_ASLEEP) return this.#explore(node.turn, { node, answer })
    const op: Operation = { ...node.op!, kind: 'asleep' }
    return { to: this.#add({ op, turn: node.turn, sleeper: node }), effects: [] }
  }

  #explore(turn: unknown, before: Node['before']): Way {
    const past: Past = []
    for (let step = before; step !== undefined; step = step.node.before)
      past.push({ op: step.node.op!, result: step.answer })
    past.reverse()
    this.longest = Math.max(this.longest, past.length)
    const { op, restart, failure, effects } = replay(this.#body, this.#words, this.#me, turn, past)
    if (restart !== undefined) {
      const start = this.start(restart.turn)
      return { to: start.to, effects: [...effects, ...start.effects] }
    }
    if (op !== undefined && past.length >= MAX_STEPS) {
      const endless = `${MAX_STEPS} steps and no end: expected a loop to end, to pause() for a change, or to restart() its turns`
      return { to: this.#add({ failure: endless, turn }), effects }
    }
    return {
      to: this.#add({ op, failure, turn, before, seen: op?.kind === 'pause' ? this.#seenIn(past) : [] }),
      effects,
    }
  }

  /** What was seen since the last pause. Nothing, so that the pause ends at once, if there was a sleep: that was the wait. */
  #seenIn(past: Past): Place['seen'] {
    const seen: Place['seen'] = []
    for (const { op, result } of past.toReversed()) {
      if (op.kind === 'pause') break
      if (op.kind === 'sleep') return []
      const value = op.kind === 'store' || op.kind === 'poke' ? op.a : result
      if (!UNTOUCHING.has(op.kind)) seen.push({ at: this.#columnOf(op.i), value })
    }
    return seen
  }

  #add(node: Partial<Node> & { turn: unknown }): Node {
    const kind = node.op?.kind
    const added: Node = {
      id: this.#nodes.length,
      ways: new Map(),
      at: kind === undefined || kind === 'pause' || kind === 'choose' ? -1 : this.#columnOf(node.op!.i),
      seen: [],
      touches: kind === undefined || UNTOUCHING.has(kind) ? -1 : node.op!.i,
      writes: kind !== undefined && !UNTOUCHING.has(kind) && kind !== 'load' && kind !== 'peek' && kind !== 'sleep',
      plain: kind === 'peek' || kind === 'poke',
      ...node,
    }
    this.#nodes.push(added)
    return added
  }
}

const UNTOUCHING: ReadonlySet<string> = new Set(['asleep', 'wake', 'pause', 'choose'])
