// The wait set: as many waiters wake as there is something for, whichever group they are in, and whoever dies.
//
// What they wait for is a number of permits: a waiter takes one, a waker adds one and wakes one.

import { test } from 'node:test'
import { ring, ringAll } from '#src/arena/doorbell.js'
import { NONE } from '#src/arena/until.js'
import { forget, wakeAll, wakeOne } from '#src/arena/wait-set.js'
import { add, and, compareExchange, exchange, load, or, store, type Words } from '#words'
import type { Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat } from './crew.ts'
import { lay, type Turn, wait, waitInTurns } from './waiter.ts'

const PERMITS = FREE_WORDS
const SET = FREE_WORDS + 1

type Wake = (arena: Words, w: Words, set: number) => void

interface Options {
  /** The slots of the waiters: below 32 they are in the first group. */
  waiters: number[]
  wakers?: number
  /** Waits by the real line; otherwise in turns. */
  line?: boolean
  /** These sleep already. */
  asleep?: number[]
  /** These may give up. */
  impatient?: number[]
  wake?: Wake
  /** These pass on a ring that they did not use, and the summary speaks of a group that is empty by now. */
  passers?: number
  /** The wakers open a gate that stays open, for everybody. */
  gate?: boolean
  deaths?: number
  killable?: number[]
  without?: 'ring everybody'
}

function setOf(options: Options): Scenario {
  const { waiters, line, asleep = [], impatient = [], gate, deaths = 0, without } = options
  const { wakers = waiters.length, passers = 0 } = options
  const wake = options.wake ?? (gate ? wakeAll : wakeOne)
  const waiter = (w: Words, me: number, turn?: Turn) => {
    const attempt = () => {
      for (let seen = load(w, PERMITS); seen !== 0; ) {
        const was = gate ? seen : compareExchange(w, PERMITS, seen, seen - 1)
        if (was === seen) return 1
        seen = was
      }
      return NONE
    }
    const slot = waiters[me]
    if (line) wait(w, slot, SET, attempt)
    else
      waitInTurns(w, slot, SET, attempt, turn ?? (asleep.includes(me) ? 'asleep' : undefined), {
        mayGiveUp: impatient.includes(me),
      })
  }
  const waker = (w: Words) => {
    if (gate) store(w, PERMITS, 1)
    else add(w, PERMITS, 1)
    wake(w, w, SET)
  }
  const reaper = (w: Words) => {
    const dead = nextDead(w)
    if (dead < waiters.length) forget(w, SET, waiters[dead])
    if (without !== 'ring everybody') ringAll(w)
  }
  const others = waiters.length + wakers + passers
  return {
    size: FREE_WORDS + 40,
    touched: 160,
    bodies: [
      ...waiters.map(() => waiter),
      ...Array(wakers).fill(waker),
      ...Array(passers).fill((w: Words) => wake(w, w, SET)),
      ...Array(deaths).fill(reaper),
    ],
    deaths,
    killable: options.killable ?? [...Array(others).keys()],
    mayWait: [...waiters.keys(), others],
    init(w) {
      seat(w, waiters)
      if (passers > 0) w[SET] = 1
      for (const p of asleep) lay(w, waiters[p], SET)
    },
    final: (w, { stuck }) =>
      w[PERMITS] > 0 && stuck.some(p => p < waiters.length) ? 'asleep for ever, and a permit is there' : undefined,
    onDeath: (w, p) => bury(w, p, waiters[p] ?? 63),
    names: {
      ...namesOf(waiters),
      [PERMITS]: 'permits',
      [SET]: 'summary',
      [SET + 1]: 'group0',
      [SET + 2]: 'group1',
      [SET + 33]: 'next',
    },
  }
}
const promises: [title: string, Options][] = [
  [
    'mark() and wakeOne(): who comes is seen, or sees (the real line): 2 wakers',
    { waiters: [0], line: true, wakers: 2 },
  ],
  ['mark() and wakeOne(), waiting in turns: 2 wakers', { waiters: [0], wakers: 2 }],
  ['wakeOne() with one asleep and one coming', { waiters: [0, 1], asleep: [0], wakers: 1 }],
  ['wakeOne() with one asleep and one coming in another group', { waiters: [0, 32], asleep: [0], wakers: 1 }],
  ['two wakers wake two of the same group', { waiters: [0, 1], asleep: [0, 1] }],
  ['two wakers wake two of different groups', { waiters: [0, 32], asleep: [0, 1] }],
  [
    'a ring that is not used goes on, also to another group',
    { waiters: [0, 32], asleep: [0, 1], wakers: 1, impatient: [0] },
  ],
  ['a waker that clears the summary while one comes and another wakes', { waiters: [0], wakers: 1, passers: 1 }],
  ['wakeAll() wakes all of every group', { waiters: [0, 32], asleep: [0, 1], wakers: 1, gate: true }],
  ['wakeAll() by two, and one that comes', { waiters: [32], wakers: 2, gate: true }],
  ['killed while waking or chosen: the ring is not lost', { waiters: [0, 1], asleep: [0, 1], wakers: 1, deaths: 1 }],
  ['killed while waking or chosen: another group', { waiters: [0, 32], asleep: [0, 1], wakers: 1, deaths: 1 }],
  ['one of two wakers killed at any step', { waiters: [0], wakers: 2, deaths: 1, killable: [1] }],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(setOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

type WakeRule = 'look at the group again' | 'ring who turned up' | 'go on to the next group' | 'one waker, one waiter'

/** wakeOne() in short, for two groups, with a rule left out. */
const wakeWithout =
  (without: WakeRule | undefined): Wake =>
  (arena, w, set) => {
    const wakeIn = (group: number) => {
      for (let marked = load(w, set + 1 + group); marked !== 0; ) {
        const bit = marked & -marked
        marked &= ~bit
        const was = and(w, set + 1 + group, ~bit)
        if ((was & bit) === 0 && without !== 'one waker, one waiter') continue
        ring(arena, group * 32 + 31 - Math.clz32(bit))
        return true
      }
      return false
    }
    const summary = load(w, set)
    for (let group = 0; group < 2; group++) {
      if (((summary >>> group) & 1) === 0) continue
      if (wakeIn(group)) return
      and(w, set, ~(1 << group))
      if (without === 'look at the group again' || load(w, set + 1 + group) === 0) continue
      or(w, set, 1 << group)
      if (without === 'ring who turned up') continue
      const turnedUp = exchange(w, set + 1 + group, 0)
      for (let left = turnedUp; left !== 0; left &= left - 1) ring(arena, group * 32 + 31 - Math.clz32(left & -left))
      if (turnedUp !== 0 || without === 'go on to the next group') return
    }
  }

const controls: [title: string, WakeRule | undefined, Options][] = [
  ['clears the summary and does not look again', 'look at the group again', { waiters: [0], wakers: 1, passers: 1 }],
  ['puts the summary back and rings nobody', 'ring who turned up', { waiters: [0], wakers: 1, passers: 1 }],
  ['looked again, found nobody, and stops', 'go on to the next group', { waiters: [0, 32], asleep: [0, 1] }],
  ['rings one that another waker has chosen', 'one waker, one waiter', { waiters: [0, 1], asleep: [0, 1] }],
]
for (const [title, rule, options] of controls)
  test(`control: a waker that ${title} loses a wake-up`, () => {
    holds(setOf({ ...options, wake: wakeWithout(undefined) }))
    breaks(setOf({ ...options, wake: wakeWithout(rule) }), /^asleep for ever/)
  })

test('control: recovery that rings nobody loses a wake-up', () => {
  const options: Options = { waiters: [0], asleep: [0], wakers: 1, deaths: 1, killable: [1], without: 'ring everybody' }
  breaks(setOf(options), /^asleep for ever/)
})
