// Condition of a manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, type Hosted, host, outcomes, raises, settled } from './client.js'

/** Has each acquire the lock and wait. */
function sleepers(condition: Hosted, ...clients: Client[]) {
  return clients.map(client => {
    client.do(condition, 'acquire')
    return client.ask(condition, 'wait')
  })
}

test('Condition.notify() wakes one, who has the lock again when it is answered', async () => {
  const [condition, a, b, c] = [host('Condition'), new Client('a', 1), new Client('b', 2), new Client('c', 3)]
  const calls = sleepers(condition, a, b)
  assert.equal(c.do(condition, 'locked'), false, 'who waits has given it up')
  c.do(condition, 'acquire')
  c.do(condition, 'notify')
  assert.deepEqual(await outcomes(...calls), ['waiting', 'waiting'], 'the lock is not free yet')
  c.do(condition, 'release')
  assert.deepEqual(await outcomes(...calls), [true, 'waiting'])
  assert.equal(c.do(condition, 'holder'), 1)
  a.do(condition, 'notify')
  a.do(condition, 'release')
  assert.deepEqual(await outcomes(...calls), [true, true])
})

test('Condition.notify() with n wakes so many, notify_all() the rest, one more does nothing', async () => {
  const condition = host('Condition')
  const clients = Array.from({ length: 6 }, (_, i) => new Client(`c${i}`))
  const calls = sleepers(condition, ...clients)
  const other = new Client('other')
  const notify = async (method: string, ...args: unknown[]) => {
    other.do(condition, 'acquire')
    other.do(condition, method, ...args)
    other.do(condition, 'release')
    for (const client of clients) {
      await settled()
      if (calls[clients.indexOf(client)].outcome !== 'waiting' && !released.has(client)) {
        released.add(client)
        client.do(condition, 'release')
      }
    }
    return released.size
  }
  const released = new Set<Client>()
  assert.equal(await notify('notify', 2), 2)
  assert.equal(await notify('notify', 0), 2)
  assert.equal(await notify('notify'), 3)
  assert.equal(await notify('notify_all'), 6)
  assert.equal(await notify('notify', 3), 6)
})

test('Condition: notify() and wait() are refused to who does not have the lock', () => {
  const [condition, a, b] = [host('Condition'), new Client('a'), new Client('b')]
  b.do(condition, 'acquire')
  assert.throws(() => a.do(condition, 'notify'), raises('RuntimeError', 'cannot notify on un-acquired lock'))
  assert.throws(() => a.do(condition, 'notify_all'), raises('RuntimeError', 'cannot notify on un-acquired lock'))
  assert.throws(() => a.do(condition, 'wait'), raises('RuntimeError', 'cannot wait on un-acquired lock'))
})

for (const timeout of [0, 0.002]) {
  test(`Condition.wait(${timeout}) gives false when nobody notifies, and has the lock again`, async () => {
    const [condition, a, b] = [host('Condition'), new Client('a', 1), new Client('b', 2)]
    a.do(condition, 'acquire')
    const other = b.ask(condition, 'acquire')
    const call = a.ask(condition, 'wait', [timeout])
    assert.deepEqual(await outcomes(other), [true])
    if (timeout > 0) await a.ask(host('Event'), 'wait', [0.01]).answer
    assert.deepEqual(await outcomes(call), ['waiting'], 'another has it')
    b.do(condition, 'release')
    assert.equal(await call.answer, false)
    assert.equal(b.do(condition, 'holder'), 1)
  })
}

test('Condition.wait() gives up all levels of the lock, and has them all again', async () => {
  const [condition, a, b] = [host('Condition'), new Client('a', 1), new Client('b')]
  for (let i = 0; i < 3; i++) a.do(condition, 'acquire')
  const call = a.ask(condition, 'wait')
  b.do(condition, 'acquire')
  b.do(condition, 'notify')
  b.do(condition, 'release')
  assert.deepEqual(await outcomes(call), [true])
  for (let i = 0; i < 3; i++) {
    assert.equal(b.do(condition, 'holder'), 1)
    a.do(condition, 'release')
  }
  assert.equal(b.do(condition, 'locked'), false)
})

for (const typeid of ['Lock', 'RLock']) {
  test(`Condition on a ${typeid} of the manager's: both are the same lock`, () => {
    const [lock, a, b] = [host(typeid), new Client('a'), new Client('b')]
    const condition = host('Condition', [lock.object])
    a.do(lock, 'acquire')
    assert.equal(b.do(condition, 'locked'), true)
    assert.equal(b.do(condition, 'acquire', false), false)
    a.ask(condition, 'wait')
    assert.equal(b.do(lock, 'acquire', false), true)
    assert.equal(a.do(lock, 'acquire', false), false)
  })
}

test('Condition on anything else is refused', () => {
  assert.throws(() => host('Condition', [5]), raises('TypeError'))
})

test('Condition: a caller that is gone while it sleeps vanishes; it is not notified in the place of another', async () => {
  const [condition, a, b, c] = [host('Condition'), new Client('a'), new Client('b'), new Client('c')]
  const calls = sleepers(condition, a, b)
  a.die()
  c.do(condition, 'acquire')
  c.do(condition, 'notify')
  c.do(condition, 'release')
  assert.deepEqual(await outcomes(...calls), ['withdrawn', true])
})

test('Condition: a notification given to one who is gone before it had the lock goes to the next', async () => {
  const [condition, a, b, c] = [host('Condition'), new Client('a'), new Client('b'), new Client('c')]
  const calls = sleepers(condition, a, b)
  c.do(condition, 'acquire')
  c.do(condition, 'notify')
  a.die()
  c.do(condition, 'release')
  assert.deepEqual(await outcomes(...calls), ['withdrawn', true])
})

test('Condition: a notification whose answer never arrives goes to the next, and so does the lock', async () => {
  const [condition, a, b, c] = [host('Condition'), new Client('a'), new Client('b', 2), new Client('c')]
  a.do(condition, 'acquire')
  const first = a.askSlowly(condition, 'wait')
  const [second] = sleepers(condition, b)
  c.do(condition, 'acquire')
  c.do(condition, 'notify')
  c.do(condition, 'release')
  assert.deepEqual(await outcomes(first, second), [true, 'waiting'])
  a.die()
  assert.deepEqual(await outcomes(second), [true])
  assert.equal(c.do(condition, 'holder'), 2)
})

test('Condition: one whose time is over takes no notification with it', async () => {
  const [condition, a, b, c] = [host('Condition'), new Client('a'), new Client('b'), new Client('c')]
  a.do(condition, 'acquire')
  const first = a.ask(condition, 'wait', [0.002])
  const [second] = sleepers(condition, b)
  assert.equal(await first.answer, false)
  a.do(condition, 'notify')
  a.do(condition, 'release')
  assert.deepEqual(await outcomes(second), [true])
  assert.equal(c.do(condition, 'locked'), true)
})

test('Condition: the holder that is gone leaves the lock to one who was notified', async () => {
  const [condition, a, b] = [host('Condition'), new Client('a', 1), new Client('b')]
  const [call] = sleepers(condition, a)
  b.do(condition, 'acquire')
  b.do(condition, 'notify')
  b.die()
  assert.deepEqual(await outcomes(call), [true])
  assert.equal(a.do(condition, 'holder'), 1)
})

for (const when of ['while it sleeps', 'while it stands in line for the lock', 'before the answer arrives']) {
  test(`Condition.reacquire(): a wait taken back ${when} can have the lock again as it had it`, async () => {
    const [condition, a, b] = [host('Condition'), new Client('a', 1), new Client('b', 2)]
    a.do(condition, 'acquire')
    a.do(condition, 'acquire')
    const call = a.askSlowly(condition, 'wait')
    b.do(condition, 'acquire')
    if (when !== 'while it sleeps') b.do(condition, 'notify')
    if (when === 'before the answer arrives') {
      b.do(condition, 'release')
      assert.deepEqual(await outcomes(call), [true])
      call.withdraw()
      assert.equal(b.do(condition, 'locked'), false)
      b.do(condition, 'acquire')
    } else call.withdraw()
    const again = a.ask(condition, 'reacquire')
    assert.deepEqual(await outcomes(again), ['waiting'])
    b.do(condition, 'release')
    assert.deepEqual(await outcomes(again), [undefined])
    a.do(condition, 'release')
    assert.equal(b.do(condition, 'holder'), 1)
    a.do(condition, 'release')
    assert.equal(b.do(condition, 'locked'), false)
    assert.throws(() => a.do(condition, 'reacquire'), raises('RuntimeError'))
  })
}
