// Event and Barrier of a manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PyFloat } from '#src/pickle/py-float.js'
import { Client, host, outcomes, raises } from './client.js'

test('Event.wait() gives whether it is set, and waits until it is', async () => {
  const [event, a, b] = [host('Event'), new Client('a'), new Client('b')]
  assert.equal(a.do(event, 'is_set'), false)
  assert.equal(a.do(event, 'wait', 0), false)
  assert.equal(a.do(event, 'wait', new PyFloat(0)), false)
  assert.equal(await a.ask(event, 'wait', [0.002]).answer, false)
  const waiting = [a.ask(event, 'wait'), b.ask(event, 'wait', [], { timeout: 5 })]
  assert.deepEqual(await outcomes(...waiting), ['waiting', 'waiting'])
  assert.equal(b.do(event, 'set'), undefined)
  assert.deepEqual(await outcomes(...waiting), [true, true])
  assert.equal(a.do(event, 'wait', 0), true)
  a.do(event, 'clear')
  assert.equal(b.do(event, 'is_set'), false)
  assert.equal(b.do(event, 'wait', 0), false)
  assert.equal(event.type.repr(event.object), '<Event: unset>')
})

test('Event: set() is not held up by a caller that went while it waited', async () => {
  const [event, a, b] = [host('Event'), new Client('a'), new Client('b')]
  const waiting = [a.ask(event, 'wait'), b.ask(event, 'wait')]
  a.die()
  b.do(event, 'set')
  assert.deepEqual(await outcomes(...waiting), ['withdrawn', true])
})

test('Barrier.wait() gives each party a number, and all leave together', async () => {
  const [barrier, a] = [host('Barrier', [3]), new Client('a')]
  for (let phase = 0; phase < 3; phase++) {
    const two = [a.ask(barrier, 'wait'), a.ask(barrier, 'wait', [10])]
    assert.deepEqual(await outcomes(...two), ['waiting', 'waiting'])
    assert.equal(a.do(barrier, '__getattribute__', 'n_waiting'), 2)
    assert.equal(a.do(barrier, 'wait'), 2)
    assert.deepEqual(await outcomes(...two), [0, 1])
    assert.equal(a.do(barrier, '__getattribute__', 'n_waiting'), 0)
  }
  assert.equal(a.do(barrier, '__getattribute__', 'parties'), 3)
  assert.equal(a.do(barrier, '__getattribute__', 'broken'), false)
  assert.throws(() => a.do(barrier, '__getattribute__', '__class__'), raises('AttributeError'))
})

test('Barrier of one party never waits', () => {
  assert.equal(new Client('a').do(host('Barrier', [1]), 'wait', 0), 0)
})

test('Barrier refuses no parties, and an action', () => {
  assert.throws(() => host('Barrier', [0]), raises('ValueError', 'parties must be > 0'))
  assert.throws(() => host('Barrier', [2, 'print']), raises('TypeError'))
  assert.throws(
    () => host('Barrier'),
    raises('TypeError', "Barrier() missing 1 required positional argument: 'parties'"),
  )
})

test('Barrier.abort() sends everybody off, and it stays broken until reset()', async () => {
  const [barrier, a, b] = [host('Barrier', [3]), new Client('a'), new Client('b')]
  const waiting = [a.ask(barrier, 'wait'), a.ask(barrier, 'wait')]
  b.do(barrier, 'abort')
  assert.deepEqual(await outcomes(...waiting), ['BrokenBarrierError', 'BrokenBarrierError'])
  assert.equal(b.do(barrier, '__getattribute__', 'broken'), true)
  assert.equal(barrier.type.repr(barrier.object), '<Barrier: broken>')
  assert.throws(() => b.do(barrier, 'wait'), raises('BrokenBarrierError'))
  b.do(barrier, 'reset')
  const again = [a.ask(barrier, 'wait'), a.ask(barrier, 'wait'), b.ask(barrier, 'wait')]
  assert.deepEqual(await outcomes(...again), [0, 1, 2])
})

test('Barrier.reset() sends off those who wait, and it works again', async () => {
  const [barrier, a] = [host('Barrier', [2]), new Client('a')]
  const waiting = a.ask(barrier, 'wait')
  a.do(barrier, 'reset')
  assert.deepEqual(await outcomes(waiting), ['BrokenBarrierError'])
  assert.equal(a.do(barrier, '__getattribute__', 'broken'), false)
  const again = a.ask(barrier, 'wait')
  assert.equal(a.do(barrier, 'wait'), 1)
  assert.deepEqual(await outcomes(again), [0])
})

for (const [how, barrier, args] of [
  ['a timeout', host('Barrier', [3]), [0.002]],
  ["the barrier's own timeout", host('Barrier', [3], { timeout: 0.002 }), []],
  ['a timeout of 0', host('Barrier', [3]), [0]],
] as const) {
  test(`Barrier: ${how} breaks it for all`, async () => {
    const a = new Client('a')
    const waiting = a.ask(barrier, 'wait', [60])
    const late = a.ask(barrier, 'wait', [...args])
    await assert.rejects(late.answer, raises('BrokenBarrierError'))
    assert.deepEqual(await outcomes(waiting), ['BrokenBarrierError'])
    assert.equal(a.do(barrier, '__getattribute__', 'broken'), true)
  })
}

for (const [how, end] of [
  ['a party that waits and is gone', (client: Client) => client.die()],
  ['a party that takes its call back', (client: Client) => [...client.underWay][0].withdraw()],
] as const) {
  test(`Barrier: ${how} breaks it for the others`, async () => {
    const [barrier, a, b] = [host('Barrier', [3]), new Client('a'), new Client('b')]
    const waiting = [a.ask(barrier, 'wait'), b.ask(barrier, 'wait')]
    end(a)
    assert.deepEqual(await outcomes(...waiting), ['withdrawn', 'BrokenBarrierError'])
    assert.equal(b.do(barrier, '__getattribute__', 'broken'), true)
  })
}
