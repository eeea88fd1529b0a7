// SharedMemoryManager: whose blocks go when it ends.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test as unbounded } from 'node:test'
import { InvalidStateError, ShareableList, SharedMemory, SharedMemoryManager } from 'multiproc'
import { runNode } from '../support/children.js'
import { LIMIT } from './support.js'

function test(title: string, run: () => Promise<void>): void {
  void unbounded(title, { timeout: LIMIT }, run)
}

const isThere = (name: string) => existsSync(`/dev/shm/${name}`)

test('TestSharedMemory.test_shared_memory_SharedMemoryManager_basics — not before start(); all is gone after shutdown() and at the end of a scope', async () => {
  const manager = new SharedMemoryManager()
  await assert.rejects(manager.SharedMemory(10), InvalidStateError)
  await assert.rejects(manager.ShareableList([1]), InvalidStateError)
  await manager.start()
  const lists = await Promise.all(Array.from({ length: 8 }, (_, i) => manager.ShareableList([i])))
  const blocks = await Promise.all(Array.from({ length: 8 }, (_, i) => manager.SharedMemory(i + 1)))
  assert.deepEqual(
    blocks.map(({ size }) => size),
    [1, 2, 3, 4, 5, 6, 7, 8],
  )
  for (const [i, list] of lists.entries()) {
    assert.deepEqual([...new ShareableList(null, { name: list.shm.name })], [i])
  }
  const names = [...blocks, ...lists.map(({ shm }) => shm)].map(({ name }) => name)
  assert.ok(names.every(isThere))
  await manager.shutdown()
  assert.ok(!names.some(isThere))
  assert.throws(() => new SharedMemory({ name: names[0] }), { name: 'FileNotFoundError' })

  const scoped = new SharedMemoryManager()
  await scoped.start()
  const { name } = await scoped.SharedMemory(5)
  await scoped[Symbol.asyncDispose]()
  assert.ok(!isThere(name))
})

test('TestSharedMemory.test_shared_memory_SharedMemoryServer_ignores_sigint — an interrupt does not end the server', async () => {
  const manager = new SharedMemoryManager()
  await manager.start()
  process.kill(manager.pid!, 'SIGINT')
  const { name } = await manager.SharedMemory(5)
  assert.ok(isThere(name))
  await manager.shutdown()
})

test('blocks of a server that is killed are gone after shutdown()', async () => {
  const manager = new SharedMemoryManager()
  await manager.start()
  const { name } = await manager.SharedMemory(5)
  process.kill(manager.pid!, 'SIGKILL')
  await assert.rejects(manager.SharedMemory(5))
  await manager.shutdown()
  assert.ok(!isThere(name))
})

test('blocks are gone, and nothing is said, when the process that started the manager ends without shutdown()', async () => {
  const { code, stdout, stderr } = await runNode(`
    import { SharedMemoryManager } from 'multiproc'
    const [manager, there] = [new SharedMemoryManager(), undefined]
    await manager.start()
    const other = new SharedMemoryManager({ address: manager.address })
    await other.connect()
    console.log((await manager.SharedMemory(5)).name, (await other.SharedMemory(5)).name, (await manager.ShareableList([1])).shm.name)
    process.exit()
  `)
  assert.equal(stderr, '')
  assert.equal(code, 0)
  const names = stdout.trim().split(' ')
  assert.equal(names.length, 3)
  assert.ok(!names.some(isThere), names.filter(isThere).join(' '))
})
