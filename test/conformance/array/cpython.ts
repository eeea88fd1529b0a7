// CPython's own tests of arrays and their heap, Lib/test/_test_multiprocessing.py, told anew under their names.
import assert from 'node:assert/strict'
import { InvalidStateError, RLock } from 'multiproc'
import { double, prefixSum } from '../../fixtures/conformance-memory.ts'
import { launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'
import { untyped } from './untyped.ts'

export function fromCPython({ make, test }: Suite): void {
  const numbers = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831]
  for (const [name, of] of [
    ['TestArray.test_array', (initial: unknown) => untyped(make, 'i', initial)],
    ['TestArray.test_rawarray', async (initial: unknown) => make.rawArray('i', initial as number) as any],
  ] as const) {
    test(`${name} — length, index, slices; a child's prefix sum is seen here`, async t => {
      const expected = [...numbers]
      const array = await of(numbers)
      assert.equal(array.length, expected.length)
      assert.equal(array[3], expected[3])
      assert.deepEqual([...array.slice(2, 7)], expected.slice(2, 7))
      array.set([1, 2, 3, 4], 4)
      expected.splice(4, 4, 1, 2, 3, 4)
      assert.deepEqual([...array], expected)
      prefixSum(expected)
      assert.equal(await ended(launch(t, make, prefixSum, array)), 0)
      assert.deepEqual([...array], expected)
    })
  }

  test('TestArray.test_array_from_size — zeroed even when memory is reused', async () => {
    // as many as fill more than one slab of their size, so that the second round gets what the first one had
    for (const [size, count] of [
      [10, 1_500],
      [5_000, 25],
      [1_000_000, 3],
    ]) {
      const fill = async () => {
        for (let n = 0; n < count; n++) {
          const array = await untyped(make, 'i', size, { lock: false })
          assert.equal(array.length, size)
          assert.equal(array.indexOf(-1), -1)
          array.fill(-1)
        }
      }
      for (let round = 0; round < 2; round++) {
        await fill()
        await make.collect()
      }
    }
  })

  test('TestArray.test_getobj_getlock_obj — a lock of its own by default, the given one, or none; no lock is an error', async () => {
    assert.ok((await untyped(make, 'i', 10)).getLock() instanceof RLock)
    assert.ok((await untyped(make, 'i', 10, { lock: null })).getLock() instanceof RLock)
    const lock = await make.lock()
    assert.equal((await untyped(make, 'i', 10, { lock })).getLock(), lock)
    const bare = await untyped(make, 'i', 10, { lock: false })
    assert.throws(() => bare.getLock(), InvalidStateError)
    await assert.rejects(untyped(make, 'i', 10, { lock: 'notalock' }), TypeError)
  })

  test('TestHeap.test_heap — random arrays come and go; what is left is in order, and in the end nothing is', async () => {
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 48_271) % 0x7fff_ffff
      return seed % below
    }
    const arrays: any[] = []
    for (let n = 0; n < 3_000; n++) {
      const array = await untyped(make, 'B', Math.floor(2 ** (random(1_900) / 100)))
      array.fill(n)
      arrays.push([array, n & 255])
      if (arrays.length > 50) arrays.splice(random(arrays.length), 1)
      if (n % 500 === 0) {
        await make.collect()
        assert.deepEqual(make.impossible(), [])
      }
    }
    for (const [array, n] of arrays) assert.ok(array.every((byte: number) => byte === n))
  })

  test('TestHeap.test_free_from_gc — the collector frees arrays while arrays are made', async () => {
    for (let n = 0; n < 200; n++) {
      const circle: any = { array: await untyped(make, 'd', 1 + n * 100) }
      circle.self = circle
      circle.array.set([n])
      if (n % 20 === 0) await make.collect()
    }
    assert.deepEqual(make.impossible(), [])
  })

  for (const [name, options] of [
    [
      'TestSharedCTypes.test_sharedctypes — int, double, 64-bit, array and text are doubled by a child',
      { lock: false },
    ],
    ['TestSharedCTypes.test_synchronize — the same with locks', {}],
  ] as const) {
    test(name, async t => {
      const x = await make.value('i', 7, options)
      const y = await make.value('d', 1 / 3, options)
      const z = await make.value('q', 2n ** 33n, options)
      const array = await untyped(
        make,
        'd',
        Array.from({ length: 10 }, (_, i) => i),
        options,
      )
      const string = await untyped(make, 'c', 20, options)
      string.value = 'hello'
      assert.equal(await ended(launch(t, make, double, x, y, z, array, string)), 0)
      assert.equal(x.value, 14)
      assert.equal(y.value, 2 / 3)
      assert.equal(z.value, 2n ** 34n)
      assert.deepEqual([...array], [0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
      assert.equal(string.value, 'hellohello')
    })
  }

  test('TestSharedCTypes.test_copy — a shared copy is independent', async () => {
    const [value, array] = [await make.value('i', 2), await untyped(make, 'd', [5, 0.5])]
    const [valueCopy, arrayCopy] = [await make.value('i', value.value), await untyped(make, 'd', array)]
    value.value = 0
    array.fill(0)
    assert.equal(valueCopy.value, 2)
    assert.deepEqual([...arrayCopy], [5, 0.5])
  })
}
