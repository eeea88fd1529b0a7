// A pool in a manager: its workers belong to the server.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { Manager, type PoolProxy, Queue } from 'multiproc'
import { LIMIT, launch, managerOfFile, startHelper, test, until } from './support.js'

const manager = await managerOfFile()
const pool: PoolProxy = await manager.Pool(2)
const child = startHelper()
after(() => child.end())

/** A task of the fixtures. */
const task = (name: string) => ({ module: new URL('../fixtures/pool.js', import.meta.url), name })
const [sqr, mul, pid] = [task('sqr'), task('mul'), task('pid')]

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

test('TestSyncManagerTypes.test_pool', async () => {
  assert.deepEqual(await child.call(pool, 'map', { module: sqr.module.href, name: 'sqr' }, [1, 2, 3]), [1, 4, 9])
  const own = await manager.Pool({ processes: 1 })
  {
    await using scoped = own
    assert.equal(await scoped.apply(sqr, [5]), 25)
  }
  assert.equal(own.closed, true)
})

test('PoolProxy: apply(), map() and starmap() give what the function gives, in order', async () => {
  assert.equal(await pool.apply(mul, [3, 4]), 12)
  assert.deepEqual(await pool.map(sqr, new Set([3, 1, 2]), { chunksize: 2 }), [9, 1, 4])
  assert.deepEqual(
    await pool.starmap(mul, [
      [1, 2],
      [3, 4],
    ]),
    [2, 12],
  )
  assert.notEqual(await pool.apply(pid), process.pid)
  assert.notEqual(await pool.apply(pid), manager.pid)
})

test('PoolProxy: what a task throws arrives as it was thrown, and costs nobody else anything', async () => {
  const failing = pool.apply(task('fails'), ['no'])
  const fine = pool.apply(sqr, [2])
  await assert.rejects(failing, (error: any) => error.name === 'NamedError' && error.extra.answer === 42)
  assert.equal(await fine, 4)
  await assert.rejects(pool.map(task('failsOnThree'), [1, 2, 3, 4]), { name: 'RangeError', message: 'no 3' })
})

test('PoolProxy: what cannot be is refused at the call', async () => {
  await assert.rejects(pool.apply(task('noSuchExport')), { code: 'ERR_MULTIPROC_INVALID_TARGET' })
  await assert.rejects(pool.map(sqr, 5 as never), TypeError)
  await assert.rejects(pool.starmap(sqr as never, [5] as never), TypeError)
  await assert.rejects(pool.apply(sqr, [1], { priorty: 1 } as never), TypeError)
  assert.throws(() => pool.imap(sqr, [1], { chunksize: 0 }), RangeError)
  await assert.rejects(manager.Pool({ processes: 0 }), RangeError)
  await assert.rejects(manager.Pool({ initializer: task('noSuchExport') }), { code: 'ERR_MULTIPROC_INVALID_TARGET' })
})

test('PoolProxy.imap() reads its input as far as it may, and gives results in order until the loop is left', async () => {
  let read = 0
  let isClosed = false
  function* endless() {
    try {
      for (;;) yield read++
    } finally {
      isClosed = true
    }
  }
  const seen: number[] = []
  for await (const result of pool.imap<number, number>(sqr, endless(), { chunksize: 3, buffersize: 9 })) {
    seen.push(result)
    if (seen.length === 7) break
  }
  assert.deepEqual(seen, [0, 1, 4, 9, 16, 25, 36])
  assert.ok(read <= 9 + 9, `${read}`)
  assert.ok(isClosed)
  const all = new Set<number>()
  for await (const result of pool.imapUnordered<number, number>(sqr, [1, 2, 3, 4, 5], { chunksize: 2 })) all.add(result)
  assert.deepEqual(all, new Set([1, 4, 9, 16, 25]))
})

test('PoolProxy.imap() gives what is ready while its input keeps it waiting, and a failure in its place', async () => {
  async function* slow() {
    yield 1
    yield 2
    yield 3
    await new Promise(() => {}) // never goes on
  }
  const results = pool.imap<number, number>(task('failsOnThree'), slow())
  assert.deepEqual(await results.next(), { value: 1, done: false })
  assert.deepEqual(await results.next(), { value: 2, done: false })
  await assert.rejects(results.next(), { name: 'RangeError', message: 'no 3' })
  assert.equal((await results.next()).done, true)
})

test('PoolProxy: a call that is aborted tells its task, and so does the death of the caller', async t => {
  const [begun, ended] = [new Queue<string>(), new Queue<string>()]
  const abort = new AbortController()
  const call = pool.apply(task('untilAborted'), [begun, ended], { signal: abort.signal })
  await begun.get({ timeout: LIMIT })
  abort.abort(new Error('aborted here'))
  await assert.rejects(call, /aborted here/)
  await ended.get({ timeout: LIMIT })
  const other = launch(t, 'applyAndStay', pool, { ...task('untilAborted'), module: sqr.module.href }, [begun, ended])
  await begun.get({ timeout: LIMIT })
  other.kill()
  await other.join({ timeout: LIMIT })
  await ended.get({ timeout: LIMIT })
})

test('PoolProxy: close(), join() and terminate() are those of a Pool', async () => {
  const own = await manager.Pool(1)
  await assert.rejects(own.join(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
  const last = own.apply(sqr, [3])
  await own.close()
  assert.equal(await last, 9)
  await own.join()
  await assert.rejects(own.apply(sqr, [3]), { code: 'ERR_MULTIPROC_CLOSED' })
  await own.terminate()
})

test('the workers of a pool in a manager end with it, also by SIGKILL', async () => {
  const own = await Manager()
  const doomed = await own.Pool(1)
  const worker = await doomed.apply<[], number>(pid)
  process.kill(own.pid as number, 'SIGKILL')
  await assert.rejects(doomed.apply(pid), { code: 'ERR_MULTIPROC_WORKER_DIED' })
  await until('the worker to end', () => isGone(worker))
  await own.shutdown()
})
