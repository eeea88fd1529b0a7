// Managers: their life, types of the user's own, and errors.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { inspect } from 'node:util'
import { BaseManager, getContext, Manager, Queue, SyncManager } from 'multiproc'
import { LIMIT, target, test, until } from './support.js'

class MyManager extends SyncManager {}
MyManager.register('Counter', target('makeCounter'))
MyManager.register('Some', target('makeCounter'), { exposed: ['value', '_hidden'] })
MyManager.register('Class', target('Counter'))
MyManager.register('Late', target('makeLate'))
MyManager.register('Broken', target('makeBroken'))
MyManager.register('User', target('makeUser'))
MyManager.register('Namesake', target('Namesake'))
MyManager.register('Keeper', target('Keeper'))
MyManager.register('Lacks', target('Counter'), { exposed: ['value', 'missing'] })

const manager = new MyManager()
await manager.start()
after(() => manager.shutdown())

test('TestMyManager.test_mymanager', async () => {
  await using own = new MyManager()
  await own.start()
  const { pid } = own
  const all = await own.create('Counter', 5)
  assert.equal(await all.increment(), 6)
  assert.equal(all._hidden, undefined)
  const some = await own.create('Some')
  assert.equal(some.increment, undefined)
  assert.equal(await some._hidden(), 'seen')
  const iterator = await (await own.dict({ a: 1, b: 2 })).__iter__()
  const seen: unknown[] = []
  for await (const key of iterator) seen.push(key)
  assert.deepEqual(seen, ['a', 'b'])
  await own.shutdown()
  assert.throws(() => process.kill(pid as number, 0), { code: 'ESRCH' })
})

test('TestMyManager.test_mymanager_context', async () => {
  let pid: number | undefined
  {
    await using own = new MyManager()
    await own.start()
    pid = own.pid
    assert.equal(await (await own.create('Counter')).value(), 0)
  }
  assert.throws(() => process.kill(pid as number, 0), { code: 'ESRCH' })
})

test('TestMyManager.test_mymanager_context_prestarted', async () => {
  const own = await Manager()
  {
    await using scoped = own
    assert.equal(await (await scoped.list([1])).length(), 1)
  }
  await assert.rejects(own.list(), { code: 'ERR_MULTIPROC_CLOSED' })
})

test('BaseManager refuses what comes at the wrong moment', async () => {
  const own = new BaseManager()
  await assert.rejects(own.create('x'), { code: 'ERR_MULTIPROC_INVALID_STATE', message: /start\(\)/ })
  await assert.rejects(own.shutdown(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
  await own[Symbol.asyncDispose]()
  await assert.rejects(manager.start(), { code: 'ERR_MULTIPROC_INVALID_STATE', message: /starts once/ })
  assert.throws(() => new BaseManager(5 as never), TypeError)
  assert.throws(() => BaseManager.register('', target('makeCounter')), TypeError)
  assert.throws(() => BaseManager.register('x', 5 as never), TypeError)
  assert.throws(() => BaseManager.register('x', target('makeCounter'), { exposed: 'get' as never }), TypeError)
})

test('BaseManager.start() refuses a type whose factory another process could not find, and starts nothing', async () => {
  class Wrong extends BaseManager {}
  Wrong.register('x', target('noSuchExport'))
  const own = new Wrong()
  await assert.rejects(own.start(), { code: 'ERR_MULTIPROC_INVALID_TARGET' })
  assert.equal(own.pid, undefined)
})

test('register() on a class does not reach the class it is derived from', async () => {
  class Derived extends MyManager {}
  Derived.register('Own', target('makeCounter'))
  await using own = new Derived()
  await own.start()
  assert.equal(await (await own.create('Own', 3)).value(), 3)
  assert.equal(await (await own.create('Counter', 4)).value(), 4)
  await assert.rejects(manager.create('Own'), { code: 'ERR_MULTIPROC_INVALID_STATE', message: /Own/ })
})

test('a BaseManager has no types but those registered', async () => {
  class Bare extends BaseManager {}
  Bare.register('Counter', target('makeCounter'))
  await using own = new Bare()
  await own.start()
  await assert.rejects(own.create('dict'), { code: 'ERR_MULTIPROC_INVALID_STATE', message: /Counter/ })
})

test('a factory may be a class, and may give a promise', async () => {
  assert.equal(await (await manager.create('Class', 2)).increment(2), 4)
  assert.equal(await (await manager.create('Late')).value(), 100)
})

test('a proxy of a type of the user has its exposed methods and what is not exposed is refused by the server', async () => {
  const counter = await manager.create('Counter')
  assert.equal(counter.then, undefined)
  assert.equal(await counter.later(), 'later')
  assert.equal(counter.constructor.name, 'CounterProxy')
  // the server refuses by itself what the proxy does not have
  await assert.rejects(counter.ask('_hidden', []), { message: /exposes .*increment/ })
  await assert.rejects(counter.ask('constructor', []), { message: /exposes/ })
})

test('what a method throws arrives as it was thrown, with the stacks of both sides', async () => {
  const counter = await manager.create('Counter')
  await assert.rejects(
    async function asker() {
      await counter.fail()
    },
    (error: Error) => {
      assert.ok(error instanceof RangeError)
      assert.equal(error.message, 'the counter says no')
      assert.match(error.stack as string, /fixtures.manager\.js/)
      assert.match(error.stack as string, /called from pid \d+:[\s\S]*asker/)
      return true
    },
  )
  await assert.rejects(counter.failWith({ not: 'an error' }), (error: any) => {
    assert.equal(error.code, 'ERR_MULTIPROC_REMOTE')
    assert.deepEqual(error.cause, { not: 'an error' })
    return true
  })
  await assert.rejects(manager.create('Broken'), { name: 'TypeError', message: 'cannot be made' })
  assert.equal(await counter.value(), 0)
})

test('an object of the user may use the proxies that it is given, inside the server', async () => {
  const user = await manager.create('User')
  const dict = await manager.dict({ a: 1 })
  assert.equal(await user.addTo(dict, 'a'), 2)
  assert.equal(await dict.get('a'), 2)
})

test('a manager does not travel', async () => {
  const list = await manager.list<unknown>()
  await assert.rejects(list.push(manager), { code: 'ERR_MULTIPROC_NOT_SERIALIZABLE' })
})

test('getContext().Manager() starts the server in the way of the context', async () => {
  await using own = await getContext('thread').Manager()
  assert.ok(own instanceof SyncManager)
  assert.notEqual(own.pid, process.pid) // a server is a process, always
  assert.equal(await (await own.list([1])).at(0), 1)
})

test('another manager can be started as soon as one was shut down, which may be done twice', async () => {
  const first = await Manager()
  await first.shutdown()
  await first.shutdown()
  await using second = await Manager()
  assert.notEqual(second.pid, first.pid)
  assert.equal(await (await second.list([1])).length(), 1)
})

test('a type of the user may have methods of any name, and its proxy still shows what it is', async () => {
  const proxy = await manager.create('Namesake')
  assert.deepEqual(await proxy.ask(1), ['ask', 1])
  assert.deepEqual(await proxy.call(2), ['call', 2])
  assert.equal(await proxy.toString(), 'a text of the object')
  assert.match(`${proxy}`, /^<NamesakeProxy of Namesake \d+>$/)
  assert.match(inspect(proxy), /^<NamesakeProxy of Namesake \d+>$/)
})

test('a method that is exposed and that the object does not have is refused by name', async () => {
  const lacks = await manager.create('Lacks')
  await assert.rejects(lacks.missing(), { code: 'ERR_MULTIPROC', message: /Lacks.*`missing`/ })
  assert.equal(await lacks.value(), 0)
})

test('an object that only another one of the user had is there again for whoever is sent its proxy', async () => {
  await using own = new MyManager() // in which no object goes meanwhile that an earlier test has dropped
  await own.start()
  const keeper = await own.create('Keeper')
  const list = await own.list([1, 2])
  const others = await own.numberOfObjects()
  await keeper.keep(list)
  list.close()
  await until('nobody outside to have it', async () => (await own.numberOfObjects()) === others - 1)
  const queue = new Queue<any>()
  await keeper.send(queue)
  const again = await queue.get({ timeout: LIMIT })
  assert.deepEqual(await again.copy(), [1, 2])
  assert.equal(await own.numberOfObjects(), others)
})
