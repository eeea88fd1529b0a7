// Locks: acquire and release by one process alone, and 2 or 4 processes that add one to a shared counter under the lock.
import { emit, rate } from './measure.ts'
import { now } from './messages.ts'
import type { Scenario } from './scenario.ts'
import type { Mode } from './targets.ts'

const parties = [2, 4]
const contended = (n: number) => `${n} processes`
const metrics = ['alone', ...parties.map(contended)]

async function ours(seconds: number, mode: Mode | 'try') {
  const { Lock, Process, Queue, Value } = await import('multiproc')
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
  const target = { module: new URL('./targets.js', import.meta.url), name: 'add' }
  const members = Array.from({ length: Math.max(...parties) }, () => {
    const orders = new Queue<number | null>()
    const answers = new Queue<[number, number]>()
    const child = new Process({ target, args: [lock, counter, orders, answers, mode] })
    child.start()
    return { orders, answers, child }
  })
  for (const n of parties) {
    const some = members.slice(0, n)
    const found = await rate(
      async total => {
        const each = Math.ceil(total / n)
        const before = counter.value
        for (const { orders } of some) await orders.put(each)
        const spans = await Promise.all(some.map(({ answers }) => answers.get()))
        if (counter.value - before !== each * n)
          throw new Error(`Expected the counter to rise by ${each * n}, got ${counter.value - before}`)
        const took = Math.max(...spans.map(([, to]) => to)) - Math.min(...spans.map(([from]) => from))
        return (took / 1e9) * (total / (each * n))
      },
      { seconds: share, first: 2000 },
    )
    emit(contended(n), 1e9 / found.rate, found.n)
  }
  for (const { orders } of members) await orders.put(null)
  for (const { child } of members) {
    await child.join({ timeout: 5000 })
    if (child.exitCode !== 0) throw new Error(`A member ended with ${child.exitCode}`)
  }
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
