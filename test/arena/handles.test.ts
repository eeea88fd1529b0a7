// What a handle does at its edges: closed while held, compared and cloned, collected, refused.
import assert from 'node:assert/strict'
import { unlinkSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  ClosedError,
  Event,
  FileNotFoundError,
  JoinableQueue,
  Lock,
  Queue,
  RawArray,
  RLock,
  registerClass,
  SharedMemory,
  ShutDownError,
  Value,
} from 'multiproc'
import { currentSession } from '#src/arena/session.js'

const blocks = () => currentSession().allocator.blocks().length

test('Lock.close() while it is held here releases it; the old hold releases nothing of what comes after', () => {
  const carrier = new Queue<Lock>()
  const lock = new Lock()
  carrier.putNowait(lock) // keeps the object, whatever becomes of the handle
  const hold = lock.acquireSync()
  lock.close()
  const again = carrier.getNowait()
  assert.equal(again.locked(), false)
  const other = again.acquireSync()
  hold.release()
  assert.equal(again.locked(), true)
  other.release()
})

test('RLock.close() while it is held here: the old hold releases nothing of what comes after', () => {
  const carrier = new Queue<RLock>()
  const lock = new RLock()
  carrier.putNowait(lock)
  const hold = lock.acquireSync()
  lock.close()
  const again = carrier.getNowait()
  const other = again.acquireSync({ timeout: 60_000 })
  hold.release()
  assert.equal(again.locked(), true)
  other.release()
})

test('Lock.acquireSync() goes before those who await in its thread: they could not release it', async () => {
  const lock = new Lock()
  const first = lock.acquireSync()
  const awaited = lock.acquire({ timeout: 60_000 })
  first.release()
  const blocking = lock.acquireSync({ timeout: 60_000 })
  blocking.release()
  ;(await awaited).release()
  assert.equal(lock.locked(), false)
})

test('new Value() with a closed lock is refused', () => {
  const lock = new Lock()
  lock.close()
  const before = blocks()
  assert.throws(() => new Value('i', 0, { lock }), ClosedError)
  assert.equal(blocks(), before)
})

test('Value.update() that closes the Value changes nothing', () => {
  const value = new Value('i', 1)
  const closing = (n: number) => {
    value.close()
    return n + 1
  }
  assert.throws(() => value.update(closing), ClosedError)
})

test('SharedMemory that others unlink is not remembered for ever by the process that made it', () => {
  const before = blocks()
  for (let n = 0; n < 500; n++) {
    const shm = new SharedMemory({ create: true, size: 1 })
    unlinkSync(`/dev/shm/${shm.name}`) // as another process does, in another language perhaps
    shm.close()
  }
  assert.ok(blocks() - before <= 64)
})

test('what came beside a block that is gone is not held by anybody', async () => {
  const queue = new Queue<unknown>()
  const shm = new SharedMemory({ create: true, size: 1 })
  const before = blocks()
  const locks = [new Lock(), new Lock()]
  await queue.put([locks[0], shm, locks[1], new RawArray('i', 1)])
  shm.unlink()
  shm.close()
  for (const lock of locks) lock.close()
  await assert.rejects(queue.get(), FileNotFoundError)
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let i = 0; i < 5; i++) {
    gc()
    await new Promise(setImmediate)
  }
  assert.ok(blocks() <= before, `${blocks()} blocks, before ${before}`)
})

class Fragile {
  readonly whole = true
}

test('Queue.getMany() gives what it took when a later item cannot be unpacked; the next get has the error', async () => {
  const bad = new Error('cannot be unpacked')
  const unpack = (): Fragile => {
    throw bad
  }
  registerClass(Fragile, { name: 'test.Fragile', pack: () => 0, unpack })
  const queue = new Queue<unknown>()
  await queue.putMany([1, 2, new Fragile(), 4])
  assert.deepEqual(await queue.getMany(4), [1, 2])
  await assert.rejects(queue.get())
  assert.equal(await queue.get(), 4)
})

test('Queue.put() refused by a queue that was shut down leaves no memory behind', async () => {
  const queue = new Queue<unknown>()
  queue.shutdown()
  const lock = new Lock()
  await assert.rejects(queue.put(new Uint8Array(100_000)), ShutDownError)
  const before = blocks()
  for (let i = 0; i < 20; i++) {
    await assert.rejects(queue.put(new Uint8Array(100_000)), ShutDownError)
    await assert.rejects(queue.put({ lock }), ShutDownError)
  }
  assert.equal(blocks(), before)
})

test('Queue.putMany() stopped by a reason that cannot be written on rejects with that reason', async () => {
  const queue = new Queue<number>(1)
  const stop = new AbortController()
  const putting = queue.putMany([1, 2], { signal: stop.signal })
  const reason = Object.freeze(new Error('stop'))
  stop.abort(reason)
  await assert.rejects(putting, error => error === reason)
})

test('a handle shows nothing of the memory behind it to who lists, clones, compares or prints it', () => {
  for (const make of [
    () => new Queue(),
    () => new Lock(),
    () => new RLock(),
    () => new Event(),
    () => new Value('i'),
  ]) {
    const handle = make()
    assert.deepEqual(Object.keys(handle), [])
    assert.equal(JSON.stringify(handle), '{}')
    assert.deepEqual(structuredClone(handle), {})
    assert.deepStrictEqual(make(), handle)
  }
})

test('an RLock that this thread holds is kept, though nobody keeps the handle', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const value = new Value('i', 0)
  value.getLock().acquireSync()
  for (let i = 0; i < 5; i++) {
    gc()
    await new Promise(setImmediate)
  }
  value.getLock().release()
  assert.equal(value.getLock().locked(), false)
})

test('a JoinableQueue is kept while this thread has items of it in hand, though nobody keeps the handle', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const carrier = new Queue<JoinableQueue>()
  const take = () => {
    const queue = new JoinableQueue()
    carrier.putNowait(queue)
    queue.putNowait(1)
    queue.getNowait()
    return new WeakRef(queue)
  }
  const kept = take()
  for (let round = 0; round < 3; round++) {
    await new Promise(resolve => setImmediate(resolve))
    collect()
  }
  assert.notEqual(kept.deref(), undefined)
  const queue = carrier.getNowait()
  queue.taskDone()
  await queue.join({ timeout: 0 })
})

test('JoinableQueue: an item that stays in hand for long does not let those be remembered that are done', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const queue = new JoinableQueue<number>()
  queue.putNowait(0)
  const first = queue.leaseSync()
  const pass = (times: number) => {
    for (let n = 0; n < times; n++) {
      queue.putNowait(n)
      queue.leaseSync().done()
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = pass(2000)
  assert.ok(pass(50_000) - before < 50_000 * 16)
  first.done()
  assert.throws(() => queue.taskDone(), RangeError)
})
