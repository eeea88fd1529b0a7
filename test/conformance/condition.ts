// What every Condition promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { ClosedError, type Condition, type Event, InvalidStateError, MultiprocError, TimeoutError } from 'multiproc'
import { call, type Outcome } from '../fixtures/conformance.ts'
import {
  countInTurn,
  notify,
  type Told,
  waitAndTell,
  waitDeep,
  waitInWhatComes,
  waitWithin,
} from '../fixtures/conformance-condition.ts'
import { until } from '../support/children.ts'
import { conditionDeaths } from './condition-deaths.ts'
import { exclusion } from './exclusion.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { asleep, ended, rings, type Suite, suite } from './suite.ts'

const waits = ['wait', 'waitSync'] as const
const waitsFor = ['waitFor', 'waitForSync'] as const
const OUTCOME: Outcome = { gave: undefined }

export function conditionSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Condition', make, except, [
    all => exclusion('Condition', () => all.make.condition(), true, all),
    all => exclusion('Condition on a Lock', async () => all.make.condition(await all.make.lock()), false, all),
    waiting,
    predicates,
    order,
    locks,
    misuse,
    conditionDeaths,
    fromCPython,
  ])
}

/** Resolves when so many wait in it. */
export async function waiters(make: Implementation, condition: Condition, count: number): Promise<void> {
  await until(() => make.waitersOf(condition) === count, LIMIT, `${count} to wait in the condition`)
}

const turn = () => new Promise(setImmediate)

function waiting({ make, test }: Suite): void {
  for (const how of waits) {
    test(`Condition.${how}() gives the lock up while it sleeps, and holds it again when it resolves`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const child = launch(t, make, waitAndTell, condition, how, report)
      await waiters(make, condition, 1)
      const held = await condition.acquire({ timeout: LIMIT })
      assert.equal(held.abandoned, false)
      await rings(make, [child], () => condition.notify())
      assert.equal(report.empty(), true)
      held.release()
      assert.deepEqual(await report.get(), { name: '', outcome: OUTCOME, holds: true, abandoned: [false, false] })
      assert.equal(await ended(child), 0)
      assert.equal(condition.locked(), false)
    })

    test(`Condition.${how}() gives up all of a lock acquired three times, and has it three times again`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const child = launch(t, make, waitDeep, condition, how, report)
      await waiters(make, condition, 1)
      await condition.with(() => condition.notify(), { timeout: LIMIT })
      assert.deepEqual((await report.get()).holds, true)
      assert.equal(await ended(child), 0)
      assert.equal((await condition.acquire({ timeout: LIMIT })).abandoned, false)
    })

    test(`Condition.${how}() within with()`, async t => {
      const [condition, report] = [await make.condition(), await make.queue<Told>()]
      const child = launch(t, make, waitWithin, condition, how, report)
      await waiters(make, condition, 1)
      await condition.with(() => condition.notify(), { timeout: LIMIT })
      assert.deepEqual(await report.get(), { name: '', outcome: OUTCOME, holds: true, abandoned: [false] })
      assert.equal(await ended(child), 0)
      assert.equal(condition.locked(), false)
    })

    for (const timeout of [0, 20]) {
      test(`Condition.${how}() timed out after ${timeout} ms holds the lock again, and takes no notification`, async () => {
        for (const lock of [undefined, await make.lock()]) {
          const condition = await make.condition(lock)
          const held = await condition.acquire()
          await assert.rejects(async () => condition[how]({ timeout }), TimeoutError)
          assert.equal(condition.holder, process.pid)
          assert.equal(make.waitersOf(condition), 0)
          held.release()
          assert.equal(condition.locked(), false)
        }
      })
    }
  }

  test('Condition.wait() with a signal aborted before does nothing; while it waits: the reason, holding the lock', async () => {
    const [condition, why] = [await make.condition(), { mine: true }]
    using _ = await condition.acquire()
    await assert.rejects(condition.wait({ signal: AbortSignal.abort(why) }), error => error === why)
    assert.equal(condition.holder, process.pid)
    const controller = new AbortController()
    const aborted = condition.wait({ signal: controller.signal })
    assert.equal(condition.locked(), false)
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(aborted, error => error === why)
    assert.equal(condition.holder, process.pid)
    assert.equal(make.waitersOf(condition), 0)
  })

  test('Condition.wait() with a signal aborted before does not give the lock up, not even for a moment', async () => {
    const condition = await make.condition(await make.lock())
    const held = await condition.acquire()
    let given = false
    const other = condition.acquire().then(one => {
      given = true
      one.release()
    })
    await assert.rejects(condition.wait({ signal: AbortSignal.abort('why') }), error => error === 'why')
    assert.equal(given, false)
    held.release()
    await other
  })

  test('Condition: thousands of waits, one after the other, take no more memory than one', async () => {
    const condition = await make.condition()
    const before = make.memoryUsed()
    for (let n = 0; n < 3000; n++) {
      const waiting = condition.with(() => condition.wait())
      await turn()
      await condition.with(() => condition.notify())
      await waiting
    }
    assert.ok(make.memoryUsed() <= before + make.memoryStep, `${make.memoryUsed()} bytes, ${before} before`)
  })

  test('Condition.wait() timed out while another holds the lock rejects when it is free, and not before', async () => {
    const condition = await make.condition(await make.lock())
    const mine = await condition.acquire()
    let late = false
    const waiting = condition.wait({ timeout: 1 }).catch(error => {
      late = true
      assert.ok(error instanceof TimeoutError)
    })
    const other = await condition.acquire()
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(late, false)
    other.release()
    await waiting
    assert.equal(condition.holder, process.pid)
    mine.release()
    assert.equal(condition.locked(), false)
  })

  test('Condition.wait() within with(): other tasks of the process come in while it sleeps, and none afterwards', async () => {
    const condition = await make.condition()
    const seen: string[] = []
    const first = condition.with(async () => {
      await condition.with(() => condition.wait())
      seen.push('woken')
      await turn()
      await condition.with(turn)
      seen.push('done')
    })
    await condition.with(async () => {
      seen.push('in')
      condition.notify()
      await turn()
      seen.push('out')
    })
    const third = condition.with(() => seen.push('third'))
    await Promise.all([first, third])
    assert.deepEqual(seen, ['in', 'out', 'woken', 'done', 'third'])
    assert.equal(condition.locked(), false)
  })

  test('Condition.wait(): a hold that is released while it waits is not taken back', async () => {
    for (const lock of [undefined, await make.lock()]) {
      const condition = await make.condition(lock)
      const held = await condition.acquire()
      const waiting = condition.wait()
      held.release()
      await condition.with(() => condition.notify())
      await waiting
      assert.equal(condition.locked(), false)
    }
  })

  test('Condition.waitSync() goes on with a notification meant for a wait() of its own process, which goes on with its', async t => {
    const condition = await make.condition()
    const woken: string[] = []
    const tasks = ['a', 'b'].map(name => condition.with(() => condition.wait().then(() => woken.push(name))))
    await waiters(make, condition, 2)
    const child = launch(t, make, notify, condition, 1)
    using _ = condition.acquireSync({ timeout: LIMIT })
    condition.waitSync({ timeout: LIMIT })
    woken.push('blocking')
    assert.equal(make.waitersOf(condition), 2)
    condition.notify(2)
    _.release()
    await Promise.all(tasks)
    assert.deepEqual(woken, ['blocking', 'a', 'b'])
    assert.equal(await ended(child), 0)
  })

  test('Condition: many waits in one process, more than fit at first, each notified once and in order', async () => {
    const condition = await make.condition()
    const woken: number[] = []
    const count = 400
    const tasks = Array.from({ length: count }, (_, n) =>
      condition.with(async () => {
        await condition.wait()
        woken.push(n)
      }),
    )
    await waiters(make, condition, count)
    await condition.with(() => condition.notify(150))
    await until(
      () => woken.length === 150,
      LIMIT,
      () => `150 to wake, not ${woken.length}`,
    )
    assert.equal(make.waitersOf(condition), count - 150)
    await condition.with(() => condition.notifyAll())
    await Promise.all(tasks)
    assert.deepEqual(
      woken,
      Array.from({ length: count }, (_, n) => n),
    )
    assert.equal(make.waitersOf(condition), 0)
  })
}

function predicates({ make, test }: Suite): void {
  for (const how of waitsFor) {
    test(`Condition.${how}() asks at once, holding the lock, and does not wait when it is so`, async () => {
      const condition = await make.condition()
      using _ = await condition.acquire()
      const asked: unknown[] = []
      await condition[how](() => asked.push(condition.holder) === 1, { timeout: 0 })
      assert.deepEqual(asked, [process.pid])
    })

    test(`Condition.${how}(): not in time rejects, having asked once more, holding the lock`, async () => {
      const condition = await make.condition()
      using _ = await condition.acquire()
      for (const [timeout, times] of [
        [0, 1],
        [10, 2],
      ]) {
        let asked = 0
        await assert.rejects(async () => condition[how](() => ++asked < 0, { timeout }), TimeoutError)
        assert.equal(asked, times)
        assert.equal(condition.holder, process.pid)
      }
      let asked = 0
      await condition[how](() => ++asked === 2, { timeout: 10 })
    })

    test(`Condition.${how}(): what the predicate throws is what it rejects with, holding the lock`, async () => {
      const [condition, why] = [await make.condition(), { mine: true }]
      using _ = await condition.acquire()
      const broken = () => {
        throw why
      }
      await assert.rejects(
        async () => condition[how](broken),
        error => error === why,
      )
      const promise = (async () => true) as unknown as () => boolean
      await assert.rejects(async () => condition[how](promise), TypeError)
      await assert.rejects(async () => condition[how]('no function' as any), TypeError)
      assert.equal(condition.holder, process.pid)
    })

    test(`Condition.${how}(): notifications that change nothing do not lengthen its time`, async t => {
      const condition = await make.condition()
      const go: Event = await make.event()
      launch(t, make, notifyForEver, condition, go)
      await go.wait({ timeout: LIMIT })
      using _ = await condition.acquire({ timeout: LIMIT })
      // once at the beginning and once at the end, and in between for each notification, as soon as the other has a turn
      for (let [asked, timeout] = [0, 200]; asked <= 2 && timeout < LIMIT; timeout *= 2) {
        asked = 0
        const began = performance.now()
        await assert.rejects(async () => condition[how](() => ++asked < 0, { timeout }), TimeoutError)
        assert.ok(performance.now() - began >= timeout)
        if (timeout * 2 >= LIMIT) assert.ok(asked > 2, `asked ${asked} times`)
      }
    })
  }

  test('Condition.waitFor() aborted while it waits rejects with the reason, holding the lock', async () => {
    const [condition, why] = [await make.condition(), new TimeoutError('mine')]
    using _ = await condition.acquire()
    const controller = new AbortController()
    const waiting = condition.waitFor(() => false, { signal: controller.signal, timeout: LIMIT })
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(waiting, error => error === why)
    assert.equal(condition.holder, process.pid)
    await assert.rejects(
      condition.waitFor(() => assert.fail('asked'), { signal: controller.signal }),
      error => error === why,
    )
  })
}

/** In a child: notifies without end. */
export async function notifyForEver(condition: Condition, go: Event): Promise<void> {
  go.set()
  for (;;) {
    await condition.with(() => condition.notifyAll())
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

function order({ make, test }: Suite): void {
  test('Condition.notify() wakes who waits longest, in whatever process, blocking or awaited', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    const names = ['a', 'b', 'c', 'd']
    for (const [n, name] of names.entries()) {
      launch(t, make, waitAndTell, condition, waits[n % 2], report, name)
      await waiters(make, condition, n + 1)
    }
    for (const name of names) {
      await condition.with(() => condition.notify())
      assert.equal((await report.get({ timeout: LIMIT })).name, name)
    }
  })

  test('Condition.notify(n) wakes n, a larger n all, and notify() when nobody waits is not remembered', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    await condition.with(() => condition.notify(3))
    const children = waits.map(how => launch(t, make, waitAndTell, condition, how, report))
    const mine = [1, 2].map(() => condition.with(() => condition.wait()))
    await waiters(make, condition, 4)
    await condition.with(() => condition.notify(1000))
    assert.equal(make.waitersOf(condition), 0)
    await Promise.all(mine)
    for (const child of children) assert.equal(await ended(child), 0)
    using _ = await condition.acquire()
    await assert.rejects(condition.wait({ timeout: 5 }), TimeoutError)
  })

  test('Condition.notify() of one who leaves at that moment goes on to the next, in another process', async t => {
    for (const how of waits) {
      for (let round = 0; round < 3; round++) {
        const [condition, report] = [await make.condition(), await make.queue<Told>()]
        const controller = new AbortController()
        const aborted = condition.with(() => condition.wait({ signal: controller.signal }))
        aborted.catch(() => {})
        await waiters(make, condition, 1)
        const child = launch(t, make, waitAndTell, condition, how, report)
        await waiters(make, condition, 2)
        const held = await condition.acquire()
        await rings(make, [child], () => {
          condition.notify()
          controller.abort('why')
          assert.equal(make.waitersOf(condition), 1)
          held.release()
          condition.close() // an abort is acted upon a moment later, this at once
        })
        await assert.rejects(aborted)
        assert.deepEqual((await report.get({ timeout: LIMIT })).outcome, OUTCOME)
      }
    }
  })

  test('Condition: aborted and notified, time after time, exactly as many wake as were notified', async () => {
    const condition = await make.condition()
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController()
      const aborted = condition.with(() => condition.wait({ signal: controller.signal }))
      const second = condition.with(() => condition.wait())
      await waiters(make, condition, 2)
      await condition.with(() => {
        condition.notify()
        controller.abort('why')
      })
      await assert.rejects(aborted, error => error === 'why')
      await second
    }
    assert.equal(condition.locked(), false)
  })

  test('Condition: a wait that was timed out makes room for the others', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    const late = condition.with(() => condition.wait({ timeout: 30 }))
    await waiters(make, condition, 1)
    launch(t, make, waitAndTell, condition, 'waitSync', report)
    await assert.rejects(late, TimeoutError)
    await waiters(make, condition, 1)
    await condition.with(() => condition.notify())
    assert.deepEqual((await report.get({ timeout: LIMIT })).outcome, OUTCOME)
  })
}

function locks({ make, test }: Suite): void {
  test('Condition: several go with one lock, and are notified apart', async t => {
    for (const kind of ['lock', 'rlock'] as const) {
      const lock = await make[kind]()
      const [full, empty] = [await make.condition(lock), await make.condition(lock)]
      const third = await make.condition(full)
      const report = await make.queue<Told>()
      launch(t, make, waitAndTell, full, 'wait', report, 'full')
      launch(t, make, waitAndTell, empty, 'waitSync', report, 'empty')
      await waiters(make, full, 1)
      await waiters(make, empty, 1)
      await lock.with(async () => {
        assert.deepEqual([full.holder, empty.holder, third.holder], [process.pid, process.pid, process.pid])
        third.notify()
        empty.notify()
      })
      assert.equal((await report.get({ timeout: LIMIT })).name, 'empty')
      assert.equal(make.waitersOf(full), 1)
      await third.with(() => full.notify())
      assert.equal((await report.get({ timeout: LIMIT })).name, 'full')
    }
  })

  test('Condition on a lock: acquired by the one, it is the other’s as well, again and again', async () => {
    const lock = await make.rlock()
    const condition = await make.condition(lock)
    await lock.with(() => condition.with(() => lock.with(() => condition.notify())))
    using held = condition.acquireSync()
    using _ = lock.acquireSync()
    assert.equal(lock.tryAcquire() === null, false)
    lock.release()
    assert.equal(held.abandoned, false)
    _.release()
    held.release()
    assert.equal(lock.locked(), false)
  })

  test('Condition and its lock travel apart, anywhere in a message', async t => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    const [queue, report] = [await make.queue(), await make.queue<Told>()]
    const child = launch(t, make, waitInWhatComes, queue, report)
    await queue.put({ lock, inner: { condition } })
    await waiters(make, condition, 1)
    await lock.with(() => condition.notify())
    assert.deepEqual(await report.get(), { name: '', outcome: OUTCOME, holds: true, abandoned: [false, false] })
    assert.equal(await ended(child), 0)
  })

  test('Condition outlives the handle on its lock, and its maker’s own handle', async t => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    lock.close()
    await condition.with(() => condition.notify())
    const [queue, report] = [await make.queue(), await make.queue<Outcome>()]
    await queue.put(condition)
    condition.close()
    const again = (await queue.get()) as Condition
    assert.notEqual(again, condition)
    assert.deepEqual([again.locked(), again.closed], [false, false])
    launch(t, make, call, again, 'tryAcquire', [], report)
    assert.deepEqual(await report.get({ timeout: LIMIT }), { gave: { abandoned: false } })
    again.close()
  })

  test('Condition and a handle on its lock that comes back after it was closed are one lock to their holder', async () => {
    const [lock, queue] = [await make.rlock(), await make.queue()]
    const condition = await make.condition(lock)
    await queue.put(lock)
    lock.close()
    using _ = condition.acquireSync()
    const again = (await queue.get()) as typeof lock
    const twice = again.tryAcquire()
    assert.notEqual(twice, null)
    twice?.release()
    assert.equal(condition.locked(), true)
    again.close()
  })

  test('Condition.close() of a Condition on a given lock: its waits reject, holding the lock again; its holds end', async () => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    const asleepIn = lock.with(async () => {
      await assert.rejects(condition.wait(), ClosedError)
      assert.equal(lock.holder, process.pid)
    })
    await turn()
    assert.equal(lock.locked(), false)
    const held = await condition.acquire()
    const [waitsForLock, other] = [condition.acquire(), lock.acquire()]
    condition.close()
    await assert.rejects(waitsForLock, ClosedError)
    ;(await other).release()
    await asleepIn
    held.release()
    assert.equal(lock.locked(), false)
    lock.close()
  })

  test('Condition.close(): what waits rejects with ClosedError, and every use of it throws at once', async () => {
    const condition = await make.condition()
    const waiting = [condition.with(() => condition.wait()), condition.with(() => condition.waitFor(() => false))]
    await waiters(make, condition, 2)
    condition.close()
    condition.close()
    for (const one of waiting) await assert.rejects(one, ClosedError)
    await assert.rejects(condition.wait(), ClosedError)
    await assert.rejects(
      condition.waitFor(() => true),
      ClosedError,
    )
    for (const use of [
      () => condition.waitSync(),
      () => condition.waitForSync(() => true),
      () => condition.notify(),
      () => condition.notifyAll(),
    ]) {
      assert.throws(use, ClosedError)
    }
  })

  test('Condition: the lock closed while it waits: it rejects with ClosedError', async () => {
    const lock = await make.lock()
    const condition = await make.condition(lock)
    await lock.acquire()
    const waiting = condition.wait()
    lock.close()
    await condition.with(() => condition.notify())
    await assert.rejects(waiting, ClosedError)
    assert.equal(condition.locked(), false)
  })
}

function misuse({ make, test }: Suite): void {
  test('Condition: wait and notify without the lock throw InvalidStateError', async t => {
    for (const kind of ['lock', 'rlock'] as const) {
      const condition = await make.condition(await make[kind]())
      const refused = async () => {
        await assert.rejects(condition.wait(), InvalidStateError)
        await assert.rejects(
          condition.waitFor(() => true),
          InvalidStateError,
        )
        for (const use of [
          () => condition.waitSync(),
          () => condition.waitForSync(() => true),
          () => condition.notify(),
          () => condition.notifyAll(),
        ]) {
          assert.throws(use, InvalidStateError)
        }
        assert.equal(make.waitersOf(condition), 0)
      }
      await refused()
      const [report, held] = [await make.queue<Told>(), await make.event()]
      launch(t, make, waitAndTell, condition, 'wait', report)
      await waiters(make, condition, 1)
      await condition.with(() => condition.notify())
      await report.get()
      launch(t, make, holdCondition, condition, held)
      await held.wait({ timeout: LIMIT })
      await refused()
    }
  })

  test('Condition.waitFor() whose predicate closes it fails with ClosedError, and touches it no more', async () => {
    for (const kind of [undefined, 'lock', 'rlock'] as const) {
      for (const how of waitsFor) {
        const lock = kind && (await make[kind]())
        const condition = await make.condition(lock)
        await condition.acquire({ timeout: LIMIT })
        const asked = async () => condition[how](() => condition.close() as never, { timeout: LIMIT })
        await assert.rejects(asked(), ClosedError)
        assert.equal(lock?.locked() ?? false, false)
        lock?.close()
      }
    }
  })

  test('Condition: another task of the process than the one in with() may not wait nor notify nor release', async () => {
    const condition = await make.condition()
    let leave = () => {}
    const inside = condition.with(() => new Promise<void>(resolve => (leave = resolve)))
    await turn()
    await assert.rejects(condition.wait(), InvalidStateError)
    assert.throws(() => condition.notify(), InvalidStateError)
    assert.throws(() => condition.release(), InvalidStateError)
    leave()
    await inside
    assert.equal(condition.locked(), false)
  })

  test('Condition: bad arguments are refused at the call, and the lock is not given up', async () => {
    const condition = await make.condition()
    using _ = await condition.acquire()
    for (const [options, kind] of [
      [{ timeout: -1 }, RangeError],
      [{ timeout: 1.5 }, RangeError],
      [{ timeout: NaN }, RangeError],
      [{ timeout: '5' }, TypeError],
      [{ timout: 5 }, TypeError],
      [5, TypeError],
      [null, TypeError],
    ] as [any, typeof TypeError][]) {
      const refused = (error: unknown) => error instanceof kind && error instanceof MultiprocError
      await assert.rejects(condition.wait(options), refused)
      await assert.rejects(
        condition.waitFor(() => assert.fail('asked'), options),
        refused,
      )
      assert.throws(() => condition.waitSync(options), refused)
      assert.throws(() => condition.waitForSync(() => assert.fail('asked'), options), refused)
    }
    await assert.rejects(condition.wait({ signal: 'now' } as any), TypeError)
    assert.throws(() => condition.waitSync({ signal: AbortSignal.abort() } as any), TypeError)
    for (const n of [0, -1, 1.5, NaN, Infinity]) assert.throws(() => condition.notify(n), RangeError)
    assert.throws(() => condition.notify('1' as any), TypeError)
    assert.equal(condition.holder, process.pid)
    assert.equal(make.waitersOf(condition), 0)
  })

  test('Condition of what is no lock, or a closed one, is refused', async () => {
    for (const lock of [null, 5, {}, await make.event(), () => {}]) {
      await assert.rejects(async () => make.condition(lock as any), { code: 'ERR_MULTIPROC_ARGUMENT_TYPE' })
    }
    const lock = await make.lock()
    lock.close()
    await assert.rejects(async () => make.condition(lock), ClosedError)
  })

  test('Condition: the text form names its lock, who holds it, and how many wait', async t => {
    const condition = await make.condition()
    assert.equal(inspect(condition), "Condition { lock: 'RLock', holder: null, waiting: 0 }")
    const report = await make.queue<Told>()
    launch(t, make, waitAndTell, condition, 'wait', report)
    await waiters(make, condition, 1)
    using _ = await condition.acquire()
    assert.equal(inspect(condition), `Condition { lock: 'RLock', holder: ${process.pid}, waiting: 1 }`)
    condition.notify()
    assert.equal(make.waitersOf(condition), 0)
  })
}

/** In a child: keeps the lock. */
export async function holdCondition(condition: Condition, held: Event): Promise<void> {
  await condition.acquire()
  held.set()
  setInterval(() => {}, 1 << 30)
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, class TestCondition, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  test('TestCondition.test_notify — each notify wakes exactly one of two sleepers', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    const child = launch(t, make, waitAndTell, condition, 'waitSync', report)
    let mine = false
    const own = condition.with(() => condition.wait()).then(() => (mine = true))
    await waiters(make, condition, 2)
    await condition.with(() => condition.notify())
    await until(() => mine || report.qsize() === 1, LIMIT, 'one to wake')
    await turn()
    assert.equal(make.waitersOf(condition), 1)
    assert.equal(Number(mine) + report.qsize(), 1)
    await condition.with(() => condition.notify())
    await own
    assert.deepEqual((await report.get()).outcome, OUTCOME)
    assert.equal(await ended(child), 0)
    assert.equal(make.waitersOf(condition), 0)
  })

  test('TestCondition.test_notify_all — six time out cleanly, and six more are woken at once', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    const six = async (options?: { timeout: number }) => {
      const mine = [1, 2, 3].map(() => condition.with(() => condition.wait(options)))
      for (const one of mine) one.catch(() => {})
      for (let n = 0; n < 3; n++) launch(t, make, waitAndTell, condition, waits[n % 2], report, '', options)
      return mine
    }
    for (const one of await six({ timeout: 50 })) await assert.rejects(one, TimeoutError)
    for (let n = 0; n < 3; n++) {
      const { outcome, holds } = await report.get({ timeout: LIMIT })
      assert.deepEqual([outcome, holds], [{ threw: 'ERR_MULTIPROC_TIMEOUT' }, true])
    }
    assert.equal(make.waitersOf(condition), 0)
    const mine = await six()
    await waiters(make, condition, 6)
    await condition.with(() => condition.notifyAll())
    await Promise.all(mine)
    for (let n = 0; n < 3; n++) assert.deepEqual((await report.get({ timeout: LIMIT })).outcome, OUTCOME)
  })

  test('TestCondition.test_notify_n — of six two are woken, then the rest; more notifications do nothing', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    let mine = 0
    for (let n = 0; n < 3; n++) {
      launch(t, make, waitAndTell, condition, waits[n % 2], report)
      void condition.with(() => condition.wait()).then(() => mine++)
    }
    await waiters(make, condition, 6)
    await condition.with(() => condition.notify(2))
    await until(() => mine + report.qsize() === 2, LIMIT, 'two to wake')
    assert.equal(make.waitersOf(condition), 4)
    await condition.with(() => condition.notify(4))
    await until(() => mine + report.qsize() === 6, LIMIT, 'six to wake')
    await condition.with(() => condition.notify(3))
    assert.equal(make.waitersOf(condition), 0)
    assert.equal(mine, 3)
  })

  test('TestCondition.test_timeout — a wait with a timeout ends after it', async t => {
    const [condition, report] = [await make.condition(), await make.queue<Told>()]
    launch(t, make, waitAndTell, condition, 'waitSync', report, '', { timeout: 50 })
    const began = performance.now()
    const { outcome, holds } = await report.get({ timeout: LIMIT })
    assert.deepEqual([outcome, holds], [{ threw: 'ERR_MULTIPROC_TIMEOUT' }, true])
    await condition.with(() => assert.rejects(condition.wait({ timeout: 50 }), TimeoutError))
    assert.ok(performance.now() - began >= 50)
  })

  test('TestCondition.test_waitfor — two processes hand a counter to and fro to the end', async t => {
    const condition = await make.condition()
    const counter = await make.value('i', 0, { lock: false })
    const [rounds, last] = [50, 100]
    const children = waitsFor.map((how, parity) =>
      launch(t, make, countInTurn, condition, counter, parity, rounds, how),
    )
    await condition.with(() => condition.waitFor(() => counter.value === last, { timeout: LIMIT }))
    for (const child of children) assert.equal(await ended(child), 0)
    assert.equal(counter.value, last)
  })

  test('TestCondition.test_waitfor_timeout — never true: late, and not before its time', async t => {
    const [condition, report] = [await make.condition(), await make.queue<number>()]
    launch(t, make, waitForNothing, condition, 100, report)
    assert.ok((await report.get({ timeout: LIMIT })) >= 100)
  })

  test('TestCondition.test_wait_result — late, notified by a child, and interrupted by an AbortSignal', async t => {
    const condition = await make.condition()
    await condition.with(async () => {
      await assert.rejects(condition.wait({ timeout: 0 }), TimeoutError)
      await assert.rejects(condition.wait({ timeout: 20 }), TimeoutError)
      const child = launch(t, make, notify, condition, 1)
      assert.equal(await condition.wait({ timeout: LIMIT }), undefined)
      assert.equal(await ended(child), 0)
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('interrupted')), 10)
      await assert.rejects(condition.wait({ signal: controller.signal, timeout: LIMIT }), { message: 'interrupted' })
    })
    await asleep(make)
  })
}

/** In a child: waits for what never is so; tells how long it took. */
export async function waitForNothing(
  condition: Condition,
  timeout: number,
  report: { putSync(ms: number): void },
): Promise<void> {
  const began = performance.now()
  await condition.with(() =>
    assert.rejects(
      condition.waitFor(() => false, { timeout }),
      TimeoutError,
    ),
  )
  report.putSync(performance.now() - began)
}
