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
    clear(address, bytes) {
      asked.push('clear')
      segment.clear(address, bytes)
    },
  }
  return new Allocator(memory, me)
}

/** Takes and frees more than is kept, without asking for pages. */
function giveBackMuch(asked: string[]): void {
  const { segment, me } = currentSession()
  const memory: Memory = {
    words: segment.words,
    wordsAt: address => segment.wordsAt(address),
    indexOf: address => segment.indexOf(address),
    populate() {},
    discard() {
      asked.push(`discard ${discards()}`)
    },
    clear() {},
  }
  const allocator = new Allocator(memory, me)
  allocator.free(allocator.allocate(600 * MiB))
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
  const one = spied(asked)
  const place = one.allocate(2 * MiB)
  one.free(place)
  giveBackMuch([])
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
  allocator.free(allocator.allocate(2 * MiB, true))
  giveBackMuch(asked)
  assert.deepEqual(asked, [`discard ${before + 1}`, 'populate', `discard ${before + 2}`])
})

test('a block that is to read as zero is cleared where its pages are known to be there', () => {
  const asked: string[] = []
  const allocator = spied(asked)
  const { segment } = currentSession()
  const before = discards()
  for (let i = 0; i < 3; i++) {
    const block = allocator.allocate(2 * MiB, true)
    const bytes = segment.bytesAt(block, 2 * MiB)
    assert.ok(!bytes.includes(1))
    bytes.fill(1)
    allocator.free(block)
  }
  assert.deepEqual(asked, [`discard ${before + 1}`, 'populate', 'clear', 'clear'])
})

test('what a participant gives back itself, for a block that is to read as zero, it does not take for being there', () => {
  const asked: string[] = []
  const allocator = spied(asked)
  const [place, far] = [allocator.allocate(4 * MiB), allocator.allocate(2 * MiB)]
  allocator.free(place)
  const { w } = currentSession()
  w[HEADER.nextUnit] = place / UNIT
  const [front, back] = [allocator.allocate(UNIT), allocator.allocate(2 * MiB, true)]
  assert.deepEqual([front, back], [place, place + UNIT]) // inside of what is known
  allocator.free(front)
  allocator.free(back)
  w[HEADER.nextUnit] = place / UNIT
  asked.length = 0
  assert.equal(allocator.allocate(4 * MiB), place)
  assert.deepEqual(asked, ['populate'])
  allocator.free(place)
  allocator.free(far)
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
