// Full, empty, late, aborted: what waits, for how long, and that giving up takes nothing and puts nothing.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { EmptyError, FullError, TimeoutError } from 'multiproc'
import { call, callTimes, type Outcome } from '../../fixtures/conformance.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, rings, type Suite } from '../suite.ts'

export function waiting({ make, test }: Suite): void {
  test('Queue: maxsize, qsize(), empty() and full() say what is there', async () => {
    for (const options of [undefined, 0, {}, { maxsize: 0 }, { maxsize: undefined }]) {
      const queue = await make.queue(options)
      assert.equal(queue.maxsize, 0)
      await queue.putMany([1, 2, 3])
      assert.deepEqual([queue.qsize(), queue.empty(), queue.full()], [3, false, false])
    }
    for (const options of [2, { maxsize: 2 }]) {
      const queue = await make.queue(options)
      assert.deepEqual([queue.maxsize, queue.qsize(), queue.empty(), queue.full()], [2, 0, true, false])
      await queue.put(1)
      assert.deepEqual([queue.qsize(), queue.empty(), queue.full()], [1, false, false])
      await queue.put(2)
      assert.deepEqual([queue.qsize(), queue.empty(), queue.full()], [2, false, true])
      await queue.get()
      assert.deepEqual([queue.qsize(), queue.empty(), queue.full()], [1, false, false])
    }
  })

  test('Queue: util.inspect shows how much fits and how much is there', async () => {
    const queue = await make.queue(3)
    await queue.put(1)
    assert.equal(inspect(queue), 'Queue { maxsize: 3, size: 1 }')
    queue.close()
    assert.equal(inspect(queue), 'Queue { closed: true }')
  })

  test('Queue without maxsize takes many thousand items without a reader, and gives them in order', async () => {
    const queue = await make.queue<number>()
    for (let n = 0; n < 50_000; n++) queue.putSync(n)
    assert.equal(queue.qsize(), 50_000)
    for (let n = 0; n < 50_000; n++) assert.equal(queue.getSync({ timeout: LIMIT }), n)
    assert.equal(queue.empty(), true)
  })

  test('Queue.putNowait() on a full queue throws FullError, getNowait() on an empty one EmptyError', async () => {
    const queue = await make.queue(1)
    assert.throws(() => queue.getNowait(), EmptyError)
    queue.putNowait(1)
    assert.throws(() => queue.putNowait(2), FullError)
    assert.equal(queue.getNowait(), 1)
    assert.throws(() => queue.getNowait(), EmptyError)
  })

  for (const timeout of [0, 20]) {
    test(`Queue: timeout ${timeout} takes and puts what it can at once`, async () => {
      const queue = await make.queue(6)
      await queue.put(1, { timeout })
      queue.putSync(2, { timeout })
      await queue.putMany([3, 4, 5], { timeout })
      assert.equal(await queue.get({ timeout }), 1)
      assert.equal(queue.getSync({ timeout }), 2)
      assert.deepEqual(await queue.getMany(2, { timeout }), [3, 4])
    })

    test(`Queue: timeout ${timeout} on an empty queue rejects with TimeoutError and takes nothing that comes later`, async () => {
      const queue = await make.queue()
      await assert.rejects(queue.get({ timeout }), TimeoutError)
      await assert.rejects(queue.getMany(3, { timeout }), TimeoutError)
      assert.throws(() => queue.getSync({ timeout }), TimeoutError)
      await queue.put(1)
      assert.equal(queue.qsize(), 1)
      assert.equal(await queue.get({ timeout }), 1)
    })

    test(`Queue: timeout ${timeout} on a full queue rejects with TimeoutError and puts nothing, not even later`, async () => {
      const queue = await make.queue(1)
      await queue.put('first')
      await assert.rejects(queue.put('late', { timeout }), TimeoutError)
      await assert.rejects(queue.put(new Uint8Array(10_000), { timeout }), TimeoutError)
      assert.throws(() => queue.putSync('late', { timeout }), TimeoutError)
      await assert.rejects(queue.putMany(['late'], { timeout }), { code: 'ERR_MULTIPROC_TIMEOUT', done: 0 })
      assert.equal(await queue.get(), 'first')
      assert.equal(queue.qsize(), 0)
      await queue.put('next')
      assert.deepEqual(await queue.getMany(5), ['next'])
    })
  }

  test('Queue.putMany() that is late has put the items before, and says how many', async () => {
    const queue = await make.queue<number>(2)
    await assert.rejects(queue.putMany([1, 2, 3], { timeout: 10 }), { code: 'ERR_MULTIPROC_TIMEOUT', done: 2 })
    assert.deepEqual(await queue.getMany(5), [1, 2])
  })

  const why = { mine: true }
  test('Queue: a signal that was aborted before rejects with its reason itself, takes nothing and puts nothing', async () => {
    const queue = await make.queue(2)
    await queue.put('only')
    const signal = AbortSignal.abort(why)
    for (const use of [
      () => queue.get({ signal }),
      () => queue.get({ signal, timeout: 0 }),
      () => queue.getMany(2, { signal }),
      () => queue.put('not this', { signal }),
      () => queue.putMany(['nor this'], { signal }),
    ]) {
      await assert.rejects(use(), error => error === why)
    }
    assert.deepEqual(await queue.getMany(5), ['only'])
  })

  test('Queue: a signal aborted while it waits rejects with its reason itself, takes nothing and puts nothing', async () => {
    for (const use of ['get', 'getMany', 'put', 'putMany'] as const) {
      const queue = await make.queue(1)
      if (use.startsWith('put')) await queue.put('first')
      const controller = new AbortController()
      const { signal } = controller
      const pending =
        use === 'get'
          ? queue.get({ signal })
          : use === 'getMany'
            ? queue.getMany(2, { signal })
            : use === 'put'
              ? queue.put('not this', { signal, timeout: LIMIT })
              : queue.putMany(['not this'], { signal })
      setTimeout(() => controller.abort(why), 5)
      await assert.rejects(pending, error => error === why, use)
      if (use.startsWith('put')) assert.equal(await queue.get(), 'first')
      await queue.put('next')
      assert.deepEqual(await queue.getMany(5), ['next'])
    }
  })

  test('Queue: a signal aborted after the call was served changes nothing', async () => {
    const queue = await make.queue<number>()
    const controller = new AbortController()
    const first = queue.get({ signal: controller.signal })
    await queue.put(1)
    assert.equal(await first, 1)
    controller.abort()
    await queue.put(2)
    assert.equal(await queue.get(), 2)
  })

  test('Queue.get() aborted at the moment an item comes leaves it to the next that waits', async () => {
    const queue = await make.queue<number>()
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController()
      const first = queue.get({ signal: controller.signal })
      const second = queue.get()
      queue.putNowait(round)
      controller.abort(why)
      await assert.rejects(first, error => error === why)
      assert.equal(await second, round)
    }
  })

  test('Queue.put() aborted at the moment there is room leaves it to the next that waits', async () => {
    const queue = await make.queue<string>(1)
    for (let round = 0; round < 50; round++) {
      await queue.put('first')
      const controller = new AbortController()
      const aborted = queue.put('aborted', { signal: controller.signal })
      const second = queue.put('second')
      assert.equal(queue.getNowait(), 'first')
      controller.abort(why)
      await assert.rejects(aborted, error => error === why)
      await second
      assert.equal(queue.getNowait(), 'second')
      assert.equal(queue.empty(), true)
    }
  })

  for (const form of ['get', 'getSync', 'getMany'] as const) {
    test(`Queue.get() aborted at the moment an item comes leaves it to ${form} in another process`, async t => {
      const [queue, report] = [await make.queue<number>(), await make.queue<Outcome>()]
      const child = launch(t, make, callTimes, 6, queue, form, form === 'getMany' ? [3] : [], report)
      for (let round = 0; round < 6; round++) {
        const controller = new AbortController()
        const mine = queue.get({ signal: controller.signal })
        await rings(make, [child], () => {
          queue.putNowait(round)
          controller.abort(why)
        })
        await assert.rejects(mine, error => error === why)
        assert.deepEqual(await report.get(), { gave: form === 'getMany' ? [round] : round })
      }
      assert.equal(await ended(child), 0)
    })
  }

  for (const form of ['put', 'putSync', 'putMany'] as const) {
    test(`Queue.put() aborted at the moment there is room leaves it to ${form} in another process`, async t => {
      const [queue, report] = [await make.queue<string>(1), await make.queue<Outcome>()]
      for (let round = 0; round < 4; round++) {
        await queue.put('first')
        const child = launch(t, make, call, queue, form, form === 'putMany' ? [['its']] : ['its'], report)
        const controller = new AbortController()
        const mine = queue.put('mine', { signal: controller.signal })
        await rings(make, [child], () => {
          assert.equal(queue.getNowait(), 'first')
          controller.abort(why)
        })
        await assert.rejects(mine, error => error === why)
        assert.deepEqual(await report.get(), { gave: undefined })
        assert.equal(await queue.get({ timeout: LIMIT }), 'its')
        assert.equal(queue.empty(), true)
      }
    })
  }

  for (const form of ['get', 'getSync', 'getMany'] as const) {
    test(`Queue.${form}() is rung by a put of another process, in every form`, async t => {
      const [queue, report] = [await make.queue<number>(), await make.queue<Outcome>()]
      const child = launch(t, make, callTimes, 3, queue, form, form === 'getMany' ? [3] : [], report)
      for (const put of ['put', 'putSync', 'putNowait'] as const) {
        await rings(make, [child], () => void queue[put](7))
        assert.deepEqual(await report.get(), { gave: form === 'getMany' ? [7] : 7 })
      }
    })
  }

  for (const form of ['put', 'putSync', 'putMany'] as const) {
    test(`Queue.${form}() is rung by a get of another process, in every form`, async t => {
      const [queue, report] = [await make.queue(1), await make.queue<Outcome>()]
      for (const get of ['get', 'getSync', 'getNowait'] as const) {
        await queue.put('first')
        const child = launch(t, make, call, queue, form, form === 'putMany' ? [['second']] : ['second'], report)
        await rings(make, [child], () => void queue[get]())
        assert.deepEqual(await report.get(), { gave: undefined })
        assert.equal(queue.getSync({ timeout: LIMIT }), 'second')
      }
    })
  }
}
