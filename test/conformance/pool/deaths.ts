// Workers that die. A thread cannot be killed from outside: there it is ended by itself (process.exit), and the kills are left out.
import assert from 'node:assert/strict'
import { activeChildren, Event, Queue, Value, WorkerDiedError } from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import { start, until } from '../../support/children.ts'
import { isAlive } from '../../support/processes.ts'
import { LIMIT } from '../implementation.ts'
import { deathOf, listOf, type PoolSuite, range, squares, within } from '../pool.ts'

const workers = () => activeChildren().filter(({ name }) => name.startsWith('PoolWorker'))

export function deaths(suite: PoolSuite): void {
  const { test } = suite

  test('K10 a worker that is killed costs the one task that it was running, and is replaced', async t => {
    const pool = suite.pool(t, 2)
    const results = await within(
      Promise.allSettled(range(60).map(n => (n === 20 ? pool.apply(tasks.kill) : pool.apply(tasks.sqr, [n])))),
    )
    for (const [n, result] of results.entries()) {
      if (n !== 20) assert.deepEqual(result, { status: 'fulfilled', value: n * n })
      else assert.ok(result.status === 'rejected' && result.reason instanceof WorkerDiedError)
    }
    const error = await deathOf(pool.apply(tasks.kill))
    assert.deepEqual([error.exitCode, error.signal, error.target, error.index], [-9, 'SIGKILL', 'kill', null])
    assert.ok(error.pid !== null && error.pid !== process.pid)
    assert.match(error.message, /kill\(\).*PoolWorker-\d+ \(pid \d+\) was ended by SIGKILL/)
    assert.match(error.stack!, /asked for by process/)
    assert.deepEqual(await within(pool.map(tasks.sqr, range(30))), squares(30))
  })

  test('K11 an idle worker that is killed takes nothing along', async t => {
    const pool = suite.pool(t, 1)
    const before = new Set(workers())
    for (let round = 0; round < 2; round++) {
      assert.equal(await within(pool.apply(tasks.sqr, [round])), round * round)
      for (const worker of workers()) {
        if (before.has(worker)) continue
        worker.kill()
        await within(worker.join())
      }
    }
    assert.deepEqual(await within(pool.map(tasks.sqr, range(20), { chunksize: 1 })), squares(20))
  })

  test('K12 a worker of an executor that is killed leaves the other futures alone', async t => {
    const executor = suite.newExecutor(t, { maxWorkers: 2 })
    const gate = new Event()
    const begun = new Queue()
    const healthy = executor.submit(tasks.meet, begun, gate, 'healthy')
    await within(begun.get())
    const killed = executor.submit(tasks.kill)
    const waiting = executor.submit(tasks.sqr, 4)
    await deathOf(killed)
    assert.equal(await within(waiting), 16)
    gate.set()
    assert.equal(await within(healthy), 'healthy')
    assert.equal(await within(executor.submit(tasks.sqr, 5)), 25)
  })

  test('K15 the main program is killed: its workers end, and those of the pools in them', async t => {
    const program = start([
      process.execPath,
      '--input-type=module',
      '--eval',
      `import { getContext, Queue } from 'multiproc'
       import * as tasks from ${JSON.stringify(new URL('../../fixtures/pool.js', import.meta.url).href)}
       const pool = new (getContext('${suite.method}').Pool)(2)
       const below = new Queue()
       pool.apply(tasks.nestedAndStay, [below])
       const own = await pool.apply(tasks.pid)
       pool.apply(tasks.forEver)
       console.log(JSON.stringify([own, await below.get()]))`,
    ])
    t.after(() => program.end())
    await until(() => program.stdout.endsWith('\n'), LIMIT, 'the program to say who its workers are')
    const pids: number[] = JSON.parse(program.stdout)
    program.kill('SIGKILL')
    await until(() => pids.every(pid => pid === program.pid || !isAlive(pid)), LIMIT, 'its workers to end')
  })

  for (const [how, chunksizes] of [
    ['kill', [1, 20]],
    ['exit', [4]],
  ] as const) {
    test(`Of a chunk one item is lost, the one that was running, and none is run twice: ${how}`, async t => {
      const pool = suite.pool(t, 1)
      for (const chunksize of chunksizes) {
        const ran = new Queue<number>()
        const items = range(20).map(x => [ran, how, x] as [Queue<number>, 'kill', number])
        const died = await deathOf(pool.starmap(tasks.diesAtFive, items, { chunksize, failFast: false }))
        assert.equal(died.index, 5)
        const all: number[] = []
        while (ran.qsize() > 0) all.push(ran.getNowait())
        assert.deepEqual(
          all.sort((a, b) => a - b),
          range(20),
        )
        ran.close()
      }
    })
  }

  test('Results before and behind the item that was lost come all the same', async t => {
    const pool = suite.pool(t, 1)
    const ran = new Queue<number>()
    const items = range(12).map(x => ({ ran, x }))
    for (const chunksize of [1, 12]) {
      const results = pool.imap(tasks.exitsAtFive, items, { chunksize, buffersize: 12, failFast: false })
      const seen: unknown[] = []
      for (let n = 0; n < 12; n++)
        seen.push(
          await within(results.next()).then(
            ({ value }) => value,
            error => error.name,
          ),
        )
      assert.deepEqual(seen, [0, 1, 2, 3, 4, 'WorkerDiedError', 6, 7, 8, 9, 10, 11])
    }
    await deathOf(listOf(pool.imap(tasks.exitsAtFive, items, { chunksize: 3 })))
  })

  test('retries: a task whose worker died is run again elsewhere, so often and no more', async t => {
    const pool = suite.pool(t, { processes: 1, retries: 2 })
    assert.equal(await within(pool.apply(tasks.secondTime)), 2)
    const counter = new Value('i', 0)
    const again = pool.apply(tasks.countAndFail, [counter])
    await assert.rejects(within(again), RangeError)
    assert.equal(counter.value, 1)
    const ran = new Queue<number>()
    await deathOf(pool.apply(tasks.exitsAtFive, [{ ran, x: 5 }]))
    assert.equal(ran.qsize(), 3)
    const chunk = pool.map(
      tasks.exitsAtFive,
      range(8).map(x => ({ ran, x })),
      { chunksize: 8, failFast: false },
    )
    assert.equal((await deathOf(chunk)).index, 5)
    assert.equal(ran.qsize(), 3 + 7 + 3)
  })

  test('WorkerDiedError says how: exit code, target, item, and what the worker wrote last', async t => {
    const pool = suite.pool(t, 1)
    const error = await deathOf(
      pool.map(tasks.lastWords as (x: unknown) => never, [1], { chunksize: 1, failFast: false }),
    )
    assert.deepEqual([error.exitCode, error.signal, error.target, error.index], [7, null, 'lastWords', 0])
    assert.match(error.stderr, /one line\nthe last line$/)
    assert.match(error.message, /exit code 7[\s\S]*the last line/)
    const left = await deathOf(pool.apply(tasks.exit, [0]))
    assert.match(left.message, /process\.exit\(\)/)
    const background = await deathOf(pool.apply(tasks.uncaught))
    assert.equal(background.exitCode, 1)
    assert.match(background.stderr, /in the background/)
  })

  test('A worker whose heap is too small: the error says so', async t => {
    const pool = suite.pool(t, 1)
    const before = process.env.NODE_OPTIONS
    process.env.NODE_OPTIONS = '--max-old-space-size=40'
    t.after(() => {
      if (before === undefined) delete process.env.NODE_OPTIONS
      else process.env.NODE_OPTIONS = before
    })
    const error = await deathOf(pool.apply(tasks.exhaust))
    assert.ok([-6, -5].includes(error.exitCode ?? 0), `exit code ${error.exitCode}`)
    assert.match(error.message, /heap was too small/)
  })

  test('Workers that die in crowds: all tasks are settled, and each worker cost one', async t => {
    const pool = suite.pool(t, 2)
    const calls = range(200).map(n => (n % 40 === 7 ? pool.apply(tasks.exit, [n]) : pool.apply(tasks.sqr, [n])))
    const results = await within(Promise.allSettled(calls))
    assert.deepEqual(
      results.map(result => (result.status === 'fulfilled' ? result.value : result.reason.exitCode)),
      range(200).map(n => (n % 40 === 7 ? n : n * n)),
    )
    assert.equal(pool.stats.failed, 5)
  })

  test('A worker that cannot begin: what is pending rejects with the error of the initializer, which is not run for ever', async t => {
    const counter = new Value('i', 0)
    const pool = suite.pool(t, { processes: 2, initializer: tasks.countAndFail, initargs: [counter] })
    const calls: Promise<unknown>[] = [
      pool.apply(tasks.sqr, [1]),
      pool.apply(tasks.sqr, [2]),
      pool.map(tasks.sqr, [1, 2, 3]),
    ]
    for (const call of calls) await assert.rejects(within(call), /cannot begin/)
    await assert.rejects(pool.apply(tasks.sqr, [1]), (error: Error) => /cannot begin/.test(String(error.cause)))
    assert.ok(counter.value <= 2, `${counter.value} times`)
    pool.close()
    await within(pool.join())
  })

  test('A worker that dies in its initializer: three in a row, and what is pending rejects', async t => {
    const pool = suite.pool(t, { processes: 1, initializer: tasks.exitAtOnce })
    const error = await deathOf(pool.apply(tasks.sqr, [1]))
    assert.equal(error.exitCode, 9)
    assert.match(error.message, /a worker of the pool to start/)
  })
}
