// What inspect() shows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { currentProcess, Event, inspect, Lock, Process, Queue, RLock, share, Value } from 'multiproc'
import { blockIn, churn, takeBoth, takeSharedThenOwn } from '../fixtures/inspect.ts'
import { start, until } from '../support/children.ts'
import { LIMIT, launch, only, waitingOf } from './report.ts'

test('inspect() shows each kind of object: who holds it, what is in it, how large it is', () => {
  const [lock, rlock, event, queue] = [new Lock(), new RLock(), new Event(), new Queue(5)]
  const values = [
    new Value('q', 7n, { lock: false }),
    new Value('u', 'ä', { lock: false }),
    new Value('f', 0.5, { lock: false }),
  ]
  const free = { holder: null, handles: [process.pid] }
  assert.deepEqual(only('Lock').detail, free)
  assert.deepEqual(only('RLock').holders, [])
  lock.acquireSync()
  rlock.acquireSync()
  rlock.acquireSync()
  event.set()
  queue.putNowait(1)
  const report = inspect()
  assert.deepEqual(only('Lock', report).holders, [process.pid])
  assert.deepEqual(only('Lock', report).detail, { ...free, holder: process.pid })
  assert.deepEqual(only('RLock', report).holders, [process.pid])
  assert.deepEqual(only('Event', report).detail, { set: true, handles: [process.pid] })
  assert.deepEqual(only('Queue', report).detail, { size: 1, maxsize: 5, shutDown: false, handles: [process.pid] })
  assert.deepEqual(
    report.objects
      .filter(({ kind }) => kind === 'Value')
      .map(({ detail }) => [detail.type, detail.value])
      .sort(),
    [
      ['f', 0.5],
      ['q', 7n],
      ['u', 'ä'],
    ],
  )
  for (const { id, kind, bytes, waiters } of report.objects) {
    assert.match(id, new RegExp(`^${kind} 0x[0-9a-f]+$`))
    assert.ok(bytes >= 64 && bytes <= 4096, `${id} has ${bytes} bytes`)
    assert.deepEqual(waiters, [])
  }
  assert.deepEqual(report.participants, [
    { pid: process.pid, thread: 0, name: 'MainProcess', alive: true, waitingFor: [] },
  ])
  assert.deepEqual(report.deadlocks, [])
  queue.shutdown()
  assert.equal(only('Queue').detail.shutDown, true)
  lock.close()
  rlock.close()
  for (const object of [event, queue, ...values]) object.close()
  assert.deepEqual(inspect().objects, [])
})

test('inspect() shows memory: what is in use, and what is taken for it', () => {
  const queue = new Queue()
  const { memory: before } = inspect()
  queue.putNowait(new Uint8Array(10_000_000))
  const { memory } = inspect()
  assert.ok(memory.used >= before.used + 10_000_000)
  assert.ok(memory.reserved >= memory.used)
  queue.getNowait()
  assert.ok(inspect().memory.used < before.used + 100_000)
  queue.close()
})

test('inspect() shows who waits, blocked or awaiting, in which process, and no more once it has gone', async t => {
  const [queue, event] = [new Queue(), new Event()]
  const child = launch(t, blockIn, queue)
  const awaiting = event.wait()
  await until(() => waitingOf(child)?.length === 1 && waitingOf(currentProcess())?.length === 1, LIMIT)
  assert.deepEqual(waitingOf(child), ['Queue'])
  assert.deepEqual(waitingOf(currentProcess()), ['Event'])
  const report = inspect()
  assert.deepEqual(only('Queue', report).waiters, [child.pid])
  assert.deepEqual(only('Event', report).waiters, [process.pid])
  assert.equal(report.participants.find(({ pid }) => pid === child.pid)?.waitingFor[0], only('Queue', report).id)
  assert.equal(report.participants.find(({ pid }) => pid === child.pid)?.name, child.name)
  event.set()
  queue.putNowait(1)
  await awaiting
  await child.join()
  assert.equal(inspect().participants.length, 1)
  assert.deepEqual(inspect().participants[0].waitingFor, [])
  event.close()
  queue.close()
})

test('inspect() names a deadlock of two processes that block, line by line; it is gone with one of them', async t => {
  const [a, b, hasA, hasB, go] = [new Lock(), new Lock(), new Event(), new Event(), new Event()]
  const one = launch(t, takeBoth, a, b, hasA, go, 'acquireSync')
  const other = launch(t, takeBoth, b, a, hasB, go, 'acquireSync')
  await Promise.all([hasA.wait({ timeout: LIMIT }), hasB.wait({ timeout: LIMIT })])
  assert.deepEqual(inspect().deadlocks, [])
  go.set()
  await until(() => inspect().deadlocks.length > 0, LIMIT, 'the deadlock')
  const { deadlocks, objects } = inspect()
  const idOf = (holder: number | undefined) => objects.find(({ holders }) => holders.includes(holder as number))?.id
  const line = (who: Process, holder: Process) =>
    `${who.name} (pid ${who.pid}) blocks in ${idOf(holder.pid)}, held by ${holder.name} (pid ${holder.pid})`
  assert.equal(deadlocks.length, 1)
  assert.deepEqual([...deadlocks[0]].sort(), [line(one, other), line(other, one)].sort())
  one.kill()
  await one.join()
  await other.join({ timeout: LIMIT })
  assert.equal(other.exitCode, 0)
  assert.deepEqual(inspect().deadlocks, [])
  for (const object of [a, b, hasA, hasB, go]) object.close()
})

test('inspect() names a ring of three, one of whom awaits; who waits outside of it is not in it', async t => {
  const locks = [new Lock(), new Lock(), new Lock()]
  const [has, go] = [[new Event(), new Event(), new Event()], new Event()]
  const ring = [0, 1, 2].map(n =>
    launch(t, takeBoth, locks[n], locks[(n + 1) % 3], has[n], go, n === 0 ? 'acquire' : 'acquireSync'),
  )
  await Promise.all(has.map(event => event.wait({ timeout: LIMIT })))
  const outside = locks[0].acquire()
  outside.catch(() => {})
  go.set()
  await until(() => inspect().deadlocks.length > 0, LIMIT, 'the deadlock')
  const { deadlocks } = inspect()
  assert.equal(deadlocks.length, 1)
  assert.equal(deadlocks[0].length, 3)
  assert.equal(deadlocks[0].filter(line => line.includes('awaits in')).length, 1)
  for (const child of ring) assert.ok(deadlocks[0].some(line => line.startsWith(child.name)))
  for (const object of [...locks, ...has, go]) object.close()
})

test('inspect() calls it no deadlock when tasks of one process wait for each other', async () => {
  const lock = new Lock()
  const held = await lock.acquire()
  const waiting = [lock.acquire(), lock.acquire()]
  await until(() => waitingOf(currentProcess())?.length === 1, LIMIT)
  assert.deepEqual(inspect().deadlocks, [])
  held.release()
  for (const next of waiting) (await next).release()
  lock.close()
})

test('inspect() shows a participant that ended as dead, or not at all', async t => {
  const queue = new Queue()
  const child = launch(t, blockIn, queue)
  await until(() => waitingOf(child)?.length === 1, LIMIT)
  child.kill()
  await until(() => inspect().participants.every(({ pid, alive }) => pid !== child.pid || !alive), LIMIT)
  await child.join()
  queue.close()
})

test('inspect() never throws and never waits while others make and drop objects, and while one is stopped in the middle', async t => {
  const [queues, stop] = [[new Queue(), new Queue()], new Event()]
  const children = queues.map(queue => launch(t, churn, queue, stop))
  await until(() => inspect().participants.length === 3, LIMIT)
  for (let n = 0; n < 300; n++) {
    const [child] = children
    if (n % 50 === 10) process.kill(child.pid as number, 'SIGSTOP')
    const report = inspect()
    for (const { kind } of report.objects) assert.ok(['Lock', 'Value', 'Queue', 'Event'].includes(kind), kind)
    assert.deepEqual(report.deadlocks, [])
    if (n % 50 === 40) process.kill(child.pid as number, 'SIGCONT')
    if (n % 10 === 0) await new Promise(setImmediate)
  }
  for (const child of children) process.kill(child.pid as number, 'SIGCONT')
  stop.set()
  for (const child of children) {
    await child.join({ timeout: LIMIT })
    assert.equal(child.exitCode, 0)
  }
  for (const object of [...queues, stop]) object.close()
})

test('inspect() shows what is shared by name, under that name, and the threads and programs that take part', async t => {
  const [name, several] = [`one ${process.pid}`, `several ${process.pid}`]
  const lock = await share(name, () => new Lock())
  const { queue, event } = await share(several, () => ({ queue: new Queue(), event: new Event() }))
  const program = start([
    process.execPath,
    '--input-type=module',
    '--eval',
    `import { share } from 'multiproc'
     const lock = await share('${name}', () => null)
     await lock.acquire()
     console.log('held')
     setInterval(() => {}, 1000)`,
  ])
  t.after(() => program.end())
  await program.printed('held')
  const worker = new Worker(
    `import('multiproc').then(async ({ share }) => (await share('${name}', () => null)).acquireSync())`,
    { eval: true },
  )
  t.after(() => worker.terminate())
  const thread = () => inspect().participants.find(one => one.pid === process.pid && one.thread !== 0)
  await until(() => thread()?.waitingFor.length === 1, LIMIT)
  const report = inspect()
  const mine = report.objects.filter(object => object.name === name)
  assert.deepEqual(mine.map(({ kind }) => kind).sort(), ['Lock', 'Share'])
  const shown = mine.find(({ kind }) => kind === 'Lock')
  assert.match(shown?.id ?? '', /^Lock 0x[0-9a-f]+ \(shared\)$/)
  assert.deepEqual(shown?.holders, [program.pid])
  assert.deepEqual(shown?.waiters, [process.pid])
  assert.deepEqual(thread()?.waitingFor, [shown?.id])
  assert.deepEqual(
    report.objects
      .filter(object => object.name === several)
      .map(({ kind }) => kind)
      .sort(),
    ['Event', 'Queue', 'Share'],
  )
  assert.equal(report.participants.filter(({ pid, thread }) => pid === process.pid && thread === 0).length, 1)
  assert.ok(report.participants.some(({ pid }) => pid === program.pid))
  await worker.terminate()
  for (const object of [lock, queue, event]) object.close()
})

test('inspect() names a deadlock across what is shared and what is a program’s own, and shows who creates', async t => {
  const [a, b] = [`a ${process.pid}`, `b ${process.pid}`]
  const own = new Lock()
  const has = new Event()
  own.acquireSync()
  const sharedLock = await share(a, () => new Lock())
  const child = new Process({ target: takeSharedThenOwn, args: [a, own, has] })
  child.start()
  t.after(async () => {
    child.kill()
    await child.join()
  })
  await has.wait({ timeout: LIMIT })
  const waiting = sharedLock.acquire()
  await until(() => inspect().deadlocks.length > 0, LIMIT, 'the deadlock')
  const [ring] = inspect().deadlocks
  assert.equal(ring.length, 2)
  assert.ok(ring.some(line => line.startsWith('MainProcess') && line.includes(`(shared) '${a}'`)))
  child.kill()
  await child.join()
  ;(await waiting).release()
  // a name that is being created is held by its creator
  let goOn: (() => void) | undefined
  const creating = share(b, async () => {
    await new Promise<void>(resolve => (goOn = resolve))
    return new Event()
  })
  await until(() => goOn !== undefined, LIMIT)
  const name = inspect().objects.find(object => object.name === b)
  assert.deepEqual([name?.kind, name?.holders, name?.detail.state], ['Share', [process.pid], 'being created'])
  goOn?.()
  ;(await creating).close()
  for (const object of [sharedLock, own, has]) object.close()
})
