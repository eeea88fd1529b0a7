// The action of a Barrier: run once, by the last to arrive, before anybody leaves.
import assert from 'node:assert/strict'
import { ArgumentTypeError, BrokenBarrierError, ClosedError } from 'multiproc'
import { call, type Outcome } from '../../fixtures/conformance.ts'
import { act, actAndThrow, actedHere, passAndCountActs, waitFor } from '../../fixtures/conformance-barrier.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, type Suite } from '../suite.ts'
import { assertBroken, expected, forms, why } from './parties.ts'

export function actions({ make, test }: Suite): void {
  for (const form of forms) {
    test(`Barrier: the last to arrive, by ${form}(), runs the action once, before anybody leaves`, async () => {
      const seen: unknown[] = []
      const barrier = await make.barrier(3, { action: () => seen.push([barrier.nWaiting, barrier.broken]) })
      for (let n = 1; n <= 3; n++) {
        const others = [barrier.wait(), barrier.wait()].map(one => one.then(() => assert.equal(seen.length, n)))
        await barrier[form]()
        assert.equal(seen.length, n)
        await Promise.all(others)
      }
      assert.deepEqual(seen[0], [3, false])
    })

    test(`Barrier: an exported action is run in another process when its ${form}() is the last`, async t => {
      const [barrier, report] = [await make.barrier(2, { action: act }), await make.queue<number>()]
      const before = actedHere()
      const child = launch(t, make, passAndCountActs, barrier, form, 20, report)
      for (let n = 0; n < 20; n++) await barrier.wait({ timeout: LIMIT })
      assert.equal((await report.get()) + actedHere() - before, 20)
      assert.equal(await ended(child), 0)
    })

    test(`Barrier: an action that no module exports cannot be run by another process, whose ${form}() says so`, async t => {
      const here: string[] = []
      const barrier = await make.barrier(2, { action: () => here.push('acted') })
      const [go, report] = [await make.event(), await make.queue<unknown>()]
      launch(t, make, waitFor, barrier, form, go, report)
      const mine = expected(barrier.wait({ timeout: LIMIT }))
      go.set()
      assert.equal(await report.get(), 'InvalidTargetError')
      await assert.rejects(mine, BrokenBarrierError)
      assert.deepEqual(here, [])
      barrier.reset()
      const child = launch(t, make, waitFor, barrier, form, go, report)
      await asleep(make, child)
      assert.equal(await barrier.wait(), 1)
      assert.deepEqual([await report.get(), here], [0, ['acted']])
    })
  }

  test('Barrier: an action that throws breaks it; the error goes to the one who ran it', async t => {
    const [barrier, report] = [await make.barrier(2, { action: actAndThrow }), await make.queue<Outcome>()]
    for (const form of forms) {
      const other = expected(barrier.wait())
      const fails = async () => await barrier[form]()
      await assert.rejects(fails(), { name: 'TypeError', message: 'the action failed' })
      await assert.rejects(other, BrokenBarrierError)
      await assertBroken(barrier)
      barrier.reset()
    }
    const mine = expected(barrier.wait())
    launch(t, make, call, barrier, 'waitSync', [], report)
    assert.deepEqual(await report.get(), { threw: 'TypeError: the action failed' })
    await assert.rejects(mine, BrokenBarrierError)
  })

  test('Barrier: an action that gives a promise is refused, and breaks it', async () => {
    const barrier = await make.barrier(2, { action: (() => Promise.reject(why)) as () => void })
    const other = expected(barrier.wait())
    await assert.rejects(barrier.wait(), ArgumentTypeError)
    await assert.rejects(other, BrokenBarrierError)
  })

  test('Barrier.abort() and reset() in the action send everybody away; close() in it too', async () => {
    for (const method of ['abort', 'reset', 'close'] as const) {
      const barrier = await make.barrier(2, { action: () => barrier[method]() })
      const error = method === 'close' ? ClosedError : BrokenBarrierError
      const other = expected(barrier.wait())
      await assert.rejects(barrier.wait(), error)
      await assert.rejects(other, error)
      if (method !== 'close') assert.equal(barrier.broken, method === 'abort')
    }
  })

  test('Barrier: who arrives while the action runs belongs to the next generation', async () => {
    let late: Promise<number> | undefined
    const barrier = await make.barrier(2, {
      action: () => {
        late ??= barrier.wait({ timeout: LIMIT })
      },
    })
    const other = expected(barrier.wait())
    assert.deepEqual([await barrier.wait(), await other], [1, 0])
    assert.equal(await barrier.wait(), 1)
    assert.equal(await late, 0)
  })
}
