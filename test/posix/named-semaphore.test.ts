// POSIX named semaphores, with Python on the other side.
import assert from 'node:assert/strict'
import { existsSync, unlinkSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  ClosedError,
  FileExistsError,
  FileNotFoundError,
  InvalidStateError,
  TimeoutError,
} from 'multiproc'
import { MessageQueue, NamedPipe, NamedSemaphore, SystemCallError } from 'multiproc/posix'
import { python, start, until } from '../support/children.ts'
import { freshName } from '../support/names.ts'
import { freshPath, LIMIT, openPipes } from './ends.ts'

function made(context: TestContext, value: number): NamedSemaphore {
  const semaphore = new NamedSemaphore(freshName('semaphore'), { create: true, exclusive: true, value })
  context.after(() => {
    semaphore.close()
    semaphore.unlink()
  })
  return semaphore
}

test('NamedSemaphore: P takes one or waits, V gives one', LIMIT, async context => {
  const semaphore = made(context, 2)
  assert.equal(semaphore.getValue(), 2)
  await semaphore.acquire()
  semaphore.acquireSync()
  assert.equal(semaphore.tryAcquire(), false)
  await assert.rejects(semaphore.acquire({ timeout: 0 }), TimeoutError)
  await assert.rejects(semaphore.acquire({ timeout: 5 }), TimeoutError)
  await assert.rejects(semaphore.acquire({ signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
  assert.throws(() => semaphore.acquireSync({ timeout: 0 }), TimeoutError)
  assert.throws(() => semaphore.acquireSync({ timeout: 5 }), TimeoutError)
  const order: number[] = []
  const waits = [1, 2].map(async who => {
    await semaphore.acquire(LIMIT)
    order.push(who)
  })
  semaphore.release()
  semaphore.release()
  await Promise.all(waits)
  assert.deepEqual(order, [1, 2])
  assert.equal(semaphore.getValue(), 0)
  semaphore.release()
  assert.equal(semaphore.tryAcquire(), true)
})

test('Python reaches a NamedSemaphore by sem_open() of the same name: each wakes the other', {
  ...LIMIT,
  skip: !python,
}, async context => {
  const [mine, theirs] = [made(context, 0), made(context, 0)]
  const program = `
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.sem_open.restype = ctypes.c_void_p
libc.sem_wait.argtypes = libc.sem_post.argtypes = [ctypes.c_void_p]
mine, theirs = [libc.sem_open(name.encode(), 0) for name in sys.argv[1:]]
for _ in range(3):
    assert libc.sem_wait(mine) == 0
    assert libc.sem_post(theirs) == 0
`
  const child = start([python!, '-c', program, theirs.name, mine.name])
  theirs.release()
  await mine.acquire(LIMIT)
  theirs.release()
  mine.acquireSync(LIMIT)
  theirs.release()
  await mine.acquire(LIMIT)
  const { code, stderr } = await child.ended
  assert.equal(code, 0, stderr)
  assert.deepEqual([mine.getValue(), theirs.getValue()], [0, 0])
})

test(
  'NamedSemaphore.close() ends those who wait here; its name and value stay until unlink()',
  LIMIT,
  async context => {
    const semaphore = made(context, 0)
    const again = new NamedSemaphore(semaphore.name.slice(1))
    const waiting = assert.rejects(again.acquire(), ClosedError)
    again.close()
    again.close()
    await waiting
    await assert.rejects(again.acquire(), ClosedError)
    for (const act of [
      () => again.acquireSync(),
      () => again.tryAcquire(),
      () => again.release(),
      () => again.getValue(),
    ])
      assert.throws(act, ClosedError)
    semaphore.release()
    assert.equal(semaphore.getValue(), 1)
    assert.ok(existsSync(`/dev/shm/sem.${semaphore.name.slice(1)}`))
  },
)

test(
  'NamedSemaphore: what is missing, there already, no semaphore or cannot be is told with its errno',
  LIMIT,
  context => {
    const tells = (type: new (...args: any[]) => Error, what: RegExp) => (error: unknown) =>
      error instanceof type && what.test((error as Error).message)
    const name = freshName('semaphore')
    assert.throws(() => new NamedSemaphore(name), tells(FileNotFoundError, /ENOENT.*create/))
    const semaphore = made(context, 2 ** 31 - 1)
    assert.throws(
      () => new NamedSemaphore(semaphore.name, { create: true, exclusive: true }),
      tells(FileExistsError, /EEXIST/),
    )
    assert.throws(() => semaphore.release(), tells(InvalidStateError, /EOVERFLOW/))
    assert.throws(() => new NamedSemaphore(name, { exclusive: true }), ArgumentTypeError)
    assert.throws(() => new NamedSemaphore(name, { create: true, value: -1 }), ArgumentRangeError)
    for (const bad of ['', '/', 'a/b', 'x'.repeat(252)])
      assert.throws(() => new NamedSemaphore(bad), ArgumentRangeError)
    const file = freshName('no-semaphore')
    writeFileSync(`/dev/shm/sem.${file}`, '')
    context.after(() => unlinkSync(`/dev/shm/sem.${file}`))
    assert.throws(() => new NamedSemaphore(file, { create: true }), tells(SystemCallError, /EINVAL.*unlink/))
    const other = new NamedSemaphore(name, { create: true })
    other.close()
    other.unlink()
    assert.throws(() => other.unlink(), FileNotFoundError)
    new NamedSemaphore(semaphore.name).close()
  },
)

test('worker.terminate() ends a thread that blocks here, and what it had open is closed', LIMIT, async context => {
  const semaphore = made(context, 0)
  const queue = new MessageQueue(0x30000000 + process.pid, { create: true })
  const fifo = NamedPipe.create(freshPath())
  const before = openPipes().length
  const names = { semaphore: semaphore.name, queue: String(0x30000000 + process.pid), fifo: fifo.path }
  const workers = ['pipe', 'full pipe', 'semaphore', 'queue', 'fifo'].map(what => {
    const workerData = { what, name: names[what as keyof typeof names] }
    return new Worker(new URL('../fixtures/posix-blocked.js', import.meta.url), { workerData })
  })
  try {
    await Promise.all(workers.map(worker => new Promise(resolve => worker.once('message', resolve))))
    await until(() => openPipes(fifo.path).length > 0) // the last thing that is opened there
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()))
    queue.remove()
    fifo.unlink()
  }
  await until(() => openPipes().length <= before)
})
