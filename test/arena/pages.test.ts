// Large blocks: whose pages are used again, and when the kernel is asked for them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Allocator, type Memory } from '#src/arena/allocator.js'
import { HEADER, UNIT } from '#src/arena/layout.js'
import { currentSession } from '#src/arena/session.js'
import { peek } from '#words'

const MiB = 2 ** 20

/** An allocator of this participant's that writes down what it asks of the kernel, in words of `asked`. */
function spied(asked: string[], fails = () => false): Allocator {
  const { segment, me } = currentSession()
  const memory: Memory = {
    words: segment.words,
    wordsAt: address => segment.wordsAt(address),
    indexOf: address => segment.indexOf(address),
    populate(address, bytes) {
      asked.push('populate')
      if (fails()) throw new Error('no memory')
      segment.populate(address, bytes)
    },
    discard(address, bytes) {
      asked.push(`discard ${peek(segment.words, HEADER.discards)}`)
      segment.discard(address, bytes)
    },
  }
  return new Allocator(memory, me)
}

const discards = () => peek(currentSession().segment.words, HEADER.discards)

test('large blocks that were freed are taken again, in whatever order, before any other memory', () => {
  const allocator = spied([])
  const blocks = Array.from({ length: 8 }, () => allocator.allocate(MiB))
  const places = new Set(blocks)
  for (let round = 0; round < 8; round++) {
    // the last one freed is not the lowest
    for (let i = 0; i < blocks.length; i++) allocator.free(blocks[(i * 3 + round) % 8])
    for (let i = 0; i < blocks.length; i++) blocks[i] = allocator.allocate(MiB)
    assert.deepEqual(new Set(blocks), places)
  }
  for (const block of blocks) allocator.free(block)
})

test('the kernel is asked once for the pages of a place, and again for more of them', () => {
  const asked: string[] = []
  const allocator = spied(asked)
  for (let i = 0; i < 10; i++) allocator.free(allocator.allocate(2 * MiB))
  assert.deepEqual(asked, ['populate'])
  allocator.free(allocator.allocate(2 * MiB - UNIT))
  assert.deepEqual(asked, ['populate'])
  allocator.free(allocator.allocate(3 * MiB))
  assert.deepEqual(asked, ['populate', 'populate'])
})

test('the kernel is asked again after any participant gave pages back', () => {
  const asked: string[] = []
  const [one, other] = [spied(asked), spied([])]
  const place = one.allocate(2 * MiB)
  one.free(place)
  other.free(other.allocate(100 * MiB)) // more than is kept
  currentSession().segment.words[HEADER.nextUnit] = place / UNIT // the next search begins there
  const again = one.allocate(2 * MiB)
  assert.equal(again, place)
  one.free(again)
  assert.deepEqual(asked, ['populate', 'populate'])
})

test('pages are counted as given back before they are: also those of a block that is to read as zero', () => {
  const asked: string[] = []
  const allocator = spied(asked)
  const before = discards()
  allocator.free(allocator.allocate(2 * MiB))
  allocator.free(allocator.allocate(2 * MiB, true))
  allocator.free(allocator.allocate(100 * MiB))
  assert.deepEqual(asked, ['populate', `discard ${before + 1}`, 'populate', 'populate', `discard ${before + 2}`])
})

test('a place whose pages were not to be had is asked for again', () => {
  const asked: string[] = []
  let fails = true
  const allocator = spied(asked, () => fails)
  const before = discards()
  assert.throws(() => allocator.allocate(2 * MiB), /no memory/)
  fails = false
  allocator.free(allocator.allocate(2 * MiB))
  assert.deepEqual(asked, ['populate', `discard ${before + 1}`, 'populate'])
})
