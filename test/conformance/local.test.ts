// Every suite on objects in shared memory, with children started by spawn.
import { Event, Lock, Process, Queue, RLock, Value } from 'multiproc'
import { check } from '#src/arena/check.js'
import { AWAKE } from '#src/arena/doorbell.js'
import { HEADER, SLOT, slotAt, UNIT } from '#src/arena/layout.js'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { eventSuite } from './event.ts'
import type { Except, Implementation } from './implementation.ts'
import { lockSuite } from './lock.ts'
import { queueSuite } from './queue.ts'
import { rlockSuite } from './rlock.ts'
import { valueSuite } from './value.ts'

const spawn: Implementation = {
  name: 'spawn',
  queue: options => new Queue(options),
  lock: () => new Lock(),
  rlock: () => new RLock(),
  event: () => new Event(),
  value: (...args) => new Value(...args),
  process: options => new Process(options),
  isAsleep({ pid }) {
    const { w } = currentSession()
    const it = participants(w).find(one => one.alive && one.pid === pid)
    return it !== undefined && Atomics.load(w, slotAt(it.slot) + SLOT.asleep) !== AWAKE
  },
  impossible: () => check(currentSession()),
  memoryUsed: () => Atomics.load(currentSession().w, HEADER.usedUnits) * UNIT,
  memoryStep: UNIT,
}

const noTextForm: Except['why'] = 'util.inspect shows the inside of the handle so far'

queueSuite(spawn)
lockSuite(spawn, [{ test: 'TestLock.test_repr_lock — the text form names the holder', why: noTextForm }])
rlockSuite(spawn, [{ test: 'TestLock.test_repr_rlock — the text form names the holder and how often it holds', why: noTextForm }])
eventSuite(spawn, [{ test: 'TestEvent.test_repr — the text form says whether it is set', why: noTextForm }])
valueSuite(spawn)
