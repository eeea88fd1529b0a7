// A Barrier that is broken or reset sends away who waits: here and in other processes.
import assert from 'node:assert/strict'
import { BrokenBarrierError } from 'multiproc'
import { call, callAndStay, type Outcome } from '../../fixtures/conformance.ts'
import { launch } from '../implementation.ts'
import { asleep, rings, type Suite } from '../suite.ts'
import { assertBroken, expected, forms, numbers, sorted, why } from './parties.ts'

export function breaking({ make, test }: Suite): void {
  for (const timeout of [0, 20]) {
    test(`Barrier: the timeout of ${timeout} ms of one breaks it for all, until reset()`, async t => {
      const [barrier, report] = [await make.barrier(4), await make.queue<Outcome>()]
      const child = launch(t, make, callAndStay, barrier, 'wait', [], report)
      await asleep(make, child)
      const patient = expected(barrier.wait())
      await assert.rejects(barrier.wait({ timeout }), BrokenBarrierError)
      await assert.rejects(patient, BrokenBarrierError)
      assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
      await assertBroken(barrier)
      barrier.reset()
      assert.throws(() => barrier.waitSync({ timeout }), BrokenBarrierError)
      await assertBroken(barrier)
      barrier.reset()
      assert.deepEqual([barrier.broken, barrier.nWaiting], [false, 0])
      assert.deepEqual(sorted(await Promise.all(numbers(4).map(() => barrier.wait()))), numbers(4))
    })
  }

  test('Barrier: its own timeout holds for waits that give none, in other processes too', async t => {
    const [barrier, report] = [await make.barrier(2, { timeout: 20 }), await make.queue<Outcome>()]
    await assert.rejects(barrier.wait(), BrokenBarrierError)
    barrier.reset()
    assert.throws(() => barrier.waitSync(), BrokenBarrierError)
    barrier.reset()
    launch(t, make, call, barrier, 'wait', [], report)
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    barrier.reset()
    const patient = barrier.wait({ timeout: Infinity })
    assert.equal(await barrier.wait(), 1)
    assert.equal(await patient, 0)
  })

  test('Barrier.wait() aborted rejects with the reason itself and breaks it for the others', async t => {
    const [barrier, report] = [await make.barrier(3), await make.queue<Outcome>()]
    await assert.rejects(barrier.wait({ signal: AbortSignal.abort(why) }), error => error === why)
    assert.deepEqual([barrier.broken, barrier.nWaiting], [false, 0])
    const child = launch(t, make, callAndStay, barrier, 'waitSync', [], report)
    await asleep(make, child)
    const controller = new AbortController()
    const mine = barrier.wait({ signal: controller.signal })
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(mine, error => error === why)
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    await assertBroken(barrier)
  })

  test('Barrier.wait() aborted when all have arrived has passed', async () => {
    const barrier = await make.barrier(2)
    const controller = new AbortController()
    const first = barrier.wait({ signal: controller.signal })
    assert.equal(barrier.waitSync(), 1)
    controller.abort(why)
    assert.equal(await first, 0)
    assert.equal(barrier.broken, false)
  })

  for (const form of forms) {
    test(`Barrier.abort() sends away who sleeps in ${form}(), here and in other processes`, async t => {
      const [barrier, report] = [await make.barrier(3), await make.queue<Outcome>()]
      const child = launch(t, make, callAndStay, barrier, form, [], report)
      const mine = expected(barrier.wait())
      await rings(make, [child], () => barrier.abort())
      barrier.abort()
      await assert.rejects(mine, BrokenBarrierError)
      assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
      await assertBroken(barrier)
    })

    test(`Barrier.reset() sends away who sleeps in ${form}(), and others may arrive at once`, async t => {
      const [barrier, report] = [await make.barrier(2), await make.queue<Outcome>()]
      for (let round = 0; round < 2; round++) {
        const child = launch(t, make, callAndStay, barrier, form, [], report)
        const passed: Promise<number>[] = []
        await rings(make, [child], () => {
          barrier.reset()
          passed.push(barrier.wait(), barrier.wait()) // before the child knows
        })
        assert.deepEqual(await Promise.all(passed), [0, 1])
        assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
        assert.equal(barrier.broken, false)
      }
    })
  }

  test('Barrier.reset() when nobody waits changes nothing', async () => {
    const barrier = await make.barrier(2)
    barrier.reset()
    const first = barrier.wait()
    barrier.waitSync()
    await first
    barrier.reset()
    assert.deepEqual([barrier.broken, barrier.nWaiting], [false, 0])
  })
}
