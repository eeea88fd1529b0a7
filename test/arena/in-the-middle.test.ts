// Code of the user's that runs in the middle of an operation, and ends the handle or the stack under it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ClosedError, JoinableQueue, Lock, Pipe, Queue, registerClass } from 'multiproc'
import { check } from '#src/arena/check.js'
import { HEADER } from '#src/arena/layout.js'
import { isDying } from '#src/arena/owner.js'
import { forgetHolder, kindCode } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { store } from '#words'

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

/** Lets `act` be called at every depth of the stack, also where there is no room for it. */
function atTheEndOfTheStack(act: () => void): void {
  const deeper = (...padding: number[]): void => {
    try {
      act()
    } catch {
      // no stack left, or nothing there
    }
    deeper(...padding)
  }
  for (let words = 0; words < 8; words++) assert.throws(() => deeper(...new Array(words).fill(0)), RangeError)
}

const endOfTheStack: Record<string, (t: TestContext) => { act(): void; works(): void; close(): void }> = {
  'Queue, small items': () => ofQueue(new Queue(), 1),
  'Queue, large items': () => ofQueue(new Queue(), 'x'.repeat(5000)),
  'Queue, items with handles': t => ofQueue(new Queue(), { queue: opened(t, new Queue()) }),
  JoinableQueue: () => ofQueue(new JoinableQueue(), 1),
  Connection: () => {
    const [a, b] = Pipe()
    const act = () => {
      a.sendSync('x'.repeat(5000), { timeout: 0 })
      b.recvSync({ timeout: 0 })
    }
    const works = () => {
      while (b.pollSync()) b.recvSync()
      a.sendSync('last')
      assert.equal(b.recvSync(), 'last')
    }
    return { act, works, close: () => [a, b].map(one => one.close()) }
  },
  'new Queue()': () => ({ act: () => new Queue().close(), works: () => new Queue().close(), close() {} }),
}

function opened<T extends { close(): void }>(t: TestContext, object: T): T {
  t.after(() => object.close())
  return object
}

function ofQueue(queue: Queue<unknown>, item: unknown) {
  const act = () => {
    queue.putNowait(item)
    queue.getNowait()
  }
  const works = () => {
    while (!queue.empty()) queue.getNowait()
    queue.putSync('last', { timeout: 0 })
    assert.equal(queue.getSync({ timeout: 0 }), 'last')
  }
  return { act, works, close: () => queue.close() }
}

for (const [what, make] of Object.entries(endOfTheStack)) {
  test(`${what}: whoever runs out of stack inside an operation leaves nothing behind that others wait for`, t => {
    const { act, works, close } = make(t)
    atTheEndOfTheStack(act)
    works()
    new Queue().close() // comes by all latches of the arena
    close()
    const session = currentSession()
    assert.deepEqual(check(session), [])
    assert.ok(!session.allocator.blocks().some(({ owner }) => isDying(owner)), 'an object is left half taken apart')
  })
}

test('what the last one inside the references latch left without a reference goes with the next one who enters', () => {
  const session = currentSession()
  const [lock, queue] = [new Lock(), new Queue<unknown>()]
  const { address } = session.create(kindCode(session, lock.address), 16)
  session.publish({ address })
  forgetHolder(session, address, session.me)
  store(session.w, HEADER.referencesLatch, session.slot + 1) // as who had no stack left in there leaves it
  queue.putNowait(lock)
  assert.equal(session.allocator.owner(address), 0)
  assert.deepEqual(check(session), [])
  for (const one of [lock, queue]) one.close()
})
