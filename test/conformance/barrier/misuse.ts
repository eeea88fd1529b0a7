// A Barrier with bad arguments, and one that is closed.
import assert from 'node:assert/strict'
import { ArgumentRangeError, ArgumentTypeError, ClosedError } from 'multiproc'
import { callAndStay, type Outcome } from '../../fixtures/conformance.ts'
import { launch } from '../implementation.ts'
import { badWaits, refused } from '../refused.ts'
import { rings, type Suite } from '../suite.ts'
import { expected } from './parties.ts'

export function misuse({ make, test }: Suite): void {
  test('Barrier: bad arguments are refused at the call, and nothing is changed', async () => {
    for (const [parties, options, kind] of [
      [0, undefined, ArgumentRangeError],
      [-1, undefined, ArgumentRangeError],
      [1.5, undefined, ArgumentRangeError],
      [2 ** 31, undefined, ArgumentRangeError],
      ['2', undefined, ArgumentTypeError],
      [undefined, undefined, ArgumentTypeError],
      [2, { action: 'go' }, ArgumentTypeError],
      [2, { action: async () => {} }, ArgumentTypeError],
      [2, { timeout: -1 }, ArgumentRangeError],
      [2, { timeout: '1' }, ArgumentTypeError],
      [2, { timout: 1 }, ArgumentTypeError],
      [2, 5, ArgumentTypeError],
    ] as [any, any, typeof ArgumentRangeError][]) {
      await assert.rejects(async () => await make.barrier(parties, options), kind)
    }
    const barrier = await make.barrier(2)
    for (const [options, kind] of badWaits) {
      await assert.rejects(barrier.wait(options), refused(kind))
      assert.throws(() => barrier.waitSync(options), refused(kind))
    }
    assert.throws(() => barrier.waitSync({ signal: AbortSignal.abort() } as any), TypeError)
    assert.deepEqual([barrier.nWaiting, barrier.broken], [0, false])
  })

  test('Barrier.close(): everything throws ClosedError at once, what waits is rejected, and it breaks for who waits with it', async t => {
    const [barrier, report] = [await make.barrier(3), await make.queue<Outcome>()]
    const child = launch(t, make, callAndStay, barrier, 'wait', [], report)
    const mine = expected(barrier.wait())
    await rings(make, [child], () => barrier.close())
    barrier.close()
    await assert.rejects(mine, ClosedError)
    await assert.rejects(barrier.wait(), ClosedError)
    for (const use of [
      () => barrier.waitSync(),
      () => barrier.abort(),
      () => barrier.reset(),
      () => barrier.parties,
      () => barrier.nWaiting,
      () => barrier.broken,
    ]) {
      assert.throws(use, ClosedError)
    }
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
  })
}
