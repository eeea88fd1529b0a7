// Who is woken by a notification: who waits longest, and nobody twice.
import assert from 'node:assert/strict'
import { TimeoutError } from 'multiproc'
import { type Told, waitAndTell } from '../../fixtures/conformance-condition.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, rings, type Suite } from '../suite.ts'
import { OUTCOME, waiters, waits } from './waits.ts'

export function order({ make, test }: Suite): void {
  test('Condition.notify() wakes who waits longest, in whatever process, blocking or awaited', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    const names = ['a', 'b', 'c', 'd']
    for (const [n, name] of names.entries()) {
      launch(t, make, waitAndTell, condition, waits[n % 2], report, name)
      await waiters(make, condition, n + 1)
    }
    for (const name of names) {
      await condition.with(() => condition.notify())
      assert.equal((await report.get({ timeout: LIMIT })).name, name)
    }
  })

  test('Condition.notify(n) wakes n, a larger n all, and notify() when nobody waits is not remembered', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    await condition.with(() => condition.notify(3))
    const children = waits.map(how => launch(t, make, waitAndTell, condition, how, report))
    const mine = [1, 2].map(() => condition.with(() => condition.wait()))
    await waiters(make, condition, 4)
    await condition.with(() => condition.notify(1000))
    assert.equal(make.waitersOf(condition), 0)
    await Promise.all(mine)
    for (const child of children) assert.equal(await ended(child), 0)
    using _ = await condition.acquire()
    await assert.rejects(condition.wait({ timeout: 5 }), TimeoutError)
  })

  test('Condition.notify() of one who leaves at that moment goes on to the next, in another process', async t => {
    for (const how of waits) {
      for (let round = 0; round < 3; round++) {
        const [condition, report] = [await make.condition(), await make.queue<Told>()]
        const controller = new AbortController()
        const aborted = condition.with(() => condition.wait({ signal: controller.signal }))
        aborted.catch(() => {})
        await waiters(make, condition, 1)
        const child = launch(t, make, waitAndTell, condition, how, report)
        await waiters(make, condition, 2)
        const held = await condition.acquire()
        await rings(make, [child], () => {
          condition.notify()
          controller.abort('why')
          assert.equal(make.waitersOf(condition), 1)
          held.release()
          condition.close() // an abort is acted upon a moment later, this at once
        })
        await assert.rejects(aborted)
        assert.deepEqual((await report.get({ timeout: LIMIT })).outcome, OUTCOME)
      }
    }
  })

  test('Condition: aborted and notified, time after time, exactly as many wake as were notified', async () => {
    const condition = await make.condition()
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController()
      const aborted = condition.with(() => condition.wait({ signal: controller.signal }))
      const second = condition.with(() => condition.wait())
      await waiters(make, condition, 2)
      await condition.with(() => {
        condition.notify()
        controller.abort('why')
      })
      await assert.rejects(aborted, error => error === 'why')
      await second
    }
    assert.equal(condition.locked(), false)
  })

  test('Condition: a wait that was timed out makes room for the others', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    const late = condition.with(() => condition.wait({ timeout: 30 }))
    await waiters(make, condition, 1)
    launch(t, make, waitAndTell, condition, 'waitSync', report)
    await assert.rejects(late, TimeoutError)
    await waiters(make, condition, 1)
    await condition.with(() => condition.notify())
    assert.deepEqual((await report.get({ timeout: LIMIT })).outcome, OUTCOME)
  })
}
