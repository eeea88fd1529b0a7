// Every suite on objects in shared memory, with children started by spawn.
import { Barrier, BoundedSemaphore, Event, Lock, Process, Queue, RLock, Semaphore, Value } from 'multiproc'
import { check } from '#src/arena/check.js'
import { AWAKE } from '#src/arena/doorbell.js'
import { HEADER, SLOT, slotAt, UNIT } from '#src/arena/layout.js'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { barrierSuite } from './barrier.ts'
import { eventSuite } from './event.ts'
import { idleSuite } from './idle.ts'
import type { Implementation } from './implementation.ts'
import { lockSuite } from './lock.ts'
import { queueSuite } from './queue.ts'
import { rlockSuite } from './rlock.ts'
import { boundedSemaphoreSuite, semaphoreSuite } from './semaphore.ts'
import { valueSuite } from './value.ts'

const spawn: Implementation = {
  name: 'spawn',
  queue: options => new Queue(options),
  lock: () => new Lock(),
  rlock: () => new RLock(),
  event: () => new Event(),
  semaphore: (value, options) => new Semaphore(value, options),
  boundedSemaphore: (value, options) => new BoundedSemaphore(value, options),
  barrier: (parties, options) => new Barrier(parties, options),
  value: (type, initial, options) => new Value(type, initial, options),
  process: options => new Process(options),
  isAsleep: child => (wordOf(child, SLOT.asleep) ?? AWAKE) !== AWAKE,
  isRung: child => wordOf(child, SLOT.rung) === 1,
  impossible: () => check(currentSession()),
  memoryUsed: () => Atomics.load(currentSession().w, HEADER.usedUnits) * UNIT,
  memoryStep: UNIT,
}

/** A word of the child's slot; nothing while it has none. */
function wordOf({ pid }: Process, word: number): number | undefined {
  const { w } = currentSession()
  const it = participants(w).find(one => one.alive && one.pid === pid)
  return it && Atomics.load(w, slotAt(it.slot) + word)
}

queueSuite(spawn)
lockSuite(spawn)
rlockSuite(spawn)
eventSuite(spawn)
semaphoreSuite(spawn)
boundedSemaphoreSuite(spawn)
barrierSuite(spawn)
valueSuite(spawn)
idleSuite(spawn)
