// What every Semaphore and BoundedSemaphore promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  ClosedError,
  type Semaphore,
  type SemaphoreOptions,
  TimeoutError,
} from 'multiproc'
import { call, callAndStay, type Outcome, waitIn } from '../fixtures/conformance.ts'
import { consumeAndDie, crowd, endWithPermit, keepPermits, signal } from '../fixtures/conformance-semaphore.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { badWaits, refused } from './refused.ts'
import { asleep, ended, killed, rings, type Suite, suite } from './suite.ts'

type Name = 'Semaphore' | 'BoundedSemaphore'

export function semaphoreSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Semaphore', make, except, [
    all => common('Semaphore', all),
    own,
    signals,
    all => deaths('Semaphore', all),
    fromCPython,
  ])
}

export function boundedSemaphoreSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('BoundedSemaphore', make, except, [
    all => common('BoundedSemaphore', all),
    bounded,
    all => deaths('BoundedSemaphore', all),
    boundedFromCPython,
  ])
}

const maker =
  (name: Name, { make }: Suite) =>
  (value?: number, options?: SemaphoreOptions): Semaphore | Promise<Semaphore> =>
    name === 'Semaphore' ? make.semaphore(value, options) : make.boundedSemaphore(value, options)

const forms = ['acquire', 'acquireSync', 'tryAcquire'] as const
const why = { mine: true }

function common(name: Name, all: Suite): void {
  const { make, test } = all
  const newSemaphore = maker(name, all)

  test(`${name}: one permit by default; as many as were asked for, by every form`, async () => {
    assert.equal((await newSemaphore()).getValue(), 1)
    const semaphore = await newSemaphore(3)
    for (const [n, form] of forms.entries()) {
      assert.deepEqual([semaphore.getValue(), semaphore.locked()], [3 - n, false])
      assert.equal((await semaphore[form]())?.abandoned, false)
    }
    assert.deepEqual([semaphore.getValue(), semaphore.locked()], [0, true])
    assert.equal(semaphore.tryAcquire(), null)
    semaphore.release(2)
    semaphore.release()
    assert.equal(semaphore.getValue(), 3)
  })

  test(`${name}: the release of a Held counts once, and not at all when release() gave its permit back`, async () => {
    const semaphore = await newSemaphore(2)
    const [first, second] = [await semaphore.acquire(), semaphore.acquireSync()]
    first.release()
    first.release()
    first[Symbol.dispose]()
    assert.equal(semaphore.getValue(), 1)
    semaphore.release()
    assert.equal(semaphore.getValue(), 2)
    second.release()
    assert.equal(semaphore.getValue(), 2)
    {
      using held = semaphore.acquireSync()
      assert.ok(held)
      assert.equal(semaphore.getValue(), 1)
    }
    assert.equal(semaphore.getValue(), 2)
  })

  test(`${name}.with() gives what its function gives, and gives its permit back however it ends`, async () => {
    const semaphore = await newSemaphore()
    assert.equal(await semaphore.with(() => semaphore.getValue()), 0)
    assert.equal(await semaphore.with(async () => 'later'), 'later')
    await assert.rejects(
      semaphore.with(() => {
        throw why
      }),
      error => error === why,
    )
    await assert.rejects(semaphore.with('no function' as any), ArgumentTypeError)
    assert.equal(semaphore.getValue(), 1)
  })

  for (const timeout of [0, 20]) {
    test(`${name}.acquire() of none: timeout ${timeout} rejects and takes nothing`, async () => {
      const semaphore = await newSemaphore(1)
      const held = await semaphore.acquire()
      await assert.rejects(semaphore.acquire({ timeout }), TimeoutError)
      assert.throws(() => semaphore.acquireSync({ timeout }), TimeoutError)
      await assert.rejects(
        semaphore.with(() => assert.fail('it ran'), { timeout }),
        TimeoutError,
      )
      held.release()
      assert.equal(semaphore.getValue(), 1)
    })
  }

  test(`${name}.acquire() aborted before or while it waits rejects with the reason itself and takes nothing`, async () => {
    const semaphore = await newSemaphore(1)
    await assert.rejects(semaphore.acquire({ signal: AbortSignal.abort(why) }), error => error === why)
    assert.equal(semaphore.getValue(), 1)
    const held = await semaphore.acquire()
    const controller = new AbortController()
    const [aborted, other] = [semaphore.acquire({ signal: controller.signal }), semaphore.acquire()]
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(aborted, error => error === why)
    held.release()
    ;(await other).release()
    assert.equal(semaphore.getValue(), 1)
  })

  test(`${name}.acquire() aborted at the moment of a release leaves the permit to one that waits in another process`, async t => {
    for (const form of ['acquire', 'acquireSync'] as const) {
      const [semaphore, report] = [await newSemaphore(1), await make.queue<Outcome>()]
      const held = await semaphore.acquire()
      const child = launch(t, make, callAndStay, semaphore, form, [], report)
      const controller = new AbortController()
      const mine = semaphore.acquire({ signal: controller.signal })
      await rings(make, [child], () => {
        held.release()
        controller.abort(why)
      })
      await assert.rejects(mine, error => error === why)
      assert.deepEqual(await report.get(), { gave: { abandoned: false } })
      assert.equal(semaphore.getValue(), 0)
    }
  })

  test(`${name}.release(n) wakes as many who wait, in other processes and here`, async t => {
    const [semaphore, report] = [await newSemaphore(3), await make.queue<Outcome>()]
    for (let n = 0; n < 3; n++) semaphore.acquireSync()
    const children = (['acquire', 'acquireSync'] as const).map(form =>
      launch(t, make, callAndStay, semaphore, form, [], report),
    )
    await rings(make, children, () => semaphore.release(2))
    for (const _ of children) assert.deepEqual(await report.get(), { gave: { abandoned: false } })
    const mine = [semaphore.acquire(), semaphore.acquire({ timeout: 20 })]
    semaphore.release()
    await mine[0]
    await assert.rejects(mine[1], TimeoutError)
  })

  test(`${name}.acquire(): many that wait in one process are served in the order they came`, async () => {
    const semaphore = await newSemaphore(2)
    const seen: number[] = []
    let inside = 0
    const task = async (n: number) => {
      using _ = await semaphore.acquire()
      seen.push(n)
      assert.ok(++inside <= 2)
      await new Promise(setImmediate)
      inside--
    }
    await Promise.all(Array.from({ length: 200 }, (_, n) => task(n)))
    assert.deepEqual(
      seen,
      seen.map((_, n) => n),
    )
    assert.equal(semaphore.getValue(), 2)
  })

  test(`${name}.acquireSync() goes before those who await in the thread that it blocks`, async t => {
    const [semaphore, report] = [await newSemaphore(1), await make.queue<Outcome>()]
    semaphore.acquireSync()
    const waiting = semaphore.acquire()
    launch(t, make, call, semaphore, 'release', [], report)
    semaphore.acquireSync({ timeout: LIMIT }).release()
    ;(await waiting).release()
  })

  for (const [how, other] of [
    ['acquire', 'acquireSync'],
    ['tryAcquire', 'with'],
  ] as const) {
    test(`${name}: of four processes, two under ${how} and two under ${other}, at most two are inside`, async t => {
      const [semaphore, inside] = [await newSemaphore(2), await make.value('i', 0, { lock: false })]
      const [go, most] = [await make.event(), await make.queue<number>()]
      const children = [how, how, other, other].map(one =>
        launch(t, make, crowd, go, semaphore, inside, most, 200, one),
      )
      await asleep(make, ...children)
      go.set()
      for (const child of children) assert.equal(await ended(child), 0)
      for (const _ of children) assert.ok((await most.get()) <= 2)
      assert.equal(semaphore.getValue(), 2)
    })
  }

  test(`${name}: bad arguments are refused at the call, and nothing is changed`, async () => {
    for (const [value, kind] of [
      [-1, ArgumentRangeError],
      [1.5, ArgumentRangeError],
      [2 ** 31, ArgumentRangeError],
      [NaN, ArgumentRangeError],
      ['1', ArgumentTypeError],
      [null, ArgumentTypeError],
    ] as [any, typeof ArgumentRangeError][]) {
      await assert.rejects(async () => await newSemaphore(value), kind)
    }
    await assert.rejects(async () => await newSemaphore(1, { recover: 1 } as any), ArgumentTypeError)
    await assert.rejects(async () => await newSemaphore(1, { recovers: true } as any), ArgumentTypeError)
    const semaphore = await newSemaphore(1)
    for (const n of [0, -1, 1.5, NaN, 2 ** 31]) assert.throws(() => semaphore.release(n), ArgumentRangeError)
    assert.throws(() => semaphore.release('1' as any), ArgumentTypeError)
    for (const [options, kind] of badWaits) {
      await assert.rejects(semaphore.acquire(options), refused(kind))
      await assert.rejects(
        semaphore.with(() => assert.fail('it ran'), options),
        refused(kind),
      )
      assert.throws(() => semaphore.acquireSync(options), refused(kind))
    }
    assert.equal(semaphore.getValue(), 1)
    assert.equal((await newSemaphore(0)).tryAcquire(), null)
    assert.equal((await newSemaphore(2 ** 31 - 1)).getValue(), 2 ** 31 - 1)
  })

  test(`${name}.close(): everything throws ClosedError at once, what waits is rejected, what was held is free`, async t => {
    const [semaphore, report] = [await newSemaphore(1), await make.queue<Outcome>()]
    const held = await semaphore.acquire()
    const waiting = [semaphore.acquire(), semaphore.with(() => {})]
    const child = launch(t, make, callAndStay, semaphore, 'acquire', [], report)
    await asleep(make, child)
    await rings(make, [child], () => semaphore.close())
    semaphore.close()
    held.release()
    for (const one of waiting) await assert.rejects(one as Promise<unknown>, ClosedError)
    await assert.rejects(semaphore.acquire(), ClosedError)
    await assert.rejects(
      semaphore.with(() => {}),
      ClosedError,
    )
    for (const use of [
      () => semaphore.acquireSync(),
      () => semaphore.tryAcquire(),
      () => semaphore.release(),
      () => semaphore.getValue(),
      () => semaphore.locked(),
    ]) {
      assert.throws(use, ClosedError)
    }
    assert.deepEqual(await report.get(), { gave: { abandoned: false } })
  })

  test(`${name}: its text form says how many are free`, async () => {
    const semaphore = await newSemaphore(2)
    semaphore.acquireSync()
    assert.equal(inspect(semaphore), `${name} { value: 1 }`)
  })
}

function own({ make, test }: Suite): void {
  test('Semaphore.release() above the first value adds permits, up to 2³¹ − 1', async () => {
    const semaphore = await make.semaphore(2)
    semaphore.release(5)
    assert.equal(semaphore.getValue(), 7)
    const full = await make.semaphore(2 ** 31 - 2)
    full.release()
    assert.throws(() => full.release(), RangeError)
    assert.equal(full.getValue(), 2 ** 31 - 1)
  })

  test('Semaphore: more processes hold permits than the first few cells take', async t => {
    const semaphore = await make.semaphore(8)
    const children = []
    for (let n = 0; n < 7; n++) {
      const held = await make.event()
      children.push(launch(t, make, keepPermits, semaphore, 'acquire', 1, held))
      await held.wait({ timeout: LIMIT })
    }
    assert.equal(semaphore.getValue(), 1)
    for (const [n, child] of children.entries()) {
      await killed(make, child)
      assert.equal(semaphore.getValue(), 2 + n)
    }
  })
}

function signals({ make, test, death }: Suite): void {
  test('Semaphore as a signal: consumers get what producers release, no more and no less', async t => {
    const semaphore = await make.semaphore(0)
    const children = [1, 2].map(() => launch(t, make, signal, semaphore, 50))
    for (let n = 0; n < 100; n++) {
      if (n % 2) await semaphore.acquire({ timeout: LIMIT })
      else semaphore.acquireSync({ timeout: LIMIT })
    }
    for (const child of children) assert.equal(await ended(child), 0)
    assert.equal(semaphore.tryAcquire(), null)
  })

  death('Semaphore as a signal: the events that a killed consumer took do not come again', async t => {
    const semaphore = await make.semaphore(0)
    semaphore.release(5)
    assert.equal(await ended(launch(t, make, consumeAndDie, semaphore, 3)), make.deathCode)
    await killed(make, launch(t, make, waitIn, await make.event(), 'wait'))
    assert.equal(semaphore.getValue(), 2)
  })

  death('Semaphore: before the first signal the permits of the dead come back, after it they do not', async t => {
    const semaphore = await make.semaphore(3)
    const keep = async () => {
      const held = await make.event()
      const child = launch(t, make, keepPermits, semaphore, 'acquireSync', 1, held)
      await held.wait({ timeout: LIMIT })
      return child
    }
    await killed(make, await keep())
    assert.equal(semaphore.getValue(), 3)
    const child = await keep()
    semaphore.release()
    assert.equal(semaphore.getValue(), 3)
    await killed(make, child)
    assert.equal(semaphore.getValue(), 3)
  })

  death('Semaphore({ recover: true }): permits of the dead come back also after releases by others', async t => {
    const [semaphore, held] = [await make.semaphore(1, { recover: true }), await make.event()]
    semaphore.release()
    assert.equal(semaphore.getValue(), 2)
    const child = launch(t, make, keepPermits, semaphore, 'acquire', 2, held)
    await held.wait({ timeout: LIMIT })
    assert.equal(semaphore.getValue(), 0)
    await killed(make, child)
    assert.equal(semaphore.getValue(), 2)
  })

  death('Semaphore({ recover: false }): permits of the dead never come back', async t => {
    const [semaphore, held] = [await make.semaphore(2, { recover: false }), await make.event()]
    const child = launch(t, make, keepPermits, semaphore, 'acquire', 1, held)
    await held.wait({ timeout: LIMIT })
    await killed(make, child)
    assert.equal(semaphore.getValue(), 1)
  })
}

function deaths(name: Name, all: Suite): void {
  const { make, death } = all
  const newSemaphore = maker(name, all)

  for (const how of forms) {
    death(`K2 ${name}: the permits of a holder, by ${how}, that is killed come back`, async t => {
      const [semaphore, held] = [await newSemaphore(2), await make.event()]
      const child = launch(t, make, keepPermits, semaphore, how, 2, held)
      await held.wait({ timeout: LIMIT })
      assert.equal(semaphore.tryAcquire(), null)
      await killed(make, child)
      assert.equal(semaphore.getValue(), 2)
      const mine = await semaphore.acquire({ timeout: LIMIT })
      semaphore.acquireSync({ timeout: LIMIT }).release()
      mine.release()
      assert.equal(semaphore.getValue(), 2)
    })
  }

  for (const form of ['acquire', 'acquireSync'] as const) {
    death(
      `K2 ${name}.${form}() that waits when the holder is killed gets its permit, here and in other processes`,
      async t => {
        const [semaphore, held, report] = [await newSemaphore(2), await make.event(), await make.queue<Outcome>()]
        const holder = launch(t, make, keepPermits, semaphore, 'acquire', 2, held)
        await held.wait({ timeout: LIMIT })
        const other = launch(t, make, callAndStay, semaphore, form, [], report)
        await asleep(make, other)
        const mine = semaphore.acquire()
        holder.kill()
        assert.equal((await mine).abandoned, false)
        assert.deepEqual(await report.get(), { gave: { abandoned: false } })
        assert.equal(semaphore.getValue(), 0)
        await killed(make, other)
        assert.equal(semaphore.getValue(), 1)
      },
    )

    death(
      `${name}.${form}() whose process is killed while it waits leaves nothing: the next one gets the permit`,
      async t => {
        const [semaphore, report] = [await newSemaphore(1), await make.queue<Outcome>()]
        const held = await semaphore.acquire()
        const victim = launch(t, make, waitIn, semaphore, form)
        const other = launch(t, make, callAndStay, semaphore, form, [], report)
        await asleep(make, victim, other)
        await killed(make, victim)
        held.release()
        assert.deepEqual(await report.get(), { gave: { abandoned: false } })
        await killed(make, other)
      },
    )
  }

  death(`${name}: a process that ends in peace without a release gives its permit back too`, async t => {
    const semaphore = await newSemaphore(1)
    assert.equal(await ended(launch(t, make, endWithPermit, semaphore)), 0)
    const held = await semaphore.acquire({ timeout: LIMIT })
    held.release()
    assert.equal(semaphore.getValue(), 1)
  })
}

function bounded({ make, test }: Suite): void {
  test('BoundedSemaphore.release() above its start value throws RangeError and changes nothing', async t => {
    const semaphore = await make.boundedSemaphore(2)
    assert.throws(() => semaphore.release(), ArgumentRangeError)
    const held = await semaphore.acquire()
    assert.throws(() => semaphore.release(2), RangeError)
    assert.equal(semaphore.getValue(), 1)
    held.release()
    assert.throws(() => semaphore.release(), RangeError)
    assert.equal(semaphore.getValue(), 2)
    const report = await make.queue<Outcome>()
    launch(t, make, call, semaphore, 'release', [], report)
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
    assert.equal(semaphore.getValue(), 2)
  })

  test('BoundedSemaphore: one process may release what another acquired, up to the start value', async t => {
    const [semaphore, report] = [await make.boundedSemaphore(1), await make.queue<Outcome>()]
    const held = await semaphore.acquire()
    launch(t, make, call, semaphore, 'release', [], report)
    assert.deepEqual(await report.get(), { gave: undefined })
    assert.equal(semaphore.getValue(), 1)
    assert.throws(() => semaphore.release(), RangeError)
    held.release() // quietly, as the hold of a Lock that another process released
    assert.equal(semaphore.getValue(), 1)
  })

  test('BoundedSemaphore({ recover: true }): who holds none may release none', async t => {
    const [semaphore, report] = [await make.boundedSemaphore(1, { recover: true }), await make.queue<Outcome>()]
    const held = await semaphore.acquire()
    launch(t, make, call, semaphore, 'release', [], report)
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
    held.release()
    assert.equal(semaphore.getValue(), 1)
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, class TestSemaphore, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  test('TestSemaphore.test_semaphore — counts down to 0, refuses, and counts up past the first value', async () => {
    const semaphore = await make.semaphore(2)
    await countDownAndUp(semaphore)
    semaphore.release()
    assert.equal(semaphore.getValue(), 3)
    semaphore.release()
    assert.equal(semaphore.getValue(), 4)
  })

  test('TestSemaphore.test_timeout — every way to wait for none ends in time', async () => {
    const semaphore = await make.semaphore(0)
    assert.equal(semaphore.tryAcquire(), null)
    await assert.rejects(semaphore.acquire({ timeout: 0 }), TimeoutError)
    assert.throws(() => semaphore.acquireSync({ timeout: 0 }), TimeoutError)
    for (const timeout of [20, 40]) {
      const began = performance.now()
      await assert.rejects(semaphore.acquire({ timeout }), TimeoutError)
      assert.throws(() => semaphore.acquireSync({ timeout }), TimeoutError)
      assert.ok(performance.now() - began >= 2 * timeout - 2)
    }
  })
}

function boundedFromCPython({ make, test }: Suite): void {
  test('TestSemaphore.test_bounded_semaphore — counts down and up again, and not past the first value', async () => {
    const semaphore = await make.boundedSemaphore(2)
    await countDownAndUp(semaphore)
    assert.throws(() => semaphore.release(), RangeError)
  })
}

async function countDownAndUp(semaphore: Semaphore): Promise<void> {
  assert.equal(semaphore.getValue(), 2)
  await semaphore.acquire()
  assert.equal(semaphore.getValue(), 1)
  semaphore.acquireSync()
  assert.equal(semaphore.getValue(), 0)
  assert.equal(semaphore.tryAcquire(), null)
  assert.equal(semaphore.getValue(), 0)
  semaphore.release()
  assert.equal(semaphore.getValue(), 1)
  semaphore.release()
  assert.equal(semaphore.getValue(), 2)
}
