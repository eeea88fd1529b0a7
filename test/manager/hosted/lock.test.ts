// Lock and RLock of a manager: whose they are, and what becomes of them when a call is taken back or a caller goes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, host, outcomes, raises, settled } from './client.js'

for (const typeid of ['Lock', 'RLock', 'Condition']) {
  test(`${typeid}.acquire() gives true, false when another has it, and locked() says so`, async () => {
    const [lock, a, b] = [host(typeid), new Client('a', 11), new Client('b')]
    assert.equal(a.do(lock, 'locked'), false)
    assert.equal(a.do(lock, 'holder'), null)
    assert.equal(a.do(lock, 'acquire'), true)
    assert.equal(b.do(lock, 'locked'), true)
    assert.equal(b.do(lock, 'holder'), 11)
    assert.equal(b.do(lock, 'acquire', false), false)
    assert.equal(b.do(lock, 'acquire', true, 0), false)
    assert.equal(await b.ask(lock, 'acquire', [], { timeout: 0.002 }).answer, false)
    a.do(lock, 'release')
    assert.equal(b.do(lock, 'acquire', true, -1), true)
  })

  test(`${typeid}.acquire() serves those who wait in the order they came`, async () => {
    const [lock, a, b, c] = [host(typeid), new Client('a'), new Client('b'), new Client('c')]
    a.do(lock, 'acquire')
    const [second, third] = [b.ask(lock, 'acquire', [true, 1]), c.ask(lock, 'acquire', [true, null])]
    assert.deepEqual(await outcomes(second, third), ['waiting', 'waiting'])
    a.do(lock, 'release')
    assert.equal(a.do(lock, 'acquire', false), false, 'it has gone on from hand to hand')
    assert.deepEqual(await outcomes(second, third), [true, 'waiting'])
    b.do(lock, 'release')
    assert.deepEqual(await outcomes(third), [true])
    c.do(lock, 'release')
    assert.equal(c.do(lock, 'locked'), false)
  })

  test(`${typeid}: what nobody holds cannot be released`, () => {
    const [lock, a] = [host(typeid), new Client('a')]
    const text = typeid === 'Lock' ? 'release unlocked lock' : 'cannot release un-acquired lock'
    assert.throws(() => a.do(lock, 'release'), raises('RuntimeError', text))
    a.do(lock, 'acquire')
    a.do(lock, 'release')
    assert.throws(() => a.do(lock, 'release'), raises('RuntimeError', text))
  })

  test(`${typeid}.acquire() refuses a timeout that makes no sense`, () => {
    const [lock, a] = [host(typeid), new Client('a')]
    const acquire =
      (...args: unknown[]) =>
      () =>
        a.do(lock, 'acquire', ...args)
    assert.throws(acquire(false, 1), raises('ValueError', "can't specify a timeout for a non-blocking call"))
    assert.throws(acquire(true, -2), raises('ValueError', 'timeout value must be a non-negative number'))
    assert.throws(acquire(true, 1e10), raises('OverflowError', 'timeout value is too large'))
    assert.throws(acquire(true, Number.NaN), raises('ValueError'))
    assert.throws(acquire(true, 'soon'), raises('TypeError'))
    assert.equal(a.do(lock, 'locked'), false)
  })

  test(`${typeid}: a caller that is gone gives it to the next, who is told that it was abandoned`, async () => {
    const [lock, a, b, c] = [host(typeid), new Client('a'), new Client('b'), new Client('c')]
    a.do(lock, 'acquire')
    const [second, third] = [b.ask(lock, 'hold'), c.ask(lock, 'hold')]
    a.die()
    assert.deepEqual(await outcomes(second, third), ['abandoned', 'waiting'])
    b.do(lock, 'release')
    assert.deepEqual(await outcomes(third), [true])
    c.die()
    assert.equal(b.do(lock, 'locked'), false)
    assert.equal(b.do(lock, 'hold', false), 'abandoned')
  })

  test(`${typeid}: a caller that is gone while it waits takes nothing`, async () => {
    const [lock, a, b, c] = [host(typeid), new Client('a'), new Client('b'), new Client('c')]
    a.do(lock, 'acquire')
    const [second, third] = [b.ask(lock, 'acquire'), c.ask(lock, 'hold')]
    b.die()
    a.do(lock, 'release')
    assert.deepEqual(await outcomes(second, third), ['withdrawn', true])
  })

  test(`${typeid}: an acquire that is taken back while it waits takes nothing`, async () => {
    const [lock, a, b] = [host(typeid), new Client('a'), new Client('b')]
    a.do(lock, 'acquire')
    const second = b.ask(lock, 'acquire', [true, 60])
    second.withdraw()
    a.do(lock, 'release')
    await settled()
    assert.equal(a.do(lock, 'locked'), false)
    assert.equal(b.undos, 0)
  })

  test(`${typeid}: an acquire that is taken back before its answer arrives gives it to the next`, async () => {
    const [lock, a, b, c] = [host(typeid), new Client('a'), new Client('b'), new Client('c')]
    const first = a.askSlowly(lock, 'acquire')
    const [second, third] = [b.askSlowly(lock, 'acquire'), c.ask(lock, 'hold')]
    first.withdraw()
    assert.deepEqual(await outcomes(second, third), [true, 'waiting'])
    second.withdraw()
    assert.deepEqual(await outcomes(third), [true])
  })

  test(`${typeid}: that it was abandoned is not lost on one who never hears of it`, async () => {
    const [lock, a, b, c] = [host(typeid), new Client('a'), new Client('b'), new Client('c')]
    a.do(lock, 'acquire')
    const [second, third] = [b.askSlowly(lock, 'hold'), c.ask(lock, 'hold')]
    a.die()
    second.withdraw()
    assert.deepEqual(await outcomes(third), ['abandoned'])
  })

  test(`${typeid}: nobody is asked to tell of the end of one who holds it no more`, () => {
    const [lock, a] = [host(typeid), new Client('a')]
    a.do(lock, 'acquire')
    assert.equal(a.undos, 1)
    a.do(lock, 'release')
    assert.equal(a.undos, 0)
  })
}

test('Lock.release() may be called by anybody, as in Python', async () => {
  const [lock, a, b, c] = [host('Lock'), new Client('a'), new Client('b'), new Client('c')]
  const first = a.askSlowly(lock, 'acquire')
  b.do(lock, 'release')
  b.do(lock, 'acquire')
  const third = c.ask(lock, 'hold')
  first.withdraw()
  a.die()
  assert.deepEqual(await outcomes(third), ['waiting'], 'what b holds is not given back for a')
  c.do(lock, 'release')
  assert.deepEqual(await outcomes(third), [true])
})

test('Lock.acquire() is not re-entrant', async () => {
  const [lock, a] = [host('Lock'), new Client('a')]
  a.do(lock, 'acquire')
  const again = a.ask(lock, 'acquire')
  assert.deepEqual(await outcomes(again), ['waiting'])
  a.die()
  assert.equal(a.do(lock, 'locked'), false)
})

test('RLock: three acquires need three releases, one more is an error', async () => {
  const [lock, a, b] = [host('RLock'), new Client('a'), new Client('b')]
  for (let i = 0; i < 3; i++) assert.equal(a.do(lock, 'acquire'), true)
  const other = b.ask(lock, 'acquire')
  for (let i = 0; i < 3; i++) {
    assert.equal(a.do(lock, 'locked'), true)
    assert.deepEqual(await outcomes(other), ['waiting'])
    a.do(lock, 'release')
  }
  assert.throws(() => a.do(lock, 'release'), raises('RuntimeError', 'cannot release un-acquired lock'))
  assert.deepEqual(await outcomes(other), [true])
})

test('RLock.release() is refused to anybody but the holder', () => {
  const [lock, a, b] = [host('RLock'), new Client('a'), new Client('b')]
  a.do(lock, 'acquire')
  assert.throws(() => b.do(lock, 'release'), raises('RuntimeError', 'cannot release un-acquired lock'))
  assert.equal(b.do(lock, 'locked'), true)
})

test('RLock: an inner acquire that is taken back leaves the outer one, and only the outermost is told of the abandoned', () => {
  const [lock, a, b] = [host('RLock'), new Client('a'), new Client('b')]
  b.do(lock, 'acquire')
  b.die()
  assert.equal(a.do(lock, 'hold'), 'abandoned')
  assert.equal(a.do(lock, 'hold'), true)
  a.do(lock, 'release')
  const inner = a.askSlowly(lock, 'acquire')
  inner.withdraw()
  assert.equal(a.do(lock, 'locked'), true)
  a.do(lock, 'release')
  assert.equal(a.do(lock, 'locked'), false)
})

test('RLock: a caller that is gone gives back all levels at once', async () => {
  const [lock, a, b] = [host('RLock'), new Client('a'), new Client('b')]
  a.do(lock, 'acquire')
  a.do(lock, 'acquire')
  const other = b.ask(lock, 'hold')
  a.die()
  assert.deepEqual(await outcomes(other), ['abandoned'])
})

test('the text form of a lock says who holds it', () => {
  const [lock, a] = [host('RLock'), new Client('client 7')]
  assert.equal(lock.type.repr(lock.object), '<unlocked RLock>')
  a.do(lock, 'acquire')
  assert.equal(lock.type.repr(lock.object), '<locked RLock held by client 7>')
})
