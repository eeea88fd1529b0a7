// What every SimpleQueue promises; it is a Queue in everything else. At the end CPython's class TestSimpleQueue.
import assert from 'node:assert/strict'
import { ClosedError, Queue, SimpleQueue, TimeoutError } from 'multiproc'
import { call, callAll, callAllAfter, type Outcome, waitIn } from '../fixtures/conformance.ts'
import { echo } from '../fixtures/conformance-queue.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { asleep, ended, killed, type Suite, suite } from './suite.ts'

export function simpleQueueSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('SimpleQueue', make, except, [promises, fromCPython])
}

function promises({ make, test, death }: Suite): void {
  test('SimpleQueue is a Queue without a limit, awaited and blocking', async () => {
    const queue = await make.simpleQueue<number>()
    assert.ok(queue instanceof Queue)
    assert.equal(queue.maxsize, 0)
    for (let n = 0; n < 1000; n++) {
      if (n % 2 === 0) queue.putSync(n)
      else await queue.put(n)
    }
    assert.equal(queue.full(), false)
    for (let n = 0; n < 1000; n++) assert.equal(n % 2 === 0 ? await queue.get() : queue.getSync(), n)
    await assert.rejects(queue.get({ timeout: 10 }), TimeoutError)
  })

  test('new SimpleQueue() with an argument is refused with a TypeError', () => {
    for (const bad of [0, 3, {}, { maxsize: 3 }, null, '3']) {
      assert.throws(() => new (SimpleQueue as any)(bad), {
        name: 'ArgumentTypeError',
        message: /SimpleQueue has no limit/,
      })
    }
  })

  test('SimpleQueue arrives as a SimpleQueue, the same one, also from another process', async t => {
    const [queue, requests, replies] = [await make.simpleQueue(), await make.simpleQueue(), await make.simpleQueue()]
    launch(t, make, echo, requests, replies)
    await requests.put([queue])
    const [back] = (await replies.get({ timeout: LIMIT })) as [unknown]
    assert.equal(back, queue)
    const inner = await make.simpleQueue()
    await inner.put('kept')
    await requests.put({ inner })
    inner.close()
    const { inner: other } = (await replies.get({ timeout: LIMIT })) as { inner: SimpleQueue }
    assert.ok(other instanceof SimpleQueue)
    assert.equal(await other.get(), 'kept')
    other.close()
  })

  death('K3 SimpleQueue.get() whose process is killed while it waits takes nothing', async t => {
    const queue = await make.simpleQueue<number>()
    const victims = ['get', 'getSync'].map(form => launch(t, make, waitIn, queue, form))
    await asleep(make, ...victims)
    for (const victim of victims) await killed(make, victim)
    for (let n = 0; n < 10; n++) await queue.put(n)
    for (let n = 0; n < 10; n++) assert.equal(await queue.get({ timeout: LIMIT }), n)
  })
}

function fromCPython({ make, test }: Suite): void {
  test('TestSimpleQueue.test_empty_exceptions — empty() of a closed queue is an error, even if it was never used', async () => {
    const queue = await make.simpleQueue()
    assert.equal(queue.empty(), true)
    queue.close()
    assert.throws(() => queue.empty(), ClosedError)
  })

  test('TestSimpleQueue.test_empty — empty() is right as seen from both processes around puts and gets', async t => {
    const [queue, goOn] = [await make.simpleQueue(), await make.event()]
    const [report, told] = [await make.queue<Outcome[]>(), await make.queue<Outcome>()]
    const child = launch(
      t,
      make,
      callAllAfter,
      goOn,
      queue,
      [['empty'], ['put', true], ['put', 5], ['empty']] as [string, ...unknown[]][],
      report,
    )
    assert.equal(queue.empty(), true)
    goOn.set()
    const gave = (outcomes: Outcome[]) => outcomes.map(one => ('gave' in one ? one.gave : one.threw))
    assert.deepEqual(gave(await report.get()), [true, undefined, undefined, false])
    assert.equal(queue.empty(), false)
    assert.equal(queue.getSync(), true)
    assert.equal(queue.empty(), false)
    assert.equal(await queue.get(), 5)
    assert.equal(queue.empty(), true)
    assert.equal(await ended(child), 0)
    launch(t, make, call, queue, 'empty', [], told)
    assert.deepEqual(await told.get(), { gave: true })
  })

  test('TestSimpleQueue.test_close — closing twice is fine, in each process for itself', async t => {
    const [queue, report] = [await make.simpleQueue(), await make.queue<Outcome[]>()]
    launch(t, make, callAll, queue, [['put', 1], ['close'], ['close']] as [string, ...unknown[]][], report)
    assert.equal((await report.get()).length, 3)
    assert.equal(await queue.get(), 1)
    queue.close()
    queue.close()
    assert.equal(queue.closed, true)
  })
}
