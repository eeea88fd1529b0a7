// Ends of pipes, and the kernel's other objects, as arguments of children: each way of starting one.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'

import { test } from 'node:test'
import { BrokenPipeError, getContext, NotSerializableError, Queue, type StartMethod, setStartMethod } from 'multiproc'
import { MessageQueue, NamedPipe, NamedSemaphore, pipe } from 'multiproc/posix'
import { echo, hold, say, useAll } from '../fixtures/posix-children.ts'
import { freshName } from '../support/names.ts'
import { ends, freshPath, LIMIT, nameOf, openPipes, readAll, text } from './ends.ts'

for (const method of ['spawn', 'warm', 'thread'] as StartMethod[]) {
  const { Process } = getContext(method)

  test(
    `${method}: a child inherits the ends among its args, and the parent may close its own at once`,
    LIMIT,
    async context => {
      const [toChild, childWrites] = [ends(context), ends(context)]
      const names = [nameOf(toChild[0]), nameOf(childWrites[0])]
      const child = new Process({ target: echo, args: [toChild[0], childWrites[1]] })
      child.start()
      toChild[0].close()
      childWrites[1].close()
      await toChild[1].write('a question')
      assert.equal(text(await childWrites[0].read()), 'got a question')
      // the end reaches the child, which has no copy of our writing end, and then us: its own child has none of its ends
      toChild[1].close()
      assert.equal(await readAll(childWrites[0]), 'end')
      child.kill()
      await child.join()
      childWrites[0].close()
      assert.deepEqual(
        names.flatMap(name => openPipes(name)),
        [],
      )
    },
  )

  test(
    `${method}: the end comes when the last writer is killed, and BrokenPipeError when the last reader is`,
    LIMIT,
    async context => {
      const [reader, writer] = ends(context)
      const [held, heldWriter] = ends(context)
      const child = new Process({ target: hold, args: [writer, held] })
      // a sibling that is started while they are open here has none of them
      const sibling = spawn('sleep', ['60'])
      context.after(() => sibling.kill('SIGKILL'))
      child.start()
      writer.close()
      held.close()
      assert.equal(text(await reader.read()), 'holding 1')
      const broken = assert.rejects(heldWriter.write(new Uint8Array(200_000)), BrokenPipeError)
      child.kill()
      assert.equal(await reader.read(), null)
      await broken
      await child.join()
    },
  )
}

test(
  'thread: a thread that is started and ended before it has taken its ends leaves none open',
  LIMIT,
  async context => {
    const [reader, writer] = ends(context)
    const child = new (getContext('thread').Process)({ target: hold, args: [writer] })
    child.start()
    child.terminate()
    writer.close()
    await child.join()
    const rest = await readAll(reader) // perhaps it got to write
    assert.ok(['', 'holding 0'].includes(rest), rest)
  },
)

test('an end twice among the args is one end; a child that is refused leaves nothing open', LIMIT, async context => {
  const [reader, writer] = ends(context)
  const { Process } = getContext('spawn')
  const child = new Process({ target: say, args: [{ ends: [writer] }, 'once'] })
  child.start()
  writer.close()
  assert.equal(await readAll(reader), 'once')
  await child.join()
  const [other, closed] = pipe()
  closed.close()
  assert.throws(
    () => new Process({ target: say, args: [{ ends: [other, closed] }, ''] }).start(),
    error => error instanceof NotSerializableError && /close\(\) was called/.test(error.message),
  )
  other.close()
})

test('MessageQueue, NamedSemaphore and NamedPipe are opened by the child that is given them', LIMIT, async () => {
  const queue = new MessageQueue('private')
  const semaphore = new NamedSemaphore(freshName('given'), { create: true, value: 0 })
  const fifo = NamedPipe.create(freshPath())
  const child = new (getContext('spawn').Process)({ target: useAll, args: [queue, semaphore, fifo] })
  try {
    child.start()
    queue.sendSync('through the FIFO', 2)
    const reader = await fifo.openReader(LIMIT)
    assert.equal(await readAll(reader), 'through the FIFO')
    reader.close()
    await semaphore.acquire(LIMIT)
    await child.join()
    assert.equal(child.exitCode, 0)
  } finally {
    child.kill()
    queue.remove()
    semaphore.unlink()
    semaphore.close()
    fifo.unlink()
  }
})

test('an end in an item of a queue is refused, with its path and what to do', LIMIT, context => {
  const [reader] = ends(context)
  const queue = new Queue()
  assert.throws(
    () => queue.putNowait({ to: [reader] }),
    error =>
      error instanceof NotSerializableError && error.path === 'to[0]' && /args.* of a Process/.test(error.message),
  )
  assert.equal(queue.empty(), true)
  setStartMethod('spawn') // no spares are left
})
