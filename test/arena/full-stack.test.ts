// The stack is full in the middle of an operation: an error that nobody can prevent, and that a program may catch.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Barrier, Condition, Lock, Queue, Semaphore } from 'multiproc'
import { check } from '#src/arena/check.js'
import { HEADER } from '#src/arena/layout.js'
import { bodyAt, objectAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { collectGarbage } from '#src/os/garbage.js'
import { Parties } from '#src/sync/parties.js'
import { Permits } from '#src/sync/permits.js'
import { and, load, poke, store } from '#words'

/** How many calls deep the search for the end of the stack goes at a time, and how far before it every depth is tried. */
const STEP = 50
const NEAR = 120
/** Words by which the frames of one attempt lie lower than those of another. */
const SHIFTS = 16

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
  for (let depth = deepest - NEAR; depth <= deepest; depth++) {
    for (let shift = 0; shift < SHIFTS; shift++) overflows(depth, shift)
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

async function collect(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    collectGarbage()
    await setImmediate() // finalizers have their own turn
  }
}

interface Subject {
  act(): void
  /** The word of the latch that it takes. */
  latch(): number
  /** Afterwards it is as before. */
  renew(): void
  close(): void
}

const subjects: Record<string, () => Subject> = {
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
    for (let i = 0; i < STEP; i++) act()
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
  await collect()
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
  await collect()
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
  await collect()
  again.acquireSync({ timeout: 0 }).release()
  assert.deepEqual(check(session), [])
  again.close()
  carrier.close()
})

test('what somebody left referred to by nobody goes with the next look at the references, whoever comes and for whatever', async () => {
  await collect()
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
  await collect()
  assert.equal(blocks(), before)
})
