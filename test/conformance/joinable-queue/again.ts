// What is delivered again: after a death, an end, a close; in which order, how often, and what counts meanwhile. K9.
import assert from 'node:assert/strict'
import { ClosedError, EmptyError, type JoinableQueue, ShutDownError, TimeoutError } from 'multiproc'
import { call, type Outcome } from '../../fixtures/conformance.ts'
import {
  finishLeased,
  finishSome,
  holdWhatIsLeased,
  type Take,
  takeAndClose,
  takeAndEnd,
  takeAndStay,
  work,
  workOrDie,
} from '../../fixtures/conformance-joinable-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, killed, type Suite } from '../suite.ts'

const FORMS: Take[] = ['get', 'getSync', 'getMany', 'getNowait', 'lease', 'leaseSync', 'iterate']

export function again({ make, test, death }: Suite): void {
  for (const form of FORMS) {
    death(
      `K9 JoinableQueue.${form}() killed before taskDone(): join() goes on once another has done its items`,
      async t => {
        const [queue, report] = [await make.joinableQueue<number>(), await make.queue()]
        await queue.putMany([1, 2, 3, 4])
        const victim = launch(t, make, takeAndStay, queue, 2, form, report)
        assert.deepEqual(await report.get(), [1, 2])
        const joining = queue.join({ timeout: LIMIT })
        await killed(make, victim)
        assert.equal(queue.qsize(), 4)
        const first = await queue.lease()
        assert.deepEqual([first.item, first.deliveries], [1, 2])
        const second = queue.leaseSync({ timeout: LIMIT })
        assert.deepEqual([second.item, second.deliveries], [2, 2])
        assert.deepEqual([await queue.get(), queue.getSync()], [3, 4])
        for (let n = 0; n < 4; n++) queue.taskDone()
        await joining
        assert.throws(() => queue.taskDone(), RangeError)
      },
    )
  }

  death('K9 JoinableQueue.joinSync() in another process outlives the consumer as well', async t => {
    const [queue, report] = [await make.joinableQueue<number>(), await make.queue()]
    const joined = await make.queue<Outcome>()
    await queue.put(1)
    const victim = launch(t, make, takeAndStay, queue, 1, 'get', report)
    await report.get()
    const joiner = launch(t, make, call, queue, 'joinSync', [], joined)
    await asleep(make, joiner)
    await killed(make, victim)
    launch(t, make, work, queue, report)
    assert.deepEqual(await joined.get({ timeout: LIMIT }), { gave: undefined })
    assert.equal(await report.get(), 1)
    queue.shutdown()
  })

  death('JoinableQueue: what was marked before the death does not come back, in whatever order', async t => {
    const [queue, report] = [await make.joinableQueue<number>(), await make.queue()]
    await queue.putMany([0, 1, 2, 3, 4, 5])
    const [first, second] = [
      launch(t, make, finishSome, queue, 3, 2, report),
      launch(t, make, finishLeased, queue, [2, 0], 3, report),
    ]
    await report.get()
    await report.get()
    await killed(make, first)
    await killed(make, second)
    assert.equal(queue.qsize(), 2)
    const left = await queue.getMany(6)
    assert.ok(left[0] < left[1]) // in the order they were put, whoever had them
    queue.taskDone()
    queue.taskDone()
    await queue.join({ timeout: 0 })
  })

  death(
    'JoinableQueue: thousands in the hands of two that are killed come back in the old order, before newer ones',
    async t => {
      const [queue, report] = [await make.joinableQueue<number>(), await make.queue()]
      await queue.putMany(Array.from({ length: 3_000 }, (_, n) => n))
      const victims = [1_000, 1_500].map(count => launch(t, make, takeAndStay, queue, count, 'get', report))
      await report.get()
      await report.get()
      await queue.put(3_000)
      for (const victim of victims) await killed(make, victim)
      assert.equal(queue.qsize(), 3_001)
      const items = await queue.getMany(5_000)
      assert.deepEqual(
        items,
        Array.from({ length: 3_001 }, (_, n) => n),
      )
      for (const _ of items) queue.taskDone()
      await queue.join({ timeout: 0 })
    },
  )

  death('JoinableQueue: who sleeps in get() is woken for what a dead consumer had', async t => {
    const [queue, report] = [await make.joinableQueue<string>(), await make.queue()]
    await queue.put('only')
    const victim = launch(t, make, takeAndStay, queue, 1, 'get', report)
    await report.get()
    const worker = launch(t, make, work, queue, report)
    await asleep(make, worker)
    victim.kill()
    assert.equal(await report.get({ timeout: LIMIT }), 'only')
    await queue.join({ timeout: LIMIT })
    queue.shutdown()
    assert.equal(await ended(worker), 0)
  })

  death('JoinableQueue: what a consumer has that ends with exit code 0 comes back', async t => {
    const queue = await make.joinableQueue<number>()
    await queue.putMany([1, 2, 3])
    assert.equal(await ended(launch(t, make, takeAndEnd, queue, 2, 'get')), 0)
    assert.equal(await queue.get({ timeout: LIMIT }), 1)
    assert.deepEqual(await queue.getMany(3), [2, 3])
  })

  test('JoinableQueue.close() gives back what this process has in hand', async t => {
    const [queue, report] = [await make.joinableQueue<number>(), await make.queue()]
    await queue.putMany([1, 2, 3])
    const child = launch(t, make, takeAndClose, queue, 2, 'lease', report)
    assert.equal(await report.get(), 'closed')
    assert.deepEqual(await queue.getMany(3), [1, 2, 3])
    // and it rings one that waits
    await queue.put(4)
    const other = launch(t, make, takeAndClose, queue, 1, 'get', report)
    assert.equal(await report.get(), 'closed')
    assert.equal(await queue.get({ timeout: LIMIT }), 4)
    for (let n = 0; n < 4; n++) queue.taskDone()
    await queue.join({ timeout: 0 })
    for (const one of [child, other]) one.kill()
  })

  death('JoinableQueue: an item that kills its consumers becomes a dead letter, and join() goes on', async t => {
    const queue = await make.joinableQueue<string>({ maxDeliveries: 3 })
    const report = await make.queue()
    await queue.putMany(['a', 'poison', 'b'])
    for (let n = 1; n <= 3; n++) {
      assert.deepEqual(queue.deadLetters(), [])
      assert.equal(await ended(launch(t, make, workOrDie, queue, report)), make.deathCode)
    }
    launch(t, make, workOrDie, queue, report)
    await queue.join({ timeout: LIMIT })
    assert.deepEqual(await report.getMany(5), ['a', 'b'])
    assert.equal(queue.qsize(), 0)
    assert.deepEqual(queue.deadLetters(), ['poison'])
    assert.deepEqual(queue.deadLetters(), ['poison'])
    assert.deepEqual(queue.deadLetters({ take: true }), ['poison'])
    assert.deepEqual(queue.deadLetters(), [])
    queue.shutdown()
  })

  death(
    'JoinableQueue: with maxDeliveries 1 nothing is delivered twice; letters are told oldest first, in any process',
    async t => {
      const [queue, report] = [await make.joinableQueue<number>({ maxDeliveries: 1 }), await make.queue()]
      const before = make.memoryUsed()
      await queue.putMany([1, 2, 3, 4])
      const [first, second] = [
        launch(t, make, takeAndStay, queue, 2, 'get', report),
        launch(t, make, takeAndStay, queue, 2, 'get', report),
      ]
      await report.get()
      await report.get()
      await killed(make, second)
      await killed(make, first)
      assert.throws(() => queue.getNowait(), EmptyError)
      await queue.join({ timeout: 0 })
      assert.deepEqual(queue.deadLetters(), [1, 2, 3, 4])
      const told = await make.queue<Outcome>()
      launch(t, make, call, queue, 'deadLetters', [{ take: true }], told)
      assert.deepEqual(await told.get(), { gave: [1, 2, 3, 4] })
      assert.deepEqual(queue.deadLetters(), [])
      assert.ok(make.memoryUsed() - before <= 12 * make.memoryStep)
    },
  )

  death('JoinableQueue: what is in hand takes up no room; what came back does, and full() and put() agree', async t => {
    const [queue, report] = [await make.joinableQueue<number>(2), await make.queue()]
    await queue.putMany([1, 2])
    const victim = launch(t, make, takeAndStay, queue, 2, 'get', report)
    await report.get()
    assert.deepEqual([queue.qsize(), queue.full(), queue.maxsize], [0, false, 2])
    queue.putNowait(3)
    await killed(make, victim)
    assert.deepEqual([queue.qsize(), queue.full()], [3, true])
    assert.throws(() => queue.putNowait(4), { name: 'FullError' })
    const waiting = queue.put(4, { timeout: LIMIT })
    assert.equal(await queue.get(), 1)
    await assert.rejects(queue.put(9, { timeout: 0 }), TimeoutError)
    assert.equal(await queue.get(), 2) // makes room
    await waiting
    assert.deepEqual(await queue.getMany(5), [3, 4])
    assert.equal(queue.qsize(), 0)
  })

  death('JoinableQueue.shutdown(): what comes back afterwards is there for those who ask', async t => {
    const [queue, report] = [await make.joinableQueue<number>(), await make.queue()]
    await queue.put(1)
    const victim = launch(t, make, takeAndStay, queue, 1, 'get', report)
    await report.get()
    queue.shutdown()
    await assert.rejects(queue.get(), ShutDownError)
    const joining = queue.join({ timeout: LIMIT })
    await killed(make, victim)
    await assert.rejects(queue.put(2), ShutDownError)
    for await (const item of queue) {
      assert.equal(item, 1)
      queue.taskDone()
    }
    await joining
    await assert.rejects(queue.get(), ShutDownError)
  })

  death(
    'JoinableQueue.shutdown({ immediate: true }): join() waits only for what is in hand, until its holder is gone',
    async t => {
      const [queue, report] = [await make.joinableQueue<Uint8Array>(), await make.queue()]
      const before = make.memoryUsed()
      for (let n = 0; n < 5; n++) await queue.put(new Uint8Array(3_000_000))
      const victim = launch(t, make, takeAndStay, queue, 1, 'get', report)
      await report.get()
      await queue.get()
      queue.shutdown({ immediate: true })
      assert.equal(queue.qsize(), 0)
      await assert.rejects(queue.join({ timeout: 0 }), TimeoutError)
      queue.taskDone()
      await assert.rejects(queue.join({ timeout: 0 }), TimeoutError)
      const joining = queue.join({ timeout: LIMIT })
      await killed(make, victim)
      await joining
      assert.ok(make.memoryUsed() - before <= 8 * make.memoryStep) // also what came back was freed, by nobody's doing
      await assert.rejects(queue.get(), ShutDownError)
      assert.deepEqual(queue.deadLetters(), [])
    },
  )

  death('JoinableQueue: a handle in an item that is delivered again is good', async t => {
    const queue: JoinableQueue = await make.joinableQueue()
    const held = await make.event()
    const lock = await make.lock()
    await queue.put({ lock })
    lock.close() // only the item keeps it
    const victim = launch(t, make, holdWhatIsLeased, queue as never, held)
    await held.wait({ timeout: LIMIT })
    await killed(make, victim)
    const again = (await queue.get()) as { lock: typeof lock }
    const mine = await again.lock.acquire({ timeout: LIMIT })
    assert.equal(mine.abandoned, true)
    mine.release()
    queue.taskDone() // the block goes, the handle stays: nothing else comes to lie in its place
    for (let n = 0; n < 1_500; n++) (await make.lock()).acquireSync()
    assert.equal(again.lock.locked(), false)
    again.lock.acquireSync({ timeout: 0 }).release()
    again.lock.close()
    assert.throws(() => again.lock.tryAcquire(), ClosedError)
  })
}
