// One shared number that 2 or 4 processes add one to, as often as they can; it must come out exact.
import { emit, rate } from './measure.ts'
import type { Scenario } from './scenario.ts'
import type { Increment } from './targets.ts'

const parties = [2, 4]
const metrics = parties.map(n => `${n} processes`)

async function ours(seconds: number, how: Increment) {
  const { Process, Queue, Value } = await import('multiproc')
  const share = seconds / metrics.length / 1.6
  const counter = new Value('i', 0)
  const target = { module: new URL('./targets.js', import.meta.url), name: 'increment' }
  const members = Array.from({ length: Math.max(...parties) }, () => {
    const orders = new Queue<number | null>()
    const answers = new Queue<[number, number]>()
    const child = new Process({ target, args: [counter, how, orders, answers] })
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
          throw new Error(`Expected the value to rise by ${each * n}, got ${counter.value - before}`)
        const took = Math.max(...spans.map(([, to]) => to)) - Math.min(...spans.map(([from]) => from))
        return (took / 1e9) * (total / (each * n))
      },
      { seconds: share, first: 2000 },
    )
    emit(`${n} processes`, found.rate, found.n)
  }
  for (const { orders } of members) await orders.put(null)
  for (const { child } of members) {
    await child.join({ timeout: 5000 })
    if (child.exitCode !== 0) throw new Error(`A member ended with ${child.exitCode}`)
  }
}

export const value: Scenario = {
  name: 'value',
  title: 'Increments of one Value',
  unit: 'adds/s',
  better: 'high',
  seconds: 0.9,
  metrics,
  implementations: {
    'CPython Value, get_lock()': { group: 'CPython', python: ['value.py'] },
    'multiproc, update()': { group: 'ours', run: seconds => ours(seconds, 'update') },
    'multiproc, getLock()': { group: 'ours', run: seconds => ours(seconds, 'lock') },
    'multiproc, add()': { group: 'ours', run: seconds => ours(seconds, 'add') },
  },
  goals: [
    { implementation: 'multiproc, update()', metrics: ['2 processes'], times: 3, peer: 'CPython' },
    { implementation: 'multiproc, getLock()', metrics: ['2 processes'], times: 3, peer: 'CPython' },
  ],
}
