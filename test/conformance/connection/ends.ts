// When nobody holds an end any more: what is left is received, then EOF; sends are refused. And what holds an end.
import assert from 'node:assert/strict'
import { BrokenPipeError, ClosedError, EOFError, InvalidStateError } from 'multiproc'
import { call, type Outcome } from '../../fixtures/conformance.ts'
import { holdEndUntil, report, sendNumbers } from '../../fixtures/conformance-connection.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, rings, type Suite } from '../suite.ts'

const EOF = 'ERR_MULTIPROC_EOF'
const BROKEN = 'ERR_MULTIPROC_BROKEN_PIPE'

export function ends({ make, test, death }: Suite): void {
  test('Connection.recv() after the other end closed gives what was sent before, then EOFError, every time', async () => {
    const [a, b] = await make.pipe()
    await a.send(1)
    await a.sendBytes(new Uint8Array(10_000))
    a.close()
    assert.equal(await b.recv(), 1)
    assert.equal(b.recvBytesSync().length, 10_000)
    for (let round = 0; round < 2; round++) {
      await assert.rejects(b.recv(), EOFError)
      assert.throws(() => b.recvSync(), EOFError)
      await assert.rejects(b.recvBytes(), EOFError)
      assert.throws(() => b.recvBytesIntoSync(new Uint8Array(1)), EOFError)
      assert.equal(await b.poll(), true)
      assert.equal(b.pollSync(null), true)
    }
  })

  test('Connection.send() after the other end closed throws BrokenPipeError at once, in every form', async () => {
    const [a, b] = await make.pipe()
    b.close()
    await assert.rejects(a.send(1), BrokenPipeError)
    assert.throws(() => a.sendSync(1), BrokenPipeError)
    await assert.rejects(a.sendBytes(new Uint8Array(100_000)), BrokenPipeError)
    assert.throws(() => a.sendBytesSync(new Uint8Array(1)), BrokenPipeError)
  })

  test('Connection: what is unread when the last receiver leaves is freed', async () => {
    const [a, b] = await make.pipe()
    const before = make.memoryUsed()
    for (let n = 0; n < 8; n++) await a.send({ n, bytes: new Uint8Array(1_000_000) })
    assert.ok(make.memoryUsed() > before)
    b.close()
    assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep)
  })

  test('Connection.recv() that waits is told by the end, in this process', async () => {
    const [a, b] = await make.pipe()
    const waits = [b.recv(), b.recv()]
    a.close()
    for (const wait of waits) await assert.rejects(wait, EOFError)
  })

  for (const form of ['recv', 'recvSync', 'recvBytes', 'recvBytesSync'] as const) {
    test(`Connection.${form}() that waits in another process is rung by the end`, async t => {
      const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
      const child = launch(t, make, call, b, form, [], to)
      await rings(make, [child], () => a.close())
      assert.deepEqual(await to.get(), { threw: EOF })
      assert.equal(await ended(child), 0)
    })
  }

  for (const form of ['poll', 'pollSync'] as const) {
    test(`Connection.${form}() that waits in another process is rung by the end, and true`, async t => {
      const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
      const child = launch(t, make, call, b, form, [null], to)
      await rings(make, [child], () => a.close())
      assert.deepEqual(await to.get(), { gave: true })
    })
  }

  for (const form of ['sendBytes', 'sendBytesSync'] as const) {
    test(`Connection.${form}() that waits in another process is told that nobody will receive, and its memory comes back`, async t => {
      const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
      await a.sendBytes(new Uint8Array(70_000_000))
      const child = launch(t, make, call, a, form, [new Uint8Array(1_000_000)], to)
      await rings(make, [child], () => b.close())
      assert.deepEqual(await to.get(), { threw: BROKEN })
      assert.equal(await ended(child), 0)
    })
  }

  test('Connection: a handle in another process holds the end; when it closes, that is the end', async t => {
    const [[a, b], held, goOn] = [await make.pipe(), await make.event(), await make.event()]
    const child = launch(t, make, holdEndUntil, b, held, goOn)
    b.close()
    await held.wait({ timeout: LIMIT })
    await a.send('somebody may receive it')
    assert.equal(await a.poll(), false)
    goOn.set()
    await assert.rejects(a.recv({ timeout: LIMIT }), EOFError)
    assert.equal(await ended(child), 0)
  })

  test('Connection: a message under way holds the end that it carries', async () => {
    const [[a, b], [c, d]] = [await make.pipe(), await make.pipe()]
    await c.send([b])
    b.close()
    assert.equal(await a.poll(), false)
    d.close() // nobody will receive the message
    await assert.rejects(a.recv(), EOFError)
  })

  test('Connection.close() twice does nothing; any use of it afterwards throws ClosedError at once', async () => {
    for (const duplex of [true, false]) {
      for (const end of await make.pipe(duplex)) {
        end.close()
        end.close()
        assert.deepEqual([end.closed, end.readable, end.writable], [true, false, false])
        await assert.rejects(end.send(1), { code: 'ERR_MULTIPROC_CLOSED', message: /an open Connection,/ })
        assert.throws(() => end.sendSync(1), ClosedError)
        await assert.rejects(end.sendBytes(new Uint8Array()), ClosedError)
        assert.throws(() => end.sendBytesSync(new Uint8Array()), ClosedError)
        await assert.rejects(end.recv(), ClosedError)
        assert.throws(() => end.recvSync(), ClosedError)
        await assert.rejects(end.recvBytes(), ClosedError)
        assert.throws(() => end.recvBytesSync(), ClosedError)
        await assert.rejects(end.recvBytesInto(new Uint8Array()), ClosedError)
        assert.throws(() => end.recvBytesIntoSync(new Uint8Array()), ClosedError)
        await assert.rejects(end.poll(), ClosedError)
        assert.throws(() => end.pollSync(), ClosedError)
        assert.throws(() => end.fileno(), ClosedError)
        const [other] = await make.pipe()
        await assert.rejects(other.send(end), ClosedError)
      }
    }
  })

  test('Connection.close() here while its operations wait here: they get ClosedError', async () => {
    const [a, b] = await make.pipe()
    await b.sendBytes(new Uint8Array(70_000_000))
    const waits = [b.recv(), b.recvBytes(), b.poll(null), b.send('no room')]
    b.close()
    for (const wait of waits) await assert.rejects(wait, ClosedError)
    a.close()
  })

  test('Connection: `await using` closes it', async () => {
    const [a, b] = await make.pipe()
    await a[Symbol.asyncDispose]()
    assert.equal(a.closed, true)
    await assert.rejects(b.recv(), EOFError)
  })

  test('Pipe(false): the first end only receives, the second only sends, and the error says which does what', async () => {
    for (const options of [false, { duplex: false }]) {
      const [receiver, sender] = await make.pipe(options)
      assert.deepEqual([receiver.readable, receiver.writable], [true, false])
      assert.deepEqual([sender.readable, sender.writable], [false, true])
      sender.sendSync('one way')
      assert.equal(await receiver.recv(), 'one way')
      await assert.rejects(receiver.send(1), /only receives: send from the other/)
      assert.throws(() => receiver.sendSync(1), InvalidStateError)
      await assert.rejects(receiver.sendBytes(new Uint8Array()), InvalidStateError)
      assert.throws(() => receiver.sendBytesSync(new Uint8Array()), InvalidStateError)
      await assert.rejects(sender.recv(), /only sends: receive from the other/)
      assert.throws(() => sender.recvSync(), InvalidStateError)
      await assert.rejects(sender.recvBytes(), InvalidStateError)
      await assert.rejects(sender.recvBytesInto(new Uint8Array()), InvalidStateError)
      await assert.rejects(sender.poll(), InvalidStateError)
      assert.throws(() => sender.pollSync(null), InvalidStateError)
      assert.throws(() => sender.fileno(), InvalidStateError)
    }
  })

  test('Connection: 1,000 numbers from another process to the end, the ends closed on both sides', async t => {
    const [mine, theirs] = await make.pipe(false)
    const child = launch(t, make, sendNumbers, theirs, 'it', 1000)
    theirs.close()
    let next = 0
    for await (const [, n] of mine) assert.equal(n, next++)
    assert.equal(next, 1000)
    await assert.rejects(mine.recv(), EOFError)
    assert.equal(await ended(child), 0)
  })

  test('Connection: leaving `for await` early takes nothing more', async () => {
    const [a, b] = await make.pipe<number>()
    for (const n of [1, 2, 3]) await a.send(n)
    for await (const n of b) if (n === 2) break
    assert.equal(await b.recv(), 3)
  })

  test('Connection: a for await in another process ends when this one closes', async t => {
    const [[mine, theirs], to] = [await make.pipe(), await make.queue()]
    const child = launch(t, make, report, theirs, to, 'it')
    theirs.close()
    await mine.send('one')
    assert.deepEqual(await to.get(), ['it', 'one'])
    await asleep(make, child)
    mine.close()
    assert.deepEqual(await to.get({ timeout: LIMIT }), ['it', 'EOF'])
    assert.equal(await ended(child), 0)
  })

  death('Connection.close() of both ends with messages in both directions leaves no memory behind', async () => {
    const before = make.memoryUsed()
    for (let n = 0; n < 50; n++) {
      const [a, b] = await make.pipe()
      const lock = await make.lock()
      await a.send({ lock, bytes: new Uint8Array(100_000) })
      await b.send([n, new Uint8Array(100_000)])
      if (n % 2) a.close()
      b.close()
      a.close()
      lock.close()
    }
    assert.ok(make.memoryUsed() - before <= 4 * make.memoryStep)
  })
}
