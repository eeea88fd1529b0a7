// The stack is full in the middle of an operation: an error that nobody can prevent, and that a program may catch.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Barrier, Condition, JoinableQueue, Lock, Queue, RawArray, registerClass, Semaphore } from 'multiproc'
import { check } from '#src/arena/check.js'
import { HEADER } from '#src/arena/layout.js'
import { bodyAt, objectAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { LETTERS_LATCH } from '#src/channel/lease-chain.js'
import { Log } from '#src/channel/log.js'
import { noteArrival } from '#src/os/garbage.js'
import { Parties } from '#src/sync/parties.js'
import { Permits } from '#src/sync/permits.js'
import { and, load, poke, store } from '#words'
import { collectAll } from '../support/collect-all.ts'

/** How many calls deep the search for the end of the stack goes at a time, and how far from there every depth is tried. */
const STEP = 50
const NEAR = 60
/** By how many words the frames of one attempt lie lower than those of another: in all by one frame. */
const SHIFTS = [0, 2, 4, 6, 8, 10, 12, 14]

/** Calls `fn` with the stack full at every moment in it, and `then` after each time. */
function withFullStack(fn: () => void, then: () => void = () => {}): void {
  const down = (depth: number): void => (depth === 0 ? fn() : down(depth - 1))
  const shifted = (depth: number, ..._shift: number[]) => down(depth)
  const overflows = (depth: number, shift = 0): boolean => {
    try {
      shifted(depth, ...Array<number>(shift).fill(0))
      return false
    } catch {
      return true // also what such an error has become
    } finally {
      then()
    }
  }
  let deepest = STEP
  while (!overflows(deepest)) deepest += STEP
  while (overflows(deepest)) deepest--
  assert.ok(deepest > STEP, 'it fails where there is stack enough')
  for (let depth = deepest; depth <= deepest + NEAR; depth++) {
    for (const shift of SHIFTS) overflows(depth, shift)
  }
}

for (const [what, item] of Object.entries({ number: 2, object: { list: [1, { text: 'some' }], at: new Date(0) } })) {
  test(`Queue.putNowait() and getNowait() of a ${what} whose stack is full leave the queue to the others as it was`, () => {
    const queue = new Queue()
    const exchange = () => {
      queue.putNowait(item)
      queue.getNowait()
    }
    for (let i = 0; i < STEP; i++) exchange()
    withFullStack(exchange)
    while (queue.qsize() > 0) assert.deepEqual(queue.getNowait(), item)
    exchange()
    assert.deepEqual(check(currentSession()), [])
    queue.close()
  })
}

const blocks = (): number => currentSession().allocator.blocks().length

interface Subject {
  act(): void
  /** The word of the latch that it takes. */
  latch(): number
  /** Afterwards it is as before. */
  renew(): void
  close(): void
}

let readable = true

class Unreadable {}
registerClass(Unreadable, {
  name: 'test.full-stack',
  pack: () => null,
  unpack() {
    if (!readable) throw new Error()
    return new Unreadable()
  },
})

/** Of the latches of a queue one that names this participant, or 0. */
function latchOf(queue: Queue<unknown>): number {
  const session = currentSession()
  const { w, at } = bodyAt(session, queue.address)
  return new Log(session, w, at).latches().find(holder => holder === session.me) ?? 0
}

/** A queue each of whose items is a dead letter once it was taken by somebody who cannot unpack it. */
function ofLetters(take: boolean): Subject {
  const queue = new JoinableQueue<unknown>({ maxDeliveries: 1 })
  const { w, at } = bodyAt(currentSession(), queue.address)
  const renew = () => {
    if (queue.deadLetters().length > 0) return
    queue.putNowait(new Unreadable())
    readable = false
    assert.throws(() => queue.getNowait(), /test.full-stack/)
    readable = true
  }
  renew()
  return {
    act: () => queue.deadLetters({ take }),
    latch: () => load(w, at + LETTERS_LATCH),
    renew,
    close: () => queue.close(),
  }
}

const subjects: Record<string, () => Subject> = {
  'Queue.putNowait()': () => {
    const queue = new Queue<unknown>()
    return {
      act: () => queue.putNowait(2),
      latch: () => latchOf(queue),
      renew() {
        while (!queue.empty()) queue.getNowait()
      },
      close: () => queue.close(),
    }
  },
  'Queue.getNowait()': () => {
    const queue = new Queue<unknown>()
    return {
      act: () => queue.getNowait(),
      latch: () => latchOf(queue),
      renew() {
        if (queue.empty()) queue.putNowait(2)
      },
      close: () => queue.close(),
    }
  },
  'Queue.shutdown()': () => {
    const queue = new Queue<unknown>()
    return { act: () => queue.shutdown(), latch: () => latchOf(queue), renew() {}, close: () => queue.close() }
  },
  'JoinableQueue.deadLetters()': () => ofLetters(false),
  'JoinableQueue.deadLetters({ take: true })': () => ofLetters(true),
  'Semaphore.acquireSync() and release()': () => {
    const semaphore = new Semaphore(2)
    const { w, at } = bodyAt(currentSession(), semaphore.address)
    return {
      act() {
        semaphore.acquireSync({ timeout: 0 })
        semaphore.release()
      },
      latch: () => new Permits(currentSession(), w, at).latch,
      renew() {
        while (semaphore.getValue() < 2) semaphore.release()
      },
      close: () => semaphore.close(),
    }
  },
  'Barrier.waitSync()': () => {
    const barrier = new Barrier(1)
    const { w, at } = bodyAt(currentSession(), barrier.address)
    return {
      act: () => barrier.waitSync({ timeout: 0 }),
      latch: () => new Parties(currentSession(), w, at).latch,
      renew: () => barrier.reset(),
      close: () => barrier.close(),
    }
  },
  'Lock.close()': () => {
    const locks = Array.from({ length: 5000 }, () => new Lock())
    return {
      act: () => locks[0].close(),
      latch: () => load(currentSession().w, HEADER.referencesLatch),
      renew() {
        locks.pop()?.close()
        locks.shift()
      },
      close() {
        for (const lock of locks) lock.close()
      },
    }
  },
}

for (const [what, make] of Object.entries(subjects)) {
  test(`${what}: others need not wait until whoever ran out of stack inside comes again`, () => {
    const { act, latch, renew, close } = make()
    const { me } = currentSession()
    for (let i = 0; i < STEP; i++) {
      renew()
      act()
    }
    renew()
    let held = 0
    withFullStack(act, () => {
      if (latch() === me) held++
      renew()
    })
    close()
    assert.equal(held, 0)
  })
}

test('a handle whose close() found no stack for it is dropped when it is collected', async () => {
  await collectAll()
  const session = currentSession()
  const before = blocks()
  const close = (): void => {
    const lock = new Lock()
    session.condemn = () => {
      throw new RangeError('Maximum call stack size exceeded')
    }
    try {
      assert.throws(() => lock.close(), RangeError)
    } finally {
      Reflect.deleteProperty(session, 'condemn')
    }
    assert.equal(lock.closed, true)
  }
  close()
  assert.equal(blocks(), before + 1)
  await collectAll()
  assert.equal(blocks(), before)
  assert.deepEqual(check(session), [])
})

test('an object that comes again after its close() found no stack has a new handle, which the old one does not drop', async () => {
  const session = currentSession()
  const carrier = new Queue<Lock>()
  const close = (): void => {
    const lock = new Lock()
    carrier.putNowait(lock)
    session.forget = () => {
      throw new RangeError('Maximum call stack size exceeded')
    }
    try {
      assert.throws(() => lock.close(), RangeError)
    } finally {
      Reflect.deleteProperty(session, 'forget')
    }
  }
  close()
  const again = carrier.getNowait()
  await collectAll()
  again.acquireSync({ timeout: 0 }).release()
  assert.deepEqual(check(session), [])
  again.close()
  carrier.close()
})

test('what somebody left referred to by nobody goes with the next look at the references, whoever comes and for whatever', async () => {
  await collectAll()
  const session = currentSession()
  const before = blocks()
  const lock = new Lock()
  const other = new Lock()
  // as whoever ended under the latch, between the last store and the claim
  const { w, at } = objectAt(session, lock.address)
  const HOLDERS = 2
  and(w, at + HOLDERS + (session.slot >>> 5), ~(1 << (session.slot & 31)))
  poke(w, at + 1, 1) // it was in a message, too
  session.forget(lock.address)
  store(session.w, HEADER.referencesLatch, session.slot + 1)
  const condition = new Condition(other) // refers to its lock: a look at the references
  assert.deepEqual(
    session.allocator.blocks().filter(({ address }) => address === lock.address),
    [],
  )
  for (const one of [condition, other]) one.close()
  await collectAll()
  assert.equal(blocks(), before)
})

function collectYoung(): void {
  noteArrival(4 * 2 ** 20)
  currentSession().collectYoung()
}

/** Each holds its index, and is the one that arrives when it is sent. */
function assertKnown(arrays: readonly Int32Array[]): void {
  const queue = new Queue<Int32Array>()
  arrays.forEach((array, i) => {
    assert.equal(array[0], i)
    queue.putNowait(array)
    assert.equal(queue.getNowait(), array, 'its handle is known')
  })
  assert.deepEqual(check(currentSession()), [])
  queue.close()
}

test('SharedArray in use: collectYoung() whose stack is full does not take it for gone', () => {
  const kept: Int32Array[] = []
  collectYoung()
  withFullStack(collectYoung, () => kept.push(new RawArray('i', [kept.length])))
  assertKnown(kept)
})

test('SharedArray that is made while the stack is full takes no other with it: collectYoung() goes on', () => {
  collectYoung()
  const kept: Int32Array[] = [new RawArray('i', [0])]
  withFullStack(
    () => new RawArray('i', 1),
    () => {
      collectYoung()
      kept.push(new RawArray('i', [kept.length])) // is young when the next one is made
    },
  )
  assertKnown(kept)
})
