// Every operation that is killed at each of its accesses: what it works on, how it is done, and what must be true afterwards.
// The name says what is done and, where it matters, on what. Imported by the parent, which prepares and verifies, and by the child, which acts and dies.
import assert from 'node:assert/strict'
import { Event, Lock, Process, Queue, Value } from 'multiproc'
import { leave } from '#src/arena/latch.js'
import { HEADER } from '#src/arena/layout.js'
import { holdersOf } from '#src/arena/references.js'
import { guard } from '#src/arena/runs.js'
import { currentSession } from '#src/arena/session.js'
import { peek, poke } from '../support/words.crash.js'
import { conditionOperations } from './condition-operations.js'
import { connectionOperations } from './connection-operations.js'
import { joinableQueueOperations } from './joinable-queue-operations.js'
import { memoryOperations } from './memory-operations.js'
import { semaphoreOperations } from './semaphore-operations.js'
import { shareOperations } from './share-operations.js'
import type { Sleeping } from './sleeper.js'

/** Where an operation stood when its process died: before its one commit or after it. */
export type Outcome = 'before' | 'after'

export interface Operation<S = any, R = any> {
  /** Nothing tells afterwards whether it was done: `verify` gives the same whenever the process died. */
  readonly traceless?: true
  /** In the parent: handles and plain values, given to the child. */
  prepare(): S
  /** In the child before it is armed. */
  ready?(given: S): R
  /** In the child, armed. */
  act(given: S, ready: R): void
  /** Others that wait for one of the objects while the child acts, each in a process of its own. */
  asleep?(given: S): readonly Sleeping[]
  /** In the parent, once the child is dead and recovered. `answer`: of those who were asleep, by their number. */
  verify(given: S, answer: (which: number) => Promise<unknown>): Outcome | Promise<Outcome>
}

const TEN_KB = 10_000
const RUN = 1_200_000
/** More than any hole between other runs. */
const LARGE = 20_000_000

/** Bytes of which each depends on its place, so that a torn item shows. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 7 + (i >>> 8)) & 255
  return bytes
}

/** Blocks of these sizes can be had without a new slab from here on. */
export function stock(...sizes: number[]): void {
  const { allocator } = currentSession()
  for (const block of sizes.map(size => allocator.allocate(size))) allocator.free(block)
}

/** The next search for a run begins at the beginning, as it does now and then. */
function rewind(): void {
  const { w, me } = currentSession()
  guard(w, me)
  poke(w, HEADER.nextUnit, peek(w, HEADER.firstUnit))
  leave(w, HEADER.allocatorLatch, me)
}

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

/** A lock that the child may have held: it can be taken, and says so if it was left behind. */
function leftBehind(lock: Lock): boolean {
  assert.equal(lock.locked(), false)
  assert.equal(lock.holder, null)
  const held = lock.tryAcquire()
  assert.ok(held)
  const { abandoned } = held
  held.release()
  const again = lock.tryAcquire()
  assert.equal(again?.abandoned, false)
  again?.release()
  return abandoned
}

export const operations: Record<string, Operation> = {
  ...conditionOperations,
  ...joinableQueueOperations,
  ...connectionOperations,
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
      const first = await queue.get({ timeout: 10_000 })
      if (first === 'a') assert.equal(await queue.get({ timeout: 10_000 }), 'slept')
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

  'Lock.acquireSync()': {
    prepare: () => ({ lock: new Lock() }),
    act: ({ lock }) => lock.acquireSync(),
    verify: ({ lock }) => (leftBehind(lock) ? 'after' : 'before'),
  },
  'Lock.acquireSync() that waits its time in vain': {
    traceless: true,
    prepare: () => {
      const lock = new Lock()
      lock.acquireSync()
      return { lock }
    },
    act: ({ lock }) => assert.throws(() => lock.acquireSync({ timeout: 1 }), { name: 'TimeoutError' }),
    verify: ({ lock }) => {
      assert.equal(lock.tryAcquire(), null)
      lock.release()
      assert.equal(leftBehind(lock), false)
      return 'before'
    },
  },
  'Lock.acquireSync() of a lock that a dead process held': {
    traceless: true,
    prepare: () => {
      const lock = new Lock()
      const holder = new Process({ target: holdForEver, args: [lock], stdio: 'ignore' })
      holder.start()
      holder.joinSync({ timeout: 20_000 })
      return { lock }
    },
    act: ({ lock }) => assert.equal(lock.acquireSync().abandoned, true),
    verify: ({ lock }) => {
      assert.equal(leftBehind(lock), true)
      return 'before'
    },
  },
  'Lock.release()': {
    prepare: () => ({ lock: new Lock() }),
    ready: ({ lock }) => lock.acquireSync(),
    act: (_, held) => held.release(),
    verify: ({ lock }) => (leftBehind(lock) ? 'before' : 'after'),
  },
  'Lock.release() while others sleep': {
    prepare: () => ({ lock: new Lock() }),
    ready: ({ lock }) => lock.acquireSync(),
    act: (_, held) => held.release(),
    asleep: ({ lock }) => [
      { what: 'acquire', object: lock, blocking: true },
      { what: 'acquire', object: lock, blocking: false },
    ],
    async verify({ lock }, answer) {
      const answers = [await answer(0), await answer(1)].sort()
      assert.ok(answers[0] === 'abandoned' || answers[0] === 'held')
      assert.equal(answers[1], 'held') // told to one of them
      assert.equal(leftBehind(lock), false)
      return answers[0] === 'abandoned' ? 'before' : 'after'
    },
  },
  'Event.set() while others sleep': {
    prepare: () => ({ event: new Event() }),
    act: ({ event }) => event.set(),
    asleep: ({ event }) => [
      { what: 'wait', object: event, blocking: true },
      { what: 'wait', object: event, blocking: false },
    ],
    async verify({ event }, answer) {
      const outcome = event.isSet() ? 'after' : 'before'
      if (outcome === 'before') event.set()
      for (const n of [0, 1]) assert.equal(await answer(n), 'done')
      return outcome
    },
  },

  'Event.clear()': {
    prepare: () => {
      const event = new Event()
      event.set()
      return { event }
    },
    act: ({ event }) => event.clear(),
    verify: ({ event }) => (event.isSet() ? 'before' : 'after'),
  },

  'Value.add()': {
    prepare: () => ({ value: new Value('i', 40) }),
    act: ({ value }) => value.add(2),
    verify: ({ value }) => {
      assert.equal(value.add(1), value.value)
      assert.ok(value.value === 43 || value.value === 41)
      return value.value === 43 ? 'after' : 'before'
    },
  },
  "Value.add() of a 'q'": {
    prepare: () => ({ value: new Value('q', 2n ** 40n - 1n) }),
    act: ({ value }) => value.add(2n ** 33n),
    verify: ({ value }) => {
      const now = value.value
      if (now === 2n ** 40n - 1n) return 'before'
      assert.equal(now, 2n ** 40n - 1n + 2n ** 33n)
      return 'after'
    },
  },
  'Value.update()': {
    prepare: () => ({ value: new Value('i', 40) }),
    act: ({ value }) => value.update((n: number) => n + 2),
    verify: ({ value }) => {
      const now = value.update((n: number) => n - 40)
      assert.ok(now === 2 || now === 0)
      return now === 2 ? 'after' : 'before'
    },
  },

  'allocating a run of units where freed ones lie side by side': {
    traceless: true,
    prepare: () => ({}),
    act: () => {
      const { allocator } = currentSession()
      for (const run of [allocator.allocate(LARGE), allocator.allocate(LARGE)]) allocator.free(run)
      rewind()
      allocator.allocate(LARGE)
    },
    verify: () => 'before',
  },
  'making and closing a Value with its lock': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(256, 512),
    act: () => new Value('i').close(),
    verify: () => 'before',
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
  ...shareOperations,

  'Process.start()': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(256, 512, 768, 1024, 1536),
    act: () => new Process({ target: nothing, stdio: 'ignore' }).start(),
    verify: () => 'before',
  },
  ...memoryOperations,
  ...semaphoreOperations,
}

export function nothing(): void {}

export function holdForEver(lock: Lock): void {
  lock.acquireSync()
}
