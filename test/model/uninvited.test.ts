// Two who enter a session uninvited want the same slot: one has it, nobody else writes into it, and it is free again when
// that one is killed at any step.
//
// The lock on the byte of the memory file is the kernel's; a word stands for it here, which falls with its holder.

import { test } from 'node:test'
import { SLOT, slotAt } from '#src/arena/layout.js'
import { claim, occupy, release } from '#src/arena/participants.js'
import { codeOf, DEAD, FREE, JOINING, LIVE, stateFor, tokenOf } from '#src/arena/token.js'
import { OWNER_DIED } from '#src/os/robust-mutex.js'
import { compareExchange, load, pause, poke, store, type Words } from '#words'
import { fail, ghostSet, moment, restart, type Scenario } from '../support/explore.ts'
import { breaks, FREE_WORDS, holds, namesOf, seat, token } from './crew.ts'

const STATE = slotAt(0) + SLOT.state
const PID = slotAt(0) + SLOT.pid
const BYTE = FREE_WORDS
/** The reaper sits in a slot of its own. */
const REAPER = 2

type Rule = 'lock the byte' | 'ask for the lock'

function entering(comers: number, deaths: number, without?: Rule): Scenario {
  const comer = (w: Words, me: number, turn?: 'staying') => {
    if (turn === 'staying') {
      load(w, STATE)
      pause(0)
      restart('staying')
    }
    if (codeOf(load(w, STATE)) !== FREE) {
      pause(0)
      restart()
    }
    if (without !== 'lock the byte' && compareExchange(w, BYTE, 0, me + 1) !== 0) {
      pause(0)
      restart()
    }
    const mine = occupy(w, 0, '')
    if (mine === 0) {
      store(w, BYTE, 0)
      restart()
    }
    ghostSet(me, 1)
    poke(w, PID, 100 + me)
    if (compareExchange(w, STATE, stateFor(mine, JOINING), stateFor(mine, LIVE)) !== stateFor(mine, JOINING)) {
      fail('it was declared dead while it joined')
    }
    moment()
    if (load(w, PID) !== 100 + me) fail('another wrote into its slot')
    if (load(w, STATE) !== stateFor(mine, LIVE)) fail('it lost its slot')
    restart('staying')
  }
  /** findDead() and recover(), in short: findDead() asks the kernel. */
  const reaper = (w: Words) => {
    const state = load(w, STATE)
    const code = codeOf(state)
    const ended =
      (code === JOINING && (without === 'ask for the lock' || load(w, BYTE) === 0)) ||
      (code === LIVE && (load(w, slotAt(0) + SLOT.mutex) & OWNER_DIED) !== 0)
    if (ended) compareExchange(w, STATE, state, stateFor(state, DEAD))
    const dead = tokenOf(0, state)
    if ((ended || code === DEAD) && claim(w, dead, token(REAPER))) release(w, dead)
    pause(0)
    restart()
  }
  const all = [...Array(comers).keys()]
  return {
    size: FREE_WORDS + 1,
    touched: 96,
    ghosts: 2,
    allowRaces: true,
    bodies: [comers > 0 ? comer : () => {}, comers > 1 ? comer : () => {}, ...(deaths > 0 ? [reaper] : [])],
    deaths,
    killable: all,
    mayWait: [0, 1, 2],
    init: w => seat(w, [REAPER]),
    onDeath(w, p, ghosts) {
      if (w[BYTE] !== p + 1) return
      w[BYTE] = 0
      if (ghosts[p] === 1 && codeOf(w[STATE]) === LIVE) w[slotAt(0) + SLOT.mutex] = OWNER_DIED
      ghosts[p] = 0
    },
    invariant: (_, ghosts) => (ghosts[0] + ghosts[1] > 1 ? 'two have the slot' : undefined),
    final(w, { dead, ghosts }) {
      if (dead.length === comers) return codeOf(w[STATE]) === FREE ? undefined : 'the slot is lost'
      return ghosts[0] + ghosts[1] === 1 && codeOf(w[STATE]) === LIVE ? undefined : 'nobody has the slot'
    },
    names: { ...namesOf([0]), [BYTE]: 'lock of byte 0' },
  }
}

const promises: [title: string, comers: number, deaths: number][] = [
  ['occupy(): of two who come at once one has the slot', 2, 0],
  ['killed at any step: the slot is free again', 1, 1],
  ['one of two is killed at any step: the other one has the slot', 2, 1],
  ['both are killed: the slot is free again', 2, 2],
]
for (const [title, comers, deaths] of promises)
  test(title, t => {
    const { states, ends } = holds(entering(comers, deaths))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

test('control: without the lock on the byte another writes into the slot', () => {
  breaks(entering(2, 0, 'lock the byte'), /another wrote into its slot/)
})

test('control: JOINING alone says nothing about an end', () => {
  breaks(entering(1, 1, 'ask for the lock'), /declared dead/)
})
