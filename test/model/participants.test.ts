// The slots of the participants: each dead one is recovered by one at a time, also when that one dies, and a slot that was
// given out again belongs to its new owner alone.
//
// findDead() makes no system call here: a slot that is LIVE is judged by the kernel's bit alone.

import { test } from 'node:test'
import { enter } from '#src/arena/latch.js'
import { HEADER, SLOT, SLOT_WORDS, slotAt } from '#src/arena/layout.js'
import { claim, declareDead, findDead, release, reserve } from '#src/arena/participants.js'
import { codeOf, DEAD, FREE, isGone, LIVE, RESERVED, slotOf, stateFor, stateOf } from '#src/arena/token.js'
import { OWNER_DIED } from '#src/os/robust-mutex.js'
import { compareExchange, load, pause, poke, store, type Words } from '#words'
import { fail, ghostAdd, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, FREE_WORDS, holds, leave, namesOf, seat, token } from './crew.ts'

const stateAt = (slot: number): number => slotAt(slot) + SLOT.state
const pidAt = (slot: number): number => slotAt(slot) + SLOT.pid
/** What the kernel does when the participant of the slot ends. */
const end = (w: Words, slot: number): void => {
  w[slotAt(slot) + SLOT.mutex] = OWNER_DIED
}
const isFree = (slot: number) => (w: Words) => codeOf(load(w, stateAt(slot))) === FREE

type Rules = { claim: typeof claim; release: typeof release }
const real: Rules = { claim, release }

/** Recovers whomever it finds, until `done` says so. */
const reaperOf =
  (done: (w: Words) => boolean, { claim, release }: Rules = real) =>
  (w: Words, me: number, dead?: number): void => {
    if (dead === undefined) {
      const [found] = findDead(w, -1, me, me)
      if (found !== undefined) restart(found)
      if (done(w)) return
      pause(0)
      restart()
    }
    if (!claim(w, dead, token(me))) restart()
    ghostAdd(slotOf(dead), 1)
    enter(w, w, HEADER.rosterLatch, token(me)) // what recovery.ts does meanwhile, in short
    leave(w, HEADER.rosterLatch, token(me))
    release(w, dead)
    ghostAdd(slotOf(dead), -1)
    restart()
  }

/** The right to recover that belongs to none: `me` takes it whoever has it. */
const claimAnyhow: Rules['claim'] = (w, dead, me) => {
  store(w, slotAt(slotOf(dead)) + SLOT.reaper, me)
  return load(w, stateAt(slotOf(dead))) === stateFor(dead, DEAD)
}
/** The right to recover without a second look at whom it is for. */
const claimBlindly: Rules['claim'] = (w, dead, me) => {
  const reaper = load(w, slotAt(slotOf(dead)) + SLOT.reaper)
  if (reaper !== 0 && !isGone(w, reaper)) return false
  return compareExchange(w, slotAt(slotOf(dead)) + SLOT.reaper, reaper, me) === reaper
}

/** Wipes the right to recover with the rest, while the slot still says DEAD. */
const releaseAll: Rules['release'] = (w, dead) => {
  for (let i = 1; i < SLOT_WORDS; i++) poke(w, slotAt(slotOf(dead)) + i, 0)
  compareExchange(w, stateAt(slotOf(dead)), stateFor(dead, DEAD), stateFor(dead, FREE))
}

// Wiping a slot and looking at who recovers it are meant to meet: hence allowRaces.
const base = { size: FREE_WORDS, touched: 256, ghosts: 4, allowRaces: true, names: namesOf([0, 1, 2]) }

/** Slot 0 is dead; the two others may recover it. `untold`: the kernel said nothing, but its parent saw it end. */
function twoReapers(deaths: number, rules?: Rules, untold = false): Scenario {
  const reaper = reaperOf(isFree(0), rules)
  const parent = (w: Words, me: number, dead?: number) => {
    if (untold && dead === undefined) declareDead(w, token(0))
    reaper(w, me, dead)
  }
  return {
    ...base,
    bodies: [() => {}, parent, reaper],
    deaths,
    killable: [1, 2],
    init(w) {
      seat(w, [0, 1, 2])
      if (!untold) end(w, 0)
    },
    onDeath(w, p, ghosts) {
      end(w, p)
      if (w[slotAt(0) + SLOT.reaper] === token(p)) ghosts[0] = 0
    },
    invariant: (_, ghosts) => (ghosts.some(n => n > 1) ? 'two recover the same one' : undefined),
    final: (w, { dead }) =>
      dead.length < 2 && codeOf(w[stateAt(0)]) !== FREE ? 'the dead one was not recovered' : undefined,
  }
}

/** Slot 0 is dead; when it is free again a new participant moves in, while late reapers still look at it. */
function movingIn(rules?: Rules, diesAgain = false): Scenario {
  const PID = 4711
  const moved = (w: Words) => load(w, stateAt(0)) >>> 11 > 1
  const reaper = reaperOf(w => moved(w) && (!diesAgain || isFree(0)(w)), rules)
  const parent = (w: Words, me: number) => {
    while (!isFree(0)(w)) pause(0)
    const child = reserve(w, token(me), '')
    if (slotOf(child) !== 0) fail(`got slot ${slotOf(child)}`)
    // The child joins in one step: between [J2] and [J3] only a system call could tell whether it lives.
    const reserved = stateFor(child, RESERVED)
    if (compareExchange(w, stateAt(0), reserved, stateFor(child, LIVE)) !== reserved) fail('it could not join')
    poke(w, pidAt(0), PID)
    if (diesAgain) {
      store(w, slotAt(0) + SLOT.mutex, OWNER_DIED)
      return
    }
    moment()
    if (load(w, stateAt(0)) !== stateFor(child, LIVE)) fail('the new one was declared dead')
    if (load(w, pidAt(0)) !== PID) fail('the slot of the new one was wiped')
  }
  return {
    ...base,
    bodies: [() => {}, parent, reaper, reaper],
    init(w) {
      seat(w, [0, 1, 2, 3])
      end(w, 0)
      w[stateAt(0)] = stateOf(1, DEAD)
    },
    invariant: (_, ghosts) => (ghosts.some(n => n > 1) ? 'two recover the same one' : undefined),
    final: w => {
      const state = w[stateAt(0)]
      if (state >>> 11 !== 2) return `the slot was given out ${state >>> 11} times`
      return codeOf(state) === (diesAgain ? FREE : LIVE) ? undefined : `the slot is left with code ${codeOf(state)}`
    },
  }
}

/** Two parents reserve a slot each; the first may die, and is recovered with what it reserved. */
function reserving(deaths: number): Scenario {
  const RESERVES = 8 // ghosts: what the parents reserved
  const parent = (w: Words, me: number, slot?: number) => {
    if (slot === undefined) restart(slotOf(reserve(w, token(me), '')))
    ghostSet(RESERVES + me, slot)
    moment()
  }
  return {
    ...base,
    ghosts: RESERVES + 2,
    bodies: [parent, parent, ...(deaths > 0 ? [reaperOf(() => false)] : [])],
    deaths,
    killable: [0],
    mayWait: [2],
    init: w => seat(w, deaths > 0 ? [0, 1, 2] : [0, 1]),
    onDeath(w, p, ghosts) {
      end(w, p)
      ghosts[RESERVES + p] = 0
    },
    invariant: (_, ghosts) =>
      ghosts[RESERVES] !== 0 && ghosts[RESERVES] === ghosts[RESERVES + 1] ? 'a slot was reserved twice' : undefined,
    final(w, { dead }) {
      if (w[HEADER.rosterLatch] !== 0) return 'the latch is held for ever'
      const reserved = [0, 2, 3, 4].filter(slot => codeOf(w[stateAt(slot)]) === RESERVED)
      return reserved.length === 2 - dead.length ? undefined : `slots ${reserved} are reserved`
    },
  }
}

/** A child comes into a slot that its parent reserved before it died, while somebody takes the reservation back. */
const lateChild: Scenario = {
  ...base,
  bodies: [
    w => {
      const reserved = stateOf(1, RESERVED)
      if (compareExchange(w, stateAt(0), reserved, stateOf(1, LIVE)) !== reserved) return
      store(w, pidAt(0), 4711)
      moment()
      if (load(w, stateAt(0)) !== stateOf(1, LIVE) || load(w, pidAt(0)) !== 4711) fail('the child was taken for dead')
    },
    () => {},
    reaperOf(w => codeOf(load(w, stateAt(0))) !== RESERVED && codeOf(load(w, stateAt(0))) !== DEAD),
  ],
  init(w) {
    seat(w, [0, 1, 2])
    w[stateAt(0)] = stateOf(1, RESERVED)
    w[slotAt(0) + SLOT.reservedBy] = token(1)
    end(w, 1)
  },
}

const report = (title: string, scenario: Scenario) =>
  test(title, t => {
    const { states, ends } = holds(scenario)
    t.diagnostic(`${states} states, ${ends} ends`)
  })
report('a dead one is recovered by one at a time', twoReapers(0))
report('whoever recovers it dies too: another begins anew', twoReapers(1))
report('whoever recovers it dies too, and the next one', twoReapers(2))
report('declareDead(): what the kernel did not say the parent does', twoReapers(0, real, true))
report('a slot that was given out again is not wiped by a late reaper', movingIn())
report('a slot that was given out again and died again is recovered again', movingIn(real, true))
report('reserve() gives each parent a slot of its own', reserving(0))
report('reserve() by a parent that is killed: its reservation is taken back, and the slot is free again', reserving(1))
report('a child whose reservation was taken back does not join, and one that joined is left alone', lateChild)

test('control: a right to recover that is taken whoever has it lets two recover the same one', () => {
  breaks(twoReapers(0, { ...real, claim: claimAnyhow }), /two recover the same one/)
})

test('control: a right to recover without a second look at the slot is had over the living', () => {
  breaks(movingIn({ ...real, claim: claimBlindly }), /two recover|wiped|declared dead/)
})

test('control: a slot wiped with the right to recover it is wiped again when somebody lives there', () => {
  breaks(movingIn({ ...real, release: releaseAll }), /wiped|two recover/)
})
