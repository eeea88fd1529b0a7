// Managers of both languages, and clients of both, with real CPythons on the other side.
import assert from 'node:assert/strict'
import { after, before, describe, test as unbounded } from 'node:test'
import {
  AuthenticationError,
  EmptyError,
  InvalidStateError,
  type JoinableQueueProxy,
  type LockProxy,
  MultiprocError,
  Process,
  type PythonError,
  type QueueProxy,
  RemoteError,
  ShareableList,
  SharedMemory,
  SharedMemoryManager,
  SyncManager,
  TimeoutError,
} from 'multiproc'
import { Peer } from '../support/python-peer.ts'
import { type Python, pythons } from '../support/pythons.ts'

if (pythons.length === 0) unbounded('CPython', { skip: 'there is no CPython from 3.8 on' }, () => {})

/** ms: no wait is longer; none depends on how long it is. */
const LIMIT = 20_000
const KEY = 'the key'
const fixture = (name: string) => ({ module: new URL('../fixtures/remote-manager.js', import.meta.url), name })

class Managers extends SyncManager {}
Managers.register('Counter', fixture('makeCounter'))

function test(title: string, run: () => Promise<void>): void {
  void unbounded(title, { timeout: LIMIT }, run)
}

const limit = { timeout: LIMIT }

/** Asks again and again: for what shows itself a moment after it happened, and tells nobody. */
async function until(what: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT
  while (!(await what())) {
    assert.ok(Date.now() < end, `not so after ${LIMIT} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

describe('managers of Node and of CPython', { concurrency: 2 }, () => {
  test('a manager with an address of TCP serves Python', async () => {
    const manager = new Managers({ authkey: KEY, address: ['127.0.0.1', 0] })
    await manager.start()
    const jobs = await manager.JoinableQueue()
    await manager.publish('jobs', jobs)
    const peer = new Peer(pythons[0], 'manager_peer.py', 1, LIMIT)
    assert.equal((await peer.ask('base_manager', manager.address)).length, 14)
    await leftUnread(peer, manager, jobs)
    assert.deepEqual(await peer.end(), [0, null])
    await manager.shutdown()
  })

  for (const python of pythons) describe(`CPython ${python.name}`, { concurrency: 1 }, () => withPython(python))
})

function withPython(python: Python): void {
  let peer: Peer
  let manager: Managers
  let jobs: JoinableQueueProxy<any>
  let told: QueueProxy<any>
  let gate: LockProxy

  before(async () => {
    peer = new Peer(python, 'manager_peer.py', 1, LIMIT)
    manager = new Managers({ authkey: KEY })
    await manager.start()
    jobs = await manager.JoinableQueue()
    told = await manager.Queue()
    gate = await manager.Lock()
    await Promise.all([
      manager.publish('jobs', jobs),
      manager.publish('told', told),
      manager.publish('gate', gate),
      manager.publish('shared', await manager.dict()),
    ])
  })
  after(async () => {
    await manager.shutdown()
    assert.deepEqual(await peer.end(), [0, null])
  })

  // ── Python's clients ──

  test('a BaseManager of Python uses a queue and an object of a class of the user, by the methods that are exposed', async () => {
    assert.deepEqual(await peer.ask('base_manager', manager.address), [
      1,
      true,
      EMPTY,
      EMPTY,
      EMPTY,
      true,
      7,
      10,
      10,
      false,
      'RemoteError',
      'ValueError: the counter says no',
      '<Counter>',
      'AttributeError',
    ])
  })

  test("an error that Python does not know arrives as RemoteError with the server's stack", async () => {
    const text = await peer.ask('failure', manager.address)
    assert.match(text, /Odd: only JavaScript knows me/)
    assert.match(text, /at Counter\.failOddly .*remote-manager\.js/)
  })

  test('a SyncManager of Python uses a dict, a list, a Namespace, a Value and an Array as its own', async () => {
    assert.deepEqual(await peer.ask('containers', manager.address), {
      dict: ["{'a': 1, 'b': [1, (2, 3)], 'c': None}", 3, true, ['a', 'b', 'c'], true],
      iterated: ['a', 'b', 'c'],
      missing: ["KeyError: 'zz'", 7, null, 5],
      list: [[1, 9, 9, 3, 5, 7], 6, [1, 9, 9, 3, 5, 7], 1, 0, 'IndexError: list index out of range'],
      namespace: [1, 2, 'AttributeError', 'Namespace(x=1, y=2)'],
      typed: [6, [9, 2, 3], 3],
    })
  })

  test('locks, semaphores, conditions, events and barriers answer to a SyncManager of Python', async () => {
    assert.deepEqual(await peer.ask('locks', manager.address), [
      false,
      'RuntimeError: release unlocked lock',
      true,
      true,
      null,
      null,
      'RuntimeError: cannot release un-acquired lock',
      true,
      false,
      null,
      'ValueError: Semaphore released too many times',
      false,
      true,
      true,
      0,
      1,
    ])
  })

  test('proxies inside values are live, both ways', async () => {
    const shared = await manager.create('shared')
    const mine = await manager.list(['node was here'])
    await shared.set('from node', mine)
    assert.deepEqual(await peer.ask('nested', manager.address), ['ListProxy', [1, 2], 2])
    assert.deepEqual(await mine.copy(), ['node was here', 'python was here'])
    assert.deepEqual(await (await shared.get('from python')).copy(), [1, 2])
  })

  test('references of Python are counted: what it drops is gone', async () => {
    assert.deepEqual(await peer.ask('everything', manager.address), [[true, true, true], [false, false, false], true])
  })

  test('a Python with another key is refused', async () => {
    assert.equal(await peer.ask('wrong_key', manager.address), 'AuthenticationError')
  })

  // ── deaths ──

  test('a Python that is killed gives back its lock, its item and its references', async () => {
    await jobs.put('the item')
    const pid = await peer.ask('hold', manager.address)
    const [item, ident] = await told.get(limit)
    assert.equal(item, 'the item')
    assert.equal(await peer.ask('is_there', manager.address, ident), true)
    assert.equal(await gate.locked(), true)
    const waiting = gate.acquire(limit)
    assert.equal(await peer.ask('kill', pid), 9)
    const held = await waiting
    assert.equal(held.abandoned, true)
    await held.release()
    assert.equal(await jobs.get(limit), 'the item')
    await jobs.taskDone()
    await until(async () => !(await peer.ask('is_there', manager.address, ident)))
  })

  test('a Python that is killed in get() takes nothing with it', async () => {
    const pid = await peer.ask('wait_in_get', manager.address)
    assert.equal(await told.get(limit), 'waiting')
    assert.equal(await peer.ask('kill', pid), 9)
    await jobs.put('A')
    await jobs.put('B')
    assert.deepEqual([await jobs.get(limit), await jobs.get(limit)].sort(), ['A', 'B'])
    await jobs.taskDone()
    await jobs.taskDone()
    await jobs.join(limit)
  })

  test('an answer that was not read when the connection ended counts as not given', () =>
    leftUnread(peer, manager, jobs))

  test('Python and Node drain one JoinableQueue, one of each is killed, and nothing is lost', async () => {
    const items = Array.from({ length: 40 }, (_, i) => i)
    for (const item of items) await jobs.put(item)
    const start = (name: string) => {
      const started = new Process({ target: fixture(name), args: [jobs, told], daemon: true })
      started.start()
      return started
    }
    const victim = await peer.ask('hold', manager.address)
    const nodeVictim = start('holdOne')
    await told.get(limit)
    await told.get(limit) // both have an item in hand
    const node = start('work')
    const other = await peer.ask('work', manager.address)
    const done: unknown[] = []
    const take = async () => done.push((await told.get(limit))[1])
    for (let i = 0; i < 10; i++) await take()
    assert.equal(await peer.ask('kill', victim), 9)
    nodeVictim.kill()
    while (done.length < items.length) await take()
    assert.deepEqual(
      done.sort((a, b) => Number(a) - Number(b)),
      items,
    )
    await jobs.put(null)
    await jobs.put(null)
    assert.equal(await peer.ask('wait', other), 0)
    await node.join(limit)
    assert.equal(node.exitCode, 0)
    await jobs.join(limit)
    const held = await gate.acquire(limit) // of the victim
    assert.equal(held.abandoned, true)
    await held.release()
  })

  // ── a server in Python ──

  test('a queue, a dict and objects that Python hosts have the proxies of this package', async () => {
    const [pid, port] = await peer.ask('serve')
    const there = new SyncManager({ address: ['127.0.0.1', port], authkey: KEY })
    await there.connect()
    const queue = await there.create('get_queue')
    await queue.put({ n: [1, 2n ** 70n, 'x'] })
    assert.deepEqual(await queue.get(limit), new Map([['n', [1, 2n ** 70n, 'x']]]))
    await assert.rejects(queue.getNowait(), EmptyError)
    await assert.rejects(queue.get({ timeout: 10 }), TimeoutError)
    const { signal, abort } = abortable()
    const given = queue.get({ signal })
    abort()
    await assert.rejects(given, { message: 'given up' })
    await queue.put('kept')
    assert.equal(await queue.get(limit), 'kept')
    for (let i = 0; i < 2; i++) await queue.taskDone()
    await queue.join(limit)

    const dict = await there.create('get_dict')
    await dict.set('a', 1)
    assert.deepEqual([await dict.get('a'), await dict.get('z'), await dict.has('a')], [1, undefined, true])
    assert.deepEqual([await dict.delete('a'), await dict.delete('a'), await dict.size()], [true, false, 0])
    await dict.update({ x: 1, y: 2 })
    assert.deepEqual(await dict.copy(), new Map(Object.entries({ x: 1, y: 2 })))
    await assert.rejects(dict.__getitem__('z'), (error: PythonError) => error.pythonName === 'KeyError')

    const list = await there.list<unknown>([3, 1, 2])
    assert.deepEqual([await list.push(7, 8), await list.pop(), await list.shift(), await list.unshift(0)], [5, 8, 3, 4])
    assert.deepEqual(await list.splice(1, 2, 'x', 'y', 'z'), [1, 2])
    assert.deepEqual(await list.copy(), [0, 'x', 'y', 'z', 7])
    assert.deepEqual([await list.at(-1), await list.at(9), await list.indexOf('no')], [7, undefined, -1])
    await list.clear()
    assert.deepEqual([await list.pop(), await list.shift(), await list.length()], [undefined, undefined, 0])
    await dict.set('nested', list)
    await (await dict.get('nested')).push('through another')
    assert.deepEqual(await list.copy(), ['through another'])

    const rlock = await there.RLock()
    const [one, two] = [await rlock.acquire(limit), await rlock.acquire(limit)]
    await two.release()
    await one.release()
    await assert.rejects(rlock.release(), InvalidStateError)
    const condition = await there.Condition()
    const held = await condition.acquire(limit)
    const woken = condition.wait(limit)
    const second = await condition.acquire(limit)
    await condition.notify()
    await second.release()
    await woken
    await held.release()
    const namespace = await there.Namespace<Record<string, unknown>>({ x: 1 })
    await namespace.set('y', 2)
    assert.deepEqual(
      [await namespace.get('x'), await namespace.get('z'), await namespace.delete('z')],
      [1, undefined, false],
    )

    const greeter = await there.create('Greeter')
    assert.equal(await greeter.hello('you', 2), 'hello hello you')
    await assert.rejects(greeter.fail(), (error: PythonError) => error.pythonName === 'KeyError')
    assert.equal(greeter._hidden, undefined)
    await assert.rejects(there.create('Nothing'), RemoteError)

    const before = await there.numberOfObjects()
    for (const proxy of [list, rlock, condition, namespace, greeter]) proxy.close()
    await until(async () => (await there.numberOfObjects()) <= before - 4) // the list is in the dict

    const pending = assert.rejects(queue.get(), named(port))
    assert.equal(await peer.ask('kill', pid), 9)
    await pending
    await assert.rejects(queue.qsize(), named(port))
    await assert.rejects(there.create('get_queue'), named(port))
    await there.shutdown()
    const wrong = new SyncManager({ address: ['127.0.0.1', port], authkey: KEY })
    await assert.rejects(wrong.connect(), { code: 'ECONNREFUSED' })
  })

  test('a server in Python refuses another key', async () => {
    const [pid, port] = await peer.ask('serve')
    await assert.rejects(
      new SyncManager({ address: ['127.0.0.1', port], authkey: 'another' }).connect(),
      AuthenticationError,
    )
    assert.equal(await peer.ask('kill', pid), 9)
  })

  // ── shared memory ──

  test('Node and Python fill one SharedMemory in turns', async () => {
    const times = 20
    using block = new SharedMemory({ create: true, size: 2 * times })
    for (let i = 0; i < times; i++) block.buf[2 * i] = i
    const filled = peer.ask('fill', manager.address, block.name, 100, times)
    for (let i = 0; i < times; i++) {
      assert.equal(await told.get(limit), i)
      assert.equal(await told.get(limit), 'written')
      assert.equal(block.buf[2 * i + 1], i + 100)
      await jobs.put('go on')
    }
    await filled
    block.unlink() // it is still there: Python was told to leave it to us
  })

  test('SharedMemory and ShareableList in values arrive attached, both ways', async () => {
    const shared = await manager.create('shared')
    const block = new SharedMemory({ create: true, size: 100 })
    const list = new ShareableList([1, 'two'])
    block.buf[0] = 42
    await shared.set('block', block)
    await shared.set('list', list)
    const hasLists = python.version >= 309
    const found = await peer.ask('values', manager.address, hasLists)
    assert.deepEqual(found, hasLists ? ['SharedMemory', 42, [1, 'two']] : ['SharedMemory', 42])
    if (hasLists) assert.deepEqual([...(await shared.get('list back'))], [1, 'two'])
    const back = await shared.get('back')
    assert.equal(back.name, block.name)
    assert.equal(back.buf[1], 77)
    await shared.clear()
    for (const shm of [block, list.shm, back]) shm.close()
    block.unlink()
    list.shm.unlink()
  })

  test("Python's SharedMemoryManager makes blocks for a server in Node, which removes them when it is shut down", async () => {
    const segments = new SharedMemoryManager({ authkey: KEY })
    await segments.start()
    const [name, list] = await peer.ask('segments', segments.address)
    assert.equal(new SharedMemory({ name }).buf[0], 5)
    assert.deepEqual([...new ShareableList(null, { name: list })], [1, 'two', null])
    await segments.shutdown()
    for (const gone of [name, list])
      assert.throws(() => new SharedMemory({ name: gone }), { name: 'FileNotFoundError' })
  })

  test("SharedMemoryManager makes blocks for Python's server, which removes them when it is shut down", async () => {
    const [pid, port] = await peer.ask('serve_segments')
    const segments = new SharedMemoryManager({ address: ['127.0.0.1', port], authkey: KEY })
    await segments.connect()
    const block = await segments.SharedMemory(10)
    const list = await segments.ShareableList([1, 2])
    assert.deepEqual([...new ShareableList(null, { name: list.shm.name })], [1, 2])
    await segments.shutdown()
    assert.equal(new SharedMemory({ name: block.name }).size >= 10, true)
    await peer.ask('shut_down', port)
    await peer.ask('wait', pid)
    assert.throws(() => new SharedMemory({ name: block.name }), { name: 'FileNotFoundError' })
  })
}

/** Nothing of it is read, and it is not in the hand of one that is gone: it is delivered for the first time. */
async function leftUnread(peer: Peer, manager: SyncManager, jobs: JoinableQueueProxy<unknown>): Promise<void> {
  const queue = await manager.Queue()
  await manager.publish('jobs', queue)
  await queue.put('the item')
  assert.equal(await peer.ask('leave_unread', manager.address), true)
  assert.equal(await queue.get(limit), 'the item')
  await manager.publish('jobs', jobs)
}

const EMPTY = 'Empty: Expected an item in the queue, but it is empty'

function named(port: number) {
  return (error: unknown) => error instanceof MultiprocError && error.message.includes(`127.0.0.1:${port}`)
}

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(new Error('given up')) }
}
