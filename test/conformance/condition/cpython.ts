// CPython's own tests, Lib/test/_test_multiprocessing.py, class TestCondition, told anew under their names.
import assert from 'node:assert/strict'
import { TimeoutError } from 'multiproc'
import { countInTurn, notify, type Told, waitAndTell, waitForNothing } from '../../fixtures/conformance-condition.ts'
import { until } from '../../support/children.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, type Suite } from '../suite.ts'
import { OUTCOME, turn, waiters, waits, waitsFor } from './waits.ts'

export function fromCPython({ make, test }: Suite): void {
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
