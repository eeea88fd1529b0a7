// Managers that are reached through their sockets: from other programs, and over TLS.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { after, test as unbounded } from 'node:test'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  AuthenticationError,
  BaseManager,
  Client,
  ClosedError,
  dumps,
  InvalidStateError,
  Manager,
  MultiprocError,
  NotSerializableError,
  Queue,
  RemoteError,
  SyncManager,
  tuple,
  UnpicklingError,
} from 'multiproc'
import { cert, key } from '../fixtures/certificate.js'
import { LIMIT } from './support.js'

const KEY = 'the key'
const limit = { timeout: LIMIT }

function test(title: string, run: () => Promise<void>): void {
  void unbounded(title, { timeout: LIMIT }, run)
}

class Managers extends SyncManager {}
Managers.register(
  'Counter',
  { module: new URL('../fixtures/remote-manager.js', import.meta.url), name: 'makeCounter' },
  { exposed: ['add', 'value', 'fail'] },
)

const manager = new Managers({ authkey: KEY, address: ['127.0.0.1', 0] })
await manager.start()
after(() => manager.shutdown())

async function connected(): Promise<SyncManager> {
  const there = new SyncManager({ address: manager.address, authkey: KEY })
  await there.connect()
  return there
}

const there = await connected()
after(() => there.shutdown())

async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise(resolve => setTimeout(resolve, 5)) // the test has a limit
}

test('TestRemoteManager.test_remote — an explicit address and key; text, bytes and numbers survive; what cannot be pickled is an error', async () => {
  const queue = await there.Queue()
  const values = ['hello world', 'All the best…', Uint8Array.of(1, 2, 0xff), null, true, 2.25, 10n ** 20n, [1, ['a']]]
  for (const value of values) await queue.put(value)
  for (const value of values) assert.deepEqual(await queue.get(limit), value)
  await assert.rejects(
    queue.put(() => 1),
    NotSerializableError,
  )
  await assert.rejects(queue.put(new Queue()), NotSerializableError)
  assert.equal(await queue.qsize(), 0)
})

test('TestManagerRestart.test_rapid_restart — a manager starts at once on the address of one that was shut down', async () => {
  const first = await Manager({ address: ['127.0.0.1', 0], authkey: KEY })
  const { address } = first
  await first.shutdown()
  const second = await Manager({ address, authkey: KEY })
  assert.deepEqual(second.address, address)
  await assert.rejects(Manager({ address, authkey: KEY }), (error: Error) => /EADDRINUSE/.test(String(error)))
  await second.shutdown()
})

test('connect() takes the key of currentProcess() where none is given, as start() does', async () => {
  const one = await Manager()
  const other = new SyncManager({ address: one.address })
  await other.connect()
  assert.deepEqual(await (await other.list([1])).copy(), [1])
  await other.shutdown()
  await one.shutdown()
})

test('connect() with another key, nowhere, twice, or without an address rejects', async () => {
  await assert.rejects(new SyncManager({ address: manager.address, authkey: 'another' }).connect(), AuthenticationError)
  await assert.rejects(new SyncManager({ address: '/nowhere/at/all', authkey: KEY }).connect(), { code: 'ENOENT' })
  await assert.rejects(new SyncManager({ authkey: KEY }).connect(), ArgumentTypeError)
  await assert.rejects(there.connect(), InvalidStateError)
  assert.throws(() => new SyncManager({ authkey: '' }), ArgumentRangeError)
  assert.throws(() => new BaseManager({ address: 5 as never }), ArgumentTypeError)
})

test('create() after connect() needs no register() here; only what is exposed can be called', async () => {
  const counter = await there.create('Counter', 5)
  assert.equal(await counter.add(2), 7)
  assert.equal(counter.failOddly, undefined)
  await assert.rejects(counter.fail(), (error: Error) => error.message === 'the counter says no')
  await assert.rejects(there.create('Nothing'), RemoteError)
})

test('publish() gives an object a name by which others get that very object', async () => {
  const mine = await manager.dict({ a: 1 })
  await manager.publish('scores', mine)
  const theirs = await there.create('scores')
  await theirs.set('b', 2)
  assert.deepEqual(await mine.keys(), ['a', 'b'])
  const again = await manager.list()
  await manager.publish('scores', again)
  assert.equal(await (await there.create('scores')).push(1), 1)
  await assert.rejects(manager.publish('scores', 5 as never), ArgumentTypeError)
})

test('many calls may be under way, and a blocking one delays nobody', async () => {
  const queue = await there.Queue()
  const waiting = Array.from({ length: 20 }, () => queue.get(limit))
  assert.equal(await queue.qsize(), 0)
  for (let i = 0; i < 20; i++) await queue.put(i)
  assert.deepEqual(
    (await Promise.all(waiting)).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('an aborted get() takes nothing', async () => {
  const queue = await there.Queue()
  for (let i = 0; i < 20; i++) {
    const controller = new AbortController()
    const got = queue.get({ signal: controller.signal }).catch(error => error)
    const put = queue.put(i)
    controller.abort(new Error('given up'))
    const outcome = await got
    await put
    if (outcome !== i) assert.deepEqual([outcome.message, await queue.get(limit)], ['given up', i])
  }
  assert.equal(await queue.qsize(), 0)
})

test('an RLock belongs to the program, whatever connection its calls take', async () => {
  const lock = await there.RLock()
  const [one, two] = await Promise.all([lock.acquire(limit), lock.acquire(limit)])
  assert.equal(await lock.locked(), true)
  const other = await connected()
  await manager.publish('lock', await manager.RLock())
  const [mine, theirs] = [await there.create('lock'), await other.create('lock')]
  const held = await mine.acquire(limit)
  assert.equal(await theirs.tryAcquire(), null)
  await assert.rejects(theirs.release(), InvalidStateError)
  await held.release()
  await one.release()
  await two.release()
  assert.equal(await lock.locked(), false)
  await other.shutdown()
})

test('a program that leaves gives back its locks, its items and its references', async () => {
  const [jobs, gate] = [await manager.JoinableQueue(), await manager.Lock()]
  await manager.publish('jobs', jobs)
  await manager.publish('gate', gate)
  await jobs.put('work')
  const before = await manager.numberOfObjects()
  const other = await connected()
  const [theirs, lock] = [await other.create('jobs'), await other.create('gate')]
  await other.list([1])
  assert.equal(await theirs.get(limit), 'work')
  await lock.acquire(limit)
  const [item, held] = [jobs.get(limit), gate.acquire(limit)]
  await other.shutdown()
  assert.equal(await item, 'work')
  assert.equal((await held).abandoned, true)
  await assert.rejects(theirs.qsize(), ClosedError)
  await until(async () => (await manager.numberOfObjects()) <= before) // less, when what an earlier test dropped goes
})

test('close() of a proxy gives its reference back, and of one that is nested the object lives on', async () => {
  const before = await there.numberOfObjects()
  const dict = await there.dict()
  const list = await there.list([1])
  await dict.set('list', list)
  list.close()
  await assert.rejects(list.copy(), ClosedError)
  const again = await dict.get('list')
  assert.equal(await again.push(2), 2)
  again.close()
  assert.deepEqual(await (await dict.get('list')).copy(), [1, 2])
  dict.close()
  await until(async () => (await there.numberOfObjects()) <= before + 1)
})

test('a proxy of a manager elsewhere says that it cannot travel through a queue of this family', async () => {
  const queue = new Queue()
  await assert.rejects(async () => queue.put(await there.list()), NotSerializableError)
  queue.close()
})

test('what is no request, and what cannot be unpickled, is answered with text, and harms nobody', async () => {
  const open = () => Client(manager.address, { authkey: KEY, ...limit })
  for (const wrong of [
    'nonsense',
    tuple(null, 'no such function', tuple(), new Map()),
    tuple(null, 'incref', tuple('ff'), new Map()),
  ]) {
    const client = await open()
    await client.send(wrong)
    assert.equal(((await client.recv(limit)) as unknown[])[0], '#TRACEBACK')
    client.close()
  }
  const client = await open()
  await client.send(tuple(null, 'accept_connection', tuple('me'), new Map()))
  assert.deepEqual([...((await client.recv(limit)) as unknown[])], ['#RETURN', null])
  await client.sendBytes(dumps('x').subarray(0, 3))
  assert.equal(((await client.recv(limit)) as unknown[])[0], '#TRACEBACK')
  await client.send(tuple('ff', 'get', tuple(), new Map()))
  assert.equal(((await client.recv(limit)) as unknown[])[0], '#TRACEBACK')
  client.close()
  assert.ok(new UnpicklingError('x') instanceof MultiprocError)
  assert.deepEqual(await (await there.list([1])).copy(), [1])
})

test('over TLS', async () => {
  const one = await Manager({ address: ['127.0.0.1', 0], authkey: KEY, tls: { key, cert } })
  const other = new SyncManager({ address: one.address, authkey: KEY, tls: { ca: cert } })
  await other.connect()
  const list = await other.list(['secret'])
  assert.deepEqual(await list.copy(), ['secret'])
  await other.shutdown()
  await one.shutdown()
})

test('the server that is killed: every call under way and every later one rejects at once with an error that names it', async () => {
  const one = await Manager({ authkey: KEY })
  const { address } = one
  const other = new SyncManager({ address, authkey: KEY })
  await other.connect()
  const queue = await other.Queue()
  const waiting = [queue.get(), queue.get(), (await other.Event()).wait()]
  for (const call of waiting) call.catch(() => {}) // all at once
  process.kill(one.pid!, 'SIGKILL')
  const named = (error: Error) => error instanceof MultiprocError && error.message.includes(String(address))
  for (const call of waiting) await assert.rejects(call, named)
  await assert.rejects(queue.qsize(), named)
  await assert.rejects(other.create('list'), named)
  await other.shutdown()
  await one.shutdown()
  assert.ok(!existsSync(path.dirname(String(address))))
})
