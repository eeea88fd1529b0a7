// Who does not wait, while others are in the middle of a change: getNowait() takes an item that is there, and putNowait() puts
// where there is room. This is the real Queue; what it uses of a session are the words, and one segment.
import { test } from 'node:test'
import { BODY } from '#src/arena/references.js'
import type { Session } from '#src/arena/session.js'
import { Adoption } from '#src/arena/shared-object.js'
import { BUSY, NONE } from '#src/arena/until.js'
import { LOG_WORDS, Log, type LogPlace } from '#src/channel/log.js'
import { Queue } from '#src/channel/queue.js'
import { EmptyError, FullError } from '#src/contract/errors.js'
import type { Words } from '#words'
import { fail, ghostAdd, type Scenario } from '../support/explore.ts'
import { breaks, bury, FREE_WORDS, holds, namesOf, seat, token } from './crew.ts'

const OBJECT = FREE_WORDS
const QUEUE = OBJECT + BODY
/** A block begins where a cache line does. */
const SEGMENT = Math.ceil((QUEUE + LOG_WORDS) / 16) * 16

function sessionOf(w: Words, slot: number): Session {
  const place: Pick<LogPlace, 'w' | 'me'> & { segment: object; allocator: object } = {
    w,
    me: token(slot),
    segment: { words: w, wordsAt: () => w, indexOf: (address: number) => address / 4 },
    // one segment serves all items: nobody but init() takes it, nobody gives it back
    allocator: { allocate: () => SEGMENT * 4, owner: () => 0, swapOwner: () => true },
  }
  return { ...place, slot, sleeper: { forget() {} }, keep() {} } as unknown as Session
}

type QueueClass = new (adoption: Adoption) => Queue<number>

/** As it was: the first answer counts. */
class Hasty extends Queue<number> {
  override getNowait(): number {
    const got = this.tryGet()
    if (got === NONE || got === BUSY) throw new EmptyError('empty')
    return got
  }
}

interface Options {
  getters?: number
  putters?: number
  /** Items that are there from the start. */
  items: number
  maxsize?: number
  deaths?: number
  without?: QueueClass
}

function queueOf({ getters = 0, putters = 0, items, maxsize = 0, deaths = 0, without = Queue }: Options): Scenario {
  const everybody = [...Array(getters + putters).keys()]
  const queueIn = (w: Words, me: number) => new without(new Adoption(sessionOf(w, me), OBJECT * 4))

  const getter = (w: Words, me: number) => {
    let item: number
    try {
      item = queueIn(w, me).getNowait()
    } catch (error) {
      if (error instanceof EmptyError) fail('getNowait() found nothing, and there is an item')
      throw error
    }
    ghostAdd(item, 1)
  }
  const putter = (w: Words, me: number) => {
    try {
      queueIn(w, me).putNowait(items + me - getters)
    } catch (error) {
      if (error instanceof FullError) fail('putNowait() found no room, and there is some')
      throw error
    }
  }
  return {
    size: SEGMENT + 256,
    ghosts: items + putters, // how often each item was taken
    bodies: [...Array(getters).fill(getter), ...Array(putters).fill(putter)],
    deaths,
    init(w) {
      seat(w, everybody)
      Log.initialise(w, QUEUE, maxsize)
      for (let item = 0; item < items; item++) queueIn(w, 0).putNowait(item)
    },
    onDeath: (w, p) => bury(w, p),
    invariant: (_, ghosts) => (ghosts.some(times => times > 1) ? 'an item was taken twice' : undefined),
    final(w, { dead, ghosts }) {
      const left = items + putters - ghosts.reduce((sum, times) => sum + times, 0)
      const size = queueIn(w, 0).qsize()
      return size <= left && size >= left - dead.length ? undefined : `${left} items were not taken, ${size} are there`
    },
    names: {
      ...namesOf(everybody),
      [QUEUE + 16]: 'putLatch',
      [QUEUE + 17]: 'tail',
      [QUEUE + 32]: 'getLatch',
      [QUEUE + 33]: 'head',
    },
  }
}

const promises: [title: string, Options][] = [
  ['Queue.getNowait() while another takes an item takes one too', { getters: 2, items: 2 }],
  [
    'Queue.getNowait() takes an item, also when another is killed in the middle of a get',
    { getters: 2, items: 2, deaths: 1 },
  ],
  ['Queue.putNowait() while another puts an item puts one too', { putters: 2, items: 1 }],
  ['Queue.putNowait() puts where there is room for both, while another puts', { putters: 2, items: 1, maxsize: 3 }],
  ['Queue.putNowait() puts, also when another is killed in the middle of a put', { putters: 2, items: 1, deaths: 1 }],
  ['Queue.getNowait() and putNowait() beside each other', { getters: 1, putters: 1, items: 1, maxsize: 2 }],
]
for (const [title, options] of promises)
  test(title, t => {
    const { states, ends } = holds(queueOf(options))
    t.diagnostic(`${states} states, ${ends} ends`)
  })

test('control: a getNowait() that takes a change under way for an answer', t => {
  t.diagnostic(`${breaks(queueOf({ getters: 2, items: 2, without: Hasty }), /found nothing, and there is/).why}`)
})
