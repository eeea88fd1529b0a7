// Deaths by SIGKILL: of clients, of the manager, and of whoever started it.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { BaseManager, Manager, Pipe, type Process } from 'multiproc'
import { LIMIT, launch, managerOfFile, test, until } from './support.js'

const manager = await managerOfFile()

async function killed(child: Process): Promise<void> {
  child.kill()
  await child.join({ timeout: LIMIT })
  assert.equal(child.exitCode, -9)
}

test('a client that is killed in Queue.get() takes nothing with it', async t => {
  const [queue, told] = [await manager.Queue<string>(), await manager.Queue()]
  const child = launch(t, 'waitInGet', queue, told)
  await told.get({ timeout: LIMIT })
  await killed(child)
  await queue.put('A')
  await queue.put('B')
  assert.equal(await queue.get({ timeout: LIMIT }), 'A')
  assert.equal(await queue.get({ timeout: LIMIT }), 'B')
})

test('a client that is killed holding a Lock gives it back, and the next one is told', async t => {
  const [lock, told] = [await manager.Lock(), await manager.Queue()]
  const child = launch(t, 'hold', lock, told)
  await told.get({ timeout: LIMIT })
  assert.equal(await lock.locked(), true)
  assert.equal(await lock.holder(), child.pid)
  const waiting = lock.acquire({ timeout: LIMIT })
  await killed(child)
  const held = await waiting
  assert.equal(held.abandoned, true)
  await held.release()
  assert.equal(await lock.locked(), false)
})

test('permits, items in hand and places at a barrier of a client that is killed come back', async t => {
  const semaphore = await manager.Semaphore(1)
  const told = await manager.Queue()
  const child = launch(t, 'holdMany', semaphore, await manager.JoinableQueue(), await manager.Barrier(2), told)
  const [queue, barrier] = await told.get({ timeout: LIMIT })
  assert.equal(await semaphore.getValue(), 0)
  const permit = semaphore.acquire({ timeout: LIMIT })
  const item = queue.get({ timeout: LIMIT })
  await killed(child)
  await (await permit).release()
  assert.equal(await item, 'work')
  await queue.taskDone()
  await queue.join({ timeout: LIMIT })
  await until('the barrier to break', () => barrier.broken())
})

test('a manager that is killed: what is under way and all that comes rejects, and says how it ended', async () => {
  const own = await Manager()
  const [queue, list] = [await own.Queue(), await own.list([1])]
  const pending = [queue.get(), queue.get({ timeout: LIMIT }), queue.get({ signal: new AbortController().signal })]
  await list.length() // the server has them all
  process.kill(own.pid as number, 'SIGKILL')
  const message = new RegExp(`SyncManager-\\d+ \\(pid ${own.pid}\\).*signal 9`)
  for (const call of pending) await assert.rejects(call, { code: 'ERR_MULTIPROC_WORKER_DIED', exitCode: -9, message })
  await assert.rejects(list.at(0), { code: 'ERR_MULTIPROC_WORKER_DIED', message })
  await assert.rejects(own.dict(), { code: 'ERR_MULTIPROC_WORKER_DIED', message })
  await own.shutdown()
})

test('a manager that is killed: other processes that have its proxies are told so, too', async t => {
  const own = await Manager()
  const list = await own.list([1])
  const [mine, theirs] = Pipe<any, any>()
  launch(t, 'seeEnd', list, theirs)
  theirs.close()
  assert.equal(await mine.recv({ timeout: LIMIT }), 'asked')
  process.kill(own.pid as number, 'SIGKILL')
  const { code, message } = (await mine.recv({ timeout: LIMIT })) as { code: string; message: string }
  assert.equal(code, 'ERR_MULTIPROC_WORKER_DIED')
  assert.match(message, new RegExp(`SyncManager-\\d+ \\(pid ${own.pid}\\)`))
  await own.shutdown()
})

test('a manager that never answered ends start() with an error', async () => {
  const own = new BaseManager()
  const starting = own.start()
  process.kill(own.pid as number, 'SIGKILL')
  await assert.rejects(starting, { code: 'ERR_MULTIPROC_WORKER_DIED', exitCode: -9 })
})

test('a manager ends with the process that started it, also by SIGKILL', async t => {
  const [mine, theirs] = Pipe<any, any>()
  const child = launch(t, 'startManager', theirs)
  theirs.close()
  const { pid, list } = (await mine.recv({ timeout: LIMIT })) as { pid: number; list: any }
  assert.equal(await list.at(0), 1)
  await killed(child)
  await until('the manager to end', () => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  })
  await assert.rejects(list.at(0), { code: 'ERR_MULTIPROC_WORKER_DIED' })

  // its socket is left at most until another manager starts
  const left = () => readdirSync(tmpdir()).filter(name => name.startsWith(`multiproc-manager-${pid}-`)).length
  const another = await Manager()
  assert.equal(left(), 0)
  await another.shutdown()
})

test('a time-out holds though the manager is stopped; when it goes on nothing was taken', async t => {
  const own = await Manager()
  t.after(() => own.shutdown())
  const pid = own.pid as number
  const [queue, lock] = [await own.Queue<number>(), await own.Lock()]
  process.kill(pid, 'SIGSTOP')
  const abort = new AbortController()
  const refused = [
    assert.rejects(queue.get({ timeout: 20 }), { name: 'TimeoutError', message: /does not answer/ }),
    assert.rejects(queue.get({ signal: abort.signal }), /aborted here/),
    assert.rejects(lock.acquire({ timeout: 20 }), { name: 'TimeoutError' }),
  ]
  abort.abort(new Error('aborted here'))
  const put = [queue.put(1), queue.put(2), queue.put(3)]
  await Promise.all(refused)
  process.kill(pid, 'SIGCONT')
  await Promise.all(put)
  assert.deepEqual(await queue.getMany(5), [1, 2, 3])
  await (await lock.acquire({ timeout: LIMIT })).release()
})
