// What every Lock promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { InvalidStateError, type Lock } from 'multiproc'
import { call, hold, type Outcome } from '../fixtures/conformance.ts'
import { countUnder, takeTurn } from '../fixtures/conformance-sync.ts'
import { exclusion } from './exclusion.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { asleep, ended, type Suite, suite } from './suite.ts'

export function lockSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Lock', make, except, [all => exclusion('Lock', () => all.make.lock(), false, all), own, fromCPython])
}

function own({ make, test }: Suite): void {
  test('Lock is not re-entrant: its holder waits like everybody', async () => {
    const lock = await make.lock()
    const held = await lock.acquire()
    assert.equal(lock.tryAcquire(), null)
    await assert.rejects(lock.acquire({ timeout: 5 }), { code: 'ERR_MULTIPROC_TIMEOUT' })
    assert.throws(() => lock.acquireSync({ timeout: 5 }), { code: 'ERR_MULTIPROC_TIMEOUT' })
    const next = lock.acquire()
    held.release()
    ;(await next).release()
    assert.equal(lock.locked(), false)
  })

  test('Lock.acquire(): those that wait in one process are served in the order they came', async () => {
    const lock = await make.lock()
    const held = await lock.acquire()
    const seen: number[] = []
    const waiting = [1, 2, 3, 4].map(n =>
      lock.with(async () => {
        seen.push(n)
        await new Promise(setImmediate)
        seen.push(-n)
      }),
    )
    held.release()
    await Promise.all(waiting)
    assert.deepEqual(seen, [1, -1, 2, -2, 3, -3, 4, -4])
  })

  test('Lock.acquire() aborted at the moment it is released leaves it to the next that waits', async () => {
    const lock = await make.lock()
    for (let round = 0; round < 50; round++) {
      const held = await lock.acquire()
      const controller = new AbortController()
      const aborted = lock.acquire({ signal: controller.signal })
      const second = lock.acquire()
      held.release()
      controller.abort('reason')
      await assert.rejects(aborted, error => error === 'reason')
      ;(await second).release()
    }
    assert.equal(lock.locked(), false)
  })

  test('Lock: asynchronous tasks of one process exclude each other, across awaits', async () => {
    const [lock, value, go] = [await make.lock(), await make.value('i', 0, { lock: false }), await make.event()]
    go.set()
    await Promise.all([1, 2, 3].map(() => countUnder(go, lock, value, 200, 'with')))
    assert.equal(value.value, 600)
  })

  test('Lock.release() by another process than the holder’s frees it, and the holder’s own release then takes nothing', async t => {
    const [lock, report] = [await make.lock(), await make.queue<Outcome>()]
    const held = await lock.acquire()
    launch(t, make, call, lock, 'release', [], report)
    assert.deepEqual(await report.get(), { gave: undefined })
    assert.equal(lock.locked(), false)
    const again = await lock.acquire()
    held.release()
    assert.equal(lock.holder, process.pid)
    again.release()
    assert.throws(() => lock.release(), InvalidStateError)
  })

  test('Lock.acquireSync() of its own holder goes on when another process releases it', async t => {
    const [lock, report] = [await make.lock(), await make.queue<Outcome>()]
    lock.acquireSync()
    launch(t, make, call, lock, 'release', [], report)
    assert.equal(lock.acquireSync({ timeout: LIMIT }).abandoned, false)
  })

  test('Lock: processes that wait for one that is taken and released for ever have their turn', async t => {
    const [lock, report] = [await make.lock(), await make.queue<string>()]
    const names = ['a', 'b', 'c']
    const held = await lock.acquire()
    const children = names.map(name => launch(t, make, takeTurn, lock, name, report))
    await asleep(make, ...children)
    held.release()
    const seen = new Set<string>()
    while (seen.size < names.length) {
      const mine = await lock.acquire({ timeout: LIMIT })
      mine.release()
      seen.add(await report.get({ timeout: LIMIT }))
    }
    for (const child of children) assert.equal(await ended(child), 0)
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, class TestLock, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  test('TestLock.test_repr_lock — the text form names the holder', async t => {
    const [lock, held] = [await make.lock(), await make.event()]
    assert.equal(inspect(lock), 'Lock { holder: null }')
    const mine = await lock.acquire()
    assert.equal(inspect(lock), `Lock { holder: ${process.pid} }`)
    mine.release()
    const child = launch(t, make, hold, lock as Lock, 'acquire', held)
    await held.wait({ timeout: LIMIT })
    assert.equal(inspect(lock), `Lock { holder: ${child.pid} }`)
    lock.close()
    assert.equal(inspect(lock), 'Lock { closed: true }')
  })

  test('TestLock.test_lock — acquired, locked, not acquired again, released, and released too often', async () => {
    const lock = await make.lock()
    assert.notEqual(lock.tryAcquire(), null)
    assert.equal(lock.locked(), true)
    assert.equal(lock.tryAcquire(), null)
    assert.equal(lock.release(), undefined)
    assert.equal(lock.locked(), false)
    assert.throws(() => lock.release(), InvalidStateError)
  })

  test('TestLock.test_lock_locked_2processes — one that a child took is locked here too', async t => {
    const [lock, held] = [await make.lock(), await make.event()]
    const child = launch(t, make, hold, lock as Lock, 'acquireSync', held)
    await held.wait({ timeout: LIMIT })
    assert.equal(lock.locked(), true)
    assert.equal(lock.holder, child.pid)
  })

  test('TestLock.test_lock_context — scoped use holds it', async () => {
    const lock = await make.lock()
    {
      using held = lock.acquireSync()
      assert.ok(held)
      assert.equal(lock.locked(), true)
    }
    assert.equal(lock.locked(), false)
  })
}
