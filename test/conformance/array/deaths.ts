// What a death leaves of SharedArrays.
import assert from 'node:assert/strict'
import { churn, dieInArray } from '../../fixtures/conformance-memory.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, killed, type Suite } from '../suite.ts'
import { untyped } from './untyped.ts'

export function deaths({ make, death }: Suite): void {
  death('SharedArray: its process is killed inside update(): what it wrote is there, the lock tells of it', async t => {
    const [array, inside] = [await untyped(make, 'i', 2), await make.event()]
    const child = launch(t, make, dieInArray, array, inside)
    await inside.wait({ timeout: LIMIT })
    assert.equal(await ended(child), make.deathCode)
    assert.deepEqual([...array], [1, 0])
    const held = array.getLock().acquireSync({ timeout: LIMIT })
    assert.equal(held.abandoned, true)
    held.release()
    assert.equal(
      array.update((a: Int32Array) => a[0]),
      1,
    )
  })

  death('SharedArray: processes that make arrays all the time are killed: what they had is free again', async t => {
    const go = await make.event()
    await untyped(make, 'B', 300_000)
    const before = make.memoryUsed()
    const victims = [1, 2].map(() => launch(t, make, churn, go))
    await asleep(make, ...victims)
    go.set()
    const mine = await untyped(make, 'i', 100_000)
    for (const victim of victims) await killed(make, victim)
    assert.equal(
      mine.every((n: number) => n === 0),
      true,
    )
    // slabs of the dead wait for somebody who needs one of their size
    assert.ok(make.memoryUsed() <= before + 64 * make.memoryStep, `${make.memoryUsed()} bytes, before ${before}`)
  })
}
