// The latch: one inside at a time, and a holder's death is told to the one that comes next.

import { test } from 'node:test'
import { ABANDONED, BUSY, enter, tryEnter } from '#src/arena/latch.js'
import { SLOT, slotAt } from '#src/arena/layout.js'
import { isGone } from '#src/arena/token.js'
import { OWNER_DIED } from '#src/os/robust-mutex.js'
import { compareExchange, load, pause, peek, poke, store, type Words } from '#words'
import { ghostAdd, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, leave, namesOf, seat, token } from './crew.ts'

const LATCH = FREE_WORDS
/** Two words that the latch guards: they differ only inside. */
const ONE = LATCH + 1
const TWO = LATCH + 2

// Ghosts: how often ONE was written; how many died inside of whom nobody was told.
const WRITTEN = 0
const UNTOLD = 1

interface Rules {
  enter(w: Words, me: number): boolean
  leave(w: Words, me: number): void
  mend: boolean
}
const real: Rules = { enter: (w, me) => enter(w, w, LATCH, me), leave: (w, me) => leave(w, LATCH, me), mend: true }

function inside(w: Words, abandoned: boolean, mend: boolean): void {
  if (abandoned) ghostAdd(UNTOLD, -1)
  if (abandoned && mend) poke(w, TWO, peek(w, ONE))
  if (peek(w, ONE) !== peek(w, TWO)) throw new Error('torn')
  poke(w, ONE, peek(w, ONE) + 1)
  ghostAdd(WRITTEN, 1)
  poke(w, TWO, peek(w, TWO) + 1)
}

function usersOf(users: number, turns: number, deaths: number, { enter, leave, mend }: Rules = real): Scenario {
  const user = (w: Words, me: number, turn = 1) => {
    inside(w, enter(w, token(me)), mend)
    leave(w, token(me))
    if (turn < turns) restart(turn + 1)
  }
  return {
    size: FREE_WORDS + 3,
    ghosts: 2,
    bodies: Array(users).fill(user),
    deaths,
    init: w => seat(w, [...Array(users).keys()]),
    onDeath(w, p, ghosts) {
      bury(w, p)
      if (w[LATCH] === token(p)) ghosts[UNTOLD]++
    },
    final(w, { dead, ghosts }) {
      if (w[ONE] !== ghosts[WRITTEN]) return `counted ${w[ONE]} of ${ghosts[WRITTEN]}`
      const held = dead.some(p => w[LATCH] === token(p)) ? 1 : 0
      return ghosts[UNTOLD] === held ? undefined : `${ghosts[UNTOLD]} died inside untold, ${held} still named`
    },
    invariant: (_, ghosts) => (ghosts[UNTOLD] < 0 ? 'told of a death that was none' : undefined),
    names: { ...namesOf([0, 1, 2]), [LATCH]: 'latch', [ONE]: 'one', [TWO]: 'two' },
  }
}

test('enter(): one inside at a time, nothing lost: 2 users, 3 turns', () => {
  holds(usersOf(2, 3, 0))
})

test('enter(): 3 users, 2 turns', () => {
  holds(usersOf(3, 2, 0))
})

test('enter() after a death inside takes the latch over and is told, once: 2 users, 2 turns, either or both die', () => {
  holds(usersOf(2, 2, 2))
})

test('enter() after deaths inside, one after the other: 3 users, 2 deaths', () => {
  holds(usersOf(3, 1, 2))
})

test('tryEnter() says BUSY rather than wait, and enters a latch whose holder is dead', () => {
  const scenario = usersOf(2, 1, 1)
  const user = (w: Words, me: number) => {
    const entered = tryEnter(w, w, LATCH, token(me))
    if (entered === BUSY) return
    inside(w, entered === ABANDONED, true)
    leave(w, LATCH, token(me))
  }
  const late = (w: Words, me: number) => {
    let entered = tryEnter(w, w, LATCH, token(me))
    while (entered === BUSY) {
      pause(0)
      entered = tryEnter(w, w, LATCH, token(me))
    }
    inside(w, entered === ABANDONED, true)
    leave(w, LATCH, token(me))
  }
  holds({ ...scenario, bodies: [user, late, user], init: w => seat(w, [0, 1, 2]) })
})

/** One who is declared dead inside but goes on (which never happens), and two others. */
function declaredDead(leaveLate: (w: Words) => void): Scenario {
  const slow = (w: Words) => {
    enter(w, w, LATCH, token(0))
    store(w, slotAt(0) + SLOT.mutex, OWNER_DIED)
    leaveLate(w)
  }
  const user = (w: Words, me: number) => {
    enter(w, w, LATCH, token(me))
    ghostSet(me, 1)
    moment()
    ghostSet(me, 0)
    leave(w, LATCH, token(me))
  }
  const init = (w: Words) => seat(w, [0, 1, 2])
  return { ...usersOf(3, 1, 0), ghosts: 3, init, bodies: [slow, user, user], final: undefined, invariant: exclusive }
}
const exclusive: Scenario['invariant'] = (_, inside) => (inside[1] + inside[2] > 1 ? 'two inside' : undefined)

test('leave() of a latch that was taken over meanwhile leaves it alone', () => {
  holds(declaredDead(w => leave(w, LATCH, token(0))))
})

test('control: leaving a latch without looking whose it is lets two in', () => {
  breaks(
    declaredDead(w => store(w, LATCH, 0)),
    /two inside/,
  )
})

// Each of these leaves one rule out, and the checker must find the run that shows what the rule is for.

test('control: entering in two steps lets two in', () => {
  const inTwoSteps: Rules['enter'] = (w, me) => {
    while (load(w, LATCH) !== 0) pause(0)
    store(w, LATCH, me)
    return false
  }
  breaks(usersOf(2, 1, 0, { ...real, enter: inTwoSteps }), /data race|torn/)
})

test('control: taking over by a store and not by compareExchange lets two in', () => {
  const byStore: Rules['enter'] = (w, me) => {
    for (;;) {
      const seen = compareExchange(w, LATCH, 0, me)
      if (seen === 0) return false
      if (isGone(w, seen)) {
        store(w, LATCH, me)
        return true
      }
      pause(0)
    }
  }
  breaks(usersOf(3, 1, 1, { ...real, enter: byStore }), /data race|torn|told/)
})

test('control: not taking over from the dead waits for ever', () => {
  const never: Rules['enter'] = (w, me) => {
    while (compareExchange(w, LATCH, 0, me) !== 0) pause(0)
    return false
  }
  breaks(usersOf(2, 1, 1, { ...real, enter: never }), /^asleep for ever/)
})

test('control: taking over from the living lets two in', () => {
  const steal: Rules['enter'] = (w, me) => {
    for (;;) {
      const seen = compareExchange(w, LATCH, 0, me)
      if (seen === 0) return false
      if (compareExchange(w, LATCH, seen, me) === seen) return true
    }
  }
  breaks(usersOf(2, 1, 0, { ...real, enter: steal }), /data race|torn|told/)
})

test('control: who is told and mends nothing sees what the dead left half done', () => {
  breaks(usersOf(2, 1, 1, { ...real, mend: false }), /torn/)
})

test('control: a latch that was let go by a plain store is a race', () => {
  breaks(usersOf(2, 1, 0, { ...real, leave: w => poke(w, LATCH, 0) }), /data race/)
})
