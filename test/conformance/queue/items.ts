// Which values travel through a Queue, whole, and that what cannot travel leaves it as it was.
import assert from 'node:assert/strict'
import { freemem } from 'node:os'
import { NotSerializableError, type Queue } from 'multiproc'
import { compare, echo, weigh } from '../../fixtures/conformance-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'

/** Up to here an item lies in the queue itself, with what describes it; above it in a block of its own. */
const INLINE = 4096
const MIB = 1 << 20

export const plain: unknown[] = [
  undefined,
  null,
  false,
  0,
  -0,
  NaN,
  '',
  'text ✓ 𝄞',
  12n ** 40n,
  [],
  {},
  [undefined, null],
  { nested: { in: [1, 2, { n: 3 }] } },
  new Map([[1, new Set(['a'])]]),
  new Date(0),
  new Uint8Array(0),
  new Float64Array([0.5, -0]),
  /a.b/giu,
]

export function items({ make, test }: Suite): void {
  const forms: [name: string, take: (queue: Queue) => unknown][] = [
    ['get', queue => queue.get()],
    ['getSync', queue => queue.getSync()],
    ['getNowait', queue => queue.getNowait()],
    ['getMany', async queue => (await queue.getMany(1))[0]],
    [
      'iteration',
      async queue => {
        for await (const item of queue) return item
      },
    ],
  ]
  for (const [name, take] of forms) {
    test(`Queue: ${name} gives each value as it was put, undefined and null too`, async () => {
      const queue = await make.queue()
      for (const value of plain) {
        await queue.put(value)
        assert.deepEqual(await take(queue), value)
      }
      assert.equal(queue.qsize(), 0)
    })
  }

  test('Queue: values arrive in another process as they were put', async t => {
    const [queue, report] = [await make.queue(), await make.queue()]
    launch(t, make, compare, queue, plain, report)
    for (const value of plain) queue.putSync(value)
    for (const value of plain) assert.deepEqual(await report.get(), [true, value])
  })

  test('Queue: an item is what it was at the call, however it is changed afterwards', async () => {
    const queue = await make.queue(1)
    const small = { n: 1 }
    const large = new Uint8Array(10_000).fill(1)
    const done = [queue.put(small), queue.put(small), queue.put(large)] // only the first has room
    small.n = 2
    large.fill(2)
    done.push(queue.put(small))
    small.n = 3
    for (const item of [{ n: 1 }, { n: 1 }, new Uint8Array(10_000).fill(1), { n: 2 }]) {
      assert.deepEqual(await queue.get(), item)
    }
    await Promise.all(done)
  })

  test(`Queue: items of every length around ${INLINE} bytes arrive whole, in order`, async t => {
    const [requests, replies] = [await make.queue(), await make.queue()]
    launch(t, make, echo, requests, replies)
    const lengths = [0, 1, 2, 3, 4, 5, 63, 64, 65, 1023, 1024]
    for (let n = INLINE - 40; n <= INLINE + 8; n++) lengths.push(n)
    lengths.push(2 * INLINE, 3 * INLINE + 1, 65_535, 65_536, 65_537)
    for (const n of lengths) {
      const bytes = Uint8Array.from({ length: n }, (_, i) => i * n)
      for (const item of [bytes, 'x'.repeat(n), { bytes }, 'é'.repeat(n)]) {
        requests.putSync(item)
        assert.deepEqual(replies.getSync({ timeout: LIMIT }), item, `${n} long`)
      }
    }
  })

  for (const [name, bytes] of [
    ['1 MiB', MIB],
    ['64 MiB', 64 * MIB],
  ] as const) {
    test(`Queue: an item of ${name} arrives whole in another process, and its memory comes back`, async t => {
      const [queue, report] = [await make.queue(), await make.queue()]
      const before = make.memoryUsed()
      const child = launch(t, make, weigh, queue, report)
      await queue.put(new Uint8Array(bytes).fill(7))
      assert.deepEqual(await report.get(), ['Uint8Array', bytes, true])
      assert.equal(await ended(child), 0)
      assert.ok(make.memoryUsed() - before <= 4 * make.memoryStep)
    })
  }

  test('Queue: an item of 1 GiB arrives whole in another process', async t => {
    const need = 4 * 1024 * MIB // one here, one shared, one there, and room to work
    if (freemem() < need) {
      t.skip(`SKIPPED: it needs ${need} bytes of free memory, this machine has ${freemem()}`)
      return
    }
    const [queue, report] = [await make.queue(), await make.queue()]
    launch(t, make, weigh, queue, report)
    await queue.put(new Uint8Array(1024 * MIB).fill(7))
    assert.deepEqual(await report.get(), ['Uint8Array', 1024 * MIB, true])
  }, 180_000)

  const circular = Object.defineProperty({ n: 1 } as Record<string, unknown>, 'getter', {
    enumerable: true,
    get() {
      throw new Error('this getter goes round in circles')
    },
  })
  const unserializable: [what: string, value: unknown, path: string][] = [
    ['a function', () => {}, 'value'],
    ['a symbol', Symbol('s'), 'value'],
    ['a function deep inside', { list: [1, { call: () => {} }] }, 'list[1].call'],
    ['a getter that throws', [circular], 'value[0].getter'],
    ['a promise', { later: Promise.resolve() }, 'later'],
    ['a WeakMap beside much that could travel', [new Uint8Array(100_000), new WeakMap()], 'value[1]'],
  ]
  for (const [what, value, path] of unserializable) {
    test(`Queue.put() of ${what} throws NotSerializableError with its path, and puts nothing`, async () => {
      const queue = await make.queue(2)
      await queue.put('before')
      const refused = (error: unknown) => {
        assert.ok(error instanceof NotSerializableError)
        assert.equal(error.path, path)
        return true
      }
      await assert.rejects(queue.put(value), refused)
      await assert.rejects(queue.put(value, { timeout: 10 }), refused)
      assert.throws(() => queue.putSync(value), refused)
      assert.throws(() => queue.putNowait(value), refused)
      await assert.rejects(queue.putMany([value]), refused)
      assert.equal(queue.qsize(), 1)
      queue.putNowait('after')
      assert.deepEqual(await queue.getMany(5), ['before', 'after'])
    })
  }

  test('Queue.put() of an unserializable item on a full queue rejects at once and does not wait', async () => {
    const queue = await make.queue(1)
    await queue.put('first')
    await assert.rejects(
      queue.put(() => {}),
      NotSerializableError,
    )
    assert.throws(() => queue.putSync(() => {}), NotSerializableError)
    assert.deepEqual(await queue.get(), 'first')
  })

  test('Queue.putMany() that meets an unserializable item has put those before it, and says how many', async () => {
    const queue = await make.queue()
    await assert.rejects(queue.putMany([1, 2, () => {}, 3]), { code: 'ERR_MULTIPROC_NOT_SERIALIZABLE', done: 2 })
    assert.deepEqual(await queue.getMany(5), [1, 2])
    assert.equal(queue.empty(), true)
  })

  test('Queue: a getter of an item that uses the same queue takes and puts as everywhere', async () => {
    const queue = await make.queue()
    await queue.put({
      get inner() {
        queue.putSync('from the getter')
        return queue.getSync({ timeout: LIMIT })
      },
    })
    assert.deepEqual(await queue.get(), { inner: 'from the getter' })
    assert.equal(queue.qsize(), 0)
  })
}
