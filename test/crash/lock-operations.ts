// What is done to a Lock and to an Event while their process is killed at each access.
import assert from 'node:assert/strict'
import { Event, Lock } from 'multiproc'
import { playFirst } from './actor.js'
import type { Operation } from './operation.js'

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

export const lockOperations: Record<string, Operation> = {
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
      playFirst({ part: 'holdForEver', args: [lock] })
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
}

export function holdForEver(lock: Lock): void {
  lock.acquireSync()
  process.kill(process.pid, 'SIGKILL')
}
