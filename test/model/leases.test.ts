// Items in hand: whoever is killed at whatever step, an item that was taken is finished or delivered again, never both, no
// longer than allowed, and the counts that join() goes by are right.
//
// The items lie in the log from the beginning, each in a block of its own; log.test.ts tries how they get there.

import { test } from 'node:test'
import type { Allocator, Memory } from '#src/arena/allocator.js'
import { ringAll } from '#src/arena/doorbell.js'
import { toRef } from '#src/arena/layout.js'
import { NOBODY, ownerOf, QUEUED } from '#src/arena/owner.js'
import { NONE } from '#src/arena/until.js'
import { wakeAll } from '#src/arena/wait-set.js'
import { ALL_DONE, LEASED_LOG_WORDS } from '#src/channel/lease-chain.js'
import { Leases } from '#src/channel/leases.js'
import { CLOSED, DONE, HELD_UP, Log, type LogPlace, NOT_NOW } from '#src/channel/log.js'
import { compareExchange, load, pause, peek, poke, store, type Words } from '#words'
import { fail, ghostAdd, ghostSet, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { type Turn, waitInTurns } from './waiter.ts'

const QUEUE = FREE_WORDS
const OWNERS = QUEUE + LEASED_LOG_WORDS
const HEAP = Math.ceil((OWNERS + 16) / 16) * 16
const BLOCK = 16
/** The word of a block that says which item it is. */
const ITEM = 11
const FREED = -1

const addressOf = (k: number): number => (HEAP + k * BLOCK) * 4
const indexOf = (address: number): number => address / 4
const numberOf = (address: number): number => (indexOf(address) - HEAP) / BLOCK
const slots = (count: number): number[] => [...Array(count).keys()]

type Rule = 'own before it is removed' | 'recover what is in hand' | 'look before a claim counts' | 'ring the joiners'

/** What the leases use of the allocator; number `items` is the segment. */
class Blocks {
  readonly #w: Words
  readonly #without?: Rule

  constructor(w: Words, without?: Rule) {
    this.#w = w
    this.#without = without
  }

  owner(address: number): number {
    return load(this.#w, OWNERS + numberOf(address))
  }

  setOwner(address: number, owner: number): void {
    if (this.#without !== 'own before it is removed') store(this.#w, OWNERS + numberOf(address), owner)
  }

  swapOwner(address: number, from: number, to: number): boolean {
    return compareExchange(this.#w, OWNERS + numberOf(address), from, to) === from
  }

  /** Whoever still reads it races with this. */
  free(address: number): void {
    poke(this.#w, indexOf(address) + ITEM, FREED)
    store(this.#w, OWNERS + numberOf(address), NOBODY)
  }
}

interface Options {
  items: number
  /** So many of them are in the hands of the first consumers at the beginning, one each; default: all are in the log. */
  inHand?: number
  /** Who take an item and finish it, again and again. */
  consumers?: number
  /** Who take an item and keep it; they can only be killed. */
  keepers?: number
  /** Who take an item once and give it back. */
  returners?: number
  /** Who finish the oldest item that anybody has in hand, once. */
  strangers?: number
  /** Sleep until all is done. */
  joiners?: number
  /** Drops what is queued. */
  droppers?: number
  maxDeliveries?: number
  deaths?: number
  reapers?: number
  killable?: number[]
  without?: Rule
}

const TOTAL = 0
const JOINED = 1
const DELIVERED = 2

function leasesOf(options: Options): Scenario {
  const {
    items,
    inHand = 0,
    consumers = 0,
    keepers = 0,
    returners = 0,
    strangers = 0,
    joiners = 0,
    droppers = 0,
  } = options
  const { maxDeliveries = 3, deaths = 0, reapers = Math.min(1, deaths), without } = options
  const sleeping = joiners > 0
  const crew = consumers + keepers + returners + strangers + joiners + droppers + reapers
  const placeOf = (w: Words, slot: number): LogPlace => ({
    w,
    me: token(slot),
    allocator: new Blocks(w, without) as unknown as Allocator,
    segment: { words: w, wordsAt: () => w, indexOf } as unknown as Memory,
  })
  const open = (w: Words, slot: number, rule: Rule | null | undefined = without) => {
    const log = new Log(placeOf(w, slot), w, QUEUE)
    const blocks = new Blocks(w)
    // what lies in the latch when its holder died is told once: without the look it is taken for granted
    if (rule === 'look before a claim counts') Object.defineProperty(log, 'head', { get: () => -1 })
    return { log, leases: new Leases(placeOf(w, slot), log, w, QUEUE, block => blocks.free(block)) }
  }

  /** One item, or none. */
  const take = (w: Words, me: number): number => {
    const leased = { block: 0, deliveries: 0 }
    const outcome = open(w, me).leases.take(leased)
    if (outcome !== DONE) return outcome === CLOSED ? -1 : 0
    const id = peek(w, indexOf(leased.block) + ITEM)
    if (!(id >= 0 && id < items)) fail(`received ${id}`)
    ghostAdd(DELIVERED + id, 1)
    if (leased.deliveries > maxDeliveries) fail(`item ${id} is delivered for the ${leased.deliveries}th time`)
    return leased.block
  }
  const ring = (w: Words, leases: Leases) => {
    if (without !== 'ring the joiners' && leases.allDone() !== NOT_NOW) wakeAll(w, w, QUEUE + ALL_DONE)
  }

  /** In two turns: what happened before the first end is forgotten then, which makes the search smaller. */
  const inTurns = (w: Words, me: number, block: number): void => {
    if (block !== 0) return
    const taken = take(w, me)
    if (taken === -1) restart(-1)
    if (taken === 0) pause(0)
    restart(taken)
  }

  const consumer = (w: Words, me: number, block = me < inHand ? addressOf(me) : 0) => {
    if (block === -1) return
    inTurns(w, me, block)
    const { leases } = open(w, me)
    if (leases.finish(block)) ghostAdd(TOTAL, 1)
    if (sleeping) ring(w, leases)
    restart(0)
  }

  const keeper = (w: Words, me: number, block = 0) => {
    if (block === -1) return
    inTurns(w, me, block)
    pause(0)
    restart(block)
  }

  const returner = (w: Words, me: number, block = 0) => {
    if (block === -1) return
    inTurns(w, me, block)
    const { leases } = open(w, me)
    leases.giveBackMine()
    if (sleeping) ring(w, leases)
  }

  const stranger = (w: Words, me: number) => {
    const { leases } = open(w, me)
    if (leases.finishOldest()) ghostAdd(TOTAL, 1)
    if (sleeping) ring(w, leases)
  }

  const joiner = (w: Words, me: number, wait?: Turn) => {
    const attempt = () => {
      for (;;) {
        const outcome = open(w, me).leases.allDone()
        if (outcome !== HELD_UP) return outcome === DONE ? 1 : NONE
        pause(0)
      }
    }
    waitInTurns(w, me, QUEUE + ALL_DONE, attempt, wait)
    ghostSet(JOINED, 1)
  }

  const dropper = (w: Words, me: number, begun = false) => {
    const { log, leases } = open(w, me)
    if (!begun) {
      log.shutDown(true)
      restart(true)
    }
    const outcome = leases.dropOne()
    if (outcome === HELD_UP) pause(0)
    if (outcome === HELD_UP || outcome === DONE) restart(true)
  }

  const reaper = (w: Words, me: number, known = 0) => {
    const dead = nextDead(w, known)
    const { log, leases } = open(w, me)
    const mine = new Blocks(w)
    const all = slots(items + 1).map(addressOf)
    const blocks = new Set(all.filter(block => ownerOf(mine.owner(block)) === token(dead)))
    const recovered = without === 'recover what is in hand' || leases.recover(token(dead), blocks)
    if (!recovered || !log.reclaim(blocks, token(dead))) {
      pause(0)
      restart(known)
    }
    for (const block of blocks) if (mine.swapOwner(block, token(dead), token(me))) mine.free(block)
    if (sleeping) ringAll(w)
    restart(known | (1 << dead))
  }

  const bodies = [
    ...Array(consumers).fill(consumer),
    ...Array(keepers).fill(keeper),
    ...Array(returners).fill(returner),
    ...Array(strangers).fill(stranger),
    ...Array(joiners).fill(joiner),
    ...Array(droppers).fill(dropper),
    ...Array(reapers).fill(reaper),
  ]
  const everybody = slots(crew)
  const workers = slots(consumers + keepers + returners)
  const segment = addressOf(items)
  return {
    size: HEAP + (items + 2) * BLOCK,
    touched: 140,
    ghosts: DELIVERED + items,
    bodies,
    deaths,
    killable: options.killable ?? workers,
    mayWait: everybody,
    init(w) {
      seat(w, everybody)
      Log.initialise(w, QUEUE, 0)
      Leases.initialise(w, QUEUE, maxDeliveries)
      for (const k of slots(items)) {
        w[OWNERS + k] = QUEUED
        w[indexOf(addressOf(k)) + ITEM] = k
        w[indexOf(segment) + 2 + 2 * k] = 2 // a record that names a block
        w[indexOf(segment) + 3 + 2 * k] = toRef(addressOf(k))
      }
      w[OWNERS + items] = QUEUED
      w[indexOf(segment) + 1] = 2 + 2 * items
      w[QUEUE + 2] = toRef(segment)
      w[QUEUE + 17] = items
      w[QUEUE + 18 + 2 * (items & 1)] = toRef(segment)
      w[QUEUE + 19 + 2 * (items & 1)] = 2 + 2 * items
      w[QUEUE + 33] = inHand
      w[QUEUE + 34 + 2 * (inHand & 1)] = toRef(segment)
      w[QUEUE + 35 + 2 * (inHand & 1)] = 2 + 2 * inHand
      for (const k of slots(inHand)) {
        const lease = indexOf(addressOf(k)) + 4
        const [next, before] = [k > 0 ? toRef(addressOf(k - 1)) : 0, k + 1 < inHand ? toRef(addressOf(k + 1)) : 0]
        for (const [i, value] of [token(k), k, 1, next, before].entries()) w[lease + i] = value
        w[QUEUE + ALL_DONE - 15] = toRef(addressOf(k))
        w[QUEUE + ALL_DONE - 13] = k + 1
      }
    },
    onDeath: (w, p) => bury(w, p),
    invariant(w, ghosts) {
      if (ghosts[TOTAL] > items) return `${items} items were finished ${ghosts[TOTAL]} times`
      if (ghosts[JOINED] !== 1 || droppers > 0) return undefined
      return w[QUEUE + 33] === items ? undefined : 'joined before all was taken'
    },
    final(w, { dead, stuck, ghosts }) {
      const { log, leases } = open(w, crew - 1, null)
      const queued = new Set(
        slots(items + 1)
          .map(addressOf)
          .filter(block => w[OWNERS + numberOf(block)] === QUEUED),
      )
      const left = queued.size - 1
      const holders = new Set(log.latches())
      const wrong = [...leases.check(queued, holders), ...log.check(queued)]
      if (wrong.length > 0) return wrong[0]
      if (queued.size > 0) return `block ${[...queued].map(numberOf)} is the queue's and not in it`
      const owned = slots(items + 1).find(k => w[OWNERS + k] !== QUEUED && w[OWNERS + k] !== NOBODY)
      if (owned !== undefined)
        return `block ${owned} is owned by participant ${(w[OWNERS + owned] & 0x7ff) - 1} for ever`
      const gone = dead.find(p => holders.has(token(p)))
      if (gone !== undefined) return `participant ${gone} is dead and still has an item in hand`
      const letters = leases.readLetters(block => w[indexOf(block) + ITEM])
      if (letters.join() !== [...letters].sort().join()) return `the letters are ${letters}`
      if (droppers > 0) return left === holders.size - 1 + letters.length ? undefined : `${left} items are left`
      if (ghosts[TOTAL] + left < items - dead.length) return 'an item is lost'
      const working = stuck.some(p => p < consumers)
      if (working && (log.size() > 0 || log.head !== items)) return 'an item is left, though somebody would take it'
      const idle = !stuck.some(p => p >= consumers && p < consumers + keepers)
      const joining = stuck.some(p => bodies[p] === joiner)
      const finished = log.head === items && left === letters.length
      if (joining && (finished || (working && idle))) return 'who joins waits for ever'
      return undefined
    },
    names: {
      ...namesOf(everybody),
      ...Object.fromEntries(slots(items + 1).map(k => [OWNERS + k, `owner${k}`])),
      ...Object.fromEntries(
        slots(items).flatMap(k =>
          [...'abcdefghijklmnop'].map((_, i) => [
            indexOf(addressOf(k)) + i,
            `${['', '', '', '', 'state', 'sequence', 'deliveries', 'next', 'before', 'after', '', 'item'][i] || i}${k}`,
          ]),
        ),
      ),
      [QUEUE + 1]: 'logState',
      [QUEUE + 16]: 'putLatch',
      [QUEUE + 17]: 'tail',
      [QUEUE + 32]: 'getLatch',
      [QUEUE + 33]: 'head',
      [QUEUE + 40]: 'beside',
      [QUEUE + ALL_DONE - 16]: 'leaseLatch',
      [QUEUE + ALL_DONE - 15]: 'first',
      [QUEUE + ALL_DONE - 14]: 'ready',
      [QUEUE + ALL_DONE - 13]: 'inHand',
      [QUEUE + ALL_DONE]: 'allDone',
    },
  }
}

const promises: [title: string, Options][] = [
  ['two consumers: each item is finished once', { items: 2, consumers: 2 }],
  ['one consumer killed anywhere: another finishes all', { items: 2, consumers: 2, deaths: 1, killable: [0] }],
  ['two consumers killed: the item of both is queued, or finished', { items: 1, consumers: 2, deaths: 2 }],
  ['killed with two items in hand', { items: 2, consumers: 1, keepers: 1, deaths: 1, killable: [1] }],
  [
    'delivered once is enough: killed, it is a letter',
    { items: 2, consumers: 2, deaths: 1, maxDeliveries: 1, killable: [0] },
  ],
  ['given back: another gets it', { items: 2, consumers: 1, returners: 1 }],
  ['given back by one that is killed', { items: 1, consumers: 1, returners: 1, deaths: 1, killable: [1] }],
  ['another finishes what is in hand: it is finished once', { items: 2, consumers: 1, strangers: 1 }],
  [
    'another finishes what is in hand, and is killed',
    { items: 1, consumers: 1, strangers: 1, deaths: 1, killable: [0, 1] },
  ],
  ['who joins is woken when all is done, and goes on no sooner', { items: 2, consumers: 1, joiners: 1 }],
  [
    'who joins is woken when a death makes the last item a letter',
    { items: 1, inHand: 1, consumers: 1, joiners: 1, deaths: 1, maxDeliveries: 1, killable: [0] },
  ],
  ['dropped while it is in hand', { items: 2, keepers: 1, droppers: 1 }],
  ['dropped, and its holder killed', { items: 2, keepers: 1, droppers: 1, deaths: 1, killable: [0] }],
  ['dropped by one that is killed', { items: 2, droppers: 2, deaths: 1, killable: [0] }],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(leasesOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

const controls: [title: string, Rule, Options, why: RegExp][] = [
  [
    'an item removed that nobody owns',
    'own before it is removed',
    { items: 1, consumers: 1, deaths: 1 },
    /is the queue's and not in it|for ever/,
  ],
  [
    'a recovery that leaves the items of the dead alone',
    'recover what is in hand',
    { items: 1, consumers: 2, deaths: 1, killable: [0] },
    /still has an item|does not last|was held|waits for ever/,
  ],
  [
    'a claim that counts before the log has given the item out',
    'look before a claim counts',
    { items: 1, consumers: 2, deaths: 1, killable: [0] },
    /finished 2 times|received|has owner|race|not in it|is lost/,
  ],
  [
    'a last item that rings nobody',
    'ring the joiners',
    { items: 1, consumers: 1, joiners: 1 },
    /who joins waits for ever/,
  ],
]
for (const [title, without, options, why] of controls)
  test(`control: ${title}`, t => {
    t.diagnostic(`${breaks(leasesOf({ ...options, without }), why).why}`)
  })
