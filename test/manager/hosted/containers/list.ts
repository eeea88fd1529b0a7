// What a list in a manager has beside Python's own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PreciseDate } from '#src/pickle/datetime.js'
import { FrozenSet } from '#src/pickle/frozen-set.js'
import { PyFloat } from '#src/pickle/py-float.js'
import { PythonObject } from '#src/pickle/python-object.js'
import { type Tuple, tuple } from '#src/pickle/tuple.js'
import { Client, host, raises } from '../client.js'

const a = new Client('a')

export function list(): void {
  test('list: the names of JavaScript', () => {
    const list = host('list', [[1, 2, 3]])
    assert.equal(a.do(list, 'push', 4, 5), 5)
    assert.equal(a.do(list, 'push'), 5)
    assert.equal(a.do(list, 'shift'), 1)
    assert.equal(a.do(list, 'unshift', 'x', 'y'), 6)
    assert.deepEqual(a.do(list, 'copy'), ['x', 'y', 2, 3, 4, 5])
    assert.deepEqual(a.do(list, 'splice', 1, 2, 'a', 'b', 'c'), ['y', 2])
    assert.deepEqual(a.do(list, 'copy'), ['x', 'a', 'b', 'c', 3, 4, 5])
    assert.deepEqual(a.do(list, 'splice', -2), [4, 5])
    assert.deepEqual(a.do(list, 'splice', 1, 0), [])
    assert.deepEqual(a.do(list, 'splice', 1, 3), ['a', 'b', 'c'])
    assert.equal(a.do(list, 'at', -1), 3)
    assert.equal(a.do(list, 'at', 5), undefined)
    assert.equal(a.do(list, 'length'), 2)
    assert.equal(a.do(list, 'indexOf', 3), 1)
    assert.equal(a.do(list, 'indexOf', 3, -1), 1)
    assert.equal(a.do(list, 'indexOf', 'x', 1), -1)
    assert.equal(a.do(list, 'includes', 3n), true)
    assert.equal(a.do(list, 'includes', '3'), false)
    assert.deepEqual(a.do(list, 'slice', -1), [3])
    assert.deepEqual(a.do(list, 'slice'), ['x', 3])
    a.do(list, 'clear')
    assert.equal(a.do(list, 'shift'), undefined)
  })

  test('list: what goes in and comes out by the thousand', () => {
    const many = Array.from({ length: 200_000 }, (_, i) => i)
    const list = host('list')
    a.do(list, 'extend', many)
    a.do(list, 'unshift', ...many.slice(0, 20_000))
    a.do(list, 'push', ...many.slice(0, 20_000))
    assert.equal(a.do(list, 'length'), 240_000)
    assert.equal((a.do(list, 'splice', 0, 230_000) as unknown[]).length, 230_000)
    a.do(list, '__setitem__', new PythonObject('builtins', 'slice', [0, 0, null]), many)
    a.do(list, '__delitem__', new PythonObject('builtins', 'slice', [null, 200_000, null]))
    a.do(list, '__imul__', 100)
    assert.equal(a.do(list, '__len__'), 1_000_000)
    assert.throws(() => a.do(list, '__imul__', 1_000_000), raises('MemoryError'))
  })

  test('list.sort() orders as Python, is stable, and changes nothing when it cannot', () => {
    const list = host('list', [[3, 'a', 1]])
    assert.throws(() => a.do(list, 'sort'), raises('TypeError'))
    assert.deepEqual(a.do(list, 'copy'), [3, 'a', 1])
    const pairs = host('list', [[tuple(1, 'z'), tuple(0.5, 'b'), tuple(1n, 'a'), tuple(true, 'a'), tuple(0)]])
    a.do(pairs, 'sort')
    assert.deepEqual(
      (a.do(pairs, 'copy') as Tuple[]).map(pair => [...pair]),
      [[0], [0.5, 'b'], [1n, 'a'], [true, 'a'], [1, 'z']],
    )
    const texts = host('list', [['\uffff', '\u{10000}', 'a', '']])
    assert.equal(a.ask(texts, 'sort', [], { reverse: true, key: null }).isWaiting, false)
    assert.deepEqual(a.do(texts, 'copy'), ['\u{10000}', '\uffff', 'a', ''])
    const { outcome } = a.ask(texts, 'sort', [], { key: 'len' })
    assert.ok(typeof outcome === 'object' && 'error' in outcome)
  })

  test('what is equal is found in a list', () => {
    class Point {
      readonly x: unknown
      constructor(x: unknown) {
        this.x = x
      }
    }
    class Other {
      readonly x = 1
    }
    const same: [unknown, unknown][] = [
      [
        [1, [2, { a: null }]],
        [1n, [2, new Map([['a', undefined]])]],
      ],
      [new Set([1, 'a', tuple(2)]), new Set([tuple(2), true, 'a'])],
      [
        new Map<unknown, unknown>([
          [true, 'x'],
          [tuple(1), [1]],
        ]),
        new Map<unknown, unknown>([
          [tuple(1), [1]],
          [1, 'x'],
        ]),
      ],
      [Uint8Array.of(1), Buffer.of(1)],
      [Float64Array.of(0.5), Float64Array.of(0.5)],
      [new Date(1), new Date(1)],
      [/a/g, /a/g],
      [new RangeError('a'), new RangeError('a')],
      [new Point([1]), new Point([1])],
      [Number.NaN, Number.NaN],
      [2n ** 70n, 2n ** 70n],
      [2n ** 60n, 2 ** 60],
      [0, -0],
      [new PyFloat(1), true],
      [new FrozenSet([1]), new Set([1])],
      [new PythonObject('m', 'C', [[1]]), new PythonObject('m', 'C', [[1]])],
    ]
    for (const [one, other] of same) assert.equal(a.do(host('list', [[one]]), '__contains__', other), true, String(one))
    const different: [unknown, unknown][] = [
      [[1], tuple(1)],
      [[1], [1, 2]],
      [[1], { 0: 1 }],
      [{ a: 1 }, { a: 2 }],
      [{ a: 1 }, { b: 1 }],
      [{ a: undefined }, {}],
      [new Set([1]), new Set([2])],
      [new Set([1]), [1]],
      [new Point(1), new Other()],
      [new Point(1), { x: 1 }],
      [Float64Array.of(1), Float32Array.of(1)],
      [new RangeError('a'), new RangeError('b')],
      [new Date(1), new Date(2)],
      [new PreciseDate(1, 0), new PreciseDate(1, 5)],
      [new Date(1), new PreciseDate(1, 5)],
      [1, '1'],
      [null, 0],
      [null, {}],
      [2n ** 70n, 2n ** 70n + 1n],
      [Symbol.iterator, 'a'],
    ]
    for (const [one, other] of different) assert.equal(a.do(host('list', [[one]]), '__contains__', other), false)
    let deep: unknown[] = []
    let alike: unknown[] = []
    for (let i = 0; i < 5000; i++) [deep, alike] = [[deep], [alike]]
    assert.throws(() => a.do(host('list', [[deep]]), '__contains__', alike), raises('RecursionError'))
  })

  test('a list grows beyond what this process could bear by no single call', () => {
    const list = host('list', [[0]])
    for (const method of ['__imul__', '__mul__', '__rmul__'])
      assert.throws(() => a.do(list, method, 2 ** 27), raises('MemoryError'))
    assert.deepEqual(a.do(list, '__mul__', 2), [0, 0])
    assert.equal(a.do(list, 'length'), 1)
  })
}
