// Those who only watch, beside those who take: a ring that chose a watcher reaches a taker. And beacons, which are a
// doorbell for others: never dark for good while there is something.

import { test } from 'node:test'
import { BEACON_WORDS, claim, darkenOwn, type Lamp, lightAll, recoverBeacons, showOwn } from '#src/arena/beacon.js'
import { ringAll } from '#src/arena/doorbell.js'
import { NONE } from '#src/arena/until.js'
import { forget, WAIT_SET_WORDS, wakeOne } from '#src/arena/wait-set.js'
import { add, compareExchange, load, store, type Words } from '#words'
import { restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { lay, type Turn, waitInTurns, watch } from './waiter.ts'

const PERMITS = FREE_WORDS
const SET = FREE_WORDS + 1

interface Watching {
  watchers: number
  takers: number
  wakers?: number
  deaths?: number
  killable?: number[]
  /** The watchers keep the ring. */
  selfish?: boolean
}

/** Watchers first, then takers (asleep already), wakers, and the one who recovers. */
function watching({ watchers, takers, wakers = 1, deaths = 0, killable, selfish }: Watching): Scenario {
  const take = (w: Words) => (): number | typeof NONE => {
    for (let seen = load(w, PERMITS); seen !== 0; ) {
      const was = compareExchange(w, PERMITS, seen, seen - 1)
      if (was === seen) return 1
      seen = was
    }
    return NONE
  }
  const watcher = (w: Words, me: number, turn?: Turn) => {
    if (!selfish) return void watch(w, me, SET, () => load(w, PERMITS) !== 0)
    waitInTurns(w, me, SET, () => (load(w, PERMITS) !== 0 ? 1 : NONE), turn, { without: 'pass the ring on' })
  }
  const taker = (w: Words, me: number, turn: Turn = 'asleep') => void waitInTurns(w, me, SET, take(w), turn)
  const waker = (w: Words) => {
    add(w, PERMITS, 1)
    wakeOne(w, w, SET)
  }
  const reaper = (w: Words) => {
    forget(w, SET, nextDead(w))
    ringAll(w)
  }
  const waiters = [...Array(watchers + takers).keys()]
  const reapers = Math.min(1, deaths)
  return {
    size: SET + WAIT_SET_WORDS,
    touched: 120,
    bodies: [
      ...Array(watchers).fill(watcher),
      ...Array(takers).fill(taker),
      ...Array(wakers).fill(waker),
      ...Array(reapers).fill(reaper),
    ],
    deaths,
    killable: killable ?? waiters.slice(0, watchers),
    mayWait: [...waiters, watchers + takers + wakers],
    init(w) {
      seat(w, waiters)
      for (let p = watchers; p < watchers + takers; p++) lay(w, p, SET)
    },
    final: (w, { stuck }) => {
      if (w[PERMITS] > 0 && stuck.some(p => p < watchers + takers)) return 'asleep for ever, and a permit is there'
      return undefined
    },
    onDeath: (w, p) => bury(w, p),
    names: { ...namesOf(waiters), [PERMITS]: 'permits', [SET]: 'summary', [SET + 1]: 'group0', [SET + 33]: 'next' },
  }
}

const promises: [title: string, Watching][] = [
  ['one of each, one permit', { watchers: 1, takers: 1 }],
  ['a watcher alone', { watchers: 1, takers: 0 }],
  ['a watcher killed at any step', { watchers: 1, takers: 1, deaths: 1 }],
]
for (const [title, options] of promises)
  test(`a watcher takes nothing from a taker: ${title}`, t => {
    const { states } = holds(watching(options))
    t.diagnostic(`${states} states`)
  })
test('control: a watcher that keeps its ring', () =>
  void breaks(watching({ watchers: 1, takers: 1, selfish: true }), /asleep for ever, and a permit is there/))

// ── beacons ──

const BEACONS_AT = FREE_WORDS
/** What the log would say: how many messages there are. */
const MESSAGES = BEACONS_AT + BEACON_WORDS
/** The bytes in the pipe of the beacon: its descriptor is readable while there are any. */
const BYTES = MESSAGES + 1

interface Lighting {
  senders: number
  /** Another process that takes a message without a look at the beacon. */
  thief?: boolean
  deaths?: number
  without?: 'look again' | 'recovery'
}

/** Process 0 owns the beacon: shows it, looks, takes what is there, darkens, and then waits for it to be lit. */
function lighting({ senders, thief, deaths = 0, without }: Lighting): Scenario {
  const lamp = (w: Words): Lamp => ({ write: () => void add(w, BYTES, 1), drain: () => store(w, BYTES, 0) })
  const write = (_: Words, w: Words, cell: number) => {
    if (load(w, cell + 1) !== 0) add(w, BYTES, 1)
  }
  const take = (w: Words) => {
    for (let seen = load(w, MESSAGES); seen > 0; seen = load(w, MESSAGES))
      if (compareExchange(w, MESSAGES, seen, seen - 1) === seen) return true
    return false
  }
  const owner = (w: Words, me: number, turns = 0) => {
    const ready = () => without !== 'look again' && load(w, MESSAGES) > 0
    const cell = turns === 0 ? claim(w, BEACONS_AT, token(me)) : BEACONS_AT + 4
    if (turns === 0) {
      showOwn(w, BEACONS_AT, cell, { write: 7, inode: 8 })
      if (load(w, MESSAGES) > 0) lamp(w).write()
    }
    if (!take(w)) {
      darkenOwn(w, cell, lamp(w), ready)
      return
    }
    if (load(w, MESSAGES) === 0) darkenOwn(w, cell, lamp(w), ready)
    if (turns < senders) restart(turns + 1)
  }
  const sender = (w: Words) => {
    add(w, MESSAGES, 1)
    lightAll(w, w, BEACONS_AT, write)
  }
  const reaper = (w: Words) => {
    const dead = nextDead(w)
    if (without !== 'recovery') recoverBeacons(w, w, BEACONS_AT, token(dead), write)
  }
  const slots = [...Array(senders + 2).keys()]
  return {
    size: BYTES + 1,
    touched: 120,
    bodies: [
      owner,
      ...Array(senders).fill(sender),
      ...(thief ? [(w: Words) => void take(w)] : []),
      ...(deaths > 0 ? [reaper] : []),
    ],
    deaths,
    killable: slots.slice(1, senders + 1),
    mayWait: [slots.length - 1 + (thief ? 1 : 0)],
    init: w => seat(w, slots),
    onDeath: (w, p) => bury(w, p),
    final: w => (w[MESSAGES] > 0 && w[BYTES] === 0 ? 'dark for good, and there is a message' : undefined),
    names: {
      ...namesOf(slots),
      [MESSAGES]: 'messages',
      [BYTES]: 'bytes',
      [BEACONS_AT]: 'asked',
      [BEACONS_AT + 7]: 'lit',
    },
  }
}

const lights: [title: string, Lighting][] = [
  ['one sender', { senders: 1 }],
  ['two senders', { senders: 2 }],
  ['one sender, and another process takes', { senders: 1, thief: true }],
  ['one of two senders killed at any step', { senders: 2, deaths: 1 }],
]
for (const [title, options] of lights)
  test(`a beacon is not dark while there is a message: ${title}`, t => {
    const { states } = holds(lighting(options))
    t.diagnostic(`${states} states`)
  })
test('control: a beacon darkened without another look', () =>
  void breaks(lighting({ senders: 1, without: 'look again' }), /dark for good/))
test('control: a sender killed before it wrote, and nobody lights', () =>
  void breaks(lighting({ senders: 1, deaths: 1, without: 'recovery' }), /dark for good/))
