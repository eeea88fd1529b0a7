// Round trip of a small item (an int, echoed), one at a time: there over one queue, back over another.
import { fork, type SerializationType } from 'node:child_process'
import { once } from 'node:events'
import { roundTrips, roundTripsSync } from './measure.ts'
import type { Scenario } from './scenario.ts'
import type { Mode } from './targets.ts'

function same(got: unknown, sent: number): void {
  if (got !== sent) throw new Error(`Expected the echo of ${sent}, got ${got}`)
}

async function ours(seconds: number, mode: Mode) {
  const { Process, Queue } = await import('multiproc')
  const there = new Queue<number>()
  const back = new Queue<number>()
  const target = { module: new URL('./targets.js', import.meta.url), name: 'echo' }
  const child = new Process({ target, args: [there, back, mode] })
  child.start()
  if (mode === 'sync')
    roundTripsSync(seconds, i => {
      there.putSync(i)
      same(back.getSync(), i)
    })
  else
    await roundTrips(seconds, async i => {
      await there.put(i)
      same(await back.get(), i)
    })
  await there.put(-1)
  await child.join({ timeout: 5000 })
  if (child.exitCode !== 0) throw new Error(`The echo ended with ${child.exitCode}`)
}

async function forkIpc(seconds: number, serialization: SerializationType) {
  const child = fork(new URL('./peers/fork.js', import.meta.url), ['echo'], { serialization })
  let got: (item: unknown) => void = () => {}
  child.on('message', item => got(item))
  await roundTrips(seconds, async i => {
    const answer = new Promise(resolve => {
      got = resolve
    })
    child.send(i)
    same(await answer, i)
  })
  child.disconnect()
  await once(child, 'exit')
}

export const roundTrip: Scenario = {
  name: 'round-trip',
  title: 'Round trip of an int',
  unit: 'µs',
  better: 'low',
  seconds: 0.7,
  metrics: ['median', '99th percentile'],
  implementations: {
    'CPython two Queues': { group: 'CPython', python: ['round_trip.py', 'Queue'] },
    'CPython Pipe': { group: 'CPython', python: ['round_trip.py', 'Pipe'] },
    'fork IPC, json': { group: 'fork IPC', run: seconds => forkIpc(seconds, 'json') },
    'fork IPC, advanced': { group: 'fork IPC', run: seconds => forkIpc(seconds, 'advanced') },
    'multiproc two Queues, awaited': { group: 'ours', run: seconds => ours(seconds, 'awaited') },
    'multiproc two Queues, sync': { group: 'ours', run: seconds => ours(seconds, 'sync') },
  },
  goals: [{ implementation: 'multiproc two Queues, awaited', metrics: ['median'], times: 1, peer: 'fork IPC' }],
}
