// What is sent arrives, whole and in order, whoever shares the ends; handles are handles on the same object.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { Connection, NotSerializableError, registerClass } from 'multiproc'
import { answerThrough, echo, report, sendNumbers } from '../../fixtures/conformance-connection.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'

class Fragile {}
registerClass(Fragile, {
  name: 'Fragile',
  pack: () => 0,
  unpack: () => {
    throw new Error('it broke on the way')
  },
})

export function messages({ make, test }: Suite): void {
  test('Pipe() gives two Connections that lead to each other, in every form', async () => {
    const [a, b] = await make.pipe<string>()
    assert.ok(a instanceof Connection && b instanceof Connection)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      await from.send('awaited')
      from.sendSync('blocking')
      await from.send('with time', { timeout: LIMIT })
      assert.equal(to.recvSync(), 'awaited')
      assert.equal(await to.recv(), 'blocking')
      assert.equal(to.recvSync({ timeout: LIMIT }), 'with time')
    }
  })

  test('Connection: values of every kind and size arrive as they were sent', async () => {
    const [a, b] = await make.pipe()
    const values: unknown[] = [
      0,
      -1.5,
      '',
      'x'.repeat(5000),
      null,
      undefined,
      [1, [2]],
      { n: { m: 1 } },
      new Map([[1, 2]]),
      7n,
    ]
    values.push(new Float64Array(3), new Uint8Array(1_000_000).fill(3), { big: new Uint8Array(50_000) }, true)
    for (const [n, value] of values.entries()) {
      if (n % 2) await a.send(value)
      else a.sendSync(value)
    }
    for (const [n, value] of values.entries()) assert.deepEqual(n % 3 ? await b.recv() : b.recvSync(), value)
  })

  for (const how of ['awaited', 'blocking'] as const) {
    test(`Connection: a ping goes to another process and comes back, ${how} there and both ways here`, async t => {
      const [mine, theirs] = await make.pipe()
      const child = launch(t, make, echo, theirs, how)
      theirs.close()
      for (let n = 0; n < 50; n++) {
        mine.sendSync({ n })
        assert.deepEqual(mine.recvSync({ timeout: LIMIT }), { n })
        await mine.send([n])
        assert.deepEqual(await mine.recv(), [n])
      }
      await mine.send(null)
      assert.equal(await ended(child), 0)
    })
  }

  test('Connection: two processes that share an end to send lose nothing, and keep their own order', async t => {
    const [mine, theirs] = await make.pipe()
    const children = ['one', 'two'].map(name => launch(t, make, sendNumbers, theirs, name, 300))
    theirs.close()
    const next: Record<string, number> = { one: 0, two: 0 }
    for await (const [name, n] of mine) assert.equal(n, next[name]++)
    assert.deepEqual(next, { one: 300, two: 300 })
    for (const child of children) assert.equal(await ended(child), 0)
  })

  test('Connection: of two processes that share an end to receive each message reaches one, whole', async t => {
    const [[mine, theirs], to] = [await make.pipe(), await make.queue()]
    const children = ['one', 'two'].map(name => launch(t, make, report, theirs, to, name))
    theirs.close()
    for (let n = 0; n < 200; n++) await mine.send({ n, text: 'x'.repeat(n * 30) })
    mine.close()
    const seen: number[] = []
    for (let ends = 0; ends < 2; ) {
      const [, message] = await to.get({ timeout: LIMIT })
      if (message === 'EOF') ends++
      else {
        assert.equal(message.text.length, message.n * 30)
        seen.push(message.n)
      }
    }
    assert.deepEqual(
      seen.sort((x, y) => x - y),
      [...Array(200).keys()],
    )
    for (const child of children) assert.equal(await ended(child), 0)
  })

  test('Connection: an end sent through a pipe works for its receiver, also in another process', async t => {
    const [mine, theirs] = await make.pipe()
    const child = launch(t, make, answerThrough, theirs)
    theirs.close()
    for (let n = 0; n < 20; n++) {
      const [here, there] = await make.pipe<number>()
      await mine.send([n, there])
      there.close()
      assert.equal(n % 2 ? await here.recv() : here.recvSync({ timeout: LIMIT }), n + 1)
      here.close()
    }
    mine.close()
    assert.equal(await ended(child), 0)
  })

  test('Connection: both ends of a pipe sent through itself arrive as themselves', async () => {
    const [a, b] = await make.pipe()
    await a.send({ a, b: [b] })
    const got = await b.recv()
    assert.equal(got.a, a)
    assert.equal(got.b[0], b)
  })

  test('Connection: queues, locks, events and values arrive as handles on the same object', async () => {
    const [a, b] = await make.pipe()
    const objects = [await make.queue(), await make.lock(), await make.rlock(), await make.event()]
    await a.send(objects)
    const got = await b.recv()
    for (const [n, object] of objects.entries()) assert.equal(got[n], object)
  })

  test('Connection: an end waits in a queue until somebody takes it', async () => {
    const [queue, [a, b]] = [await make.queue(), await make.pipe()]
    await queue.put({ b })
    b.close()
    await a.send('for whoever comes') // the message under way holds the end
    const got = (await queue.get()).b
    assert.notEqual(got, b)
    assert.equal(got.recvSync({ timeout: LIMIT }), 'for whoever comes')
    got.close()
  })

  test('Connection.recv() of several calls is served in the order of the calls', async () => {
    const [a, b] = await make.pipe<number>()
    const waits = [b.recv(), b.recv(), b.recv()]
    for (let n = 0; n < 3; n++) await a.send(n)
    assert.deepEqual(await Promise.all(waits), [0, 1, 2])
  })

  test('Connection.send() of several calls that are not awaited arrives in the order of the calls', async () => {
    const [a, b] = await make.pipe<number>()
    const sends = Array.from({ length: 100 }, (_, n) => a.send(n))
    for (let n = 0; n < 100; n++) assert.equal(await b.recv(), n)
    await Promise.all(sends)
  })

  test('Connection.send() of what cannot travel names the part, and sends nothing', async () => {
    const [a, b] = await make.pipe()
    await assert.rejects(a.send({ f: [() => {}] }), (error: NotSerializableError) => error.path === 'f[0]')
    assert.throws(() => a.sendSync(Symbol('s')), NotSerializableError)
    assert.equal(b.pollSync(), false)
    a.sendSync('next')
    assert.equal(await b.recv(), 'next')
  })

  test('Connection.recv() of what cannot be unpacked rejects that one, and the next is intact', async () => {
    const [a, b] = await make.pipe()
    for (const message of [new Fragile(), { large: 'x'.repeat(10_000), it: new Fragile() }]) {
      await a.send(message)
      await a.send('next')
      await assert.rejects(b.recv(), /`unpack` of the class "Fragile"/)
      assert.equal(b.recvSync({ timeout: LIMIT }), 'next')
    }
    const waits = [b.recv(), b.recv()]
    a.sendSync(new Fragile())
    a.sendSync('next')
    await assert.rejects(waits[0], /`unpack` of the class "Fragile"/)
    assert.equal(await waits[1], 'next')
  })

  test('Connection: util.inspect shows its directions, or that it is closed', async () => {
    const [a, b] = await make.pipe(false)
    assert.equal(inspect(a), 'Connection { readable: true, writable: false }')
    b.close()
    assert.equal(inspect(b), 'Connection { closed: true }')
  })
}
