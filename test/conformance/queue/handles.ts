// Handles inside items: they arrive as handles on the same object, wherever they stand in the value.
import assert from 'node:assert/strict'
import { ClosedError, type Queue } from 'multiproc'
import { compareHandles, echo, holdWhatComes, sendOwnQueue, serve } from '../../fixtures/conformance-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'

export function handles({ make, test, death }: Suite): void {
  test('Queue: a lock in an object in an array in an item is the same lock in another process', async t => {
    const [queue, lock] = [await make.queue(), await make.lock()]
    const [held, goOn] = [await make.event(), await make.event()]
    const child = launch(t, make, holdWhatComes, queue, held, goOn)
    await queue.put([{ lock }])
    await held.wait({ timeout: LIMIT })
    assert.equal(lock.holder, child.pid)
    assert.equal(lock.tryAcquire(), null)
    goOn.set()
    const mine = await lock.acquire({ timeout: LIMIT })
    assert.equal(mine.abandoned, false)
    mine.release()
    assert.equal(await ended(child), 0)
  })

  test('Queue: a queue through itself arrives as itself', async () => {
    const queue = await make.queue()
    queue.putSync(queue)
    assert.equal(queue.getSync({ timeout: LIMIT }), queue)
    await queue.put({ it: [queue] })
    assert.equal((await queue.get()).it[0], queue)
  })

  test('Queue: the same handle at several places of an item is one object, here and in another process', async t => {
    const [queue, report, lock] = [await make.queue(), await make.queue(), await make.lock()]
    const item = [lock, lock, { again: new Map([['it', lock]]) }]
    await queue.put(item)
    const [first, second, { again }] = await queue.get()
    assert.equal(first, lock)
    assert.equal(second, lock)
    assert.equal(again.get('it'), lock)
    launch(t, make, compareHandles, queue, report)
    await queue.put(item)
    assert.equal(await report.get(), true)
  })

  test('Queue: every kind of handle makes the way to another process and back, and is the same object', async t => {
    const [requests, replies] = [await make.queue(), await make.queue()]
    launch(t, make, echo, requests, replies)
    const objects = [await make.queue(), await make.lock(), await make.rlock(), await make.event()]
    const value = await make.value('i', 41)
    requests.putSync(new Set([...objects, value]))
    const back = [...replies.getSync({ timeout: LIMIT })]
    for (const [n, object] of [...objects, value].entries()) assert.equal(back[n], object)
  })

  test('Queue: a reply queue sent with the request gets the reply', async t => {
    const requests = await make.queue<[number, Queue<number>]>()
    const child = launch(t, make, serve, requests)
    for (let n = 0; n < 20; n++) {
      const replies = await make.queue<number>()
      await requests.put([n, replies])
      assert.equal(await replies.get(), n + 1)
      replies.close()
    }
    requests.shutdown()
    assert.equal(await ended(child), 0)
  })

  test('Queue: an object sent by a process that has ended since lives on in the item', async t => {
    const queue = await make.queue()
    assert.equal(await ended(launch(t, make, sendOwnQueue, queue)), 0)
    const { own } = await queue.get()
    assert.equal(await own.get(), 'from the child')
  })

  test('Queue: a handle that its sender closes after the put is good in the item', async () => {
    const [queue, own] = [await make.queue(), await make.queue()]
    await own.put('kept')
    await queue.put({ own })
    own.close()
    const received = (await queue.get()).own
    assert.notEqual(received, own)
    assert.equal(received.getNowait(), 'kept')
  })

  test('Queue.put() of a closed handle throws ClosedError and puts nothing', async () => {
    const [queue, lock] = [await make.queue(), await make.lock()]
    lock.close()
    await assert.rejects(queue.put([lock]), ClosedError)
    assert.throws(() => queue.putSync([lock]), ClosedError)
    assert.throws(() => queue.putNowait([lock]), ClosedError)
    assert.equal(queue.qsize(), 0)
  })

  death('Queue.close() of the last handle frees the objects in the items that nobody took', async () => {
    const queue = await make.queue()
    const before = make.memoryUsed()
    for (let n = 0; n < 50; n++) {
      const inner = await make.queue()
      await inner.put(new Uint8Array(100_000))
      await queue.put({ inner })
      inner.close()
    }
    assert.ok(make.memoryUsed() > before)
    queue.close()
    assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep)
  })
}
