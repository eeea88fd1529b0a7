// The lock of a SharedArray, and what is done under it.
import assert from 'node:assert/strict'
import { InvalidStateError, MultiprocError, RLock } from 'multiproc'
import { hold } from '../../fixtures/conformance.ts'
import { addAtomically, countUp } from '../../fixtures/conformance-memory.ts'
import { LIMIT, launch } from '../implementation.ts'
import { refused } from '../refused.ts'
import { asleep, ended, type Suite } from '../suite.ts'
import { untyped } from './untyped.ts'

export function locks({ make, test }: Suite): void {
  test('SharedArray.getLock() is one lock, the same in every process; a given one is used', async t => {
    const array = await untyped(make, 'i', 1)
    assert.ok(array.getLock() instanceof RLock)
    assert.equal(array.getLock(), array.getLock())
    const held = await make.event()
    const child = launch(t, make, hold, array.getLock(), 'acquire', held)
    await held.wait({ timeout: LIMIT })
    assert.equal(array.getLock().holder, child.pid)
    assert.equal(array.getLock().tryAcquire(), null)
    for (const lock of [await make.lock(), await make.rlock()]) {
      assert.equal((await untyped(make, 'd', 1, { lock })).getLock(), lock)
      assert.equal((await make.rawArray('d', 1, { lock })).getLock(), lock)
      lock.close()
      await assert.rejects(untyped(make, 'd', 1, { lock }), MultiprocError)
    }
  })

  test('SharedArray.update() in three processes at once loses nothing', async t => {
    const [go, array] = [await make.event(), await untyped(make, 'i', 3)]
    const children = [1, 2, 3].map(() => launch(t, make, countUp, go, array, 2_000))
    await asleep(make, ...children)
    go.set()
    for (const child of children) assert.equal(await ended(child), 0)
    assert.deepEqual([...array], [6_000, 6_000, 6_000])
    assert.equal(array.getLock().locked(), false)
  })

  test('Atomics.add() on a SharedArray in three processes at once loses nothing', async t => {
    for (const [code, one] of [
      ['i', 1],
      ['B', 1],
      ['q', 1n],
    ] as const) {
      const [go, array] = [await make.event(), await make.rawArray(code, 2)]
      const children = [1, 2, 3].map(() => launch(t, make, addAtomically, go, array, one, 20_000))
      await asleep(make, ...children)
      go.set()
      for (const child of children) assert.equal(await ended(child), 0)
      assert.equal(Number(array[1]), code === 'B' ? 60_000 % 256 : 60_000)
    }
  })

  test('SharedArray.update() gives what its function gives; it must be synchronous, and the lock is free after', async () => {
    const array = await untyped(make, 'i', [1, 2])
    assert.equal(
      array.update((a: Int32Array) => a.reduce((x, y) => x + y)),
      3,
    )
    assert.equal(
      array.update(() => array.update(() => 5)),
      5,
    )
    assert.equal(
      array.update(() => array.getLock().locked()),
      true,
    )
    const trouble = new Error('in the function')
    assert.throws(
      () =>
        array.update(() => {
          throw trouble
        }),
      trouble,
    )
    assert.throws(() => array.update(async () => 1), refused(TypeError))
    assert.throws(() => array.update('no function'), refused(TypeError))
    assert.equal(array.getLock().locked(), false)
  })

  test('RawArray, and SharedArray with { lock: false }, have no lock: getLock() and update() throw', async () => {
    for (const array of [await make.rawArray('i', 1), await untyped(make, 'i', 1, { lock: false })]) {
      assert.throws(() => array.getLock(), InvalidStateError)
      assert.throws(() => array.update(() => 1), InvalidStateError)
      array[0] = 5
      assert.equal(array[0], 5)
    }
  })
}
