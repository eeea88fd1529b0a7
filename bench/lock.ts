// Locks: acquire and release by one process alone, and 2 or 4 processes that add one to a shared counter under the lock.
import { contend, parties } from './contend.ts'
import { emit, rate } from './measure.ts'
import { now } from './messages.ts'
import type { Scenario } from './scenario.ts'
import type { Mode } from './targets.ts'

const contended = (n: number) => `${n} processes`
const metrics = ['alone', ...parties.map(contended)]

async function ours(seconds: number, mode: Mode | 'try') {
  const { Lock, Value } = await import('multiproc')
  const share = seconds / metrics.length / 1.6
  const lock = new Lock()
  const alone = await rate(
    async n => {
      const from = now()
      if (mode === 'sync') for (let i = 0; i < n; i++) lock.acquireSync().release()
      else if (mode === 'try') for (let i = 0; i < n; i++) lock.tryAcquire()!.release()
      else for (let i = 0; i < n; i++) (await lock.acquire()).release()
      return (now() - from) / 1e9
    },
    { seconds: share, first: 1000 },
  )
  emit('alone', 1e9 / alone.rate, alone.n)
  if (mode === 'try') return // it never waits: there is no contended form

  const counter = new Value('i', 0, { lock: false })
  await contend({
    target: 'add',
    args: [lock, counter, mode],
    counter,
    seconds: share,
    found: (n, perSecond, count) => emit(contended(n), 1e9 / perSecond, count),
  })
}

export const lock: Scenario = {
  name: 'lock',
  title: 'Lock, acquire and release',
  unit: 'ns',
  better: 'low',
  seconds: 0.9,
  metrics,
  implementations: {
    'CPython Lock': { group: 'CPython', python: ['lock.py'] },
    'multiproc, sync': { group: 'ours', run: seconds => ours(seconds, 'sync') },
    'multiproc, awaited': { group: 'ours', run: seconds => ours(seconds, 'awaited') },
    'multiproc, tryAcquire': { group: 'ours', run: seconds => ours(seconds, 'try') },
  },
  goals: [{ implementation: 'multiproc, sync', metrics: ['alone'], times: 2, peer: 'CPython' }],
}
