// A SharedArray is an ordinary typed array to all who look at it.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { RawArray, SharedArray } from 'multiproc'
import { refused } from '../refused.ts'
import type { Suite } from '../suite.ts'
import { untyped } from './untyped.ts'

export function ordinary({ make, test }: Suite): void {
  test('SharedArray: slice(), map() and filter() give ordinary arrays, subarray() a plain view of the same memory', async () => {
    const array = await untyped(make, 'i', [3, 1, 2])
    for (const made of [
      array.slice(),
      array.map((n: number) => n),
      array.filter(() => true),
      new array.constructor(3),
      array.constructor.from([1, 2]),
      array.constructor.of(1),
    ]) {
      assert.equal(Object.getPrototypeOf(made), Int32Array.prototype)
      made[0] = 99
      assert.equal(array[0], 3)
    }
    const view = array.subarray(1)
    assert.equal(Object.getPrototypeOf(view), Int32Array.prototype)
    view[0] = 50
    assert.deepEqual([...array], [3, 50, 2])
    assert.equal(array.sort(), array)
    assert.deepEqual([...array], [2, 3, 50])
  })

  test('SharedArray.buffer is exactly its bytes', async () => {
    for (const length of [1, 5, 1_000, 100_000]) {
      const array = await untyped(make, 'i', length)
      const bytes = new Uint8Array(array.buffer)
      assert.equal(bytes.length, length * 4)
      assert.equal(array.byteOffset, 0)
      bytes.fill(255)
      assert.equal(
        array.every((n: number) => n === -1),
        true,
      )
      assert.deepEqual(make.impossible(), [])
    }
  })

  test('SharedArray: its memory cannot be transferred away', async t => {
    const { buffer } = await untyped(make, 'i', 4)
    if (buffer.transfer === undefined) return t.skip('this version of Node.js cannot transfer')
    assert.throws(() => buffer.transfer(), refused(TypeError))
    assert.equal(buffer.byteLength, 16)
  })

  test('SharedArray: instanceof tells it from its views and from other arrays', async () => {
    const [array, raw] = [await untyped(make, 'i', 2), await make.rawArray('i', 2)]
    assert.ok(array instanceof SharedArray && !(array instanceof RawArray))
    assert.ok(raw instanceof SharedArray && raw instanceof RawArray)
    for (const other of [array.subarray(), Int32Array.of(1), [], null, {}, array.buffer]) {
      assert.equal((other as unknown) instanceof SharedArray, false)
    }
  })

  test('SharedArray: util.inspect, JSON and structuredClone see a typed array', async () => {
    const array = await untyped(make, 'i', [1, 2])
    assert.match(inspect(array), /^SharedInt32Array\(2\) .*\[ 1, 2 \]$/)
    assert.equal(JSON.stringify(array), '{"0":1,"1":2}')
    assert.deepEqual(structuredClone(array), Int32Array.of(1, 2))
    assert.deepEqual(Object.keys(array), ['0', '1'])
  })
}
