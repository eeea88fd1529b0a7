// Operations on the board of a pool, killed at each of their accesses. The giver's die with the board in earnest; here it is
// looked at afterwards, to see that each of them is one store.
import assert from 'node:assert/strict'
import { TaskBoard } from '#src/channel/task-board.js'
import type { Operation } from './operation.js'

interface Given {
  board: TaskBoard
}

const TAKER = 5
const OTHER = 6

function offer(board: TaskBoard, slot: number, task: number): void {
  const value = board.pack(task)
  board.offer(slot, {
    fn: 1,
    definition: 0,
    shape: 0,
    index: slot,
    count: 0,
    attempt: 1,
    batch: 0,
    value,
    again: false,
  })
}

/** A task in slot 0, which everybody may take. */
function offered(): Given {
  const board = new TaskBoard()
  offer(board, 0, 42)
  return { board }
}

/** Whatever has happened in slot 0, what is offered now is taken, done and read. */
function goesOn(board: TaskBoard): void {
  offer(board, 1, 7)
  const slot = board.tryTake(OTHER)
  assert.equal(slot, 1)
  assert.equal(board.holder(slot), OTHER)
  assert.equal(board.value(slot), 7)
  assert.equal(board.tryTake(OTHER), -1)
  assert.ok(board.result(slot, 'done', false))
  board.finish(slot, OTHER, 1, true)
  assert.ok(board.isDone(slot))
  assert.deepEqual(board.outcome(slot), { failed: false, away: false, value: 'done' })
  board.release(slot)
}

export const poolOperations: Record<string, Operation> = {
  'TaskBoard.offer()': {
    prepare: (): Given => ({ board: new TaskBoard() }),
    act: ({ board }: Given) => offer(board, 0, 42),
    verify: ({ board }: Given) => {
      const slot = board.tryTake(OTHER)
      if (slot === 0) assert.equal(board.value(slot), 42)
      return slot === 0 ? 'after' : 'before'
    },
  },
  'TaskBoard.withdraw()': {
    prepare: offered,
    act: ({ board }: Given) => assert.ok(board.withdraw(0)),
    verify: ({ board }: Given) => {
      const slot = board.tryTake(OTHER)
      goesOn(board)
      return slot === 0 ? 'before' : 'after'
    },
  },
  'TaskBoard.tryTake()': {
    prepare: offered,
    act: ({ board }: Given) => assert.equal(board.tryTake(TAKER), 0),
    verify: ({ board }: Given) => {
      const holder = board.holder(0)
      assert.equal(board.tryTake(OTHER), holder === 0 ? 0 : -1)
      goesOn(board)
      return holder === TAKER ? 'after' : 'before'
    },
  },
  'TaskBoard.finish()': {
    prepare: offered,
    ready: ({ board }: Given) => board.tryTake(TAKER),
    act: ({ board }: Given) => {
      assert.ok(board.result(0, 43, false))
      board.finish(0, TAKER, 1, false)
    },
    verify: ({ board }: Given) => {
      const done = board.isDone(0)
      assert.equal(done ? board.doer(0) : board.holder(0), TAKER)
      if (done) assert.equal(board.outcome(0).value, 43)
      board.release(0)
      goesOn(board)
      return done ? 'after' : 'before'
    },
  },
}
