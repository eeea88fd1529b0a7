// What is done to a Condition while its process is killed at each access: to its lock, and to the list of who waits in it.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { Condition, Lock } from 'multiproc'
import { bodyAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { type Entry, WaitingList } from '#src/sync/waiting-list.js'
import { type Legacy, type Operation, type Outcome, stock } from './operation.js'

/** Where the list lies in the body of a Condition, and how many entries it has before it takes a block. */
const LIST = 36
const PLACES = 20

/** What the list says without the waiting that goes with it. */
function listOf(condition: Condition): WaitingList {
  const session = currentSession()
  const { w, at } = bodyAt(session, condition.address)
  return new WaitingList(session, w, at + LIST)
}

const fill = (list: WaitingList, count: number): Entry[] => Array.from({ length: count }, () => list.add())

const waiting = (condition: Condition): number => Number(/waiting: (\d+)/.exec(inspect(condition))?.[1])

/** The condition works: its lock can be taken, nobody waits, and who waits is notified. */
function works(condition: Condition): void {
  assert.equal(waiting(condition), 0)
  assert.equal(condition.locked(), false)
  condition.acquireSync({ timeout: 0 }).release() // perhaps from the dead
  const held = condition.acquireSync({ timeout: 0 })
  assert.equal(held.abandoned, false)
  assert.throws(() => condition.waitSync({ timeout: 1 }), { name: 'TimeoutError' })
  assert.throws(() => condition.notify(0), RangeError)
  const list = listOf(condition)
  const entry = list.add()
  condition.notify()
  assert.equal(list.isNotified(entry), true)
  list.remove(entry)
  held.release()
}

/** How many were woken by one who dies, of two who sleep. */
function notifying(act: (condition: Condition) => void, all: number): Operation {
  return {
    prepare: () => ({ condition: new Condition() }),
    act: ({ condition }) => {
      const held = condition.acquireSync()
      act(condition)
      held.release()
    },
    asleep: ({ condition }) => [
      { what: 'wait holding it', object: condition, blocking: true },
      { what: 'wait holding it', object: condition, blocking: false },
    ],
    async verify({ condition }, answer) {
      const woken = 2 - waiting(condition)
      assert.ok(woken >= 0 && woken <= all)
      const answers: unknown[] = []
      for (let n = 0; n < woken; n++) answers.push(await answer(n)) // who came first, by the dead one's notification alone
      const held = condition.acquireSync({ timeout: 60_000 })
      condition.notifyAll()
      held.release()
      for (let n = woken; n < 2; n++) answers.push(await answer(n))
      if (held.abandoned) answers.push('abandoned')
      assert.ok(answers.filter(one => one === 'abandoned').length <= 1, 'told to one')
      works(condition)
      return woken === 0 ? 'before' : 'after'
    },
  }
}

export const conditionOperations: Record<string, Operation> = {
  'Condition.notify() while others sleep': notifying(condition => condition.notify(), 1),
  'Condition.notifyAll() while others sleep': notifying(condition => condition.notifyAll(), 2),

  'Condition.waitSync() that waits its time in vain': {
    traceless: true,
    prepare: () => ({ condition: new Condition() }),
    act: ({ condition }) => {
      const held = condition.acquireSync()
      assert.throws(() => condition.waitSync({ timeout: 1 }), { name: 'TimeoutError' })
      held.release()
    },
    verify: ({ condition }) => {
      works(condition)
      return 'before'
    },
  },
  'Condition.waitSync() on a Lock that others want': {
    traceless: true,
    prepare: () => {
      const lock = new Lock()
      return { condition: new Condition(lock), lock }
    },
    act: ({ condition }) => {
      const held = condition.acquireSync()
      assert.throws(() => condition.waitSync({ timeout: 1 }), { name: 'TimeoutError' })
      held.release()
    },
    asleep: ({ condition }) => [{ what: 'wait holding it', object: condition, blocking: true }],
    async verify({ condition, lock }, answer): Promise<Outcome> {
      assert.equal(waiting(condition), 1)
      const held = lock.acquireSync({ timeout: 60_000 })
      condition.notify()
      held.release()
      assert.equal(await answer(0), 'held')
      works(condition)
      return 'before'
    },
  },
  'Condition.wait() that begins': {
    traceless: true,
    prepare: () => ({ condition: new Condition() }),
    ready: ({ condition }) => condition.acquireSync(),
    act: ({ condition }) => void condition.wait(),
    verify: ({ condition }) => {
      works(condition)
      return 'before'
    },
  },
  'a wait that was notified and is over': {
    traceless: true,
    prepare: () => ({ condition: new Condition() }),
    act: ({ condition }) => {
      const list = listOf(condition)
      const entry = list.add()
      list.notify(1)
      assert.equal(list.isNotified(entry), true)
      list.remove(entry)
    },
    verify: ({ condition }) => {
      works(condition)
      return 'before'
    },
  },
  'a wait that gives up, having been notified, while another sleeps': {
    traceless: true,
    prepare: () => ({ condition: new Condition() }),
    ready: ({ condition }) => {
      const list = listOf(condition)
      const entry = list.add()
      list.notify(1)
      return entry
    },
    act: ({ condition }, entry: Entry) => listOf(condition).giveUp(entry),
    asleep: ({ condition }) => [{ what: 'wait holding it', object: condition, blocking: false }],
    async verify({ condition }, answer): Promise<Outcome> {
      assert.equal(await answer(0), 'held') // by the notification that was the dead one's
      works(condition)
      return 'before'
    },
  },
  'a wait that finds no room in the list': {
    traceless: true,
    prepare: () => ({ condition: new Condition() }),
    ready: ({ condition }) => {
      stock(1024)
      fill(listOf(condition), PLACES)
    },
    act: ({ condition }) => {
      const list = listOf(condition)
      list.remove(list.add())
    },
    verify: ({ condition }) => {
      works(condition)
      const list = listOf(condition)
      const entries = fill(list, PLACES + 1)
      list.notify(PLACES + 1)
      assert.ok(entries.every(entry => list.isNotified(entry)))
      for (const entry of entries) list.remove(entry)
      return 'before'
    },
  },
  'making and closing a Condition with its lock': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(384, 512),
    act: () => new Condition().close(),
    verify: () => 'before',
  },
  'closing the last handle on a Condition in which many have waited': {
    traceless: true,
    prepare: () => ({ lock: new Lock() }),
    ready: ({ lock }) => {
      const condition = new Condition(lock)
      const list = listOf(condition)
      for (const entry of fill(list, PLACES + 200)) list.remove(entry)
      return condition
    },
    act: (_, condition) => condition.close(),
    verify: ({ lock }) => {
      lock.acquireSync({ timeout: 0 }).release()
      return 'before'
    },
  },
}

export const conditionLegacies: Record<string, Legacy> = {
  'waits, one of them notified, and a block that is not yet the list’s': {
    traceless: true,
    step: 'waiting-list.ts [W4]',
    prepare: () => ({ condition: new Condition() }),
    ready: ({ condition }) => {
      const list = listOf(condition)
      fill(list, PLACES)
      list.notify(1)
    },
    act: ({ condition }) => listOf(condition).add(),
    verify: ({ condition }) => {
      works(condition)
      return 'after'
    },
  },
}
