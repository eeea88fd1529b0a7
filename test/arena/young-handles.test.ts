// Shared arrays that were dropped go when what is young is collected: at once, and not when the engine has collected everything.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Queue, RawArray } from 'multiproc'
import { check } from '#src/arena/check.js'
import { currentSession } from '#src/arena/session.js'
import { isCollectionDue, isCollectionInVain, noteArrival, noteView } from '#src/os/garbage.js'
import { collectAll } from '../support/collect-all.ts'

const MIB = 2 ** 20
const BATCH = 4

const blocks = (): number => currentSession().allocator.blocks().length

/** From the first time on, what comes may be found to be gone. */
function collectYoung(): void {
  if (!isCollectionDue()) noteView(BATCH * MIB)
  currentSession().collectYoung()
}

test('SharedArrays that were dropped are freed by collectYoung() itself', async () => {
  collectYoung()
  let freed = 0
  const rounds = 20
  for (let round = 0; round < rounds; round++) {
    const before = blocks()
    for (let n = 0; n < BATCH; n++) new RawArray('B', MIB)[0] = 1
    const made = blocks()
    assert.equal(made, before + BATCH)
    collectYoung()
    freed += made - blocks()
    await setImmediate()
  }
  // not those that the engine has moved to the old meanwhile, by a collection of its own
  assert.ok(freed >= (rounds * BATCH) / 2, `${freed} of ${rounds * BATCH}; in vain: ${isCollectionInVain()}`)
  assert.deepEqual(check(currentSession()), [])
})

test('SharedArray: collectYoung() leaves it as long as a view, its buffer or a DataView of it is reachable', async () => {
  await collectAll()
  collectYoung()
  const before = blocks()
  const kept: (ArrayBufferView | ArrayBufferLike)[] = []
  const keeps: ((array: Int32Array) => ArrayBufferView | ArrayBufferLike)[] = [
    array => array,
    array => array.subarray(1),
    array => array.buffer,
    array => new DataView(array.buffer, 4),
    array => Buffer.from(array.buffer as ArrayBuffer, 4),
  ]
  /** In a function of its own, so that nothing of it is left on the stack. */
  const make = () => {
    for (const keep of keeps) {
      const array = new RawArray('i', 1000)
      array[1] = kept.length
      kept.push(keep(array))
      new RawArray('i', 1000).fill(-1)
    }
  }
  for (let round = 0; round < 10; round++) {
    make()
    collectYoung()
    new RawArray('i', 1000).fill(-1) // in the place of one that is gone
  }
  collectYoung()
  await collectAll()
  assert.equal(blocks(), before + kept.length)
  kept.forEach((one, i) => {
    assert.equal(new DataView(ArrayBuffer.isView(one) ? one.buffer : one).getInt32(4, true), i)
  })
  kept.length = 0
  await collectAll()
  assert.equal(blocks(), before)
})

test('SharedArray that stayed is the same array when it is received again', async () => {
  const queue = new Queue<any>()
  const mark = {}
  const views = Array.from({ length: 10 }, () => {
    const array: any = new RawArray('i', 3)
    array.mark = mark
    queue.putNowait(array)
    return array.subarray(1)
  })
  collectYoung()
  await setImmediate()
  for (const view of views) {
    const again = queue.getNowait()
    assert.equal(again.mark, mark)
    assert.equal(again.buffer, view.buffer)
  }
  queue.close()
})

test('SharedArray is not held for longer than any other when nothing is collected for a while', async () => {
  await collectAll()
  collectYoung()
  const before = blocks()
  for (let n = 0; n < 10; n++) new RawArray('i', 1000)
  for (const end = performance.now() + 10_000; blocks() > before; ) {
    assert.ok(performance.now() < end, `${blocks() - before} are still there`)
    await setTimeout(20)
    await collectAll()
  }
})

test('SharedArrays that go do not hide that all else that comes is kept: collections in vain are given up', () => {
  const kept: ArrayBuffer[] = []
  for (let round = 0; round < 20; round++) {
    new RawArray('B', 16)
    kept.push(new ArrayBuffer(BATCH * MIB))
    noteArrival(BATCH * MIB)
    currentSession().collectYoung()
  }
  assert.ok(isCollectionInVain())
  assert.equal(kept.length, 20)
})
