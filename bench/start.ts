// Starting a child: from start() to the first line of its target, and how long start() itself holds up its caller.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit } from './measure.ts'
import { now } from './messages.ts'
import { median } from './report.ts'
import type { Scenario } from './scenario.ts'

/** ms between two: whoever boots something in advance has done so by then. The same for all. */
const pause = 250
const fewest = 5

async function starts(seconds: number, once: () => Promise<{ from: number; started: number; first: number }>) {
  const [firsts, alone]: [number[], number[]] = [[], []]
  await once() // cold code here, no spare there: not counted
  const end = now() + seconds * 1e9
  while (firsts.length < fewest || now() < end) {
    await sleep(pause)
    const { from, started, first } = await once()
    firsts.push((first - from) / 1e6)
    alone.push((started - from) / 1e6)
  }
  emit('first line', median(firsts), firsts.length)
  emit('start() itself', median(alone), alone.length)
}

async function ours(seconds: number, method: 'spawn' | 'warm') {
  const { getContext, Queue } = await import('multiproc')
  const { Process } = getContext(method)
  const queue = new Queue<number>()
  const target = { module: new URL('./targets.js', import.meta.url), name: 'sayWhen' }
  await starts(seconds, async () => {
    const child = new Process({ target, args: [queue] })
    const from = now()
    child.start()
    const started = now()
    const first = await queue.get()
    await child.join()
    if (child.exitCode !== 0) throw new Error(`The child ended with ${child.exitCode}`)
    return { from, started, first }
  })
}

async function forkIpc(seconds: number) {
  await starts(seconds, async () => {
    const from = now()
    const child = fork(new URL('./peers/fork.js', import.meta.url), ['start'])
    const started = now()
    const [first] = await once(child, 'message')
    child.disconnect()
    await once(child, 'exit')
    return { from, started, first }
  })
}

export const start: Scenario = {
  name: 'start',
  title: 'Start of a child',
  unit: 'ms',
  better: 'low',
  seconds: 2,
  metrics: ['first line', 'start() itself'],
  implementations: {
    'CPython spawn': { group: 'CPython', python: ['start.py', 'spawn'] },
    'CPython forkserver': { group: 'CPython', python: ['start.py', 'forkserver'] },
    'CPython fork': { group: 'CPython', python: ['start.py', 'fork'] },
    'child_process.fork': { group: 'fork IPC', run: forkIpc },
    'multiproc, spawn': { group: 'ours', run: seconds => ours(seconds, 'spawn') },
    'multiproc, warm': { group: 'ours', run: seconds => ours(seconds, 'warm') },
  },
  goals: [{ implementation: 'multiproc, warm', metrics: ['first line'], times: 0.1, peer: 'multiproc, spawn' }],
}
