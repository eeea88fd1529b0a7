// Queue throughput, one producer process to one consumer process: from the first put to the last get.
import { fork, type SerializationType } from 'node:child_process'
import { once } from 'node:events'
import { emit, rate } from './measure.ts'
import { kinds, now, type Received, small, verify } from './messages.ts'
import type { Scenario } from './scenario.ts'
import type { Mode, Order } from './targets.ts'

const names = Object.keys(kinds)
/** ns of bursts before anything is measured. */
const warmUp = 150e6
/** Items given to one putMany(). */
const chunk = 256
/** Items of one putMany() at most this large together. */
const chunkBytes = 4 << 20

async function drive(
  seconds: number,
  burst: (kind: string, n: number) => Promise<{ from: number; received: Received }>,
) {
  for (const kind of names) kinds[kind].sum(1) // makes what is sent, outside the measured time
  // both sides warm, so that the first kind is not slower for being first
  const warm = now() + warmUp
  while (now() < warm) verify('object', 1000, (await burst('object', 1000)).received)
  for (const kind of names) {
    const timed = async (n: number) => {
      const { from, received } = await burst(kind, n)
      verify(kind, n, received)
      return (received.at - from) / 1e9
    }
    const { first, most } = kinds[kind]
    const found = await rate(timed, { seconds: seconds / names.length / 1.6, first, most })
    emit(kind, found.rate, found.n)
  }
}

async function ours(seconds: number, mode: Mode) {
  const { Process, Queue } = await import('multiproc')
  const queue = new Queue<unknown>()
  const orders = new Queue<Order>()
  const answers = new Queue<Received>()
  const target = { module: new URL('./targets.js', import.meta.url), name: 'consume' }
  const consumer = new Process({ target, args: [queue, orders, answers, mode] })
  consumer.start()
  await drive(seconds, async (kind, n) => {
    const { make, bytes } = kinds[kind]
    await orders.put({ kind, n })
    const from = now()
    if (mode === 'sync') for (let i = 0; i < n; i++) queue.putSync(make(i))
    else if (mode === 'awaited') for (let i = 0; i < n; i++) await queue.put(make(i))
    else {
      const size = Math.max(1, Math.min(chunk, Math.floor(chunkBytes / bytes)))
      for (let i = 0; i < n; ) {
        const items = []
        while (items.length < size && i < n) items.push(make(i++))
        await queue.putMany(items)
      }
    }
    return { from, received: await answers.get() }
  })
  await orders.put(null)
  await consumer.join({ timeout: 5000 })
  if (consumer.exitCode !== 0) throw new Error(`The consumer ended with ${consumer.exitCode}`)
}

async function forkIpc(seconds: number, serialization: SerializationType) {
  // bytes as JSON would be a list of numbers, some 20 times slower than this
  const base64 = serialization === 'json'
  const consumer = fork(new URL('./peers/fork.js', import.meta.url), ['consume', base64 ? 'base64' : ''], {
    serialization,
  })
  await drive(seconds, async (kind, n) => {
    const { make, bytes } = kinds[kind]
    // the channel buffers without limit: wait for it now and then
    const every = bytes >= 65_536 ? 4 : 64
    const answer = once(consumer, 'message')
    consumer.send({ kind, n })
    const from = now()
    for (let i = 0; i < n; i++) {
      const item = make(i)
      const message = base64 && Buffer.isBuffer(item) ? item.toString('base64') : (item as object)
      if (i % every === every - 1) await new Promise(resolve => consumer.send(message, resolve))
      else consumer.send(message)
    }
    const [received] = await answer
    return { from, received }
  })
  consumer.disconnect()
  await once(consumer, 'exit')
}

export const queue: Scenario = {
  name: 'queue',
  title: 'Queue, one producer to one consumer',
  unit: 'items/s',
  better: 'high',
  seconds: 1.2,
  metrics: names,
  implementations: {
    'CPython Queue': { group: 'CPython', python: ['queue_1x1.py'] },
    'fork IPC, json': { group: 'fork IPC', run: seconds => forkIpc(seconds, 'json') },
    'fork IPC, advanced': { group: 'fork IPC', run: seconds => forkIpc(seconds, 'advanced') },
    'multiproc, awaited': { group: 'ours', run: seconds => ours(seconds, 'awaited') },
    'multiproc, sync': { group: 'ours', run: seconds => ours(seconds, 'sync') },
    'multiproc, many': { group: 'ours', run: seconds => ours(seconds, 'many') },
  },
  goals: [
    { implementation: 'multiproc, sync', metrics: small, times: 8, peer: 'CPython' },
    { implementation: 'multiproc, sync', metrics: small, times: 4, peer: 'fork IPC' },
    { implementation: 'multiproc, awaited', metrics: small, times: 3, peer: 'CPython' },
  ],
}
