// Bad arguments are refused at the call with a typed error, and nothing is lost by it.
import assert from 'node:assert/strict'
import { refused } from '../refused.ts'
import type { Suite } from '../suite.ts'

export function misuse({ make, test }: Suite): void {
  for (const [bad, kind] of [
    [-1, RangeError],
    [1.5, RangeError],
    [NaN, RangeError],
    [Infinity, RangeError],
    [2 ** 31, RangeError],
    ['3', TypeError],
    [3n, TypeError],
    [null, TypeError],
    [[3], TypeError],
  ] as const) {
    test(`new Queue() with maxsize ${typeof bad === 'object' ? JSON.stringify(bad) : `${bad} (${typeof bad})`} throws`, async () => {
      await assert.rejects(async () => make.queue(bad as any), refused(kind))
      await assert.rejects(async () => make.queue({ maxsize: bad as any }), refused(kind))
    })
  }

  test('new Queue() with an option it does not know throws, and names it', async () => {
    await assert.rejects(async () => make.queue({ maxSize: 3 } as any), /`maxSize`/)
    await assert.rejects(async () => make.queue({ maxSize: 3 } as any), refused(TypeError))
  })

  for (const [bad, kind] of [
    [-1, RangeError],
    [1.5, RangeError],
    [NaN, RangeError],
    [-Infinity, RangeError],
    ['5', TypeError],
    [null, TypeError],
    [5n, TypeError],
  ] as const) {
    test(`Queue: timeout ${bad} (${typeof bad}) is refused by every operation, and nothing is taken or put`, async () => {
      const options = { timeout: bad } as any
      const queue = await make.queue(3)
      await queue.put('only')
      await assert.rejects(queue.put(1, options), refused(kind))
      await assert.rejects(queue.put(new Uint8Array(10_000), options), refused(kind))
      await assert.rejects(queue.putMany([1], options), refused(kind))
      await assert.rejects(queue.get(options), refused(kind))
      await assert.rejects(queue.getMany(1, options), refused(kind))
      assert.throws(() => queue.putSync(1, options), refused(kind))
      assert.throws(() => queue.getSync(options), refused(kind))
      assert.deepEqual(await queue.getMany(5), ['only'])
    })
  }

  test('Queue: options that are unknown, no object, or hold no AbortSignal are refused, and nothing is taken or put', async () => {
    const queue = await make.queue(3)
    await queue.put('only')
    for (const options of [{ timout: 5 }, 5, 'soon', null, [], { signal: 'now' }, { signal: {} }] as any[]) {
      await assert.rejects(queue.put(1, options), refused(TypeError))
      await assert.rejects(queue.putMany([1], options), refused(TypeError))
      await assert.rejects(queue.get(options), refused(TypeError))
      await assert.rejects(queue.getMany(1, options), refused(TypeError))
    }
    // a blocking call cannot be aborted
    for (const options of [{ timout: 5 }, 5, null, { signal: AbortSignal.abort() }] as any[]) {
      assert.throws(() => queue.putSync(1, options), refused(TypeError))
      assert.throws(() => queue.getSync(options), refused(TypeError))
    }
    assert.deepEqual(await queue.getMany(5), ['only'])
  })

  for (const [bad, kind] of [
    [0, RangeError],
    [-1, RangeError],
    [1.5, RangeError],
    [NaN, RangeError],
    ['2', TypeError],
    [undefined, TypeError],
  ] as const) {
    test(`Queue.getMany(${bad}) (${typeof bad}) is refused, and nothing is taken`, async () => {
      const queue = await make.queue()
      await queue.put('only')
      await assert.rejects(queue.getMany(bad as any), refused(kind))
      assert.deepEqual(await queue.getMany(5), ['only'])
    })
  }

  for (const bad of [5, null, undefined, { length: 1 }]) {
    test(`Queue.putMany(${JSON.stringify(bad)}) is refused, and nothing is put`, async () => {
      const queue = await make.queue()
      await assert.rejects(queue.putMany(bad as any), refused(TypeError))
      assert.equal(queue.qsize(), 0)
    })
  }

  test('Queue.putMany() passes on what its iterable throws; the items before it are put', async () => {
    const queue = await make.queue()
    const trouble = new Error('from the iterable')
    const items = function* () {
      yield 1
      throw trouble
    }
    await assert.rejects(queue.putMany(items()), error => error === trouble)
    assert.deepEqual(await queue.getMany(5), [1])
  })

  test('Queue.shutdown() with bad options is refused, and the queue stays open', async () => {
    const queue = await make.queue()
    for (const options of [{ now: true }, { immediate: 1 }, true, null] as any[]) {
      assert.throws(() => queue.shutdown(options), refused(TypeError))
    }
    await queue.put('open')
    assert.equal(await queue.get(), 'open')
  })
}
