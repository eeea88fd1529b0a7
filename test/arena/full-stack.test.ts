// The stack is full in the middle of an operation: an error that nobody can prevent, and that a program may catch.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Queue } from 'multiproc'
import { check } from '#src/arena/check.js'
import { currentSession } from '#src/arena/session.js'

/** How many calls deep the search for the end of the stack goes at a time, and how far before it every depth is tried. */
const STEP = 50
const NEAR = 120
/** Words by which the frames of one attempt lie lower than those of another. */
const SHIFTS = 16

/** Calls `fn` with the stack full at every moment in it. */
function withFullStack(fn: () => void): void {
  const down = (depth: number): void => (depth === 0 ? fn() : down(depth - 1))
  const shifted = (depth: number, ..._shift: number[]) => down(depth)
  const overflows = (depth: number, shift = 0): boolean => {
    try {
      shifted(depth, ...Array<number>(shift).fill(0))
      return false
    } catch {
      return true // also what such an error has become
    }
  }
  let deepest = STEP
  while (!overflows(deepest)) deepest += STEP
  for (let depth = deepest - NEAR; depth <= deepest; depth++) {
    for (let shift = 0; shift < SHIFTS; shift++) overflows(depth, shift)
  }
}

for (const [what, item] of Object.entries({ number: 2, object: { list: [1, { text: 'some' }], at: new Date(0) } })) {
  test(`Queue.putNowait() and getNowait() of a ${what} whose stack is full leave the queue to the others as it was`, () => {
    const queue = new Queue()
    const exchange = () => {
      queue.putNowait(item)
      queue.getNowait()
    }
    for (let i = 0; i < STEP; i++) exchange()
    withFullStack(exchange)
    while (queue.qsize() > 0) assert.deepEqual(queue.getNowait(), item)
    exchange()
    assert.deepEqual(check(currentSession()), [])
    queue.close()
  })
}
