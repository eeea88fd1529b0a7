// A pipe: whoever is killed at whatever step, who waits at the other end is told of the end, what was sent before is received, and
// no unread message stays in memory. And the weight of what is unread: no death puts it wrong, and nobody waits while there
// is room.

import { test } from 'node:test'
import type { Allocator, Memory } from '#src/arena/allocator.js'
import { ringAll } from '#src/arena/doorbell.js'
import { toRef } from '#src/arena/layout.js'
import { QUEUED } from '#src/arena/owner.js'
import { BODY } from '#src/arena/references.js'
import type { Session } from '#src/arena/session.js'
import { NONE } from '#src/arena/until.js'
import { forget } from '#src/arena/wait-set.js'
import { CLOSED, DONE, HELD_UP, Log, NOT_EMPTY, NOT_FULL } from '#src/channel/log.js'
import { leaveSide, logOffset } from '#src/channel/pipe-core.js'
import { load, pause, type Words } from '#words'
import { ghostAdd, ghostSet, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { lay, type Turn, waitInTurns } from './waiter.ts'

const CORE = FREE_WORDS
const LOG0 = CORE + BODY + logOffset(0)
const LOG1 = CORE + BODY + logOffset(1)
const SEGMENTS = LOG1 + logOffset(1)
const SEGMENT = 64
/** What a wait gave that met the end. */
const ENDED = -2

const indexOf = (address: number): number => address / 4

/** As much of a session as a pipe uses; messages are inline, in one segment for each direction, which is there. */
function sessionOf(w: Words, slot: number): Session {
  const allocator = { setOwner() {}, swapOwner: () => true, free() {}, owner: () => QUEUED } as unknown as Allocator
  const segment = { words: w, wordsAt: () => w, indexOf } as unknown as Memory
  return { w, me: token(slot), slot, allocator, segment } as unknown as Session
}

const logOf = (w: Words, slot: number, at: number): Log => new Log(sessionOf(w, slot), w, at)
const arrival = () => ({ payload: new Int32Array(8), bytes: 0, head: 0, block: 0 })

/** As if many messages had gone through: both places of both counts lie in a segment of this log's own. */
function begin(w: Words, at: number, number: number, markBytes: number): void {
  Log.initialise(w, at, 0, markBytes)
  const segment = SEGMENTS + number * SEGMENT
  w[segment + 1] = SEGMENT
  for (const place of [at + 18, at + 34]) {
    w[place] = toRef(segment * 4)
    w[place + 1] = 2
  }
}

function until(attempt: () => number): number {
  for (;;) {
    const outcome = attempt()
    if (outcome !== HELD_UP) return outcome
    pause(0)
  }
}

const NAMES = (slots: number[]) => ({
  ...namesOf(slots),
  ...Object.fromEntries(
    [LOG0, LOG1].flatMap((log, n) => [
      [log + 1, `state${n}`],
      [log + 16, `putLatch${n}`],
      [log + 17, `tail${n}`],
      [log + 22, `putWeight${n}.0`],
      [log + 23, `putWeight${n}.1`],
      [log + 32, `getLatch${n}`],
      [log + 33, `head${n}`],
      [log + 38, `getWeight${n}.0`],
      [log + 39, `getWeight${n}.1`],
      [log + NOT_EMPTY, `notEmpty${n}`],
      [log + NOT_FULL, `notFull${n}`],
    ]),
  ),
})

// ── the end of a side ──

interface Ending {
  /** What process 1, on side 1, does: receives until the end, or sends where there is no room. */
  peer: 'receives' | 'sends'
  asleep?: boolean
  deaths?: number
  without?: 'ring' | 'do it again'
}

/** Process 0 takes the end of side 0 apart, process 1 works on side 1, process 2 recovers. */
function ending({ peer, asleep, deaths = 0, without }: Ending): Scenario {
  const RECEIVED = 0
  const TOLD = 1
  const leaver = (w: Words, me: number) => {
    const session = sessionOf(w, me)
    if (without !== 'ring') return leaveSide(session, CORE * 4, 0)
    new Log(session, w, LOG1).end(false)
    new Log(session, w, LOG0).end(true)
  }
  const set = peer === 'receives' ? LOG1 + NOT_EMPTY : LOG0 + NOT_FULL
  const attempt = (w: Words, me: number) => () => {
    if (peer === 'sends') {
      const outcome = until(() => logOf(w, me, LOG0).putInline(Int32Array.of(9), 4, 0))
      return outcome === CLOSED ? ENDED : outcome === DONE ? 9 : NONE
    }
    const taken = arrival()
    const outcome = until(() => logOf(w, me, LOG1).get(taken))
    return outcome === CLOSED ? ENDED : outcome === DONE ? taken.payload[0] : NONE
  }
  const other = (w: Words, me: number, turn: { wait?: Turn } = asleep ? { wait: 'asleep' } : {}) => {
    const got = waitInTurns(w, me, set, attempt(w, me), turn.wait, { again: wait => restart({ wait }) })
    if (got === ENDED) {
      ghostSet(TOLD, 1)
      return
    }
    ghostAdd(RECEIVED, 1) // or sent, in the very moment of the end
    restart({})
  }
  const reaper = (w: Words, me: number) => {
    const dead = nextDead(w)
    const session = sessionOf(w, me)
    for (const at of [LOG0, LOG1]) {
      forget(w, at + NOT_EMPTY, dead)
      forget(w, at + NOT_FULL, dead)
      logOf(w, me, at).reclaim(new Set(), token(dead))
    }
    ringAll(w)
    if (dead === 0 && without !== 'do it again') leaveSide(session, CORE * 4, 0) // it was being taken apart
  }
  const slots = [0, 1, 2]
  return {
    size: SEGMENTS + 2 * SEGMENT,
    touched: 120,
    ghosts: 2,
    bodies: [leaver, other, ...(deaths > 0 ? [reaper] : [])],
    deaths,
    killable: [0],
    mayWait: [2],
    init(w) {
      seat(w, slots)
      begin(w, LOG0, 0, 4)
      begin(w, LOG1, 1, 4)
      // one message to each side; that to side 0, which nobody may ever receive, is more than the mark
      if (!asleep && peer === 'receives') logOf(w, 0, LOG1).putInline(Int32Array.of(7), 4, 0)
      logOf(w, 1, LOG0).putInline(Int32Array.of(8), 4, 0)
      if (asleep) lay(w, 1, set)
    },
    onDeath: (w, p) => bury(w, p),
    final(w, { stuck, ghosts }) {
      if (stuck.includes(1)) return 'who waits at the other end is never told'
      if (ghosts[TOLD] !== 1) return 'it was not told of the end'
      if (peer === 'receives' && !asleep && ghosts[RECEIVED] !== 1) return 'what was sent before was not received'
      const left = logOf(w, 2, LOG0)
      if (load(w, LOG0 + 33) !== load(w, LOG0 + 17) && !(peer === 'sends' && ghosts[RECEIVED] === 1))
        return 'unread messages are left'
      return [...left.check(new Set()), ...logOf(w, 2, LOG1).check(new Set())][0]
    },
    names: NAMES(slots),
  }
}

for (const peer of ['receives', 'sends'] as const) {
  test(`the end of a pipe, for one who ${peer} and comes at any moment`, t => {
    const { states } = holds(ending({ peer }))
    t.diagnostic(`${states} states`)
  })
  test(`the end of a pipe, for one who ${peer} and is asleep`, () => void holds(ending({ peer, asleep: true })))
  test(`the end of a pipe killed at any step and done again, for one who ${peer}`, t => {
    const { states } = holds(ending({ peer, deaths: 1 }))
    t.diagnostic(`${states} states`)
  })
  test(`the end of a pipe killed at any step and done again, for one who ${peer} and is asleep`, () =>
    void holds(ending({ peer, asleep: true, deaths: 1 })))
  test(`control: an end that rings nobody, for one who ${peer}`, () =>
    void breaks(ending({ peer, asleep: true, without: 'ring' }), /asleep for ever: p1/))
  test(`control: an end half done that nobody does again, for one who ${peer}`, () =>
    void breaks(ending({ peer, deaths: 1, without: 'do it again' }), /for ever|never told|unread/))
}

// ── the weight of what is unread ──

interface Weighing {
  producers: number
  /** Words of payload of the message that lies there at first; none: 0. */
  heavy: number
  /** Messages that the consumer takes before it ends. */
  takes: number
  asleep?: boolean
  /** Who finds no room looks again, and does not sleep. */
  sleepless?: boolean
  deaths?: number
  killable?: number[]
}

/** The last process recovers. Messages of the producers weigh 2 words; the mark is 2: with two of them there, a third waits. */
function weighing({ producers, heavy, takes, asleep, sleepless, deaths = 0, killable }: Weighing): Scenario {
  const consumer = producers
  const slots = [...Array(producers + 2).keys()]
  const PUT = 0 // and which ones
  const producer = (w: Words, me: number, turn: { wait?: Turn } = asleep ? { wait: 'asleep' } : {}) => {
    const put = () => (until(() => logOf(w, me, LOG0).putInline(Int32Array.of(me), 4, 0)) === DONE ? me : NONE)
    if (!sleepless) waitInTurns(w, me, LOG0 + NOT_FULL, put, turn.wait, { again: wait => restart({ wait }) })
    else if (put() === NONE) {
      pause(0)
      restart()
    }
    ghostAdd(PUT, 1)
  }
  const reader = (w: Words, me: number, left = takes) => {
    if (left === 0) return
    const outcome = until(() => logOf(w, me, LOG0).get(arrival()))
    if (outcome !== DONE) {
      pause(0)
      restart(left)
    }
    restart(left - 1)
  }
  const reaper = (w: Words, me: number, known = 0) => {
    const dead = nextDead(w, known)
    forget(w, LOG0 + NOT_FULL, dead)
    logOf(w, me, LOG0).reclaim(new Set(), token(dead))
    ringAll(w)
    restart(known | (1 << dead))
  }
  return {
    size: SEGMENTS + 2 * SEGMENT,
    touched: 120,
    ghosts: 1,
    bodies: [...Array(producers).fill(producer), reader, ...(deaths > 0 ? [reaper] : [])],
    deaths,
    killable: killable ?? slots.slice(0, producers + 1),
    mayWait: slots,
    init(w) {
      seat(w, slots)
      begin(w, LOG0, 0, 8)
      if (heavy > 0) logOf(w, consumer, LOG0).putInline(new Int32Array(heavy), heavy * 4, 0)
      if (asleep) for (let p = 0; p < producers; p++) lay(w, p, LOG0 + NOT_FULL)
    },
    onDeath: (w, p) => bury(w, p),
    final(w, { stuck }) {
      const wrong = logOf(w, producers + 1, LOG0).check(new Set())
      if (wrong.length > 0) return wrong[0]
      const weight = (load(w, LOG0 + 22 + (w[LOG0 + 17] & 1)) - load(w, LOG0 + 38 + (w[LOG0 + 33] & 1))) | 0
      if (weight <= 2 && stuck.some(p => p < producers))
        return `a producer waits for ever, and ${weight} words are there`
      return undefined
    },
    names: NAMES(slots),
  }
}

const weighings: [title: string, Weighing][] = [
  ['a heavy message goes, and both producers that sleep have room', { producers: 2, heavy: 9, takes: 1, asleep: true }],
  ['a producer that comes while a heavy message goes', { producers: 1, heavy: 9, takes: 1 }],
  ['two light messages, room for one', { producers: 2, heavy: 1, takes: 1, sleepless: true }],
  ['the producer killed at any step', { producers: 1, heavy: 1, takes: 2, sleepless: true, deaths: 1, killable: [0] }],
  [
    'the consumer killed at any step while it makes room',
    { producers: 1, heavy: 2, takes: 1, sleepless: true, deaths: 1, killable: [1] },
  ],
  ['the consumer killed at any step', { producers: 2, heavy: 9, takes: 1, asleep: true, deaths: 1, killable: [2] }],
  [
    'a producer that was rung killed at any step',
    { producers: 2, heavy: 9, takes: 1, asleep: true, deaths: 1, killable: [0] },
  ],
]
for (const [title, options] of weighings)
  test(`weight: ${title}: the sum is right, and nobody waits while there is room`, t => {
    const { states } = holds(weighing(options))
    t.diagnostic(`${states} states`)
  })
