// Namespace, Value and Array in a manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PythonObject } from '#src/pickle/python-object.js'
import { Client, host, raises } from '../client.js'

const a = new Client('a')

export function values(): void {
  test('Namespace: names are set, got and deleted, none of them is special', () => {
    const namespace = host('Namespace', [{ x: 1 }], { y: 'hi' })
    assert.equal(a.do(namespace, '__getattribute__', 'x'), 1)
    a.do(namespace, '__setattr__', '__proto__', 'mine')
    a.do(namespace, '__setattr__', '_hidden', 0)
    assert.equal(a.do(namespace, '__getattribute__', '__proto__'), 'mine')
    assert.equal(namespace.type.repr(namespace.object), "Namespace(x=1, y='hi')")
    a.do(namespace, '__delattr__', 'x')
    const missing = (name: string) => raises('AttributeError', `'Namespace' object has no attribute '${name}'`)
    assert.throws(() => a.do(namespace, '__getattribute__', 'x'), missing('x'))
    assert.throws(() => a.do(namespace, '__delattr__', 'x'), missing('x'))
    assert.throws(() => a.do(namespace, '__getattribute__', 'constructor'), missing('constructor'))
    assert.throws(() => a.do(namespace, '__setattr__', 5, 1), raises('TypeError'))
    assert.equal(a.do(namespace, 'get', 'x'), undefined)
    a.do(namespace, 'set', 'x', undefined)
    assert.equal(a.do(namespace, '__getattribute__', 'x'), undefined)
    assert.equal(a.do(namespace, 'has', 'x'), true)
    assert.deepEqual(a.do(namespace, 'entries'), [
      ['y', 'hi'],
      ['__proto__', 'mine'],
      ['_hidden', 0],
      ['x', undefined],
    ])
    assert.equal(a.do(namespace, 'delete', 'x'), true)
    assert.equal(a.do(namespace, 'delete', 'x'), false)
  })

  test('Value takes what fits its type, as JavaScript and as Python send it', () => {
    const cases: [code: string, given: unknown, back: unknown][] = [
      ['i', 5, 5],
      ['i', 5n, 5],
      ['i', true, 1],
      ['q', 5, 5n],
      ['q', -(2n ** 63n), -(2n ** 63n)],
      ['Q', 2n ** 64n - 1n, 2n ** 64n - 1n],
      ['d', 0.1, 0.1],
      ['d', 1n, 1],
      ['f', 0.1, Math.fround(0.1)],
      ['c', 'x', 'x'],
      ['c', Uint8Array.of(120), Uint8Array.of(120)],
      ['u', 'ä', 'ä'],
    ]
    for (const [code, given, back] of cases) {
      const value = host('Value', [code, given], { lock: true })
      assert.deepEqual(a.do(value, 'get'), back)
      a.do(value, 'set', given)
      assert.deepEqual(value.type.copy(value.object), back)
    }
    for (const [code, given, error] of [
      ['i', 2 ** 31, 'OverflowError'],
      ['i', 2n ** 80n + 1n, 'OverflowError'],
      ['B', -1, 'OverflowError'],
      ['q', 2n ** 63n, 'OverflowError'],
      ['i', 0.5, 'TypeError'],
      ['i', '5', 'TypeError'],
      ['q', 0.5, 'TypeError'],
      ['d', 'x', 'TypeError'],
      ['c', 'xy', 'TypeError'],
      ['c', Uint8Array.of(1, 2), 'TypeError'],
      ['z', 1, 'TypeError'],
      [null, 1, 'TypeError'],
    ] as const) {
      assert.throws(() => host('Value', [code, given]), raises(error), `${code} ${given}`)
    }
    const value = host('Value', ['b', 100])
    assert.throws(() => a.do(value, 'set', 128), raises('OverflowError'))
    assert.equal(a.do(value, 'get'), 100)
    assert.equal(a.do(value, 'add', 27), 127)
    assert.throws(() => a.do(value, 'add', 1), raises('OverflowError'))
    assert.equal(a.do(value, 'get'), 127)
    assert.equal(a.do(host('Value', ['q', 1]), 'add', 2), 3n)
    assert.throws(() => a.do(value, 'add', 'x'), raises('TypeError'))
    assert.throws(() => a.do(host('Value', ['c', 'x']), 'add', 'y'), raises('TypeError'))
    assert.equal(value.type.repr(value.object), "Value('b', 127)")
  })

  test('Array is read and written by index and slice', () => {
    const slice = (...bounds: unknown[]) => new PythonObject('builtins', 'slice', bounds)
    const array = host('Array', ['i', [1, 2, 3, 4]])
    assert.equal(a.do(array, '__len__'), 4)
    assert.equal(a.do(array, '__getitem__', -1), 4)
    assert.deepEqual(a.do(array, '__getitem__', slice(1, 3, null)), [2, 3])
    a.do(array, '__setitem__', 0, 10)
    a.do(array, '__setitem__', slice(1, 3, null), Int32Array.of(7, 8))
    a.do(array, '__setitem__', slice(null, null, -3), [0, 9])
    assert.deepEqual(array.type.copy(array.object), [9, 7, 8, 0])
    assert.throws(() => a.do(array, '__setitem__', 0, 2 ** 31), raises('OverflowError'))
    assert.throws(() => a.do(array, '__setitem__', slice(0, 1, null), [0.5]), raises('TypeError'))
    assert.throws(() => a.do(array, '__getitem__', 4), raises('IndexError', 'array index out of range'))
    assert.throws(() => a.do(array, '__setitem__', -5, 0), raises('IndexError', 'array assignment index out of range'))
    assert.throws(() => host('Array', ['i', 5]), raises('TypeError', "'int' object is not iterable"))
    assert.equal(a.do(array, 'at', -4), 9)
    assert.equal(a.do(array, 'length'), 4)
    assert.deepEqual(a.do(array, 'slice', 1), [7, 8, 0])
    assert.equal(array.type.repr(array.object), "array('i', [9, 7, 8, 0])")
  })

  test('Array: an index that is no number is refused', () => {
    const array = host('Array', ['i', [1, 2, 3]])
    assert.deepEqual([a.do(array, 'at', -1), a.do(array, 'slice', 1)], [3, [2, 3]])
    assert.throws(() => a.do(array, 'at', 'x'), raises('TypeError'))
    assert.throws(() => a.do(array, 'slice', new Map()), raises('TypeError'))
  })
}
