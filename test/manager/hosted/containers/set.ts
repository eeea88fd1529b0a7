// What a set in a manager has beside Python's own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tuple } from '#src/pickle/tuple.js'
import { Client, host, raises } from '../client.js'

const a = new Client('a')

export function set(): void {
  test('set: the names of JavaScript, and pop()', () => {
    const set = host('set', ['aab'])
    assert.equal(a.do(set, 'has', 'a'), true)
    assert.equal(a.do(set, 'size'), 2)
    assert.deepEqual(a.do(set, 'values'), ['a', 'b'])
    assert.equal(a.do(set, 'delete', 'a'), true)
    assert.equal(a.do(set, 'delete', 'a'), false)
    assert.equal(a.do(set, 'isSubsetOf', ['b', 'c']), true)
    assert.equal(a.do(set, 'isSupersetOf', []), true)
    assert.equal(a.do(set, 'isDisjointFrom', ['a']), true)
    assert.deepEqual(a.do(set, 'symmetricDifference', ['b', 'c']), new Set(['c']))
    assert.equal(a.do(set, 'pop'), 'b')
    assert.throws(() => a.do(set, 'pop'), raises('KeyError', 'pop from an empty set'))
    assert.equal(set.type.repr(set.object), 'set()')
    assert.deepEqual(set.type.copy(host('set', [host('set', [[1]]).object]).object), new Set([1]))
    assert.throws(() => host('set', [5]), raises('TypeError', "'int' object is not iterable"))
    const iterator = host('Iterator', [a.do(host('set', ['ab']), '__iter__')])
    assert.deepEqual(a.do(iterator, 'nextMany', 9), ['a', 'b'])
  })

  test('set.difference_update() with something that is none changes nothing', () => {
    const set = host('set', [[1, 2, 3]])
    assert.throws(() => a.do(set, 'difference_update', [1], 5), raises('TypeError'))
    assert.throws(() => a.do(set, 'update', [7], 5), raises('TypeError'))
    assert.deepEqual(a.do(set, 'copy'), new Set([1, 2, 3]))
  })

  test('sets and dicts of many tuples are compared by a table, whatever the order they came in', () => {
    const keys = (count: number) => Array.from({ length: count }, (_, i) => tuple(i, 'key'))
    const [one, other] = [keys(30_000), keys(30_000).reverse()]
    const list = host('list', [[new Set(one), new Map(one.map(key => [key, 1]))]])
    assert.equal(a.do(list, 'indexOf', new Set(other)), 0)
    assert.equal(a.do(list, 'indexOf', new Map(other.map(key => [key, 1]))), 1)
    assert.equal(a.do(list, 'indexOf', new Map(other.map(key => [key, 2]))), -1)
    assert.equal(a.do(list, 'indexOf', new Set([...keys(29_999), tuple('other', 'key')])), -1)
    // what Python could not hash, JavaScript has as a key all the same
    const mixed = () =>
      new Map<unknown, unknown>([
        [tuple(1), 'a'],
        [[1], 'b'],
        [{ c: 1 }, 'c'],
      ])
    assert.equal(a.do(host('list', [[mixed()]]), 'indexOf', mixed()), 0)
  })
}
