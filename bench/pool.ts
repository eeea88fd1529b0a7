// Pools of two workers: 20,000 tasks that do nothing, 200 that take and give 1 MiB, 200 that compute for some 5 ms.
// Of each a part of the time is not counted: a program that has run for a second is compiled, here and in the workers.
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StartMethod } from 'multiproc'
import { emit } from './measure.ts'
import { median } from './report.ts'
import type { Implementation, Scenario } from './scenario.ts'

const workers = 2
const here = (file: string) => fileURLToPath(new URL(`./peers/${file}`, import.meta.url))
const tasks = here('pool-tasks.js')

const COPIED = '1 MiB in and out'
const SHARED = '1 MiB in and out, shared'
/** The same arrays again and again, with other contents: what shared memory is for. */
const KEPT = '1 MiB in and out, shared, kept'

type Task = 'noop' | 'work' | 'mib'
/** Runs one task for each item, at once; gives the results in order. */
type All = (task: Task, items: readonly unknown[]) => Promise<readonly unknown[]>
interface Peer {
  all: All
  /** An array whose memory all share, where there is such a thing. */
  shared?: Make
  end(): Promise<unknown>
}

// ── what is measured ──

/** Several metrics: of this implementation they are the same. */
async function repeat(metrics: string | string[], seconds: number, once: () => Promise<number>): Promise<void> {
  const warm = performance.now() + (seconds * 1e3) / 2
  do await once()
  while (performance.now() < warm)
  const figures: number[] = []
  const end = performance.now() + seconds * 1e3
  while (figures.length < 3 || performance.now() < end) figures.push(await once())
  for (const metric of [metrics].flat()) emit(metric, median(figures), figures.length)
}

const many = 20_000
const few = 200

async function noops(all: All): Promise<number> {
  const items = Array.from({ length: many }, (_, i) => i)
  const began = performance.now()
  const got = await all('noop', items)
  const took = performance.now() - began
  if (got.length !== many || got.some((one, i) => one !== i)) throw new Error('Expected the items as they were')
  return many / (took / 1e3)
}

type Make = () => Uint8Array

const plain: Make = () => new Uint8Array(new ArrayBuffer(1 << 20))
const made = (make: Make): Uint8Array[] => Array.from({ length: few }, make)

async function arrays(all: All, items: readonly Uint8Array[]): Promise<number> {
  for (const [i, item] of items.entries()) item.fill(i & 127)
  await turn() // what the last ones have left is freed now, if it is
  const began = performance.now()
  const got = (await all('mib', items)) as Uint8Array[]
  const took = performance.now() - began
  if (got.length !== few || got.some((one, i) => one[0] !== (i & 127) + 1 || one.length !== 1 << 20)) {
    throw new Error('Expected one more in each')
  }
  return few / (took / 1e3)
}

/** Some 5 ms. */
const fibonacci = 29

async function busy(all: All): Promise<number> {
  const began = performance.now()
  const took = (await all('work', Array(few).fill(fibonacci))) as number[]
  return (100 * took.reduce((a, b) => a + b, 0)) / (workers * (performance.now() - began))
}

type What = 'tasks' | 'chunks' | 'busy'

async function measure(
  what: What,
  seconds: number,
  { all, shared, end }: Peer,
  bytes: Peer = { all, end },
): Promise<void> {
  if (what === 'chunks') await repeat('no-ops', seconds, () => noops(all))
  else if (what === 'busy') await repeat('tasks of 5 ms', seconds, () => busy(all))
  else {
    await repeat('no-ops', seconds / 2, () => noops(all))
    const copied = () => arrays(bytes.all, made(plain))
    if (shared === undefined) await repeat([COPIED, SHARED, KEPT], seconds / 2, copied)
    else {
      await repeat(COPIED, seconds / 2, copied)
      await repeat(SHARED, seconds / 2, () => arrays(all, made(shared)))
      const items = made(shared)
      await repeat(KEPT, seconds / 2, () => arrays(all, items))
    }
  }
  await end()
  if (bytes.end !== end) await bytes.end()
}

// ── who is measured ──

async function ours(method: StartMethod, chunksize?: number): Promise<Peer> {
  const { getContext, RawArray } = await import('multiproc')
  const pool = new (getContext(method).Pool)(workers)
  return {
    all: (name, items) => pool.map({ module: tasks, name }, items, { chunksize }),
    shared: () => new RawArray('B', 1 << 20),
    async end() {
      pool.close()
      await pool.join()
    },
  }
}

async function piscina(): Promise<Peer> {
  const { Piscina } = await import('piscina')
  const pool = new Piscina({ filename: tasks, minThreads: workers, maxThreads: workers })
  return { all: (name, items) => Promise.all(items.map(one => pool.run(one, { name }))), end: () => pool.destroy() }
}

async function tinypool(runtime: 'child_process' | 'worker_threads', serialization?: 'advanced'): Promise<Peer> {
  const { Tinypool } = await import('tinypool')
  const pool = new Tinypool({ filename: tasks, runtime, minThreads: workers, maxThreads: workers, serialization })
  return { all: (name, items) => Promise.all(items.map(one => pool.run(one, { name }))), end: () => pool.destroy() }
}

async function workerpool(workerType: 'process' | 'thread', serialization?: 'advanced'): Promise<Peer> {
  const { default: library } = await import('workerpool')
  const forkOpts = serialization && { serialization }
  const pool = library.pool(here('pool-workerpool.js'), {
    minWorkers: workers,
    maxWorkers: workers,
    workerType,
    forkOpts,
  })
  return {
    all: (name, items) => Promise.all(items.map(one => pool.exec(name, [one]))),
    end: async () => pool.terminate(),
  }
}

/** Threads only: its processes (5.3.2) come online here and never answer. */
async function poolifier(): Promise<Peer> {
  const { FixedThreadPool } = await import('poolifier')
  const pool = new FixedThreadPool<unknown, unknown>(workers, here('pool-poolifier.js'))
  return {
    all: (name, items) => Promise.all(items.map(one => pool.execute(one, name))),
    end: () => pool.destroy(),
  }
}

/** Those that fork carry no bytes by themselves: with those in hand they are asked to use what does. */
const peers = (what: What): Record<string, Implementation> => ({
  'CPython Pool': { group: 'pools', python: ['pool.py', what] },
  'piscina, threads': { group: 'pools', run: async seconds => measure(what, seconds, await piscina()) },
  'tinypool, processes': {
    group: 'pools',
    run: async seconds =>
      measure(what, seconds, await tinypool('child_process'), await tinypool('child_process', 'advanced')),
  },
  'tinypool, threads': {
    group: 'pools',
    run: async seconds => measure(what, seconds, await tinypool('worker_threads')),
  },
  'workerpool, processes': {
    group: 'pools',
    run: async seconds => measure(what, seconds, await workerpool('process'), await workerpool('process', 'advanced')),
  },
  'workerpool, threads': { group: 'pools', run: async seconds => measure(what, seconds, await workerpool('thread')) },
  'poolifier, threads': { group: 'pools', run: async seconds => measure(what, seconds, await poolifier()) },
})

const own = (what: What, method: StartMethod, chunksize?: number): Implementation => ({
  group: 'ours',
  run: async seconds => measure(what, seconds, await ours(method, chunksize)),
})

export const pool: Scenario = {
  name: 'pool',
  title: 'Pool of two workers, one task at a time to each',
  unit: 'tasks/s',
  better: 'high',
  seconds: 4,
  metrics: ['no-ops', COPIED, SHARED, KEPT],
  implementations: {
    ...peers('tasks'),
    'multiproc, spawn': own('tasks', 'spawn', 1),
    'multiproc, thread': own('tasks', 'thread', 1),
  },
  goals: [
    { implementation: 'multiproc, spawn', metrics: ['no-ops'], times: 2, peer: 'pools' },
    {
      implementation: 'multiproc, spawn',
      metrics: [COPIED, SHARED, KEPT],
      times: 3,
      peer: 'pools',
    },
  ],
}

export const poolChunks: Scenario = {
  name: 'pool-chunks',
  title: 'Pool of two workers, chunks',
  unit: 'tasks/s',
  better: 'high',
  seconds: 1,
  metrics: ['no-ops'],
  implementations: {
    'CPython Pool, automatic chunks': { group: 'pools', python: ['pool.py', 'chunks'] },
    'multiproc, chunks of one': own('chunks', 'spawn', 1),
    'multiproc, automatic chunks': own('chunks', 'spawn'),
  },
  goals: [
    { implementation: 'multiproc, automatic chunks', metrics: ['no-ops'], times: 10, peer: 'multiproc, chunks of one' },
  ],
}

export const poolBusy: Scenario = {
  name: 'pool-busy',
  title: 'Pool of two workers, time at work',
  unit: '%',
  better: 'high',
  seconds: 2,
  metrics: ['tasks of 5 ms'],
  implementations: {
    ...peers('busy'),
    'multiproc, spawn': own('busy', 'spawn', 1),
    'multiproc, thread': own('busy', 'thread', 1),
    'all of the time': { group: 'ideal', run: async () => emit('tasks of 5 ms', 100, 1) },
  },
  goals: [{ implementation: 'multiproc, spawn', metrics: ['tasks of 5 ms'], times: 0.96, peer: 'ideal' }],
}
