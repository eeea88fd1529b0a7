// Bad input is told at the call, in words, and nothing was run.
import assert from 'node:assert/strict'
import {
  ArgumentTypeError,
  ClosedError,
  Event,
  FullError,
  getContext,
  InvalidStateError,
  InvalidTargetError,
  NotSerializableError,
  Queue,
  Value,
} from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import { type PoolSuite, range, squares, within } from '../pool.ts'

const notExported = (x: number) => x

export function refusals(suite: PoolSuite): void {
  const { test, method } = suite
  const { Pool, ProcessPoolExecutor } = getContext(method)

  test('new Pool() refuses options that cannot be', () => {
    for (const processes of [0, -1, 1.5, NaN]) {
      assert.throws(() => new Pool(processes), RangeError)
      assert.throws(() => new Pool({ processes }), RangeError)
      assert.throws(() => new ProcessPoolExecutor({ maxWorkers: processes }), RangeError)
    }
    for (const options of [
      { minProcesses: 3, processes: 2 },
      { maxTasksPerChild: 0 },
      { memoryLimitMb: 0 },
      { maxQueue: 0 },
      { retries: -1 },
      { idleTimeout: -1 },
      { gracePeriod: 0.5 },
    ])
      assert.throws(() => new Pool(options), RangeError)
    for (const options of [{ workers: 2 }, { processes: '2' }, { initializer: 5 }, { initargs: 5 }, 'two', []])
      assert.throws(() => new Pool(options as object), TypeError)
    assert.throws(() => new Pool({ initializer: notExported }), InvalidTargetError)
    assert.throws(
      () => new Pool({ initializer: tasks.initialise, initargs: [() => 1] }),
      (error: unknown) => {
        assert.ok(error instanceof NotSerializableError)
        assert.equal(error.path, 'initargs[0]')
        return true
      },
    )
  })

  test('Calls refuse arguments that cannot be, and the pool goes on', async () => {
    const pool = suite.common
    const bad = (call: () => Promise<unknown>, error: any) => assert.rejects(call(), error)
    await bad(() => pool.apply(notExported, [1]), InvalidTargetError)
    await bad(() => pool.apply(5 as never), InvalidTargetError)
    await bad(() => pool.apply(tasks.sqr, 5 as never), ArgumentTypeError)
    await bad(() => pool.apply(tasks.sqr, [1], { timeout: -1 }), RangeError)
    await bad(() => pool.apply(tasks.sqr, [1], { priority: NaN }), ArgumentTypeError)
    await bad(() => pool.apply(tasks.sqr, [1], { signal: {} as never }), ArgumentTypeError)
    await bad(() => pool.apply(tasks.sqr, [1], { transfer: [5] as never }), ArgumentTypeError)
    const { buffer } = new Uint8Array(8)
    const counter = new Value('i', 0)
    const taken = structuredClone(buffer)
    structuredClone(null, { transfer: [taken] })
    for (const transfer of [
      [buffer, buffer],
      [buffer, taken],
    ]) {
      await bad(() => pool.apply(tasks.count, [counter], { transfer }), ArgumentTypeError)
      await bad(() => pool.apply(tasks.sqr, [1], { transfer }), ArgumentTypeError)
    }
    assert.deepEqual([counter.value, buffer.byteLength], [0, 8], 'nothing was run, and nothing taken away')
    await bad(() => pool.apply(tasks.sqr, [1], { prio: 5 } as never), /`prio`/)
    await bad(() => pool.map(tasks.sqr, 5 as never), ArgumentTypeError)
    await bad(() => pool.map(notExported, []), InvalidTargetError)
    for (const chunksize of [0, -1, 1.5]) await bad(() => pool.map(tasks.sqr, [1], { chunksize }), RangeError)
    await bad(() => pool.map(tasks.sqr, [1], { onProgress: 5 as never }), ArgumentTypeError)
    await bad(() => pool.starmap(tasks.mul, [[1, 2], 3] as never), /items\[1\]/)
    assert.throws(() => pool.imap(tasks.sqr, 5 as never), ArgumentTypeError)
    assert.throws(() => pool.imap(tasks.sqr, [1], { chunksize: 0 }), RangeError)
    assert.throws(() => pool.imap(tasks.sqr, [1], { buffersize: 0 }), RangeError)
    assert.throws(() => pool.applyAsync(notExported, [1]), InvalidTargetError)
    assert.throws(() => pool.mapAsync(notExported, [1]), InvalidTargetError)
    assert.equal(await pool.apply(tasks.sqr, [3]), 9)
  })

  test('What cannot travel is named: args[0].x, items[3].x', async () => {
    const path = (call: Promise<unknown>) => call.then(String, error => error.path)
    const fn = () => 1
    assert.equal(await path(suite.common.apply(tasks.identity, [{ x: fn }])), 'args[0].x')
    assert.equal(await path(suite.common.map(tasks.identity, [1, 2, 3, { x: fn }], { chunksize: 1 })), 'items[3].x')
    assert.equal(await path(suite.common.map(tasks.identity, [1, 2, 3, { x: fn }], { chunksize: 4 })), 'items[3].x')
    assert.equal(await path(suite.common.apply(tasks.identity, [suite.common])), 'args[0]')
  })

  test('Pool maxQueue: apply() beyond it is refused, map() and imap() wait for room', async t => {
    const pool = suite.pool(t, { processes: 1, maxQueue: 3 })
    const gate = new Event()
    const begun = new Queue()
    const first = pool.apply(tasks.meet, [begun, gate, 0])
    await within(begun.get())
    const waiting = range(3).map(n => pool.apply(tasks.sqr, [n]))
    await assert.rejects(pool.apply(tasks.sqr, [4]), FullError)
    const aborted = new AbortController()
    const all = pool.map(tasks.sqr, range(50), { chunksize: 1 })
    gate.set()
    assert.deepEqual(await Promise.all(waiting), [0, 1, 4])
    assert.deepEqual(await within(all), squares(50))
    await first
    aborted.abort()
  })

  test('Pool: after close() and terminate() calls are refused; join() before them is', async t => {
    const pool = suite.pool(t, 1)
    await assert.rejects(pool.join(), InvalidStateError)
    const last = pool.apply(tasks.sqr, [5])
    pool.close()
    pool.close()
    await assert.rejects(pool.apply(tasks.sqr, [1]), ClosedError)
    await assert.rejects(pool.map(tasks.sqr, [1]), ClosedError)
    assert.throws(() => pool.imap(tasks.sqr, [1]), ClosedError)
    assert.throws(() => pool.applyAsync(tasks.sqr, [1]), ClosedError)
    await within(pool.join())
    assert.equal(await last, 25)
    await pool.terminate()
    await pool.join()
    assert.equal(pool.stats.workers, 0)
  })

  test('AsyncResult: successful() before its time, and a failure that nobody reads', async () => {
    const gate = new Event()
    const result = suite.common.applyAsync(tasks.waitFor, [gate])
    assert.equal(result.ready(), false)
    assert.throws(() => result.successful(), InvalidStateError)
    await result.wait({ timeout: 1 })
    await assert.rejects(result.get({ timeout: 1 }), { code: 'ERR_MULTIPROC_TIMEOUT' })
    await assert.rejects(result.get({ signal: AbortSignal.abort(new Error('mine')) }), /mine/)
    gate.set()
    await result
    assert.equal(result.successful(), true)
    const failed = suite.common.applyAsync(tasks.fails)
    await failed.wait()
    assert.deepEqual([failed.ready(), failed.successful()], [true, false])
    await assert.rejects(failed.get(), /no/)
    gate.close()
  })
}
