// The list of who waits in a Condition, with the lock it goes with: as many wake as were notified, whoever is killed or
// gives up, and no notification passes between the lock and the list.

import { test } from 'node:test'
import { BLOCKED, heard, ringAll } from '#src/arena/doorbell.js'
import { enter } from '#src/arena/latch.js'
import { SLOT, slotAt } from '#src/arena/layout.js'
import { give, HELD, LOCK_WORDS, recoverLock, take, waitersOf } from '#src/arena/robust-lock.js'
import type { Surroundings } from '#src/arena/surroundings.js'
import { NONE } from '#src/arena/until.js'
import { WAIT_SET_WORDS } from '#src/arena/wait-set.js'
import { type Entry, WaitingList } from '#src/sync/waiting-list.js'
import { compareExchange, load, pause, sleep, store, type Words } from '#words'
import { choose, ghostAdd, restart, type Scenario, timedOut } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, leave, namesOf, nextDead, seat, token } from './crew.ts'
import { LATE, wait } from './waiter.ts'

const LOCK = FREE_WORDS
const SET = LOCK + LOCK_WORDS
const LIST = SET + WAIT_SET_WORDS
/** The list's words: latch, next ticket, highest, first block; then entries: who, ticket. */
const [NEXT, HIGHEST, ENTRIES] = [LIST + 1, LIST + 2, LIST + 4]
const PLACES = 4
const NOTIFIED = 1 << 28

type Rule =
  | 'add before the lock is given up'
  | 'stay until the lock is held'
  | 'pass on when giving up'
  | 'pass on before leaving'
  | 'ring who is notified'
  | 'recovery passes on'
  | 'recovery passes on before it removes'
  | 'recovery rings everybody'

interface Options {
  /** These sleep already, in this order. */
  asleep?: number
  /** One more holds the lock, and is about to wait. */
  comes?: boolean
  /** Waits by the real line. */
  line?: boolean
  /** How many each notifier wakes. */
  notifiers?: number[]
  deaths?: number
  reapers?: number
  timeouts?: number
  /** These may give up. */
  impatient?: number[]
  killable?: number[]
  /** The first of those asleep was notified, and is dead; nobody else notifies. */
  died?: boolean
  without?: Rule
}

/** How far a waiter is: at a look, at the last one because it is late, or over. */
interface Turn {
  readonly at: number
  readonly do: 'look' | 'last look' | 'go on' | 'give up'
}

function listOf(w: Words, slot: number): WaitingList {
  const place = { w, me: token(slot) } as unknown as Surroundings
  return new WaitingList(place, w, LIST, PLACES)
}

/** The lock when it is free, without sleeping: lock and waiters are proven in robust-lock.test.ts. */
function lock(w: Words, me: number): void {
  while (take(w, w, LOCK, token(me)) === HELD) pause(0)
}

function conditionOf(options: Options): Scenario {
  const { asleep = 0, comes = false, line = false, deaths = 0, timeouts = 0, without } = options
  const notifiers = options.died ? [] : (options.notifiers ?? [1])
  const { reapers = Math.min(1, deaths), impatient = [], died = false } = options
  const waiters = asleep + (comes ? 1 : 0)
  const WOKEN = 0
  const entryAt = (at: number): Entry => ({ at, ticket: 0 }) as Entry

  const goOn = (w: Words, me: number, entry: Entry) => {
    const list = listOf(w, me)
    if (without === 'stay until the lock is held') list.remove(entry)
    lock(w, me)
    ghostAdd(WOKEN, 1)
    if (without !== 'stay until the lock is held') list.remove(entry)
    give(w, w, LOCK, token(me))
  }
  const giveUp = (w: Words, me: number, entry: Entry) => {
    const list = listOf(w, me)
    if (without === 'pass on when giving up') store(w, entry.at, 0)
    else if (without === 'pass on before leaving') {
      const was = load(w, entry.at)
      store(w, entry.at, 0)
      if ((was & NOTIFIED) !== 0) list.notify(1)
    } else list.giveUp(entry)
  }
  const waiter = (w: Words, me: number, turn?: Turn) => {
    const list = listOf(w, me)
    let entry = { ...entryAt(turn?.at ?? ENTRIES + me * 2), w }
    if (turn?.do === 'go on') return goOn(w, me, entry)
    if (turn?.do === 'give up') return giveUp(w, me, entry)
    if (turn === undefined && me >= asleep) {
      if (without === 'add before the lock is given up') {
        give(w, w, LOCK, token(me))
        entry = list.add() as typeof entry
      } else {
        entry = list.add() as typeof entry
        give(w, w, LOCK, token(me))
      }
      if (!line) store(w, slotAt(me) + SLOT.asleep, BLOCKED)
    }
    const again = (what: Turn['do']) => restart({ at: entry.at, do: what } satisfies Turn)
    if (line) again(wait(w, me, SET, () => (list.isNotified(entry) ? 1 : NONE)) === LATE ? 'give up' : 'go on')
    // the sleeper in short; marks are its own affair here, as nobody is rung by them
    if (turn !== undefined || me >= asleep) {
      if (list.isNotified(entry)) again('go on')
      if (turn?.do === 'last look') again('give up')
    }
    if (impatient.includes(me) && choose(2) === 1) again('give up')
    sleep(w, slotAt(me) + SLOT.rung, 0, 1e9)
    const late = timedOut()
    heard(w, me)
    again(late ? 'last look' : 'look')
  }
  const notifier = (w: Words, me: number) => {
    lock(w, me)
    const n = notifiers[me - waiters]
    if (without === 'ring who is notified') {
      for (let i = 0; i < waiters; i++) {
        const who = load(w, ENTRIES + i * 2)
        if (who !== 0) compareExchange(w, ENTRIES + i * 2, who, who | NOTIFIED)
      }
    } else listOf(w, me).notify(n)
    give(w, w, LOCK, token(me))
  }
  const reaper = (w: Words, me: number, known = 0) => {
    const dead = nextDead(w, known)
    const list = listOf(w, me)
    recoverLock(w, LOCK, token(dead))
    if (without === 'recovery passes on' || without === 'recovery passes on before it removes') {
      enter(w, w, LIST, token(me))
      let lost = 0
      for (let i = 0; i < PLACES; i++) {
        const who = load(w, ENTRIES + i * 2)
        if ((who & ~NOTIFIED) !== token(dead)) continue
        if (who & NOTIFIED) lost++
        store(w, ENTRIES + i * 2, 0)
      }
      leave(w, LIST, token(me))
      if (lost > 0 && without !== 'recovery passes on') list.notify(lost)
    } else while (!list.recover(token(dead), new Set())) pause(0)
    if (without !== 'recovery rings everybody') ringAll(w)
    restart(known | (1 << dead))
  }

  const people = waiters + notifiers.length
  const everybody = [...Array(people + reapers).keys()]
  return {
    size: LIST + 40,
    touched: 160,
    ghosts: 1,
    bodies: [
      ...Array.from({ length: waiters }, (_, p) => (died && p === 0 ? () => {} : waiter)),
      ...notifiers.map(() => notifier),
      ...Array(reapers).fill(reaper),
    ],
    deaths,
    timeouts,
    killable: options.killable ?? everybody.slice(0, people),
    mayWait: [...everybody.slice(0, waiters), ...everybody.slice(people)],
    init(w) {
      seat(w, everybody)
      for (let p = 0; p < asleep; p++) {
        w[ENTRIES + p * 2] = token(p)
        w[ENTRIES + p * 2 + 1] = p
        w[slotAt(p) + SLOT.asleep] = BLOCKED
      }
      w[NEXT] = asleep
      w[HIGHEST] = asleep
      if (comes) w[LOCK] = token(asleep)
      if (!died) return
      w[ENTRIES] |= NOTIFIED
      bury(w, 0)
    },
    onDeath: (w, p) => bury(w, p),
    final(w, { dead, done, stuck, ghosts }) {
      const asleepForEver = stuck.filter(p => p < waiters)
      for (let i = 0; i < PLACES; i++) {
        const who = w[ENTRIES + i * 2]
        if ([...dead, ...(died ? [0] : [])].some(p => token(p) === (who & ~NOTIFIED)))
          return 'a dead one stands in the list'
        if ((who & NOTIFIED) !== 0) return 'asleep for ever, though notified'
      }
      const promised = died ? 1 : notifiers.reduce((sum, n, i) => sum + (done.includes(waiters + i) ? n : 0), 0)
      if (asleepForEver.length > 0 && ghosts[WOKEN] < promised) return 'a notification was lost'
      if (dead.length === 0 && ghosts[WOKEN] > promised) return 'more woke than were notified'
      return undefined
    },
    names: {
      ...namesOf(everybody),
      [LOCK]: 'lock',
      [waitersOf(LOCK)]: 'lock waiters',
      [LIST]: 'latch',
      [NEXT]: 'next',
      [HIGHEST]: 'highest',
      ...Object.fromEntries(
        [0, 1, 2, 3].flatMap(i => [
          [ENTRIES + i * 2, `who${i}`],
          [ENTRIES + i * 2 + 1, `ticket${i}`],
        ]),
      ),
    },
  }
}

const promises: [title: string, Options][] = [
  ['one that comes is in the list when the lock is free (the real line)', { comes: true, line: true }],
  ['one that comes while another is asleep: the first is woken', { asleep: 1, comes: true }],
  ['notify(1) wakes one of two', { asleep: 2 }],
  ['notify(2), and two that notify one each', { asleep: 2, notifiers: [2] }],
  ['two notifiers wake two', { asleep: 2, notifiers: [1, 1] }],
  ['notify(3) of two', { asleep: 2, notifiers: [3] }],
  ['a waiter that is late leaves it to the other', { asleep: 2, timeouts: 1 }],
  ['a waiter that gives up at any moment leaves it to the other', { asleep: 2, impatient: [0] }],
  ['a waiter that is late, by the real line', { comes: true, line: true, timeouts: 1 }],
  ['one killed at any step: waiter or notifier', { asleep: 2, deaths: 1 }],
  ['one that comes is killed at any step', { asleep: 1, comes: true, deaths: 1, killable: [1] }],
  ['one that comes, and its notifier is killed', { comes: true, deaths: 1, killable: [1] }],
  ['two of two waiters and a notifier are killed', { asleep: 2, deaths: 2 }],
  ['one gives up and the other is killed', { asleep: 2, impatient: [0], deaths: 1, killable: [1] }],
  ['of three one is killed', { asleep: 3, deaths: 1, killable: [0] }],
  ['one gives up and dies of it', { asleep: 2, impatient: [0], deaths: 1, killable: [0] }],
  [
    'the one that recovers is killed, and another begins anew',
    { asleep: 2, died: true, deaths: 1, reapers: 2, killable: [2] },
  ],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(conditionOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

const controls: [title: string, without: Rule, Options, why: RegExp][] = [
  ['gives the lock up, then stands in the list', 'add before the lock is given up', { comes: true }, /was lost/],
  ['leaves the list before it holds the lock', 'stay until the lock is held', { asleep: 2, deaths: 1 }, /was lost/],
  ['who is late keeps the notification', 'pass on when giving up', { asleep: 2, timeouts: 1 }, /was lost/],
  ['who gives up keeps the notification', 'pass on when giving up', { asleep: 2, impatient: [0] }, /was lost/],
  [
    'who gives up leaves, then passes it on, and dies in between',
    'pass on before leaving',
    { asleep: 2, impatient: [0], deaths: 1, killable: [0] },
    /was lost/,
  ],
  ['who is notified is not rung', 'ring who is notified', { asleep: 1 }, /though notified/],
  ['recovery drops the notification of the dead', 'recovery passes on', { asleep: 2, deaths: 1 }, /was lost/],
  [
    'recovery removes, then passes on, and dies in between',
    'recovery passes on before it removes',
    { asleep: 2, died: true, deaths: 1, reapers: 2, killable: [2] },
    /was lost/,
  ],
  ['recovery rings nobody', 'recovery rings everybody', { asleep: 1, deaths: 1, killable: [1] }, /though notified/],
]
for (const [title, without, options, why] of controls)
  test(`control: ${title}`, () => {
    breaks(conditionOf({ ...options, without }), why)
  })
