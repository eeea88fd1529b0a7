// Each type of a manager, made here, used in a child, and looked at here again: CPython's TestSyncManagerTypes.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { managerOfFile, startHelper, test } from './support.js'

const manager = await managerOfFile()
const child = startHelper()
after(() => child.end())

test('TestSyncManagerTypes.test_event', async () => {
  const event = await manager.Event()
  assert.equal(await event.isSet(), false)
  await event.set()
  assert.equal(await child.call(event, 'isSet'), true)
  await child.call(event, 'wait', { timeout: 1 })
  await child.call(event, 'clear')
  assert.equal(await event.isSet(), false)
})

test('TestSyncManagerTypes.test_lock', async () => {
  const lock = await manager.Lock()
  assert.deepEqual(await child.call(lock, 'acquire'), { held: true, abandoned: false })
  assert.equal(await child.call(lock, 'locked'), true)
  await lock.release()
  await assert.rejects(lock.release(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
})

test('TestSyncManagerTypes.test_rlock', async () => {
  const lock = await manager.RLock()
  await child.call(lock, 'acquire')
  await child.call(lock, 'release')
  assert.equal(await lock.locked(), false)
})

test('TestSyncManagerTypes.test_semaphore', async () => {
  const semaphore = await manager.Semaphore()
  await child.call(semaphore, 'acquire')
  assert.equal(await semaphore.getValue(), 0)
  await semaphore.release()
  assert.equal(await semaphore.getValue(), 1)
})

test('TestSyncManagerTypes.test_bounded_semaphore', async () => {
  const semaphore = await manager.BoundedSemaphore()
  await child.call(semaphore, 'acquire')
  await semaphore.release()
  assert.equal(await semaphore.getValue(), 1)
})

test('TestSyncManagerTypes.test_condition', async () => {
  const condition = await manager.Condition()
  await child.call(condition, 'acquire')
  assert.equal(await condition.locked(), true)
  await child.call(condition, 'release')
  assert.equal(await condition.locked(), false)
})

test('TestSyncManagerTypes.test_barrier', async () => {
  const barrier = await manager.Barrier(5)
  assert.equal(await child.call(barrier, 'parties'), 5)
  await child.call(barrier, 'reset')
  assert.equal(await barrier.broken(), false)
})

for (const type of ['Queue', 'JoinableQueue'] as const) {
  const name = type === 'Queue' ? 'TestSyncManagerTypes.test_queue' : 'TestSyncManagerTypes.test_joinable_queue'
  test(name, async () => {
    const queue = await manager[type]<number>(2)
    await queue.put(1)
    await queue.put(2)
    assert.equal(await child.call(queue, 'qsize'), 2)
    assert.equal(await child.call(queue, 'full'), true)
    assert.equal(await child.call(queue, 'empty'), false)
    assert.equal(await child.call(queue, 'get'), 1)
    assert.equal(await child.call(queue, 'get'), 2)
    assert.equal(await queue.empty(), true)
  })
}

test('TestSyncManagerTypes.test_list', async () => {
  const list = await manager.list<number>()
  await list.append(0)
  await list.extend([3, 1, 2])
  assert.equal(await child.call(list, 'index', 3), 1)
  assert.equal(await child.call(list, 'count', 0), 1)
  assert.equal(await child.call(list, 'at', 0), 0)
  assert.deepEqual(await child.call(list, '__mul__', 2), [0, 3, 1, 2, 0, 3, 1, 2])
  assert.deepEqual(await child.call(list, '__add__', [9]), [0, 3, 1, 2, 9])
  assert.equal(await child.call(list, '__imul__', 1), list) // the proxy itself
  await child.call(list, 'sort')
  assert.deepEqual(await list.copy(), [0, 1, 2, 3])
  await child.call(list, 'reverse')
  assert.deepEqual(await child.call(list, 'copy'), [3, 2, 1, 0])
  assert.equal(await child.call(list, 'pop'), 0)
  assert.equal(await child.call(list, 'pop', 0), 3)
  await child.call(list, 'insert', 0, 7)
  await child.call(list, 'remove', 1)
  assert.deepEqual(await list.copy(), [7, 2])
  await child.call(list, 'clear')
  assert.equal(await list.length(), 0)
})

test('TestSyncManagerTypes.test_dict', async () => {
  const dict = await manager.dict<string, number>({ a: 1 })
  await dict.set('b', 2)
  assert.equal(await child.call(dict, 'get', 'a'), 1)
  assert.deepEqual(await child.call(dict, 'keys'), ['a', 'b'])
  assert.deepEqual(await child.call(dict, 'values'), [1, 2])
  assert.deepEqual(await child.call(dict, 'copy'), new Map(Object.entries({ a: 1, b: 2 })))
  assert.equal(await child.call(dict, 'pop', 'a'), 1)
  assert.equal(await child.call(dict, 'setdefault', 'c', 3), 3)
  await child.call(dict, 'update', { d: 4 })
  const [...last] = await child.call(dict, 'popitem')
  assert.deepEqual(last, ['d', 4])
  await child.call(dict, 'clear')
  assert.equal(await dict.size(), 0)
  const copy = await manager.dict(await manager.dict({ x: 1 }))
  assert.equal(await copy.get('x'), 1)
})

test('TestSyncManagerTypes.test_value', async () => {
  const value = await manager.Value('i', 1)
  assert.equal(await child.call(value, 'get'), 1)
  await child.call(value, 'set', 2)
  assert.equal(await value.get(), 2)
})

test('TestSyncManagerTypes.test_array', async () => {
  const array = await manager.Array('i', [0, 1, 2, 3, 4])
  assert.equal(await child.call(array, 'at', 1), 1)
  assert.equal(await child.call(array, 'length'), 5)
})

test('TestSyncManagerTypes.test_namespace', async () => {
  const namespace = await manager.Namespace({ x: 0, y: 1 })
  await child.call(namespace, 'set', 'x', 1)
  assert.equal(await namespace.get('x'), 1)
  assert.equal(await child.call(namespace, 'get', 'y'), 1)
})

test('TestSyncManagerTypes.test_set', async () => {
  const set = await manager.set(['a', 'b', 'c'])
  await child.call(set, 'add', 'd')
  assert.equal(await child.call(set, 'has', 'd'), true)
  await child.call(set, 'discard', 'd')
  await assert.rejects(set.remove('d'), { pythonName: 'KeyError' })
  assert.deepEqual(await child.call(set, 'union', ['x']), new Set(['a', 'b', 'c', 'x']))
  assert.deepEqual(await child.call(set, 'intersection', ['a']), new Set(['a']))
  assert.deepEqual(await child.call(set, 'difference', ['a']), new Set(['b', 'c']))
  assert.deepEqual(await child.call(set, 'symmetric_difference', ['a', 'z']), new Set(['b', 'c', 'z']))
  assert.equal(await child.call(set, 'issubset', ['a', 'b', 'c', 'd']), true)
  assert.equal(await child.call(set, '__lt__', ['a', 'b', 'c', 'd']), true)
  assert.equal(await child.call(set, '__gt__', ['a']), true)
  assert.equal(await child.call(set, '__eq__', ['c', 'b', 'a']), true)
  await child.call(set, 'update', ['e'], ['f'])
  await child.call(set, 'difference_update', ['a'])
  await child.call(set, 'intersection_update', ['b', 'e'])
  await child.call(set, 'symmetric_difference_update', ['b', 'q'])
  assert.deepEqual(await set.copy(), new Set(['e', 'q']))
  const member = await child.call(set, 'pop')
  assert.equal(await set.has(member), false)
  await set.clear()
  assert.equal(await set.size(), 0)
})

test('TestSyncManagerTypes.test_set_init', async () => {
  for (const init of [new Set(['a', 'b']), ['a', 'b'], new Map(Object.entries({ a: 1, b: 2 })).keys()]) {
    assert.deepEqual(await (await manager.set(init)).copy(), new Set(['a', 'b']))
  }
  await assert.rejects(manager.set(1 as never), TypeError)
})
