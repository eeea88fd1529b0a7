// What somebody leaves behind who dies in the middle of something, for those who come upon it and may die of that in turn.
import assert from 'node:assert/strict'
import { Event, JoinableQueue, Lock, Queue } from 'multiproc'
import { currentSession } from '#src/arena/session.js'
import { conditionLegacies } from './condition-operations.js'
import { type Operation, pattern } from './operations.js'
import { semaphoreLegacies } from './semaphore-operations.js'
import { shareLegacies } from './share-operations.js'

/** An operation, and the numbered step before which its process dies. */
export interface Legacy extends Operation {
  readonly step: string
  /** What the next one does before anybody dies. */
  settle?(): void
  /** What the next one does who comes upon it, in the operation's place; default: look for the dead. */
  inherit?(given: any): void
}

/** Leaves no room in the first segment of a queue, not even for the address of a block. */
const FULL = 'x'.repeat(1004)

export const legacies: Record<string, Legacy> = {
  ...shareLegacies,
  ...conditionLegacies,
  'a lock, a block, a handle and an item that was put but not handed over': {
    traceless: true,
    step: 'log.ts [P4]',
    prepare: () => {
      const queue = new Queue<unknown>()
      queue.putNowait(FULL)
      return { queue, carried: new Lock(), lock: new Lock() }
    },
    ready: ({ lock }) => {
      lock.acquireSync()
      currentSession().allocator.allocate(10_000)
      return new Event() // nobody else's
    },
    act: ({ queue, carried }) => queue.putNowait({ n: 7, carried, bytes: pattern(10_000) }),
    verify: ({ queue, carried, lock }) => {
      queue.putNowait('later')
      assert.equal(queue.qsize(), 3)
      assert.deepEqual(
        [queue.getNowait(), queue.getNowait(), queue.getNowait()],
        [FULL, { n: 7, carried, bytes: pattern(10_000) }, 'later'],
      )
      carried.acquireSync({ timeout: 0 }).release()
      assert.equal(lock.locked(), false)
      const held = lock.acquireSync({ timeout: 0 })
      assert.equal(held.abandoned, true)
      held.release()
      return 'after'
    },
  },
  'an item in hand, and one that is being taken, under the latch of the leases': {
    traceless: true,
    step: 'leases.ts [T1]',
    prepare: () => {
      const queue = new JoinableQueue<string>()
      for (const item of ['a', 'b', 'c']) queue.putNowait(item)
      return { queue }
    },
    ready: ({ queue }) => queue.getNowait(),
    act: ({ queue }) => queue.getNowait(),
    verify: ({ queue }) => {
      const leases = [0, 1, 2].map(() => queue.leaseSync({ timeout: 0 }))
      assert.deepEqual(
        leases.map(({ item, deliveries }) => [item, deliveries]),
        [
          ['a', 2],
          ['b', 2],
          ['c', 1],
        ],
      )
      for (const { done } of leases) done()
      queue.joinSync({ timeout: 0 })
      return 'after'
    },
  },
  'an item on the chain that the log still has, and items in hand that nobody is to get any more': {
    traceless: true,
    step: 'log.ts [C3]',
    prepare: () => {
      const [queue, dropped] = [new JoinableQueue<string>(), new JoinableQueue<string>()]
      for (const item of ['a', 'b']) queue.putNowait(item)
      for (const item of ['c', 'd']) dropped.putNowait(item)
      return { queue, dropped }
    },
    ready: ({ dropped }) => {
      dropped.getNowait()
      dropped.shutdown({ immediate: true })
    },
    act: ({ queue }) => queue.getNowait(),
    verify: ({ queue, dropped }) => {
      const leases = [0, 1].map(() => queue.leaseSync({ timeout: 0 }))
      assert.deepEqual(
        leases.map(({ item, deliveries }) => [item, deliveries]),
        [
          ['a', 1],
          ['b', 1],
        ],
      )
      for (const { done } of leases) done()
      dropped.joinSync({ timeout: 0 })
      assert.throws(() => dropped.taskDone(), RangeError)
      return 'after'
    },
  },
  'an item owned to be removed, and not removed': {
    traceless: true,
    step: 'lease-chain.ts [N4]',
    prepare: () => {
      const queue = new JoinableQueue<string>()
      queue.putNowait('a')
      return { queue }
    },
    ready: ({ queue }) => queue.getNowait(),
    act: ({ queue }) => queue.taskDone(),
    verify: ({ queue }) => {
      const { item, deliveries, done } = queue.leaseSync({ timeout: 0 })
      assert.deepEqual([item, deliveries], ['a', 2])
      done()
      return 'after'
    },
  },
  'a queue half taken apart': {
    traceless: true,
    prepare: () => ({}),
    ready: () => {
      const queue = new Queue<unknown>()
      queue.putNowait({ lock: new Lock() })
      return queue
    },
    act: (_, queue) => queue.close(),
    verify: () => 'before',
    step: 'log.ts [C3]',
  },
  'an item half opened, under the latch of the references': {
    traceless: true,
    prepare: () => {
      const lock = new Lock()
      const queue = new Queue<unknown>()
      queue.putNowait({ n: 7, lock })
      return { queue, lock, other: new Lock() }
    },
    act: ({ queue }) => queue.getNowait(),
    step: 'references.ts [F2]',
    inherit: ({ other }) => other.close(),
    verify: ({ queue, lock }) => {
      assert.equal(queue.qsize(), 0)
      lock.acquireSync({ timeout: 0 }).release()
      return 'after'
    },
  },
  'a run half taken, under the latch of the allocator': {
    traceless: true,
    prepare: () => ({}),
    act: () => allocate(),
    step: 'runs.ts [U3]',
    inherit: () => allocate(),
    verify: () => 'before',
  },
  ...semaphoreLegacies,
}

function allocate(): void {
  currentSession().allocator.allocate(1_200_000)
}
