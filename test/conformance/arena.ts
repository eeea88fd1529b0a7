// The objects in shared memory as they are made here, what can be seen of their memory, and every suite on them.
import { rmSync } from 'node:fs'
import { inspect } from 'node:util'
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Lock,
  Pipe,
  Process,
  Queue,
  RawArray,
  RawValue,
  RLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemory,
  SimpleQueue,
  Value,
} from 'multiproc'
import { AWAKE, check, collectGarbage, currentSession, HEADER, participants, SLOT, slotAt, UNIT } from '#inside'
import { until } from '../support/children.ts'
import { arraySuite } from './array.ts'
import { barrierSuite } from './barrier.ts'
import { conditionSuite } from './condition.ts'
import { connectionSuite } from './connection.ts'
import { eventSuite } from './event.ts'
import { idleSuite } from './idle.ts'
import { type Except, type Implementation, LIMIT } from './implementation.ts'
import { joinableQueueSuite } from './joinable-queue.ts'
import { lockSuite } from './lock.ts'
import { queueSuite } from './queue.ts'
import { rlockSuite } from './rlock.ts'
import { boundedSemaphoreSuite, semaphoreSuite } from './semaphore.ts'
import { shareableListSuite } from './shareable-list.ts'
import { sharedMemorySuite } from './shared-memory.ts'
import { simpleQueueSuite } from './simple-queue.ts'
import { stateOf } from './stat.ts'
import { valueSuite } from './value.ts'
import { waitSuite } from './wait.ts'

/** All of an implementation but how children are started and watched. */
export const objects = {
  queue: options => new Queue(options),
  joinableQueue: options => new JoinableQueue(options),
  simpleQueue: () => new SimpleQueue(),
  lock: () => new Lock(),
  rlock: () => new RLock(),
  event: () => new Event(),
  condition: lock => new Condition(lock),
  semaphore: (value, options) => new Semaphore(value, options),
  boundedSemaphore: (value, options) => new BoundedSemaphore(value, options),
  barrier: (parties, options) => new Barrier(parties, options),
  pipe: options => Pipe(options),
  value: (type, initial, options) => new Value(type, initial, options),
  rawValue: (type, initial) => new RawValue(type, initial),
  array: (type, sizeOrInitial, options) => new SharedArray(type, sizeOrInitial, options),
  rawArray: (type, sizeOrInitial, options) => new RawArray(type, sizeOrInitial, options),
  sharedMemory: options => new SharedMemory(options),
  shareableList: (items, options) => new ShareableList(items, options),
  process: options => new Process(options),
  isAsleep: child => (wordOf(child, SLOT.asleep) ?? AWAKE) !== AWAKE,
  isRung: child => wordOf(child, SLOT.rung) === 1,
  waitersOf: condition => Number(/waiting: (\d+)/.exec(inspect(condition))?.[1]),
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
} satisfies Partial<Implementation>

/** Children that are processes, however they are started. */
export const processes = (name: string): Implementation => ({
  ...objects,
  name,
  stop,
  async rungBy(children, change) {
    await Promise.all(children.map(stop))
    try {
      change()
      return children.map(child => wordOf(child, SLOT.rung) === 1)
    } finally {
      for (const { pid } of children) process.kill(pid!, 'SIGCONT')
    }
  },
  task: child => taskOf(child),
  deathCode: -9,
})

async function stop(child: Process): Promise<void> {
  process.kill(child.pid!, 'SIGSTOP')
  await until(() => stateOf(taskOf(child)) === 'T', LIMIT, `${child.name} to stand still`)
}

const taskOf = ({ pid }: Process): string => `/proc/${pid}`

/** A word of the child's slot; nothing while it has none. */
export function wordOf(child: Process, word: number): number | undefined {
  const slot = slotOf(child)
  return slot === undefined ? undefined : Atomics.load(currentSession().w, slotAt(slot) + word)
}

/** Threads have the pid of their process; the names given by default are different. */
export const slotOf = ({ name, pid }: Process): number | undefined =>
  participants(currentSession().w).find(one => one.alive && one.name === name && one.pid === pid)?.slot

const suites = {
  queue: queueSuite,
  joinableQueue: joinableQueueSuite,
  simpleQueue: simpleQueueSuite,
  lock: lockSuite,
  rlock: rlockSuite,
  event: eventSuite,
  condition: conditionSuite,
  semaphore: semaphoreSuite,
  boundedSemaphore: boundedSemaphoreSuite,
  barrier: barrierSuite,
  value: valueSuite,
  array: arraySuite,
  sharedMemory: sharedMemorySuite,
  shareableList: shareableListSuite,
  connection: connectionSuite,
  wait: waitSuite,
  idle: idleSuite,
}

type SuiteName = keyof typeof suites
type Part = 'channels' | 'locks' | 'memory'

/** All of them together take minutes: each part has a file of its own, for each way to start children. */
const parts: Record<SuiteName, Part> = {
  queue: 'channels',
  joinableQueue: 'channels',
  simpleQueue: 'channels',
  connection: 'channels',
  wait: 'channels',
  lock: 'locks',
  rlock: 'locks',
  event: 'locks',
  condition: 'locks',
  semaphore: 'locks',
  boundedSemaphore: 'locks',
  barrier: 'locks',
  value: 'memory',
  array: 'memory',
  sharedMemory: 'memory',
  shareableList: 'memory',
  idle: 'memory',
}

/** The suites of a part. */
export const suitesOf = (part: Part): SuiteName[] =>
  (Object.keys(parts) as SuiteName[]).filter(name => parts[name] === part)

/** Runs those that are named. `except`: by suite, what this implementation does not promise. */
export function everySuite(
  make: Implementation,
  except: { readonly [name in SuiteName]?: readonly Except[] },
  names: readonly SuiteName[],
): void {
  for (const name of names) suites[name](make, except[name])
}
