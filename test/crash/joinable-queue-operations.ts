// Operations on joinable queues that are killed at each of their accesses (operation.ts says how such a list is read).
import assert from 'node:assert/strict'
import { JoinableQueue, type JoinableQueueOptions, Lock } from 'multiproc'
import { holdersOf } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { ALL_DONE } from '#src/channel/lease-chain.js'
import { playFirst } from './actor.js'
import type { Legacy, Operation, Outcome } from './operation.js'

const LARGE = 'x'.repeat(10_000)

function filled(items: readonly unknown[], options?: number | JoinableQueueOptions) {
  const queue = new JoinableQueue<any>(options)
  for (const item of items) queue.putNowait(item)
  return queue
}

/** What is left, with how often it was delivered before; then all is done, and the queue works. */
function left(queue: JoinableQueue<any>): [item: unknown, before: number][] {
  const items: [unknown, number][] = []
  const size = queue.qsize()
  while (queue.qsize() > 0) {
    const { item, deliveries, done } = queue.leaseSync({ timeout: 0 })
    items.push([item, deliveries - 1])
    done()
  }
  assert.equal(items.length, size)
  assert.throws(() => queue.taskDone(), RangeError)
  queue.joinSync({ timeout: 0 })
  queue.putNowait('again')
  assert.throws(() => queue.joinSync({ timeout: 0 }), { name: 'TimeoutError' })
  assert.equal(queue.getNowait(), 'again')
  queue.taskDone()
  queue.joinSync({ timeout: 0 })
  return items
}

/** The item is there whoever has died; only its deliveries say whether it was taken. */
function takenOrNot(queue: JoinableQueue, item: unknown, rest: unknown[], before = 0): Outcome {
  const items = left(queue)
  assert.deepEqual(
    items.map(([one]) => one),
    [item, ...rest],
  )
  for (const [, deliveries] of items.slice(1)) assert.equal(deliveries, 0)
  assert.ok(items[0][1] === before || items[0][1] === before + 1)
  return items[0][1] === before ? 'before' : 'after'
}

function finishedOrNot(queue: JoinableQueue, item: unknown, rest: unknown[]): Outcome {
  const items = left(queue).map(([one]) => one)
  assert.deepEqual(items, items.length > rest.length ? [item, ...rest] : rest)
  return items.length > rest.length ? 'before' : 'after'
}

/** In a process that takes so many items and dies. */
export function takeAndDie(queue: JoinableQueue, count: number): void {
  for (let n = 0; n < count; n++) queue.getNowait()
  process.kill(process.pid, 'SIGKILL')
}

/** The first items were in the hands of one that died. */
function bereaved(items: readonly unknown[], count: number, options?: number | JoinableQueueOptions) {
  const queue = filled(items, options)
  playFirst({ part: 'takeAndDie', args: [queue, count] })
  return queue
}

export const joinableQueueOperations: Record<string, Operation> = {
  'JoinableQueue.putNowait()': {
    prepare: () => ({ queue: filled(['a']) }),
    ready: () => {
      const { allocator } = currentSession()
      allocator.free(allocator.allocate(128)) // can be had without a new slab
    },
    act: ({ queue }) => queue.putNowait('b'),
    verify: ({ queue }) => {
      const items = left(queue)
      assert.deepEqual(
        items,
        [
          ['a', 0],
          ['b', 0],
        ].slice(0, items.length),
      )
      return items.length === 1 ? 'before' : 'after'
    },
  },
  'JoinableQueue.getNowait()': {
    prepare: () => ({ queue: filled(['a', 'b', 'c']) }),
    ready: ({ queue }) => queue.getNowait(), // so that there is one in hand already
    act: ({ queue }) => assert.equal(queue.getNowait(), 'b'),
    verify: ({ queue }) => {
      const items = left(queue)
      assert.deepEqual(
        items.map(([item]) => item),
        ['a', 'b', 'c'],
      )
      assert.deepEqual([items[0][1], items[2][1]], [1, 0])
      return items[1][1] === 0 ? 'before' : 'after'
    },
  },
  'JoinableQueue.getNowait() of an item that was delivered before': {
    prepare: () => ({ queue: bereaved(['a', 'b', 'c'], 1) }),
    act: ({ queue }) => assert.equal(queue.getNowait(), 'a'),
    verify: ({ queue }) => takenOrNot(queue, 'a', ['b', 'c'], 1),
  },
  'JoinableQueue.getNowait() of a lock': {
    prepare: () => {
      const lock = new Lock()
      return { queue: filled([{ lock }]), lock }
    },
    act: ({ queue }) => queue.getNowait(),
    verify: ({ queue, lock }) => {
      assert.equal(holdersOf(currentSession(), lock.address).inFlight, 1)
      const { item, deliveries, done } = queue.leaseSync({ timeout: 0 })
      assert.equal(item.lock, lock)
      item.lock.acquireSync({ timeout: 0 }).release()
      done()
      queue.joinSync({ timeout: 0 })
      assert.equal(holdersOf(currentSession(), lock.address).inFlight, 0)
      return deliveries === 1 ? 'before' : 'after'
    },
  },
  'JoinableQueue.getNowait() of what came back, while a producer sleeps': {
    prepare: () => ({ queue: bereaved(['a'], 1, 1) }),
    act: ({ queue }) => queue.getNowait(),
    asleep: ({ queue }) => [{ what: 'put', object: queue, blocking: true }],
    async verify({ queue }, answer) {
      const { item, deliveries, done } = await queue.lease({ timeout: 60_000 })
      assert.equal(item, 'a')
      done()
      assert.equal(await queue.get({ timeout: 60_000 }), 'slept')
      queue.taskDone()
      assert.equal(await answer(0), 'done')
      assert.deepEqual(left(queue), [])
      return deliveries === 2 ? 'before' : 'after'
    },
  },
  'JoinableQueue.taskDone()': {
    prepare: () => ({ queue: filled(['a', 'b', 'c']) }),
    ready: ({ queue }) => queue.getMany(2),
    act: ({ queue }) => queue.taskDone(),
    verify: ({ queue }) => finishedOrNot(queue, 'a', ['b', 'c']),
  },
  'JoinableQueue.taskDone() of a lock that nobody else has': {
    prepare: () => {
      const lock = new Lock()
      const queue = filled([{ lock }])
      lock.close()
      return { queue }
    },
    ready: ({ queue }) => void queue.getNowait(),
    act: ({ queue }) => queue.taskDone(),
    verify: ({ queue }) => {
      if (queue.qsize() === 0) return 'after'
      const { lock } = queue.getNowait()
      lock.acquireSync({ timeout: 0 }).release()
      lock.close()
      queue.taskDone()
      return 'before'
    },
  },
  'JoinableQueue.taskDone() of what another has': {
    prepare: () => {
      const queue = filled(['a', 'b'])
      queue.getNowait()
      return { queue }
    },
    act: ({ queue }) => queue.taskDone(),
    verify: ({ queue }) => {
      let outcome: Outcome = 'before'
      try {
        queue.taskDone()
      } catch (error) {
        assert.ok(error instanceof RangeError)
        outcome = 'after'
      }
      assert.deepEqual(left(queue), [['b', 0]])
      return outcome
    },
  },
  'JoinableQueue.taskDone() of the last item while others join': {
    prepare: () => ({ queue: filled(['a']) }),
    ready: ({ queue }) => queue.getNowait(),
    act: ({ queue }) => queue.taskDone(),
    asleep: ({ queue }) => [
      { what: 'join', object: queue, blocking: true, set: ALL_DONE },
      { what: 'join', object: queue, blocking: false, set: ALL_DONE },
    ],
    async verify({ queue }, answer) {
      const outcome = queue.qsize() > 0 ? 'before' : 'after'
      left(queue)
      for (const n of [0, 1]) assert.equal(await answer(n), 'done')
      return outcome
    },
  },
  'Lease.done() of one in the middle': {
    prepare: () => ({ queue: filled(['a', 'b', 'c']) }),
    ready: ({ queue }) => ['a', 'b', 'c'].map(() => queue.leaseSync({ timeout: 0 })),
    act: (_, leases) => leases[1].done(),
    verify: ({ queue }) => {
      const items = left(queue).map(([item]) => item)
      assert.deepEqual(items, items.length === 3 ? ['a', 'b', 'c'] : ['a', 'c'])
      return items.length === 3 ? 'before' : 'after'
    },
  },
  'JoinableQueue.close() with items in hand': {
    traceless: true,
    prepare: () => ({ queue: filled(['a', 'b', 'c']) }),
    ready: ({ queue }) => [queue.getNowait(), queue.getNowait()],
    act: ({ queue }) => queue.close(),
    verify: ({ queue }) => {
      assert.deepEqual(left(queue), [
        ['a', 1],
        ['b', 1],
        ['c', 0],
      ])
      return 'before'
    },
  },
  'JoinableQueue.close() by the last that has a handle, with items in hand and a letter': {
    traceless: true,
    understudy: true,
    prepare: () => ({}),
    ready: () => {
      const queue = bereaved([{ lock: new Lock() }, 'b', 'c'], 1, { maxDeliveries: 1 })
      queue.getNowait()
      return queue
    },
    act: (_, queue) => queue.close(),
    verify: () => 'before',
  },
  'JoinableQueue.shutdown({ immediate: true }) with items in hand': {
    prepare: () => ({ queue: bereaved(['a', 'b', LARGE], 1) }),
    ready: ({ queue }) => {
      queue.getNowait()
      queue.getNowait()
    },
    act: ({ queue }) => queue.shutdown({ immediate: true }),
    verify: ({ queue }) => {
      try {
        queue.putNowait('d')
      } catch (error) {
        assert.equal((error as Error).name, 'ShutDownError')
        queue.joinSync({ timeout: 0 }) // its holder is gone
        assert.throws(() => queue.getNowait(), { name: 'ShutDownError' })
        assert.throws(() => queue.taskDone(), RangeError)
        return 'after'
      }
      assert.deepEqual(left(queue), [
        ['a', 2],
        ['b', 1],
        [LARGE, 0],
        ['d', 0],
      ])
      return 'before'
    },
  },
  'JoinableQueue.deadLetters({ take: true })': {
    traceless: true, // the letters go one by one
    prepare: () => ({ queue: bereaved(['a', LARGE, 'c'], 2, { maxDeliveries: 1 }) }),
    act: ({ queue }) => assert.deepEqual(queue.deadLetters({ take: true }), ['a', LARGE]),
    verify: ({ queue }) => {
      const letters = queue.deadLetters()
      assert.deepEqual(letters, letters.length === 2 ? ['a', LARGE] : letters.length === 1 ? [LARGE] : [])
      assert.deepEqual(left(queue), [['c', 0]])
      return 'before'
    },
  },
}

export const joinableQueueLegacies: Record<string, Legacy> = {
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
}
