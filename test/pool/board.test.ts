// The board of a pool: what a slot keeps of the task that lay in it before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import '#src/handles.js'
import { TaskBoard } from '#src/channel/task-board.js'

test('A task that nobody has begun was not begun by the one that lay in its slot before: its timeout does not count from there', () => {
  const board = new TaskBoard()
  const give = () =>
    board.offer(7, {
      fn: 1,
      definition: 0,
      shape: 0,
      index: 0,
      count: 0,
      attempt: 1,
      batch: 0,
      value: board.pack(1),
      again: false,
    })
  give()
  assert.equal(board.tryTake(5), 7)
  assert.equal(board.began(7), 0)
  board.begin(7, 123_456)
  assert.equal(board.began(7), 123_456)
  assert.ok(board.result(7, 'done', false))
  board.finish(7, 5, 10, true)
  board.release(7)
  give()
  assert.equal(board.began(7), 0, 'on the board')
  assert.equal(board.tryTake(6), 7)
  assert.equal(board.began(7), 0, 'taken, while its module is imported')
  board.begin(7, 0) // the clock may stand at 0; that would say "not begun"
  assert.notEqual(board.began(7), 0)
  board.close()
})
