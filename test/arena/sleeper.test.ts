// What an awaiting thread costs while it waits: no more than it must look at.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Semaphore } from 'multiproc'
import { bodyAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { Sleeper, type Waiters } from '#src/arena/sleeper.js'
import { slotOf } from '#src/arena/token.js'
import { store } from '#src/arena/words.js'

const LATCH = 0

test('Semaphore.acquire() while somebody holds the latch for long looks again once a millisecond, however many wait', async t => {
  const session = currentSession()
  const other = session.reserve('somebody who is stopped') // not gone, and never goes on
  const semaphores = [new Semaphore(), new Semaphore(), new Semaphore()]
  const latches = semaphores.map(semaphore => bodyAt(session, semaphore.address))
  for (const { w, at } of latches) store(w, at + LATCH, other)
  t.after(() => {
    for (const { w, at } of latches) store(w, at + LATCH, 0)
    session.withdraw(other)
    for (const semaphore of semaphores) semaphore.close()
  })
  let [started, fired] = [0, 0]
  let most = 0
  const real = globalThis.setTimeout
  const counting = (look: () => void, ms?: number) => {
    if (ms !== 1) return real(look, ms)
    most = Math.max(most, ++started - fired)
    return real(() => {
      fired++
      look()
    }, ms)
  }
  const looked = new Promise<void>(resolve => {
    globalThis.setTimeout = ((look: () => void, ms?: number) => {
      if (fired === 10) resolve()
      return counting(look, ms)
    }) as typeof setTimeout
  })
  t.after(() => {
    globalThis.setTimeout = real
  })
  const waits = semaphores.flatMap(semaphore => [semaphore.acquire(), semaphore.acquire()])
  for (const wait of waits) wait.catch(() => {}) // closed in the end
  await looked
  assert.equal(most, 1)
})

test('A wait that begins while others sleep looks at what it waits for, and not at all that they wait for', () => {
  const { sleeper } = currentSession()
  const looks: number[] = []
  const waiting = Array.from({ length: 50 }, (_, i): Waiters => {
    looks[i] = 0
    return {
      hopeful: false,
      mark() {},
      unmark() {},
      serve() {
        looks[i]++
        return true
      },
    }
  })
  for (const waiters of waiting) sleeper.wait(waiters)
  for (const waiters of waiting) sleeper.forget(waiters)
  assert.ok(Math.max(...looks) <= 2, `${looks}`) // twice when a ring came meanwhile
})

test('Semaphore.tryAcquire() and timeout 0 take a permit that is free, also while another is in the middle of a change', async t => {
  const session = currentSession()
  const other = session.reserve('somebody who is preempted')
  const semaphore = new Semaphore(3)
  const { w, at } = bodyAt(session, semaphore.address)
  const real = Atomics.wait
  t.after(() => {
    Atomics.wait = real
    store(w, at + LATCH, 0)
    session.withdraw(other)
    semaphore.close()
  })
  // It goes on when whoever tries lets others run.
  Atomics.wait = ((words: Int32Array, i: number, value: number, ms?: number) => {
    store(w, at + LATCH, 0)
    return real(words, i, value, ms)
  }) as typeof Atomics.wait
  for (const acquire of [
    () => semaphore.tryAcquire(),
    () => semaphore.acquireSync({ timeout: 0 }),
    () => semaphore.acquire({ timeout: 0 }),
  ]) {
    store(w, at + LATCH, other)
    assert.ok(await acquire())
  }
  Atomics.wait = real
  semaphore.release()
  store(w, at + LATCH, other) // and stays there
  assert.equal(semaphore.tryAcquire(), null)
})

test('Waits that follow one another share a timer, which keeps no process alive and goes when nobody waits', async t => {
  const session = currentSession()
  const other = session.reserve('whose timers are counted')
  const sleeper = new Sleeper(session.segment, slotOf(other), () => {})
  const real = globalThis.setInterval
  t.after(() => {
    globalThis.setInterval = real
    session.withdraw(other)
  })
  const timers: { timer: NodeJS.Timeout; tick: () => void }[] = []
  globalThis.setInterval = ((tick: () => void, ms?: number) => {
    const timer = real(tick, ms)
    timers.push({ timer, tick })
    return timer
  }) as typeof setInterval
  const waiters: Waiters = { hopeful: false, mark() {}, unmark() {}, serve: () => true }
  for (let i = 0; i < 100; i++) {
    sleeper.wait(waiters)
    sleeper.forget(waiters)
  }
  assert.equal(timers.length, 1)
  const [{ timer, tick }] = timers
  assert.equal(timer.hasRef(), false)
  sleeper.wait(waiters)
  assert.equal(timer.hasRef(), true)
  sleeper.forget(waiters)
  tick()
  sleeper.wait(waiters)
  sleeper.forget(waiters)
  assert.equal(timers.length, 2)
})
