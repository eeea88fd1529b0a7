// The items of a queue: whoever is killed at whatever step, an item that was put is received once, in the order of its
// producer, or was in the hands of a dead consumer; and no memory is lost or freed under a message.
//
// Memory is a handful of blocks, each with an owner word (owner.ts) and one participant that allocates it, as in a slab.

import { test } from 'node:test'
import type { Allocator, Memory } from '#src/arena/allocator.js'
import { ringAll } from '#src/arena/doorbell.js'
import { toRef } from '#src/arena/layout.js'
import { NOBODY, ownerOf, QUEUED } from '#src/arena/owner.js'
import { NONE } from '#src/arena/until.js'
import { DONE, HELD_UP, LOG_WORDS, Log, type LogPlace, NOT_EMPTY, NOT_FULL } from '#src/channel/log.js'
import { compareExchange, load, pause, peek, poke, store, type Words } from '#words'
import { fail, ghostAdd, ghostSet, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { type Turn, waitInTurns } from './waiter.ts'

const QUEUE = FREE_WORDS
const OWNERS = QUEUE + LOG_WORDS
const HEAP = QUEUE + 256
/** A parcel holds one word that matters; a segment is of the smallest size, 1,024 bytes. */
const PARCEL = 16
const SEGMENT = 256
/** Each participant allocates from four blocks of its own: two parcels, two segments. */
const BLOCKS = [PARCEL, PARCEL, SEGMENT, SEGMENT]
const SPACE = 2 * PARCEL + 2 * SEGMENT

const ownerAt = (slot: number, k: number): number => OWNERS + slot * BLOCKS.length + k
const addressOf = (slot: number, k: number): number =>
  (HEAP + slot * SPACE + BLOCKS.slice(0, k).reduce((sum, size) => sum + size, 0)) * 4
const slots = (count: number): number[] => [...Array(count).keys()]
const indexOf = (address: number): number => address / 4

type Rule = 'hand to the queue' | 'own what is taken' | 'reclaim' | 'free what the dead owned'

/** What log.ts uses of the allocator. */
class Blocks {
  readonly #w: Words
  readonly #slot: number
  readonly #without?: Rule

  constructor(w: Words, slot: number, without?: Rule) {
    this.#w = w
    this.#slot = slot
    this.#without = without
  }

  /** Every block that this many producers may come to use. */
  static all(producers: number, kind: 'inline' | 'block'): number[] {
    return (kind === 'block' ? [0, 1, 2, 3] : [2, 3]).flatMap(k =>
      (k === 3 ? [0] : slots(producers)).map(slot => addressOf(slot, k)),
    )
  }

  static ownerIndex(address: number): number {
    const word = indexOf(address) - HEAP
    const slot = Math.floor(word / SPACE)
    return ownerAt(slot, [0, 1, 2, 3].find(k => addressOf(slot, k) === address)!)
  }

  allocate(bytes: number): number {
    for (const k of bytes <= PARCEL * 4 ? [0, 1] : [2, 3]) {
      if (load(this.#w, ownerAt(this.#slot, k)) !== NOBODY) continue
      store(this.#w, ownerAt(this.#slot, k), token(this.#slot))
      return addressOf(this.#slot, k)
    }
    throw new Error('expected a free block: the scenario needs more of them, or some were lost')
  }

  owner(address: number): number {
    return load(this.#w, Blocks.ownerIndex(address))
  }

  setOwner(address: number, owner: number): void {
    if (this.#without !== 'own what is taken') store(this.#w, Blocks.ownerIndex(address), owner)
  }

  swapOwner(address: number, from: number, to: number): boolean {
    if (this.#without === 'hand to the queue' && to === QUEUED) return true
    return compareExchange(this.#w, Blocks.ownerIndex(address), from, to) === from
  }

  free(address: number): void {
    store(this.#w, Blocks.ownerIndex(address), NOBODY)
  }
}

/** The latch may be held by somebody who takes long. */
function until(attempt: () => number): number {
  for (;;) {
    const outcome = attempt()
    if (outcome !== HELD_UP) return outcome
    pause(0)
  }
}

interface Options {
  producers: number
  /** Items of each producer. */
  items: number
  consumers: number
  kind: 'inline' | 'block'
  /** What the queue begins with: no segment; or one with room for this many items. */
  room?: number
  /** And with words at its end that no record fits into. */
  rest?: number
  maxsize?: number
  /** Who finds no room, or no item, sleeps until it is rung; otherwise it just looks again. Inline only. */
  sleeping?: boolean
  deaths?: number
  reapers?: number
  killable?: number[]
  without?: Rule
}

function queueOf(options: Options): Scenario {
  const { producers, items, consumers, kind, room, rest = 0, maxsize = 0, deaths = 0, without } = options
  const { sleeping, reapers = Math.min(1, deaths) } = options
  const crew = producers + consumers + reapers
  const count = producers * items
  const GOT = count // ghosts: after those that say which put() has returned
  const placeOf = (w: Words, slot: number): LogPlace => ({
    w,
    me: token(slot),
    allocator: new Blocks(w, slot, without) as unknown as Allocator,
    segment: { words: w, wordsAt: () => w, indexOf } as unknown as Memory,
  })
  const nothingYet: number[] = Array(producers).fill(-1)
  const logOf = (w: Words, slot: number) => new Log(placeOf(w, slot), w, QUEUE)

  const producer = (
    w: Words,
    me: number,
    turn: { item: number; block: number; wait?: Turn } = { item: 0, block: 0 },
  ) => {
    const id = me * items + turn.item
    if (sleeping) {
      const put = () => {
        if (until(() => logOf(w, me).putInline(Int32Array.of(id), 4, 0)) !== DONE) return NONE
        ghostSet(id, 1)
        return id
      }
      waitInTurns(w, me, QUEUE + NOT_FULL, put, turn.wait, { again: wait => restart({ ...turn, wait }) })
      if (turn.item + 1 < items) restart({ item: turn.item + 1, block: 0 })
      return
    }
    let { block } = turn
    if (kind === 'block' && block === 0) {
      block = new Blocks(w, me).allocate(4)
      poke(w, indexOf(block), id)
    }
    const log = logOf(w, me)
    const outcome = kind === 'block' ? log.putBlock(block) : log.putInline(Int32Array.of(id), 4, 0)
    if (outcome !== DONE) {
      pause(0)
      restart({ ...turn, block })
    }
    ghostSet(id, 1)
    if (turn.item + 1 < items) restart({ item: turn.item + 1, block: 0 })
  }

  const receive = (id: number, last: number[]) => {
    if (!(id >= 0 && id < count)) fail(`received ${id}`)
    ghostAdd(GOT + id, 1)
    const from = Math.floor(id / items)
    if (id <= last[from]) fail(`received item ${id} after ${last[from]}`)
    return last.with(from, id)
  }

  const sleepingConsumer = (w: Words, me: number, turn: { last: number[]; wait?: Turn } = { last: nothingYet }) => {
    const get = () => {
      const taken = { payload: new Int32Array(1), bytes: 0, head: 0, block: 0 }
      if (until(() => logOf(w, me).get(taken)) !== DONE) return NONE
      receive(taken.payload[0], turn.last)
      return taken.payload[0]
    }
    const id = waitInTurns(w, me, QUEUE + NOT_EMPTY, get, turn.wait, { again: wait => restart({ ...turn, wait }) })
    restart({ last: turn.last.with(Math.floor(id / items), id) })
  }

  const consumer = (w: Words, me: number, last: number[] = nothingYet) => {
    const taken = { payload: new Int32Array(1), bytes: 0, head: 0, block: 0 }
    if (logOf(w, me).get(taken) !== DONE) {
      pause(0)
      restart(last)
    }
    let id = taken.payload[0]
    if (kind === 'block') {
      id = peek(w, indexOf(taken.block))
      new Blocks(w, me).free(taken.block)
    }
    restart(receive(id, last))
  }

  const reaper = (w: Words, me: number, known = 0) => {
    const dead = nextDead(w, known)
    const mine = new Blocks(w, me)
    const blocks = new Set(Blocks.all(producers, kind).filter(block => ownerOf(mine.owner(block)) === token(dead)))
    if (!logOf(w, me).reclaim(without === 'reclaim' ? new Set() : blocks, token(dead))) {
      pause(0)
      restart(known)
    }
    if (without !== 'free what the dead owned')
      for (const block of blocks) if (mine.swapOwner(block, token(dead), token(me))) mine.free(block)
    if (sleeping) ringAll(w)
    restart(known | (1 << dead))
  }

  const everybody = slots(crew)
  return {
    size: HEAP + crew * SPACE,
    touched: 120,
    ghosts: 2 * count,
    bodies: [
      ...Array(producers).fill(producer),
      ...Array(consumers).fill(sleeping ? sleepingConsumer : consumer),
      ...Array(reapers).fill(reaper),
    ],
    deaths,
    killable: options.killable ?? everybody.slice(0, producers + consumers),
    mayWait: everybody,
    init(w) {
      seat(w, everybody)
      Log.initialise(w, QUEUE, maxsize)
      if (room === undefined) return
      // As if many items had gone through: head and tail are equal, and their places lie in a segment of this size.
      const segment = addressOf(0, 3)
      w[ownerAt(0, 3)] = QUEUED
      w[indexOf(segment) + 1] = 2 + 2 * room + rest
      for (const place of [QUEUE + 18, QUEUE + 34]) {
        w[place] = toRef(segment)
        w[place + 1] = 2
      }
    },
    onDeath: (w, p) => bury(w, p),
    invariant: (_, ghosts) =>
      ghosts.subarray(GOT).some(times => times > 1) ? 'an item was received twice' : undefined,
    final(w, { dead, stuck, ghosts }) {
      const log = logOf(w, crew - 1)
      if (log.latches().some(holder => holder !== 0)) return 'a latch is held for ever'
      const lost = Array.from({ length: count }, (_, id) => id).filter(id => ghosts[id] === 1 && ghosts[GOT + id] === 0)
      const inHands = dead.filter(p => p >= producers).length
      if (lost.length > log.size() + inHands) return `item ${lost} was put and never received`
      const alive = inHands < consumers
      if (alive && stuck.some(p => p < producers)) return 'a producer waits for ever'
      if (alive && log.size() > 0) return `${log.size()} items are left`
      const queued = new Set<number>()
      for (const block of Blocks.all(producers, kind)) {
        const owner = w[Blocks.ownerIndex(block)]
        if (owner === QUEUED) queued.add(block)
        else if (owner !== NOBODY) return `block ${block} is owned by participant ${(owner & 0x7ff) - 1} for ever`
      }
      const wrong = log.check(queued)
      if (queued.size > 0) wrong.push(`block ${[...queued]} is the queue's and not in it`)
      return wrong[0]
    },
    names: {
      ...namesOf(everybody),
      ...Object.fromEntries(everybody.flatMap(p => BLOCKS.map((_, k) => [ownerAt(p, k), `owner${p}.${k}`]))),
      ...Object.fromEntries(everybody.flatMap(p => BLOCKS.map((_, k) => [indexOf(addressOf(p, k)), `block${p}.${k}`]))),
      [QUEUE + 1]: 'state',
      [QUEUE + 2]: 'first',
      [QUEUE + 16]: 'putLatch',
      [QUEUE + 17]: 'tail',
      [QUEUE + 32]: 'getLatch',
      [QUEUE + 33]: 'head',
      [QUEUE + NOT_EMPTY]: 'notEmpty',
      [QUEUE + NOT_FULL]: 'notFull',
    },
  }
}
const inline = { kind: 'inline', producers: 1, items: 2, consumers: 1 } as const
const block = { ...inline, kind: 'block' } as const
const promises: [title: string, Options][] = [
  ['two producers: each item is received once, in the order of its producer', { ...inline, producers: 2, room: 1 }],
  ['two producers need a new segment at once: one brings it', { ...inline, producers: 2, items: 1, room: 0 }],
  ['two consumers: each item is received once', { ...inline, consumers: 2, room: 1 }],
  ['two consumers of parcels: each is received once and freed once', { ...block, consumers: 2, room: 1 }],
  [
    'a put killed before its commit put nothing; killed after it, the item is received',
    { ...inline, room: 1, deaths: 1 },
  ],
  ['killed at the end of a segment that is not quite full', { ...inline, room: 1, rest: 1, deaths: 1 }],
  ['killed while the first segment is made', { ...inline, deaths: 1 }],
  ['killed with a parcel: it is freed, or received', { ...block, room: 1, deaths: 1 }],
  ['producer and consumer both killed, the segment used up', { ...inline, items: 1, room: 0, deaths: 2 }],
  ['one of two producers, or the consumer, killed', { ...inline, producers: 2, items: 1, room: 1, deaths: 1 }],
  [
    'a get killed before its commit took nothing: another takes it',
    { ...inline, consumers: 2, room: 1, deaths: 1, killable: [1] },
  ],
  [
    'a get of a parcel killed: another takes it, or it is freed',
    { ...block, items: 1, consumers: 2, room: 0, deaths: 1, killable: [1] },
  ],
  [
    'a producer of parcels killed before two consumers',
    { ...block, items: 1, consumers: 2, room: 0, deaths: 1, killable: [0] },
  ],
  ['full and empty: who sleeps is woken', { ...inline, room: 2, maxsize: 1, sleeping: true }],
  [
    'full and empty: who sleeps is woken, also by a producer that was killed',
    { ...inline, room: 2, maxsize: 1, sleeping: true, deaths: 1, killable: [0] },
  ],
  [
    'two consumers asleep, one item: one of them gets it',
    { ...inline, items: 1, consumers: 2, room: 2, sleeping: true },
  ],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(queueOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

const controls: [title: string, Rule, Options, why: RegExp][] = [
  [
    'a put that keeps its segment',
    'hand to the queue',
    { ...inline, room: 1 },
    /owned by participant 0 for ever|has owner/,
  ],
  [
    'a put that keeps its parcel',
    'hand to the queue',
    { ...block, items: 1, room: 1, deaths: 1 },
    /for ever|has owner/,
  ],
  [
    'a get that does not own what it takes',
    'own what is taken',
    { ...block, room: 1, deaths: 1 },
    /the queue's and not in it/,
  ],
  [
    'a recovery that frees what lies in the queue',
    'reclaim',
    { ...inline, room: 1, deaths: 1 },
    /has owner 0x0|freed|received/,
  ],
  [
    'a recovery that frees nothing',
    'free what the dead owned',
    { ...block, room: 1, deaths: 1 },
    /owned by participant . for ever/,
  ],
]
for (const [title, without, options, why] of controls)
  test(`control: ${title}`, t => {
    t.diagnostic(`${breaks(queueOf({ ...options, without }), why).why}`)
  })
