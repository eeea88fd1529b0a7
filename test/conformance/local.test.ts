// Every suite on objects in shared memory, with children started by spawn.
import { rmSync } from 'node:fs'
import {
  Event,
  Lock,
  Process,
  Queue,
  RawArray,
  RawValue,
  RLock,
  ShareableList,
  SharedArray,
  SharedMemory,
  Value,
} from 'multiproc'
import { check } from '#src/arena/check.js'
import { AWAKE } from '#src/arena/doorbell.js'
import { HEADER, SLOT, slotAt, UNIT } from '#src/arena/layout.js'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { collectGarbage } from '#src/os/garbage.js'
import { arraySuite } from './array.ts'
import { eventSuite } from './event.ts'
import { idleSuite } from './idle.ts'
import type { Implementation } from './implementation.ts'
import { lockSuite } from './lock.ts'
import { queueSuite } from './queue.ts'
import { rlockSuite } from './rlock.ts'
import { shareableListSuite } from './shareable-list.ts'
import { sharedMemorySuite } from './shared-memory.ts'
import { valueSuite } from './value.ts'

const spawn: Implementation = {
  name: 'spawn',
  queue: options => new Queue(options),
  lock: () => new Lock(),
  rlock: () => new RLock(),
  event: () => new Event(),
  value: (type, initial, options) => new Value(type, initial, options),
  rawValue: (type, initial) => new RawValue(type, initial),
  array: (type, sizeOrInitial, options) => new SharedArray(type, sizeOrInitial, options),
  rawArray: (type, sizeOrInitial, options) => new RawArray(type, sizeOrInitial, options),
  sharedMemory: options => new SharedMemory(options),
  shareableList: (items, options) => new ShareableList(items, options),
  process: options => new Process(options),
  isAsleep: child => (wordOf(child, SLOT.asleep) ?? AWAKE) !== AWAKE,
  isRung: child => wordOf(child, SLOT.rung) === 1,
  impossible: () => check(currentSession()),
  memoryUsed: () => Atomics.load(currentSession().w, HEADER.usedUnits) * UNIT,
  memoryStep: UNIT,
  async collect() {
    for (let round = 0; round < 3; round++) {
      collectGarbage()
      await new Promise(setImmediate) // finalizers have their own turn
    }
  },
  unlinkQuietly: name => rmSync(`/dev/shm/${name}`, { force: true }),
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
valueSuite(spawn)
arraySuite(spawn)
sharedMemorySuite(spawn)
shareableListSuite(spawn)
idleSuite(spawn)
