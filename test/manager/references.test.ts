// How long objects live: as long as anybody has a proxy of them.
import assert from 'node:assert/strict'
import { Queue } from 'multiproc'
import { collectGarbage } from '#src/os/garbage.js'
import { LIMIT, launch, managerOfFile, test, until } from './support.js'

const manager = await managerOfFile()

const count = () => manager.numberOfObjects()

test('an object goes with close() of its only proxy', async () => {
  const before = await count()
  const proxies = await Promise.all([manager.list(), manager.dict(), manager.Queue()])
  assert.equal(await count(), before + 3)
  for (const proxy of proxies) proxy.close()
  assert.equal(await count(), before) // sent after them
})

test('an object goes when its only proxy is collected', async () => {
  const before = await count()
  await (async () => {
    for (let i = 0; i < 50; i++) await manager.list([i])
  })()
  await until('the proxies to be collected', async () => {
    await new Promise(resolve => setImmediate(resolve))
    collectGarbage()
    return (await count()) === before
  })
})

test('an object stays as long as a message carries its proxy, and goes with the message', async () => {
  const before = await count()
  const queue = new Queue<any>()
  const list = await manager.list([1])
  queue.putSync(list)
  list.close()
  assert.equal(await count(), before + 1)
  const again = queue.getSync()
  assert.equal(await again.at(0), 1)
  queue.putSync(again)
  again.close()
  queue.shutdown({ immediate: true })
  await until('the object to go', async () => (await count()) === before)
})

test('the objects of a client that is killed go, also when it never called any', async t => {
  const before = await count()
  const told = await manager.Queue()
  const objects = await Promise.all([manager.list(), manager.dict()])
  const child = launch(t, 'keep', objects, told)
  await told.get({ timeout: LIMIT })
  for (const object of objects) object.close()
  assert.equal(await count(), before + 3)
  child.kill()
  await child.join({ timeout: LIMIT })
  told.close()
  await until('the objects to go', async () => (await count()) === before)
})

test('an object that another one refers to stays, and is there again when it is asked for', async () => {
  const before = await count()
  const outer = await manager.list<any>()
  const inner = await manager.dict({ a: 1 })
  await outer.push(inner)
  inner.close()
  assert.equal(await count(), before + 1)
  const again = await outer.at(0)
  assert.equal(await count(), before + 2)
  assert.equal(await again.get('a'), 1)
  again.close()
  const third = await outer.at(0)
  assert.equal(await third.get('a'), 1)
  third.close()
  outer.close()
  assert.equal(await count(), before)
})

test('an iterator goes when its walk is over and it is closed', async () => {
  const before = await count()
  const dict = await manager.dict({ a: 1 })
  const iterator = await dict.__iter__()
  assert.equal(await count(), before + 2)
  iterator.close()
  dict.close()
  assert.equal(await count(), before)
})
