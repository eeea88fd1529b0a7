// How a Queue comes to its end: shutdown() for everybody, close() for this process.
import assert from 'node:assert/strict'
import { ClosedError, type Queue, ShutDownError } from 'multiproc'
import { call, callAllAfter, type Outcome } from '../../fixtures/conformance.ts'
import { closeWhileWaiting, consume, produce } from '../../fixtures/conformance-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, rings, type Suite } from '../suite.ts'

export function ends({ make, test }: Suite): void {
  const shutDown = { threw: 'ERR_MULTIPROC_SHUT_DOWN' }

  async function everyPutIsRefused(queue: Queue) {
    await assert.rejects(queue.put(1), ShutDownError)
    await assert.rejects(queue.put(1, { timeout: 0 }), ShutDownError)
    await assert.rejects(queue.put(new Uint8Array(10_000)), ShutDownError)
    await assert.rejects(queue.putMany([1]), ShutDownError)
    assert.throws(() => queue.putSync(1), ShutDownError)
    assert.throws(() => queue.putNowait(1), ShutDownError)
  }

  async function everyGetIsRefused(queue: Queue) {
    await assert.rejects(queue.get(), ShutDownError)
    await assert.rejects(queue.get({ timeout: 0 }), ShutDownError)
    await assert.rejects(queue.getMany(2), ShutDownError)
    assert.throws(() => queue.getSync(), ShutDownError)
    assert.throws(() => queue.getNowait(), ShutDownError)
    for await (const item of queue) assert.fail(`it gave ${item}`)
  }

  test('Queue.shutdown(): puts throw at once, gets take what is there, then they throw', async () => {
    const queue = await make.queue(4)
    await queue.putMany([1, 2, new Uint8Array(10_000), 4])
    queue.shutdown()
    await everyPutIsRefused(queue)
    assert.equal(queue.qsize(), 4)
    assert.deepEqual([await queue.get(), queue.getSync()], [1, 2])
    assert.equal((await queue.getMany(1))[0].length, 10_000)
    assert.equal(queue.getNowait(), 4)
    await everyGetIsRefused(queue)
    await everyPutIsRefused(queue)
    queue.shutdown()
    queue.shutdown({ immediate: false })
  })

  test('Queue.shutdown({ immediate: true }) drops what is queued, and its memory comes back', async () => {
    const queue = await make.queue()
    const before = make.memoryUsed()
    for (let n = 0; n < 20; n++) await queue.put({ bytes: new Uint8Array(1_000_000), lock: await make.lock() })
    await queue.put('small')
    queue.shutdown({ immediate: true })
    assert.equal(queue.qsize(), 0)
    await everyGetIsRefused(queue)
    await everyPutIsRefused(queue)
    assert.ok(make.memoryUsed() - before <= 4 * make.memoryStep)
  })

  test('Queue.shutdown({ immediate: true }) after shutdown() drops the rest', async () => {
    const queue = await make.queue()
    await queue.putMany([1, 2])
    queue.shutdown()
    assert.equal(await queue.get(), 1)
    queue.shutdown({ immediate: true })
    await everyGetIsRefused(queue)
  })

  for (const immediate of [false, true]) {
    test(`Queue.shutdown({ immediate: ${immediate} }) ends the waits of this process`, async () => {
      const empty = await make.queue()
      const gets = [empty.get(), empty.getMany(2), empty[Symbol.asyncIterator]().next()] as const
      empty.shutdown({ immediate })
      await assert.rejects(gets[0], ShutDownError)
      await assert.rejects(gets[1], ShutDownError)
      assert.deepEqual(await gets[2], { done: true, value: undefined })
      const full = await make.queue(1)
      await full.put('first')
      const puts = [full.put('second'), full.put(new Uint8Array(10_000)), full.putMany(['third'])]
      full.shutdown({ immediate })
      for (const put of puts) await assert.rejects(put, ShutDownError)
      assert.equal(full.qsize(), immediate ? 0 : 1)
    })

    for (const form of ['get', 'getSync', 'getMany', 'put', 'putSync', 'putMany'] as const) {
      test(`Queue.shutdown({ immediate: ${immediate} }) ends a ${form} that waits in another process`, async t => {
        const [queue, report] = [await make.queue(1), await make.queue<Outcome>()]
        if (form.startsWith('put')) await queue.put('first')
        const args = { get: [], getSync: [], getMany: [2], put: [1], putSync: [1], putMany: [[1]] }[form]
        const child = launch(t, make, call, queue, form, args, report)
        await rings(make, [child], () => queue.shutdown({ immediate }))
        assert.deepEqual(await report.get(), shutDown)
        assert.equal(await ended(child), 0)
      })
    }
  }

  test('Queue.shutdown() in another process ends the waits of this one', async t => {
    const queue = await make.queue()
    const pending = queue.get()
    launch(t, make, call, queue, 'shutdown', [], await make.queue<Outcome>())
    await assert.rejects(pending, ShutDownError)
    await everyPutIsRefused(queue)
  })

  test('Queue.shutdown() in another process ends a getSync() of this one', async t => {
    const queue = await make.queue()
    launch(t, make, call, queue, 'shutdown', [], await make.queue<Outcome>())
    assert.throws(() => queue.getSync({ timeout: LIMIT }), ShutDownError)
  })

  test('Queue.putMany() that a shutdown interrupts has put the items before, and says how many', async () => {
    const queue = await make.queue(2)
    const pending = queue.putMany([1, 2, 3])
    await new Promise(setImmediate)
    queue.shutdown()
    await assert.rejects(pending, { code: 'ERR_MULTIPROC_SHUT_DOWN', done: 2 })
    assert.deepEqual(await queue.getMany(5), [1, 2])
  })

  test('for await over a Queue gives everything that was put before shutdown(), and ends', async () => {
    const queue = await make.queue()
    const seen: unknown[] = []
    const loop = (async () => {
      for await (const item of queue) seen.push(item)
    })()
    for (let n = 0; n < 10; n++) await queue.put(n)
    queue.shutdown()
    await loop
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('for await over a Queue in two processes: each item goes to one of them, and both end', async t => {
    const [queue, report] = [await make.queue<number>(), await make.queue()]
    for (const name of ['a', 'b']) launch(t, make, consume, queue, report, name, 'iterate')
    for (let n = 0; n < 200; n++) await queue.put(n)
    queue.shutdown()
    const seen: number[] = []
    for (let ends = 0; ends < 2; ) {
      const [, item] = await report.get()
      if (item === 'end') ends++
      else seen.push(item)
    }
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      Array.from({ length: 200 }, (_, n) => n),
    )
  })

  test('for await over a Queue that is left by break, return or throw takes nothing more', async () => {
    const queue = await make.queue<number>()
    await queue.putMany([1, 2, 3, 4])
    for await (const item of queue) {
      assert.equal(item, 1)
      break
    }
    assert.equal(queue.qsize(), 3)
    await (async () => {
      for await (const item of queue) return assert.equal(item, 2)
    })()
    assert.equal(queue.qsize(), 2)
    const thrown = new Error('out of the loop')
    await assert.rejects(async () => {
      for await (const _ of queue) throw thrown
    }, thrown)
    assert.equal(queue.qsize(), 1)
    assert.equal(await queue.get(), 4)
  })

  test('Queue.close(): everything throws ClosedError at once, and close() again does nothing', async () => {
    const queue = await make.queue(1)
    await queue.put(1)
    assert.equal(queue.closed, false)
    queue.close()
    queue.close()
    assert.equal(queue.closed, true)
    for (const use of [
      () => queue.put(1),
      () => queue.put(1, { timeout: LIMIT }),
      () => queue.putMany([1]),
      () => queue.putMany([]),
      () => queue.get(),
      () => queue.get({ timeout: LIMIT }),
      () => queue.getMany(1),
      () => queue[Symbol.asyncIterator]().next(),
    ]) {
      await assert.rejects(use, ClosedError)
    }
    for (const use of [
      () => queue.putSync(1),
      () => queue.putNowait(1),
      () => queue.getSync(),
      () => queue.getSync({ timeout: LIMIT }),
      () => queue.getNowait(),
      () => queue.qsize(),
      () => queue.empty(),
      () => queue.full(),
      () => queue.maxsize,
      () => queue.shutdown(),
    ]) {
      assert.throws(use, ClosedError)
    }
  })

  test('Queue.close() rejects what waits in this process: nothing is taken, nothing is put', async t => {
    const [empty, full] = [await make.queue(), await make.queue(1)]
    const [goOn, report] = [await make.event(), await make.queue<Outcome[]>()]
    await full.put('first')
    launch(t, make, callAllAfter, goOn, full, [['getMany', 5], ['qsize']], report)
    launch(t, make, callAllAfter, goOn, empty, [['put', 'there'], ['get']], report)
    const pending = [empty.get(), empty.getMany(2), full.put('second'), full.putMany([new Uint8Array(10_000)])]
    empty.close()
    full.close()
    for (const one of pending) await assert.rejects(one, ClosedError)
    goOn.set()
    const outcomes = [await report.get(), await report.get()].map(all => all.map(one => 'gave' in one && one.gave))
    assert.deepEqual(
      new Set(outcomes),
      new Set([
        [['first'], 0],
        [undefined, 'there'],
      ]),
    )
  })

  test('Queue.close() in one process does not disturb another', async t => {
    const [queue, report] = [await make.queue(), await make.queue()]
    const leaver = launch(t, make, closeWhileWaiting, queue, report)
    queue.putSync('one')
    assert.equal(await report.get(), 'one')
    assert.equal(await report.get(), 'ERR_MULTIPROC_CLOSED')
    assert.equal(await ended(leaver), 0)
    await queue.put('two')
    assert.equal(await queue.get(), 'two')
    // and the other way round: it goes on with what this process put and then left
    const reader = launch(t, make, consume, queue, report, 'it', 'get')
    await asleep(make, reader)
    const producer = launch(t, make, produce, queue, 'p', 3, 'put')
    assert.equal(await ended(producer), 0)
    await queue.put('last')
    queue.shutdown()
    queue.close()
    for (const item of [['p', 0], ['p', 1], ['p', 2], 'last', 'end']) assert.deepEqual(await report.get(), ['it', item])
    assert.equal(await ended(reader), 0)
  })
}
