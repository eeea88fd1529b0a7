// Who waits costs nothing: processor time as the kernel counts it, of processes that are asleep in each operation that waits.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Process } from 'multiproc'
import { waitForAny, waitIn, waitInAll, waitInSeveral } from '../fixtures/conformance.ts'
import { waitHolding } from '../fixtures/conformance-condition.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { ticksOf } from './stat.ts'
import { asleep, ended, type Suite, suite } from './suite.ts'

/** Ticks of 10 ms. A window of 2 s has 200 of them. */
const NOTHING = 2

export function idleSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Waiting', make, except, [processorTime])
}

function processorTime({ make, test }: Suite): void {
  test('Waiting for 2 s uses no processor time, in any operation that waits', async t => {
    const [empty, full] = [await make.queue(), await make.queue(1)]
    const [lock, rlock, event] = [await make.lock(), await make.rlock(), await make.event()]
    const [semaphore, bounded, barrier] = [
      await make.semaphore(0),
      await make.boundedSemaphore(1),
      await make.barrier(5),
    ]
    const [tasks, begun, fullOfTasks] = [
      await make.joinableQueue(),
      await make.joinableQueue(),
      await make.joinableQueue(1),
    ]
    const simple = await make.simpleQueue()
    const [[end], [, stuffed]] = [await make.pipe(), await make.pipe(false)]
    await full.put('first')
    for (const queue of [begun, fullOfTasks]) await queue.put('first')
    stuffed.sendBytesSync(new Uint8Array(40 << 20))
    for (const one of [lock, rlock, bounded]) one.acquireSync()
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
      [bounded, 'acquire'],
      [bounded, 'acquireSync'],
      [barrier, 'wait'],
      [barrier, 'waitSync'],
      [tasks, 'get'],
      [tasks, 'getSync'],
      [tasks, 'lease'],
      [tasks, 'leaseSync'],
      [begun, 'join'],
      [begun, 'joinSync'],
      [fullOfTasks, 'put', 1],
      [fullOfTasks, 'putSync', 1],
      [simple, 'get'],
      [simple, 'getSync'],
      [end, 'recv'],
      [end, 'recvSync'],
      [end, 'recvBytesSync'],
      [end, 'poll', null],
      [end, 'pollSync', null],
      [end, 'pollSync', LIMIT],
      [stuffed, 'send', 1],
      [stuffed, 'sendBytesSync', new Uint8Array(1)],
    ]
    const children = new Map<string, Process>()
    // what is awaited, in one process; what blocks, each in its own
    const awaited = waits.filter(([, method]) => !method.endsWith('Sync'))
    children.set('all that is awaited', launch(t, make, waitInAll, awaited))
    for (const [object, method, ...args] of waits.filter(one => !awaited.includes(one))) {
      const name = `${(object as object).constructor.name}.${method}(${args.length > 0 ? typeof args[0] : ''}) ${children.size}`
      children.set(name, launch(t, make, waitIn, object, method, ...args))
    }
    const condition = await make.condition()
    for (const how of ['wait', 'waitSync'] as const) {
      children.set(`Condition.${how}()`, launch(t, make, waitHolding, condition, how))
    }
    children.set('several at once', launch(t, make, waitInSeveral, empty, event))
    children.set(
      'wait() for several',
      launch(t, make, waitForAny, [empty, end, lock, rlock, semaphore, event, tasks, simple]),
    )
    await asleep(make, ...children.values())
    const used = await ticksWithin(2_000, [...children.values()].map(make.task))
    for (const [n, name] of [...children.keys()].entries()) {
      assert.ok(used[n] <= NOTHING, `${name} used ${used[n]} ticks`)
    }
    // before the pipes are closed: they would say that that is an error
    for (const child of children.values()) child.kill()
    for (const child of children.values()) await ended(child)
  })
}

async function ticksWithin(ms: number, tasks: string[]): Promise<number[]> {
  const before = tasks.map(ticksOf)
  await sleep(ms)
  return tasks.map((task, n) => ticksOf(task) - before[n])
}
