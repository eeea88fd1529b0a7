// What every Barrier promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  type Barrier,
  BrokenBarrierError,
  ClosedError,
  MultiprocError,
} from 'multiproc'
import { call, callAndStay, type Outcome, waitIn } from '../fixtures/conformance.ts'
import {
  act,
  actAndThrow,
  actedHere,
  dieInAction,
  pass,
  passAndCountActs,
  passAndFail,
  passAndStay,
  passTwice,
  phases,
  thousand,
  waitFor,
} from '../fixtures/conformance-barrier.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { asleep, ended, killed, rings, type Suite, suite } from './suite.ts'

const forms = ['wait', 'waitSync'] as const
const why = { mine: true }

export function barrierSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Barrier', make, except, [passing, breaking, actions, misuse, deaths, fromCPython])
}

const numbers = (n: number): number[] => [...Array(n).keys()]
const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b)

/** Rejects, maybe before the test comes to look at it. */
function expected<T>(rejection: Promise<T>): Promise<T> {
  rejection.catch(() => {})
  return rejection
}

/** Broken, for whoever comes now, by both forms. */
async function assertBroken(barrier: Barrier): Promise<void> {
  assert.equal(barrier.broken, true)
  assert.equal(barrier.nWaiting, 0)
  await assert.rejects(barrier.wait(), BrokenBarrierError)
  assert.throws(() => barrier.waitSync(), BrokenBarrierError)
}

function passing({ make, test }: Suite): void {
  test('Barrier of one never waits', async () => {
    const barrier = await make.barrier(1)
    for (let n = 0; n < 3; n++) {
      assert.equal(await barrier.wait({ timeout: 0 }), 0)
      assert.equal(barrier.waitSync({ timeout: 0 }), 0)
    }
    assert.deepEqual([barrier.parties, barrier.nWaiting, barrier.broken], [1, 0, false])
  })

  test('Barrier: tasks of one process are parties; numbers are given in the order of arrival', async () => {
    const barrier = await make.barrier(3)
    for (let n = 0; n < 5; n++) {
      const first = [barrier.wait(), barrier.wait({ timeout: LIMIT })]
      assert.equal(barrier.nWaiting, 2)
      assert.equal(n % 2 ? barrier.waitSync() : await barrier.wait(), 2)
      assert.deepEqual(await Promise.all(first), [0, 1])
      assert.equal(barrier.nWaiting, 0)
    }
  })

  test('Barrier: more tasks than parties pass in groups', async () => {
    const barrier = await make.barrier(3)
    const all = await Promise.all(numbers(12).map(() => barrier.wait({ timeout: LIMIT })))
    assert.deepEqual(sorted(all), sorted(numbers(12).map(n => n % 3)))
  })

  for (const form of forms) {
    test(`Barrier.${form}() in processes: each number once, a hundred times over`, async t => {
      const [barrier, report] = [await make.barrier(3), await make.queue<number[]>()]
      const children = [1, 2].map(() => launch(t, make, pass, barrier, form, 100, report))
      const mine: number[] = []
      for (let n = 0; n < 100; n++)
        mine.push(n % 2 ? barrier.waitSync({ timeout: LIMIT }) : await barrier.wait({ timeout: LIMIT }))
      const theirs = [await report.get(), await report.get()]
      for (const n of numbers(100)) assert.deepEqual(sorted([mine[n], theirs[0][n], theirs[1][n]]), [0, 1, 2])
      for (const child of children) assert.equal(await ended(child), 0)
      assert.equal(barrier.broken, false)
    })

    test(`Barrier: the last to arrive wakes who sleeps in ${form}(), and the barrier can be used again at once`, async t => {
      const [barrier, report] = [await make.barrier(2), await make.queue<number[]>()]
      const child = launch(t, make, pass, barrier, form, 2, report)
      let second: Promise<number> | undefined
      await rings(make, [child], () => {
        assert.equal(barrier.waitSync(), 1)
        second = barrier.wait({ timeout: LIMIT }) // though the child has not left yet
        assert.equal(barrier.nWaiting, 1)
      })
      assert.equal(await second, 0)
      assert.deepEqual(await report.get(), [0, 1])
    })
  }

  test('Barrier: two tasks of one process and one of another', async t => {
    const [barrier, report] = [await make.barrier(3), await make.queue<number[]>()]
    launch(t, make, passTwice, barrier, report)
    const mine = await barrier.wait({ timeout: LIMIT })
    assert.deepEqual(sorted([mine, ...(await report.get())]), [0, 1, 2])
  })

  test('Barrier: processes that ended in peace are replaced by others', async t => {
    const [barrier, report] = [await make.barrier(2), await make.queue<number[]>()]
    for (let round = 0; round < 3; round++) {
      const child = launch(t, make, pass, barrier, 'wait', 2, report)
      await barrier.wait({ timeout: LIMIT })
      barrier.waitSync({ timeout: LIMIT })
      assert.equal(await ended(child), 0)
      assert.equal(barrier.broken, false)
    }
  })

  test('Barrier: its text form says who waits', async () => {
    const barrier = await make.barrier(2)
    const waiting = barrier.wait()
    assert.equal(inspect(barrier), 'Barrier { parties: 2, waiting: 1, broken: false }')
    barrier.abort()
    await assert.rejects(waiting)
  })
}

function breaking({ make, test }: Suite): void {
  for (const timeout of [0, 20]) {
    test(`Barrier: the timeout of ${timeout} ms of one breaks it for all, until reset()`, async t => {
      const [barrier, report] = [await make.barrier(4), await make.queue<Outcome>()]
      const child = launch(t, make, callAndStay, barrier, 'wait', [], report)
      await asleep(make, child)
      const patient = expected(barrier.wait())
      await assert.rejects(barrier.wait({ timeout }), BrokenBarrierError)
      await assert.rejects(patient, BrokenBarrierError)
      assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
      await assertBroken(barrier)
      barrier.reset()
      assert.throws(() => barrier.waitSync({ timeout }), BrokenBarrierError)
      await assertBroken(barrier)
      barrier.reset()
      assert.deepEqual([barrier.broken, barrier.nWaiting], [false, 0])
      assert.deepEqual(sorted(await Promise.all(numbers(4).map(() => barrier.wait()))), numbers(4))
    })
  }

  test('Barrier: its own timeout holds for waits that give none, in other processes too', async t => {
    const [barrier, report] = [await make.barrier(2, { timeout: 20 }), await make.queue<Outcome>()]
    await assert.rejects(barrier.wait(), BrokenBarrierError)
    barrier.reset()
    assert.throws(() => barrier.waitSync(), BrokenBarrierError)
    barrier.reset()
    launch(t, make, call, barrier, 'wait', [], report)
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    barrier.reset()
    const patient = barrier.wait({ timeout: Infinity })
    assert.equal(await barrier.wait(), 1)
    assert.equal(await patient, 0)
  })

  test('Barrier.wait() aborted rejects with the reason itself and breaks it for the others', async t => {
    const [barrier, report] = [await make.barrier(3), await make.queue<Outcome>()]
    await assert.rejects(barrier.wait({ signal: AbortSignal.abort(why) }), error => error === why)
    assert.deepEqual([barrier.broken, barrier.nWaiting], [false, 0])
    const child = launch(t, make, callAndStay, barrier, 'waitSync', [], report)
    await asleep(make, child)
    const controller = new AbortController()
    const mine = barrier.wait({ signal: controller.signal })
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(mine, error => error === why)
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    await assertBroken(barrier)
  })

  test('Barrier.wait() aborted when all have arrived has passed', async () => {
    const barrier = await make.barrier(2)
    const controller = new AbortController()
    const first = barrier.wait({ signal: controller.signal })
    assert.equal(barrier.waitSync(), 1)
    controller.abort(why)
    assert.equal(await first, 0)
    assert.equal(barrier.broken, false)
  })

  for (const form of forms) {
    test(`Barrier.abort() sends away who sleeps in ${form}(), here and in other processes`, async t => {
      const [barrier, report] = [await make.barrier(3), await make.queue<Outcome>()]
      const child = launch(t, make, callAndStay, barrier, form, [], report)
      const mine = expected(barrier.wait())
      await rings(make, [child], () => barrier.abort())
      barrier.abort()
      await assert.rejects(mine, BrokenBarrierError)
      assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
      await assertBroken(barrier)
    })

    test(`Barrier.reset() sends away who sleeps in ${form}(), and others may arrive at once`, async t => {
      const [barrier, report] = [await make.barrier(2), await make.queue<Outcome>()]
      for (let round = 0; round < 2; round++) {
        const child = launch(t, make, callAndStay, barrier, form, [], report)
        const passed: Promise<number>[] = []
        await rings(make, [child], () => {
          barrier.reset()
          passed.push(barrier.wait(), barrier.wait()) // before the child knows
        })
        assert.deepEqual(await Promise.all(passed), [0, 1])
        assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
        assert.equal(barrier.broken, false)
      }
    })
  }

  test('Barrier.reset() when nobody waits changes nothing', async () => {
    const barrier = await make.barrier(2)
    barrier.reset()
    const first = barrier.wait()
    barrier.waitSync()
    await first
    barrier.reset()
    assert.deepEqual([barrier.broken, barrier.nWaiting], [false, 0])
  })
}

function actions({ make, test }: Suite): void {
  for (const form of forms) {
    test(`Barrier: the last to arrive, by ${form}(), runs the action once, before anybody leaves`, async () => {
      const seen: unknown[] = []
      const barrier = await make.barrier(3, { action: () => seen.push([barrier.nWaiting, barrier.broken]) })
      for (let n = 1; n <= 3; n++) {
        const others = [barrier.wait(), barrier.wait()].map(one => one.then(() => assert.equal(seen.length, n)))
        await barrier[form]()
        assert.equal(seen.length, n)
        await Promise.all(others)
      }
      assert.deepEqual(seen[0], [3, false])
    })

    test(`Barrier: an exported action is run in another process when its ${form}() is the last`, async t => {
      const [barrier, report] = [await make.barrier(2, { action: act }), await make.queue<number>()]
      const before = actedHere()
      const child = launch(t, make, passAndCountActs, barrier, form, 20, report)
      for (let n = 0; n < 20; n++) await barrier.wait({ timeout: LIMIT })
      assert.equal((await report.get()) + actedHere() - before, 20)
      assert.equal(await ended(child), 0)
    })

    test(`Barrier: an action that no module exports cannot be run by another process, whose ${form}() says so`, async t => {
      const here: string[] = []
      const barrier = await make.barrier(2, { action: () => here.push('acted') })
      const [go, report] = [await make.event(), await make.queue<unknown>()]
      launch(t, make, waitFor, barrier, form, go, report)
      const mine = expected(barrier.wait({ timeout: LIMIT }))
      go.set()
      assert.equal(await report.get(), 'InvalidTargetError')
      await assert.rejects(mine, BrokenBarrierError)
      assert.deepEqual(here, [])
      barrier.reset()
      const child = launch(t, make, waitFor, barrier, form, go, report)
      await asleep(make, child)
      assert.equal(await barrier.wait(), 1)
      assert.deepEqual([await report.get(), here], [0, ['acted']])
    })
  }

  test('Barrier: an action that throws breaks it; the error goes to the one who ran it', async t => {
    const [barrier, report] = [await make.barrier(2, { action: actAndThrow }), await make.queue<Outcome>()]
    for (const form of forms) {
      const other = expected(barrier.wait())
      const fails = async () => await barrier[form]()
      await assert.rejects(fails(), { name: 'TypeError', message: 'the action failed' })
      await assert.rejects(other, BrokenBarrierError)
      await assertBroken(barrier)
      barrier.reset()
    }
    const mine = expected(barrier.wait())
    launch(t, make, call, barrier, 'waitSync', [], report)
    assert.deepEqual(await report.get(), { threw: 'TypeError: the action failed' })
    await assert.rejects(mine, BrokenBarrierError)
  })

  test('Barrier: an action that gives a promise is refused, and breaks it', async () => {
    const barrier = await make.barrier(2, { action: (() => Promise.reject(why)) as () => void })
    const other = expected(barrier.wait())
    await assert.rejects(barrier.wait(), ArgumentTypeError)
    await assert.rejects(other, BrokenBarrierError)
  })

  test('Barrier.abort() and reset() in the action send everybody away; close() in it too', async () => {
    for (const method of ['abort', 'reset', 'close'] as const) {
      const barrier = await make.barrier(2, { action: () => barrier[method]() })
      const error = method === 'close' ? ClosedError : BrokenBarrierError
      const other = expected(barrier.wait())
      await assert.rejects(barrier.wait(), error)
      await assert.rejects(other, error)
      if (method !== 'close') assert.equal(barrier.broken, method === 'abort')
    }
  })

  test('Barrier: who arrives while the action runs belongs to the next generation', async () => {
    let late: Promise<number> | undefined
    const barrier = await make.barrier(2, {
      action: () => {
        late ??= barrier.wait({ timeout: LIMIT })
      },
    })
    const other = expected(barrier.wait())
    assert.deepEqual([await barrier.wait(), await other], [1, 0])
    assert.equal(await barrier.wait(), 1)
    assert.equal(await late, 0)
  })
}

function misuse({ make, test }: Suite): void {
  test('Barrier: bad arguments are refused at the call, and nothing is changed', async () => {
    for (const [parties, options, kind] of [
      [0, undefined, ArgumentRangeError],
      [-1, undefined, ArgumentRangeError],
      [1.5, undefined, ArgumentRangeError],
      [2 ** 31, undefined, ArgumentRangeError],
      ['2', undefined, ArgumentTypeError],
      [undefined, undefined, ArgumentTypeError],
      [2, { action: 'go' }, ArgumentTypeError],
      [2, { action: async () => {} }, ArgumentTypeError],
      [2, { timeout: -1 }, ArgumentRangeError],
      [2, { timeout: '1' }, ArgumentTypeError],
      [2, { timout: 1 }, ArgumentTypeError],
      [2, 5, ArgumentTypeError],
    ] as [any, any, typeof ArgumentRangeError][]) {
      await assert.rejects(async () => await make.barrier(parties, options), kind)
    }
    const barrier = await make.barrier(2)
    for (const options of [{ timeout: -1 }, { timeout: 1.5 }, { timout: 5 }, 5, null] as any[]) {
      await assert.rejects(barrier.wait(options), error => error instanceof MultiprocError)
      assert.throws(
        () => barrier.waitSync(options),
        error => error instanceof MultiprocError,
      )
    }
    assert.throws(() => barrier.waitSync({ signal: AbortSignal.abort() } as any), TypeError)
    assert.deepEqual([barrier.nWaiting, barrier.broken], [0, false])
  })

  test('Barrier.close(): everything throws ClosedError at once, what waits is rejected, and it breaks for who waits with it', async t => {
    const [barrier, report] = [await make.barrier(3), await make.queue<Outcome>()]
    const child = launch(t, make, callAndStay, barrier, 'wait', [], report)
    const mine = expected(barrier.wait())
    await rings(make, [child], () => barrier.close())
    barrier.close()
    await assert.rejects(mine, ClosedError)
    await assert.rejects(barrier.wait(), ClosedError)
    for (const use of [
      () => barrier.waitSync(),
      () => barrier.abort(),
      () => barrier.reset(),
      () => barrier.parties,
      () => barrier.nWaiting,
      () => barrier.broken,
    ]) {
      assert.throws(use, ClosedError)
    }
    assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
  })
}

function deaths({ make, test, death }: Suite): void {
  for (const form of forms) {
    death(
      `K6 Barrier.${form}() whose process is killed: the others are sent away, and it is broken until reset()`,
      async t => {
        const [barrier, report] = [await make.barrier(4), await make.queue<Outcome>()]
        const victim = launch(t, make, waitIn, barrier, form)
        const others = forms.map(other => launch(t, make, callAndStay, barrier, other, [], report))
        await asleep(make, victim, ...others)
        assert.equal(barrier.nWaiting, 3)
        await killed(make, victim)
        for (const _ of others) assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
        await assertBroken(barrier)
        barrier.reset()
        assert.deepEqual(sorted(await Promise.all(numbers(4).map(() => barrier.wait()))), numbers(4))
      },
    )

    death(`K6 Barrier.${form}() here, when one that waits too is killed, is sent away`, async t => {
      const barrier = await make.barrier(4)
      const victim = launch(t, make, waitIn, barrier, 'wait')
      await asleep(make, victim)
      const mine = expected(barrier.wait())
      victim.kill()
      if (form === 'waitSync') assert.throws(() => barrier.waitSync({ timeout: LIMIT }), BrokenBarrierError)
      await assert.rejects(mine, BrokenBarrierError)
      assert.equal(await ended(victim), -9)
    })

    death(`Barrier: a party that passed by ${form}(), and is killed before it comes again, breaks it`, async t => {
      const barrier = await make.barrier(2)
      const victim = launch(t, make, passAndStay, barrier, form, 2)
      await barrier.wait({ timeout: LIMIT })
      barrier.waitSync({ timeout: LIMIT })
      const mine = expected(barrier.wait({ timeout: LIMIT }))
      await killed(make, victim)
      await assert.rejects(mine, BrokenBarrierError)
      await assertBroken(barrier)
    })
  }

  death('Barrier: a party that passed and then failed breaks it', async t => {
    const barrier = await make.barrier(2)
    const victim = launch(t, make, passAndFail, barrier)
    await barrier.wait({ timeout: LIMIT })
    assert.equal(await ended(victim), 3)
    await assert.rejects(barrier.wait({ timeout: LIMIT }), BrokenBarrierError)
  })

  death('Barrier: one that is killed before it ever came breaks nothing', async t => {
    const [barrier, event] = [await make.barrier(2), await make.event()]
    const victim = launch(t, make, waitIn, event, 'wait', barrier)
    await asleep(make, victim)
    const mine = barrier.wait()
    await killed(make, victim)
    assert.equal(barrier.waitSync({ timeout: LIMIT }), 1)
    assert.equal(await mine, 0)
  })

  death('Barrier: one that is killed in the action breaks it', async t => {
    for (const form of forms) {
      const [barrier, report] = [await make.barrier(2, { action: dieInAction }), await make.queue<Outcome>()]
      const mine = barrier.wait({ timeout: LIMIT })
      const victim = launch(t, make, call, barrier, form, [], report)
      await assert.rejects(mine, BrokenBarrierError)
      assert.equal(await ended(victim), make.deathCode)
      await assertBroken(barrier)
    }
  })

  test('Barrier: more parties than the first few cells take', async t => {
    const [barrier, report] = [await make.barrier(7), await make.queue<number[]>()]
    const children = numbers(6).map(n => launch(t, make, pass, barrier, forms[n % 2], 3, report))
    for (let n = 0; n < 3; n++) await barrier.wait({ timeout: LIMIT })
    const firsts = []
    for (const _ of children) firsts.push((await report.get())[0])
    assert.equal(new Set(firsts).size, 6)
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, class TestBarrier, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  const N = 5

  async function inStep(t: Parameters<typeof launch>[0], rounds: number): Promise<void> {
    const [barrier, value] = [await make.barrier(N), await make.value('i', 0, { lock: false })]
    const sums = await make.queue<number[]>()
    const children = numbers(N).map(n => launch(t, make, phases, barrier, forms[n % 2], value, rounds, sums))
    for (const _ of children)
      assert.deepEqual(
        await sums.get(),
        numbers(rounds).map(r => (r + 1) * N),
      )
    for (const child of children) assert.equal(await ended(child), 0)
    assert.equal(barrier.broken, false)
  }

  test('TestBarrier.test_barrier — five parties pass two phases in step', t => inStep(t, 1))

  test('TestBarrier.test_barrier_10 — the same ten times over', t => inStep(t, 10))

  test('TestBarrier.test_wait_return — exactly one party gets 0', async () => {
    const barrier = await make.barrier(N)
    const got = await Promise.all(numbers(N).map(() => barrier.wait()))
    assert.equal(got.filter(n => n === 0).length, 1)
    assert.deepEqual(sorted(got), numbers(N))
  })

  test('TestBarrier.test_action — the action runs exactly once for each pass, before anybody leaves', async () => {
    let runs = 0
    const barrier = await make.barrier(N, { action: () => runs++ })
    for (const round of [1, 2]) {
      await Promise.all(numbers(N).map(() => barrier.wait().then(() => assert.equal(runs, round))))
    }
    assert.equal(runs, 2)
  })

  test('TestBarrier.test_abort — every party that waits gets the error, and it is marked as broken', async t => {
    const [barrier, report] = [await make.barrier(N), await make.queue<Outcome>()]
    const children = numbers(N - 1).map(n => launch(t, make, call, barrier, forms[n % 2], [], report))
    await asleep(make, ...children)
    barrier.abort()
    for (const _ of children) assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    assert.equal(barrier.broken, true)
  })

  test('TestBarrier.test_reset — who waits gets the error, and then it works again', async t => {
    const [barrier, report] = [await make.barrier(N), await make.queue<Outcome>()]
    const children = numbers(N - 1).map(n => launch(t, make, call, barrier, forms[n % 2], [], report))
    await asleep(make, ...children)
    assert.equal(barrier.nWaiting, N - 1)
    barrier.reset()
    for (const _ of children) assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
    assert.deepEqual(sorted(await Promise.all(numbers(N).map(() => barrier.wait()))), numbers(N))
    assert.equal(barrier.broken, false)
  })

  test('TestBarrier.test_abort_and_reset — one that was aborted can be reset and used again', async () => {
    const barrier = await make.barrier(N)
    const waiting = numbers(N - 1).map(() => expected(barrier.wait()))
    barrier.abort()
    for (const one of waiting) await assert.rejects(one, BrokenBarrierError)
    await assertBroken(barrier)
    barrier.reset()
    assert.deepEqual(sorted(await Promise.all(numbers(N).map(() => barrier.wait()))), numbers(N))
  })

  test('TestBarrier.test_timeout — one is late, and all get the error', async () => {
    const barrier = await make.barrier(N)
    for (const one of numbers(N - 1).map(() => expected(barrier.wait({ timeout: 20 }))))
      await assert.rejects(one, BrokenBarrierError)
    await assert.rejects(barrier.wait({ timeout: 20 }), BrokenBarrierError)
  })

  test('TestBarrier.test_default_timeout — the same by the timeout of the barrier', async () => {
    const barrier = await make.barrier(N, { timeout: 20 })
    for (const one of numbers(N - 1).map(() => expected(barrier.wait()))) await assert.rejects(one, BrokenBarrierError)
    await assert.rejects(barrier.wait(), BrokenBarrierError)
  })

  test('TestBarrier.test_single_thread — one party never blocks', async () => {
    const barrier = await make.barrier(1)
    await barrier.wait()
    barrier.waitSync()
  })

  test('TestBarrier.test_thousand — a thousand passes of five processes stay in step, seen through one queue', async t => {
    const [barrier, report, passes] = [await make.barrier(N), await make.queue<number>(), 1000]
    const children = numbers(N).map(() => launch(t, make, thousand, barrier, passes, report))
    for (let n = 0; n < passes; n++) for (let c = 0; c < N; c++) assert.equal(await report.get(), n)
    for (const child of children) assert.equal(await ended(child), 0)
  })
}
