// CPython's own tests, Lib/test/_test_multiprocessing.py, class TestBarrier, told anew under their names.
import assert from 'node:assert/strict'
import { BrokenBarrierError } from 'multiproc'
import { call, type Outcome } from '../../fixtures/conformance.ts'
import { phases, thousand } from '../../fixtures/conformance-barrier.ts'
import { launch } from '../implementation.ts'
import { asleep, ended, type Suite } from '../suite.ts'
import { assertBroken, expected, forms, numbers, sorted } from './parties.ts'

export function fromCPython({ make, test }: Suite): void {
  const N = 5

  async function inStep(t: Parameters<typeof launch>[0], rounds: number): Promise<void> {
    const [barrier, value] = [await make.barrier(N), await make.value('i', 0, { lock: false })]
    const sums = await make.queue<number[]>()
    const children = numbers(N).map(n => launch(t, make, phases, barrier, forms[n % 2], value, rounds, sums))
    for (const _ of children)
      assert.deepEqual(
        await sums.get(),
        numbers(rounds).map(r => (r + 1) * N),
      )
    for (const child of children) assert.equal(await ended(child), 0)
    assert.equal(barrier.broken, false)
  }

  test('TestBarrier.test_barrier — five parties pass two phases in step', t => inStep(t, 1))

  test('TestBarrier.test_barrier_10 — the same ten times over', t => inStep(t, 10))

  test('TestBarrier.test_wait_return — exactly one party gets 0', async () => {
    const barrier = await make.barrier(N)
    const got = await Promise.all(numbers(N).map(() => barrier.wait()))
    assert.equal(got.filter(n => n === 0).length, 1)
    assert.deepEqual(sorted(got), numbers(N))
  })

  test('TestBarrier.test_action — the action runs exactly once for each pass, before anybody leaves', async () => {
    let runs = 0
    const barrier = await make.barrier(N, { action: () => runs++ })
    for (const round of [1, 2]) {
      await Promise.all(numbers(N).map(() => barrier.wait().then(() => assert.equal(runs, round))))
    }
    assert.equal(runs, 2)
  })

  test('TestBarrier.test_abort — every party that waits gets the error, and it is marked as broken', async t => {
    const [barrier, report] = [await make.barrier(N), await make.queue<Outcome>()]
    const children = numbers(N - 1).map(n => launch(t, make, call, barrier, forms[n % 2], [], report))
    await asleep(make, ...children)
    barrier.abort()
    for (const _ of children) assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    assert.equal(barrier.broken, true)
  })

  test('TestBarrier.test_reset — who waits gets the error, and then it works again', async t => {
    const [barrier, report] = [await make.barrier(N), await make.queue<Outcome>()]
    const children = numbers(N - 1).map(n => launch(t, make, call, barrier, forms[n % 2], [], report))
    await asleep(make, ...children)
    assert.equal(barrier.nWaiting, N - 1)
    barrier.reset()
    for (const _ of children) assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    assert.deepEqual(sorted(await Promise.all(numbers(N).map(() => barrier.wait()))), numbers(N))
    assert.equal(barrier.broken, false)
  })

  test('TestBarrier.test_abort_and_reset — one that was aborted can be reset and used again', async () => {
    const barrier = await make.barrier(N)
    const waiting = numbers(N - 1).map(() => expected(barrier.wait()))
    barrier.abort()
    for (const one of waiting) await assert.rejects(one, BrokenBarrierError)
    await assertBroken(barrier)
    barrier.reset()
    assert.deepEqual(sorted(await Promise.all(numbers(N).map(() => barrier.wait()))), numbers(N))
  })

  test('TestBarrier.test_timeout — one is late, and all get the error', async () => {
    const barrier = await make.barrier(N)
    for (const one of numbers(N - 1).map(() => expected(barrier.wait({ timeout: 20 }))))
      await assert.rejects(one, BrokenBarrierError)
    await assert.rejects(barrier.wait({ timeout: 20 }), BrokenBarrierError)
  })

  test('TestBarrier.test_default_timeout — the same by the timeout of the barrier', async () => {
    const barrier = await make.barrier(N, { timeout: 20 })
    for (const one of numbers(N - 1).map(() => expected(barrier.wait()))) await assert.rejects(one, BrokenBarrierError)
    await assert.rejects(barrier.wait(), BrokenBarrierError)
  })

  test('TestBarrier.test_single_thread — one party never blocks', async () => {
    const barrier = await make.barrier(1)
    await barrier.wait()
    barrier.waitSync()
  })

  test('TestBarrier.test_thousand — a thousand passes of five processes stay in step, seen through one queue', async t => {
    const [barrier, report, passes] = [await make.barrier(N), await make.queue<number>(), 1000]
    const children = numbers(N).map(() => launch(t, make, thousand, barrier, passes, report))
    for (let n = 0; n < passes; n++) for (let c = 0; c < N; c++) assert.equal(await report.get(), n)
    for (const child of children) assert.equal(await ended(child), 0)
  })
}
