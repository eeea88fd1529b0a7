// One name in the commons: the value is created by one at a time and once, everybody gets it, and nobody waits for ever for
// a creator who is killed or fails.

import { test } from 'node:test'
import { ringAll } from '#src/arena/doorbell.js'
import { toAddress, toRef } from '#src/arena/layout.js'
import { QUEUED } from '#src/arena/owner.js'
import { NONE } from '#src/arena/until.js'
import { forget, wakeAll } from '#src/arena/wait-set.js'
import {
  claimName,
  fulfilName,
  giveNameUp,
  MINE,
  OTHERS,
  recoverName,
  THERE,
  VALUE,
  WAITERS,
} from '#src/commons/name.js'
import { compareExchange, load, peek, store, type Words } from '#words'
import { choose, fail, ghostAdd, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { lay, NOTHING, type Turn, type WaitRule, waitInTurns } from './waiter.ts'

const NAME = FREE_WORDS
const READY = 1 << 11
/** The owner word of the block in which process p brings its value; the block's address says whose it is. */
const blockOf = (p: number): number => NAME + 64 + p
const addressOf = (p: number): number => toAddress(p + 1)
const whose = (address: number): number => toRef(address) - 1

type Rule =
  | 'ring when it is given up'
  | 'ring everybody'
  | 'empty it'
  | 'hand it over'
  | 'commit before handing over'
  | 'only from the dead'
  | 'forget the mark'

interface Options {
  users: number
  /** The first user creates already, and these sleep. */
  asleep?: number[]
  deaths?: number
  reapers?: number
  timeouts?: number
  /** These may fail to create. */
  failing?: number[]
  /** These may give up. */
  impatient?: number[]
  mortal?: 'users' | 'reapers too'
  without?: WaitRule | Rule
}

function nameOf(options: Options): Scenario {
  const { users, asleep, deaths = 0, reapers = Math.min(1, deaths), timeouts = 0, without } = options
  const { failing = [], impatient = [], mortal } = options
  const CREATED = users // after the ghosts that say who creates

  const create = (w: Words, me: number) => {
    moment()
    if (failing.includes(me) && choose(2) === 1) {
      ghostSet(me, 0)
      if (without === 'ring when it is given up') compareExchange(w, NAME, token(me), 0)
      else giveNameUp(w, w, NAME, token(me))
      return
    }
    store(w, blockOf(me), token(me))
    const hand = () => compareExchange(w, blockOf(me), token(me), QUEUED)
    if (without === 'commit before handing over') hand()
    fulfilName(w, NAME, addressOf(me))
    ghostSet(me, 0)
    ghostAdd(CREATED, 1)
    hand()
    wakeAll(w, w, NAME + WAITERS)
  }

  const attach = (w: Words) => {
    const owner = load(w, blockOf(whose(toAddress(peek(w, NAME + VALUE)))))
    if (owner === 0) fail('the value is gone')
  }

  const user = (w: Words, me: number, turn?: Turn | 'mine' | 'there') => {
    if (turn === 'mine' || (asleep && me === 0)) return create(w, me)
    if (turn === 'there') return attach(w)
    const attempt = () => {
      const claimed = without === 'only from the dead' ? claimAnyhow(w, token(me)) : claimName(w, w, NAME, token(me))
      if (claimed === OTHERS) return NONE
      if (claimed === MINE) ghostSet(me, 1)
      return claimed
    }
    const got = waitInTurns(w, me, NAME + WAITERS, attempt, turn ?? (asleep?.includes(me) ? 'asleep' : undefined), {
      without: without as WaitRule,
      mayGiveUp: impatient.includes(me),
    })
    if (got === MINE) restart('mine')
    if (got === THERE) restart('there')
    if (got !== NOTHING) fail(`the claim came to ${got}`)
  }

  const reaper = (w: Words, _: number, known = 0) => {
    const dead = nextDead(w, known)
    let value = 0
    if (without === 'empty it' || without === 'forget the mark') {
      if (without === 'empty it') forget(w, NAME + WAITERS, dead)
      else compareExchange(w, NAME, token(dead), 0)
      value = load(w, NAME) === READY ? toAddress(peek(w, NAME + VALUE)) : 0
    } else value = recoverName(w, NAME, token(dead))
    if (value !== 0 && without !== 'hand it over') compareExchange(w, blockOf(whose(value)), token(dead), QUEUED)
    if (without !== 'ring everybody') ringAll(w)
    compareExchange(w, blockOf(dead), token(dead), 0) // its blocks are freed
    restart(known | (1 << dead))
  }

  const everybody = [...Array(users).keys()]
  return {
    size: NAME + 80,
    touched: 96,
    ghosts: users + 1,
    bodies: [...everybody.map(() => user), ...Array(reapers).fill(reaper)],
    deaths,
    timeouts,
    killable: mortal === 'reapers too' ? undefined : everybody,
    mayWait: Array.from({ length: reapers }, (_, i) => users + i),
    init(w, ghosts) {
      seat(w, everybody)
      if (!asleep) return
      w[NAME] = token(0)
      ghosts[0] = 1
      for (const p of asleep) lay(w, p, NAME + WAITERS)
    },
    onDeath(w, p, ghosts) {
      if (p >= users) return
      bury(w, p)
      ghosts[p] = 0
    },
    invariant(_, ghosts) {
      if (everybody.reduce((sum, p) => sum + ghosts[p], 0) > 1) return 'two create it'
      return ghosts[CREATED] > 1 ? 'it was created twice' : undefined
    },
    final(w, { dead }) {
      if (reapers > 0 && dead.some(p => p >= users)) return undefined // nobody is left to mend it
      if (dead.some(p => w[NAME] === token(p))) return 'the name has a dead creator for ever'
      if (dead.some(p => w[NAME + WAITERS + 1] & (1 << p))) return 'a dead one is marked for ever'
      const value = w[NAME] === READY ? toAddress(w[NAME + VALUE]) : 0
      if (value !== 0 && w[blockOf(whose(value))] !== QUEUED) return 'the value is not the name’s'
      const lost = everybody.some(p => w[blockOf(p)] === QUEUED && value !== addressOf(p))
      return lost ? 'a block that nobody refers to' : undefined
    },
    names: { ...namesOf(everybody), [NAME]: 'state', [NAME + WAITERS]: 'summary', [NAME + VALUE]: 'value' },
  }
}

/** Takes the name whoever creates it. */
function claimAnyhow(w: Words, me: number): number {
  const seen = load(w, NAME)
  if (seen === READY) return THERE
  return compareExchange(w, NAME, seen, me) === seen ? MINE : OTHERS
}

const promises: [title: string, Options][] = [
  ['one of two creates it, the other waits and gets it', { users: 2 }],
  ['one of three creates it, those who sleep get it', { users: 3, asleep: [1, 2] }],
  ['whoever fails to create it makes way for the next', { users: 3, asleep: [1, 2], failing: [0, 1] }],
  ['killed at any step, either or both: 2 users', { users: 2, deaths: 2 }],
  ['the creator is killed: another creates it, and the third gets it', { users: 3, asleep: [1, 2], deaths: 1 }],
  ['the creator is killed, and the next one fails', { users: 3, asleep: [1, 2], deaths: 1, failing: [1, 2] }],
  ['two of three are killed', { users: 3, asleep: [1, 2], deaths: 2 }],
  [
    'two recover the dead at once, and one of them is killed',
    { users: 2, asleep: [1], deaths: 2, reapers: 2, mortal: 'reapers too' },
  ],
  [
    'who is late or gives up passes its ring on',
    { users: 3, asleep: [1, 2], failing: [0], impatient: [1], timeouts: 1 },
  ],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(nameOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

const controls: [title: string, without: WaitRule | Rule, Options, why: RegExp][] = [
  ['given up in silence', 'ring when it is given up', { users: 2, asleep: [1], failing: [0] }, /^asleep for ever/],
  ['recovery rings nobody', 'ring everybody', { users: 2, asleep: [1], deaths: 1 }, /^asleep for ever/],
  ['recovery leaves the creator', 'empty it', { users: 1, deaths: 1 }, /a dead creator for ever/],
  ['recovery leaves the marks', 'forget the mark', { users: 2, asleep: [1], deaths: 1 }, /a dead one is marked/],
  [
    'recovery does not hand the value over',
    'hand it over',
    { users: 2, deaths: 1 },
    /the value is (gone|not the name)/,
  ],
  ['handed over before it is there', 'commit before handing over', { users: 2, deaths: 1 }, /nobody refers to/],
  ['taken over from the living', 'only from the dead', { users: 2 }, /two create it/],
  ['looks, then marks itself', 'look after the mark', { users: 2 }, /^asleep for ever/],
  [
    'who gives up keeps the ring',
    'pass the ring on',
    { users: 3, asleep: [1, 2], failing: [0], impatient: [1] },
    /^asleep for ever: p2/,
  ],
]
for (const [title, without, options, why] of controls)
  test(`control: ${title}`, () => {
    breaks(nameOf({ ...options, without }), why)
  })
