// The lock that survives its holder, with waiters that sleep: one holder at a time, and nobody sleeps for ever, whoever
// is killed, late or gives up.

import { test } from 'node:test'
import { ringAll } from '#src/arena/doorbell.js'
import { give, HELD, ORPHAN, recoverLock, TAKEN_ABANDONED, take, waitersOf } from '#src/arena/robust-lock.js'
import { NONE } from '#src/arena/until.js'
import { forget } from '#src/arena/wait-set.js'
import { compareExchange, type Words } from '#words'
import { ghostAdd, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { LATE, lay, NOTHING, type Turn, type WaitRule, wait, waitInTurns } from './waiter.ts'

const LOCK = FREE_WORDS

type LockRule = 'ring everybody' | 'make an orphan' | 'forget the mark'

interface Options {
  users: number
  /** These wait by the real line; the others in turns. */
  line?: number[]
  /** The first user has it from the start and only gives it, and these sleep already: fewer states. */
  asleep?: number[]
  deaths?: number
  reapers?: number
  timeouts?: number
  /** These users may give up. */
  impatient?: number[]
  mortal?: 'users' | 'reapers too'
  without?: WaitRule | LockRule
}

function lockOf(options: Options): Scenario {
  const {
    users,
    line,
    asleep,
    deaths = 0,
    reapers = Math.min(1, deaths),
    timeouts = 0,
    impatient = [],
    mortal,
    without,
  } = options
  const UNTOLD = users // after the ghosts that say who is inside
  const user = (w: Words, me: number, turn?: Turn | 'inside') => {
    if (turn === 'inside' || (asleep && me === 0)) {
      moment()
      ghostSet(me, 0)
      if (!give(w, w, LOCK, token(me))) throw new Error('the lock was not mine any more')
      return
    }
    const attempt = () => {
      const taken = take(w, w, LOCK, token(me))
      if (taken === HELD) return NONE
      ghostSet(me, 1)
      if (taken === TAKEN_ABANDONED) ghostAdd(UNTOLD, -1)
      return taken
    }
    const taken = line?.includes(me)
      ? wait(w, me, waitersOf(LOCK), attempt)
      : waitInTurns(w, me, waitersOf(LOCK), attempt, turn ?? (asleep?.includes(me) ? 'asleep' : undefined), {
          without: without as WaitRule,
          mayGiveUp: impatient.includes(me),
        })
    if (taken !== NOTHING && taken !== LATE) restart('inside')
  }
  const reaper = (w: Words, _: number, known = 0) => {
    const dead = nextDead(w, known)
    if (without === 'make an orphan') forget(w, waitersOf(LOCK), dead)
    else if (without === 'forget the mark') compareExchange(w, LOCK, token(dead), ORPHAN)
    else recoverLock(w, LOCK, token(dead))
    if (without !== 'ring everybody') ringAll(w)
    restart(known | (1 << dead))
  }
  const everybody = [...Array(users).keys()]
  return {
    size: LOCK + 40,
    ghosts: users + 1,
    bodies: [...everybody.map(() => user), ...Array(reapers).fill(reaper)],
    deaths,
    timeouts,
    killable: mortal === 'reapers too' ? undefined : everybody,
    mayWait: Array.from({ length: reapers }, (_, i) => users + i),
    init(w, ghosts) {
      seat(w, everybody)
      if (!asleep) return
      w[LOCK] = token(0)
      ghosts[0] = 1
      for (const p of asleep) lay(w, p, waitersOf(LOCK))
    },
    onDeath(w, p, ghosts) {
      if (p >= users) return
      bury(w, p)
      ghosts[p] = 0
      if (w[LOCK] === token(p)) ghosts[UNTOLD]++
    },
    invariant(_, ghosts) {
      if (everybody.reduce((sum, p) => sum + ghosts[p], 0) > 1) return 'two inside'
      return ghosts[UNTOLD] < 0 ? 'told of a death that was none' : undefined
    },
    final(w, { dead, ghosts }) {
      if (dead.some(p => w[LOCK] === token(p))) return 'the lock names a dead one for ever'
      if (dead.some(p => p < users && w[waitersOf(LOCK) + 1] & (1 << p))) return 'a dead one is marked for ever'
      const left = w[LOCK] === ORPHAN ? 1 : 0
      return ghosts[UNTOLD] === left ? undefined : `${ghosts[UNTOLD]} died holding it and nobody was told`
    },
    names: { ...namesOf(everybody), [LOCK]: 'lock', [LOCK + 1]: 'summary', [LOCK + 2]: 'group0', [LOCK + 34]: 'next' },
  }
}

const promises: [title: string, Options][] = [
  [
    'take() and give(): one inside at a time, and who sleeps is woken (the real line): 2 users',
    { users: 2, line: [0, 1] },
  ],
  ['take() and give(), waiting in turns: 2 users', { users: 2 }],
  ['give() wakes one sleeper after the other: 3 users', { users: 3, asleep: [1, 2] }],
  ['give() while one sleeps and another one comes: 3 users', { users: 3, asleep: [1] }],
  ['killed at any step, either or both (the real line): 2 users', { users: 2, line: [0, 1], deaths: 2 }],
  ['killed at any step, either or both: 2 users', { users: 2, deaths: 2 }],
  [
    'killed holding it, chosen to be woken, or ringing: another is woken: 3 users',
    { users: 3, asleep: [1, 2], deaths: 1 },
  ],
  ['two of three killed at any step', { users: 3, asleep: [1, 2], deaths: 2 }],
  [
    'two recover the dead at once, and one of them is killed',
    { users: 2, asleep: [1], deaths: 2, reapers: 2, mortal: 'reapers too' },
  ],
  [
    'a waiter that times out has taken nothing, and its ring goes to another',
    { users: 3, asleep: [1, 2], timeouts: 2 },
  ],
  ['a waiter that times out (the real line) passes its ring on', { users: 3, line: [1], asleep: [2], timeouts: 1 }],
  [
    'a waiter that gives up takes nothing, and its ring goes to another',
    { users: 3, asleep: [1, 2], impatient: [1, 2] },
  ],
  ['one gives up and one is killed', { users: 3, asleep: [1, 2], impatient: [1], deaths: 1 }],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(lockOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

const controls: [title: string, without: WaitRule | LockRule, Options, why: RegExp][] = [
  [
    'who gives up keeps the ring',
    'pass the ring on',
    { users: 3, asleep: [1, 2], impatient: [1] },
    /^asleep for ever: p2/,
  ],
  ['who is late keeps the ring', 'pass the ring on', { users: 3, asleep: [1, 2], timeouts: 1 }, /^asleep for ever: p/],
  ['looks, then marks itself', 'look after the mark', { users: 2 }, /^asleep for ever/],
  ['marks itself only once', 'mark before each look', { users: 3, asleep: [1] }, /^asleep for ever/],
  ['looks, then hears its bell', 'hear before the look', { users: 2 }, /^asleep for ever/],
  ['recovery rings nobody', 'ring everybody', { users: 2, asleep: [1], deaths: 1 }, /^asleep for ever/],
  ['recovery leaves the holder', 'make an orphan', { users: 2, deaths: 1 }, /names a dead one/],
  ['recovery leaves the marks', 'forget the mark', { users: 2, asleep: [1], deaths: 1 }, /a dead one is marked/],
]
for (const [title, without, options, why] of controls)
  test(`control: ${title}`, () => {
    breaks(lockOf({ ...options, without }), why)
  })
