// Buffers and typed arrays: given away, copied, shared.
import assert from 'node:assert/strict'
import { ArgumentTypeError, inspect, RawArray } from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import { type PoolSuite, range, within } from '../pool.ts'

export function binaries(suite: PoolSuite): void {
  const { test } = suite

  test('Pool.apply() transfer: the buffer is empty afterwards, and arrived', async () => {
    const bytes = new Uint8Array(1 << 20).fill(3)
    const result = suite.common.apply(tasks.plusOne, [bytes], { transfer: [bytes.buffer] })
    assert.equal(bytes.length, 0)
    assert.equal((await result)[4096], 4)
  })

  test('Pool.apply() transfer: views of every kind arrive as they were; what holds a buffer is sent as it was, too', async () => {
    const whole = new Uint8Array(range(64))
    const give = (value: unknown, buffer: ArrayBuffer) =>
      suite.common.apply(tasks.identity, [value], { transfer: [buffer] })
    const values = [
      (b: ArrayBuffer) => b,
      (b: ArrayBuffer) => new Uint8Array(b, 3, 5),
      (b: ArrayBuffer) => Buffer.from(b, 3, 5),
      (b: ArrayBuffer) => new Float64Array(b, 8, 2),
      (b: ArrayBuffer) => new DataView(b, 8, 16),
      (b: ArrayBuffer) => ({ deep: [new Uint8Array(b, 3, 5), 'beside it'] }),
    ]
    for (const value of values) {
      const buffer = whole.slice().buffer
      const sent = value(buffer)
      const back = give(sent, buffer)
      assert.equal(buffer.byteLength, 0)
      assert.deepEqual(await back, value(whole.slice().buffer))
    }
  })

  test('Pool.apply() transfer of shared memory: it stays shared, or is refused', async () => {
    const array = new RawArray('i', 4)
    const back = suite.common.apply(tasks.identity, [array], { transfer: [array.buffer as ArrayBuffer] })
    const got = await back.catch(error => error)
    assert.ok(got === array || got instanceof ArgumentTypeError)
    assert.equal(array.length, 4)
  })

  test('Pool.apply() transfer: a hundred large buffers lie in shared memory a few at a time', async () => {
    const before = inspect().memory.used
    const all = range(100).map(n => {
      const { buffer } = new Uint8Array(1 << 20).fill(n)
      return suite.common.apply(tasks.plusOne, [new Uint8Array(buffer)], { transfer: [buffer] })
    })
    assert.ok(inspect().memory.used - before < 50 * 2 ** 20)
    const back = await within(Promise.all(all))
    assert.deepEqual(
      back.map(bytes => bytes[0]),
      range(100).map(n => n + 1),
    )
  })

  test('Pool: large typed arrays, many at once, in and out', async () => {
    const arrays = range(40).map(n => new Uint8Array(1 << 20).fill(n))
    const back = await suite.common.map(tasks.plusOne, arrays, { chunksize: 1 })
    assert.deepEqual(
      back.map(bytes => [bytes.length, bytes[0]]),
      range(40).map(n => [1 << 20, n + 1]),
    )
  })

  test('Pool: large arrays that are kept stay what they were, plain and shared, in the worker and here, while others come and go', async t => {
    const pool = suite.pool(t, { processes: 1 })
    const size = 1 << 20
    const plain = range(12).map(n => new Uint8Array(size).fill(n))
    const shared = range(12).map(n => new RawArray('B', size).fill(n))
    const back = await within(pool.map(tasks.keepArray, [...plain, ...shared], { chunksize: 1 }))
    // the worker collects what is young meanwhile, again and again; so does this process
    for (let round = 0; round < 3; round++) {
      await within(pool.map(tasks.plusOne, Array(20).fill(new Uint8Array(size).fill(200)), { chunksize: 1 }))
      const dropped = range(20).map(() => new RawArray('B', size).fill(100))
      const same = await within(pool.map(tasks.identity, dropped, { chunksize: 1 }))
      assert.deepEqual(
        same.map((array, i) => array === dropped[i]),
        Array(20).fill(true),
      )
    }
    const expected = [...range(12), ...range(12)].map(n => [n + 1, n, size])
    assert.deepEqual(await within(pool.apply(tasks.arraysKept)), expected)
    assert.deepEqual(
      back.map(bytes => [bytes[0], bytes.at(-1), bytes.length]),
      expected,
    )
    assert.deepEqual(
      plain.map(bytes => bytes[0]),
      range(12),
    )
    for (const [i, array] of shared.entries()) {
      assert.equal(back[12 + i], array) // not a copy: the array itself
      array[size - 1] = 77
    }
    const after = await within(pool.apply(tasks.arraysKept))
    assert.deepEqual(
      after.slice(12).map(([, last]) => last),
      Array(12).fill(77),
    )
  })
  test('SharedArrays that tasks made, and dropped, are freed while the worker goes on', async t => {
    const pool = suite.pool(t, { processes: 1 })
    const count = 60
    const size = 123 * 4096
    const there = () =>
      inspect().objects.filter(({ kind, detail }) => kind === 'SharedArray' && detail.length === size).length
    const array = new RawArray('B', size).fill(7)
    const given = Array(count).fill(array)
    assert.deepEqual(await within(pool.map(tasks.leaveArray, given, { chunksize: 1 })), Array(count).fill(7))
    // those of the first few tasks and of the last are left to the engine, and what it made old meanwhile
    assert.ok(there() <= count / 2, `${there()} of ${count} are still there`)
  })
}
