// Listener and Client: who is let in, who is not, and that nobody who is not let in delays those who are.
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import {
  type Address,
  ArgumentRangeError,
  ArgumentTypeError,
  AuthenticationError,
  Client,
  ClosedError,
  EOFError,
  Listener,
  Process,
  TimeoutError,
  wait,
} from 'multiproc'
import { peerPidOf } from '#src/wire/socket-end.js'
import { run } from '../support/children.ts'
import { freshName } from '../support/names.ts'
import { anyPort, connected, ended, framed, LIMIT, limit, listening, stranger } from './pair.ts'

const KEY = 'the key'
const client = (address: Address, authkey?: string) => Client<any, any>(address, { authkey, timeout: LIMIT })

const families: [string, () => Address | undefined][] = [
  ['a Unix socket', () => undefined],
  ['TCP', anyPort],
  ['an abstract name', () => `\0${freshName('listener')}`],
]

for (const [family, make] of families) {
  describe(`Listener at ${family}`, () => {
    test('TestListener.test_multiple_bind', async t => {
      const listener = await listening(t, make())
      await assert.rejects(Listener.listen(listener.address), { code: 'EADDRINUSE' })
      const conn = client(listener.address)
      ;(await listener.accept(limit)).close()
      ;(await conn).close()
    })

    test('TestListener.test_context', { timeout: LIMIT }, async t => {
      const listener = await listening(t, make())
      {
        await using inner = listener
        await using theirs = await client(inner.address)
        await using ours = await inner.accept(limit)
        await theirs.send(1729)
        assert.equal(await ours.recv(limit), 1729)
      }
      assert.equal(listener.closed, true)
      await assert.rejects(listener.accept(), ClosedError)
      await assert.rejects(client(listener.address), { code: /ECONNREFUSED|ENOENT/ })
    })

    test('TestListenerClient.test_issue14725', { timeout: LIMIT }, async t => {
      const listener = await listening(t, make())
      const theirs = await client(listener.address)
      await theirs.send('hello')
      theirs.close()
      const ours = await listener.accept(limit)
      assert.equal(await ours.recv(limit), 'hello')
      await assert.rejects(ours.recv(limit), EOFError)
      ours.close()
    })

    test('TestListenerClient.test_issue16955', { timeout: LIMIT }, async t => {
      const [ours, theirs] = await connected(t, {}, make())
      await ours.send('hello')
      assert.equal(await theirs.poll(LIMIT), true)
      assert.equal(await theirs.recv(), 'hello')
    })
  })
}

describe('Listener', () => {
  test('TestListenerClient.test_listener_client', { timeout: LIMIT }, async t => {
    const listeners = await Promise.all(families.map(([, make]) => listening(t, make(), { authkey: KEY })))
    const target = { module: new URL('../fixtures/wire-visitor.js', import.meta.url), name: 'visit' }
    const child = new Process({ target, args: [listeners.map(({ address }) => address), KEY] })
    child.start()
    t.after(async () => {
      child.kill()
      await child.join(limit)
    })
    for (const listener of listeners) {
      const conn = await listener.accept(limit)
      assert.deepEqual(await conn.recv(limit), new Map([['pid', child.pid]]))
      assert.equal(peerPidOf(conn), typeof listener.address === 'string' ? child.pid : null)
      await conn.send([1, 2])
      assert.deepEqual(await conn.recv(limit), [1, 2])
      conn.close()
    }
    await child.join(limit)
    assert.equal(child.exitCode, 0)
  })

  test('without an address it is at a fresh path in a folder for this user alone, and leaves neither', async () => {
    const [one, other] = [await Listener.listen(), await Listener.listen()]
    assert.notEqual(one.address, other.address)
    const file = one.address as string
    assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700)
    assert.ok(statSync(file).isSocket())
    await one.close()
    await one.close()
    await other.close()
    assert.equal(existsSync(path.dirname(file)), false)
  })

  test('the file of a relative path is removed wherever the working directory is by then', async t => {
    const [before, folder] = [process.cwd(), mkdtempSync(path.join(tmpdir(), 'relative-'))]
    t.after(() => rmSync(folder, { recursive: true }))
    t.after(() => process.chdir(before))
    process.chdir(folder)
    const listener = await Listener.listen('here')
    process.chdir(before)
    assert.equal(listener.address, 'here')
    await listener.close()
    assert.deepEqual(readdirSync(folder), [])
  })

  test('TestListener.test_abstract_socket', { timeout: LIMIT }, async t => {
    const name = `\0${freshName('abstract')}`
    const listener = await listening(t, name)
    assert.equal(listener.address, name)
    await assert.rejects(client(`${name}\0`), { code: 'ECONNREFUSED' }) // no padding: the name has its own length
    const theirs = await client(name)
    ;(await listener.accept(limit)).close()
    theirs.close()
  })

  test('Listener.lastAccepted is where the last one came from', { timeout: LIMIT }, async t => {
    const [tcp, unix] = [await listening(t, anyPort()), await listening(t)]
    assert.equal(tcp.lastAccepted, null)
    for (const listener of [tcp, unix]) {
      const theirs = client(listener.address)
      ;(await listener.accept(limit)).close()
      ;(await theirs).close()
    }
    const [host, port] = tcp.lastAccepted as unknown as [string, number]
    assert.equal(host, '127.0.0.1')
    assert.ok(port > 0)
    assert.equal(unix.lastAccepted, null)
  })

  test('TestInvalidFamily.test_invalid_family, and other addresses that are none', async () => {
    for (const address of ['\\\\.\\test', '', '\0', 'x'.repeat(108), 'a\0b', ['::1', 5000], ['127.0.0.1', 65536]])
      for (const act of [Listener.listen, Client] as any[])
        await assert.rejects(act(address), ArgumentRangeError, JSON.stringify(address))
    for (const address of [7, null, ['127.0.0.1'], ['127.0.0.1', '80'], [1, 80], {}])
      for (const act of [Listener.listen, Client] as any[])
        await assert.rejects(act(address), ArgumentTypeError, JSON.stringify(address))
    await assert.rejects(Client(['127.0.0.1', 0]), ArgumentRangeError)
  })

  test('options that are none are refused before anything is opened', async () => {
    for (const option of [{ authkey: 7 }, { codec: 'json' }, { key: 'x' }, { requireModern: 1 }, { tls: 'yes' }])
      for (const act of [Listener.listen, Client] as any[])
        await assert.rejects(act('/nowhere/at/all', option), ArgumentTypeError, JSON.stringify(option))
    for (const option of [{ backlog: 0 }, { handshakeTimeout: 0 }])
      await assert.rejects(Listener.listen(undefined, option), ArgumentRangeError)
    await assert.rejects(Client('/nowhere/at/all', { timeout: -1 }), ArgumentRangeError)
    assert.throws(() => new (Listener as any)(), ArgumentTypeError)
  })

  test('TestListener.test_empty_authkey: other than in Python an empty key is refused, since it proves nothing', async () => {
    for (const authkey of ['', new Uint8Array()]) {
      await assert.rejects(Listener.listen(undefined, { authkey }), ArgumentRangeError)
      await assert.rejects(Client('/nowhere/at/all', { authkey }), ArgumentRangeError)
    }
  })

  test('a Client to nowhere rejects as Node does', async t => {
    await assert.rejects(Client('/nowhere/at/all'), { code: 'ENOENT', syscall: 'connect' })
    const listener = await listening(t, anyPort())
    const { address } = listener
    await listener.close()
    await assert.rejects(Client(address), { code: 'ECONNREFUSED' })
  })

  test('Listener.accept() takes nobody at its timeout or abort', { timeout: LIMIT }, async t => {
    const listener = await listening(t)
    await assert.rejects(listener.accept({ timeout: 0 }), TimeoutError)
    await assert.rejects(listener.accept({ timeout: 5 }), TimeoutError)
    await assert.rejects(listener.accept({ signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
    await assert.rejects(listener.accept({ signal: AbortSignal.abort('no') }), error => error === 'no')
    const theirs = await client(listener.address)
    await theirs.send(1)
    const ours = await listener.accept(limit)
    assert.equal(await ours.recv(limit), 1)
    ours.close()
    theirs.close()
  })

  test('Listener.close() sends away who was not accepted, and ends every accept() and wait()', {
    timeout: LIMIT,
  }, async t => {
    const listener = await listening(t)
    const theirs = await client(listener.address)
    await wait([listener], limit)
    const other = await listening(t, undefined, { authkey: KEY })
    const handshaking = client(other.address, KEY)
    const ends = [
      assert.rejects(other.accept(), ClosedError),
      assert.rejects(wait([other]), ClosedError),
      assert.rejects(handshaking),
      assert.rejects(theirs.recv(limit), EOFError),
    ]
    await listener.close()
    await other.close()
    await Promise.all(ends)
    theirs.close()
  })

  test('wait() gives a Listener when somebody is there to be accepted', { timeout: LIMIT }, async t => {
    const [one, other] = [await listening(t, undefined, { authkey: KEY }), await listening(t)]
    assert.deepEqual(await wait([one, other], { timeout: 5 }), [])
    const waiting = wait([one, other], limit)
    const theirs = client(one.address, KEY)
    assert.deepEqual(await waiting, [one])
    ;(await one.accept({ timeout: 0 })).close()
    ;(await theirs).close()
  })

  test('TestIgnoreEINTR.test_ignore_listener', { timeout: LIMIT }, async t => {
    const listener = await listening(t)
    const accepted = listener.accept(limit)
    const signalled = once(process, 'SIGWINCH')
    process.kill(process.pid, 'SIGWINCH')
    await signalled
    const theirs = await client(listener.address)
    ;(await accepted).close()
    theirs.close()
  })

  test('iterating accepts until close(), and leaves out who has another key', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY })
    const visitors = (async () => {
      await assert.rejects(client(listener.address, 'another'), AuthenticationError)
      const theirs = await client(listener.address, KEY)
      assert.equal(await theirs.recv(limit), 'welcome')
      theirs.close()
    })()
    for await (const conn of listener) {
      await conn.send('welcome')
      await assert.rejects(conn.recv(limit), EOFError)
      conn.close()
      void listener.close()
    }
    await visitors
  })
})

describe('Listener.accept() with a key', () => {
  test('rejects for one with another key, and the Listener goes on', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY })
    for (let i = 0; i < 2; i++) {
      const wrong = assert.rejects(client(listener.address, 'another'), AuthenticationError)
      await assert.rejects(listener.accept(limit), AuthenticationError)
      await wrong
    }
    const right = client(listener.address, KEY)
    ;(await listener.accept(limit)).close()
    ;(await right).close()
  })

  test('tells of one with another key also when it came before the call; once', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY })
    await assert.rejects(client(listener.address, 'another'), AuthenticationError)
    await assert.rejects(listener.accept(limit), AuthenticationError)
    await assert.rejects(listener.accept({ timeout: 5 }), TimeoutError)
  })

  test('gives the one with the right key, whoever had another one before', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY })
    await assert.rejects(client(listener.address, 'another'), AuthenticationError)
    const right = await client(listener.address, KEY)
    ;(await listener.accept(limit)).close()
    await assert.rejects(listener.accept({ timeout: 5 }), TimeoutError)
    right.close()
  })

  test('tells of one with another key when those who came with it are gone', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY })
    const silent = await stranger(t, listener.address)
    await assert.rejects(client(listener.address, 'another'), AuthenticationError)
    await assert.rejects(listener.accept({ timeout: 5 }), TimeoutError)
    const accepted = assert.rejects(listener.accept(limit), AuthenticationError)
    silent.destroy()
    await accepted
  })

  test('M5: is not delayed by peers that say nothing, too little, too much or something else, or leave', {
    timeout: LIMIT,
  }, async t => {
    const listener = await listening(t, anyPort(), { authkey: KEY })
    const hostile: ((socket: Awaited<ReturnType<typeof stranger>>) => void)[] = [
      () => {},
      socket => socket.write(Buffer.from([0])),
      socket => socket.write(Buffer.from([0, 0, 0, 40, 123])),
      socket => socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      socket => socket.write(framed(Buffer.alloc(257))),
      socket => socket.write(framed('')),
      socket => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      socket => socket.write(randomBytes(1000)),
      socket => socket.write(framed('#CHALLENGE#')),
      socket => socket.end(),
      socket => socket.destroy(),
      socket => socket.end(framed('{sha256}').subarray(0, 7)),
    ]
    for (const act of hostile) act(await stranger(t, listener.address))
    const right = client(listener.address, KEY)
    for await (const conn of listener) {
      conn.close()
      break
    }
    ;(await right).close()
  })

  test('sends away who takes too long, also byte by byte, after handshakeTimeout', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY, handshakeTimeout: 100 })
    const [silent, slow] = [await stranger(t, listener.address), await stranger(t, listener.address)]
    slow.write(Buffer.from([0, 0, 0, 200]))
    const drip = setInterval(() => slow.write('x'), 10)
    t.after(() => clearInterval(drip))
    await Promise.all([ended(silent), ended(slow)])
    await assert.rejects(listener.accept({ timeout: 5 }), TimeoutError)
  })

  test('sends away who leaves at each step, or sends nonsense there; nobody is let in by it', {
    timeout: LIMIT,
  }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY })
    const mac = (challenge: Buffer) =>
      Buffer.concat([Buffer.from('{sha256}'), createHmac('sha256', KEY).update(challenge).digest()])
    for (const step of [0, 1, 2, 3]) {
      for (const how of ['leaves', 'nonsense', 'oversize'] as const) {
        const socket = await stranger(t, listener.address)
        const messages = readMessages(socket)
        const steps = [
          async () => socket.write(framed(mac((await messages()).subarray('#CHALLENGE#'.length)))),
          async () => assert.equal(String(await messages()), '#WELCOME#'),
          async () => socket.write(framed(Buffer.concat([Buffer.from('#CHALLENGE#{sha256}'), randomBytes(40)]))),
        ]
        for (let i = 0; i < step; i++) await steps[i]()
        if (how === 'leaves') socket.end()
        else socket.write(framed(randomBytes(how === 'nonsense' ? 30 : 300)))
        await ended(socket)
      }
    }
    const right = client(listener.address, KEY)
    for await (const conn of listener) {
      conn.close()
      break
    }
    ;(await right).close()
    await assert.rejects(listener.accept({ timeout: 5 }), TimeoutError)
  })

  test('handshakes under way are bounded: the oldest makes way', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined, { authkey: KEY, handshakeTimeout: 2 * LIMIT })
    const first = await stranger(t, listener.address)
    const gone = ended(first)
    for (let i = 0; i < 256; i++) await stranger(t, listener.address)
    await gone
    const right = client(listener.address, KEY)
    ;(await listener.accept(limit)).close()
    ;(await right).close()
  })
})

/** The messages that come, one per call. */
function readMessages(socket: Awaited<ReturnType<typeof stranger>>): () => Promise<Buffer> {
  let come = Buffer.alloc(0)
  let told = () => {}
  socket.on('data', data => {
    come = Buffer.concat([come, data as Buffer])
    told()
  })
  return async () => {
    for (;;) {
      const length = come.length < 4 ? Infinity : come.readInt32BE() + 4
      if (come.length >= length) {
        const message = come.subarray(4, length)
        come = come.subarray(length)
        return message
      }
      await new Promise<void>(resolve => {
        told = resolve
      })
    }
  }
}

describe('Client', () => {
  test('rejects when this process has no descriptor left', { timeout: LIMIT }, async t => {
    const server = createServer(socket => void socket.on('error', () => {})).listen(0, '127.0.0.1')
    t.after(() => void server.close())
    await once(server, 'listening')
    const address = `['127.0.0.1', ${(server.address() as AddressInfo).port}]`
    const source = `
      import { closeSync, openSync } from 'node:fs'
      import { Client } from 'multiproc'
      ;(await Client(${address})).close() // loads what is needed
      const open = []
      try { for (;;) open.push(openSync('/dev/null')) } catch {}
      closeSync(open.pop()) // one for the socket, none for what is made of it
      await Client(${address}).then(() => {}, error => console.log('rejected:', error.message))
    `
    const limited = ['sh', '-c', 'ulimit -n 500; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', source]
    const { stdout } = await run(limited)
    assert.match(stdout, /^rejected: .*EMFILE/)
  })

  test('gives up at its timeout or abort, and leaves nothing', { timeout: LIMIT }, async t => {
    const listener = await listening(t, undefined)
    // nobody answers the handshake
    await assert.rejects(Client(listener.address, { authkey: KEY, timeout: 20 }), TimeoutError)
    await assert.rejects(Client(listener.address, { authkey: KEY, signal: AbortSignal.timeout(20) }), {
      name: 'TimeoutError',
    })
    await assert.rejects(Client(listener.address, { signal: AbortSignal.abort('no') }), error => error === 'no')
    for (let i = 0; i < 2; i++) {
      const conn = await listener.accept(limit)
      await assert.rejects(conn.recv(limit), EOFError)
      conn.close()
    }
  })

  test('with a key refuses a Listener that has none, and one that does not prove to have it', {
    timeout: LIMIT,
  }, async t => {
    const listener = await listening(t)
    const refused = assert.rejects(client(listener.address, KEY), AuthenticationError)
    const conn = await listener.accept(limit)
    await conn.sendBytes(Buffer.from('hello'))
    await refused
    const cheated = assert.rejects(client(listener.address, KEY), AuthenticationError)
    const cheat = await listener.accept(limit)
    await cheat.sendBytes(Buffer.concat([Buffer.from('#CHALLENGE#{sha256}'), randomBytes(40)]))
    await cheat.recvBytes(undefined, limit)
    await cheat.sendBytes(Buffer.from('#WELCOME#'))
    await cheat.recvBytes(undefined, limit)
    await cheat.sendBytes(randomBytes(40))
    await cheated
    assert.equal(Buffer.from(await cheat.recvBytes(undefined, limit)).toString(), '#FAILURE#')
    for (const one of [conn, cheat]) one.close()
  })

  test('says so when the Listener ends the connection during the handshake', { timeout: LIMIT }, async t => {
    const listener = await listening(t)
    const ends = assert.rejects(client(listener.address, KEY), (error: Error) => {
      return error instanceof EOFError && /handshake/.test(error.message)
    })
    ;(await listener.accept(limit)).close()
    await ends
  })
})
