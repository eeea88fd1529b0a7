// Semaphores and barriers, killed at each access: what they work on, how it is done, and what must be true afterwards.
import assert from 'node:assert/strict'
import { Barrier, BoundedSemaphore, Queue, Semaphore } from 'multiproc'
import { LEDGER_WORDS } from '#src/arena/ledger.js'
import { bodyAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { WAITERS as BARRIER_WAITERS } from '#src/sync/parties.js'
import { Permits, WAITERS as SEMAPHORE_WAITERS } from '#src/sync/permits.js'
import { poke } from '../support/words.crash.js'
import { type Legacy, type Operation, type Outcome, stock } from './operation.js'

/** A token that is nobody's. */
const STRANGER = (1 << 28) | 1024

const acquire = (object: Semaphore, blocking: boolean) => ({
  what: 'acquire',
  object,
  blocking,
  set: SEMAPHORE_WAITERS,
})
const wait = (object: Barrier, blocking: boolean) => ({ what: 'wait', object, blocking, set: BARRIER_WAITERS })

/** All permits are there, and can be had. */
function whole(semaphore: Semaphore, value: number): void {
  assert.equal(semaphore.getValue(), value)
  const held = Array.from({ length: value }, () => semaphore.acquireSync({ timeout: 0 }))
  assert.equal(semaphore.tryAcquire(), null)
  for (const one of held) one.release()
  assert.equal(semaphore.getValue(), value)
}

/** True: the release that makes it a signal is done. */
function isSignal(semaphore: Semaphore): boolean {
  const { w, at } = bodyAt(currentSession(), semaphore.address)
  return new Permits(currentSession(), w, at).isSignal
}

/** A barrier with one more block for cells: as if others had had the first few. */
function grown(): Barrier {
  const barrier = new Barrier(2)
  const { w, at } = bodyAt(currentSession(), barrier.address)
  const tokens = [0, 1, 2, 3].map(n => at + BARRIER_WAITERS - LEDGER_WORDS + 4 + 4 * n)
  for (const token of tokens) poke(w, token, STRANGER)
  assert.throws(() => barrier.waitSync({ timeout: 0 }), { name: 'BrokenBarrierError' })
  for (const token of tokens) poke(w, token, 0)
  return barrier
}

/** Works: all who come pass. */
async function works(barrier: Barrier, parties: number): Promise<void> {
  const all = await Promise.all(Array.from({ length: parties }, () => barrier.wait({ timeout: 60_000 })))
  assert.deepEqual(all.sort(), [...all.keys()])
}

/** Broken by the death, as it should be, and works again after a reset. */
async function brokenUntilReset(barrier: Barrier, parties: number): Promise<void> {
  assert.equal(barrier.broken, true)
  assert.throws(() => barrier.waitSync(), { name: 'BrokenBarrierError' })
  barrier.reset()
  await works(barrier, parties)
}

/** An action that every process finds. */
export function act(): void {}

export const semaphoreOperations: Record<string, Operation> = {
  'Semaphore.acquireSync()': {
    traceless: true, // a permit of the dead comes back
    prepare: () => ({ semaphore: new Semaphore(2) }),
    act: ({ semaphore }) => semaphore.acquireSync(),
    verify: ({ semaphore }) => {
      whole(semaphore, 2)
      return 'before'
    },
  },
  'Semaphore.acquireSync() of a signal': {
    prepare: () => ({ semaphore: new Semaphore(2, { recover: false }) }),
    act: ({ semaphore }) => semaphore.acquireSync(),
    verify: ({ semaphore }) => {
      const left = semaphore.getValue()
      whole(semaphore, left)
      assert.ok(left === 1 || left === 2)
      return left === 2 ? 'before' : 'after'
    },
  },
  'Semaphore.acquireSync() that waits its time in vain': {
    traceless: true,
    prepare: () => ({ semaphore: new Semaphore(0) }),
    act: ({ semaphore }) => assert.throws(() => semaphore.acquireSync({ timeout: 1 }), { name: 'TimeoutError' }),
    verify: ({ semaphore }) => {
      whole(semaphore, 0)
      return 'before'
    },
  },
  'Semaphore: a release of a permit of one’s own while others sleep': {
    traceless: true,
    prepare: () => ({ semaphore: new Semaphore(1) }),
    ready: ({ semaphore }) => semaphore.acquireSync(),
    act: (_, held) => held.release(),
    asleep: ({ semaphore }) => [acquire(semaphore, true), acquire(semaphore, false)],
    async verify({ semaphore }, answer): Promise<Outcome> {
      assert.deepEqual([await answer(0), await answer(1)], ['held', 'held'])
      whole(semaphore, 1)
      return 'before'
    },
  },
  'Semaphore.release() that makes it a signal, while others sleep': {
    prepare: () => ({ semaphore: new Semaphore(0) }),
    act: ({ semaphore }) => semaphore.release(2),
    asleep: ({ semaphore }) => [acquire(semaphore, true), acquire(semaphore, false)],
    async verify({ semaphore }, answer): Promise<Outcome> {
      const outcome: Outcome = isSignal(semaphore) ? 'after' : 'before'
      if (outcome === 'before') semaphore.release(2)
      assert.deepEqual([await answer(0), await answer(1)], ['held', 'held'])
      whole(semaphore, 2)
      return outcome
    },
  },
  'Semaphore.release() of a signal while one sleeps': {
    prepare: () => ({ semaphore: new Semaphore(0, { recover: false }) }),
    act: ({ semaphore }) => semaphore.release(3),
    asleep: ({ semaphore }) => [acquire(semaphore, true)],
    async verify({ semaphore }, answer): Promise<Outcome> {
      const outcome = semaphore.getValue() === 0 ? 'before' : 'after'
      if (outcome === 'before') semaphore.release()
      assert.equal(await answer(0), 'held')
      whole(semaphore, outcome === 'before' ? 1 : 3)
      return outcome
    },
  },
  'Semaphore.release() of new permits with recover: true': {
    prepare: () => ({ semaphore: new Semaphore(1, { recover: true }) }),
    ready: ({ semaphore }) => semaphore.acquireSync(),
    act: ({ semaphore }) => semaphore.release(3),
    verify: ({ semaphore }) => {
      const now = semaphore.getValue()
      whole(semaphore, now)
      assert.ok(now === 1 || now === 3)
      return now === 1 ? 'before' : 'after'
    },
  },
  'BoundedSemaphore.release() that is one too many': {
    traceless: true,
    prepare: () => ({ semaphore: new BoundedSemaphore(1) }),
    act: ({ semaphore }) => assert.throws(() => semaphore.release(), { name: 'ArgumentRangeError' }),
    verify: ({ semaphore }) => {
      whole(semaphore, 1)
      return 'before'
    },
  },
  'making a Semaphore, holding its permit, and closing it': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(512),
    act: () => {
      const semaphore = new Semaphore()
      semaphore.acquireSync()
      semaphore.close()
    },
    verify: () => 'before',
  },
  'closing a Semaphore whose permit it holds, while others sleep': {
    traceless: true,
    prepare: () => ({ semaphore: new Semaphore(1) }),
    ready: ({ semaphore }) => semaphore.acquireSync(),
    act: ({ semaphore }) => semaphore.close(),
    asleep: ({ semaphore }) => [acquire(semaphore, true), acquire(semaphore, false)],
    async verify({ semaphore }, answer): Promise<Outcome> {
      assert.deepEqual([await answer(0), await answer(1)], ['held', 'held'])
      whole(semaphore, 1)
      return 'before'
    },
  },

  'Barrier.waitSync() of the last to arrive while others sleep': {
    prepare: () => ({ barrier: new Barrier(3) }),
    act: ({ barrier }) => barrier.waitSync(),
    asleep: ({ barrier }) => [wait(barrier, true), wait(barrier, false)],
    async verify({ barrier }, answer): Promise<Outcome> {
      // one that never was known to the barrier leaves it as it was: then this process takes its place
      const there = barrier.broken ? undefined : expected(barrier.wait({ timeout: 60_000 }))
      const answers = [await answer(0), await answer(1)]
      if (there) {
        assert.deepEqual(answers.sort(), [0, 1])
        assert.equal(await there, 2)
        return 'before'
      }
      const outcome = answers.includes('BrokenBarrierError') ? 'before' : 'after'
      if (outcome === 'before') assert.deepEqual(answers, ['BrokenBarrierError', 'BrokenBarrierError'])
      else assert.deepEqual(answers.sort(), [0, 1])
      await brokenUntilReset(barrier, 3)
      return outcome
    },
  },
  'Barrier.waitSync() of the last to arrive, with an action': {
    prepare: () => ({ barrier: new Barrier(2, { action: act }) }),
    act: ({ barrier }) => barrier.waitSync(),
    asleep: ({ barrier }) => [wait(barrier, true)],
    async verify({ barrier }, answer): Promise<Outcome> {
      const there = barrier.broken ? undefined : expected(barrier.wait({ timeout: 60_000 }))
      const answered = await answer(0)
      if (there) {
        assert.deepEqual([answered, await there], [0, 1])
        return 'before'
      }
      await brokenUntilReset(barrier, 2)
      return answered === 0 ? 'after' : 'before'
    },
  },
  'Barrier.waitSync() that waits its time in vain': {
    prepare: () => ({ barrier: new Barrier(2) }),
    act: ({ barrier }) => assert.throws(() => barrier.waitSync({ timeout: 1 }), { name: 'BrokenBarrierError' }),
    async verify({ barrier }): Promise<Outcome> {
      if (!barrier.broken) {
        await works(barrier, 2)
        return 'before'
      }
      await brokenUntilReset(barrier, 2)
      return 'after'
    },
  },
  'Barrier.waitSync() by one who has passed before': {
    prepare: () => ({ barrier: new Barrier(1) }),
    ready: ({ barrier }) => barrier.waitSync(),
    act: ({ barrier }) => barrier.waitSync(),
    traceless: true,
    async verify({ barrier }): Promise<Outcome> {
      await brokenUntilReset(barrier, 1)
      return 'before'
    },
  },
  'Barrier.reset() while others sleep': {
    prepare: () => ({ barrier: new Barrier(3) }),
    act: ({ barrier }) => barrier.reset(),
    asleep: ({ barrier }) => [wait(barrier, true), wait(barrier, false)],
    async verify({ barrier }, answer): Promise<Outcome> {
      const waits = !barrier.broken && barrier.nWaiting === 2
      if (waits) barrier.abort()
      assert.deepEqual([await answer(0), await answer(1)], ['BrokenBarrierError', 'BrokenBarrierError'])
      const outcome = waits ? 'before' : 'after'
      if (barrier.broken) barrier.reset()
      await works(barrier, 3)
      return outcome
    },
  },
  'Barrier.abort() while others sleep': {
    prepare: () => ({ barrier: new Barrier(3) }),
    act: ({ barrier }) => barrier.abort(),
    asleep: ({ barrier }) => [wait(barrier, true), wait(barrier, false)],
    async verify({ barrier }, answer): Promise<Outcome> {
      const outcome = barrier.broken ? 'after' : 'before'
      barrier.abort()
      assert.deepEqual([await answer(0), await answer(1)], ['BrokenBarrierError', 'BrokenBarrierError'])
      await brokenUntilReset(barrier, 3)
      return outcome
    },
  },
  'Barrier.waitSync() that needs another cell than the first few, in vain': {
    prepare: () => ({ barrier: new Barrier(6) }),
    ready: () => stock(512),
    act: ({ barrier }) => assert.throws(() => barrier.waitSync({ timeout: 1 }), { name: 'BrokenBarrierError' }),
    asleep: ({ barrier }) => [1, 2, 3, 4].map(() => wait(barrier, true)),
    async verify({ barrier }, answer): Promise<Outcome> {
      const outcome = barrier.broken ? 'after' : 'before'
      barrier.abort()
      for (const n of [0, 1, 2, 3]) assert.equal(await answer(n), 'BrokenBarrierError')
      await brokenUntilReset(barrier, 6)
      return outcome
    },
  },
  'closing the last handle on a Barrier that many have used': {
    traceless: true,
    prepare: () => ({}),
    ready: grown,
    act: (_, barrier) => barrier.close(),
    verify: () => 'before',
  },
  'making a Barrier with an action, putting it into a queue, and closing both': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(128, 256, 512, 768, 1024),
    act: () => {
      const [barrier, queue] = [new Barrier(2, { action: act }), new Queue()]
      queue.putNowait({ barrier })
      queue.close()
      barrier.close()
    },
    verify: () => 'before',
  },
}

function expected<T>(rejection: Promise<T>): Promise<T> {
  rejection.catch(() => {})
  return rejection
}

/** What somebody leaves who dies in the middle of it, for those who come upon it: see operation.ts. */
export const semaphoreLegacies: Record<string, Legacy> = {
  'a permit, a barrier that it had passed, and a ledger that had just grown': {
    traceless: true,
    step: 'ledger.ts [G4]',
    prepare: () => ({ semaphore: new Semaphore(2), passed: new Barrier(1), barrier: new Barrier(6) }),
    ready: ({ semaphore, passed }) => {
      stock(512)
      semaphore.acquireSync()
      passed.waitSync()
    },
    act: ({ barrier }) => barrier.waitSync(),
    asleep: ({ barrier }) => [1, 2, 3, 4].map(() => wait(barrier, true)),
    async verify({ semaphore, passed, barrier }, answer): Promise<Outcome> {
      whole(semaphore, 2)
      await brokenUntilReset(passed, 1)
      assert.deepEqual([barrier.broken, barrier.nWaiting], [false, 4]) // it had not arrived
      barrier.abort()
      for (const n of [0, 1, 2, 3]) assert.equal(await answer(n), 'BrokenBarrierError')
      await brokenUntilReset(barrier, 6)
      return 'after'
    },
  },
  'an action that was being told': {
    traceless: true,
    step: 'action.ts [X2]',
    prepare: () => ({ queue: new Queue() }),
    ready: () => new Barrier(2, { action: act }),
    act: ({ queue }, barrier) => queue.putNowait({ barrier }),
    verify: ({ queue }) => {
      assert.equal(queue.qsize(), 0)
      return 'after'
    },
  },
}
