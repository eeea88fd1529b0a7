// What inspect() shows of each kind of object beyond locks, events, values and queues: who holds it, who waits for it, deadlocks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  inspect,
  JoinableQueue,
  Lock,
  Pipe,
  type Process,
  RawArray,
  RLock,
  Semaphore,
  SharedArray,
  SharedMemory,
  SimpleQueue,
} from 'multiproc'
import { stateOf } from '../conformance/stat.ts'
import { waitForAny, waitIn } from '../fixtures/conformance.ts'
import { waitHolding } from '../fixtures/conformance-condition.ts'
import { churnAll, keep, takeBoth, takeThenWait, waitWithAnother } from '../fixtures/inspect.ts'
import { until } from '../support/children.ts'
import { LIMIT, launch, launchBy, only, waitingOf } from './report.ts'

const me = process.pid

/** Without who has a handle. */
const detailOf = (kind: string) => {
  const { handles, ...detail } = only(kind).detail
  return detail
}

const close = (...objects: { close(): void }[]) => {
  for (const object of objects) object.close()
}

test('inspect() shows a semaphore: permits that are free, who holds how many, that it became a signal', async t => {
  const [semaphore, bounded, none, has] = [new Semaphore(4), new BoundedSemaphore(2), new JoinableQueue(), new Event()]
  const child = launch(t, keep, semaphore, 2, none, 0, has)
  await has.wait({ timeout: LIMIT })
  semaphore.acquireSync()
  bounded.acquireSync()
  assert.deepEqual(detailOf('Semaphore'), {
    free: 1,
    most: 2 ** 31 - 1,
    held: { [me]: 1, [child.pid as number]: 2 },
    signal: false,
  })
  assert.deepEqual(only('Semaphore').holders.toSorted(), [me, child.pid].toSorted())
  assert.deepEqual(detailOf('BoundedSemaphore'), { free: 1, most: 2, held: { [me]: 1 }, signal: false })
  child.kill()
  await child.join()
  assert.deepEqual(detailOf('Semaphore').held, { [me]: 1 })
  semaphore.release(3)
  assert.deepEqual(detailOf('Semaphore'), { free: 6, most: 2 ** 31 - 1, held: {}, signal: true })
  assert.deepEqual(only('Semaphore').holders, [])
  close(semaphore, bounded, none, has)
})

test('inspect() shows a Condition: who holds its lock, who waits to be notified, and nobody who was', async t => {
  const condition = new Condition()
  const children = [launch(t, waitHolding, condition, 'wait'), launch(t, waitHolding, condition, 'waitSync')]
  await until(() => detailOf('Condition').waiting === 2, LIMIT, 'two to wait')
  await until(() => detailOf('Condition').holder === null, LIMIT, 'the lock to be free')
  assert.deepEqual(only('Condition').waiters.toSorted(), children.map(({ pid }) => pid).toSorted())
  assert.deepEqual(only('Condition').holders, [])
  const held = condition.acquireSync()
  condition.notify()
  assert.deepEqual(detailOf('Condition'), { holder: me, waiting: 1 })
  assert.deepEqual(only('Condition').holders, [me])
  assert.deepEqual(only('RLock').holders, [me])
  const [notified] = children.filter(({ pid }) => !only('Condition').waiters.includes(pid as number))
  await until(() => waitingOf(notified)?.[0] === 'RLock', LIMIT, 'the one who was notified to wait for the lock')
  held.release()
  await notified.join({ timeout: LIMIT })
  condition.close()
})

test('inspect() shows a barrier: how many of its parties have arrived, that its action runs, why it is broken', async () => {
  const shown: unknown[] = []
  const barrier = new Barrier(2, { action: () => shown.push(detailOf('Barrier')) })
  const first = barrier.wait()
  await until(() => only('Barrier').waiters.length === 1, LIMIT)
  assert.deepEqual(detailOf('Barrier'), { parties: 2, arrived: 1, state: 'open' })
  assert.deepEqual([only('Barrier').waiters, only('Barrier').holders], [[me], []])
  await barrier.wait()
  await first
  assert.deepEqual(shown, [{ parties: 2, arrived: 2, state: 'its action runs' }])
  assert.deepEqual(detailOf('Barrier'), { parties: 2, arrived: 0, state: 'open' })
  barrier.abort()
  assert.deepEqual(detailOf('Barrier'), { parties: 2, arrived: 0, state: 'broken: it was aborted' })
  barrier.close()
})

test('inspect() shows a JoinableQueue: what is queued, in hand and with whom, and dead letters; a SimpleQueue as a Queue', async t => {
  const tasks = new JoinableQueue<number>({ maxsize: 9, maxDeliveries: 1 })
  const [simple, none, has] = [new SimpleQueue(), new Semaphore(0), new Event()]
  for (let n = 0; n < 6; n++) tasks.putNowait(n)
  const child = launch(t, keep, none, 0, tasks, 2, has)
  await has.wait({ timeout: LIMIT })
  tasks.getNowait()
  tasks.getNowait()
  tasks.taskDone()
  const common = { maxsize: 9, shutDown: false, maxDeliveries: 1 }
  assert.deepEqual(detailOf('JoinableQueue'), {
    ...common,
    size: 2,
    inHand: { [me]: 1, [child.pid as number]: 2 },
    deadLetters: 0,
  })
  assert.deepEqual(only('JoinableQueue').holders.toSorted(), [me, child.pid].toSorted())
  child.kill()
  await child.join()
  assert.deepEqual(detailOf('JoinableQueue'), { ...common, size: 2, inHand: { [me]: 1 }, deadLetters: 2 })
  tasks.shutdown()
  assert.equal(detailOf('JoinableQueue').shutDown, true)
  simple.putSync(1)
  assert.deepEqual(detailOf('SimpleQueue'), { size: 1, maxsize: 0, shutDown: false })
  close(tasks, has, simple, none)
})

test('inspect() shows a pipe and its ends: messages and bytes that nobody has received, and the end of it', () => {
  const [receiver, sender] = Pipe(false)
  sender.sendBytesSync(new Uint8Array(100_000))
  sender.sendSync('a')
  const ends = inspect().objects.filter(({ kind }) => kind === 'Connection')
  const [reading] = ends.filter(({ detail }) => detail.readable)
  const [writing] = ends.filter(({ detail }) => detail.writable)
  const bytes = reading.detail.bytes as number
  assert.ok(bytes >= 100_000 && bytes < 101_000, `${bytes} bytes`)
  const { pipe } = reading.detail
  assert.equal(only('Pipe').id, `Pipe ${pipe}`)
  const handles = [me]
  assert.deepEqual(reading.detail, { pipe, readable: true, writable: false, unread: 2, bytes, ended: false, handles })
  assert.deepEqual(writing.detail, {
    pipe,
    readable: false,
    writable: true,
    unread: 0,
    bytes: 0,
    ended: false,
    handles,
  })
  assert.deepEqual(detailOf('Pipe'), { unread: [2, 0], bytes: [bytes, 0] })
  sender.close()
  assert.equal(only('Connection').detail.ended, true)
  receiver.close()
  assert.deepEqual(
    inspect().objects.filter(({ kind }) => kind === 'Pipe' || kind === 'Connection'),
    [],
  )
})

test('inspect() shows arrays by type and length, and shared memory by its name', () => {
  const arrays = [new SharedArray('d', 3, { lock: false }), new RawArray('B', [1, 2])]
  const memory = new SharedMemory({ create: true, size: 10 })
  const shown = inspect().objects.filter(({ kind }) => kind === 'SharedArray')
  assert.deepEqual(
    shown.map(({ detail }) => [detail.type, detail.length]),
    [
      ['d', 3],
      ['B', 2],
    ],
  )
  assert.deepEqual(detailOf('SharedMemory'), { name: memory.name, tracked: true })
  memory.unlink()
  assert.equal(detailOf('SharedMemory').tracked, false)
  memory.close()
  assert.equal(arrays.length, 2)
})

test('inspect() says for what a participant waits, in every operation that waits', async t => {
  const [lock, rlock, event] = [new Lock(), new RLock(), new Event()]
  const [semaphore, bounded, barrier, condition] = [
    new Semaphore(0),
    new BoundedSemaphore(1),
    new Barrier(2),
    new Condition(),
  ]
  const [empty, busy, full] = [new JoinableQueue(), new JoinableQueue(), new JoinableQueue(1)]
  const simple = new SimpleQueue()
  const [here, there] = Pipe()
  const [unread, stuffed] = Pipe(false)
  for (const one of [lock, rlock, bounded]) one.acquireSync()
  for (const queue of [busy, full]) queue.putNowait(1)
  stuffed.sendBytesSync(new Uint8Array(40 << 20))
  const waits: [kind: string, object: unknown, method: string, ...args: unknown[]][] = [
    ['Lock', lock, 'acquireSync'],
    ['RLock', rlock, 'acquire'],
    ['Event', event, 'wait'],
    ['Semaphore', semaphore, 'acquire'],
    ['BoundedSemaphore', bounded, 'acquireSync'],
    ['Barrier', barrier, 'waitSync'],
    ['JoinableQueue', empty, 'get'],
    ['JoinableQueue', empty, 'leaseSync'],
    ['JoinableQueue', full, 'putSync', 2],
    ['JoinableQueue', busy, 'join'],
    ['SimpleQueue', simple, 'getSync'],
    ['Connection', there, 'recv'],
    ['Connection', there, 'pollSync', LIMIT],
    ['Connection', stuffed, 'sendBytes', new Uint8Array(1)],
  ]
  for (const [kind, object, method, ...args] of waits) {
    const child = launch(t, waitIn, object, method, ...args)
    await until(
      () => waitingOf(child)?.length === 1,
      LIMIT,
      () => `${kind}.${method}() to wait: ${waitingOf(child)}`,
    )
    assert.deepEqual(waitingOf(child), [kind])
    const id = inspect().participants.find(({ name }) => name === child.name)?.waitingFor[0]
    assert.deepEqual(inspect().objects.find(object => object.id === id)?.waiters, [child.pid])
    child.kill()
    await child.join()
  }
  const holding = launch(t, waitHolding, condition, 'waitSync')
  await until(() => waitingOf(holding)?.join() === 'Condition', LIMIT)
  const several = launch(t, waitForAny, [simple, there, semaphore, event])
  await until(() => waitingOf(several)?.length === 4, LIMIT)
  assert.deepEqual(waitingOf(several)?.toSorted(), ['Connection', 'Event', 'Semaphore', 'SimpleQueue'])
  close(
    lock,
    rlock,
    event,
    semaphore,
    bounded,
    barrier,
    condition,
    empty,
    busy,
    full,
    simple,
    here,
    there,
    unread,
    stuffed,
  )
})

/** The two children's lines of the ring, in any order. */
function assertRing(ring: string[], ...lines: string[]): void {
  assert.deepEqual(ring.toSorted(), lines.toSorted())
}

const nameOf = ({ name, pid }: Process) => `${name} (pid ${pid}`

for (const [one, other] of [
  ['spawn', 'spawn'],
  ['spawn', 'thread'],
  ['thread', 'thread'],
] as const) {
  test(`inspect() names a deadlock over a lock and a semaphore, of children by ${one} and ${other}`, async t => {
    const [rlock, semaphore] = [new RLock(), new BoundedSemaphore(1)]
    const [has, hasToo, go] = [new Event(), new Event(), new Event()]
    const first = launchBy(t, one, takeBoth, rlock, semaphore, has, go, 'acquireSync')
    const second = launchBy(t, other, takeBoth, semaphore, rlock, hasToo, go, 'acquireSync')
    await Promise.all([has.wait({ timeout: LIMIT }), hasToo.wait({ timeout: LIMIT })])
    assert.deepEqual(inspect().deadlocks, [])
    go.set()
    await until(() => inspect().deadlocks.length > 0, LIMIT, 'the deadlock')
    const [ring, ...others] = inspect().deadlocks
    assert.deepEqual(others, [])
    assert.equal(ring.length, 2)
    for (const [child, kind] of [
      [first, 'BoundedSemaphore'],
      [second, 'RLock'],
    ] as const) {
      const line = ring.find(line => line.startsWith(nameOf(child)))
      assert.ok(line?.includes(`blocks in ${only(kind).id}, held by `), ring.join('\n'))
    }
    second.kill()
    await second.join()
    await first.join({ timeout: LIMIT })
    assert.equal(first.exitCode, 0)
    assert.deepEqual(inspect().deadlocks, [])
    close(rlock, semaphore, has, hasToo, go)
  })
}

test('inspect() names a deadlock over a semaphore when all of its permits are held by those who wait, and not before', async t => {
  const [semaphore, has, go] = [new Semaphore(3), new Event(), new Event()]
  const children: Process[] = []
  const held = semaphore.acquireSync()
  for (let n = 0; n < 2; n++) {
    has.clear()
    children.push(launch(t, takeBoth, semaphore, semaphore, has, go, 'acquireSync'))
    await has.wait({ timeout: LIMIT })
  }
  go.set()
  await until(() => children.every(child => waitingOf(child)?.length === 1), LIMIT, 'both to wait')
  assert.deepEqual(inspect().deadlocks, [], 'this process has one, and waits for nobody')
  const mine = semaphore.acquire()
  await until(() => only('Semaphore').waiters.includes(me), LIMIT)
  assert.deepEqual(inspect().deadlocks, [], 'who awaits may give back what it has')
  held.release()
  ;(await mine).release()
  for (const child of children) {
    await child.join({ timeout: LIMIT })
    assert.equal(child.exitCode, 0)
  }

  go.clear()
  const stuck: Process[] = []
  for (let n = 0; n < 3; n++) {
    has.clear()
    stuck.push(launch(t, takeBoth, semaphore, semaphore, has, go, 'acquireSync'))
    await has.wait({ timeout: LIMIT })
  }
  go.set()
  await until(() => inspect().deadlocks.length > 0, LIMIT, 'the deadlock')
  const [ring, ...others] = inspect().deadlocks
  assert.deepEqual(others, [])
  const all = only('Semaphore')
    .holders.map(pid => stuck.find(child => child.pid === pid) as Process)
    .map(child => `${nameOf(child)})`)
    .join(', ')
  assertRing(ring, ...stuck.map(child => `${nameOf(child)}) blocks in ${only('Semaphore').id}, held by ${all}`))
  stuck[0].kill()
  await Promise.all(stuck.map(child => child.join({ timeout: LIMIT })))
  assert.deepEqual(inspect().deadlocks, [])
  close(semaphore, has, go)
})

test('inspect() calls it no deadlock when a permit is free, though its holders wait and a stopped process is about to take it', async t => {
  const [semaphore, lock, has, go] = [new Semaphore(2), new Lock(), new Event(), new Event()]
  const mine = semaphore.acquireSync()
  const first = launch(t, takeBoth, semaphore, lock, has, go, 'acquireSync')
  await has.wait({ timeout: LIMIT })
  has.clear()
  const stopped = launch(t, waitIn, semaphore, 'acquireSync') // in a lower place than the next: it will be rung first
  await until(() => waitingOf(stopped)?.join() === 'Semaphore', LIMIT)
  const second = launch(t, takeBoth, lock, semaphore, has, go, 'acquireSync')
  await has.wait({ timeout: LIMIT })
  go.set()
  await until(() => [first, second].every(child => waitingOf(child)?.length === 1), LIMIT, 'both to wait')
  process.kill(stopped.pid as number, 'SIGSTOP')
  await until(() => stateOf(`/proc/${stopped.pid}`) === 'T', LIMIT)
  mine.release()
  assert.deepEqual([detailOf('Semaphore').free, only('Semaphore').waiters], [1, [second.pid]])
  assert.deepEqual(inspect().deadlocks, [])
  process.kill(stopped.pid as number, 'SIGCONT')
  for (const child of [first, stopped, second]) {
    await child.join({ timeout: LIMIT })
    assert.equal(child.exitCode, 0)
  }
  close(semaphore, lock, has, go)
})

test('inspect() names a deadlock over a Condition: who waits in it needs its lock, and who holds that waits for the other', async t => {
  const [condition, lock] = [new Condition(), new Lock()]
  const [has, hasToo, go] = [new Event(), new Event(), new Event()]
  const waiter = launch(t, waitWithAnother, condition, lock, has)
  await has.wait({ timeout: LIMIT })
  await until(() => waitingOf(waiter)?.join() === 'Condition', LIMIT, 'it to wait')
  const holder = launch(t, takeBoth, condition, lock, hasToo, go, 'acquireSync')
  await hasToo.wait({ timeout: LIMIT })
  assert.deepEqual(inspect().deadlocks, [], 'it may still be notified')
  go.set()
  await until(() => inspect().deadlocks.length > 0, LIMIT, 'the deadlock')
  const [ring] = inspect().deadlocks
  assertRing(
    ring,
    `${nameOf(waiter)}) blocks in ${only('Condition').id}, held by ${nameOf(holder)})`,
    `${nameOf(holder)}) blocks in ${only('Lock').id}, held by ${nameOf(waiter)})`,
  )
  holder.kill()
  await holder.join()
  assert.deepEqual(inspect().deadlocks, [])
  waiter.kill()
  await waiter.join()
  close(condition, lock, has, hasToo, go)
})

test('inspect() calls it no deadlock when who has items in hand waits for more, or for all to be done', async t => {
  const tasks = new JoinableQueue()
  const children: Process[] = []
  for (const how of ['joinSync', 'getSync'] as const) {
    tasks.putNowait(how)
    children.push(launch(t, takeThenWait, tasks, how))
    await until(() => only('JoinableQueue').waiters.length === children.length, LIMIT, `${how}() to wait`)
  }
  assert.deepEqual(only('JoinableQueue').holders.toSorted(), children.map(({ pid }) => pid).toSorted())
  assert.deepEqual(inspect().deadlocks, [])
  tasks.close()
})

test('inspect() never throws, never waits and sees no deadlock while others make, use and drop every kind, and one is stopped', async t => {
  const [tasks, seats, changed, stop] = [new JoinableQueue(), new Semaphore(3), new Condition(), new Event()]
  const children = [
    launch(t, churnAll, tasks, seats, changed, stop),
    launch(t, churnAll, tasks, seats, changed, stop),
    launchBy(t, 'thread', churnAll, tasks, seats, changed, stop),
  ]
  await until(() => inspect().participants.length === 4, LIMIT)
  const unseen = new Set([
    'Barrier',
    'BoundedSemaphore',
    'Condition',
    'Connection',
    'JoinableQueue',
    'Pipe',
    'Semaphore',
  ])
  for (let n = 0; n < 400 || (unseen.size > 0 && n < 50_000); n++) {
    const pid = children[0].pid as number
    if (n % 50 === 10) process.kill(pid, 'SIGSTOP')
    const { objects, deadlocks } = inspect()
    for (const { kind } of objects) unseen.delete(kind)
    assert.deepEqual(deadlocks, [])
    if (n % 50 === 40) process.kill(pid, 'SIGCONT')
    if (n % 10 === 0) await new Promise(setImmediate)
  }
  process.kill(children[0].pid as number, 'SIGCONT')
  stop.set()
  for (const child of children) {
    await child.join({ timeout: LIMIT })
    assert.equal(child.exitCode, 0)
  }
  assert.deepEqual([...unseen], [])
  close(tasks, seats, changed, stop)
})
