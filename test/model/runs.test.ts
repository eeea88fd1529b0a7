// The unit table: whoever dies at whatever step, it can be walked, no unit belongs to two, and the next one to enter
// counts right.

import { test } from 'node:test'
import { enter } from '#src/arena/latch.js'
import { HEADER, unitLength, unitOwner } from '#src/arena/layout.js'
import { NOBODY } from '#src/arena/owner.js'
import { giveRun, initialiseRuns, runs, takeRun, underGuard } from '#src/arena/runs.js'
import { load, peek, poke, store, type Words } from '#words'
import { ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, holds, leave, namesOf, nextDead, seat, token } from './crew.ts'

const FIRST = 1
const UNITS = 5

/** A step of a user: takes a run of so many units, or gives back the oldest it has. At its end it gives back all. */
type Step = 1 | 2 | 3 | 4 | 'give'

interface Options {
  steps: Step[][]
  deaths?: number
  killable?: number[]
  without?: 'count anew' | 'give under the latch'
}

function tableOf({ steps, deaths = 0, killable, without }: Options): Scenario {
  const users = steps.length
  // Ghosts: for each user and unit, whether the user may write to it.
  const note = (me: number, unit: number, units: number, held: number) => {
    for (let u = unit; u < unit + units; u++) ghostSet(me * UNITS + u, held)
  }
  const give = (w: Words, me: number, unit: number) => {
    if (without !== 'give under the latch') giveRun(w, token(me), unit, true)
    else {
      store(w, unitOwner(unit), NOBODY)
      poke(w, HEADER.usedUnits, peek(w, HEADER.usedUnits) - 1)
    }
  }
  const user = (w: Words, me: number, turn = { n: 0, held: [] as [unit: number, units: number][] }) => {
    const step = steps[me][turn.n]
    const next = turn.n + 1
    if (typeof step === 'number') {
      const unit = takeRun(w, token(me), step)
      if (unit === 0) restart({ ...turn, n: next })
      note(me, unit, step, 1)
      restart({ n: next, held: [...turn.held, [unit, step]] })
    }
    const [oldest, ...held] = turn.held
    if (oldest === undefined) return
    moment() // it has them
    note(me, ...oldest, 0)
    give(w, me, oldest[0])
    restart({ n: next, held })
  }
  /** Frees what the dead owned, as recovery does it. */
  const reaper = (w: Words, me: number, known = 0) => {
    const dead = nextDead(w, known)
    if (without === 'count anew') {
      enter(w, w, HEADER.allocatorLatch, token(me))
      leave(w, HEADER.allocatorLatch, token(me))
    } else underGuard(w, token(me), () => {})
    const owned = [...runs(w)].filter(unit => load(w, unitOwner(unit)) === token(dead))
    for (const unit of owned) giveRun(w, token(me), unit, true)
    restart(known | (1 << dead))
  }
  const reapers = Math.min(1, deaths)
  return {
    size: unitLength(UNITS) + 1,
    ghosts: users * UNITS,
    bodies: [...steps.map(() => user), ...Array(reapers).fill(reaper)],
    deaths,
    killable: killable ?? [...steps.keys()],
    mayWait: [users],
    init(w) {
      seat(w, [...Array(users + reapers).keys()])
      w[HEADER.units] = UNITS
      w[HEADER.limitUnits] = UNITS
      w[HEADER.firstUnit] = FIRST
      initialiseRuns(w)
    },
    onDeath(w, p, ghosts) {
      bury(w, p)
      ghosts.fill(0, p * UNITS, (p + 1) * UNITS)
    },
    invariant(w, ghosts) {
      const owners = walk(w)
      if (typeof owners === 'string') return owners
      for (let p = 0; p < users; p++) {
        const lost = owners.findIndex((owner, unit) => ghosts[p * UNITS + unit] === 1 && owner !== token(p))
        if (lost >= 0) return `unit ${lost} was given to p${p} and is not its own`
      }
      return undefined
    },
    final(w) {
      if (w[HEADER.allocatorLatch] !== 0) return 'the latch is held for ever'
      for (const unit of runs(w)) if (w[unitOwner(unit)] !== NOBODY) return `unit ${unit} is owned for ever`
      return w[HEADER.usedUnits] === 0 ? undefined : `usedUnits is ${w[HEADER.usedUnits]}, nothing is used`
    },
    // The reaper walks the table without the latch: a length that it reads may be of a moment ago.
    allowRaces: deaths > 0,
    names: {
      ...namesOf([0, 1, 2]),
      ...Object.fromEntries(
        Array.from({ length: UNITS }, (_, u) => [
          [unitOwner(u), `owner${u}`],
          [unitLength(u), `length${u}`],
        ]).flat(),
      ),
    },
  }
}

/** The owner of each unit. At every moment the runs follow one another to the end of the file; or what is wrong. */
function walk(w: Words): number[] | string {
  const owners: number[] = []
  let at = FIRST
  while (at < UNITS) {
    const length = w[unitLength(at)]
    if (length <= 0) return `the run at unit ${at} has length ${length}`
    owners.length = at
    owners.push(...Array<number>(length).fill(w[unitOwner(at)]))
    at += length
  }
  return at === UNITS ? owners : `the last run ends at unit ${at} of ${UNITS}`
}

const promises: [string, Options][] = [
  ['takeRun() and giveRun() by two: no unit belongs to two', { steps: [[1, 2], [2]] }],
  ['takeRun() joins what was given back, and cuts it to size', { steps: [[1, 1, 'give', 'give', 3], [1]] }],
  ['takeRun() by three', { steps: [[1], [2], [1]] }],
  ['killed while taking or giving: its units are free again, and counted', { steps: [[2], [1]], deaths: 1 }],
  ['killed while joining and cutting', { steps: [[1, 1, 'give', 'give', 3], [2]], deaths: 1, killable: [0] }],
  ['killed one after the other', { steps: [[2], [1]], deaths: 2 }],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(tableOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

test('control: who enters after a death and does not count anew leaves a wrong sum', () => {
  breaks(tableOf({ steps: [[2], [1]], deaths: 1, without: 'count anew' }), /^usedUnits is/)
})

test('control: a run given back without the latch is a race', () => {
  breaks(tableOf({ steps: [[1], [1]], without: 'give under the latch' }), /^data race/)
})

test('control: a cut that shows the first half before the second is written leaves a table with a hole', () => {
  const careless = (w: Words) => {
    enter(w, w, HEADER.allocatorLatch, token(0))
    store(w, unitLength(FIRST), 1)
    poke(w, unitLength(FIRST + 1), UNITS - FIRST - 1)
    leave(w, HEADER.allocatorLatch, token(0))
  }
  breaks({ ...tableOf({ steps: [[], [1]], deaths: 1, killable: [0] }), bodies: [careless] }, /has length 0/)
})
