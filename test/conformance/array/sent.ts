// A SharedArray on its way: it is the same in every process, and lives as long as anybody has any of it.
import assert from 'node:assert/strict'
import { describeArrays, keepView, leaveArray } from '../../fixtures/conformance-memory.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'
import { untyped } from './untyped.ts'

export function sent({ make, test }: Suite): void {
  test('SharedArray inside an item is the same array; its slice and its subarray are copied', async t => {
    const [queue, report] = [await make.queue(), await make.queue()]
    const [array, raw] = [await untyped(make, 'i', [1, 2, 3]), await make.rawArray('i', [4])]
    await queue.put({ it: array, again: [array], view: array.subarray(1), copy: array.slice() })
    const got = await queue.get()
    assert.equal(got.it, array)
    assert.equal(got.again[0], array)
    got.view[0] = 9
    assert.deepEqual([...array], [1, 2, 3])
    launch(t, make, describeArrays, [array, raw, array.subarray(1)], report)
    assert.deepEqual(await report.get({ timeout: LIMIT }), [
      [true, false, [99, 2, 3]],
      [true, true, [99]],
      [false, false, [99, 3]],
    ])
    assert.deepEqual([...array], [99, 2, 3])
    assert.equal(raw[0], 99)
  })

  test('SharedArray in a queue outlives the process that made it', async t => {
    const queue = await make.queue()
    assert.equal(await ended(launch(t, make, leaveArray, queue)), 0)
    const array = await queue.get({ timeout: LIMIT })
    assert.deepEqual([...array], [1, 2, 3])
    assert.equal(array.getLock().tryAcquire()?.abandoned, false)
  })

  test('SharedArray: a view that is all a process has of it keeps its memory', async t => {
    const [inbox, report, ready, goOn] = [
      await make.queue(),
      await make.queue(),
      await make.event(),
      await make.event(),
    ]
    const child = launch(t, make, keepView, inbox, ready, goOn, report)
    await inbox.put(await untyped(make, 'i', [1, 2, 3]))
    await ready.wait({ timeout: LIMIT })
    for (let n = 0; n < 100; n++) await untyped(make, 'i', [7, 7, 7])
    goOn.set()
    assert.deepEqual(await report.get({ timeout: LIMIT }), [2, 3])
    assert.equal(await ended(child), 0)
  })
}
