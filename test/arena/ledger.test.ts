// The block that a claim brings when no cell is free, and that is not needed any more when it has been brought.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Barrier, Semaphore } from 'multiproc'
import { bodyAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import type { Surroundings } from '#src/arena/surroundings.js'
import { store, type Words } from '#src/arena/words.js'
import { IS_BROKEN, Parties } from '#src/sync/parties.js'
import { NOT_NOW, Permits } from '#src/sync/permits.js'

const INLINE = 4

/** Fills the cells that lie in the object itself; `meanwhile` happens while a block is brought. Gives what became of blocks. */
function crowded(cells: Int32Array, meanwhile: () => void) {
  const { allocator, segment, w, me } = currentSession()
  const other = currentSession().reserve('somebody else')
  for (let i = 0; i < INLINE; i++) store(cells, 4 * i, other)
  const blocks = new Set<number>()
  const place: Surroundings = {
    w,
    me,
    segment,
    allocator: {
      allocate: bytes => {
        const block = allocator.allocate(bytes)
        blocks.add(block)
        meanwhile()
        return block
      },
      free: block => {
        blocks.delete(block)
        allocator.free(block)
      },
      owner: block => allocator.owner(block),
      setOwner: (block, owner) => allocator.setOwner(block, owner),
      swapOwner: (block, from, to) => allocator.swapOwner(block, from, to),
    },
  }
  const leave = () => {
    for (let i = 0; i < INLINE; i++) store(cells, 4 * i, 0)
    currentSession().withdraw(other)
  }
  return { place, blocks, leave }
}

const cellsAt = (w: Words, at: number): Int32Array => w.subarray(at, at + 4 * INLINE)

test('Semaphore: what was allocated for a permit that somebody else took meanwhile is freed', () => {
  const semaphore = new Semaphore()
  const { w, at } = bodyAt(currentSession(), semaphore.address)
  const { place, blocks, leave } = crowded(cellsAt(w, at + 9), () => store(w, at + 2, 0))
  assert.equal(new Permits(place, w, at).take(), NOT_NOW)
  assert.equal(blocks.size, 0)
  leave()
  semaphore.close()
})

test('Barrier: what was allocated for an arrival at one that was broken meanwhile is freed', () => {
  const barrier = new Barrier(2)
  const { w, at } = bodyAt(currentSession(), barrier.address)
  const { place, blocks, leave } = crowded(cellsAt(w, at + 11), () => barrier.abort())
  assert.equal(new Parties(place, w, at).arrive(0), IS_BROKEN)
  assert.equal(blocks.size, 0)
  leave()
  barrier.close()
})
