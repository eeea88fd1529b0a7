// Queue and JoinableQueue of a manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, type Hosted, host, outcomes, raises } from './client.js'

const shutDown = raises('ShutDownError')
const isEmpty = raises('EmptyError')
const isFull = raises('FullError')

function put(queue: Hosted, ...items: unknown[]): void {
  const client = new Client('producer')
  for (const item of items) client.do(queue, 'put', item)
}

function drained(queue: Hosted): unknown[] {
  const client = new Client('drain')
  const items: unknown[] = []
  while (!client.do(queue, 'empty')) items.push(client.do(queue, 'get'))
  return items
}

for (const typeid of ['Queue', 'JoinableQueue']) {
  test(`${typeid}: all call forms of put fill it, then those that do not wait fail at once, and timed ones after their time`, async () => {
    const [queue, a] = [host(typeid, [6]), new Client('a')]
    a.do(queue, 'put', 1)
    await a.ask(queue, 'put', [2, true, null]).answer
    await a.ask(queue, 'put', [3, true]).answer
    await a.ask(queue, 'put', [], { item: 4, block: false }).answer
    await a.ask(queue, 'put', [5], { timeout: 1 }).answer
    a.do(queue, 'put_nowait', 6)
    assert.equal(a.do(queue, 'full'), true)
    assert.equal(a.do(queue, 'qsize'), 6)
    assert.throws(() => a.do(queue, 'put', 7, false), isFull)
    assert.throws(() => a.do(queue, 'put', 7, false, 5), isFull)
    assert.throws(() => a.do(queue, 'put', 7, true, 0), isFull)
    assert.throws(() => a.do(queue, 'put_nowait', 7), isFull)
    await assert.rejects(a.ask(queue, 'put', [7], { timeout: 0.002 }).answer, isFull)
    assert.throws(
      () => a.do(queue, 'put', 7, true, -1),
      raises('ValueError', "'timeout' must be a non-negative number"),
    )
    assert.deepEqual(drained(queue), [1, 2, 3, 4, 5, 6])
  })

  test(`${typeid}: all call forms of get give the items in order, then fail at once or after their time`, async () => {
    const [queue, a] = [host(typeid), new Client('a')]
    put(queue, 1, 2, 3, 4, 5, 6)
    assert.equal(a.do(queue, 'get', true, null), 1)
    assert.equal(a.do(queue, 'get'), 2)
    assert.equal(await a.ask(queue, 'get', [], { timeout: 1 }).answer, 3)
    assert.equal(a.do(queue, 'get', false), 4)
    assert.equal(a.do(queue, 'get_nowait'), 5)
    assert.equal(await a.ask(queue, 'get', [true], { timeout: 1 }).answer, 6)
    assert.equal(a.do(queue, 'empty'), true)
    assert.throws(() => a.do(queue, 'get', false), isEmpty)
    assert.throws(() => a.do(queue, 'get', true, 0), isEmpty)
    assert.throws(() => a.do(queue, 'get_nowait'), isEmpty)
    await assert.rejects(a.ask(queue, 'get', [], { timeout: 0.002 }).answer, isEmpty)
  })

  test(`${typeid}: those who wait are served in the order they came`, async () => {
    const [queue, a] = [host(typeid, [1]), new Client('a')]
    const gets = [a.ask(queue, 'get'), a.ask(queue, 'get')]
    const puts = [1, 2, 3, 4, 5].map(item => a.ask(queue, 'put', [item]))
    assert.deepEqual(await outcomes(...gets), [1, 2])
    assert.deepEqual(await outcomes(...puts), [undefined, undefined, undefined, 'waiting', 'waiting'])
    assert.equal(a.do(queue, 'get'), 3)
    assert.deepEqual(await outcomes(...puts.slice(3)), [undefined, 'waiting'])
    assert.deepEqual(drained(queue), [4, 5])
  })

  test(`${typeid}: a caller that is gone in get() takes nothing: the next one is given the item`, async () => {
    const [queue, a, b] = [host(typeid), new Client('a'), new Client('b')]
    const gets = [a.ask(queue, 'get'), b.ask(queue, 'get')]
    a.die()
    put(queue, 'A')
    assert.deepEqual(await outcomes(...gets), ['withdrawn', 'A'])
  })

  test(`${typeid}: an item whose answer never arrives goes back where it stood`, async () => {
    const [queue, a, b] = [host(typeid), new Client('a'), new Client('b')]
    put(queue, 1, 2, 3, 4)
    const calls = [a.askSlowly(queue, 'get'), a.askSlowly(queue, 'get'), b.askSlowly(queue, 'get')]
    assert.deepEqual(await outcomes(...calls), [1, 2, 3])
    calls[1].withdraw()
    assert.equal(b.do(queue, 'qsize'), 2)
    calls[2].withdraw()
    calls[0].withdraw()
    assert.deepEqual(drained(queue), [1, 2, 3, 4])
  })

  test(`${typeid}: an item whose answer never arrives goes to one who waits`, async () => {
    const [queue, a, b] = [host(typeid), new Client('a'), new Client('b')]
    const first = a.askSlowly(queue, 'get')
    const second = b.ask(queue, 'get')
    put(queue, 'A')
    assert.deepEqual(await outcomes(first, second), ['A', 'waiting'])
    a.die()
    assert.deepEqual(await outcomes(second), ['A'])
  })

  test(`${typeid}: an item that goes back to a full queue is above its size, and puts wait for both`, async () => {
    const [queue, a] = [host(typeid, [1]), new Client('a')]
    put(queue, 1)
    const get = a.askSlowly(queue, 'get')
    put(queue, 2)
    const waiting = a.ask(queue, 'put', [3])
    get.withdraw()
    assert.equal(a.do(queue, 'qsize'), 2)
    assert.equal(a.do(queue, 'get'), 1)
    assert.deepEqual(await outcomes(waiting), ['waiting'])
    assert.deepEqual(drained(queue), [2, 3])
  })

  test(`${typeid}: a put that is taken back while it waits puts nothing`, async () => {
    const [queue, a, b] = [host(typeid, [1]), new Client('a'), new Client('b')]
    put(queue, 1)
    const puts = [a.ask(queue, 'put', [2]), b.ask(queue, 'put', [3])]
    a.die()
    assert.deepEqual(drained(queue), [1, 3])
    assert.deepEqual(await outcomes(...puts), ['withdrawn', undefined])
  })

  test(`${typeid}.getMany() takes what is there, waits for the first, and gives all back when its answer never arrives`, async () => {
    const [queue, a, b] = [host(typeid, [3]), new Client('a'), new Client('b')]
    put(queue, 1, 2, 3)
    const waiting = b.ask(queue, 'put', [4])
    const call = a.askSlowly(queue, 'getMany', [2])
    assert.deepEqual(await outcomes(call, waiting), [[1, 2], undefined])
    call.withdraw()
    assert.deepEqual(a.do(queue, 'getMany', 10), [1, 2, 3, 4])
    const later = a.ask(queue, 'getMany', [10])
    put(queue, 5)
    assert.deepEqual(await outcomes(later), [[5]])
    assert.throws(() => a.do(queue, 'getMany', 10, false), isEmpty)
    assert.throws(() => a.do(queue, 'getMany', 0), raises('ValueError'))
  })

  test(`${typeid}.shutdown(): no more puts, gets take what is there, then both fail`, async () => {
    const [queue, a] = [host(typeid, [1]), new Client('a')]
    put(queue, 1)
    const waiting = a.ask(queue, 'put', [2])
    a.do(queue, 'shutdown')
    assert.deepEqual(await outcomes(waiting), ['ShutDownError'])
    assert.throws(() => a.do(queue, 'put', 2), shutDown)
    assert.throws(() => a.do(queue, 'put_nowait', 2), shutDown)
    assert.equal(a.do(queue, 'get'), 1)
    assert.throws(() => a.do(queue, 'get'), shutDown)
    assert.throws(() => a.do(queue, 'get_nowait'), shutDown)
  })

  test(`${typeid}.shutdown() ends those who wait for an item`, async () => {
    const [queue, a] = [host(typeid), new Client('a')]
    const waiting = [a.ask(queue, 'get'), a.ask(queue, 'getMany', [2])]
    a.do(queue, 'shutdown')
    assert.deepEqual(await outcomes(...waiting), ['ShutDownError', 'ShutDownError'])
  })

  test(`${typeid}.shutdown(immediate) drops what is queued, also what comes back later`, async () => {
    const [queue, a, b] = [host(typeid), new Client('a'), new Client('b')]
    put(queue, 1, 2, 3)
    const get = a.askSlowly(queue, 'get')
    const join = b.ask(queue, 'join')
    await b.ask(queue, 'shutdown', [], { immediate: true }).answer
    assert.equal(b.do(queue, 'qsize'), 0)
    assert.throws(() => b.do(queue, 'get'), shutDown)
    assert.deepEqual(await outcomes(join), ['waiting'])
    get.withdraw()
    assert.equal(b.do(queue, 'qsize'), 0)
    assert.deepEqual(await outcomes(join), [undefined])
  })

  test(`${typeid}.join() waits until all is done, and task_done() is not called too often`, async () => {
    const [queue, a, b] = [host(typeid), new Client('a'), new Client('b')]
    assert.equal(a.do(queue, 'join'), undefined)
    put(queue, 1, 2)
    const join = a.ask(queue, 'join')
    b.do(queue, 'get')
    b.do(queue, 'task_done')
    assert.equal(await a.ask(queue, 'joinFor', [0.002]).answer, false)
    b.do(queue, 'get')
    assert.deepEqual(await outcomes(join), ['waiting'])
    b.do(queue, 'task_done')
    assert.deepEqual(await outcomes(join), [undefined])
    assert.equal(a.do(queue, 'joinFor', 0), true)
    assert.throws(() => b.do(queue, 'task_done'), raises('ValueError', 'task_done() called too many times'))
  })

  test(`${typeid}.join() counts a put that had to wait`, async () => {
    const [queue, a] = [host(typeid, [1]), new Client('a')]
    put(queue, 1)
    a.ask(queue, 'put', [2])
    a.do(queue, 'get')
    a.do(queue, 'task_done')
    const join = a.ask(queue, 'join')
    assert.deepEqual(await outcomes(join), ['waiting'])
    a.do(queue, 'get')
    a.do(queue, 'task_done')
    assert.deepEqual(await outcomes(join), [undefined])
  })

  test(`${typeid} without a size never makes a put wait`, () => {
    for (const maxsize of [0, -1]) {
      const [queue, a] = [host(typeid, [], { maxsize }), new Client('a')]
      for (let i = 0; i < 2500; i++) a.do(queue, 'put', i)
      assert.equal(a.do(queue, 'full'), false)
      assert.equal(a.do(queue, 'maxsize'), 0)
      assert.deepEqual(drained(queue), [...Array(2500).keys()])
    }
    assert.throws(() => host(typeid, ['many']), raises('TypeError'))
  })
}

test('Queue: what a caller took is gone with it', () => {
  const [queue, a] = [host('Queue'), new Client('a')]
  put(queue, 1, 2)
  a.do(queue, 'get')
  a.die()
  assert.deepEqual(drained(queue), [2])
})

test('JoinableQueue: what a caller took and had not marked done is delivered again, in the old order, before newer items', async () => {
  const [queue, a, b] = [host('JoinableQueue'), new Client('a'), new Client('b')]
  put(queue, 1, 2, 3, 4)
  for (let i = 0; i < 3; i++) a.do(queue, 'get')
  a.do(queue, 'task_done')
  const join = b.ask(queue, 'join')
  a.die()
  for (const item of [2, 3, 4]) {
    assert.deepEqual(await outcomes(join), ['waiting'])
    assert.equal(b.do(queue, 'get'), item)
    b.do(queue, 'task_done')
  }
  assert.deepEqual(await outcomes(join), [undefined])
})

test('JoinableQueue: what comes back is given to those who wait, in order', async () => {
  const [queue, a, b, c] = [host('JoinableQueue'), new Client('a'), new Client('b'), new Client('c')]
  put(queue, 1, 2)
  a.do(queue, 'get')
  a.do(queue, 'get')
  const gets = [b.ask(queue, 'get'), c.ask(queue, 'get'), c.ask(queue, 'get')]
  a.die()
  assert.deepEqual(await outcomes(...gets), [1, 2, 'waiting'])
})

test('JoinableQueue: an item that was delivered maxDeliveries times is a dead letter, and counts as done', async () => {
  const [queue, b] = [host('JoinableQueue', [], { maxDeliveries: 2 }), new Client('b')]
  put(queue, 'poison', 'good')
  const join = b.ask(queue, 'join')
  for (let i = 0; i < 2; i++) {
    const victim = new Client('victim')
    assert.equal(victim.do(queue, 'get'), 'poison')
    assert.deepEqual(b.do(queue, 'deadLetters'), [])
    victim.die()
  }
  assert.equal(b.do(queue, 'get'), 'good')
  assert.deepEqual(await outcomes(join), ['waiting'])
  b.do(queue, 'task_done')
  assert.deepEqual(await outcomes(join), [undefined])
  assert.deepEqual(b.do(queue, 'deadLetters'), ['poison'])
  assert.deepEqual(b.do(queue, 'deadLetters', true), ['poison'])
  assert.deepEqual(b.do(queue, 'deadLetters'), [])
  assert.throws(() => host('JoinableQueue', [0, 0]), raises('ValueError'))
})

test('JoinableQueue: a delivery whose answer never arrives does not count', () => {
  const [queue, b] = [host('JoinableQueue', [0, 1]), new Client('b')]
  put(queue, 1)
  for (let i = 0; i < 3; i++) {
    const victim = new Client('victim')
    victim.askSlowly(queue, 'get')
    victim.die()
  }
  assert.deepEqual(b.do(queue, 'deadLetters'), [])
  assert.deepEqual(b.do(queue, 'lease', false), [1, 1, 0])
})

test('JoinableQueue.task_done() marks the oldest of the caller, or else the oldest of all', async () => {
  const [queue, a, b, c] = [host('JoinableQueue'), new Client('a'), new Client('b'), new Client('c')]
  put(queue, 1, 2, 3)
  a.do(queue, 'get')
  b.do(queue, 'get')
  a.do(queue, 'get')
  b.do(queue, 'task_done') // 2
  c.do(queue, 'task_done') // 1
  a.die()
  b.die()
  assert.deepEqual(drained(queue), [3])
  const another = host('JoinableQueue')
  put(another, 1, 2)
  a.do(another, 'get')
  b.do(another, 'get')
  b.do(another, 'task_done') // 2
  a.die()
  assert.deepEqual(drained(another), [1])
})

test('JoinableQueue.task_done() is refused while all that is not done is queued', () => {
  const [queue, a] = [host('JoinableQueue'), new Client('a')]
  put(queue, 1)
  assert.throws(() => a.do(queue, 'task_done'), raises('ValueError'))
})

test('JoinableQueue.lease() gives the item, how often it was delivered, and a number for done()', async () => {
  const [queue, a, b] = [host('JoinableQueue'), new Client('a'), new Client('b')]
  put(queue, 'x', 'y')
  new Client('victim').do(queue, 'get')
  const victim = new Client('victim')
  victim.do(queue, 'get')
  victim.die()
  const [item, deliveries, sequence] = a.do(queue, 'lease') as unknown[]
  assert.deepEqual([item, deliveries], ['y', 2])
  assert.equal(b.do(queue, 'done', sequence), false, "it is not b's")
  assert.equal(a.do(queue, 'done', sequence), true)
  assert.equal(a.do(queue, 'done', sequence), false)
  a.die()
  assert.deepEqual(drained(queue), [])
  const waiting = b.ask(queue, 'lease', [true, 5])
  put(queue, 'z')
  assert.deepEqual((await outcomes(waiting))[0], ['z', 1, 2])
})

test('JoinableQueue: after shutdown() what comes back is still given; with immediate it is done when its holder is gone', async () => {
  for (const immediate of [false, true]) {
    const [queue, a, b] = [host('JoinableQueue'), new Client('a'), new Client('b')]
    put(queue, 1)
    a.do(queue, 'get')
    b.do(queue, 'shutdown', immediate)
    const join = b.ask(queue, 'join')
    assert.deepEqual(await outcomes(join), ['waiting'])
    a.die()
    assert.deepEqual(drained(queue), immediate ? [] : [1])
    assert.deepEqual(await outcomes(join), [immediate ? undefined : 'waiting'])
  }
})

test('JoinableQueue: nobody is asked to tell of the end of one who has nothing in hand', () => {
  const [queue, a] = [host('JoinableQueue'), new Client('a')]
  put(queue, 1, 2)
  a.do(queue, 'get')
  a.do(queue, 'get')
  assert.equal(a.undos, 1)
  a.do(queue, 'task_done')
  a.do(queue, 'task_done')
  assert.equal(a.undos, 0)
})

test('JoinableQueue: a caller may have very many items in hand; they are marked done, and come back, one as quickly as few', () => {
  const many = 200_000
  const [queue, a, b] = [host('JoinableQueue'), new Client('a'), new Client('b')]
  for (let i = 0; i < many; i++) a.do(queue, 'put', i)
  a.do(queue, 'getMany', many)
  a.do(queue, 'task_done')
  b.do(queue, 'task_done')
  a.die()
  assert.equal(b.do(queue, 'qsize'), many - 2)
  assert.deepEqual(b.do(queue, 'getMany', 2), [2, 3])
})

test('JoinableQueue: what never arrived of a large getMany() goes back to where it stood', () => {
  const [queue, a, b] = [host('JoinableQueue'), new Client('a'), new Client('b')]
  for (let i = 0; i < 50_003; i++) a.do(queue, 'put', i)
  b.do(queue, 'get')
  const lost = a.askSlowly(queue, 'getMany', [50_000])
  b.do(queue, 'get')
  lost.withdraw()
  assert.deepEqual(b.do(queue, 'getMany', 50_003), [...Array.from({ length: 50_000 }, (_, i) => i + 1), 50_002])
})
