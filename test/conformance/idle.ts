// Who waits costs nothing: processor time as the kernel counts it, of processes that are asleep in each operation that waits.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitIn, waitInSeveral } from '../fixtures/conformance.ts'
import { waitHolding } from '../fixtures/conformance-condition.ts'
import { type Except, type Implementation, launch } from './implementation.ts'
import { ticksOf } from './stat.ts'
import { asleep, type Suite, suite } from './suite.ts'

/** Ticks of 10 ms. A window of 2 s has 200 of them. */
const NOTHING = 2

export function idleSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Waiting', make, except, [processorTime])
}

function processorTime({ make, test }: Suite): void {
  test('Waiting for 2 s uses no processor time, in any operation that waits', async t => {
    const [empty, full] = [await make.queue(), await make.queue(1)]
    const [lock, rlock, event] = [await make.lock(), await make.rlock(), await make.event()]
    const [semaphore, barrier] = [await make.semaphore(0), await make.barrier(3)]
    await full.put('first')
    lock.acquireSync()
    rlock.acquireSync()
    const waits: [object: unknown, method: string, ...args: unknown[]][] = [
      [empty, 'get'],
      [empty, 'getSync'],
      [empty, 'getMany', 2],
      [full, 'put', 1],
      [full, 'putSync', 1],
      [lock, 'acquire'],
      [lock, 'acquireSync'],
      [rlock, 'acquire'],
      [event, 'wait'],
      [event, 'waitSync'],
      [semaphore, 'acquire'],
      [semaphore, 'acquireSync'],
      [barrier, 'wait'],
      [barrier, 'waitSync'],
    ]
    const children = waits.map(([object, method, ...args]) => launch(t, make, waitIn, object, method, ...args))
    const condition = await make.condition()
    for (const how of ['wait', 'waitSync'] as const) children.push(launch(t, make, waitHolding, condition, how))
    children.push(launch(t, make, waitInSeveral, empty, event))
    await asleep(make, ...children)
    const used = await ticksWithin(
      2_000,
      children.map(child => make.task(child)),
    )
    for (const [n, ticks] of used.entries()) {
      assert.ok(ticks <= NOTHING, `${waits[n]?.[1] ?? 'several at once'} used ${ticks} ticks`)
    }
  })
}

async function ticksWithin(ms: number, tasks: string[]): Promise<number[]> {
  const before = tasks.map(ticksOf)
  await sleep(ms)
  return tasks.map((task, n) => ticksOf(task) - before[n])
}
