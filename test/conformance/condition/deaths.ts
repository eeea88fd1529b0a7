// What a death leaves of a Condition: no notification is lost, no notifier waits for the dead, the lock tells of its holder.
import assert from 'node:assert/strict'
import { call, hold, type Outcome } from '../../fixtures/conformance.ts'
import {
  endWaiting,
  notifyAndStay,
  type Told,
  takeForEver,
  waitAndTell,
  waitHolding,
  waitTellAndStay,
} from '../../fixtures/conformance-condition.ts'
import { until } from '../../support/children.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, killed, type Suite } from '../suite.ts'
import { waiters, waits } from './waits.ts'

const WOKEN = { outcome: { gave: undefined }, holds: true }

export function deaths({ make, death }: Suite): void {
  for (const how of waits) {
    death(`K7 Condition.${how}() whose process is killed: notify() returns at once, and wakes the next`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const victim = launch(t, make, waitHolding, condition, how)
      await waiters(make, condition, 1)
      launch(t, make, waitAndTell, condition, how, report)
      await waiters(make, condition, 2)
      await killed(make, victim)
      assert.equal(make.waitersOf(condition), 1)
      await condition.with(() => condition.notify(), { timeout: LIMIT })
      const { outcome, holds } = await report.get({ timeout: LIMIT })
      assert.deepEqual({ outcome, holds }, WOKEN)
    })

    death(`K7 Condition.${how}() killed after it was notified, before it could act: the next one wakes`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const victim = launch(t, make, waitHolding, condition, how)
      await waiters(make, condition, 1)
      launch(t, make, waitAndTell, condition, how, report)
      await waiters(make, condition, 2)
      await asleep(make, victim)
      await make.stop!(victim)
      await condition.with(() => condition.notify(), { timeout: LIMIT })
      assert.equal(make.waitersOf(condition), 1)
      await killed(make, victim)
      const { outcome, holds } = await report.get({ timeout: LIMIT })
      assert.deepEqual({ outcome, holds }, WOKEN)
    })

    death(
      `Condition.${how}() killed while it waits for the lock, having been notified: the next one wakes`,
      async t => {
        const [condition, report] = [await make.condition(), await make.queue<Told>()]
        const victim = launch(t, make, waitHolding, condition, how)
        await waiters(make, condition, 1)
        launch(t, make, waitAndTell, condition, how, report)
        await waiters(make, condition, 2)
        const held = await condition.acquire()
        condition.notify()
        await asleep(make, victim)
        await until(() => !make.isRung(victim), LIMIT, 'the victim to have heard')
        await killed(make, victim)
        assert.equal(make.waitersOf(condition), 0)
        held.release()
        const { outcome, holds } = await report.get({ timeout: LIMIT })
        assert.deepEqual({ outcome, holds }, WOKEN)
      },
    )

    death(
      `K1 Condition.${how}(): who notified is killed holding the lock: the woken one has it, and is told`,
      async t => {
        for (const own of [true, false]) {
          const condition = await make.condition(own ? undefined : await make.lock())
          const [report, done] = [await make.queue<Told>(), await make.event()]
          const waiter = launch(t, make, waitTellAndStay, condition, how, report)
          await waiters(make, condition, 1)
          const notifier = launch(t, make, notifyAndStay, condition, done)
          await done.wait({ timeout: LIMIT })
          await killed(make, notifier)
          assert.deepEqual(await report.get({ timeout: LIMIT }), { name: '', ...WOKEN, abandoned: [true, true] })
          assert.equal(condition.holder, waiter.pid)
          await killed(make, waiter)
          const held = await condition.acquire({ timeout: LIMIT })
          assert.equal(held.abandoned, true)
          held.release()
        }
      },
    )
  }

  death(
    'K1 Condition: its holder is killed while others wait in it: they wait on, the next holder is told',
    async t => {
      const [condition, report, held] = [await make.condition(), await make.queue<Told>(), await make.event()]
      for (const how of waits) launch(t, make, waitAndTell, condition, how, report)
      await waiters(make, condition, 2)
      const holder = launch(t, make, hold, condition, 'acquireSync', held)
      await held.wait({ timeout: LIMIT })
      await killed(make, holder)
      const mine = await condition.acquire({ timeout: LIMIT })
      assert.deepEqual([mine.abandoned, condition.abandoned], [true, true])
      assert.equal(make.waitersOf(condition), 2)
      condition.notifyAll()
      mine.release()
      assert.equal(condition.abandoned, false)
      for (let n = 0; n < 2; n++) assert.deepEqual((await report.get({ timeout: LIMIT })).abandoned, [false, false])
    },
  )

  death('Condition: a process that ends in peace while it waits leaves nothing', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Outcome>()]
    assert.equal(await ended(launch(t, make, endWaiting, condition)), 0)
    await until(() => make.waitersOf(condition) === 0, LIMIT, 'nobody to wait')
    await condition.with(() => condition.notifyAll(), { timeout: LIMIT })
    launch(t, make, call, condition, 'tryAcquire', [], report)
    assert.deepEqual(await report.get({ timeout: LIMIT }), { gave: { abandoned: false } })
  })

  death(
    'Condition: takers that block and that await, some killed at any moment: the others take all there is',
    async t => {
      const condition = await make.condition()
      const there = await make.value('i', 0, { lock: false })
      const report = await make.queue<string>()
      const hows = ['waitFor', 'waitForSync'] as const
      const takers = [0, 1, 2, 3].map(n =>
        launch(t, make, takeForEver, condition, there, report, `taker ${n}`, hows[n % 2]),
      )
      await waiters(make, condition, 4)
      for (let round = 0; round < 40; round++) {
        await condition.with(() => {
          there.value++
          condition.notify()
        })
        if (round === 10 || round === 20) {
          const victim = takers.pop()!
          victim.kill()
          assert.equal(await ended(victim), -9)
        }
      }
      // One is enough to take what is there, as long as no notification is lost.
      await until(
        () => there.value === 0,
        LIMIT,
        () => `all to be taken, not ${there.value} to be left`,
      )
      await condition.with(() => {
        there.value = -1
        condition.notifyAll()
      })
      for (const taker of takers) assert.equal(await ended(taker), 0)
    },
  )
}
