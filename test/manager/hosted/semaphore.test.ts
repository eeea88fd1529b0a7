// Semaphore and BoundedSemaphore of a manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, host, outcomes, raises } from './client.js'

for (const typeid of ['Semaphore', 'BoundedSemaphore']) {
  test(`${typeid} counts down to 0, refuses, and counts up again`, async () => {
    const [semaphore, a] = [host(typeid, [2]), new Client('a')]
    assert.equal(a.do(semaphore, 'get_value'), 2)
    assert.equal(a.do(semaphore, 'acquire'), true)
    assert.equal(a.do(semaphore, 'locked'), false)
    assert.equal(a.do(semaphore, 'acquire', true, 1), true)
    assert.equal(a.do(semaphore, 'locked'), true)
    assert.equal(a.do(semaphore, 'acquire', false), false)
    assert.equal(a.do(semaphore, 'acquire', true, 0), false)
    assert.equal(await a.ask(semaphore, 'acquire', [], { timeout: 0.002 }).answer, false)
    a.do(semaphore, 'release')
    assert.equal(a.do(semaphore, 'get_value'), 1)
    a.do(semaphore, 'release')
    assert.equal(a.do(semaphore, 'get_value'), 2)
  })

  test(`${typeid}: it has one permit when nothing is said, and refuses fewer than none`, () => {
    assert.equal(new Client('a').do(host(typeid), 'get_value'), 1)
    assert.throws(() => host(typeid, [-1]), raises('ValueError', 'semaphore initial value must be >= 0'))
    assert.throws(() => host(typeid, ['many']), raises('TypeError'))
  })

  test(`${typeid}.acquire() serves those who wait in the order they came`, async () => {
    const [semaphore, a, b] = [host(typeid, [2]), new Client('a'), new Client('b')]
    a.do(semaphore, 'acquire')
    a.do(semaphore, 'acquire')
    const waiting = [b.ask(semaphore, 'acquire'), b.ask(semaphore, 'acquire'), b.ask(semaphore, 'acquire')]
    a.do(semaphore, 'release', 2)
    assert.deepEqual(await outcomes(...waiting), [true, true, 'waiting'])
  })

  test(`${typeid}: permits of a caller that is gone are free for those who wait`, async () => {
    const [semaphore, a, b, c] = [host(typeid, [2]), new Client('a'), new Client('b'), new Client('c')]
    a.do(semaphore, 'acquire')
    a.do(semaphore, 'acquire')
    const waiting = [b.ask(semaphore, 'acquire'), c.ask(semaphore, 'acquire')]
    b.die()
    assert.deepEqual(await outcomes(...waiting), ['withdrawn', 'waiting'])
    a.die()
    assert.deepEqual(await outcomes(...waiting), ['withdrawn', true])
    assert.equal(c.do(semaphore, 'get_value'), 1)
  })

  test(`${typeid}: an acquire that is taken back before its answer arrives gives its permit back`, async () => {
    const [semaphore, a, b] = [host(typeid, [1]), new Client('a'), new Client('b')]
    const first = a.askSlowly(semaphore, 'acquire')
    const second = b.askSlowly(semaphore, 'acquire')
    first.withdraw()
    assert.deepEqual(await outcomes(second), [true])
    assert.equal(a.undos, 0)
    second.withdraw()
    assert.equal(a.do(semaphore, 'get_value'), 1)
    assert.equal(b.undos, 0)
  })

  test(`${typeid}: an acquire that is taken back and its caller gone gives one permit back, not two`, () => {
    const [semaphore, a, b] = [host(typeid, [2]), new Client('a'), new Client('b')]
    a.do(semaphore, 'acquire')
    a.askSlowly(semaphore, 'acquire')
    a.die()
    assert.equal(b.do(semaphore, 'get_value'), 2)
  })

  test(`${typeid}.release() refuses less than one`, () => {
    assert.throws(() => new Client('a').do(host(typeid), 'release', 0), raises('ValueError', 'n must be one or more'))
  })
}

test('Semaphore: when somebody releases what it does not hold, permits of the gone stay away from then on', () => {
  const [semaphore, a, b, c] = [host('Semaphore', [2]), new Client('a'), new Client('b'), new Client('c')]
  a.do(semaphore, 'acquire')
  b.do(semaphore, 'release')
  assert.equal(c.do(semaphore, 'get_value'), 2)
  a.die()
  assert.equal(c.do(semaphore, 'get_value'), 2)
  b.do(semaphore, 'acquire')
  b.die()
  assert.equal(c.do(semaphore, 'get_value'), 1)
})

test('Semaphore: an acquire that is taken back before its answer arrives comes back, also when permits are a signal', () => {
  const [semaphore, a, b] = [host('Semaphore', [0]), new Client('a'), new Client('b')]
  a.do(semaphore, 'release')
  const call = b.askSlowly(semaphore, 'acquire')
  assert.equal(a.do(semaphore, 'get_value'), 0)
  call.withdraw()
  assert.equal(a.do(semaphore, 'get_value'), 1)
})

test('Semaphore: `recover` true gives permits of the gone back always, false never', () => {
  const [always, never, a, b] = [
    host('Semaphore', [1], { recover: true }),
    host('Semaphore', [1], { recover: false }),
    new Client('a'),
    new Client('b'),
  ]
  for (const semaphore of [always, never]) {
    a.do(semaphore, 'acquire')
    b.do(semaphore, 'release')
    assert.equal(b.do(semaphore, 'get_value'), 1)
  }
  a.die()
  assert.equal(b.do(always, 'get_value'), 2)
  assert.equal(b.do(never, 'get_value'), 1)
  b.do(never, 'acquire')
  b.die()
  const unsignalled = host('Semaphore', [1], { recover: false })
  a.do(unsignalled, 'acquire')
  a.die()
  assert.equal(b.do(unsignalled, 'get_value'), 0)
})

test('BoundedSemaphore with `recover`: what is in the hand of another counts', () => {
  const [semaphore, a, b] = [host('BoundedSemaphore', [1, true]), new Client('a'), new Client('b')]
  a.do(semaphore, 'acquire')
  assert.throws(() => b.do(semaphore, 'release'), raises('ValueError', 'Semaphore released too many times'))
  a.do(semaphore, 'release')
  assert.equal(b.do(semaphore, 'get_value'), 1)
})

test('Semaphore: a permit that was given back before its acquire was taken back comes back once', () => {
  const [semaphore, a] = [host('Semaphore', [1]), new Client('a')]
  const call = a.askSlowly(semaphore, 'acquire')
  a.do(semaphore, 'release')
  call.withdraw()
  assert.equal(a.do(semaphore, 'get_value'), 1)
})

test('BoundedSemaphore.release() above its first value is refused, whoever holds what', () => {
  const [semaphore, a, b] = [host('BoundedSemaphore', [2]), new Client('a'), new Client('b')]
  const refused = raises('ValueError', 'Semaphore released too many times')
  assert.throws(() => a.do(semaphore, 'release'), refused)
  a.do(semaphore, 'acquire')
  assert.throws(() => a.do(semaphore, 'release', 2), refused)
  assert.equal(a.do(semaphore, 'get_value'), 1)
  b.do(semaphore, 'release')
  assert.throws(() => b.do(semaphore, 'release'), refused)
  assert.throws(() => a.do(semaphore, 'release'), refused)
  assert.equal(a.do(semaphore, 'get_value'), 2)
})
