// Listener and Client with TLS: the same messages and the same handshake, inside of it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  type Address,
  AuthenticationError,
  BrokenPipeError,
  Client,
  EOFError,
  InvalidStateError,
  Listener,
  TimeoutError,
  wait,
} from 'multiproc'
import { cert, key } from './certificate.ts'
import { anyPort, ended, framed, LIMIT, limit, listening, stranger } from './pair.ts'

const AUTHKEY = 'the key'
const client = (address: Address, options = {}) =>
  Client<any, any>(address, { authkey: AUTHKEY, tls: { ca: cert, servername: 'localhost' }, ...limit, ...options })
const secure = { authkey: AUTHKEY, tls: { key, cert } }

describe('TLS', () => {
  for (const [family, make] of [
    ['TCP', anyPort],
    ['a Unix socket', () => undefined],
  ] as const)
    test(`messages of all sizes go both ways over ${family}, and then comes the end`, { timeout: LIMIT }, async t => {
      const listener = await listening(t, make(), secure)
      const [ours, theirs] = await Promise.all([listener.accept(limit), client(listener.address)])
      for (const size of [0, 1, 16_384, 100_000, 5_000_000]) {
        const message = randomBytes(size)
        const sent = theirs.sendBytes(message)
        assert.ok(Buffer.compare(await ours.recvBytes(undefined, limit), message) === 0)
        await sent
      }
      await ours.send({ a: [1] })
      assert.deepEqual(await wait([theirs], limit), [theirs])
      assert.equal(await theirs.poll(), true)
      assert.deepEqual(await theirs.recv(limit), new Map([['a', [1]]]))
      await assert.rejects(theirs.recv({ timeout: 5 }), TimeoutError)
      await ours.send('last')
      ours.close()
      assert.equal(await theirs.recv(limit), 'last')
      await assert.rejects(theirs.recv(limit), EOFError)
      theirs.close()
    })

  test('what waits is copied, in order, and can be called back before it has begun', { timeout: LIMIT }, async t => {
    const listener = await listening(t, anyPort(), secure)
    const [ours, theirs] = await Promise.all([listener.accept(limit), client(listener.address)])
    const message = Buffer.alloc(16_000_000, 1)
    const sent = [ours.sendBytes(message), ours.sendBytes(Buffer.from('second'))]
    message.fill(2)
    await assert.rejects(ours.send('never', { timeout: 5 }), TimeoutError)
    assert.ok(Buffer.compare(await theirs.recvBytes(undefined, limit), Buffer.alloc(16_000_000, 1)) === 0)
    assert.equal(Buffer.from(await theirs.recvBytes(undefined, limit)).toString(), 'second')
    await Promise.all(sent)
    assert.equal(await theirs.poll(5), false)
    for (const one of [ours, theirs]) one.close()
  })

  test('the blocking forms and fileno() say that they cannot', { timeout: LIMIT }, async t => {
    const listener = await listening(t, anyPort(), secure)
    const [ours, theirs] = await Promise.all([listener.accept(limit), client(listener.address)])
    for (const act of [
      () => ours.recvSync(),
      () => ours.recvBytesSync(),
      () => ours.sendSync(1),
      () => ours.sendBytesSync(Buffer.alloc(1)),
      () => ours.pollSync(1),
      () => ours.fileno(),
    ])
      assert.throws(act, InvalidStateError)
    for (const one of [ours, theirs]) one.close()
  })

  test('a Client that does not trust the certificate rejects; one with another key is refused', {
    timeout: LIMIT,
  }, async t => {
    const listener = await listening(t, anyPort(), { ...secure, handshakeTimeout: 2 * LIMIT })
    await assert.rejects(client(listener.address, { tls: true }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const wrong = assert.rejects(client(listener.address, { authkey: 'another' }), AuthenticationError)
    await assert.rejects(listener.accept(limit), AuthenticationError)
    await wrong
  })

  test('an option that node:tls does not know rejects, and nothing stays open', { timeout: LIMIT }, async t => {
    const listener = await listening(t, anyPort())
    await assert.rejects(client(listener.address, { tls: { minVersion: 'none' } }), TypeError)
    const conn = await listener.accept(limit)
    await assert.rejects(conn.recv(limit), EOFError)
    conn.close()
  })

  test('a send with a timeout of 0 is taken when no other message is on its way', { timeout: LIMIT }, async t => {
    const listener = await listening(t, anyPort(), secure)
    const [ours, theirs] = await Promise.all([listener.accept(limit), client(listener.address)])
    const bytes = Buffer.alloc(8_000_000, 1)
    const sent = ours.sendBytes(bytes, 0, bytes.length, { timeout: 0 })
    bytes.fill(2)
    await assert.rejects(ours.send('second', { timeout: 0 }), TimeoutError)
    await sent
    assert.ok(Buffer.compare(await theirs.recvBytes(undefined, limit), Buffer.alloc(8_000_000, 1)) === 0)
    for (const one of [ours, theirs]) one.close()
  })

  test('the Listener can ask for certificates, too', { timeout: LIMIT }, async t => {
    const tls = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true }
    const listener = await listening(t, anyPort(), { authkey: AUTHKEY, tls })
    await assert.rejects(client(listener.address))
    const theirs = client(listener.address, { tls: { ca: cert, servername: 'localhost', key, cert } })
    ;(await listener.accept(limit)).close()
    ;(await theirs).close()
  })

  test('who says nothing, or speaks without TLS, delays nobody and is sent away', { timeout: LIMIT }, async t => {
    const listener = await listening(t, anyPort(), { ...secure, handshakeTimeout: 500 })
    const silent = await stranger(t, listener.address)
    const plain = await stranger(t, listener.address)
    plain.write(framed('hello'))
    const theirs = client(listener.address)
    ;(await listener.accept(limit)).close()
    ;(await theirs).close()
    await Promise.all([ended(silent), ended(plain)])
  })

  test('a Client gives up at its timeout, also within the TLS handshake; one to a Listener without TLS rejects', {
    timeout: LIMIT,
  }, async t => {
    const listener = await listening(t, anyPort())
    await assert.rejects(client(listener.address, { timeout: 20 }), TimeoutError)
    ;(await listener.accept(limit)).close()
    const refused = assert.rejects(client(listener.address))
    const conn = await listener.accept(limit)
    await conn.sendBytes(Buffer.from('hello'))
    await refused
    conn.close()
    const gone = assert.rejects(
      client(listener.address),
      error => (error as any).code === 'ECONNRESET' || error instanceof BrokenPipeError,
    )
    ;(await listener.accept(limit)).close()
    await gone
  })

  test('a key that is none is refused by Listener.listen()', async () => {
    await assert.rejects(Listener.listen(anyPort(), { tls: { key: 'x', cert } }))
  })
})
