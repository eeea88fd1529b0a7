// What the elements of a SharedArray are, what it is made of, and what it refuses.
import assert from 'node:assert/strict'
import { SharedArray, type TypeCode } from 'multiproc'
import { overwrite } from '../../fixtures/conformance-memory.ts'
import { LIMIT, launch } from '../implementation.ts'
import { refused } from '../refused.ts'
import type { Suite } from '../suite.ts'
import { untyped } from './untyped.ts'

/** For each type: the typed array it is, elements that it keeps as they are, those it refuses, and why. */
const types: Record<TypeCode, { is: any; fits: unknown[]; beyond: unknown[]; wrong: unknown[] }> = {
  c: { is: Uint8Array, fits: [97, 0, 255], beyond: [256, -1, 'Ā'], wrong: [0.5, 'ab', '', null, 1n] },
  u: { is: Uint16Array, fits: [97, 0, 0xffff], beyond: [0x10000, -1], wrong: ['ab', null] },
  b: { is: Int8Array, fits: [-128, 127], beyond: [-129, 128], wrong: [0.5, '1', 1n, null, undefined] },
  B: { is: Uint8Array, fits: [0, 255], beyond: [-1, 256], wrong: [NaN] },
  h: { is: Int16Array, fits: [-32768, 32767], beyond: [-32769, 32768], wrong: [0.5] },
  H: { is: Uint16Array, fits: [0, 65535], beyond: [-1, 65536], wrong: ['1'] },
  i: { is: Int32Array, fits: [-(2 ** 31), 2 ** 31 - 1], beyond: [-(2 ** 31) - 1, 2 ** 31], wrong: [0.5, 1n, {}] },
  I: { is: Uint32Array, fits: [0, 2 ** 32 - 1], beyond: [-1, 2 ** 32], wrong: [Infinity] },
  l: { is: Int32Array, fits: [-(2 ** 31), 2 ** 31 - 1], beyond: [2 ** 31], wrong: [0.5] },
  L: { is: Uint32Array, fits: [0, 2 ** 32 - 1], beyond: [-1], wrong: [0.5] },
  q: { is: BigInt64Array, fits: [-(2n ** 63n), 2n ** 63n - 1n], beyond: [2n ** 63n], wrong: [1, '1'] },
  Q: { is: BigUint64Array, fits: [0n, 2n ** 64n - 1n], beyond: [-1n, 2n ** 64n], wrong: [1] },
  f: { is: Float32Array, fits: [0.5, -0, Infinity, NaN], beyond: [], wrong: ['1', 1n, null] },
  d: { is: Float64Array, fits: [0.1, -0, Number.MAX_VALUE, NaN], beyond: [], wrong: ['1', 1n] },
}
const codes = Object.keys(types) as TypeCode[]

export function kept({ make, test }: Suite): void {
  for (const code of codes) {
    const { is, fits, beyond, wrong } = types[code]
    test(`SharedArray('${code}') is a ${is.name}; it keeps what fits, here and in another process, and refuses what does not`, async t => {
      const array = await untyped(make, code, fits)
      assert.ok(array instanceof is && array instanceof SharedArray)
      assert.deepEqual(Array.from(array), fits)
      const zeros = await untyped(make, code, 3)
      assert.deepEqual([...zeros], Array(3).fill(typeof fits[0] === 'bigint' ? 0n : 0))
      for (const bad of beyond) await assert.rejects(untyped(make, code, [...fits, bad]), refused(RangeError), `${bad}`)
      for (const bad of wrong) await assert.rejects(untyped(make, code, [bad]), refused(TypeError), `${bad}`)
      const report = await make.queue()
      launch(t, make, overwrite, array, [...fits].reverse(), report)
      assert.deepEqual(await report.get({ timeout: LIMIT }), [fits, is.name])
      assert.deepEqual(Array.from(array), [...fits].reverse())
    })
  }

  test('new SharedArray() of an unknown type, a bad size or initial, or with bad options throws, and takes no memory', async () => {
    await untyped(make, 'i', 1)
    const before = make.memoryUsed()
    for (const given of [
      ['x', 1],
      [undefined, 1],
      ['i'],
      ['i', null],
      ['i', {}],
      ['i', 5n],
      ['i', '12'],
      ['i', 1, { lock: 1 }],
      ['i', 1, { look: true }],
      ['i', 1, true],
    ]) {
      await assert.rejects(
        untyped(make, ...given),
        refused(TypeError),
        JSON.stringify(given, (_, v) => `${v}`),
      )
    }
    for (const size of [-1, 0.5, NaN, Infinity, 2 ** 60]) {
      await assert.rejects(untyped(make, 'd', size), refused(RangeError), `${size}`)
    }
    assert.equal(make.memoryUsed(), before)
  })

  test('new SharedArray() says which element does not fit', async () => {
    await assert.rejects(untyped(make, 'B', [1, 2, 300]), /got 300 \(number\) at index 2/)
  })

  test('new SharedArray() takes any iterable, another shared array too, and copies it', async () => {
    const source = await untyped(make, 'i', [1, 2, 3])
    for (const initial of [
      new Set([1, 2, 3]),
      [1, 2, 3].values(),
      Int32Array.of(1, 2, 3),
      Float64Array.of(1, 2, 3),
      source,
    ]) {
      const array = await untyped(make, 'i', initial)
      assert.deepEqual([...array], [1, 2, 3])
      array[0] = 9
    }
    assert.deepEqual([...source], [1, 2, 3])
  })

  test('new SharedArray() of no elements, and of many', async () => {
    const none = await untyped(make, 'd', 0)
    assert.equal(none.length, 0)
    assert.equal(none.buffer.byteLength, 0)
    assert.equal(none.getLock().locked(), false)
    for (const length of [1, 10_000, 1_000_003]) {
      const array = await untyped(make, 'H', length)
      assert.equal(array.length, length)
      assert.equal(
        array.every((n: number) => n === 0),
        true,
      )
      array[length - 1] = 7
      assert.equal(array.at(-1), 7)
    }
  })

  test('SharedArray: what is assigned by index is converted as in every typed array', async () => {
    const array = await untyped(make, 'b', 3)
    array[0] = 300
    array[1] = 1.9
    array[2] = 'x'
    array[3] = 1
    assert.deepEqual([...array], [44, 1, 0])
  })
}

export function text({ make, test }: Suite): void {
  test("SharedArray('c') and ('u') are made of a string, and have value and raw", async () => {
    for (const [code, string] of [
      ['c', 'h\xe9llo'],
      ['u', 'h✓l𝄞'],
    ] as const) {
      const array = await untyped(make, code, string)
      assert.equal(array.length, 5)
      assert.equal(array.value, string)
      assert.equal(array.raw, string)
      assert.equal(array[1], string.charCodeAt(1))
      array.value = 'ab'
      assert.equal(array.value, 'ab')
      assert.equal(array.raw, `ab\0${string.slice(3)}`)
      array.raw = '\0b'
      assert.equal(array.value, '')
      assert.equal(array.raw, `\0b\0${string.slice(3)}`)
      array.value = 'abcde'
      assert.equal(array.value, 'abcde')
      assert.throws(() => (array.value = 'abcdef'), refused(RangeError))
      assert.throws(() => (array.raw = 5), refused(TypeError))
      assert.equal(array.value, 'abcde')
    }
    const bytes = await untyped(make, 'c', 3)
    assert.throws(() => (bytes.value = '✓'), refused(RangeError))
    assert.deepEqual([...(await untyped(make, 'c', ['a', 98]))], [97, 98])
    const long = await untyped(make, 'u', 'x'.repeat(100_000))
    assert.equal(long.value.length, 100_000)
  })
}
