// What every RLock promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { InvalidStateError, TimeoutError, Value } from 'multiproc'
import { call, hold, type Outcome } from '../fixtures/conformance.ts'
import { countUnder, holdTwice } from '../fixtures/conformance-sync.ts'
import { exclusion } from './exclusion.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { ended, killed, type Suite, suite } from './suite.ts'

export function rlockSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('RLock', make, except, [all => exclusion('RLock', () => all.make.rlock(), true, all), own, fromCPython])
}

function own({ make, test, death }: Suite): void {
  test('RLock is acquired again by its holder, in every form, and free when it was released as often', async t => {
    const lock = await make.rlock()
    const holds = [await lock.acquire(), lock.acquireSync(), lock.tryAcquire()!, await lock.acquire({ timeout: 0 })]
    const report = await make.queue<Outcome>()
    for (const held of holds) {
      assert.equal(held.abandoned, false)
      assert.equal(lock.locked(), true)
      held.release()
      held.release()
    }
    assert.equal(lock.locked(), false)
    launch(t, make, call, lock, 'tryAcquire', [], report)
    assert.deepEqual(await report.get(), { gave: { abandoned: false } })
  })

  test('RLock.acquireSync() for ever, while another task of the thread has it in with(), is refused: neither could go on', async () => {
    const lock = await make.rlock()
    const refused = { code: 'ERR_MULTIPROC_INVALID_STATE', message: /no other task of this thread/ }
    let leave = () => {}
    const other = lock.with(() => new Promise<void>(resolve => (leave = resolve)))
    await Promise.resolve()
    assert.throws(() => lock.acquireSync(), refused)
    assert.throws(() => lock.acquireSync({ timeout: Infinity }), refused)
    assert.throws(() => lock.acquireSync({ timeout: 1 }), TimeoutError)
    const counter = new Value('i', 1, { lock })
    assert.throws(() => counter.update(n => n + 1), refused)
    leave()
    await other
    assert.equal(
      counter.update(n => n + 1),
      2,
    )
  })

  test('RLock held twice in another process is free after the second release, not the first', async t => {
    const [lock, held, goOn, once] = [await make.rlock(), await make.event(), await make.event(), await make.event()]
    const child = launch(t, make, holdTwice, lock, held, goOn, once)
    await held.wait({ timeout: LIMIT })
    goOn.set()
    await once.wait({ timeout: LIMIT })
    assert.equal(lock.tryAcquire(), null)
    assert.equal(lock.holder, child.pid)
    goOn.set()
    const mine = await lock.acquire({ timeout: LIMIT })
    assert.equal(mine.abandoned, false)
    assert.equal(await ended(child), 0)
  })

  test('RLock.release() by who does not hold it throws, and it stays with its holder', async t => {
    const [lock, report] = [await make.rlock(), await make.queue<Outcome>()]
    const held = await lock.acquire()
    launch(t, make, call, lock, 'release', [], report)
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_INVALID_STATE' })
    assert.equal(lock.holder, process.pid)
    held.release()
    assert.throws(() => lock.release(), InvalidStateError)
    const event = await make.event()
    launch(t, make, hold, lock, 'acquire', event)
    await event.wait({ timeout: LIMIT })
    assert.throws(() => lock.release(), InvalidStateError)
    assert.equal(lock.locked(), true)
  })

  test('RLock.with(): calls nested in one another do not wait for themselves', async () => {
    const lock = await make.rlock()
    const depth = await lock.with(async () => {
      await new Promise(setImmediate)
      return await lock.with(async () => {
        using _again = await lock.acquire({ timeout: 0 })
        using _andAgain = lock.acquireSync({ timeout: 0 })
        await new Promise(setImmediate)
        return await lock.with(() => 3, { timeout: 0 })
      })
    })
    assert.equal(depth, 3)
    assert.equal(lock.locked(), false)
  })

  test('RLock.with(): tasks of one process that run at the same time exclude each other', async () => {
    const [lock, value, go] = [await make.rlock(), await make.value('i', 0, { lock: false }), await make.event()]
    go.set()
    await Promise.all([1, 2, 3].map(() => countUnder(go, lock, value, 200, 'with')))
    assert.equal(value.value, 600)
    assert.equal(lock.locked(), false)
  })

  test('RLock.with(): calls nested in one another do not wait behind another task that waits', async () => {
    const lock = await make.rlock()
    let inside = 0
    const task = () =>
      lock.with(async () => {
        assert.equal(++inside, 1)
        await new Promise(setImmediate)
        await lock.with(() => new Promise(setImmediate))
        assert.equal(inside--, 1)
      })
    await Promise.all([task(), task(), task()])
    assert.equal(lock.locked(), false)
  })

  test('RLock.with(): code outside it does not get in while it lasts, and does afterwards', async () => {
    const lock = await make.rlock()
    let leave = () => {}
    const inside = lock.with(() => new Promise<void>(resolve => (leave = resolve)))
    await new Promise(setImmediate)
    assert.equal(lock.tryAcquire(), null)
    await assert.rejects(lock.acquire({ timeout: 5 }), { code: 'ERR_MULTIPROC_TIMEOUT' })
    const waiting = lock.acquire()
    leave()
    await inside
    ;(await waiting).release()
    assert.equal(lock.locked(), false)
  })

  test('RLock.release() by a task outside the with() that holds it throws, and takes nothing', async () => {
    const lock = await make.rlock()
    let leave = () => {}
    const inside = lock.with(async () => {
      await new Promise<void>(resolve => (leave = resolve))
      const again = lock.acquireSync()
      lock.release()
      assert.equal(lock.locked(), true)
      again.release()
    })
    await new Promise(setImmediate)
    assert.throws(() => lock.release(), InvalidStateError)
    assert.equal(lock.locked(), true)
    leave()
    await inside
    assert.equal(lock.locked(), false)
  })

  test('RLock: bad options are refused also by who holds it already', async () => {
    const lock = await make.rlock()
    using _ = await lock.acquire()
    await assert.rejects(lock.acquire({ timeout: -1 }), RangeError)
    assert.throws(() => lock.acquireSync({ timeout: -1 }), RangeError)
    lock.release()
    assert.equal(lock.locked(), false)
  })

  test('RLock.with(): the two sides of a Promise.all inside it are both inside', async () => {
    const lock = await make.rlock()
    await lock.with(() => Promise.all([lock.with(() => {}, { timeout: 100 }), lock.with(() => {}, { timeout: 100 })]))
    assert.equal(lock.locked(), false)
  })

  test('RLock.with(): two locks in turn, nested either way round in one task after the other', async () => {
    const [a, b] = [await make.rlock(), await make.rlock()]
    const nest = (outer: typeof a, inner: typeof b) => outer.with(() => inner.with(() => outer.with(() => 'in')))
    assert.equal(await nest(a, b), 'in')
    assert.equal(await nest(b, a), 'in')
    assert.deepEqual([a.locked(), b.locked()], [false, false])
  })

  death('K1 RLock: its holder is killed holding it twice: the next one gets it whole, and is told', async t => {
    const [lock, held] = [await make.rlock(), await make.event()]
    const [goOn, once] = [await make.event(), await make.event()]
    const child = launch(t, make, holdTwice, lock, held, goOn, once)
    await held.wait({ timeout: LIMIT })
    await killed(make, child)
    const first = await lock.acquire({ timeout: LIMIT })
    assert.equal(first.abandoned, true)
    const second = await lock.acquire()
    assert.equal(second.abandoned, false)
    second.release()
    first.release()
    assert.equal(lock.locked(), false)
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, class TestLock, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  test('TestLock.test_repr_rlock — the text form names the holder and how often it holds', async () => {
    const lock = await make.rlock()
    assert.equal(inspect(lock), 'RLock { holder: null, depth: 0 }')
    lock.acquireSync()
    lock.acquireSync()
    assert.equal(inspect(lock), `RLock { holder: ${process.pid}, depth: 2 }`)
  })

  test('TestLock.test_rlock — three acquisitions need three releases; one more is an error', async () => {
    const lock = await make.rlock()
    for (let n = 0; n < 3; n++) {
      assert.notEqual(lock.tryAcquire(), null)
      assert.equal(lock.locked(), true)
    }
    for (let n = 0; n < 3; n++) {
      assert.equal(lock.locked(), true)
      lock.release()
    }
    assert.equal(lock.locked(), false)
    assert.throws(() => lock.release(), InvalidStateError)
  })

  test('TestLock.test_rlock_locked_2processes — one that a child took is locked here too', async t => {
    const [lock, held] = [await make.rlock(), await make.event()]
    const child = launch(t, make, hold, lock, 'acquireSync', held)
    await held.wait({ timeout: LIMIT })
    assert.equal(lock.locked(), true)
    assert.equal(lock.holder, child.pid)
  })

  test('TestLock.test_rlock_context — scoped use holds it', async () => {
    const lock = await make.rlock()
    {
      using held = lock.acquireSync()
      assert.ok(held)
      assert.equal(lock.locked(), true)
    }
    assert.equal(lock.locked(), false)
  })
}
