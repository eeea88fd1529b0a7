// What waits, for how long, and that giving up takes nothing and sends nothing.
import assert from 'node:assert/strict'
import { TimeoutError } from 'multiproc'
import { call, callTimes, type Outcome } from '../../fixtures/conformance.ts'
import { exchangeLarge, pollOnce } from '../../fixtures/conformance-connection.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, rings, type Suite } from '../suite.ts'

/** Above the mark from which on sends wait. */
const HEAVY = 70_000_000
const why = new Error('changed my mind')

export function waiting({ make, test }: Suite): void {
  for (const form of ['recv', 'recvSync', 'recvBytes', 'recvBytesSync'] as const) {
    test(`Connection.${form}() in another process is rung by every form of send`, async t => {
      const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
      const child = launch(t, make, callTimes, 4, b, form, [], to)
      for (const send of ['send', 'sendSync', 'sendBytes', 'sendBytesSync'] as const) {
        await rings(make, [child], () => void a[send](Uint8Array.of(7)))
        assert.ok('gave' in (await to.get()))
      }
      assert.equal(await ended(child), 0)
    })
  }

  test('Connection.recv() in time: TimeoutError takes nothing, and 0 tries once', async () => {
    const [a, b] = await make.pipe()
    await assert.rejects(b.recv({ timeout: 0 }), TimeoutError)
    await assert.rejects(b.recv({ timeout: 10 }), TimeoutError)
    assert.throws(() => b.recvSync({ timeout: 0 }), TimeoutError)
    assert.throws(() => b.recvBytesSync(undefined, { timeout: 10 }), TimeoutError)
    await assert.rejects(b.recvBytes(undefined, { timeout: 10 }), TimeoutError)
    await assert.rejects(b.recvBytesInto(new Uint8Array(1), 0, { timeout: 10 }), TimeoutError)
    await a.send(1)
    assert.equal(await b.recv({ timeout: 0 }), 1)
  })

  test('Connection.recv() aborted takes nothing: the message is for the next', async () => {
    const [a, b] = await make.pipe()
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController()
      const [first, second] = [b.recv({ signal: controller.signal }), b.recv()]
      a.sendSync(round)
      controller.abort(why)
      await assert.rejects(first, error => error === why)
      assert.equal(await second, round)
    }
  })

  test('Connection.send() waits while too much is unread, and goes on when it is received', async t => {
    const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
    for (const form of ['send', 'sendSync', 'sendBytes', 'sendBytesSync'] as const) {
      await a.sendBytes(new Uint8Array(HEAVY)) // into an empty pipe at once, whatever its size
      await assert.rejects(a.send('late', { timeout: 10 }), TimeoutError)
      assert.throws(() => a.sendSync('late', { timeout: 10 }), TimeoutError)
      assert.throws(() => a.sendBytesSync(new Uint8Array(5), 0, 5, { timeout: 0 }), TimeoutError)
      await assert.rejects(a.send('no', { signal: AbortSignal.abort(why) }), error => error === why)
      const child = launch(t, make, call, a, form, [new Uint8Array(20_000).fill(1)], to)
      await rings(make, [child], () => void b.recvBytesSync())
      assert.deepEqual(await to.get(), { gave: undefined })
      assert.deepEqual(await b.recv(), new Uint8Array(20_000).fill(1))
      assert.equal(b.pollSync(), false)
      assert.equal(await ended(child), 0)
    }
  })

  test('Connection.send() of two that wait in two processes: one receive lets both go on', async t => {
    const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
    await a.sendBytes(new Uint8Array(HEAVY))
    const children = [launch(t, make, call, a, 'sendSync', ['one'], to), launch(t, make, call, a, 'send', ['two'], to)]
    await asleep(make, ...children)
    b.recvBytesSync()
    for (const _ of children) assert.deepEqual(await to.get({ timeout: LIMIT }), { gave: undefined })
    assert.deepEqual([await b.recv(), await b.recv()].sort(), ['one', 'two'])
  })

  test('Connection: both sides send 100 MB at once, and then receive', async t => {
    const [[mine, theirs], to] = [await make.pipe(), await make.queue<number[]>()]
    const child = launch(t, make, exchangeLarge, theirs, [100_000_000], to)
    mine.sendBytesSync(new Uint8Array(100_000_000))
    assert.equal(mine.recvBytesSync(undefined, { timeout: LIMIT }).length, 100_000_000)
    assert.deepEqual(await to.get(), [100_000_000])
    assert.equal(await ended(child), 0)
  })

  test('Connection: many small messages do not wait for their reader', async () => {
    const [a, b] = await make.pipe<number>()
    for (let n = 0; n < 100_000; n++) a.sendSync(n)
    for (let n = 0; n < 100_000; n++) if (b.recvSync() !== n) assert.fail(`message ${n} is not what was sent`)
  })

  test('Connection.poll() says what is there, takes nothing, and waits as long as it is told', async () => {
    const [a, b] = await make.pipe()
    for (const timeout of [undefined, 0, -1, -1000, 10]) {
      assert.equal(await b.poll(timeout), false)
      assert.equal(b.pollSync(timeout), false)
    }
    const polls = [b.poll(null), b.poll(LIMIT), b.poll(null)]
    await a.send(1)
    assert.deepEqual(await Promise.all(polls), [true, true, true])
    assert.equal(b.pollSync(null), true)
    assert.equal(await b.recv(), 1)
    assert.equal(await b.poll(), false)
  })

  for (const form of ['poll', 'pollSync'] as const) {
    test(`Connection.${form}() in another process is rung by every form of send, and leaves the message`, async t => {
      const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
      for (const send of ['send', 'sendSync', 'sendBytes', 'sendBytesSync'] as const) {
        const child = launch(t, make, call, b, form, [null], to)
        await rings(make, [child], () => void a[send](Uint8Array.of(7)))
        assert.deepEqual(await to.get(), { gave: true })
        assert.deepEqual(await b.recvBytes().then(bytes => bytes.at(-1)), 7)
      }
    })
  }

  test('Connection: a message that rang a process that only polls reaches the one that receives', async t => {
    const [[a, b], polled, received] = [await make.pipe(), await make.queue(), await make.queue<Outcome>()]
    for (let round = 0; round < 4; round++) {
      const poller = launch(t, make, pollOnce, b, null, polled)
      await asleep(make, poller)
      const receiver = launch(t, make, call, b, 'recvSync', [], received)
      await asleep(make, receiver)
      a.sendSync(round) // rings one of the two
      assert.deepEqual(await received.get({ timeout: LIMIT }), { gave: round })
      a.sendSync('for the poller, if it was late')
      assert.equal(await polled.get({ timeout: LIMIT }), true)
      await b.recv()
    }
  })

  test('Connection.poll() and recv() of this process at the same time: the one who receives goes first', async () => {
    const [a, b] = await make.pipe()
    const [polled, received] = [b.poll(50), b.recv()]
    await a.send('only')
    assert.equal(await received, 'only')
    assert.equal(await polled, false)
  })
}
