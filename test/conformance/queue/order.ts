// In which order items come and waiters are served.
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { FullError } from 'multiproc'
import { consume, type Get, type Put, produce } from '../../fixtures/conformance-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'

export function order({ make, test }: Suite): void {
  const puts: Put[] = ['put', 'putSync', 'putMany', 'unawaited']
  for (const maxsize of [0, 3]) {
    test(`Queue (maxsize ${maxsize}): the items of each producer come in the order it put them, in every form`, async t => {
      const queue = await make.queue<[string, number]>(maxsize)
      const children = puts.map(how => launch(t, make, produce, queue, how, 200, how))
      const next: Record<string, number> = Object.fromEntries(puts.map(how => [how, 0]))
      for (let n = 0; n < 200 * puts.length; n++) {
        const [producer, number] = n % 3 === 0 ? queue.getSync({ timeout: LIMIT }) : await queue.get()
        assert.equal(number, next[producer]++)
      }
      assert.equal(queue.qsize(), 0)
      for (const child of children) assert.equal(await ended(child), 0)
    })
  }

  test('Queue: consumers in every form together get every item once', async t => {
    const [queue, report] = [await make.queue<[string, number]>(5), await make.queue()]
    const gets: Get[] = ['get', 'getSync', 'getMany', 'iterate']
    for (const how of gets) launch(t, make, consume, queue, report, how, how)
    const producers = (['put', 'putSync'] as const).map(how => launch(t, make, produce, queue, how, 300, how))
    for (const producer of producers) assert.equal(await ended(producer), 0)
    queue.shutdown()
    const seen = new Set<string>()
    for (let ends = 0; ends < gets.length; ) {
      const [, item] = await report.get()
      if (item === 'end') ends++
      else {
        assert.ok(!seen.has(item.join()), `${item} came twice`)
        seen.add(item.join())
      }
    }
    assert.equal(seen.size, 600)
  })

  for (const maxsize of [0, 1]) {
    test(`Queue (maxsize ${maxsize}): put(1), put(2), putSync(3) without await arrive in that order`, async t => {
      const [queue, report] = [await make.queue(maxsize), await make.queue()]
      launch(t, make, consume, queue, report, 'it', 'get')
      for (let round = 0; round < 30; round++) {
        const pending = [queue.put([round, 1]), queue.put([round, 2])]
        queue.putSync([round, 3], { timeout: LIMIT })
        await Promise.all(pending)
        for (let n = 1; n <= 3; n++) assert.deepEqual(await report.get(), ['it', [round, n]])
      }
    })
  }

  test('Queue.putNowait() behind a put() that waits goes in after it, and only when there is room for both', async () => {
    const queue = await make.queue<number>(2)
    await queue.putMany([1, 2])
    const waiting = queue.put(3)
    assert.equal(queue.getNowait(), 1)
    assert.throws(() => queue.putNowait(4), FullError)
    assert.equal(queue.getNowait(), 2)
    queue.putNowait(4)
    await waiting
    assert.deepEqual(await queue.getMany(5), [3, 4])
  })

  test('Queue.get(): those that await in one process are served in the order they came', async () => {
    const queue = await make.queue<number>()
    const waiting = [queue.get(), queue.getMany(2), queue.get({ timeout: LIMIT }), queue.get()]
    for (const n of [1, 2, 3, 4, 5]) queue.putNowait(n)
    assert.deepEqual(await Promise.all(waiting), [1, [2, 3], 4, 5])
  })

  test('Queue.getSync() behind a get() that waits: each gets an item, the first comer the first', async t => {
    const queue = await make.queue<[string, number]>()
    const first = queue.get()
    const producer = launch(t, make, produce, queue, 'it', 2, 'putSync')
    const second = queue.getSync({ timeout: LIMIT })
    assert.deepEqual(
      [await first, second],
      [
        ['it', 0],
        ['it', 1],
      ],
    )
    assert.equal(await ended(producer), 0)
  })

  test('Queue.get() with timeout 0 behind one that waits tries once too: with an item for each, both have one', async () => {
    for (const form of ['get', 'getSync'] as const) {
      const queue = await make.queue<number>()
      const first = queue.get()
      queue.putNowait(1)
      queue.putNowait(2)
      assert.equal(await queue[form]({ timeout: 0 }), 2)
      assert.equal(await first, 1)
    }
  })

  test('Queue: awaited and blocking calls on the same queue take turns as they like', async () => {
    const queue = await make.queue<number>(4)
    for (let n = 0; n < 100; n += 4) {
      await queue.put(n)
      queue.putSync(n + 1)
      queue.putNowait(n + 2)
      await queue.putMany([n + 3])
      assert.equal(queue.full(), true)
      assert.equal(queue.getSync(), n)
      assert.equal(await queue.get(), n + 1)
      assert.equal(queue.getNowait(), n + 2)
      assert.deepEqual(await queue.getMany(2), [n + 3])
    }
  })

  test('Queue.getMany() gives at least one and at most max, in order', async () => {
    const queue = await make.queue<number>()
    const waiting = queue.getMany(3)
    queue.putNowait(1)
    assert.deepEqual(await waiting, [1])
    await queue.putMany([2, 3, 4, 5])
    assert.deepEqual(await queue.getMany(3), [2, 3, 4])
    assert.deepEqual(await queue.getMany(3), [5])
    assert.equal(queue.qsize(), 0)
  })

  test('Queue.putMany() takes from its iterable as far as there is room, and no further', async () => {
    const queue = await make.queue<number>(2)
    let pulled = 0
    const numbers = (function* () {
      for (let n = 0; n < 5; n++) {
        pulled++
        yield n
      }
    })()
    const putting = queue.putMany(numbers)
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    assert.deepEqual([queue.qsize(), pulled], [2, 3]) // the third waits
    for (let n = 0; n < 5; n++) assert.equal(await queue.get(), n)
    await putting
    await queue.putMany([])
    await queue.putMany(new Set([7]))
    assert.equal(await queue.get(), 7)
  })

  test('Queue: a long loop of awaits that are served at once lets timers and sockets have their turn', async t => {
    const queue = await make.queue<number>()
    const [lock, event] = [await make.lock(), await make.event()]
    event.set()
    const server = createServer(socket => socket.end('hello'))
    t.after(() => server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    for (const use of [
      async () => {
        await queue.put(1)
        await queue.get()
      },
      async () => (await lock.acquire()).release(),
      () => event.wait(),
    ]) {
      let [timer, heard] = [false, false]
      setTimeout(() => (timer = true), 1)
      connect(port, '127.0.0.1').once('data', () => (heard = true))
      const end = performance.now() + LIMIT
      while (!(timer && heard)) {
        await use()
        assert.ok(performance.now() < end, `timer: ${timer}, socket: ${heard}`)
      }
    }
  })
}
