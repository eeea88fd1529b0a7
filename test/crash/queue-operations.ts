// What is done to a Queue while its process is killed at each access.
import assert from 'node:assert/strict'
import { Event, Lock, Queue } from 'multiproc'
import { holdersOf } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { type Legacy, type Operation, type Outcome, pattern, stock } from './operation.js'

const TEN_KB = 10_000
const RUN = 1_200_000
/** Leaves no room in the first segment of a queue, not even for the address of a block. */
const FULL = 'x'.repeat(1004)

/** All that is in the queue, in order. */
function drained(queue: Queue): unknown[] {
  const items: unknown[] = []
  while (queue.qsize() > 0) items.push(queue.getNowait())
  assert.throws(() => queue.getNowait(), { name: 'EmptyError' })
  return items
}

/** The queue holds `before`, then perhaps `item`, and works: what is put now comes last. */
function putOrNot(queue: Queue, before: unknown[], item: unknown): Outcome {
  const size = queue.qsize()
  queue.putNowait('later')
  assert.equal(queue.qsize(), size + 1)
  const items = drained(queue)
  const there = items.length === before.length + 2
  assert.deepEqual(items, there ? [...before, item, 'later'] : [...before, 'later'])
  queue.putNowait(1)
  assert.equal(queue.getNowait(), 1)
  return there ? 'after' : 'before'
}

/** The queue holds perhaps `item`, and then `rest`. */
function takenOrNot(queue: Queue, item: unknown, rest: unknown[]): Outcome {
  queue.putNowait('later')
  const items = drained(queue)
  const there = items.length === rest.length + 2
  assert.deepEqual(items, there ? [item, ...rest, 'later'] : [...rest, 'later'])
  return there ? 'before' : 'after'
}

function filled<T>(items: readonly T[], options?: number): Queue<any> {
  const queue = new Queue<any>(options)
  for (const item of items) queue.putNowait(item)
  return queue
}

/** The first segment of a queue (1 KiB) holds one of these, the next one four. */
const [LONG, LONGER] = ['x'.repeat(1000), 'y'.repeat(1000)]

function put(item: unknown, before: unknown[], sizes: number[]): Operation {
  return {
    prepare: () => ({ queue: filled(before) }),
    ready: () => stock(...sizes),
    act: ({ queue }) => queue.putNowait(item),
    verify: ({ queue }) => putOrNot(queue, before, item),
  }
}

function get(item: unknown, rest: unknown[]): Operation {
  return {
    prepare: () => ({ queue: filled([item, ...rest]) }),
    act: ({ queue }) => assert.deepEqual(queue.getNowait(), item),
    verify: ({ queue }) => takenOrNot(queue, item, rest),
  }
}

/** How many of the items that end in a handle on `carried` are there; each works. */
function carriers(queue: Queue, carried: Lock): number {
  queue.putNowait('later')
  const items = drained(queue)
  assert.equal(items.pop(), 'later')
  for (const item of items) {
    const { n, lock } = item as { n: number; lock: Lock }
    assert.equal(n, 7)
    assert.equal(lock, carried) // the handle that this process has on it
    lock.acquireSync({ timeout: 0 }).release()
  }
  return items.length
}

export const queueOperations: Record<string, Operation> = {
  'Queue.putNowait() of a small item': put({ n: 1 }, ['a', 'b'], []),
  'Queue.putNowait() of 3 KB': put('x'.repeat(3000), ['a'], [1024, 4096]),
  'Queue.putNowait() into an empty queue, which needs its first segment': put('first', [], [1024]),
  'Queue.putNowait() that needs another segment': put(LONGER, [LONG], [4096]),
  'Queue.putNowait() of 10 KB, in a block of its own': put(pattern(TEN_KB), ['a'], [TEN_KB + 100]),
  'Queue.putNowait() of 1.2 MB, in a run of units': put(pattern(RUN), ['a'], []),
  'Queue.putNowait() of a lock': {
    prepare: () => ({ queue: new Queue(), lock: new Lock() }),
    ready: () => stock(1024, 128),
    act: ({ queue, lock }) => queue.putNowait({ n: 7, lock }),
    verify: ({ queue, lock }) => (carriers(queue, lock) === 1 ? 'after' : 'before'),
  },
  'Queue.putNowait() while consumers sleep': {
    prepare: () => ({ queue: new Queue() }),
    ready: () => stock(1024),
    act: ({ queue }) => queue.putNowait('new'),
    asleep: ({ queue }) => [
      { what: 'get', object: queue, blocking: true },
      { what: 'get', object: queue, blocking: false },
    ],
    async verify({ queue }, answer) {
      queue.putNowait('late')
      queue.putNowait('later')
      const items = [await answer(0), await answer(1), ...drained(queue)].sort()
      if (items.length === 2) assert.deepEqual(items, ['late', 'later'])
      else assert.deepEqual(items, ['late', 'later', 'new'])
      return items.length === 2 ? 'before' : 'after'
    },
  },
  'Queue.getNowait() of a small item': get({ n: 1 }, ['b']),
  'Queue.getNowait() of the last item': get('only', []),
  'Queue.getNowait() that frees a segment': {
    prepare: () => {
      const queue = filled([LONG, LONGER, 'b'])
      queue.getNowait()
      return { queue }
    },
    act: ({ queue }) => assert.equal(queue.getNowait(), LONGER),
    verify: ({ queue }) => takenOrNot(queue, LONGER, ['b']),
  },
  'Queue.getNowait() of 10 KB, in a block of its own': get(pattern(TEN_KB), ['b']),
  'Queue.getNowait() of 1.2 MB, in a run of units': get(pattern(RUN), ['b']),
  'Queue.getNowait() of a lock': {
    prepare: () => {
      const lock = new Lock()
      return { queue: filled([{ n: 7, lock }]), lock }
    },
    act: ({ queue }) => queue.getNowait(),
    verify: ({ queue, lock }) => (carriers(queue, lock) === 1 ? 'before' : 'after'),
  },
  'Queue.getNowait() of a lock that nobody else has': {
    prepare: () => {
      const lock = new Lock()
      const queue = filled([{ n: 7, lock }])
      lock.close()
      return { queue }
    },
    act: ({ queue }) => queue.getNowait(),
    verify: ({ queue }) => {
      if (queue.qsize() === 0) return 'after'
      const { n, lock } = queue.getNowait()
      assert.equal(n, 7)
      lock.acquireSync({ timeout: 0 }).release()
      lock.close()
      return 'before'
    },
  },
  'Queue.getNowait() while a producer sleeps': {
    prepare: () => ({ queue: filled(['a'], 1) }),
    act: ({ queue }) => queue.getNowait(),
    asleep: ({ queue }) => [{ what: 'put', object: queue, blocking: true }],
    async verify({ queue }, answer) {
      const first = await queue.get({ timeout: 60_000 })
      if (first === 'a') assert.equal(await queue.get({ timeout: 60_000 }), 'slept')
      else assert.equal(first, 'slept')
      assert.equal(await answer(0), 'done')
      return first === 'a' ? 'before' : 'after'
    },
  },
  'Queue.shutdown({ immediate: true })': {
    prepare: () => {
      const lock = new Lock()
      return { queue: filled(['a', pattern(TEN_KB), { n: 7, lock }, 'b']), lock }
    },
    act: ({ queue }) => queue.shutdown({ immediate: true }),
    verify: ({ queue, lock }) => {
      let outcome: Outcome = 'after'
      try {
        queue.putNowait('c')
        outcome = 'before'
      } catch (error) {
        assert.equal((error as Error).name, 'ShutDownError')
      }
      if (outcome === 'before') assert.deepEqual(drained(queue), ['a', pattern(TEN_KB), { n: 7, lock }, 'b', 'c'])
      else {
        assert.throws(() => queue.getNowait(), { name: 'ShutDownError' })
        assert.equal(holdersOf(currentSession(), lock.address).inFlight, 0) // whoever comes has dropped what was left
      }
      return outcome
    },
  },
  'Queue.shutdown() while a consumer sleeps': {
    prepare: () => ({ queue: new Queue() }),
    act: ({ queue }) => queue.shutdown(),
    asleep: ({ queue }) => [
      { what: 'get', object: queue, blocking: true },
      { what: 'get', object: queue, blocking: false },
    ],
    async verify({ queue }, answer) {
      let outcome: Outcome = 'after'
      try {
        queue.putNowait('c')
        queue.putNowait('c')
        outcome = 'before'
      } catch (error) {
        assert.equal((error as Error).name, 'ShutDownError')
      }
      for (const n of [0, 1]) assert.equal(await answer(n), outcome === 'before' ? 'c' : 'ShutDownError')
      return outcome
    },
  },
  'making, filling and closing a Queue': {
    traceless: true,
    prepare: () => ({ lock: new Lock() }),
    ready: () => stock(128, 256, 512, 768, 1024),
    act: ({ lock }) => {
      const queue = new Queue<unknown>()
      queue.putNowait({ lock })
      queue.close()
    },
    verify: ({ lock }) => {
      lock.acquireSync({ timeout: 0 }).release()
      return 'before'
    },
  },
  'closing the last handle on a Queue with a Queue in it': {
    traceless: true,
    prepare: () => ({}),
    ready: () => {
      const outer = new Queue()
      const inner = new Queue()
      inner.putNowait(pattern(TEN_KB))
      outer.putNowait('a')
      outer.putNowait({ inner, lock: new Lock() })
      inner.close()
      return outer
    },
    act: (_, outer) => outer.close(),
    verify: () => 'before',
  },
}

export const queueLegacies: Record<string, Legacy> = {
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
}
