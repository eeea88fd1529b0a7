// A dict in a server process, from one client: calls one after the other, many at a time, and objects made.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { emit, rate } from './measure.ts'
import { now } from './messages.ts'
import type { Scenario } from './scenario.ts'

const oneByOne = ['get', 'set']
const MANY = 64
const many = `get, ${MANY} at a time`
const make = 'objects made'

interface Dict {
  get(key: string): Promise<unknown>
  set(key: string, value: number): Promise<unknown>
}

function same(got: unknown, expected: number): void {
  if (Number(got) !== expected) throw new Error(`Expected ${expected}, got ${got}`)
}

/** `share`: seconds of one metric. */
async function measure(dict: Dict, share: number): Promise<void> {
  await dict.set('key', 7)
  const bursts: Record<string, (n: number) => Promise<void>> = {
    get: async n => {
      for (let i = 0; i < n; i++) same(await dict.get('key'), 7)
    },
    set: async n => {
      for (let i = 0; i < n; i++) await dict.set('other', i)
      same(await dict.get('other'), n - 1)
    },
    [many]: async n => {
      let left = n
      const client = async () => {
        while (left-- > 0) same(await dict.get('key'), 7)
      }
      await Promise.all(Array.from({ length: MANY }, client))
    },
  }
  for (const [metric, burst] of Object.entries(bursts)) {
    const timed = async (n: number) => {
      const from = now()
      await burst(n)
      return (now() - from) / 1e9
    }
    const found = await rate(timed, { seconds: share, first: 2000 })
    emit(metric, found.rate, found.n)
  }
}

async function ours(seconds: number) {
  const { Manager } = await import('multiproc')
  const manager = await Manager()
  const share = seconds / 4 / 1.6
  await measure(await manager.dict<string, number>(), share)
  const made = async (n: number) => {
    const from = now()
    for (let i = 0; i < n; i++) (await manager.list()).close()
    return (now() - from) / 1e9
  }
  const found = await rate(made, { seconds: share, first: 200 })
  emit(make, found.rate, found.n)
  await manager.shutdown()
}

/** A server of its own, on a Unix socket in a new folder. */
async function redis(seconds: number) {
  if (spawnSync('redis-server', ['--version'], { timeout: 10_000 }).status !== 0) {
    throw new Error(
      'redis-server was not found: NOTHING IS COMPARED WITH REDIS. Install it (Debian: apt install redis-server)',
    )
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'multiproc-bench-'))
  const socket = path.join(folder, 'redis')
  const options = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder]
  const server = spawn('redis-server', options, { stdio: 'ignore' })
  try {
    await measureRedis(server, socket, seconds)
  } finally {
    const ended = once(server, 'exit')
    if (server.exitCode === null) {
      server.kill('SIGKILL')
      await ended
    }
    rmSync(folder, { recursive: true })
  }
}

async function measureRedis(server: ChildProcess, path: string, seconds: number): Promise<void> {
  const { Redis } = await import('ioredis')
  const client = new Redis({ path, retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => {}) // until the server listens
  const died = once(server, 'exit').then(() => {
    throw new Error('redis-server ended')
  })
  died.catch(() => {})
  await Promise.race([client.ping(), died])
  const dict: Dict = {
    get: key => client.hget('dict', key),
    set: (key, value) => client.hset('dict', key, value),
  }
  await measure(dict, seconds / 3 / 1.6)
  client.disconnect()
}

export const manager: Scenario = {
  name: 'manager',
  title: 'A dict in a manager',
  unit: 'calls/s',
  better: 'high',
  seconds: 2,
  metrics: [...oneByOne, many, make],
  implementations: {
    'CPython Manager().dict()': { group: 'CPython', python: ['manager.py'] },
    'ioredis, a hash': { group: 'ioredis', run: redis },
    'multiproc Manager().dict()': { group: 'ours', run: ours },
  },
  goals: [
    { implementation: 'multiproc Manager().dict()', metrics: oneByOne, times: 4, peer: 'CPython' },
    { implementation: 'multiproc Manager().dict()', metrics: [many], times: 3, peer: 'ioredis' },
    { implementation: 'multiproc Manager().dict()', metrics: [make], times: 10, peer: 'CPython' },
  ],
}
