// Handles that are closed by the user's own code in the middle of an operation of theirs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Barrier, ClosedError } from 'multiproc'

test('Barrier.close() in its own action: nobody else of this thread arrives in memory that is another object by now', async t => {
  const later: Promise<unknown>[] = []
  const others: Barrier[] = []
  let runs = 0
  const barrier: Barrier = new Barrier(1, {
    action: () => {
      runs++
      if (runs === 1) later.push(barrier.wait(), barrier.wait())
      if (runs !== 2) return
      const { address } = barrier as unknown as { address: number }
      barrier.close()
      do others.push(new Barrier(2))
      while ((others.at(-1) as unknown as { address: number }).address !== address && others.length < 10_000)
    },
  })
  t.after(() => {
    for (const other of others) other.close()
  })
  assert.equal(await barrier.wait(), 0)
  for (const wait of later) await assert.rejects(wait, ClosedError)
  assert.ok(others.length < 10_000)
  assert.equal(others.at(-1)?.nWaiting, 0)
  assert.equal(runs, 2)
})
