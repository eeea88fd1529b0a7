// The parties of a barrier: all pass a generation or none does, each with a number of its own, the action has run before
// anybody leaves, and nobody sleeps for ever, whoever is killed, late, aborts or resets.

import { test } from 'node:test'
import { ringAll } from '#src/arena/doorbell.js'
import type { Surroundings } from '#src/arena/surroundings.js'
import { NONE } from '#src/arena/until.js'
import { forget } from '#src/arena/wait-set.js'
import {
  BY_ABORT,
  BY_TIMEOUT,
  HELD_UP,
  IS_BROKEN,
  LOOK_FIRST,
  NOT_YET,
  PARTIES_WORDS,
  PASSED,
  Parties,
  TO_ACT,
  WAITERS,
  WAITING,
} from '#src/sync/parties.js'
import { load, pause, store, type Words } from '#words'
import { ghostAdd, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { LATE, lay, NOTHING, type Turn, wait, waitInTurns } from './waiter.ts'

const BARRIER = FREE_WORDS
const PHASE = BARRIER + 1
const ARRIVED = BARRIER + 2
const CELLS = BARRIER + 11

const placeOf = (w: Words, me: number): Surroundings => ({
  w,
  me: token(me),
  allocator: undefined as never, // four participants fit into the barrier itself
  segment: undefined as never,
})
const partiesOf = (w: Words, me: number): Parties => new Parties(placeOf(w, me), w, BARRIER)

function cellOf(w: Words, p: number): { generation: number } | undefined {
  for (let i = 0; i < 4; i++) if (w[CELLS + 4 * i] === token(p)) return { generation: w[CELLS + 4 * i + 1] }
  return undefined
}

type Rule = 'ring everybody' | 'break first' | 'enrolled' | 'mark who is sent away'

interface Options {
  users: number
  /** Default: all of them. */
  parties?: number
  rounds?: number
  action?: boolean
  line?: number[]
  deaths?: number
  mortal?: number[]
  timeouts?: number
  /** These do something else, once. */
  aborts?: number[]
  resets?: number[]
  /** Passed already, these may die before they come. */
  enrolled?: boolean
  /** These have arrived and sleep. */
  asleep?: number[]
  without?: Rule
}

interface Arrived {
  round: number
  generation: number
  index: number
  turn?: Turn
}

// Ghosts: who has passed in round r (a bit each), who was sent away in round r, whether the action of it ran.
const ROUNDS = 3
const passedIn = (round: number): number => round
const indexIn = (round: number): number => ROUNDS + round
const actedIn = (round: number): number => 2 * ROUNDS + round
const SENT = 3 * ROUNDS
/** Somebody died of whom the barrier knew. */
const KNOWN = SENT + 1

function barrierOf(options: Options): Scenario {
  const { users, rounds = 1, action = false, line = [], deaths = 0, timeouts = 0, aborts = [], resets = [] } = options
  const { enrolled = false, asleep = [], mortal, without } = options
  const comers = [...Array(users).keys()].filter(p => !aborts.includes(p) && !resets.includes(p))
  const parties = options.parties ?? comers.length
  const everybody = [...Array(users).keys()]

  // Where more come than there are parties, each generation has a round of its own.
  const countedIn = (round: number, generation: number) => (comers.length > parties ? generation - 1 : round)
  const through = (round: number, generation: number, index: number) => {
    ghostAdd(passedIn(countedIn(round, generation)), 1)
    ghostAdd(indexIn(countedIn(round, generation)), 1 << index)
    moment()
    if (round + 1 < rounds) restart({ round: round + 1 })
  }
  const user = (w: Words, me: number, turn: { round: number } | Arrived = { round: 0 }) => {
    const it = partiesOf(w, me)
    if (turn.round === 0 && !('generation' in turn) && asleep.includes(me)) {
      turn = { round: 0, generation: 1, index: asleep.indexOf(me), turn: 'asleep' }
    }
    if (aborts.includes(me)) return it.breakNow(BY_ABORT)
    if (resets.includes(me)) {
      if (without !== 'mark who is sent away') return it.reset()
      store(w, ARRIVED, 0)
      store(w, PHASE, 2 << 3)
      return ringAll(w)
    }
    if (!('generation' in turn)) {
      let outcome = it.arrive(0)
      while (outcome === HELD_UP || outcome === NOT_YET || outcome === LOOK_FIRST) {
        pause(0)
        outcome = it.arrive(0)
      }
      if (outcome === IS_BROKEN) return ghostSet(SENT, 1)
      if (outcome === PASSED) return through(turn.round, it.generation, it.index)
      if (outcome === TO_ACT) {
        const { generation, index } = it
        ghostAdd(actedIn(countedIn(turn.round, generation)), 1)
        moment()
        if (!it.finish(generation)) return ghostSet(SENT, 1)
        return through(turn.round, generation, index)
      }
      restart({ round: turn.round, generation: it.generation, index: it.index })
    }
    const { round, generation, index } = turn as Arrived
    const attempt = () => {
      const seen = it.look(generation)
      return seen === WAITING ? NONE : seen === PASSED ? 1 : 0
    }
    const got = line.includes(me)
      ? wait(w, me, BARRIER + WAITERS, attempt)
      : waitInTurns(w, me, BARRIER + WAITERS, attempt, (turn as Arrived).turn, {
          again: next => restart({ round, generation, index, turn: next }),
        })
    let passed = got === 1
    if (got === NOTHING || got === LATE) passed = !it.break(generation, BY_TIMEOUT) && it.look(generation) === PASSED
    if (!passed) return ghostSet(SENT, 1)
    through(round, generation, index)
  }
  const reaper = (w: Words, me: number, known = 0) => {
    const dead = nextDead(w, known)
    const it = partiesOf(w, me)
    if (without === 'enrolled') while (!it.recover(token(dead), true, new Set())) pause(0)
    else if (without === 'break first') {
      forget(w, BARRIER + WAITERS, dead)
      for (let i = 0; i < 4; i++) if (load(w, CELLS + 4 * i) === token(dead)) store(w, CELLS + 4 * i, 0)
    } else while (!it.recover(token(dead), false, new Set())) pause(0)
    if (without !== 'ring everybody') ringAll(w)
    restart(known | (1 << dead))
  }
  const reapers = Math.min(1, deaths)
  return {
    size: BARRIER + PARTIES_WORDS,
    ghosts: KNOWN + 1,
    touched: 96,
    bodies: [...everybody.map(() => user), ...Array(reapers).fill(reaper)],
    deaths,
    timeouts,
    killable: mortal ?? everybody,
    mayWait: deaths > 0 || resets.length > 0 ? [...everybody, users] : [], // if they have a reason, see final
    init(w) {
      seat(w, [...everybody, users])
      w[PHASE] = (enrolled ? 2 : 1) << 3
      w[BARRIER + 3] = parties
      w[BARRIER + 4] = action ? 1 : 0
      w[ARRIVED] = asleep.length
      asleep.forEach((p, i) => {
        w[CELLS + 4 * i] = token(p)
        w[CELLS + 4 * i + 1] = 1
        w[CELLS + 4 * i + 2] = 4
        lay(w, p, BARRIER + WAITERS)
      })
      if (!enrolled) return
      comers.forEach((p, i) => {
        w[CELLS + 4 * i] = token(p)
        w[CELLS + 4 * i + 1] = 1
        w[CELLS + 4 * i + 2] = 4
      })
    },
    onDeath(w, p, ghosts) {
      bury(w, p)
      if (cellOf(w, p)?.generation) ghosts[KNOWN] = 1
    },
    invariant(_, ghosts) {
      for (let r = 0; r < ROUNDS; r++) {
        if (action && ghosts[passedIn(r)] > 0 && ghosts[actedIn(r)] !== 1)
          return `passed, and the action ran ${ghosts[actedIn(r)]} times`
        const all = (1 << parties) - 1
        // sums of different powers of two: a number that was given twice shows
        if (ghosts[indexIn(r)] > all || ghosts[passedIn(r)] > parties) return 'a number was given twice'
      }
      return undefined
    },
    final(w, { dead, done, stuck, ghosts }) {
      for (const p of stuck.filter(p => p < users)) {
        const reason = ghosts[KNOWN] === 0 && (dead.length > 0 || ghosts[SENT] > 0 || comers.length < parties)
        const waits = (w[PHASE] & 7) === 0 && cellOf(w, p)?.generation === w[PHASE] >>> 3
        if (!reason || !waits) return `asleep for ever: p${p}`
      }
      for (const p of dead) {
        if ((w[BARRIER + WAITERS + 1] >>> p) & 1) return `p${p} is dead and marked for ever`
        for (let i = 0; i < 4; i++) if (w[CELLS + 4 * i] === token(p)) return `p${p} is dead and has a cell for ever`
      }
      const first = ghosts[passedIn(0)]
      if (dead.length === 0 && first !== 0 && first !== parties) return `${first} of ${parties} have passed`
      const sent = done.length > 0 && (deaths > 0 || timeouts > 0 || aborts.length > 0 || resets.length > 0)
      if (!sent && ghosts[SENT] === 1) return 'somebody was sent away for nothing'
      const waiting = everybody.filter(p => cellOf(w, p)?.generation === w[PHASE] >>> 3).length
      if (w[BARRIER] === 0 && (w[PHASE] & 7) === 0 && w[ARRIVED] !== waiting)
        return `${w[ARRIVED]} are counted of ${waiting}`
      return undefined
    },
    names: {
      ...namesOf([...everybody, users]),
      [BARRIER]: 'latch',
      [PHASE]: 'phase',
      [ARRIVED]: 'arrived',
      [BARRIER + WAITERS]: 'summary',
      [BARRIER + WAITERS + 1]: 'group0',
      ...Object.fromEntries(
        everybody.flatMap(i => ['token', 'generation', 'arrivals'].map((n, k) => [CELLS + 4 * i + k, `${n}[${i}]`])),
      ),
    },
  }
}

const promises: [title: string, Options][] = [
  ['two parties pass twice, waiting in turns', { users: 2, rounds: 2 }],
  ['two parties pass, by the real line', { users: 2, line: [0, 1] }],
  ['the last of three wakes both', { users: 3, asleep: [0, 1] }],
  ['the last of three is killed at any step', { users: 3, asleep: [0, 1], deaths: 1, mortal: [2] }],
  [
    'the last one is killed at any step, and one more comes: no number is beyond the last',
    { users: 2, parties: 1, deaths: 1, mortal: [0] },
  ],
  ['the same before the action', { users: 2, parties: 1, action: true, deaths: 1, mortal: [0] }],
  ['one sleeps, and two come', { users: 3, asleep: [0] }],
  ['the action has run once before anybody leaves, twice over', { users: 2, rounds: 2, action: true }],
  [
    'three come to a barrier of two, of which one may be left: nobody passes twice',
    { users: 3, parties: 2, aborts: [2] },
  ],
  ['a party is killed at any step: nobody waits for it', { users: 2, deaths: 1 }],
  ['a party is killed at any step of two rounds', { users: 2, rounds: 2, deaths: 1, mortal: [0] }],
  ['both are killed', { users: 2, deaths: 2 }],
  ['a party is killed at any step, the action included', { users: 2, action: true, deaths: 1 }],
  ['a party that has passed before is killed before it comes', { users: 2, enrolled: true, deaths: 1 }],
  ['a timeout breaks it for all, or comes too late', { users: 2, timeouts: 1 }],
  ['timeouts while the action runs', { users: 2, action: true, timeouts: 1 }],
  ['abort() at any moment sends both away, or comes too late', { users: 3, aborts: [2] }],
  ['reset() at any moment sends away who waits, and them alone', { users: 3, asleep: [0], resets: [2] }],
  ['reset() by one who is killed in it', { users: 2, parties: 2, resets: [1], deaths: 1, mortal: [1], timeouts: 1 }],
  ['abort() and reset() at once', { users: 3, parties: 1, aborts: [1], resets: [2] }],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(barrierOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

const controls: [title: string, without: Rule, Options, why: RegExp][] = [
  ['recovery rings nobody', 'ring everybody', { users: 2, deaths: 1 }, /^asleep for ever/],
  ['recovery takes the cell and does not break it', 'break first', { users: 2, deaths: 1 }, /^asleep for ever/],
  ['who has passed before is not counted on', 'enrolled', { users: 2, enrolled: true, deaths: 1 }, /^asleep for ever/],
  [
    'reset() marks nobody',
    'mark who is sent away',
    { users: 3, asleep: [0], resets: [2] },
    /of 2 have passed|are counted/,
  ],
]
for (const [title, without, options, why] of controls)
  test(`control: ${title}`, () => {
    breaks(barrierOf({ ...options, without }), why)
  })
