// A Connection over a Unix socket, without a key: the round trip of an int, one at a time; and 1 MiB of bytes, one way.
import { emit, rate, roundTrips, roundTripsSync } from './measure.ts'
import { kinds, now, type Received, verify } from './messages.ts'
import type { Scenario } from './scenario.ts'
import type { Mode } from './targets.ts'

const kind = '1 MiB'

/** A Connection, and the process at its other end, which runs a target of targets.ts with it. */
async function connect(codec: 'pickle' | 'msgpack', what: 'echo' | 'receive', how: string) {
  const { Listener, Process } = await import('multiproc')
  const listener = await Listener.listen(undefined, { codec })
  const target = { module: new URL('./targets.js', import.meta.url), name: 'throughSocket' }
  const child = new Process({ target, args: [listener.address, codec, what, how] })
  child.start()
  const conn = await listener.accept({ timeout: 10_000 })
  await listener.close()
  const end = async () => {
    conn.close()
    await child.join({ timeout: 5000 })
    if (child.exitCode !== 0) throw new Error(`The other side ended with ${child.exitCode}`)
  }
  return { conn, end }
}

async function ours(seconds: number, mode: Mode) {
  const { conn, end } = await connect('pickle', 'echo', mode)
  const same = (got: unknown, sent: number) => {
    if (got !== sent) throw new Error(`Expected the echo of ${sent}, got ${got}`)
  }
  if (mode === 'sync')
    roundTripsSync(seconds, i => {
      conn.sendSync(i)
      same(conn.recvSync(), i)
    })
  else
    await roundTrips(seconds, async i => {
      await conn.send(i)
      same(await conn.recv(), i)
    })
  await end()
}

async function oursBytes(seconds: number, mode: Mode) {
  const { conn, end } = await connect('msgpack', 'receive', mode === 'sync' ? 'recvBytes' : 'awaited')
  const { make, first, most } = kinds[kind]
  kinds[kind].sum(1) // makes what is sent, outside the measured time
  const burst = async (n: number) => {
    await conn.send(n)
    const from = now()
    if (mode === 'sync') for (let i = 0; i < n; i++) conn.sendBytesSync(make(i) as Buffer)
    else for (let i = 0; i < n; i++) await conn.sendBytes(make(i) as Buffer)
    const received = (await conn.recv()) as Received
    verify(kind, n, received)
    return (received.at - from) / 1e9
  }
  const found = await rate(burst, { seconds: seconds / 1.6, first, most })
  emit(kind, found.rate, found.n)
  await end()
}

export const socket: Scenario = {
  name: 'socket',
  title: 'Listener and Client, round trip of an int',
  unit: 'µs',
  better: 'low',
  seconds: 0.7,
  metrics: ['median', '99th percentile'],
  implementations: {
    'CPython Listener': { group: 'CPython', python: ['socket_connection.py', 'echo'] },
    'multiproc Listener, awaited': { group: 'ours', run: seconds => ours(seconds, 'awaited') },
    'multiproc Listener, sync': { group: 'ours', run: seconds => ours(seconds, 'sync') },
  },
  goals: [],
}

export const socketBytes: Scenario = {
  name: 'socket-bytes',
  title: 'Listener and Client, bytes one way',
  unit: 'items/s',
  better: 'high',
  seconds: 1,
  metrics: [kind],
  implementations: {
    'CPython Listener': { group: 'CPython', python: ['socket_connection.py', 'receive'] },
    'multiproc Listener, awaited': { group: 'ours', run: seconds => oursBytes(seconds, 'awaited') },
    'multiproc Listener, sync': { group: 'ours', run: seconds => oursBytes(seconds, 'sync') },
  },
  goals: [
    { implementation: 'multiproc Listener, awaited', metrics: [kind], times: 1, peer: 'CPython' },
    { implementation: 'multiproc Listener, sync', metrics: [kind], times: 1, peer: 'CPython' },
  ],
}
