// waitFor(): a wait until something is so, asked while the lock is held.
import assert from 'node:assert/strict'
import { type Event, TimeoutError } from 'multiproc'
import { notifyForEver } from '../../fixtures/conformance-condition.ts'
import { LIMIT, launch } from '../implementation.ts'
import type { Suite } from '../suite.ts'
import { waitsFor } from './waits.ts'

export function predicates({ make, test }: Suite): void {
  for (const how of waitsFor) {
    test(`Condition.${how}() asks at once, holding the lock, and does not wait when it is so`, async () => {
      const condition = await make.condition()
      using _ = await condition.acquire()
      const asked: unknown[] = []
      await condition[how](() => asked.push(condition.holder) === 1, { timeout: 0 })
      assert.deepEqual(asked, [process.pid])
    })

    test(`Condition.${how}(): not in time rejects, having asked once more, holding the lock`, async () => {
      const condition = await make.condition()
      using _ = await condition.acquire()
      for (const [timeout, times] of [
        [0, 1],
        [10, 2],
      ]) {
        let asked = 0
        await assert.rejects(async () => condition[how](() => ++asked < 0, { timeout }), TimeoutError)
        assert.equal(asked, times)
        assert.equal(condition.holder, process.pid)
      }
      let asked = 0
      await condition[how](() => ++asked === 2, { timeout: 10 })
    })

    test(`Condition.${how}(): what the predicate throws is what it rejects with, holding the lock`, async () => {
      const [condition, why] = [await make.condition(), { mine: true }]
      using _ = await condition.acquire()
      const broken = () => {
        throw why
      }
      await assert.rejects(
        async () => condition[how](broken),
        error => error === why,
      )
      const promise = (async () => true) as unknown as () => boolean
      await assert.rejects(async () => condition[how](promise), TypeError)
      await assert.rejects(async () => condition[how]('no function' as any), TypeError)
      assert.equal(condition.holder, process.pid)
    })

    test(`Condition.${how}(): notifications that change nothing do not lengthen its time`, async t => {
      const condition = await make.condition()
      const go: Event = await make.event()
      launch(t, make, notifyForEver, condition, go)
      await go.wait({ timeout: LIMIT })
      using _ = await condition.acquire({ timeout: LIMIT })
      // once at the beginning and once at the end, and in between for each notification, as soon as the other has a turn
      for (let [asked, timeout] = [0, 200]; asked <= 2 && timeout < LIMIT; timeout *= 2) {
        asked = 0
        const began = performance.now()
        await assert.rejects(async () => condition[how](() => ++asked < 0, { timeout }), TimeoutError)
        assert.ok(performance.now() - began >= timeout)
        if (timeout * 2 >= LIMIT) assert.ok(asked > 2, `asked ${asked} times`)
      }
    })
  }

  test('Condition.waitFor() aborted while it waits rejects with the reason, holding the lock', async () => {
    const [condition, why] = [await make.condition(), new TimeoutError('mine')]
    using _ = await condition.acquire()
    const controller = new AbortController()
    const waiting = condition.waitFor(() => false, { signal: controller.signal, timeout: LIMIT })
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(waiting, error => error === why)
    assert.equal(condition.holder, process.pid)
    await assert.rejects(
      condition.waitFor(() => assert.fail('asked'), { signal: controller.signal }),
      error => error === why,
    )
  })
}
