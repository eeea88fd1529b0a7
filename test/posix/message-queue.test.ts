// System V message queues, with Python and the command line tools on the other side.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  FileExistsError,
  FileNotFoundError,
  NotSerializableError,
  Queue,
  TimeoutError,
} from 'multiproc'
import { MessageQueue } from 'multiproc/posix'
import { findExecutable, python, run } from '../support/children.ts'
import { LIMIT, text } from './ends.ts'

let keys = 0

/** Nobody else has it. */
const freshKey = () => 0x20000000 + process.pid * 16 + keys++

function made(context: TestContext, key: number | 'private' = 'private'): MessageQueue {
  const queue = new MessageQueue(key, { create: true, exclusive: true })
  context.after(() => {
    try {
      queue.remove()
    } catch (error) {
      assert.ok(error instanceof FileNotFoundError)
    }
  })
  return queue
}

const limitOf = (name: string) => Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'))

test(
  'MessageQueue.receive(type): 0 the oldest, above 0 the oldest of that type, below 0 the lowest type',
  LIMIT,
  async context => {
    const queue = made(context)
    for (const [data, type] of [
      ['a', 5],
      ['b', 3],
      ['c', 4],
      ['d', 3],
      ['', 9],
    ] as const)
      await queue.send(data, type)
    const order = []
    for (const wanted of [4, -4, 0, 0, 9]) {
      const { type, data } = await queue.receive(wanted, LIMIT)
      order.push([type, text(data)])
    }
    assert.deepEqual(order, [
      [4, 'c'],
      [3, 'b'],
      [5, 'a'],
      [3, 'd'],
      [9, ''],
    ])
    await queue.send(new Uint8Array([0, 255]), Number.MAX_SAFE_INTEGER)
    assert.deepEqual(queue.receiveSync(0, LIMIT), { type: Number.MAX_SAFE_INTEGER, data: new Uint8Array([0, 255]) })
  },
)

test(
  'MessageQueue: those who wait are served in the order of the calls, each by what he asked for',
  LIMIT,
  async context => {
    const queue = made(context)
    const waits = [queue.receive(1), queue.receive(2), queue.receive(1)]
    await queue.send('two', 2)
    await waits[1] // not held up by the first, who wants another type
    await queue.send('first', 1)
    await queue.send('second', 1)
    assert.deepEqual(
      (await Promise.all(waits)).map(({ data }) => text(data)),
      ['first', 'two', 'second'],
    )
  },
)

test(
  'MessageQueue.send() waits for room, in the order of the calls; on timeout or abort nothing was sent or taken',
  LIMIT,
  async context => {
    const queue = made(context)
    const half = new Uint8Array(Math.min(limitOf('msgmax'), queue.stat().maxBytes / 2))
    let sent = 0
    while (queue.stat().bytes + half.length <= queue.stat().maxBytes) {
      await queue.send(half)
      sent++
    }
    await queue.receive()
    await queue.send(half.subarray(10)) // room for a small one
    await assert.rejects(queue.send(half, 1, { timeout: 0 }), TimeoutError)
    await assert.rejects(queue.send(half, 1, { timeout: 5 }), TimeoutError)
    assert.throws(() => queue.sendSync(half, 1, { timeout: 5 }), TimeoutError)
    await assert.rejects(queue.send(half, 1, { signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
    assert.equal(queue.stat().messages, sent)
    const waiting = [queue.send(half, 2), queue.send('small', 3)]
    for (let i = 0; i < sent; i++) await queue.receive(1, LIMIT)
    assert.equal((await queue.receive(0, LIMIT)).type, 2)
    assert.equal((await queue.receive(0, LIMIT)).type, 3)
    await Promise.all(waiting)
    await assert.rejects(queue.receive(0, { timeout: 0 }), TimeoutError)
    await assert.rejects(queue.receive(0, { timeout: 5 }), TimeoutError)
    assert.throws(() => queue.receiveSync(0, { timeout: 5 }), TimeoutError)
  },
)

test('Python reaches a MessageQueue by msgget() of the same key, and both sides choose by type', {
  ...LIMIT,
  skip: !python,
}, async context => {
  const key = freshKey()
  const queue = made(context, key)
  const program = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.msgrcv.restype = ctypes.c_ssize_t
libc.msgrcv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int]
libc.msgsnd.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
class Message(ctypes.Structure): _fields_ = [('type', ctypes.c_long), ('text', ctypes.c_char * 100)]
queue = libc.msgget(int(sys.argv[1]), 0)
got = Message()
n = libc.msgrcv(queue, ctypes.byref(got), 100, 2, 0)
answer = Message(got.type + 5, b'Python got ' + got.text[:n])
libc.msgsnd(queue, ctypes.byref(answer), 11 + n, 0)
print(os.getpid())
`
  await queue.send('not for you', 1)
  await queue.send('a question', 2)
  const { stdout, stderr, code } = await run([python!, '-c', program, String(key)])
  assert.equal(code, 0, stderr)
  const { type, data } = await queue.receive(7, LIMIT)
  assert.deepEqual([type, text(data)], [7, 'Python got a question'])
  const { messages, bytes, maxBytes, lastSendPid, lastReceivePid } = queue.stat()
  assert.deepEqual(
    [messages, bytes, maxBytes, lastSendPid, lastReceivePid],
    [1, 'not for you'.length, limitOf('msgmnb'), Number(stdout), process.pid],
  )
})

const ipcrm = findExecutable('ipcs') && findExecutable('ipcrm')

test('ipcs shows a MessageQueue; one that ipcrm removes ends those who wait, with EIDRM', {
  ...LIMIT,
  skip: !ipcrm,
}, async context => {
  const key = freshKey()
  const queue = made(context, key)
  await queue.send('12345', 4)
  const { stdout } = await run(['ipcs', '-q'])
  const line = stdout.split('\n').find(line => line.split(/\s+/)[1] === String(queue.id))
  assert.match(line ?? '', new RegExp(`^0x${key.toString(16)}\\s+${queue.id}\\s+\\S+\\s+600\\s+5\\s+1\\s*$`))
  const waiting = queue.receive(9, LIMIT)
  const told = (error: unknown) => error instanceof FileNotFoundError && /EIDRM.*anew/.test(error.message)
  const ended = assert.rejects(waiting, told)
  assert.equal((await run(['ipcrm', '-q', String(queue.id)])).code, 0)
  await ended
  await assert.rejects(queue.send('x'), told)
  assert.throws(() => queue.receiveSync(0, LIMIT), told)
  assert.throws(() => queue.stat(), told)
  assert.throws(() => queue.remove(), told)
})

test(
  'MessageQueue: what is missing, there already or too large is told with errno or limit, and nothing hangs',
  LIMIT,
  async context => {
    const key = freshKey()
    const tells = (type: new () => Error, what: RegExp) => (error: unknown) =>
      error instanceof type && what.test((error as Error).message)
    assert.throws(() => new MessageQueue(key), tells(FileNotFoundError, /ENOENT.*create/))
    const queue = made(context, key)
    assert.equal(new MessageQueue(key, { create: true }).id, queue.id)
    assert.equal(new MessageQueue(key).id, queue.id)
    assert.throws(() => new MessageQueue(key, { create: true, exclusive: true }), tells(FileExistsError, /EEXIST/))
    assert.throws(() => new MessageQueue(key, { exclusive: true }), ArgumentTypeError)
    assert.throws(() => new MessageQueue(0), tells(ArgumentRangeError, /'private'/))
    assert.throws(() => new MessageQueue(2 ** 32), ArgumentRangeError)
    assert.throws(() => new MessageQueue('name' as never), ArgumentRangeError)
    const tooLarge = new Uint8Array(limitOf('msgmax') + 1)
    await assert.rejects(queue.send(tooLarge), tells(ArgumentRangeError, /msgmax.*sysctl/))
    assert.throws(() => queue.sendSync(tooLarge), tells(ArgumentRangeError, /msgmax/))
    await assert.rejects(queue.send('x', 0), ArgumentRangeError)
    await assert.rejects(queue.send({} as never), ArgumentTypeError)
    await assert.rejects(queue.receive(1.5), ArgumentRangeError)
    assert.throws(
      () => new Queue().putNowait(queue),
      error => error instanceof NotSerializableError && /key/.test(error.message),
    )
  },
)

test('who may write to a MessageQueue, and not read, waits for room like others', {
  ...LIMIT,
  skip: process.geteuid?.() !== 0,
}, async () => {
  const queue = new MessageQueue('private', { create: true, mode: 0o622 })
  try {
    const most = Math.min(queue.stat().maxBytes, limitOf('msgmax'))
    while (queue.stat().bytes + most <= queue.stat().maxBytes) queue.sendSync(new Uint8Array(most))
    process.seteuid?.(65534)
    await assert.rejects(queue.send(new Uint8Array(most), 1, { timeout: 20 }), TimeoutError)
    assert.throws(() => queue.stat(), { errno: 'EACCES' })
  } finally {
    process.seteuid?.(0)
    queue.remove()
  }
})

test('a message that the queue could never hold is refused, not waited for', {
  ...LIMIT,
  skip: !python,
}, async context => {
  const queue = made(context)
  // its own limit can be lowered by anybody who owns it
  const program = `
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
state = (ctypes.c_char * 256)()
assert libc.msgctl(int(sys.argv[1]), 2, state) == 0
ctypes.c_ulong.from_buffer(state, 88).value = 100
assert libc.msgctl(int(sys.argv[1]), 1, state) == 0
`
  const { code, stderr } = await run([python!, '-c', program, String(queue.id)])
  assert.equal(code, 0, stderr)
  assert.equal(queue.stat().maxBytes, 100)
  const told = (error: unknown) => error instanceof ArgumentRangeError && /100 bytes.*msgmnb/.test(error.message)
  await assert.rejects(queue.send(new Uint8Array(101)), told)
  assert.throws(() => queue.sendSync(new Uint8Array(101)), told)
  await queue.send(new Uint8Array(100))
})
