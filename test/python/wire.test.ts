// Listener, Client and Connection.fromFd() with real CPythons on the other side.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Address, AuthenticationError, Client, Connection, EOFError, Listener } from 'multiproc'
import { freshName } from '../support/names.ts'
import { Peer } from '../support/python-peer.ts'
import { pythons } from '../support/pythons.ts'

if (pythons.length === 0) test('CPython', { skip: 'there is no CPython from 3.8 on' }, () => {})

/** ms: no wait is longer; none depends on how long it is. */
const LIMIT = 30_000
const KEY = 'the key'
const WRONG = 'another key'

const small = [Buffer.from('hello'), Buffer.alloc(16 * 1024 + 1, 1), Buffer.alloc(1)]
const large = [...small, randomBytes(5 * 1024 * 1024), Buffer.from('after it')]

/** Sends messages to one who sends them back. */
async function echoed(conn: Connection, messages = small): Promise<void> {
  const limit = { timeout: LIMIT }
  for (const message of [...messages, Buffer.alloc(0)]) {
    await conn.sendBytes(message, 0, undefined, limit)
    const back = await conn.recvBytes(undefined, limit)
    assert.ok(Buffer.compare(back, message) === 0, `${message.length} bytes came back as ${back.length} others`)
  }
  await assert.rejects(conn.recvBytes(undefined, limit), EOFError)
  conn.close()
}

const families: [string, () => Address | undefined][] = [
  ['TCP', () => ['127.0.0.1', 0]],
  ['a Unix socket', () => undefined],
  ['an abstract name', () => `\0${freshName('wire')}`],
]

for (const python of pythons) {
  const isModern = python.version >= 312
  describe(`CPython ${python.name}`, () => {
    let peer: Peer
    before(() => {
      peer = new Peer(python, 'wire_peer.py', 3, LIMIT)
    })
    after(async () => {
      assert.deepEqual(await peer.end(), [0, null])
    })

    for (const [family, make] of families) {
      for (const key of [KEY, undefined]) {
        const messages = key === undefined ? small : large
        const how = `${family}, ${key === undefined ? 'without' : 'with'} a key`

        test(`Python's Client talks to a Listener: ${how}`, { timeout: LIMIT }, async () => {
          await using listener = await Listener.listen(make(), { authkey: key })
          const asked = peer.ask('client', listener.address, key)
          await echoed(await listener.accept({ timeout: LIMIT }), messages)
          assert.equal(await asked, messages.length)
        })

        test(`Client talks to Python's Listener: ${how}`, { timeout: LIMIT }, async () => {
          const address = await peer.ask('listen', make(), key)
          const asked = peer.ask('accept', address)
          await echoed(await Client(address, { authkey: key, timeout: LIMIT }), messages)
          assert.deepEqual(await asked, [messages.length])
          await peer.ask('unlisten', address)
        })
      }
    }

    test('a Python with another key is refused, and the next one with the right key is not', {
      timeout: LIMIT,
    }, async () => {
      await using listener = await Listener.listen(undefined, { authkey: KEY })
      const wrong = assert.rejects(peer.ask('client', listener.address, WRONG), { message: 'AuthenticationError' })
      await assert.rejects(listener.accept({ timeout: LIMIT }), AuthenticationError)
      await wrong
      const right = peer.ask('client', listener.address, KEY)
      await echoed(await listener.accept({ timeout: LIMIT }))
      await right
    })

    test("Python's Listener refuses a Client with another key, and is refused by it", { timeout: LIMIT }, async () => {
      const address = await peer.ask('listen', null, KEY)
      const asked = peer.ask('accept', address)
      await assert.rejects(Client(address, { authkey: WRONG, timeout: LIMIT }), AuthenticationError)
      assert.deepEqual(await asked, ['AuthenticationError'])
      await peer.ask('unlisten', address)
    })

    test(`requireModern ${isModern ? 'lets it in' : 'refuses its MD5'}, both ways`, { timeout: LIMIT }, async () => {
      const modern = { authkey: KEY, requireModern: true }
      await using listener = await Listener.listen(undefined, modern)
      const asClient = peer.ask('client', listener.address, KEY)
      if (isModern) {
        await echoed(await listener.accept({ timeout: LIMIT }))
        await asClient
      } else {
        const refused = assert.rejects(asClient, { message: 'AuthenticationError' })
        await assert.rejects(listener.accept({ timeout: LIMIT }), AuthenticationError)
        await refused
      }
      const address = await peer.ask('listen', null, KEY)
      const asked = peer.ask('accept', address)
      if (isModern) {
        await echoed(await Client(address, { ...modern, timeout: LIMIT }))
        assert.deepEqual(await asked, [small.length])
      } else {
        await assert.rejects(Client(address, { ...modern, timeout: LIMIT }), AuthenticationError)
        const [how] = await asked
        assert.ok(['EOFError', 'ConnectionResetError', 'BrokenPipeError'].includes(how), how)
      }
      await peer.ask('unlisten', address)
    })

    test('values travel as pickles, both ways', { timeout: LIMIT }, async () => {
      await using listener = await Listener.listen(undefined, { authkey: KEY })
      const asked = peer.ask('values', listener.address, KEY)
      const conn = await listener.accept({ timeout: LIMIT })
      const first = await conn.recv({ timeout: LIMIT })
      assert.deepEqual(first.slice(0, 7), [null, true, 1, -5, 2n ** 70n, 1.5, 'text'])
      assert.deepEqual([...first[7]], [...Buffer.from('bytes')])
      assert.deepEqual([...first[8]], [1, 2])
      assert.deepEqual(first[9], new Map([['a', [1]]]))
      const ours = [first, 'é\n', -0.5, 2 ** 53, [], new Map([[1, 'one']]), { x: 1 }, 'x'.repeat(100_000)]
      for (const value of ours) {
        await conn.send(value, { timeout: LIMIT })
        const back = await conn.recv({ timeout: LIMIT })
        assert.deepEqual(back, value?.constructor === Object ? new Map(Object.entries(value)) : value)
      }
      await conn.send(null)
      assert.equal(await asked, ours.length)
      conn.close()
    })

    test('more Clients than its backlog holds are all served', { timeout: LIMIT }, async () => {
      const many = 8
      const address = await peer.ask('listen', null, KEY, 1)
      const clients = Array.from({ length: many }, () =>
        Client(address, { authkey: KEY, timeout: LIMIT }).then(conn => echoed(conn)),
      )
      const asked = peer.ask('accept', address, many)
      await Promise.all(clients)
      assert.deepEqual(await asked, new Array(many).fill(small.length))
      await peer.ask('unlisten', address)
    })

    test('a Python that wrote and left before it was accepted is received from', { timeout: LIMIT }, async () => {
      await using listener = await Listener.listen(['127.0.0.1', 0])
      await peer.ask('leave', listener.address, 'I was here')
      const conn = await listener.accept({ timeout: LIMIT })
      assert.equal(Buffer.from(await conn.recvBytes()).toString(), 'I was here')
      await assert.rejects(conn.recvBytes(), EOFError)
      conn.close()
    })

    test('Connection.fromFd() in a Node child that Python started talks through the descriptor it inherited', {
      timeout: LIMIT,
    }, async () => {
      const program = fileURLToPath(new URL('../fixtures/wire-child.js', import.meta.url))
      assert.deepEqual(await peer.ask('node_child', [process.execPath, program]), [true, true, 'EOFError', 0])
    })

    test('Connection.fromFd() of sockets that Python uses in one direction each', { timeout: LIMIT }, async () => {
      const [there, back] = [4, 5].map(i => Connection.fromFd(peer.process.stdio[i] as any))
      const asked = peer.ask('pipes', 4, 5)
      for (const message of large) {
        await there.sendBytes(message, 0, undefined, { timeout: LIMIT })
        assert.ok(Buffer.compare(await back.recvBytes(undefined, { timeout: LIMIT }), message) === 0)
      }
      there.close()
      assert.equal(await asked, large.length)
      await assert.rejects(back.recvBytes(undefined, { timeout: LIMIT }), EOFError)
      back.close()
    })
  })
}
