// Who arrives at a Barrier passes it with the others, each with a number of its own.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { pass, passTwice } from '../../fixtures/conformance-barrier.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, rings, type Suite } from '../suite.ts'
import { forms, numbers, sorted } from './parties.ts'

export function passing({ make, test }: Suite): void {
  test('Barrier of one never waits', async () => {
    const barrier = await make.barrier(1)
    for (let n = 0; n < 3; n++) {
      assert.equal(await barrier.wait({ timeout: 0 }), 0)
      assert.equal(barrier.waitSync({ timeout: 0 }), 0)
    }
    assert.deepEqual([barrier.parties, barrier.nWaiting, barrier.broken], [1, 0, false])
  })

  test('Barrier: tasks of one process are parties; numbers are given in the order of arrival', async () => {
    const barrier = await make.barrier(3)
    for (let n = 0; n < 5; n++) {
      const first = [barrier.wait(), barrier.wait({ timeout: LIMIT })]
      assert.equal(barrier.nWaiting, 2)
      assert.equal(n % 2 ? barrier.waitSync() : await barrier.wait(), 2)
      assert.deepEqual(await Promise.all(first), [0, 1])
      assert.equal(barrier.nWaiting, 0)
    }
  })

  test('Barrier: more tasks than parties pass in groups', async () => {
    const barrier = await make.barrier(3)
    const all = await Promise.all(numbers(12).map(() => barrier.wait({ timeout: LIMIT })))
    assert.deepEqual(sorted(all), sorted(numbers(12).map(n => n % 3)))
  })

  for (const form of forms) {
    test(`Barrier.${form}() in processes: each number once, a hundred times over`, async t => {
      const [barrier, report] = [await make.barrier(3), await make.queue<number[]>()]
      const children = [1, 2].map(() => launch(t, make, pass, barrier, form, 100, report))
      const mine: number[] = []
      for (let n = 0; n < 100; n++)
        mine.push(n % 2 ? barrier.waitSync({ timeout: LIMIT }) : await barrier.wait({ timeout: LIMIT }))
      const theirs = [await report.get(), await report.get()]
      for (const n of numbers(100)) assert.deepEqual(sorted([mine[n], theirs[0][n], theirs[1][n]]), [0, 1, 2])
      for (const child of children) assert.equal(await ended(child), 0)
      assert.equal(barrier.broken, false)
    })

    test(`Barrier: the last to arrive wakes who sleeps in ${form}(), and the barrier can be used again at once`, async t => {
      const [barrier, report] = [await make.barrier(2), await make.queue<number[]>()]
      const child = launch(t, make, pass, barrier, form, 2, report)
      let second: Promise<number> | undefined
      await rings(make, [child], () => {
        assert.equal(barrier.waitSync(), 1)
        second = barrier.wait({ timeout: LIMIT })
        // the child has not left yet; a single thread cannot be stopped, and may be there again by now
        if (make.name !== 'thread') assert.equal(barrier.nWaiting, 1)
      })
      const [first, again] = await report.get()
      assert.equal(first, 0)
      assert.deepEqual(sorted([(await second) as number, again]), [0, 1])
    })
  }

  test('Barrier: two tasks of one process and one of another', async t => {
    const [barrier, report] = [await make.barrier(3), await make.queue<number[]>()]
    launch(t, make, passTwice, barrier, report)
    const mine = await barrier.wait({ timeout: LIMIT })
    assert.deepEqual(sorted([mine, ...(await report.get())]), [0, 1, 2])
  })

  test('Barrier: processes that ended in peace are replaced by others', async t => {
    const [barrier, report] = [await make.barrier(2), await make.queue<number[]>()]
    for (let round = 0; round < 3; round++) {
      const child = launch(t, make, pass, barrier, 'wait', 2, report)
      await barrier.wait({ timeout: LIMIT })
      barrier.waitSync({ timeout: LIMIT })
      assert.equal(await ended(child), 0)
      assert.equal(barrier.broken, false)
    }
  })

  test('Barrier: its text form says who waits', async () => {
    const barrier = await make.barrier(2)
    const waiting = barrier.wait()
    assert.equal(inspect(barrier), 'Barrier { parties: 2, waiting: 1, broken: false }')
    barrier.abort()
    await assert.rejects(waiting)
  })
}
