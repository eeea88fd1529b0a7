// What a JoinableQueue takes for itself: values of any size, classes that are known elsewhere only, bad input; and CPython's test.
import assert from 'node:assert/strict'
import { type JoinableQueue, registerClass, TimeoutError } from 'multiproc'
import { finishOthers, putParcel, unpackIt, workUntilNull } from '../../fixtures/conformance-joinable-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'

class Rude {
  readonly queue: JoinableQueue
  constructor(queue: JoinableQueue) {
    this.queue = queue
  }
}

export function items({ make, test }: Suite): void {
  test('JoinableQueue: items of any kind and size arrive whole, and leave no memory behind when they are done', async () => {
    const queue = await make.joinableQueue()
    const before = make.memoryUsed()
    const items = [
      undefined,
      null,
      0,
      -0,
      'x',
      'y'.repeat(5_000),
      new Uint8Array(3_000_000).fill(7),
      { a: [1, { b: 2n }] },
    ]
    for (const item of items) queue.putSync(item)
    for (const item of items) assert.deepEqual(await queue.get(), item)
    for (const _ of items) queue.taskDone()
    await queue.join({ timeout: 0 })
    assert.ok(make.memoryUsed() - before <= 8 * make.memoryStep)
  })

  test('JoinableQueue: an item is the receiver’s own copy, however often it is delivered', async () => {
    const queue = await make.joinableQueue<{ list: number[] }>({ maxDeliveries: 1 })
    await queue.put({ list: [1] })
    const item = await queue.get()
    item.list.push(2)
    const other = (await make.queue<JoinableQueue<{ list: number[] }>>()) as never as {
      put(q: unknown): Promise<void>
      get(): Promise<JoinableQueue<{ list: number[] }>>
    }
    await other.put(queue)
    queue.close() // gives back, and it was delivered as often as it may
    const again = await other.get()
    assert.deepEqual(again.deadLetters(), [{ list: [1] }])
    again.close()
  })

  test('JoinableQueue travels in an item and arrives as a JoinableQueue with its maxDeliveries', async () => {
    const [queue, carrier] = [await make.joinableQueue({ maxsize: 3, maxDeliveries: 2 }), await make.joinableQueue()]
    await queue.put('kept')
    await carrier.put({ queue })
    const { queue: same } = (await carrier.get()) as { queue: typeof queue }
    assert.equal(same, queue)
    carrier.taskDone()
    assert.equal(await same.get(), 'kept')
    same.taskDone()
    await queue.join({ timeout: 0 })
  })

  test('JoinableQueue: an item whose class is not known here goes back for a process that knows it', async t => {
    const [queue, report] = [await make.joinableQueue(), await make.queue()]
    assert.equal(await ended(launch(t, make, putParcel, queue, 'for somebody else')), 0)
    await assert.rejects(queue.get(), { name: 'MultiprocError' })
    assert.throws(() => queue.getNowait(), { name: 'MultiprocError' })
    assert.equal(queue.qsize(), 1)
    launch(t, make, unpackIt, queue as never, report)
    assert.deepEqual(await report.get(), [true, 'for somebody else', 3])
    await queue.join({ timeout: LIMIT })
  })

  test('JoinableQueue: an item that nobody can unpack becomes a dead letter', async t => {
    const queue = await make.joinableQueue({ maxDeliveries: 2 })
    assert.equal(await ended(launch(t, make, putParcel, queue, 'strange')), 0)
    await queue.put('known')
    await assert.rejects(queue.getMany(5), { name: 'MultiprocError' })
    const joining = queue.join({ timeout: LIMIT })
    await assert.rejects(queue.lease(), { name: 'MultiprocError' })
    assert.deepEqual(await queue.getMany(5), ['known'])
    queue.taskDone()
    await joining
    assert.throws(() => queue.deadLetters({ take: true }), { name: 'MultiprocError' })
    queue.shutdown()
  })

  test('JoinableQueue.getMany() gives what it took before an item that cannot be unpacked; that one goes back', async t => {
    const queue = await make.joinableQueue({ maxDeliveries: 2 })
    await queue.put('known')
    assert.equal(await ended(launch(t, make, putParcel, queue, 'strange')), 0)
    assert.deepEqual(await queue.getMany(5), ['known'])
    assert.equal(queue.qsize(), 1)
    await assert.rejects(queue.get(), { name: 'MultiprocError' })
    assert.equal(queue.qsize(), 0)
  })

  test('JoinableQueue.close() by an item that is being unpacked is refused, and the item goes back', async () => {
    const queue = await make.joinableQueue<Rude | string>()
    registerClass(Rude, {
      name: 'conformance.Rude',
      pack: one => one.queue,
      unpack: (one: JoinableQueue) => {
        one.close()
        return new Rude(one)
      },
    })
    await queue.put(new Rude(queue as never))
    await assert.rejects(queue.get(), error => /unpacked/.test(String((error as Error).cause ?? error)))
    assert.equal(queue.closed, false)
    assert.equal(queue.qsize(), 1)
    queue.shutdown({ immediate: true })
  })

  for (const bad of [0, -1, 1.5, 100_001, Number.NaN]) {
    test(`new JoinableQueue({ maxDeliveries: ${bad} }) is refused with a RangeError`, async () => {
      await assert.rejects(async () => await make.joinableQueue({ maxDeliveries: bad }), RangeError)
    })
  }

  test('new JoinableQueue() with options that are no options is refused', async () => {
    for (const bad of ['3', null, [], { maxDeliverys: 3 }, { maxDeliveries: '3' }, { maxsize: '3' }, true] as any[]) {
      await assert.rejects(async () => await make.joinableQueue(bad), TypeError)
    }
    for (const bad of [-1, 1.5, { maxsize: -1 }])
      await assert.rejects(async () => await make.joinableQueue(bad), RangeError)
  })

  test('JoinableQueue: options of join, lease and deadLetters that are unknown are refused, and nothing is taken', async () => {
    const queue = await make.joinableQueue<number>()
    await queue.put(1)
    for (const bad of [{ timout: 1 }, 5, null, { timeout: -1 }, { timeout: 'soon' }, { signal: 1 }] as any[]) {
      await assert.rejects(queue.join(bad), { code: /ARGUMENT/ })
      await assert.rejects(queue.lease(bad), { code: /ARGUMENT/ })
      assert.throws(() => queue.joinSync(bad), { code: /ARGUMENT/ })
      assert.throws(() => queue.leaseSync(bad), { code: /ARGUMENT/ })
    }
    for (const bad of [{ takes: true }, { take: 1 }, true, null] as any[]) {
      assert.throws(() => queue.deadLetters(bad), TypeError)
    }
    assert.equal(queue.qsize(), 1)
    assert.throws(() => queue.taskDone(), RangeError)
  })

  test('TestQueue.test_task_done — join() returns after four workers have marked ten items', async t => {
    const queue = await make.joinableQueue<number | null>()
    const workers = [1, 2, 3, 4].map(() => launch(t, make, workUntilNull, queue))
    for (let n = 0; n < 10; n++) queue.putSync(n)
    await queue.join({ timeout: LIMIT })
    assert.equal(queue.qsize(), 0)
    await queue.putMany([null, null, null, null])
    for (const worker of workers) assert.equal(await ended(worker), 0)
  })

  test('JoinableQueue.taskDone() in a process that never took anything, as in Python', async t => {
    const queue = await make.joinableQueue<number>()
    await queue.putMany([1, 2])
    await queue.getMany(2)
    assert.equal(await ended(launch(t, make, finishOthers, queue, 1)), 0)
    await assert.rejects(queue.join({ timeout: 0 }), TimeoutError)
    assert.equal(await ended(launch(t, make, finishOthers, queue, 1)), 0)
    await queue.join({ timeout: 0 })
    assert.throws(() => queue.taskDone(), RangeError)
  })
}
