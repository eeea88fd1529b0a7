// The claims of a board: each task is run by one taker or can still be taken; at a death it is known who had it in hand.
import { test } from 'node:test'
import {
  CLAIMED,
  claim,
  claimWords,
  codeOf,
  DONE,
  FREE,
  finish,
  offer,
  READY,
  stateOf,
  takerOf,
  withdraw,
} from '#src/channel/claims.js'
import { compareExchange, load, peek, poke, store, type Words } from '#words'
import { ghostAdd, ghostSet, type Scenario } from '../support/explore.ts'
import { breaks, holds } from './crew.ts'

const SLOTS = 2
const AT = 0
/** What the task in a slot is: its number, from 1. */
const DATA = AT + claimWords(SLOTS)
const TASKS = 3

// Ghosts: by task, how often it was begun; behind them, whether it was taken back.
const TAKEN_BACK = TASKS + 1

interface Rules {
  claim(w: Words, taker: number): number
}
const real: Rules = { claim: (w, taker) => claim(w, AT, SLOTS, taker) }

/** Lays down two tasks, takes the first back if it can, and lays a third into its slot. */
function giver(w: Words): void {
  for (const slot of [0, 1]) {
    poke(w, DATA + slot, slot + 1)
    offer(w, AT, SLOTS, slot)
  }
  if (!withdraw(w, AT, SLOTS, 0)) return
  ghostSet(TAKEN_BACK, 1)
  poke(w, DATA, 3)
  offer(w, AT, SLOTS, 0)
}

const takerOfTurns =
  (turns: number, { claim }: Rules) =>
  (w: Words, me: number): void => {
    for (let turn = 0; turn < turns; turn++) {
      const slot = claim(w, me)
      if (slot < 0) continue
      ghostAdd(peek(w, DATA + slot), 1)
      finish(w, AT, SLOTS, slot, me)
    }
  }

/** Some ticket that nobody has passed by names the slot. */
function canBeTaken(w: Words, slot: number): boolean {
  const [tail, next] = [w[AT], w[AT + 1]]
  for (let n = next; n !== tail; n++) if (w[AT + 3 + (n & (SLOTS - 1))] === slot) return true
  return false
}

function boardOf(takers: number, turns: number, deaths: number, rules: Rules = real): Scenario {
  return {
    size: DATA + SLOTS,
    ghosts: TASKS + 2,
    bodies: [giver, ...Array(takers).fill(takerOfTurns(turns, rules))],
    deaths,
    killable: Array.from({ length: takers }, (_, i) => i + 1),
    invariant: (_, ghosts) => ([1, 2, 3].some(task => ghosts[task] > 1) ? 'a task was begun twice' : undefined),
    final(w, { dead, ghosts }) {
      for (let slot = 0; slot < SLOTS; slot++) {
        const state = w[AT + 3 + SLOTS + slot]
        const task = w[DATA + slot]
        const begun = ghosts[task]
        const code = codeOf(state)
        if (code === FREE) return `slot ${slot} is free, and nobody has taken its task back`
        if (code === READY && (begun !== 0 || !canBeTaken(w, slot)))
          return `task ${task} lies there, and nobody will find it`
        if (code === DONE && begun !== 1) return `task ${task} is done, and was begun ${begun} times`
        if (code === CLAIMED && !dead.includes(takerOf(state)))
          return `task ${task} is in the hand of ${takerOf(state)}, who lives`
      }
      if (ghosts[TAKEN_BACK] === 1 && ghosts[1] !== 0) return 'a task that was taken back was begun'
      return undefined
    },
    names: {
      0: 'tail',
      1: 'next',
      2: 'news',
      3: 'order 0',
      4: 'order 1',
      5: 'state 0',
      6: 'state 1',
      7: 'data 0',
      8: 'data 1',
    },
  }
}

test('claim(): each task is begun once, or can still be taken: 2 takers, 2 turns', () => {
  holds(boardOf(2, 2, 0))
})

test('claim(): a taker is killed anywhere: what it had in hand names it, all else can be taken', () => {
  holds(boardOf(2, 2, 1))
})

test('claim(): both takers are killed', () => {
  holds(boardOf(2, 1, 2))
})

test('claim() without compareExchange on the state: the checker sees a task begun twice', () => {
  breaks(
    boardOf(2, 1, 0, {
      claim(w, taker) {
        const next = load(w, AT + 1)
        if (next === load(w, AT)) return -1
        const slot = load(w, AT + 3 + (next & (SLOTS - 1)))
        const got = stateOf(w, AT, SLOTS, slot) === READY
        if (got) store(w, AT + 3 + SLOTS + slot, (taker << 2) | CLAIMED)
        store(w, AT + 1, next + 1)
        return got ? slot : -1
      },
    }),
    /begun twice|race/,
  )
})

test('claim() that passes a ticket by before it has tried: the checker sees a task that nobody will find', () => {
  breaks(
    boardOf(1, 2, 1, {
      claim(w, taker) {
        const next = load(w, AT + 1)
        if (next === load(w, AT)) return -1
        store(w, AT + 1, next + 1)
        const slot = load(w, AT + 3 + (next & (SLOTS - 1)))
        const state = AT + 3 + SLOTS + slot
        return compareExchange(w, state, READY, (taker << 2) | CLAIMED) === READY ? slot : -1
      },
    }),
    /nobody will find it/,
  )
})
