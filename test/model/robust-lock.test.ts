// The lock that survives its holder, with waiters that sleep: one holder at a time, and nobody sleeps for ever, whoever
// is killed, late or gives up.

import { test } from 'node:test'
import type { Words } from '#words'
import { ringAll } from '#src/arena/doorbell.js'
import { give, HELD, ORPHAN, recoverLock, TAKEN_ABANDONED, take, waitersOf } from '#src/arena/robust-lock.js'
import { NONE } from '#src/arena/until.js'
import { ghostAdd, ghostSet, moment, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, nextDead, seat, token } from './crew.ts'
import { GONE, type Omission, wait } from './waiter.ts'

const LOCK = FREE_WORDS

interface Options {
  users: number
  /** The first user has it from the start and only gives it: fewer states. */
  held?: boolean
  deaths?: number
  reapers?: number
  timeouts?: number
  /** These users may give up. */
  impatient?: number[]
  without?: Omission | 'ring all' | 'D1' | 'ring when giving'
}

function lockOf({ users, held, deaths = 0, reapers = deaths, timeouts = 0, impatient = [], without }: Options): Scenario {
  const UNTOLD = users // after the ghosts that say who is inside
  const omission = without as Omission
  const user = (w: Words, me: number) => {
    if (held && me === 0) {
      moment()
      give(w, w, LOCK, token(me))
      return
    }
    const attempt = () => {
      const taken = take(w, w, LOCK, token(me))
      return taken === HELD ? NONE : taken
    }
    const taken = wait(w, me, waitersOf(LOCK), attempt, { without: omission, mayGiveUp: impatient.includes(me) })
    if (taken === GONE) return
    ghostSet(me, 1)
    if (taken === TAKEN_ABANDONED) ghostAdd(UNTOLD, -1)
    moment()
    ghostSet(me, 0)
    if (!give(w, w, LOCK, token(me))) throw new Error('the lock was not mine any more')
  }
  const reaper = (w: Words, _me: number, known = 0) => {
    const dead = nextDead(w, known)
    if (without !== 'D1') recoverLock(w, LOCK, token(dead))
    if (without !== 'ring all') ringAll(w)
  }
  const everybody = [...Array(users).keys()]
  return {
    size: LOCK + 40,
    ghosts: users + 1,
    bodies: [...everybody.map(() => user), ...Array(reapers).fill(reaper)],
    deaths,
    timeouts,
    killable: everybody,
    mayWait: Array.from({ length: reapers }, (_, i) => users + i),
    init(w) {
      seat(w, everybody)
      if (held) w[LOCK] = token(0)
    },
    onDeath(w, p, ghosts) {
      bury(w, p)
      ghosts[p] = 0
      if (w[LOCK] === token(p)) ghosts[UNTOLD]++
    },
    invariant(_, ghosts) {
      if (everybody.reduce((sum, p) => sum + ghosts[p], 0) > 1) return 'two inside'
      return ghosts[UNTOLD] < 0 ? 'told of a death that was none' : undefined
    },
    final(w, { dead, ghosts }) {
      const left = w[LOCK] === ORPHAN || dead.some(p => w[LOCK] === token(p)) ? 1 : 0
      return ghosts[UNTOLD] === left ? undefined : `${ghosts[UNTOLD]} died holding it and nobody was told`
    },
    names: { ...namesOf(everybody), [LOCK]: 'lock', [LOCK + 1]: 'summary', [LOCK + 2]: 'group0', [LOCK + 34]: 'next' },
  }
}

const report = (title: string, scenario: Scenario) =>
  test(title, t => {
    const { states } = holds(scenario)
    t.diagnostic(`${states} states`)
  })

report('A1', lockOf({ users: 2 }))
report('A2', lockOf({ users: 3, held: true }))
report('D2', lockOf({ users: 2, deaths: 1 }))
report('D2x2', lockOf({ users: 2, deaths: 2 , reapers: 1}))
report('D3', {...lockOf({ users: 3, held: true, deaths: 1 }), maxStates: 2e7})
report('T3', lockOf({ users: 3, held: true, timeouts: 1 }))
report('G3', lockOf({ users: 3, held: true, impatient: [1] }))
report('G3b', lockOf({ users: 3, held: true, impatient: [1,2] }))
