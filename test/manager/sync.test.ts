// Queues, locks and the like in a manager, as CPython's tests use them there; awaited, with a child that does what it is told.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { managerOfFile, startHelper, test, until } from './support.js'

const manager = await managerOfFile()
const helper = startHelper()
after(() => helper.end())

const TIMEOUT = { name: 'TimeoutError' }

test('TestQueue.test_put', async () => {
  const queue = await manager.Queue<number>(6)
  for (let n = 1; n <= 3; n++) await helper.call(queue, 'put', n)
  await queue.put(4, { timeout: 1000 })
  await queue.putNowait(5)
  await queue.putMany([6])
  assert.equal(await queue.full(), true)
  await assert.rejects(queue.putNowait(7), { name: 'FullError' })
  await assert.rejects(queue.put(7, { timeout: 0 }), TIMEOUT)
  await assert.rejects(queue.put(7, { timeout: 20 }), TIMEOUT)
  for (let n = 1; n <= 6; n++) assert.equal(await helper.call(queue, 'get'), n)
  assert.equal(await queue.empty(), true)
})

test('TestQueue.test_get', async () => {
  const queue = await manager.Queue<number>()
  await helper.call(queue, 'putMany', [1, 2, 3, 4])
  assert.deepEqual(
    [await queue.get(), await queue.get({ timeout: 1000 }), await queue.getNowait(), await queue.getMany(5)],
    [1, 2, 3, [4]],
  )
  await assert.rejects(queue.getNowait(), { name: 'EmptyError' })
  await assert.rejects(queue.get({ timeout: 0 }), TIMEOUT)
  await assert.rejects(queue.get({ timeout: 20 }), TIMEOUT)
})

test('TestQueue.test_fork', async () => {
  const queue = await manager.Queue<number>()
  for (let n = 0; n < 10; n++) await queue.put(n)
  for (let n = 10; n < 20; n++) await helper.call(queue, 'put', n)
  assert.deepEqual(
    await queue.getMany(20),
    Array.from({ length: 20 }, (_, n) => n),
  )
})

test('TestQueue.test_qsize', async () => {
  const queue = await manager.Queue()
  const sizes = [await queue.qsize()]
  await queue.put(1)
  sizes.push(await queue.qsize())
  await queue.put(5)
  sizes.push(await queue.qsize())
  await queue.get()
  sizes.push(await queue.qsize())
  assert.deepEqual(sizes, [0, 1, 2, 1])
})

test('TestQueue.test_task_done', async () => {
  const queue = await manager.JoinableQueue<number>()
  for (let n = 0; n < 10; n++) await queue.put(n)
  const joined = queue.join()
  for (let n = 0; n < 10; n++) {
    await helper.call(queue, 'get')
    await helper.call(queue, 'taskDone')
  }
  await joined
})

test('a time-out may be longer than any that Python can count', async () => {
  const [queue, event] = [await manager.Queue<number>(), await manager.Event()]
  const timeout = Number.MAX_SAFE_INTEGER
  const [got, set] = [queue.get({ timeout }), event.wait({ timeout })]
  await queue.put(1, { timeout })
  await event.set()
  assert.equal(await got, 1)
  await set
})

test('TestQueue.test_timeout', async () => {
  const queue = await manager.Queue()
  const began = performance.now()
  await assert.rejects(queue.get({ timeout: 200 }), TIMEOUT)
  assert.ok(performance.now() - began >= 199)
})

test('a get() that was aborted, or came too late, takes nothing', async () => {
  const queue = await manager.Queue<string>()
  const abort = new AbortController()
  const aborted = queue.get({ signal: abort.signal })
  const late = queue.get({ timeout: 20 })
  await queue.qsize()
  abort.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  await assert.rejects(late, TIMEOUT)
  await assert.rejects(queue.get({ signal: AbortSignal.abort(new Error('before')) }), /before/)
  await queue.put('item')
  assert.equal(await queue.getNowait(), 'item')
})

test('an abort that meets the item: either the item comes, or it stays', async () => {
  const queue = await manager.Queue<number>()
  for (let n = 0; n < 50; n++) {
    const abort = new AbortController()
    const got = queue.get({ signal: abort.signal }).catch(() => undefined)
    await queue.qsize()
    void queue.put(n)
    abort.abort()
    assert.equal((await got) ?? (await queue.getNowait()), n)
    assert.equal(await queue.qsize(), 0)
  }
})

test('putMany() that is late has put the items before, and says how many; of nothing that is iterable it puts nothing', async () => {
  const queue = await manager.Queue<number>(2)
  await assert.rejects(queue.putMany([1, 2, 3], { timeout: 20 }), { ...TIMEOUT, done: 2 })
  await assert.rejects(queue.putMany(4 as never), { name: 'ArgumentTypeError' })
  assert.deepEqual(await queue.getMany(5), [1, 2])
})

test('a shutdown ends a loop over the queue once it is empty', async () => {
  const queue = await manager.Queue<number>()
  await queue.putMany([1, 2])
  await queue.shutdown()
  const seen: number[] = []
  for await (const item of queue) seen.push(item)
  assert.deepEqual(seen, [1, 2])
  await assert.rejects(queue.put(3), { name: 'ShutDownError' })
})

test('a call that waits holds up no other of the same client', async () => {
  const queue = await manager.Queue<number>()
  const waiting = Array.from({ length: 10 }, () => queue.get())
  assert.equal(await queue.qsize(), 0)
  for (let n = 0; n < 10; n++) void queue.put(n)
  assert.deepEqual(await Promise.all(waiting), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('TestLock.test_lock', async () => {
  const lock = await manager.Lock()
  const held = await lock.acquire()
  assert.equal(await lock.locked(), true)
  assert.equal(await lock.tryAcquire(), null)
  await assert.rejects(lock.acquire({ timeout: 10 }), TIMEOUT)
  await held.release()
  assert.equal(await lock.locked(), false)
  await assert.rejects(lock.release(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
})

test('TestLock.test_lock_locked_2processes', async () => {
  const lock = await manager.Lock()
  await helper.call(lock, 'acquire')
  assert.equal(await lock.locked(), true)
  assert.equal(await helper.call(lock, 'locked'), true)
  assert.equal(await lock.holder(), helper.process.pid)
  await lock.release() // anybody may
  assert.equal(await helper.call(lock, 'locked'), false)
})

test('TestLock.test_rlock', async () => {
  const lock = await manager.RLock()
  for (let n = 0; n < 3; n++) await lock.acquire()
  for (let n = 0; n < 3; n++) {
    assert.equal(await lock.locked(), true)
    await assert.rejects(helper.call(lock, 'release'), { name: 'InvalidStateError' })
    await lock.release()
  }
  assert.equal(await lock.locked(), false)
  await assert.rejects(lock.release(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
})

test('TestLock.test_rlock_locked_2processes', async () => {
  const lock = await manager.RLock()
  await helper.call(lock, 'acquire')
  assert.equal(await lock.locked(), true)
  assert.equal(await lock.tryAcquire(), null)
  await helper.call(lock, 'release')
  assert.equal(await lock.locked(), false)
})

test('TestLock.test_lock_context', async () => {
  const lock = await manager.Lock()
  assert.equal(await lock.with(() => lock.locked()), true)
  {
    await using held = await lock.acquire()
    assert.equal(held.abandoned, false)
  }
  {
    using held = await lock.acquire()
    assert.equal(held.abandoned, false)
  }
  assert.equal(await lock.locked(), false)
})

test('TestLock.test_rlock_context', async () => {
  const lock = await manager.RLock()
  assert.equal(await lock.with(() => lock.with(() => lock.locked())), true)
  assert.equal(await lock.locked(), false)
})

test('TestSemaphore.test_semaphore', async () => {
  const semaphore = await manager.Semaphore(2)
  const value = () => semaphore.getValue()
  await semaphore.acquire()
  await helper.call(semaphore, 'acquire')
  assert.equal(await value(), 0)
  assert.equal(await semaphore.tryAcquire(), null)
  await semaphore.release()
  await helper.call(semaphore, 'release')
  assert.equal(await value(), 2)
  await semaphore.release(2)
  assert.equal(await value(), 4)
})

test('TestSemaphore.test_bounded_semaphore', async () => {
  const semaphore = await manager.BoundedSemaphore(2)
  await semaphore.with(async () => assert.equal(await semaphore.getValue(), 1))
  assert.equal(await semaphore.getValue(), 2)
  await assert.rejects(semaphore.release(), RangeError)
})

test('TestSemaphore.test_timeout', async () => {
  const semaphore = await manager.Semaphore(0)
  assert.equal(await semaphore.tryAcquire(), null)
  await assert.rejects(semaphore.acquire({ timeout: 0 }), TIMEOUT)
  const began = performance.now()
  await assert.rejects(semaphore.acquire({ timeout: 60 }), TIMEOUT)
  assert.ok(performance.now() - began >= 59)
})

test('TestCondition.test_notify', async () => {
  const condition = await manager.Condition()
  const woken = await manager.list<string>()
  const sleep = (name: string) =>
    condition.with(async () => {
      await condition.wait()
      await woken.push(name)
    })
  const sleepers = [sleep('a'), sleep('b')]
  for (const count of [1, 2]) {
    await condition.with(() => condition.notify())
    await until('one to wake', async () => (await woken.length()) === count)
  }
  await Promise.all(sleepers)
  assert.deepEqual(await woken.copy(), ['a', 'b'])
})

test('TestCondition.test_notify_all', async () => {
  const condition = await manager.Condition()
  await condition.with(async () => assert.rejects(condition.wait({ timeout: 20 }), TIMEOUT))
  const sleepers = Array.from({ length: 6 }, () => condition.with(() => condition.wait()))
  await condition.with(() => condition.notifyAll()) // served after them
  await Promise.all(sleepers)
})

test('TestCondition.test_notify_n', async () => {
  const condition = await manager.Condition()
  let woken = 0
  const sleepers = Array.from({ length: 6 }, () =>
    condition.with(async () => {
      await condition.wait()
      woken++
    }),
  )
  await condition.with(() => condition.notify(2))
  await until('two to wake', () => woken === 2)
  await condition.with(() => condition.notify(4))
  await Promise.all(sleepers)
  await condition.with(() => condition.notify(3))
  assert.equal(woken, 6)
})

test('TestCondition.test_timeout', async () => {
  const condition = await manager.Condition()
  await condition.with(() => assert.rejects(condition.wait({ timeout: 20 }), TIMEOUT))
  await assert.rejects(condition.wait(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
  await assert.rejects(condition.notify(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
})

test('TestCondition.test_waitfor', async () => {
  const lock = await manager.Lock()
  const condition = await manager.Condition(lock)
  const state = await manager.Value('i', -1)
  const done = condition.with(async () => {
    await state.set(0)
    await condition.notifyAll()
    await condition.waitFor(async () => (await state.get()) === 4)
  })
  await until('it to hold the lock', async () => (await state.get()) === 0)
  for (let n = 0; n < 4; n++) {
    await helper.call(condition, 'acquire')
    await helper.call(state, 'add', 1)
    await helper.call(condition, 'notifyAll')
    await helper.call(condition, 'release')
  }
  await done
  assert.equal(await lock.locked(), false)
})

test('TestCondition.test_waitfor_timeout', async () => {
  const condition = await manager.Condition()
  const began = performance.now()
  await condition.with(() =>
    assert.rejects(
      condition.waitFor(() => false, { timeout: 50 }),
      TIMEOUT,
    ),
  )
  assert.ok(performance.now() - began >= 49)
})

test('TestCondition.test_wait_result', async () => {
  const condition = await manager.Condition()
  await condition.with(async () => {
    const abort = new AbortController()
    const waiting = condition.wait({ signal: abort.signal })
    abort.abort(new Error('interrupted'))
    await assert.rejects(waiting, /interrupted/)
    assert.equal(await condition.locked(), true)
    await assert.rejects(condition.wait({ timeout: 0 }), TIMEOUT)
  })
  const waiting = condition.with(() => condition.wait())
  await condition.with(() => condition.notify())
  await waiting
})

test('TestEvent.test_event', async () => {
  const event = await manager.Event()
  assert.equal(await event.isSet(), false)
  await assert.rejects(event.wait({ timeout: 0 }), TIMEOUT)
  await assert.rejects(event.wait({ timeout: 20 }), TIMEOUT)
  await event.set()
  assert.equal(await event.isSet(), true)
  await event.wait()
  await event.clear()
  assert.equal(await event.isSet(), false)
  const waiting = event.wait()
  await helper.call(event, 'set')
  await waiting
})

test('TestBarrier.test_barrier', async () => {
  const [barrier, results] = [await manager.Barrier(5), await manager.list<number>()]
  const party = async () => {
    for (const phase of [1, 2]) {
      await results.push(phase)
      await barrier.wait()
      assert.equal((await results.length()) >= phase * 5, true)
    }
  }
  await Promise.all(Array.from({ length: 5 }, party))
  assert.deepEqual(await results.copy(), [1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
})

test('TestBarrier.test_barrier_10', async () => {
  const barrier = await manager.Barrier(3)
  for (let n = 0; n < 10; n++) await Promise.all([barrier.wait(), helper.call(barrier, 'wait'), barrier.wait()])
  assert.equal(await barrier.nWaiting(), 0)
})

test('TestBarrier.test_wait_return', async () => {
  const barrier = await manager.Barrier(5)
  const places = await Promise.all(Array.from({ length: 5 }, () => barrier.wait()))
  assert.deepEqual(places.sort(), [0, 1, 2, 3, 4])
})

test('TestBarrier.test_abort', async () => {
  const barrier = await manager.Barrier(3)
  const waiting = Promise.allSettled([barrier.wait(), helper.call(barrier, 'wait')])
  await until('both to wait', async () => (await barrier.nWaiting()) === 2)
  await barrier.abort()
  for (const outcome of await waiting)
    assert.equal((outcome as PromiseRejectedResult).reason.name, 'BrokenBarrierError')
  assert.equal(await barrier.broken(), true)
})

test('TestBarrier.test_reset', async () => {
  const barrier = await manager.Barrier(2)
  const refused = assert.rejects(barrier.wait(), { name: 'BrokenBarrierError' })
  await until('it to wait', async () => (await barrier.nWaiting()) === 1)
  await barrier.reset()
  await refused
  await Promise.all([barrier.wait(), barrier.wait()])
})

test('TestBarrier.test_abort_and_reset', async () => {
  const barrier = await manager.Barrier(2)
  await barrier.abort()
  await assert.rejects(barrier.wait(), { name: 'BrokenBarrierError' })
  await barrier.reset()
  assert.equal(await barrier.broken(), false)
  await Promise.all([barrier.wait(), helper.call(barrier, 'wait')])
})

test('TestBarrier.test_timeout', async () => {
  const barrier = await manager.Barrier(3)
  const patient = assert.rejects(barrier.wait(), { name: 'BrokenBarrierError' })
  await assert.rejects(barrier.wait({ timeout: 20 }), { name: 'BrokenBarrierError' })
  await patient
})

test('TestBarrier.test_default_timeout', async () => {
  const barrier = await manager.Barrier(2, { timeout: 20 })
  await assert.rejects(barrier.wait(), { name: 'BrokenBarrierError' })
})

test('TestBarrier.test_single_thread', async () => {
  const barrier = await manager.Barrier(1)
  assert.deepEqual([await barrier.wait(), await barrier.wait()], [0, 0])
})
