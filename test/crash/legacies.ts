// What somebody leaves behind who dies in the middle of something, for those who come upon it and may die of that in turn.
import assert from 'node:assert/strict'
import { Event, Lock, Queue } from 'multiproc'
import { currentSession } from '#src/arena/session.js'
import { type Operation, pattern } from './operations.js'
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
}

function allocate(): void {
  currentSession().allocator.allocate(1_200_000)
}
