// What every SharedArray and RawArray promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { InvalidStateError, MultiprocError, RawArray, RLock, SharedArray, type TypeCode } from 'multiproc'
import { hold } from '../fixtures/conformance.ts'
import {
  addAtomically,
  churn,
  countUp,
  describeArrays,
  dieInArray,
  double,
  keepView,
  leaveArray,
  overwrite,
  prefixSum,
} from '../fixtures/conformance-memory.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { asleep, ended, killed, type Suite, suite } from './suite.ts'

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

/** An array of what only the run knows. */
const untyped = async (make: Implementation, ...given: unknown[]): Promise<any> => (make.array as any)(...given)

const refused = (kind: typeof TypeError | typeof RangeError) => (error: unknown) => {
  assert.ok(error instanceof kind && error instanceof MultiprocError, String(error))
  return true
}

export function arraySuite(make: Implementation, except: readonly Except[] = []): void {
  suite('SharedArray', make, except, [kept, ordinary, sent, text, locks, deaths, fromCPython])
}

function kept({ make, test }: Suite): void {
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

function ordinary({ make, test }: Suite): void {
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

function sent({ make, test }: Suite): void {
  test('SharedArray inside an item is the same array; its slice and its subarray are copied', async t => {
    const [queue, report] = [await make.queue(), await make.queue()]
    const [array, raw] = [await untyped(make, 'i', [1, 2, 3]), await make.rawArray('i', [4])]
    await queue.put({ it: array, again: [array], view: array.subarray(1), copy: array.slice() })
    const got = await queue.get()
    assert.equal(got.it, array)
    assert.equal(got.again[0], array)
    got.view[0] = 9
    assert.deepEqual([...array], [1, 2, 3])
    launch(t, make, describeArrays, [array, raw, array.subarray(1)], report)
    assert.deepEqual(await report.get({ timeout: LIMIT }), [
      [true, false, [99, 2, 3]],
      [true, true, [99]],
      [false, false, [99, 3]],
    ])
    assert.deepEqual([...array], [99, 2, 3])
    assert.equal(raw[0], 99)
  })

  test('SharedArray in a queue outlives the process that made it', async t => {
    const queue = await make.queue()
    assert.equal(await ended(launch(t, make, leaveArray, queue)), 0)
    const array = await queue.get({ timeout: LIMIT })
    assert.deepEqual([...array], [1, 2, 3])
    assert.equal(array.getLock().tryAcquire()?.abandoned, false)
  })

  test('SharedArray: a view that is all a process has of it keeps its memory', async t => {
    const [inbox, report, ready, goOn] = [
      await make.queue(),
      await make.queue(),
      await make.event(),
      await make.event(),
    ]
    const child = launch(t, make, keepView, inbox, ready, goOn, report)
    await inbox.put(await untyped(make, 'i', [1, 2, 3]))
    await ready.wait({ timeout: LIMIT })
    for (let n = 0; n < 100; n++) await untyped(make, 'i', [7, 7, 7])
    goOn.set()
    assert.deepEqual(await report.get({ timeout: LIMIT }), [2, 3])
    assert.equal(await ended(child), 0)
  })
}

function text({ make, test }: Suite): void {
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

function locks({ make, test }: Suite): void {
  test('SharedArray.getLock() is one lock, the same in every process; a given one is used', async t => {
    const array = await untyped(make, 'i', 1)
    assert.ok(array.getLock() instanceof RLock)
    assert.equal(array.getLock(), array.getLock())
    const held = await make.event()
    const child = launch(t, make, hold, array.getLock(), 'acquire', held)
    await held.wait({ timeout: LIMIT })
    assert.equal(array.getLock().holder, child.pid)
    assert.equal(array.getLock().tryAcquire(), null)
    for (const lock of [await make.lock(), await make.rlock()]) {
      assert.equal((await untyped(make, 'd', 1, { lock })).getLock(), lock)
      assert.equal((await make.rawArray('d', 1, { lock })).getLock(), lock)
      lock.close()
      await assert.rejects(untyped(make, 'd', 1, { lock }), MultiprocError)
    }
  })

  test('SharedArray.update() in three processes at once loses nothing', async t => {
    const [go, array] = [await make.event(), await untyped(make, 'i', 3)]
    const children = [1, 2, 3].map(() => launch(t, make, countUp, go, array, 2_000))
    await asleep(make, ...children)
    go.set()
    for (const child of children) assert.equal(await ended(child), 0)
    assert.deepEqual([...array], [6_000, 6_000, 6_000])
    assert.equal(array.getLock().locked(), false)
  })

  test('Atomics.add() on a SharedArray in three processes at once loses nothing', async t => {
    for (const [code, one] of [
      ['i', 1],
      ['B', 1],
      ['q', 1n],
    ] as const) {
      const [go, array] = [await make.event(), await make.rawArray(code, 2)]
      const children = [1, 2, 3].map(() => launch(t, make, addAtomically, go, array, one, 20_000))
      await asleep(make, ...children)
      go.set()
      for (const child of children) assert.equal(await ended(child), 0)
      assert.equal(Number(array[1]), code === 'B' ? 60_000 % 256 : 60_000)
    }
  })

  test('SharedArray.update() gives what its function gives; it must be synchronous, and the lock is free after', async () => {
    const array = await untyped(make, 'i', [1, 2])
    assert.equal(
      array.update((a: Int32Array) => a.reduce((x, y) => x + y)),
      3,
    )
    assert.equal(
      array.update(() => array.update(() => 5)),
      5,
    )
    assert.equal(
      array.update(() => array.getLock().locked()),
      true,
    )
    const trouble = new Error('in the function')
    assert.throws(
      () =>
        array.update(() => {
          throw trouble
        }),
      trouble,
    )
    assert.throws(() => array.update(async () => 1), refused(TypeError))
    assert.throws(() => array.update('no function'), refused(TypeError))
    assert.equal(array.getLock().locked(), false)
  })

  test('RawArray, and SharedArray with { lock: false }, have no lock: getLock() and update() throw', async () => {
    for (const array of [await make.rawArray('i', 1), await untyped(make, 'i', 1, { lock: false })]) {
      assert.throws(() => array.getLock(), InvalidStateError)
      assert.throws(() => array.update(() => 1), InvalidStateError)
      array[0] = 5
      assert.equal(array[0], 5)
    }
  })
}

function deaths({ make, death }: Suite): void {
  death('SharedArray: its process is killed inside update(): what it wrote is there, the lock tells of it', async t => {
    const [array, inside] = [await untyped(make, 'i', 2), await make.event()]
    const child = launch(t, make, dieInArray, array, inside)
    await inside.wait({ timeout: LIMIT })
    assert.equal(await ended(child), make.deathCode)
    assert.deepEqual([...array], [1, 0])
    const held = array.getLock().acquireSync({ timeout: LIMIT })
    assert.equal(held.abandoned, true)
    held.release()
    assert.equal(
      array.update((a: Int32Array) => a[0]),
      1,
    )
  })

  death('SharedArray: processes that make arrays all the time are killed: what they had is free again', async t => {
    const go = await make.event()
    await untyped(make, 'B', 300_000)
    const before = make.memoryUsed()
    const victims = [1, 2].map(() => launch(t, make, churn, go))
    await asleep(make, ...victims)
    go.set()
    const mine = await untyped(make, 'i', 100_000)
    for (const victim of victims) await killed(make, victim)
    assert.equal(
      mine.every((n: number) => n === 0),
      true,
    )
    // slabs of the dead wait for somebody who needs one of their size
    assert.ok(make.memoryUsed() <= before + 64 * make.memoryStep, `${make.memoryUsed()} bytes, before ${before}`)
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
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
