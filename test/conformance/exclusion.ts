// What Lock, RLock and Condition have in common: one holder at a time, whoever waits is served, and the dead hold nothing.
import assert from 'node:assert/strict'
import { ClosedError, type Event, InvalidStateError, type Lock, TimeoutError } from 'multiproc'
import { call, callAndStay, hold, type Outcome, waitIn } from '../fixtures/conformance.ts'
import { countUnder, dieHolding, endHolding } from '../fixtures/conformance-sync.ts'
import { LIMIT, launch } from './implementation.ts'
import { badWaits, refused } from './refused.ts'
import { asleep, ended, killed, rings, type Suite } from './suite.ts'

/** `name` says what `newLock` makes. `reentrant`: its holder may take it again. */
export function exclusion(
  name: string,
  newLock: () => Lock | Promise<Lock>,
  reentrant: boolean,
  { make, test, death }: Suite,
): void {
  const why = { mine: true }

  /** A lock that a child holds, and the child. */
  async function heldByChild(t: Parameters<typeof launch>[0], how: 'acquire' | 'acquireSync' | 'with' = 'acquireSync') {
    const [lock, held] = [await newLock(), await make.event()]
    const holder = launch(t, make, hold, lock, how, held)
    await held.wait({ timeout: LIMIT })
    return { lock, holder }
  }

  test(`${name}: free, held and free again, by every form`, async () => {
    const lock = await newLock()
    for (const take of [
      () => lock.acquire(),
      () => lock.acquire({ timeout: 0 }),
      () => lock.acquireSync(),
      () => lock.acquireSync({ timeout: 0 }),
      () => lock.tryAcquire()!,
    ]) {
      assert.deepEqual([lock.locked(), lock.holder], [false, null])
      const held = await take()
      assert.equal(held.abandoned, false)
      assert.deepEqual([lock.locked(), lock.holder], [true, process.pid])
      held.release()
    }
    assert.equal(lock.locked(), false)
  })

  test(`${name}: the release of a hold counts once; of another’s it takes nothing`, async () => {
    const lock = await newLock()
    const first = await lock.acquire()
    first.release()
    first.release()
    const second = await lock.acquire()
    first.release()
    first[Symbol.dispose]()
    assert.equal(lock.locked(), true)
    second[Symbol.dispose]()
    assert.equal(lock.locked(), false)
  })

  test(`${name}: a hold that was ended by release() of the lock takes nothing any more`, async () => {
    const lock = await newLock()
    const first = await lock.acquire()
    lock.release()
    assert.equal(lock.locked(), false)
    first.release()
    const second = await lock.acquire()
    first.release()
    assert.equal(lock.locked(), true)
    second.release()
    assert.equal(lock.locked(), false)
  })

  test(`${name}.release() when nobody holds it throws`, async () => {
    const lock = await newLock()
    assert.throws(() => lock.release(), InvalidStateError)
    lock.acquireSync()
    lock.release()
    assert.throws(() => lock.release(), InvalidStateError)
    assert.equal(lock.tryAcquire()?.abandoned, false)
  })

  test(`${name}: using gives it back at the end of the scope, also when that throws`, async () => {
    const lock = await newLock()
    {
      using held = await lock.acquire()
      assert.equal(held.abandoned, false)
      assert.equal(lock.locked(), true)
    }
    assert.equal(lock.locked(), false)
    await assert.rejects(async () => {
      using _ = lock.acquireSync()
      throw why
    })
    assert.equal(lock.locked(), false)
  })

  test(`${name}.with() gives what its function gives, and releases however it ends`, async () => {
    const lock = await newLock()
    assert.equal(await lock.with(() => lock.locked()), true)
    assert.equal(await lock.with(async () => 'later'), 'later')
    assert.equal(lock.locked(), false)
    await assert.rejects(
      lock.with(() => {
        throw why
      }),
      error => error === why,
    )
    await assert.rejects(
      lock.with(() => Promise.reject(why)),
      error => error === why,
    )
    assert.equal(lock.locked(), false)
    await assert.rejects(lock.with('no function' as any), TypeError)
    assert.equal(lock.locked(), false)
  })

  for (const timeout of [0, 20]) {
    test(`${name}.acquire() of one that another process holds: timeout ${timeout} rejects and takes nothing`, async t => {
      const { lock, holder } = await heldByChild(t)
      assert.deepEqual([lock.locked(), lock.holder], [true, holder.pid])
      await assert.rejects(lock.acquire({ timeout }), TimeoutError)
      assert.throws(() => lock.acquireSync({ timeout }), TimeoutError)
      await assert.rejects(
        lock.with(() => assert.fail('it ran'), { timeout }),
        TimeoutError,
      )
      assert.equal(lock.tryAcquire(), null)
      assert.equal(lock.holder, holder.pid)
    })
  }

  test(`${name}.acquire() with a signal aborted before or while it waits rejects with the reason itself`, async t => {
    const { lock, holder } = await heldByChild(t)
    await assert.rejects(lock.acquire({ signal: AbortSignal.abort(why) }), error => error === why)
    const controller = new AbortController()
    const waiting = [lock.acquire({ signal: controller.signal }), lock.with(() => {}, { signal: controller.signal })]
    setTimeout(() => controller.abort(why), 5)
    for (const one of waiting) await assert.rejects(one as Promise<unknown>, error => error === why)
    assert.equal(lock.holder, holder.pid)
    const free = await newLock()
    await assert.rejects(free.acquire({ signal: AbortSignal.abort(why) }), error => error === why)
    assert.equal(free.locked(), false)
  })

  test(`${name}.acquire() aborted at the moment it is released leaves it to one that waits in another process`, async t => {
    for (const form of ['acquire', 'acquireSync'] as const) {
      const [lock, report] = [await newLock(), await make.queue<Outcome>()]
      const held = await lock.acquire()
      const child = launch(t, make, callAndStay, lock, form, [], report)
      const controller = new AbortController()
      // its own holder may take it again at once: then the child is alone
      const mine = !reentrant ? lock.acquire({ signal: controller.signal }) : undefined
      await rings(make, [child], () => {
        held.release()
        controller.abort(why)
      })
      if (mine) await assert.rejects(mine, error => error === why)
      assert.deepEqual(await report.get(), { gave: { abandoned: false } })
      assert.equal(lock.holder, child.pid)
    }
  })

  for (const [how, other] of [
    ['acquire', 'acquireSync'],
    ['tryAcquire', 'with'],
  ] as const) {
    test(`${name}: what four processes change, two under ${how} and two under ${other}, is changed by one at a time`, async t => {
      const [lock, value] = [await newLock(), await make.value('i', 0, { lock: false })]
      const go = await make.event()
      const children = [how, how, other, other].map(one => launch(t, make, countUnder, go, lock, value, 500, one))
      await asleep(make, ...children)
      go.set()
      for (const child of children) assert.equal(await ended(child), 0)
      assert.equal(value.value, 2000)
      assert.equal(lock.locked(), false)
    })
  }

  test(`${name}: bad arguments are refused at the call, and nothing is acquired`, async () => {
    const lock = await newLock()
    for (const [options, kind] of badWaits) {
      await assert.rejects(lock.acquire(options), refused(kind))
      await assert.rejects(
        lock.with(() => assert.fail('it ran'), options),
        refused(kind),
      )
      assert.throws(() => lock.acquireSync(options), refused(kind))
    }
    await assert.rejects(lock.acquire({ signal: 'now' } as any), TypeError)
    assert.throws(() => lock.acquireSync({ signal: AbortSignal.abort() } as any), TypeError)
    assert.equal(lock.locked(), false)
  })

  test(`${name}.close(): everything throws ClosedError at once, and what waits is rejected`, async t => {
    const { lock } = await heldByChild(t)
    const waiting = [lock.acquire(), lock.with(() => {})]
    lock.close()
    lock.close()
    for (const one of waiting) await assert.rejects(one as Promise<unknown>, ClosedError)
    await assert.rejects(lock.acquire(), ClosedError)
    await assert.rejects(
      lock.with(() => {}),
      ClosedError,
    )
    for (const use of [
      () => lock.acquireSync(),
      () => lock.tryAcquire(),
      () => lock.release(),
      () => lock.locked(),
      () => lock.holder,
      () => lock.abandoned,
    ]) {
      assert.throws(use, ClosedError)
    }
  })

  test(`${name}.close() in one process does not disturb another`, async t => {
    const [lock, held, goOn] = [await newLock(), await make.event(), await make.event()]
    const report = await make.queue<Outcome>()
    const holder = launch(t, make, dieHolding, lock, held, goOn)
    await held.wait({ timeout: LIMIT })
    const other = launch(t, make, call, lock, 'acquire', [], report)
    await asleep(make, other)
    lock.close()
    goOn.set()
    assert.deepEqual(await report.get(), { gave: { abandoned: true } })
    await ended(holder)
  })

  for (const [how, next] of [
    ['acquire', 'acquireSync'],
    ['acquireSync', 'tryAcquire'],
    ['with', 'acquire'],
  ] as const) {
    death(
      `K1 ${name}: its holder, by ${how}, is killed: the next one, by ${next}, gets it and is told, the one after is not`,
      async t => {
        const { lock, holder } = await heldByChild(t, how)
        await killed(make, holder)
        assert.deepEqual([lock.locked(), lock.holder], [false, null])
        const held = next === 'tryAcquire' ? lock.tryAcquire()! : await lock[next]({ timeout: LIMIT })
        assert.deepEqual([held.abandoned, lock.abandoned], [true, true])
        assert.equal(lock.holder, process.pid)
        held.release()
        assert.equal(lock.abandoned, false)
        const after = await lock.acquire({ timeout: LIMIT })
        assert.deepEqual([after.abandoned, lock.abandoned], [false, false])
        after.release()
      },
    )
  }

  death(`K1 ${name}.with() on one whose holder was killed can tell by the lock`, async t => {
    const { lock, holder } = await heldByChild(t)
    await killed(make, holder)
    assert.equal(lock.abandoned, false) // nobody holds it
    assert.equal(await lock.with(() => lock.abandoned), true)
    assert.equal(await lock.with(() => lock.abandoned), false)
  })

  death(`K1 ${name}.acquire() that waits here when the holder is killed gets it and is told`, async t => {
    const { lock, holder } = await heldByChild(t)
    const waiting = lock.acquire()
    holder.kill()
    const held = await waiting
    assert.equal(held.abandoned, true)
    held.release()
    assert.equal(await ended(holder), -9)
  })

  death(`K1 ${name}.acquireSync() that blocks here when the holder is killed gets it and is told`, async t => {
    const [lock, held, goOn] = [await newLock(), await make.event(), await make.event()]
    const holder = launch(t, make, dieHolding, lock, held, goOn)
    await held.wait({ timeout: LIMIT })
    goOn.set()
    const mine = lock.acquireSync({ timeout: LIMIT })
    assert.equal(mine.abandoned, true)
    mine.release()
    assert.equal(await ended(holder), make.deathCode)
  })

  for (const form of ['acquire', 'acquireSync'] as const) {
    death(
      `K1 ${name}.${form}() that waits in another process when the holder is killed gets it and is told`,
      async t => {
        const { lock, holder } = await heldByChild(t)
        const report = await make.queue<Outcome>()
        const other = launch(t, make, callAndStay, lock, form, [], report)
        await asleep(make, other)
        await killed(make, holder)
        assert.deepEqual(await report.get(), { gave: { abandoned: true } })
        assert.equal(lock.holder, other.pid)
        await killed(make, other)
        assert.equal(lock.acquireSync({ timeout: LIMIT }).abandoned, true)
        lock.release()
      },
    )

    death(`${name}.${form}() whose process is killed while it waits leaves nothing: the next one gets it`, async t => {
      const [lock, report] = [await newLock(), await make.queue<Outcome>()]
      const held = await lock.acquire()
      const victim = launch(t, make, waitIn, lock, form)
      const other = launch(t, make, callAndStay, lock, form, [], report)
      await asleep(make, victim, other)
      await killed(make, victim)
      held.release()
      assert.deepEqual(await report.get(), { gave: { abandoned: false } })
      await killed(make, other)
    })
  }

  death(`${name}: a process that ends in peace without a release leaves it abandoned too`, async t => {
    const lock = await newLock()
    assert.equal(await ended(launch(t, make, endHolding, lock)), 0)
    const held = await lock.acquire({ timeout: LIMIT })
    assert.equal(held.abandoned, true)
    held.release()
  })

  death(`${name}: killed holder after killed holder, each next one is told`, async t => {
    const lock = await newLock()
    for (let round = 0; round < 3; round++) {
      const held: Event = await make.event()
      const holder = launch(t, make, hold, lock, 'acquire', held)
      await held.wait({ timeout: LIMIT })
      await killed(make, holder)
    }
    assert.equal(lock.tryAcquire()?.abandoned, true)
    lock.release()
  })
}
