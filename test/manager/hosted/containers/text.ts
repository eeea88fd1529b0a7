// The text form of what is in a manager, and values that nobody can go through to the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteArray } from '#src/pickle/byte-array.js'
import { FrozenSet } from '#src/pickle/frozen-set.js'
import { PyFloat } from '#src/pickle/py-float.js'
import { PythonObject } from '#src/pickle/python-object.js'
import { tuple } from '#src/pickle/tuple.js'
import { Client, host, raises } from '../client.js'

const a = new Client('a')

/** Small on the wire, without end for whoever goes every way. */
function woven(inner: unknown = 1): unknown {
  let value = inner
  for (let i = 0; i < 200; i++) value = tuple(value, value)
  return value
}

export function text(): void {
  test('the text form of a value is that of Python', () => {
    const text = (value: unknown) => {
      const list = host('list', [[value]])
      return list.type.repr(list.object).slice(1, -1)
    }
    for (const [value, expected] of [
      [null, 'None'],
      [true, 'True'],
      [5n, '5'],
      [0.5, '0.5'],
      [new PyFloat(3), '3.0'],
      [new FrozenSet([1]), 'frozenset({1})'],
      [ByteArray.of(97), "bytearray(b'a')"],
      [1e-7, '1e-07'],
      [Number.NaN, 'nan'],
      [Number.NEGATIVE_INFINITY, '-inf'],
      ["it's", '"it\'s"'],
      ['a\n\u0000"', "'a\\n\\x00\"'"],
      [Uint8Array.of(97, 200, 10), "b'a\\xc8\\n'"],
      [tuple(1), '(1,)'],
      [tuple(1, 'a'), "(1, 'a')"],
      [new Map([[1, [2]]]), '{1: [2]}'],
      [{ a: new Set([1]) }, "{'a': {1}}"],
    ] as const) {
      assert.equal(text(value), expected)
    }
  })

  test('the text form of a value that leads back to itself ends', () => {
    const loop: unknown[] = [1]
    loop.push(loop, { loop })
    const list = host('list', [[loop]])
    assert.equal(list.type.repr(list.object), "[[1, [...], {'loop': [...]}]]")
    assert.throws(
      () => a.do(list, 'index', loop.slice(0, 2)),
      raises('ValueError', "[1, [1, [...], {'loop': [...]}]] is not in list"),
    )
  })

  test('a Lock, a Queue has no plain value', () => {
    for (const typeid of ['Lock', 'Queue']) {
      const hosted = host(typeid)
      assert.throws(() => hosted.type.copy(hosted.object), raises('TypeError', `cannot pickle '${typeid}' object`))
    }
  })

  test('a value that leads to itself or to another by very many ways is refused where each would have to be looked at', () => {
    const list = host('list', [[woven()]])
    const dict = host('dict')
    const record = new PythonObject('m', 'C')
    record.state = [record]
    assert.throws(() => list.type.repr(list.object), raises('MemoryError'))
    assert.throws(() => a.do(list, 'count', woven()), raises('MemoryError'))
    assert.throws(() => a.do(dict, 'set', woven(), 1), raises('MemoryError'))
    assert.throws(() => a.do(dict, 'has', record), raises('RecursionError'))
  })
}
