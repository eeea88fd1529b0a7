// A Pipe between two processes: the round trip of an int, one at a time; and 1 MiB of bytes, one way.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { emit, rate, roundTrips, roundTripsSync } from './measure.ts'
import { kinds, now, type Received, verify } from './messages.ts'
import type { Scenario } from './scenario.ts'
import type { Mode } from './targets.ts'

const kind = '1 MiB'

function same(got: unknown, sent: number): void {
  if (got !== sent) throw new Error(`Expected the echo of ${sent}, got ${got}`)
}

const target = (name: string) => ({ module: new URL('./targets.js', import.meta.url), name })

async function ours(seconds: number, mode: Mode) {
  const { Pipe, Process } = await import('multiproc')
  const [mine, theirs] = Pipe<number>()
  const child = new Process({ target: target('echoThrough'), args: [theirs, mode] })
  child.start()
  theirs.close()
  if (mode === 'sync')
    roundTripsSync(seconds, i => {
      mine.sendSync(i)
      same(mine.recvSync(), i)
    })
  else
    await roundTrips(seconds, async i => {
      await mine.send(i)
      same(await mine.recv(), i)
    })
  mine.close()
  await child.join({ timeout: 5000 })
  if (child.exitCode !== 0) throw new Error(`The echo ended with ${child.exitCode}`)
}

async function postMessage(seconds: number) {
  const worker = new Worker(new URL('./peers/worker.js', import.meta.url))
  let got: (item: unknown) => void = () => {}
  worker.on('message', item => got(item))
  await roundTrips(seconds, async i => {
    const answer = new Promise(resolve => {
      got = resolve
    })
    worker.postMessage(i)
    same(await answer, i)
  })
  worker.postMessage(null)
  await once(worker, 'exit')
}

async function oursBytes(seconds: number, how: 'recvBytes' | 'recvBytesInto') {
  const { Pipe, Process } = await import('multiproc')
  const [mine, theirs] = Pipe<any, any>()
  const child = new Process({ target: target('receiveBytes'), args: [theirs, how] })
  child.start()
  theirs.close()
  const { make, first, most } = kinds[kind]
  kinds[kind].sum(1) // makes what is sent, outside the measured time
  const burst = (n: number) => {
    mine.sendSync(n)
    const from = now()
    for (let i = 0; i < n; i++) mine.sendBytesSync(make(i) as Buffer)
    const received = mine.recvSync() as Received
    verify(kind, n, received)
    return (received.at - from) / 1e9
  }
  const found = await rate(burst, { seconds: seconds / 1.6, first, most })
  emit(kind, found.rate, found.n)
  mine.close()
  await child.join({ timeout: 5000 })
  if (child.exitCode !== 0) throw new Error(`The receiver ended with ${child.exitCode}`)
}

async function zeromq(seconds: number) {
  const { Pair, Push } = await import('zeromq')
  const folder = mkdtempSync(path.join(tmpdir(), 'multiproc-bench-'))
  const [data, control] = ['data', 'control'].map(name => `ipc://${folder}/${name}`)
  const push = new Push({ sendHighWaterMark: 16 })
  const orders = new Pair()
  await push.bind(data)
  await orders.bind(control)
  const child = spawn(process.execPath, [fileURLToPath(new URL('./peers/zeromq.js', import.meta.url)), data, control])
  try {
    const { make, first, most } = kinds[kind]
    kinds[kind].sum(1)
    const burst = async (n: number) => {
      await orders.send(String(n))
      const from = now()
      for (let i = 0; i < n; i++) await push.send(make(i) as Buffer)
      const received: Received = JSON.parse(String((await orders.receive())[0]))
      verify(kind, n, received)
      return (received.at - from) / 1e9
    }
    const found = await rate(burst, { seconds: seconds / 1.6, first, most })
    emit(kind, found.rate, found.n)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    rmSync(folder, { recursive: true })
  }
  process.exit() // its own threads keep the program alive
}

export const pipe: Scenario = {
  name: 'pipe',
  title: 'Pipe, round trip of an int',
  unit: 'µs',
  better: 'low',
  seconds: 0.7,
  metrics: ['median', '99th percentile'],
  implementations: {
    'CPython Pipe': { group: 'CPython', python: ['round_trip.py', 'Pipe'] },
    'worker postMessage': { group: 'worker', run: postMessage },
    'multiproc Pipe, awaited': { group: 'ours', run: seconds => ours(seconds, 'awaited') },
    'multiproc Pipe, sync': { group: 'ours', run: seconds => ours(seconds, 'sync') },
  },
  goals: [
    { implementation: 'multiproc Pipe, sync', metrics: ['median'], times: 1 / 4, peer: 'CPython' },
    { implementation: 'multiproc Pipe, awaited', metrics: ['median'], times: 2 / 3, peer: 'worker' },
  ],
}

export const pipeBytes: Scenario = {
  name: 'pipe-bytes',
  title: 'Pipe, bytes one way',
  unit: 'items/s',
  better: 'high',
  seconds: 1,
  metrics: [kind],
  implementations: {
    'CPython Pipe': { group: 'CPython', python: ['pipe_bytes.py'] },
    'zeromq push/pull': { group: 'zeromq', run: zeromq },
    'multiproc Pipe, recvBytes': { group: 'ours', run: seconds => oursBytes(seconds, 'recvBytes') },
    'multiproc Pipe, recvBytesInto': { group: 'ours', run: seconds => oursBytes(seconds, 'recvBytesInto') },
  },
  goals: [
    { implementation: 'multiproc Pipe, recvBytes', metrics: [kind], times: 2, peer: 'CPython' },
    { implementation: 'multiproc Pipe, recvBytes', metrics: [kind], times: 2, peer: 'zeromq' },
  ],
}
