// What a dict in a manager has beside Python's own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteArray } from '#src/pickle/byte-array.js'
import { PreciseDate } from '#src/pickle/datetime.js'
import { FrozenSet } from '#src/pickle/frozen-set.js'
import { PyFloat } from '#src/pickle/py-float.js'
import { PythonGlobal, PythonObject } from '#src/pickle/python-object.js'
import { Tuple, tuple } from '#src/pickle/tuple.js'
import { Client, host, raises } from '../client.js'

const a = new Client('a')

export function dict(): void {
  test('dict: the names of JavaScript', () => {
    const dict = host('dict', [{ a: 1 }])
    assert.equal(a.do(dict, 'set', 'b', undefined), undefined)
    assert.equal(a.do(dict, 'has', 'b'), true)
    assert.equal(a.do(dict, 'get', 'b', 5), undefined, 'it is there')
    assert.equal(a.do(dict, 'get', 'c'), undefined)
    assert.equal(a.do(dict, 'pop', 'c', undefined), undefined)
    assert.equal(a.do(dict, 'size'), 2)
    assert.deepEqual(a.do(dict, 'entries'), [
      ['a', 1],
      ['b', undefined],
    ])
    assert.equal(a.do(dict, 'delete', 'b'), true)
    assert.equal(a.do(dict, 'delete', 'b'), false)
    assert.equal(a.do(dict, 'setDefault', 'a', 9), 1)
    assert.equal(a.do(dict, 'setDefault', 'z', 9), 9)
    assert.deepEqual(
      dict.type.copy(dict.object),
      new Map([
        ['a', 1],
        ['z', 9],
      ]),
    )
    assert.ok((a.do(dict, 'items') as unknown[])[0] instanceof Tuple)
  })

  test('dict: made from pairs, a Map, an object, names, or another dict of the manager', async () => {
    const expected = new Map<unknown, unknown>([
      ['a', 1],
      ['b', 2],
    ])
    const pairs = host('dict', [[['a', 1], tuple('b', 2)]])
    for (const dict of [
      pairs,
      host('dict', [expected]),
      host('dict', [{ a: 1, b: 2 }]),
      host('dict', [], { a: 1, b: 2 }),
      host('dict', [[['a', 1]]], { b: 2 }),
      host('dict', [pairs.object]),
    ]) {
      assert.deepEqual(dict.type.copy(dict.object), expected)
    }
    const dict = host('dict')
    await a.ask(dict, 'update', [{ a: 1 }], { b: 2 }).answer
    assert.deepEqual(a.do(dict, 'copy'), expected)
  })

  test('dict: keys are found by value; the first look of a key stays', () => {
    const dict = host('dict')
    for (const key of [true, 1, 1n]) a.do(dict, 'set', key, key)
    assert.deepEqual(a.do(dict, 'entries'), [[true, 1n]])
    a.do(dict, 'delete', 1)
    a.do(dict, 'set', 1n, 'big')
    assert.deepEqual(a.do(dict, 'keys'), [1n])
    a.do(dict, 'clear')
    a.do(dict, 'set', 1, 'one')
    assert.deepEqual(a.do(dict, 'keys'), [1])
    class Point {
      x = 1
      readonly y: number
      constructor(y: number) {
        this.y = y
      }
    }
    const same = [
      [() => tuple(1, tuple('a', null)), () => tuple(1n, tuple('a', undefined))],
      [() => Uint8Array.of(1, 2), () => Buffer.from([1, 2])],
      [() => new Date(5), () => new Date(5)],
      [() => new Point(2), () => new Point(2)],
      [() => Number.NaN, () => Number.NaN],
      [() => -0, () => false],
      [() => null, () => undefined],
      [() => new PyFloat(7), () => 7n],
      [() => new FrozenSet([1, 'a']), () => new FrozenSet(['a', true])],
      [() => new PreciseDate(9, 1), () => new PreciseDate(9, 1)],
      [() => new PythonObject('decimal', 'Decimal', ['1']), () => new PythonObject('decimal', 'Decimal', ['1'])],
      [() => 2n ** 60n, () => 2 ** 60],
    ]
    for (const [one, other] of same) {
      a.do(dict, 'set', one(), 'here')
      assert.equal(a.do(dict, 'get', other()), 'here')
    }
    for (const other of [
      tuple(1, tuple('b', null)),
      Uint8Array.of(1),
      new Date(6),
      new Point(3),
      2n ** 60n + 1n,
      'null',
      '1',
      tuple(1),
      new FrozenSet(['a']),
      new PreciseDate(9, 2),
      new PythonObject('decimal', 'Decimal', ['2']),
    ]) {
      assert.equal(a.do(dict, 'has', other), false)
    }
    for (const [key, name] of [
      [[1], 'list'],
      [{}, 'dict'],
      [new Map(), 'dict'],
      [new Set(), 'set'],
      [new ByteArray(1), 'bytearray'],
      [tuple([]), 'list'],
    ] as const) {
      assert.throws(() => a.do(dict, 'set', key, 1), raises('TypeError', `unhashable type: '${name}'`))
    }
  })

  test('dict.popitem() takes the last, however often it is called', () => {
    const dict = host('dict')
    for (let i = 0; i < 5_000; i++) a.do(dict, 'set', i, i)
    for (let i = 4_999; i >= 0; i--) assert.equal((a.do(dict, 'popitem') as Tuple)[0], i)
    a.do(dict, 'set', 'a', 1)
    a.do(dict, 'set', 'b', 2)
    a.do(dict, 'set', 'c', 3)
    assert.equal((a.do(dict, 'popitem') as Tuple)[0], 'c')
    a.do(dict, 'delete', 'a')
    a.do(dict, 'set', 'a', 4)
    assert.equal((a.do(dict, 'popitem') as Tuple)[0], 'a')
    assert.deepEqual(a.do(dict, 'keys'), ['b'])
  })

  test('an iterator of a dict gives the keys in order, then stops; a change of the size makes it fail', () => {
    const dict = host('dict', [{ a: 1, b: 2, c: 3 }])
    assert.deepEqual(dict.type.gives, { __iter__: 'Iterator' })
    const iterate = () => host('Iterator', [a.do(dict, '__iter__')])
    const iterator = iterate()
    assert.equal(a.do(iterator, '__next__'), 'a')
    a.do(dict, 'set', 'a', 9)
    assert.deepEqual(a.do(iterator, 'nextMany', 5), ['b', 'c'])
    assert.deepEqual(a.do(iterator, 'nextMany', 5), [])
    assert.throws(() => a.do(iterator, '__next__'), raises('StopIteration'))
    const second = iterate()
    a.do(second, '__next__')
    a.do(dict, 'clear')
    assert.throws(() => a.do(second, '__next__'), raises('RuntimeError', 'dictionary changed size during iteration'))
    const third = host('Iterator', [[1, 2, 3]])
    assert.equal(a.do(third, 'send', null), 1)
    assert.throws(() => a.do(third, 'throw', new RangeError('mine')), { message: 'mine' })
    assert.throws(() => a.do(third, '__next__'), raises('StopIteration'))
    const lookup = new PythonGlobal('builtins', 'LookupError')
    for (const value of [undefined, null, 'why', tuple('why')])
      assert.throws(
        () => a.do(host('Iterator', [[1]]), 'throw', lookup, value),
        raises('LookupError', value ? 'why' : undefined),
      )
    for (const thing of [lookup.name, new Map(), null])
      assert.throws(() => a.do(host('Iterator', [[1]]), 'throw', thing), raises('TypeError'))
    const fourth = host('Iterator', [[1]])
    a.do(fourth, 'close')
    assert.throws(() => a.do(fourth, '__next__'), raises('StopIteration'))
    assert.throws(() => host('Iterator', [5]), raises('TypeError'))
  })
}
