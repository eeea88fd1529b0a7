// What every Event promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { ClosedError, TimeoutError } from 'multiproc'
import { call, type Outcome, waitIn } from '../fixtures/conformance.ts'
import { answer } from '../fixtures/conformance-sync.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { badWaits, refused } from './refused.ts'
import { asleep, ended, killed, rings, type Suite, suite } from './suite.ts'

const waits = ['wait', 'waitSync'] as const

export function eventSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Event', make, except, [own, deaths, fromCPython])
}

function own({ make, test }: Suite): void {
  const why = { mine: true }

  test('Event: not set at first; set() and clear() do what they say, also twice', async () => {
    const event = await make.event()
    assert.equal(event.isSet(), false)
    event.clear()
    assert.equal(event.isSet(), false)
    event.set()
    event.set()
    assert.equal(event.isSet(), true)
    event.clear()
    assert.equal(event.isSet(), false)
  })

  test('Event.wait() returns at once while it is set', async () => {
    const event = await make.event()
    event.set()
    for (const options of [undefined, { timeout: 0 }, { timeout: LIMIT }]) {
      await event.wait(options)
      event.waitSync(options)
    }
  })

  for (const timeout of [0, 20]) {
    test(`Event.wait() of one that is not set rejects with TimeoutError after ${timeout} ms`, async () => {
      const event = await make.event()
      await assert.rejects(event.wait({ timeout }), TimeoutError)
      assert.throws(() => event.waitSync({ timeout }), TimeoutError)
      event.set()
      await event.wait({ timeout })
    })
  }

  test('Event.wait() aborted before or while it waits rejects with the reason itself', async () => {
    const event = await make.event()
    await assert.rejects(event.wait({ signal: AbortSignal.abort(why) }), error => error === why)
    const controller = new AbortController()
    const [aborted, other] = [event.wait({ signal: controller.signal }), event.wait()]
    setTimeout(() => controller.abort(why), 5)
    await assert.rejects(aborted, error => error === why)
    event.set()
    await other
  })

  test('Event.set() wakes everybody who waits, in this process and in others', async t => {
    const [event, report] = [await make.event(), await make.queue<Outcome>()]
    const children = waits.map(form => launch(t, make, call, event, form, [], report))
    const mine = [event.wait(), event.wait({ timeout: LIMIT })]
    await rings(make, children, () => event.set())
    await Promise.all(mine)
    for (const child of children) {
      assert.deepEqual(await report.get(), { gave: undefined })
      assert.equal(await ended(child), 0)
    }
    assert.equal(event.isSet(), true)
  })

  test('Event.set() with clear() right behind it wakes everybody who was waiting, and nobody who comes later', async t => {
    const [event, report] = [await make.event(), await make.queue<Outcome>()]
    for (let round = 0; round < 3; round++) {
      const children = waits.map(form => launch(t, make, call, event, form, [], report))
      const mine = event.wait({ timeout: LIMIT })
      let late = Promise.resolve()
      await rings(make, children, () => {
        event.set()
        event.clear()
        late = event.wait({ timeout: 20 })
        late.catch(() => {}) // it is late before we look at it
      })
      await mine
      for (const _ of children) assert.deepEqual(await report.get(), { gave: undefined })
      await assert.rejects(late, TimeoutError)
    }
  })

  for (const form of waits) {
    test(`Event: a child in ${form}() and this process wake each other, a hundred times`, async t => {
      const [question, reply] = [await make.event(), await make.event()]
      const child = launch(t, make, answer, question, reply, 100, form)
      for (let round = 0; round < 100; round++) {
        question.set()
        if (round % 2) await reply.wait({ timeout: LIMIT })
        else reply.waitSync({ timeout: LIMIT })
        reply.clear()
      }
      assert.equal(await ended(child), 0)
    })
  }

  test('Event.set() then waitSync() needs no turn of the event loop', async () => {
    const event = await make.event()
    const waiting = event.wait()
    event.set()
    event.waitSync({ timeout: 0 })
    await waiting
  })

  test('Event: bad arguments are refused at the call', async () => {
    const event = await make.event()
    for (const [options, kind] of badWaits) {
      await assert.rejects(event.wait(options), refused(kind))
      assert.throws(() => event.waitSync(options), refused(kind))
    }
    await assert.rejects(event.wait({ signal: 'now' } as any), TypeError)
    assert.throws(() => event.waitSync({ signal: AbortSignal.abort() } as any), TypeError)
  })

  test('Event.close(): everything throws ClosedError at once, what waits is rejected, and other processes go on', async t => {
    const [event, report] = [await make.event(), await make.queue<Outcome>()]
    const child = launch(t, make, call, event, 'wait', [], report)
    await asleep(make, child)
    const [setter, waiting] = [launch(t, make, waitIn, event, 'set'), event.wait()]
    event.close()
    event.close()
    await assert.rejects(waiting, ClosedError)
    await assert.rejects(event.wait(), ClosedError)
    for (const use of [() => event.set(), () => event.clear(), () => event.isSet(), () => event.waitSync()]) {
      assert.throws(use, ClosedError)
    }
    assert.deepEqual(await report.get(), { gave: undefined })
    assert.equal(await ended(setter), 0)
  })
}

function deaths({ make, death }: Suite): void {
  for (const form of waits) {
    death(`K8 Event.${form}() whose process is killed: set() returns at once, and wakes the others`, async t => {
      const [event, report] = [await make.event(), await make.queue<Outcome>()]
      const victim = launch(t, make, waitIn, event, form)
      const other = launch(t, make, call, event, form, [], report)
      const mine = event.wait()
      await asleep(make, victim, other)
      await killed(make, victim)
      event.set()
      assert.equal(event.isSet(), true)
      await mine
      assert.deepEqual(await report.get(), { gave: undefined })
      event.clear()
      event.set()
    })

    death(`K8 Event.${form}() whose process is killed at the moment of set() and clear(): the others wake`, async t => {
      const [event, report] = [await make.event(), await make.queue<Outcome>()]
      const victim = launch(t, make, waitIn, event, form)
      const other = launch(t, make, call, event, form, [], report)
      await asleep(make, victim, other)
      victim.kill()
      event.set()
      event.clear()
      assert.deepEqual(await report.get(), { gave: undefined })
      await ended(victim)
    })
  }
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, class TestEvent, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  test('TestEvent.test_event — what isSet() and wait say before, while and after it is set; a child sets it', async t => {
    const event = await make.event()
    assert.equal(event.isSet(), false)
    await assert.rejects(event.wait({ timeout: 0 }), TimeoutError)
    await assert.rejects(event.wait({ timeout: 30 }), TimeoutError)
    event.set()
    assert.equal(event.isSet(), true)
    assert.equal(await event.wait(), undefined)
    assert.equal(await event.wait({ timeout: 30 }), undefined)
    event.clear()
    assert.equal(event.isSet(), false)
    const child = launch(t, make, waitIn, event, 'set')
    assert.equal(await event.wait({ timeout: LIMIT }), undefined)
    assert.equal(await ended(child), 0)
  })

  test('TestEvent.test_repr — the text form says whether it is set', async () => {
    const event = await make.event()
    assert.equal(inspect(event), 'Event { set: false }')
    event.set()
    assert.equal(inspect(event), 'Event { set: true }')
  })
}
