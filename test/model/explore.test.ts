// The interleaving checker checked: it passes a small lock that survives a death, and fails it when any one rule is left out.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { add, compareExchange, exchange, load, pause, peek, poke, sleep, store, type Words, wake } from '#words'
import * as checker from '../support/explore.ts'
import { explore, fail, ghostAdd, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import * as model from '../support/words.model.ts'

test('#words is the model: these tests need node --conditions=model', () => {
  assert.equal(load, model.load)
})

// A lock whose word is FREE, ORPHAN (its holder died), or its holder's ticket, with WAITERS beside it if somebody sleeps.
const LOCK = 0
const COUNT = 1
const died = (p: number): number => 2 + p
const names = { [LOCK]: 'lock', [COUNT]: 'count', [died(0)]: 'died0', [died(1)]: 'died1', [died(2)]: 'died2' }
const FREE = 0
const ORPHAN = 0x20000000
const WAITERS = 0x40000000

type Rule =
  | 'compare before sleeping'
  | 'release in one step'
  | 'release rings'
  | 'take over'
  | 'reaper rings'
  | 'take in one step'

function acquire(w: Words, ticket: number, without?: Rule): void {
  for (;;) {
    const seen = without === 'take in one step' ? load(w, LOCK) : compareExchange(w, LOCK, FREE, ticket)
    if (seen === FREE) {
      if (without === 'take in one step') store(w, LOCK, ticket)
      return
    }
    if (seen === ORPHAN && without !== 'take over') {
      if (compareExchange(w, LOCK, ORPHAN, ticket | WAITERS) === ORPHAN) return
      continue
    }
    const marked = seen | WAITERS
    if (seen !== marked && compareExchange(w, LOCK, seen, marked) !== seen) continue
    sleep(w, LOCK, without === 'compare before sleeping' ? load(w, LOCK) : marked, Infinity)
  }
}

function release(w: Words, without?: Rule): void {
  const was = without === 'release in one step' ? load(w, LOCK) : exchange(w, LOCK, FREE)
  if (without === 'release in one step') store(w, LOCK, FREE)
  if (was & WAITERS && without !== 'release rings') wake(w, LOCK)
}

function recover(w: Words, ticket: number, without?: Rule): void {
  for (;;) {
    const seen = load(w, LOCK)
    if ((seen & ~WAITERS) !== ticket || compareExchange(w, LOCK, seen, ORPHAN) === seen) break
  }
  if (without !== 'reaper rings') wake(w, LOCK)
}

/** Users of the lock, some reapers of its dead, and the promise: one user inside at a time, and nobody waits for ever. */
function lockOf(users: number, deaths: number, without?: Rule, reapers = deaths > 0 ? 4 - users : 0): Scenario {
  const user = (w: Words, me: number) => {
    acquire(w, me + 1, without)
    ghostSet(me, 1)
    moment()
    ghostSet(me, 0)
    release(w, without)
  }
  const reaper = (w: Words) => {
    for (;;) {
      const dead = Array.from({ length: users }, (_, p) => p).find(p => load(w, died(p)) === 1)
      if (dead !== undefined) {
        recover(w, dead + 1, without)
        return
      }
      pause(0)
    }
  }
  return {
    size: 2 + users,
    ghosts: users,
    bodies: [...Array<typeof user>(users).fill(user), ...Array<typeof reaper>(reapers).fill(reaper)],
    deaths,
    killable: [...Array(users).keys()],
    onDeath(words, p, inside) {
      words[died(p)] = 1
      inside[p] = 0
    },
    mayWait: [users, users + 1],
    invariant: (_, inside) => (inside.reduce((sum, v) => sum + v, 0) > 1 ? 'two inside' : undefined),
    names,
  }
}

for (const [users, deaths] of [
  [2, 0],
  [2, 1],
  [3, 0],
  [3, 1],
])
  test(`explore() passes the lock: ${users} users, ${deaths} deaths`, () => {
    const verdict = explore(lockOf(users, deaths))
    assert.equal(verdict.why, undefined, verdict.trace?.join('\n'))
    assert.ok(verdict.ok && verdict.ends > 0)
  })

const controls: [Rule, users: number, deaths: number, why: RegExp, step: RegExp][] = [
  ['compare before sleeping', 2, 0, /^asleep for ever: p[01]$/, /sleep\(lock, 0\) falls asleep/],
  ['release in one step', 2, 0, /^asleep for ever: p[01]$/, /store\(lock, 0\)/],
  ['release rings', 2, 0, /^asleep for ever: p[01]$/, /exchange\(lock, 0\) → 107374182\d/],
  ['take in one step', 2, 0, /^two inside$/, /load\(lock\) → 0/],
  ['take over', 2, 1, /^asleep for ever: p[01]$/, /\*\*\* p[01] is killed here/],
  ['reaper rings', 2, 1, /^asleep for ever: p[01]$/, /\*\*\* p[01] is killed here/],
]
for (const [without, users, deaths, why, step] of controls)
  test(`explore() fails the lock without the rule "${without}", and shows how`, () => {
    const { ok, why: got, trace } = explore(lockOf(users, deaths, without))
    assert.equal(ok, false)
    assert.match(got!, why)
    assert.match(trace!.join('\n'), step)
  })

test('explore() finds the shortest way to a failure and ends the trace with where everybody stands', () => {
  const { trace } = explore(lockOf(2, 0, 'take in one step'))
  assert.deepEqual(trace!.slice().sort(), [
    'p0 load(lock) → 0',
    'p0 store(lock, 1)',
    'p1 load(lock) → 0',
    'p1 store(lock, 2)',
    '— p0 is at moment(), p1 is at moment()',
  ])
})

test('explore() counts a sleeper that was killed as dead, not as asleep for ever', () => {
  const ends: string[] = []
  const verdict = explore({
    size: 1,
    bodies: [w => sleep(w, 0, 0, Infinity)],
    deaths: 1,
    mayWait: [0],
    final: (_, { dead, stuck }) => void ends.push(`${dead.length} dead, ${stuck.length} waiting`),
  })
  assert.equal(verdict.why, undefined)
  assert.deepEqual(ends.sort(), ['0 dead, 1 waiting', '1 dead, 0 waiting'])
})

test('explore() with timeouts ends as many sleeps by themselves, and timedOut() tells the body', () => {
  const sleeper = (w: Words) => {
    sleep(w, 0, 0, 10)
    if (checker.timedOut()) ghostAdd(0, 1)
  }
  const scenario: Scenario = { size: 1, ghosts: 1, bodies: [sleeper, sleeper] }
  assert.equal(explore({ ...scenario, timeouts: 1 }).why, 'asleep for ever: p1')
  const final: Scenario['final'] = (_, { ghosts }) => (ghosts[0] === 2 ? undefined : `${ghosts[0]} timeouts`)
  assert.equal(explore({ ...scenario, timeouts: 2, final }).why, undefined)
})

/** Two bodies that count up with a plain read and a plain write. */
const torn: Scenario = {
  size: 2,
  names,
  bodies: Array(2).fill((w: Words) => poke(w, COUNT, peek(w, COUNT) + 1)),
  final: words => (words[COUNT] === 2 ? undefined : `counted ${words[COUNT]}, expected 2`),
}

test('explore() reports plain accesses that may meet', () => {
  const { why } = explore(torn)
  assert.match(why!, /^data race: p\d may peek\(count\) while p\d may poke\(count, 1\)|^data race: p\d may poke/)
})

test('explore() with allowRaces shows what the race does', () => {
  assert.equal(explore({ ...torn, allowRaces: true }).why, 'counted 1, expected 2')
})

test('explore() passes plain accesses under a lock', () => {
  const user = (w: Words, me: number) => {
    acquire(w, me + 1)
    poke(w, COUNT, peek(w, COUNT) + 1)
    release(w)
  }
  assert.equal(explore({ ...torn, bodies: [user, user] }).why, undefined)
})

test('explore() reports a spin for a value that never comes', () => {
  const spin = (w: Words) => {
    while (load(w, 0) !== 2) pause(0)
  }
  const { why, trace } = explore({ size: 1, bodies: [spin, w => store(w, 0, 1)] })
  assert.equal(why, 'asleep for ever: p0')
  assert.match(trace!.join('\n'), /p0 is at pause\(\)/)
})

test('explore() lets a spin go on that saw the word before it changed and pauses after', () => {
  const spin = (w: Words) => {
    while (load(w, 0) === 0) pause(0)
  }
  assert.equal(explore({ size: 1, bodies: [spin, w => store(w, 0, 1)] }).why, undefined)
})

/** Two bodies that hand a word to and fro for ever. */
const pingPong = (loop: 'restarts' | 'runs on'): Scenario => ({
  size: 1,
  bodies: Array(2).fill((w: Words, me: number) => {
    for (;;) {
      while (load(w, 0) !== me) pause(0)
      store(w, 0, 1 - me)
      if (loop === 'restarts') restart()
    }
  }),
})

test('explore() comes to an end with endless bodies that restart their turns', () => {
  const { why, states, ends } = explore(pingPong('restarts'))
  assert.equal(why, undefined)
  assert.ok(states < 50, `${states} states`)
  assert.equal(ends, 0)
})

test('explore() refuses an endless body that does not restart', () => {
  assert.match(explore({ ...pingPong('runs on'), maxStates: 10_000 }).why!, /an endless loop needs restart/)
  const alone = (w: Words) => {
    for (;;) load(w, 0)
  }
  assert.match(explore({ size: 1, bodies: [alone] }).why!, /500 steps and no end: expected a loop/)
})

test('restart(turn) gives the body its turn and nothing else', () => {
  const { why } = explore({
    size: 1,
    bodies: [
      (w, _, turn = 0) => {
        add(w, 0, 1)
        if (turn < 3) restart(turn + 1)
      },
    ],
    final: words => (words[0] === 4 ? undefined : `${words[0]} turns`),
  })
  assert.equal(why, undefined)
})

test('explore() that runs out of states is not ok', () => {
  assert.match(explore({ ...lockOf(3, 1), maxStates: 100 }).why!, /^maxStates/)
})

test('fail(), an exception and a body that is not deterministic are violations with their trace', () => {
  const failing = explore({ size: 1, bodies: [w => fail(`bad luck ${load(w, 0)}`)] })
  assert.deepEqual([failing.why, failing.trace![0]], ['p0: bad luck 0', 'p0 load(w[0]) → 0'])
  assert.match(explore({ size: 1, bodies: [w => void load(w, 7)] }).why!, /expected a word between 0 and 0, got 7/)
  let runs = 0
  const wild = explore({ size: 9, bodies: [w => void load(w, load(w, runs++))] })
  assert.match(wild.why!, /another way when it was run again/)
})

test('an access in a finally block on the way out of a body that is merely being suspended does nothing', () => {
  const body = (w: Words, me: number) => {
    acquire(w, me + 1)
    try {
      moment()
    } finally {
      release(w)
    }
  }
  assert.equal(explore({ ...lockOf(2, 0), bodies: [body, body] }).why, undefined)
})

test('choose() tries every answer', () => {
  const found = new Set<number>()
  explore({
    size: 1,
    bodies: [w => store(w, 0, checker.choose(3))],
    final: words => void found.add(words[0]),
  })
  assert.deepEqual([...found], [0, 1, 2])
})

test('explore() holds only the words that are touched, and says when there are more than announced', () => {
  const bodies = [(w: Words) => store(w, 1_000_000, 1), (w: Words) => store(w, 2_000_000, 1)]
  const scenario: Scenario = {
    size: 2_000_001,
    bodies,
    init: words => void words.fill(7, 5, 6),
    final: words => (words[5] === 7 && words[1_000_000] + words[2_000_000] === 2 ? undefined : 'lost'),
  }
  assert.equal(explore(scenario).why, undefined)
  assert.throws(() => explore({ ...scenario, touched: 2 }), /expected at most 2 words to be touched/)
})

test('choose() and deaths together: a killed body never goes on', () => {
  const ends: string[] = []
  explore({
    size: 1,
    bodies: [w => store(w, 0, 1 + checker.choose(2))],
    deaths: 1,
    final: (words, { dead, done }) => void ends.push(`${words[0]} ${dead.length} dead ${done.length} done`),
  })
  assert.deepEqual(ends.sort(), ['0 1 dead 0 done', '1 0 dead 1 done', '2 0 dead 1 done'])
})
