// The permits of a semaphore, with waiters that sleep: never more inside than there are permits, nobody sleeps for ever while
// one is free, and what the dead held comes back, once, unless it is a signal.

import { test } from 'node:test'
import { ringAll } from '#src/arena/doorbell.js'
import type { Surroundings } from '#src/arena/surroundings.js'
import { BUSY, NONE } from '#src/arena/until.js'
import { forget } from '#src/arena/wait-set.js'
import { ALWAYS, DONE, HELD_UP, NEVER, PERMITS_WORDS, Permits, UNTIL_SIGNAL, WAITERS } from '#src/sync/permits.js'
import { add, load, pause, store, type Words } from '#words'
import { fail, ghostAdd, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { LATE, lay, NOTHING, type Turn, wait, waitInTurns } from './waiter.ts'

const SEMAPHORE = FREE_WORDS
const PERMITS = SEMAPHORE + 1
const FREE = SEMAPHORE + 2
const SIGNAL = 1 << 31

const placeOf = (w: Words, me: number): Surroundings => ({
  w,
  me: token(me),
  allocator: undefined as never, // four participants fit into the semaphore itself
  segment: undefined as never,
})
const permitsOf = (w: Words, me: number): Permits => new Permits(placeOf(w, me), w, SEMAPHORE)

/** Once: the words as they are made, for `init`, which may not use the real words. */
function made(w: Words, value: number, recover: number, holders: readonly number[], held: number): void {
  w[PERMITS] = recover === NEVER ? SIGNAL | value : value
  w[FREE] = value - holders.length * held
  w[SEMAPHORE + 3] = -1
  w[SEMAPHORE + 4] = recover
  holders.forEach((p, i) => {
    w[SEMAPHORE + 9 + 4 * i] = token(p)
    w[SEMAPHORE + 10 + 4 * i] = held
  })
}

/** The words of the cell of the dead: `held` of participant p, or 0. */
function heldBy(w: Words, p: number): number {
  for (let i = 0; i < 4; i++) if (w[SEMAPHORE + 9 + 4 * i] === token(p)) return w[SEMAPHORE + 10 + 4 * i]
  return 0
}

type Rule = 'ring everybody' | 'count anew' | 'vacate'

interface Options {
  users: number
  value: number
  recover?: number
  /** The first ones hold a permit from the start and only give it. */
  holding?: number
  /** So many each. */
  holds?: number
  /** These sleep already. */
  asleep?: number[]
  /** By the real line. */
  line?: number[]
  /** These give permits that they do not hold, so many, and that is all. */
  producers?: number[]
  gives?: number
  deaths?: number
  /** Default: everybody. */
  mortal?: number[]
  timeouts?: number
  impatient?: number[]
  without?: Rule
}

function semaphoreOf(options: Options): Scenario {
  const {
    users,
    value,
    recover = UNTIL_SIGNAL,
    holding = 0,
    holds = 1,
    asleep = [],
    line = [],
    producers = [],
    gives = 1,
  } = options
  const { deaths = 0, timeouts = 0, impatient = [], mortal, without } = options
  const everybody = [...Array(users).keys()]
  const user = (w: Words, me: number, turn?: Turn | 'inside') => {
    const permits = permitsOf(w, me)
    if (producers.includes(me)) {
      permits.give(gives)
      ghostAdd(users, gives)
      return
    }
    if (turn === 'inside' || me < holding) {
      for (let left = turn === 'inside' ? 1 : holds; left > 0; left--) {
        moment()
        ghostAdd(me, -1)
        if (permits.give(1) !== DONE) fail('my permit was not taken back')
      }
      return
    }
    const attempt = () => {
      const taken = permits.take()
      if (taken !== DONE) return taken === HELD_UP ? BUSY : NONE
      ghostSet(me, 1)
      return 1
    }
    const patient = () => {
      for (;;) {
        const got = attempt()
        if (got !== BUSY) return got
        pause(0)
      }
    }
    const got = line.includes(me)
      ? wait(w, me, SEMAPHORE + WAITERS, attempt)
      : waitInTurns(w, me, SEMAPHORE + WAITERS, patient, turn ?? (asleep.includes(me) ? 'asleep' : undefined), {
          mayGiveUp: impatient.includes(me),
        })
    if (got !== NOTHING && got !== LATE) restart('inside')
  }
  const reaper = (w: Words, me: number, known = 0) => {
    const dead = nextDead(w, known)
    const permits = permitsOf(w, me)
    if (without === 'vacate') forget(w, SEMAPHORE + WAITERS, dead)
    else if (without === 'count anew') {
      forget(w, SEMAPHORE + WAITERS, dead)
      for (let i = 0; i < 4; i++) {
        if (load(w, SEMAPHORE + 9 + 4 * i) !== token(dead)) continue
        add(w, FREE, load(w, SEMAPHORE + 10 + 4 * i))
        store(w, SEMAPHORE + 9 + 4 * i, 0)
      }
    } else while (!permits.recover(token(dead), new Set())) pause(0)
    if (without !== 'ring everybody') ringAll(w)
    restart(known | (1 << dead))
  }
  const reapers = Math.min(1, deaths)
  return {
    size: SEMAPHORE + PERMITS_WORDS,
    ghosts: users + 1, // who is inside; how many were produced
    touched: 96,
    bodies: [...everybody.map(() => user), ...Array(reapers).fill(reaper)],
    deaths,
    timeouts,
    killable: mortal ?? everybody,
    mayWait: reapers > 0 ? [users] : [],
    allowRaces: without === 'count anew',
    init(w, ghosts) {
      seat(w, [...everybody, users]) // the reaper has a slot too
      made(w, value, recover, everybody.slice(0, holding), holds)
      for (let p = 0; p < holding; p++) ghosts[p] = holds
      for (const p of asleep) lay(w, p, SEMAPHORE + WAITERS)
    },
    onDeath(w, p, ghosts) {
      bury(w, p)
      // of the dead of a signal the permit is gone, or was never there
      ghosts[p] = 0
    },
    invariant(w, ghosts) {
      if (w[PERMITS] < 0) return undefined
      const inside = everybody.reduce((sum, p) => sum + ghosts[p], 0)
      return inside > value + ghosts[users] + (producers.length > 0 ? gives : 0) ? `${inside} inside` : undefined
    },
    final(w, { dead, done, ghosts }) {
      for (const p of dead) {
        if (heldBy(w, p) > 0 && w[PERMITS] >= 0) return `p${p} is dead and holds a permit for ever`
        if (p < users && (w[SEMAPHORE + WAITERS + 1] >>> p) & 1) return `p${p} is dead and marked for ever`
      }
      const counted = w[PERMITS] - everybody.reduce((sum, p) => sum + heldBy(w, p), 0)
      if (w[PERMITS] >= 0 && w[SEMAPHORE] === 0 && w[FREE] !== counted)
        return `${w[FREE]} are free, ${counted} should be`
      if (producers.length > 0) return undefined
      if (w[PERMITS] < 0) return recover === NEVER ? undefined : 'it has become a signal'
      const inside = everybody.reduce((sum, p) => sum + ghosts[p], 0)
      if (w[PERMITS] !== value) return `${w[PERMITS]} permits of ${value} are left`
      return w[FREE] === value - inside || done.length === 0 ? undefined : `${w[FREE]} are free, ${inside} held`
    },
    names: {
      ...namesOf([...everybody, users]),
      [SEMAPHORE]: 'latch',
      [PERMITS]: 'permits',
      [FREE]: 'free',
      [SEMAPHORE + WAITERS]: 'summary',
      [SEMAPHORE + WAITERS + 1]: 'group0',
    },
  }
}

const promises: [title: string, Options][] = [
  ['take() and give(): one permit, one inside: 2 users', { users: 2, value: 1 }],
  ['take() and give() by the real line: 2 users', { users: 2, value: 1, line: [0, 1] }],
  [
    'two permits, given one after the other, reach two sleepers: 3 users',
    { users: 3, value: 2, holding: 1, holds: 2, asleep: [1, 2] },
  ],
  [
    'a signal given by two at once reaches who sleeps: 3 users',
    { users: 3, value: 0, recover: NEVER, producers: [0, 1], asleep: [2] },
  ],
  ['a permit is given while one sleeps and another comes: 3 users', { users: 3, value: 1, holding: 1, asleep: [1] }],
  ['either is killed at any step: 2 users', { users: 2, value: 1, deaths: 1 }],
  [
    'killed holding it, chosen to be woken, or ringing: another is woken: 3 users',
    { users: 3, value: 1, holding: 1, asleep: [1, 2], deaths: 1, mortal: [0, 1] },
  ],
  [
    'a waiter that times out has taken nothing, and its ring goes to another',
    { users: 3, value: 1, holding: 1, asleep: [1, 2], timeouts: 1 },
  ],
  [
    'a waiter that gives up takes nothing, and its ring goes to another',
    { users: 3, value: 1, holding: 1, asleep: [1, 2], impatient: [1] },
  ],
  [
    'a signal: what a producer gives reaches who waits',
    { users: 3, value: 0, producers: [0], gives: 2, asleep: [1, 2] },
  ],
  ['a signal: the producer is killed at any step', { users: 2, value: 0, producers: [0], asleep: [1], deaths: 1 }],
  ['recover: false, killed at any step', { users: 2, value: 2, recover: NEVER, deaths: 1 }],
  [
    'recover: true, a producer gives new permits and may be killed',
    { users: 2, value: 1, recover: ALWAYS, holding: 1, producers: [0], gives: 2, asleep: [1], deaths: 1 },
  ],
]
for (const [title, options] of promises)
  test(title, t => {
    const scenario = semaphoreOf(options)
    // who waits for what the dead took with them, or never gave, may wait: that is what a signal is
    const lost = options.producers || options.recover === NEVER
    if (lost && options.deaths) scenario.mayWait = [...Array(options.users + 1).keys()]
    const { states, ends } = holds(scenario)
    t.diagnostic(`${states} states, ${ends} ends`)
  })

const controls: [title: string, without: Rule, Options, why: RegExp][] = [
  [
    'recovery rings nobody',
    'ring everybody',
    { users: 2, value: 1, holding: 1, asleep: [1], deaths: 1 },
    /^asleep for ever/,
  ],
  [
    'recovery leaves the cell of the dead',
    'vacate',
    { users: 2, value: 1, holding: 1, asleep: [1], deaths: 1 },
    /asleep for ever|holds a permit for ever/,
  ],
  [
    'recovery adds what the dead held to what is free, and does not count anew',
    'count anew',
    { users: 2, value: 1, deaths: 1 },
    /inside|are free|asleep/,
  ],
]
for (const [title, without, options, why] of controls)
  test(`control: ${title}`, () => {
    breaks(semaphoreOf({ ...options, without }), why)
  })
