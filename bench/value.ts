// One shared number that 2 or 4 processes add one to, as often as they can; it must come out exact.
import { contend, parties } from './contend.ts'
import { emit } from './measure.ts'
import type { Scenario } from './scenario.ts'
import type { Increment } from './targets.ts'

const metrics = parties.map(n => `${n} processes`)

async function ours(seconds: number, how: Increment) {
  const { Value } = await import('multiproc')
  const counter = new Value('i', 0)
  await contend({
    target: 'increment',
    args: [counter, how],
    counter,
    seconds: seconds / metrics.length / 1.6,
    found: (n, perSecond, count) => emit(`${n} processes`, perSecond, count),
  })
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
