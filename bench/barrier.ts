// Two or four processes that meet at a barrier, again and again; each must find the others in the same round.
import { emit, rate } from './measure.ts'
import type { Scenario } from './scenario.ts'

const parties = [2, 4]
const metrics = parties.map(n => `${n} processes`)

async function ours(seconds: number, mode: 'awaited' | 'sync') {
  const { Barrier, Process, Queue, RawArray } = await import('multiproc')
  const share = seconds / metrics.length / 1.6
  const target = { module: new URL('./targets.js', import.meta.url), name: 'meet' }
  for (const n of parties) {
    const barrier = new Barrier(n)
    const rounds = new RawArray('i', n)
    const members = Array.from({ length: n }, (_, party) => {
      const orders = new Queue<number | null>()
      const answers = new Queue<{ from: number; to: number; sum: number }>()
      const child = new Process({ target, args: [barrier, rounds, party, mode, orders, answers] })
      child.start()
      return { orders, answers, child }
    })
    const found = await rate(
      async count => {
        rounds.fill(0)
        for (const { orders } of members) await orders.put(count)
        const reports = await Promise.all(members.map(({ answers }) => answers.get()))
        const sum = reports.reduce((all, one) => all + one.sum, 0)
        if (sum !== (count * n * (n - 1)) / 2)
          throw new Error(`Expected each index once in each round, got a sum of ${sum}`)
        return (Math.max(...reports.map(one => one.to)) - Math.min(...reports.map(one => one.from))) / 1e9
      },
      { seconds: share, first: 200 },
    )
    emit(`${n} processes`, found.rate, found.n)
    for (const { orders } of members) await orders.put(null)
    for (const { child } of members) {
      await child.join({ timeout: 5000 })
      if (child.exitCode !== 0) throw new Error(`A member ended with ${child.exitCode}`)
    }
  }
}

export const barrier: Scenario = {
  name: 'barrier',
  title: 'Barrier, rounds',
  unit: 'rounds/s',
  better: 'high',
  seconds: 1.2,
  metrics,
  implementations: {
    'CPython Barrier': { group: 'CPython', python: ['barrier.py'] },
    'multiproc, sync': { group: 'ours', run: seconds => ours(seconds, 'sync') },
    'multiproc, awaited': { group: 'ours', run: seconds => ours(seconds, 'awaited') },
  },
  goals: [{ implementation: 'multiproc, sync', metrics: ['2 processes', '4 processes'], times: 2, peer: 'CPython' }],
}
