// Code of the user's that runs in the middle of an operation, and ends the handle or the stack under it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClosedError, JoinableQueue, Pipe, Queue, registerClass } from 'multiproc'
import { currentSession } from '#src/arena/session.js'

/** More than lie in one slab: one of them comes to lie where something else was freed. */
const MANY = 1000

/** Closes the queue when it is packed or unpacked, and lets something else take its place in memory. */
class Closing {
  readonly #queue: Queue
  readonly #fill: (queue: Queue) => void
  readonly others: Queue[] = []

  constructor(queue: Queue, fill: (queue: Queue) => void = () => {}) {
    this.#queue = queue
    this.#fill = fill
  }

  close(): void {
    if (this.#queue.closed) return
    this.#queue.close()
    while (this.others.length < MANY) this.others.push(new Queue())
    for (const other of this.others) this.#fill(other)
  }

  /** As many as each of the others has, when all have the same. */
  get sizes(): number[] {
    const sizes = [...new Set(this.others.map(other => other.qsize()))]
    for (const other of this.others) other.close()
    return sizes
  }
}

for (const Class of [Queue, JoinableQueue]) {
  for (const form of ['put', 'putSync', 'putNowait'] as const) {
    test(`${Class.name}.${form}() of an item whose getter closes the queue is refused, and nothing is put anywhere`, async () => {
      const queue = new Class<object>()
      const closing = new Closing(queue)
      const item = {
        get bad() {
          closing.close()
          return 1
        },
      }
      await assert.rejects(async () => queue[form](item), ClosedError)
      assert.deepEqual(closing.sizes, [0])
    })
  }
}

let unpacking: () => void = () => {}
class Unpacked {}
registerClass(Unpacked, {
  name: 'test.in-the-middle',
  pack: () => null,
  unpack() {
    unpacking()
    return new Unpacked()
  },
})

test('Queue.getMany() gives an item that closes the queue while it is unpacked, and takes nothing after it', async () => {
  const queue = new Queue<unknown>()
  queue.putNowait(new Unpacked())
  queue.putNowait('behind it')
  const closing = new Closing(queue, other => other.putNowait('of another'))
  unpacking = () => closing.close()
  assert.deepEqual(await queue.getMany(5), [new Unpacked()])
  assert.deepEqual(closing.sizes, [1])
})

test('JoinableQueue.deadLetters({ take: true }) with a letter that closes the queue while it is unpacked throws', () => {
  const [queue, carrier] = [new JoinableQueue<unknown>({ maxDeliveries: 1 }), new Queue<JoinableQueue>()]
  carrier.putNowait(queue)
  queue.putNowait(new Unpacked())
  unpacking = () => assert.fail('not yet')
  assert.throws(() => queue.getNowait(), /test.in-the-middle/)
  unpacking = () => queue.close()
  assert.throws(() => queue.deadLetters({ take: true }), ClosedError)
  unpacking = () => {}
  const again = carrier.getNowait()
  assert.equal(again.deadLetters().length, 1)
  again.close()
  carrier.close()
})

test('objects that hold one another, longer than the stack is deep, go with the first one', () => {
  const blocks = () => currentSession().allocator.blocks().length
  const before = blocks()
  let outer: Queue<unknown> = new Queue()
  for (let depth = 0; depth < 5000; depth++) {
    const next: Queue<unknown> = depth % 3 === 0 ? new JoinableQueue() : new Queue()
    const [a, b] = Pipe()
    a.sendSync(outer)
    next.putNowait(b)
    for (const one of [a, b, outer]) one.close()
    outer = next
  }
  outer.close()
  assert.equal(blocks(), before)
})
