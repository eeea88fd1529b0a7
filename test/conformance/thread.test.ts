// Every suite on objects in shared memory, with children that are threads of this process.
import { Event, Lock, Process, Queue, RLock, setStartMethod, Value } from 'multiproc'
import { check } from '#src/arena/check.js'
import { AWAKE } from '#src/arena/doorbell.js'
import { HEADER, SLOT, slotAt, UNIT } from '#src/arena/layout.js'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { eventSuite } from './event.ts'
import { idleSuite } from './idle.ts'
import type { Implementation } from './implementation.ts'
import { lockSuite } from './lock.ts'
import { queueSuite } from './queue.ts'
import { rlockSuite } from './rlock.ts'
import { valueSuite } from './value.ts'

setStartMethod('thread')

const thread: Implementation = {
  name: 'thread',
  queue: options => new Queue(options),
  lock: () => new Lock(),
  rlock: () => new RLock(),
  event: () => new Event(),
  value: (type, initial, options) => new Value(type, initial, options),
  process: options => new Process(options),
  isAsleep: child => (wordOf(child, SLOT.asleep) ?? AWAKE) !== AWAKE,
  rungBy: async (children, change) => {
    // a single thread cannot be stopped: so it is not the rung word that is looked at, but who writes it
    const words = children.map(child => slotAt(slotOf(child)!) + SLOT.rung)
    const rung = new Set<number>()
    const { exchange } = Atomics
    Atomics.exchange = ((w: Int32Array, i: number, value: number) => {
      if (w === currentSession().w && value === 1) rung.add(i)
      return exchange(w, i, value)
    }) as typeof exchange
    try {
      change()
    } finally {
      Atomics.exchange = exchange
    }
    return words.map(word => rung.has(word))
  },
  task: child => `/proc/self/task/${threadOf(child)}`,
  deathCode: 9,
  impossible: () => check(currentSession()),
  memoryUsed: () => Atomics.load(currentSession().w, HEADER.usedUnits) * UNIT,
  memoryStep: UNIT,
}

/** All threads have the pid of their process; the names given by default are different. */
const slotOf = ({ name }: Process): number | undefined =>
  participants(currentSession().w).find(one => one.alive && one.name === name)?.slot

/** A word of the child's slot; nothing while it has none. */
function wordOf(child: Process, word: number): number | undefined {
  const slot = slotOf(child)
  return slot === undefined ? undefined : Atomics.load(currentSession().w, slotAt(slot) + word)
}

/** The kernel's number for the thread, by which its mutex names it. */
function threadOf(child: Process): number {
  return wordOf(child, SLOT.mutex + wordOf(child, SLOT.liveness)!)! & 0x3fffffff
}

queueSuite(thread)
lockSuite(thread)
rlockSuite(thread)
eventSuite(thread)
valueSuite(thread)
idleSuite(thread)
