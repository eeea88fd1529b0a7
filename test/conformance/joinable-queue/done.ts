// taskDone(), lease() and join(): what counts, whose it is, and who waits for it.
import assert from 'node:assert/strict'
import { ClosedError, TimeoutError } from 'multiproc'
import { call, type Outcome, waitIn } from '../../fixtures/conformance.ts'
import { finishOthers, takeAndStay } from '../../fixtures/conformance-joinable-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, rings, type Suite } from '../suite.ts'

export function done({ make, test }: Suite): void {
  test('JoinableQueue.join() of a queue that nothing was put into resolves at once', async () => {
    const queue = await make.joinableQueue()
    await queue.join({ timeout: 0 })
    queue.joinSync({ timeout: 0 })
  })

  test('JoinableQueue.join() waits until each item was taken and marked, in whatever form it was taken', async () => {
    const queue = await make.joinableQueue<number>()
    await queue.putMany([1, 2, 3, 4, 5, 6, 7])
    let joined = false
    const joining = queue.join().then(() => {
      joined = true
    })
    const seen = [await queue.get(), queue.getSync(), queue.getNowait(), ...(await queue.getMany(2))]
    for await (const item of queue) {
      seen.push(item)
      break
    }
    const last = queue.leaseSync({ timeout: LIMIT })
    assert.deepEqual([...seen, last.item], [1, 2, 3, 4, 5, 6, 7])
    assert.equal(queue.empty(), true)
    for (let n = 0; n < 6; n++) {
      queue.taskDone()
      await assert.rejects(queue.join({ timeout: 0 }), TimeoutError)
      assert.throws(() => queue.joinSync({ timeout: 0 }), TimeoutError)
    }
    assert.equal(joined, false)
    last.done()
    queue.joinSync({ timeout: 0 })
    await joining
  })

  test('JoinableQueue.taskDone() more often than items were taken throws RangeError, and changes nothing', async () => {
    const queue = await make.joinableQueue<number>()
    assert.throws(() => queue.taskDone(), { name: 'ArgumentRangeError' })
    await queue.put(1)
    assert.throws(() => queue.taskDone(), RangeError) // it was put, and not taken
    assert.equal(await queue.get(), 1)
    queue.taskDone()
    assert.throws(() => queue.taskDone(), RangeError)
    await queue.put(2)
    await assert.rejects(queue.join({ timeout: 0 }), TimeoutError)
    assert.equal(queue.getSync(), 2)
    queue.taskDone()
    await queue.join({ timeout: 0 })
  })

  test('JoinableQueue.join() waits for what is put while it waits', async () => {
    const queue = await make.joinableQueue<number>()
    await queue.put(1)
    const joining = queue.join({ timeout: LIMIT })
    await queue.get()
    await queue.put(2)
    queue.taskDone()
    await assert.rejects(queue.join({ timeout: 0 }), TimeoutError)
    await queue.get()
    queue.taskDone()
    await joining
  })

  test('JoinableQueue.join() that is late or aborted has changed nothing', async () => {
    const queue = await make.joinableQueue<number>()
    await queue.put(1)
    await assert.rejects(queue.join({ timeout: 20 }), TimeoutError)
    assert.throws(() => queue.joinSync({ timeout: 20 }), TimeoutError)
    const reason = new Error('no more')
    const abort = new AbortController()
    const joining = queue.join({ signal: abort.signal })
    abort.abort(reason)
    await assert.rejects(joining, error => error === reason)
    await assert.rejects(queue.join({ signal: abort.signal }), error => error === reason)
    assert.equal(await queue.get(), 1)
    queue.taskDone()
    await queue.join({ timeout: 0 })
  })

  for (const form of ['join', 'joinSync'] as const) {
    test(`JoinableQueue.${form}() is rung by the last taskDone() of another process`, async t => {
      const [queue, report] = [await make.joinableQueue<number>(), await make.queue<Outcome>()]
      await queue.putMany([1, 2])
      const child = launch(t, make, call, queue, form, [], report)
      await queue.getMany(2)
      queue.taskDone()
      await rings(make, [child], () => queue.taskDone())
      assert.deepEqual(await report.get(), { gave: undefined })
      assert.equal(await ended(child), 0)
    })

    test(`JoinableQueue.${form}() is rung when the rest is dropped`, async t => {
      const [queue, report] = [await make.joinableQueue<number>(), await make.queue<Outcome>()]
      await queue.put(1)
      const child = launch(t, make, call, queue, form, [], report)
      await rings(make, [child], () => queue.shutdown({ immediate: true }))
      assert.deepEqual(await report.get(), { gave: undefined })
    })
  }

  test('JoinableQueue.join() killed while it waits disturbs nobody', async t => {
    const queue = await make.joinableQueue<number>()
    await queue.put(1)
    const child = launch(t, make, waitIn, queue, 'joinSync')
    await asleep(make, child)
    child.kill()
    await ended(child)
    await queue.get()
    queue.taskDone()
    await queue.join({ timeout: 0 })
  })

  test('JoinableQueue.taskDone() marks the oldest that this process has, else the oldest that anybody has', async t => {
    const [queue, report] = [await make.joinableQueue<number>(), await make.queue()]
    await queue.putMany([1, 2, 3, 4])
    const child = launch(t, make, takeAndStay, queue, 2, 'get', report)
    assert.deepEqual(await report.get(), [1, 2])
    assert.deepEqual(await queue.getMany(2), [3, 4])
    queue.taskDone() // 3
    assert.equal(await ended(launch(t, make, finishOthers, queue, 1)), 0) // 1: the oldest of all
    queue.taskDone() // 4
    queue.taskDone() // 2, which the child has
    assert.throws(() => queue.taskDone(), RangeError)
    await queue.join({ timeout: 0 })
    child.kill()
    await ended(child)
    assert.equal(queue.qsize(), 0) // what others have marked does not come back
    await queue.join({ timeout: LIMIT })
  })

  test('JoinableQueue: who takes while another marks keeps no memory for it', async t => {
    const queue = await make.joinableQueue<Uint8Array>()
    const large = new Uint8Array(1_000_000)
    const before = make.memoryUsed()
    for (let n = 0; n < 6; n++) {
      await queue.put(large)
      await queue.get()
      assert.equal(await ended(launch(t, make, finishOthers, queue, 1)), 0)
      if (n === 3) await queue.join({ timeout: 0 })
    }
    assert.ok(make.memoryUsed() - before <= 12 * make.memoryStep, `${make.memoryUsed() - before} bytes`)
    await queue.join({ timeout: 0 })
  })

  test('JoinableQueue.lease() gives item, deliveries and done(), which marks that very item, once', async () => {
    const queue = await make.joinableQueue<string>()
    await queue.putMany(['a', 'b', 'c'])
    const [a, b] = [await queue.lease(), queue.leaseSync()]
    const c = await queue.lease({ timeout: 0 })
    assert.deepEqual([a.item, b.item, c.item], ['a', 'b', 'c'])
    assert.deepEqual([a.deliveries, b.deliveries, c.deliveries], [1, 1, 1])
    b.done()
    b.done()
    queue.taskDone() // a, the oldest that is not done
    a.done() // done already
    await assert.rejects(queue.join({ timeout: 0 }), TimeoutError)
    c.done()
    await queue.join({ timeout: 0 })
    assert.throws(() => queue.taskDone(), RangeError)
    await assert.rejects(queue.lease({ timeout: 10 }), TimeoutError)
    assert.throws(() => queue.leaseSync({ timeout: 10 }), TimeoutError)
  })

  test('JoinableQueue: thousands in hand are marked in any order', async () => {
    const queue = await make.joinableQueue<number>()
    const before = make.memoryUsed()
    for (let n = 0; n < 10_000; n++) queue.putNowait(n)
    const leases = []
    for (let n = 0; n < 5_000; n++) leases.push(queue.leaseSync())
    assert.equal((await queue.getMany(10_000)).length, 5_000)
    for (let n = 4_999; n >= 0; n -= 2) leases[n].done()
    for (let n = 0; n < 7_500; n++) queue.taskDone()
    assert.throws(() => queue.taskDone(), RangeError)
    await queue.join({ timeout: 0 })
    queue.close()
    assert.ok(make.memoryUsed() - before <= 16 * make.memoryStep, `${make.memoryUsed() - before} bytes`)
  })

  test('JoinableQueue.close(): all that is its own throws ClosedError at once, and ends what waits here', async () => {
    const queue = await make.joinableQueue<number>()
    await queue.putMany([1, 2])
    const lease = await queue.lease()
    const finished = await queue.lease()
    finished.done()
    const joining = queue.join()
    queue.close()
    await assert.rejects(joining, ClosedError)
    for (const use of [() => queue.join(), () => queue.lease(), () => queue.join({ timeout: LIMIT })]) {
      await assert.rejects(use, ClosedError)
    }
    for (const use of [
      () => queue.taskDone(),
      () => queue.joinSync(),
      () => queue.leaseSync(),
      () => queue.deadLetters(),
      () => lease.done(),
    ])
      assert.throws(use, ClosedError)
    finished.done()
  })
}
