// Bells of two sessions in one thread are never taken for each other.
import assert from 'node:assert/strict'
import { readSync } from 'node:fs'
import { test } from 'node:test'
import { AWAITING, ring } from '#src/arena/doorbell.js'
import { SLOT, slotAt } from '#src/arena/layout.js'
import { LIVE, stateOf } from '#src/arena/token.js'
import { closeFd, createPipe, type Pipe } from '#src/os/pipe.js'

/** A memory in which this process sits in slot 1, in its first life there, and watches the pipe. */
function sessionWith(pipe: Pipe): Int32Array {
  const w = new Int32Array(slotAt(2))
  const at = slotAt(1)
  w[at + SLOT.state] = stateOf(1, LIVE)
  w[at + SLOT.asleep] = AWAITING
  w[at + SLOT.pid] = process.pid
  w[at + SLOT.bell] = pipe.write
  w[at + SLOT.bellInode] = pipe.inode
  return w
}

const bytesIn = ({ read }: Pipe): number => {
  try {
    return readSync(read, new Uint8Array(8))
  } catch {
    return 0
  }
}

test('ring() of a participant reaches the one of its session, though another session has the same slot and token', () => {
  const pipes = [createPipe(), createPipe()]
  const [one, other] = pipes.map(sessionWith)
  ring(one, 1)
  ring(other, 1)
  assert.deepEqual(pipes.map(bytesIn), [1, 1])
  for (const { read, write } of pipes) for (const fd of [read, write]) closeFd(fd)
})
