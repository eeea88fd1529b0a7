// CPython's own tests, Lib/test/_test_multiprocessing.py, class TestQueue, told anew under their names.
import assert from 'node:assert/strict'
import { ClosedError, EmptyError, FullError, NotSerializableError, type Queue, TimeoutError } from 'multiproc'
import { callAll, callAllAfter, type Outcome } from '../../fixtures/conformance.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'

export function fromCPython({ make, test }: Suite): void {
  test('TestQueue.test_put — every form fills a bounded queue; then puts fail at once or late; a child empties it', async t => {
    const queue = await make.queue<number>(6)
    const [goOn, report] = [await make.event(), await make.queue<Outcome[]>()]
    const child = launch(
      t,
      make,
      callAllAfter,
      goOn,
      queue,
      Array.from({ length: 6 }, () => ['getSync'] as [string]),
      report,
    )
    assert.deepEqual([queue.empty(), queue.full()], [true, false])
    await queue.put(1)
    queue.putSync(2)
    await queue.put(3, { timeout: LIMIT })
    queue.putSync(4, { timeout: LIMIT })
    queue.putNowait(5)
    await queue.putMany([6])
    assert.deepEqual([queue.empty(), queue.full()], [false, true])
    assert.throws(() => queue.putNowait(7), FullError)
    await assert.rejects(queue.put(7, { timeout: 0 }), TimeoutError)
    assert.throws(() => queue.putSync(7, { timeout: 0 }), TimeoutError)
    for (const timeout of [30, 50]) {
      await takesAtLeast(timeout, () => assert.rejects(queue.put(7, { timeout }), TimeoutError))
      await takesAtLeast(timeout, async () => assert.throws(() => queue.putSync(7, { timeout }), TimeoutError))
    }
    goOn.set()
    assert.deepEqual(
      await report.get(),
      [1, 2, 3, 4, 5, 6].map(gave => ({ gave })),
    )
    assert.deepEqual([queue.empty(), queue.full()], [true, false])
    assert.equal(await ended(child), 0)
  })

  test('TestQueue.test_get — what a child put comes in order in every form; then gets fail at once or late', async t => {
    const [queue, report] = [await make.queue<number>(), await make.queue<Outcome[]>()]
    const child = launch(
      t,
      make,
      callAll,
      queue,
      [2, 3, 4, 5, 6].map(n => ['put', n] as [string, number]),
      report,
    )
    assert.equal(await ended(child), 0)
    assert.deepEqual([queue.empty(), queue.full(), queue.qsize()], [false, false, 5])
    assert.equal(await queue.get({ timeout: LIMIT }), 2)
    assert.equal(queue.getSync(), 3)
    assert.equal(queue.getSync({ timeout: LIMIT }), 4)
    assert.equal(queue.getNowait(), 5)
    assert.deepEqual(await queue.getMany(2), [6])
    assert.equal(queue.empty(), true)
    assert.throws(() => queue.getNowait(), EmptyError)
    await assert.rejects(queue.get({ timeout: 0 }), TimeoutError)
    assert.throws(() => queue.getSync({ timeout: 0 }), TimeoutError)
    for (const timeout of [30, 50]) {
      await takesAtLeast(timeout, () => assert.rejects(queue.get({ timeout }), TimeoutError))
      await takesAtLeast(timeout, async () => assert.throws(() => queue.getSync({ timeout }), TimeoutError))
    }
  })

  test('TestQueue.test_fork — a queue already in use works from a child: all 20 items arrive, the parent’s first', async t => {
    const [queue, report] = [await make.queue<number>(), await make.queue<Outcome[]>()]
    for (let n = 0; n < 10; n++) await queue.put(n)
    const more = Array.from({ length: 10 }, (_, n) => ['put', n + 10] as [string, number])
    const child = launch(t, make, callAll, queue, more, report)
    for (let n = 0; n < 20; n++) assert.equal(await queue.get(), n)
    assert.throws(() => queue.getNowait(), EmptyError)
    assert.equal(await ended(child), 0)
  })

  test('TestQueue.test_qsize — the size follows each put and get', async () => {
    const queue = await make.queue()
    const sizes = [queue.qsize()]
    await queue.put(1)
    sizes.push(queue.qsize())
    await queue.put(5)
    sizes.push(queue.qsize())
    await queue.get()
    sizes.push(queue.qsize())
    await queue.get()
    sizes.push(queue.qsize())
    assert.deepEqual(sizes, [0, 1, 2, 1, 0])
  })

  test('TestQueue.test_timeout — a timed get does not return early', async () => {
    const queue = await make.queue()
    await takesAtLeast(200, () => assert.rejects(queue.get({ timeout: 200 }), TimeoutError))
    await takesAtLeast(200, async () => assert.throws(() => queue.getSync({ timeout: 200 }), TimeoutError))
  })

  test('TestQueue.test_queue_feeder_donot_stop_onexc — an unserializable item does not block later ones, nor take up room', async () => {
    for (const maxsize of [0, 1]) {
      const queue = await make.queue(maxsize)
      await assert.rejects(
        queue.put(() => {}),
        NotSerializableError,
      )
      assert.equal(queue.qsize(), 0)
      await queue.put(true, { timeout: 0 })
      assert.equal(await queue.get({ timeout: LIMIT }), true)
      assert.equal(queue.empty(), true)
    }
  })

  test('TestQueue.test_queue_feeder_on_queue_feeder_error — the error, and where in the item it lies, reach the caller', async () => {
    const queue = await make.queue()
    const cause = new Error('it cannot be read')
    const item = {
      get attribute() {
        throw cause
      },
    }
    await assert.rejects(queue.put(item), (error: NotSerializableError) => {
      assert.equal(error.path, 'attribute')
      assert.equal(error.cause, cause)
      return true
    })
    await queue.put(true)
    assert.equal(await queue.get(), true)
  })

  test('TestQueue.test_closed_queue_empty_exceptions — empty() of a closed queue is an error, used or not', async () => {
    const [used, unused] = [await make.queue(), await make.queue()]
    await used.put('foo')
    assert.equal(used.empty(), false)
    for (const queue of [used, unused] as Queue[]) {
      queue.close()
      assert.throws(() => queue.empty(), ClosedError)
    }
  })

  test('TestQueue.test_closed_queue_put_get_exceptions — put and get on a closed queue fail and say so', async () => {
    const queue = await make.queue()
    queue.close()
    const closed = { code: 'ERR_MULTIPROC_CLOSED', message: /this process has called close\(\)/ }
    await assert.rejects(queue.put('foo'), closed)
    await assert.rejects(queue.get(), closed)
  })
}

/** Waits may be late, never early. */
async function takesAtLeast(ms: number, wait: () => Promise<void>): Promise<void> {
  const began = performance.now()
  await wait()
  const took = performance.now() - began
  assert.ok(took >= ms, `it took ${took} ms instead of ${ms}`)
}
