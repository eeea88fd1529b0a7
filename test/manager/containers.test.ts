// Containers in a manager: dict, list, set, Namespace, Value, Array, and proxies inside of them.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { type DictProxy, FrozenSet, type ListProxy, PyFloat, Queue, Tuple, tuple } from 'multiproc'
import { runNode } from '../support/children.js'
import { managerOfFile, test } from './support.js'

const manager = await managerOfFile()

test('TestContainers.test_list', async () => {
  const a = await manager.list<unknown>(Array.from({ length: 10 }, (_, i) => i))
  assert.deepEqual(await a.copy(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const b = await manager.list<any>()
  assert.deepEqual(await b.copy(), [])
  await b.extend([0, 1, 2, 3, 4])
  assert.deepEqual(await b.copy(), [0, 1, 2, 3, 4])
  assert.equal(await b.at(2), 2)
  assert.deepEqual(await b.slice(2, 10), [2, 3, 4])
  assert.equal(await b.__imul__(2), b)
  assert.deepEqual(await b.copy(), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
  assert.deepEqual(await b.__add__([5, 6]), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6])
  assert.equal(await a.length(), 10)
  const d = [a, b]
  const e = await manager.list<ListProxy>(d)
  const [first, second] = (await e.copy()) as ListProxy[]
  assert.equal(first, a)
  assert.equal(second, b)
  const f = await manager.list<any>([a])
  await a.push('hello')
  assert.deepEqual(await (await f.at(0)).copy(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'hello'])
})

test('containers of a manager take another one of it as it is, without asking for what it holds', async () => {
  const list = await manager.list([1])
  await list.extend(await manager.list([2, 3]))
  assert.equal(await list.__iadd__(list), list)
  assert.deepEqual(await list.__add__(await manager.list([4])), [1, 2, 3, 1, 2, 3, 4])
  const dict = await manager.dict({ a: 1 })
  await dict.update(await manager.dict({ b: 2 }))
  assert.deepEqual(await dict.entries(), [
    ['a', 1],
    ['b', 2],
  ])
})

test('a proxy that was closed is named by what it is', async () => {
  const list = await manager.list()
  list.close()
  await assert.rejects(list.length(), { code: 'ERR_MULTIPROC_CLOSED', message: /open ListProxy/ })
})

test('TestContainers.test_list_iter', async () => {
  const a = await manager.list(['a', 'b', 'c'])
  const seen: string[] = []
  for await (const item of a) {
    seen.push(item)
    if (item === 'a') await a.set(2, 'z')
  }
  assert.deepEqual(seen, ['a', 'b', 'z'])
})

test('TestContainers.test_list_proxy_in_list', async () => {
  const a = await manager.list<ListProxy<number>>()
  for (let i = 0; i < 3; i++) await a.push(await manager.list([0, 1, 2]))
  const inner = (await a.at(0)) as ListProxy<number>
  await inner.set(0, 55)
  assert.deepEqual(await inner.copy(), [55, 1, 2])
  assert.deepEqual(await ((await a.at(1)) as ListProxy).copy(), [0, 1, 2])
  assert.equal(await ((await a.at(-1)) as ListProxy).at(-1), 2)
  assert.deepEqual(await ((await a.pop()) as ListProxy).copy(), [0, 1, 2])
  const circle = await manager.list<unknown>()
  await circle.push(circle)
  assert.equal(await circle.at(0), circle)
  circle.close()
})

test('TestContainers.test_dict', async () => {
  const d = await manager.dict<number, string>()
  const letters = Array.from({ length: 5 }, (_, i) => [65 + i, String.fromCharCode(65 + i)] as [number, string])
  for (const [key, value] of letters) await d.set(key, value)
  assert.deepEqual(await d.copy(), new Map(letters))
  assert.deepEqual(await d.keys(), [65, 66, 67, 68, 69])
  assert.deepEqual(await d.values(), ['A', 'B', 'C', 'D', 'E'])
  assert.deepEqual(await d.entries(), letters)
  assert.deepEqual(
    (await d.items()).map(pair => [...pair]),
    letters,
  )
})

test('TestContainers.test_dict_iter', async () => {
  const d = await manager.dict([
    ['a', 1],
    ['b', 2],
  ])
  const seen: [string, number][] = []
  // the entries are those of the moment in which the loop begins
  for await (const entry of d) {
    seen.push(entry)
    await d.clear()
  }
  assert.deepEqual(seen, [
    ['a', 1],
    ['b', 2],
  ])
})

test('TestContainers.test_dict_proxy_nested', async () => {
  const pets = await manager.dict<string, unknown>({ ferrets: 2, hamsters: 4 })
  const supplies = await manager.dict<string, number>({ water: 10, feed: 3 })
  const d = await manager.dict<string, DictProxy>({ pets, supplies })
  assert.equal(await ((await d.get('supplies')) as DictProxy).get('water'), 10)
  await ((await d.get('supplies')) as DictProxy).set('blankets', 5)
  assert.equal(await supplies.get('blankets'), 5)
  await supplies.set('water', 7)
  assert.equal(await ((await d.get('supplies')) as DictProxy).get('water'), 7)
  await d.delete('supplies')
  assert.equal(await supplies.get('blankets'), 5)
  await pets.set('list', [1])
  const plain = (await pets.get('list')) as number[]
  plain.push(2)
  assert.deepEqual(await pets.get('list'), [1])
  await d.clear()
  assert.equal(await d.size(), 0)
  assert.equal(await pets.get('ferrets'), 2)
})

test('TestContainers.test_nested_queue', async () => {
  const list = await manager.list<any>()
  await list.push(await manager.Queue())
  await (await list.at(0)).put(123)
  assert.equal(await (await list.at(0)).get(), 123)
  const dict = await manager.dict<string, any>()
  await dict.set('a', await manager.Queue())
  await (await dict.get('a')).put(456)
  assert.equal(await (await dict.get('a')).get(), 456)
})

test('TestContainers.test_namespace', async () => {
  const n = await manager.Namespace<Record<string, unknown>>()
  await n.set('name', 'Bob')
  await n.set('job', 'Builder')
  assert.deepEqual([await n.get('name'), await n.get('job')], ['Bob', 'Builder'])
  assert.equal(await n.delete('job'), true)
  assert.equal(await n.delete('job'), false)
  assert.equal(await n.get('job'), undefined)
  assert.equal(await n.has('name'), true)
  assert.deepEqual(await n.entries(), [['name', 'Bob']])
})

test('DictProxy answers as a Map would', async () => {
  const d = await manager.dict<any, any>(new Map<any, any>([['a', 1]]))
  assert.equal(await d.get('b'), undefined)
  assert.equal(await d.get('b', 'none'), 'none')
  assert.equal(await d.set('b', undefined), undefined)
  assert.equal(await d.has('b'), true)
  assert.equal(await d.get('b', 'none'), undefined)
  assert.equal(await d.pop('a'), 1)
  assert.equal(await d.pop('a'), undefined)
  assert.equal(await d.pop('a', 5), 5)
  assert.equal(await d.setDefault('c', 3), 3)
  assert.equal(await d.setDefault('c', 4), 3)
  await d.update({ x: 1, y: 2 })
  await d.update(new Map([['z', { deep: [new Date(0), 10n] }]]).entries())
  assert.deepEqual(await d.get('z'), { deep: [new Date(0), 10n] })
  assert.equal(await d.delete('x'), true)
  assert.equal(await d.delete('x'), false)
  assert.equal(await d.size(), 4)
  await d.clear()
  assert.deepEqual(await d.keys(), [])
})

test('DictProxy.__getitem__() of a key that is not there rejects with the KeyError of Python and the stack of the server', async () => {
  const d = await manager.dict()
  await assert.rejects(d.__getitem__('no'), (error: any) => {
    assert.equal(error.name, 'KeyError')
    assert.equal(error.pythonName, 'KeyError')
    assert.match(error.stack, /hosted/)
    return true
  })
  await assert.rejects(d.__delitem__('no'), { pythonName: 'KeyError' })
})

test('values of Python are what they are also here: a tuple can be a key', async () => {
  const d = await manager.dict<any, any>()
  await d.set(tuple(1, 'a'), [tuple(), new FrozenSet([1]), new PyFloat(1)])
  assert.equal(await d.has(tuple(1, 'a')), true)
  const [empty, frozen, float] = await d.get(tuple(1, 'a'))
  assert.ok(empty instanceof Tuple && frozen instanceof FrozenSet && float instanceof PyFloat)
  assert.ok((await d.popitem()) instanceof Tuple)
  await assert.rejects(d.set([1], 1), TypeError)
})

test('ListProxy answers as an Array would', async () => {
  const l = await manager.list([5, 6])
  assert.equal(await l.push(7, 8), 4)
  assert.equal(await l.unshift(4), 5)
  assert.equal(await l.pop(), 8)
  assert.equal(await l.shift(), 4)
  assert.equal(await l.at(9), undefined)
  assert.deepEqual(await l.splice(1, 1, 1, 2), [6])
  assert.deepEqual(await l.copy(), [5, 1, 2, 7])
  assert.deepEqual(await l.splice(2), [2, 7])
  assert.equal(await l.indexOf(1), 1)
  assert.equal(await l.indexOf(99), -1)
  assert.equal(await l.includes(5), true)
  await l.sort()
  assert.deepEqual(await l.copy(), [1, 5])
  await l.sort({ reverse: true })
  assert.deepEqual(await l.slice(-2), [5, 1])
  await l.reverse()
  await l.clear()
  assert.equal(await l.pop(), undefined)
  assert.equal(await l.shift(), undefined)
  await assert.rejects(l.set(5, 1), RangeError)
  await assert.rejects(l.__getitem__(5), RangeError)
  await assert.rejects(l.remove(3), RangeError)
})

test('SetProxy answers as a Set would, and takes proxies of its manager as operands', async () => {
  const s = await manager.set(['a', 'b'])
  const other = await manager.set(['b', 'c'])
  assert.deepEqual(await s.union(other), new Set(['a', 'b', 'c']))
  assert.deepEqual(await s.intersection(other, ['b']), new Set(['b']))
  assert.deepEqual(await s.difference(other), new Set(['a']))
  assert.deepEqual(await s.symmetricDifference(other), new Set(['a', 'c']))
  assert.equal(await s.isSubsetOf(other), false)
  assert.equal(await s.isDisjointFrom(['z']), true)
  assert.equal(await s.delete('z'), false)
  const seen: string[] = []
  for await (const member of s) seen.push(member)
  assert.deepEqual(seen, ['a', 'b'])
})

test('a value that was given is not changed in the manager, nor is one that is changed after the call', async () => {
  const d = await manager.dict<string, number[]>()
  const value = [1]
  const done = d.set('v', value)
  value.push(2)
  await done
  assert.deepEqual(await d.get('v'), [1])
})

test('calls are done in the order in which they were made, also when some wait for others', async () => {
  const l = await manager.list<number>()
  await Promise.all(Array.from({ length: 500 }, (_, i) => l.push(i)))
  assert.deepEqual(
    await l.copy(),
    Array.from({ length: 500 }, (_, i) => i),
  )
})

test('large values, and many of them at a time, arrive whole', async () => {
  const d = await manager.dict<number, Uint8Array>()
  const large = (i: number) => new Uint8Array(300_000).fill(i)
  await Promise.all(Array.from({ length: 20 }, (_, i) => d.set(i, large(i))))
  const back = await Promise.all(Array.from({ length: 20 }, (_, i) => d.get(i)))
  for (const [i, bytes] of back.entries()) assert.deepEqual(bytes, large(i))
})

test('a value that cannot travel is refused at the call; the others of that turn are done', async () => {
  const l = await manager.list<any>()
  const calls = [l.push(1), l.push({ deep: () => {} }), l.push(2)]
  const results = await Promise.allSettled(calls)
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.match((results[1] as PromiseRejectedResult).reason.path, /deep/)
  assert.deepEqual(await l.copy(), [1, 2])
})

test('objects of the package are values like others: what comes back stands for the same object', async () => {
  const d = await manager.dict<string, Queue<number>>()
  const queue = new Queue<number>()
  await d.set('queue', queue)
  assert.equal(await d.get('queue'), queue)
  ;(await d.get('queue'))?.putSync(5)
  assert.equal(queue.getSync(), 5)
})

test('a proxy is equal to another of the same object, and shows its type', async () => {
  const outer = await manager.list<any>()
  const inner = await manager.dict()
  await outer.push(inner)
  assert.equal(await outer.at(0), inner)
  assert.match(inspect(inner), /^<DictProxy of dict \d+>$/)
  assert.equal(String(inner), inspect(inner))
  inner.close()
  assert.equal(inner.closed, true)
  await assert.rejects(inner.size(), { code: 'ERR_MULTIPROC_CLOSED' })
  assert.equal(await (await outer.at(0)).size(), 0)
})

test('Value and Array refuse what does not fit their type', async () => {
  const v = await manager.Value('i', 7)
  assert.equal(await v.add(1), 8)
  await assert.rejects(v.set(2 ** 31), RangeError)
  await assert.rejects(v.set('x' as never), TypeError)
  assert.equal(await v.get(), 8)
  const a = await manager.Array('d', [1.5, 2])
  await a.set(0, 3)
  assert.deepEqual([await a.at(0), await a.at(-1), await a.length()], [3, 2, 2])
  await assert.rejects(a.set(7, 1), RangeError)
  await assert.rejects(manager.Array('i', [0.5]), TypeError)
})

test('a value that does not fit into the memory is refused, and so is an answer; the next ones are served', async () => {
  const { code, stdout, stderr } = await runNode(
    `import { Manager } from 'multiproc'
     const manager = await Manager()
     const dict = await manager.dict()
     const codes = []
     const refused = async call => { try { await call } catch (error) { codes.push(error.code) } }
     await refused(dict.set('large', new Uint8Array(64 << 20)))
     const list = await manager.list()
     for (let n = 0; n < 8; n++) await list.push(new Uint8Array(2 << 20))
     await refused(list.copy())
     await dict.set('small', 1)
     console.log(JSON.stringify({ codes, small: await dict.get('small'), length: await list.length() }))
     await manager.shutdown()`,
    { env: { MULTIPROC_MEMORY_LIMIT: '12MiB' } },
  )
  assert.equal(code, 0, stderr)
  const full = 'ERR_MULTIPROC_OUT_OF_SHARED_MEMORY'
  assert.deepEqual(JSON.parse(stdout), { codes: [full, full], small: 1, length: 8 })
})
