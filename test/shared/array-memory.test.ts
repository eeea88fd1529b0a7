// Where the memory of arrays comes from, how long it stays, and what happens when there is none.
import assert from 'node:assert/strict'
import { freemem } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ArgumentRangeError, inspect, Queue, RawArray, SharedArray, SharedMemory } from 'multiproc'
import { check } from '#src/arena/check.js'
import { HEADER, UNIT } from '#src/arena/layout.js'
import { giveRun, takeRun, underGuard } from '#src/arena/runs.js'
import { currentSession } from '#src/arena/session.js'
import { MAX_VIEW } from '#src/os/mapping.js'
import { run, runNode } from '../support/children.ts'
import { collectAll } from '../support/collect-all.ts'

const WINDOW = 2 ** 30

/** The memory is taken up to the last units before the next window. Gives it back. */
function upToWindow(): () => void {
  const { w, me } = currentSession()
  const taken: number[] = []
  const perWindow = WINDOW / UNIT
  for (;;) {
    const unit = takeRun(w, me, 1)
    const left = perWindow - (unit % perWindow) - 1
    if (left > 3) {
      giveRun(w, me, unit, false)
      const many = takeRun(w, me, left - 2)
      assert.notEqual(many, 0)
      taken.push(many)
      if ((many % perWindow) + left - 2 >= perWindow - 3) break
    } else {
      taken.push(unit)
      break
    }
  }
  return () => {
    for (const unit of taken) giveRun(w, me, unit, false)
  }
}

test('SharedArray across two windows of the memory is one array, with a buffer of exactly its bytes', async () => {
  new RawArray('i', 1) // founds the session
  const giveBack = upToWindow()
  const addresses = () =>
    currentSession()
      .allocator.blocks()
      .map(({ address }) => address)
  const before = new Set(addresses())
  const array = new SharedArray('i', 2_000_000)
  const [start] = addresses().filter(one => !before.has(one) && one % UNIT === 0)
  assert.notEqual(Math.floor(start / WINDOW), Math.floor((start + array.buffer.byteLength) / WINDOW), 'it lies across')
  assert.equal(array.buffer.byteLength, 8_000_000)
  for (let i = 0; i < array.length; i++) array[i] = i
  const queue = new Queue<any>()
  queue.putNowait(array)
  const sum = array.reduce((sum, n) => sum + n, 0)
  assert.equal(sum, (1_999_999 * 2_000_000) / 2)
  assert.equal(queue.getNowait(), array)
  assert.deepEqual(check(currentSession()), [])
  giveBack()
})

test('SharedArray in a run of units whose pages were kept is zero', () => {
  const { w, me, allocator } = currentSession()
  const run = allocator.allocate(700_000)
  currentSession().segment.bytesAt(run, 700_000).fill(255)
  allocator.free(run)
  underGuard(w, me, () => {
    w[HEADER.nextUnit] = run / UNIT // the next search begins there
  })
  const array = new RawArray('B', 600_000)
  assert.ok(allocator.blocks().some(({ address }) => address === run))
  assert.equal(array.indexOf(255), -1)
})

test('SharedArray of more bytes than this Node.js can look at is refused, not a crash', () => {
  const { used } = currentSession().allocator.usage()
  for (const [code, length] of [
    ['B', MAX_VIEW + 1],
    ['d', MAX_VIEW / 8 + 1],
    ['d', Number.MAX_SAFE_INTEGER],
  ] as const) {
    assert.throws(() => new SharedArray(code, length), ArgumentRangeError)
  }
  assert.equal(currentSession().allocator.usage().used, used)
})

test('SharedArray for which there is no memory is OutOfSharedMemoryError at once, and leaves nothing', async () => {
  const { code, stdout, stderr } = await runNode(
    `import { SharedArray, Lock } from 'multiproc'
     import { currentSession } from '#src/arena/session.js'
     const { allocator } = currentSession()
     const usage = () => JSON.stringify([allocator.usage().used, allocator.blocks().length])
     new Lock().close()
     const before = usage()
     try { new SharedArray('d', 4e6) } catch (error) { console.log(error.name) }
     console.log(usage() === before)
     const half = new SharedArray('d', 1e6)
     console.log(half.length)`,
    { env: { MULTIPROC_MEMORY_LIMIT: '16m' } },
  )
  assert.equal(code, 0, stderr)
  assert.equal(stdout, 'OutOfSharedMemoryError\ntrue\n1000000\n')
})

test('SharedArray that nobody can reach is freed when memory is needed, without waiting for the collector', async () => {
  const { code, stdout, stderr } = await runNode(
    `import { RawArray } from 'multiproc'
     let sum = 0
     for (let n = 0; n < 100; n++) {
       const array = new RawArray('B', 5e6)
       array[array.length - 1] = 1
       sum += array.at(-1)
       await new Promise(setImmediate) // what was made in this turn of the event loop is kept to its end
     }
     console.log(sum)`,
    { env: { MULTIPROC_MEMORY_LIMIT: '16m' } },
  )
  assert.equal(code, 0, stderr)
  assert.equal(stdout, '100\n')
})

test('SharedArray: its memory stays while a view, its buffer or a DataView of it is reachable, and goes after', async () => {
  const { allocator } = currentSession()
  await collectAll()
  const before = allocator.blocks().length
  /** In a function of its own, so that nothing of it is left on the stack. */
  const look = async (size: number, keep: (array: Int32Array) => ArrayBufferView | ArrayBufferLike) => {
    const kept = (() => {
      const array = new RawArray('i', size)
      array[1] = 42
      return keep(array)
    })()
    await collectAll()
    assert.equal(allocator.blocks().length, before + 1)
    for (let n = 0; n < 20; n++) new RawArray('i', size).fill(-1)
    const bytes = new DataView(ArrayBuffer.isView(kept) ? kept.buffer : kept)
    assert.equal(bytes.getInt32(4, true), 42)
  }
  for (const size of [4, 100_000]) {
    for (const keep of [
      (array: Int32Array) => array.subarray(1),
      (array: Int32Array) => array.buffer,
      (array: Int32Array) => new DataView(array.buffer, 4),
      (array: Int32Array) => Buffer.from(array.buffer as ArrayBuffer, 4),
    ]) {
      await look(size, keep)
      await collectAll()
      assert.equal(allocator.blocks().length, before)
    }
  }
})

test('SharedArray that is received again while a view of it lives is the same array', async () => {
  const queue = new Queue<any>()
  const mark = {}
  const view = (() => {
    const array: any = new RawArray('i', [1, 2, 3])
    array.mark = mark
    queue.putNowait(array)
    return array.subarray(1)
  })()
  await collectAll()
  const again = queue.getNowait()
  assert.equal(again.mark, mark)
  assert.equal(again.buffer, view.buffer)
})

const GIB = 2 ** 30
const tooSmall =
  MAX_VIEW < 5 * GIB
    ? `Node.js ${process.version} looks at 4 GiB at the most; 22 and later at more`
    : freemem() < 12 * GIB
      ? `there are ${Math.floor(freemem() / GIB)} GiB of free memory, and it takes 12`
      : false

test('SharedArray of 5 GiB: its ends can be written and read here and in another process', {
  skip: tooSmall,
}, async () => {
  const program = fileURLToPath(new URL('../fixtures/program-large.js', import.meta.url))
  const { code, stdout, stderr } = await run([process.execPath, program], {
    deadline: 120_000,
    env: { MULTIPROC_MEMORY_LIMIT: '6g' },
  })
  assert.equal(code, 0, stderr)
  assert.equal(stdout, `${5 * GIB} ${5 * GIB} 0 0\n0 2 1\ntrue\n`)
})

test('inspect() shows the type and length of an array, and the name of named memory', () => {
  const [array, shm] = [new RawArray('H', 12_345), new SharedMemory({ create: true, size: 7 })]
  const objects = inspect().objects
  const own = objects.find(({ kind, detail }) => kind === 'SharedArray' && detail.length === array.length)
  assert.equal(own?.detail.type, 'H')
  const named = objects.find(({ kind, detail }) => kind === 'SharedMemory' && detail.name === shm.name)
  assert.equal(named?.detail.tracked, true)
  shm.unlink()
})
