// Calls: what goes there, what comes back, in which order.
import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Event, NotSerializableError, Queue, Value } from 'multiproc'
import * as tasks from '../../fixtures/pool.ts'
import { listOf, type PoolSuite, range, squares, within } from '../pool.ts'

export function calls(suite: PoolSuite): void {
  const { test } = suite

  test('Pool.apply() gives values of every kind as they are, in both directions', async () => {
    const values = [
      undefined,
      null,
      true,
      false,
      0,
      -0,
      -1,
      2 ** 31,
      0.5,
      NaN,
      Infinity,
      10n ** 20n,
      '',
      'text',
      'ü'.repeat(5000),
      [1, [2]],
      { a: { b: -1 } },
      new Date(5),
      new Map([[1, new Set(['a'])]]),
      /x/gi,
      new Uint8Array([1, 2]),
      new Float64Array(1000).fill(0.5),
    ]
    for (const value of values) assert.deepEqual(await suite.common.apply(tasks.identity, [value]), value)
    assert.deepEqual(await suite.common.map(tasks.identity, values, { chunksize: 1 }), values)
    assert.deepEqual(await suite.common.map(tasks.later, values, { chunksize: 5 }), values)
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const back = (await suite.common.apply(tasks.identity, [cyclic])) as typeof cyclic
    assert.equal(back.self, back)
  })

  test('Pool.apply() hands over locks, queues and the like', async () => {
    const counter = new Value('i', 0)
    await suite.common.map(tasks.count, Array(50).fill(counter))
    assert.equal(counter.value, 50)
    counter.close()
  })

  test('Pool.apply() packs its arguments at the call: what is changed afterwards stays behind', async t => {
    const pool = suite.pool(t, 1)
    const bytes = new Uint8Array(100_000)
    const small = { n: 0 }
    const all = range(20).map(n => {
      bytes[0] = n
      small.n = n
      return pool.apply(tasks.bytesAndNumber, [{ bytes, small }])
    })
    const back = await Promise.all(all)
    assert.deepEqual(
      back.map(({ bytes, small }) => [bytes[0], small.n]),
      range(20).map(n => [n, n]),
    )
  })

  test('Pool.map() takes the list as it is at the call, holes as undefined: what is changed afterwards stays behind', async t => {
    const narrow = suite.pool(t, { processes: 1, maxQueue: 2 })
    for (const pool of [suite.common, narrow]) {
      for (const chunksize of [1, 7, 1000]) {
        const items = range(2000) as (number | undefined)[]
        delete items[3]
        const all = pool.map(tasks.identity, items, { chunksize })
        items.fill(-1)
        items.length = 1
        assert.deepEqual(
          await within(all),
          range(2000).map(n => (n === 3 ? undefined : n)),
        )
      }
    }
  })

  test('Pool.map() of a list that gets shorter as its tasks are told of ends all the same', async () => {
    const items = range(100)
    const shorten = () => {
      items.length = Math.min(items.length, 10)
    }
    diagnostics.subscribe('tracing:multiproc:task:start', shorten)
    try {
      const got = (await within(suite.common.map(tasks.identity, items, { chunksize: 5 }))) as unknown[]
      assert.equal(got.length, 100)
      assert.deepEqual(got.slice(0, 5), range(5))
    } finally {
      diagnostics.unsubscribe('tracing:multiproc:task:start', shorten)
    }
  })

  test('Pool: a function and { module, name } are the same target', async () => {
    const module = new URL('../../fixtures/pool.js', import.meta.url)
    assert.equal(await suite.common.apply({ module, name: 'sqr' }, [3]), 9)
    assert.equal(await suite.common.apply({ module: module.href, name: 'mul' }, [3, 4]), 12)
  })

  test('Pool: no task waits behind a slow one while a worker is idle', async t => {
    const pool = suite.pool(t, 2)
    const gate = new Event()
    const slow = pool.apply(tasks.waitFor, [gate])
    const others = await within(pool.map(tasks.sqr, range(100), { chunksize: 1 }), 'what stands behind the slow one')
    assert.equal(others.length, 100)
    gate.set()
    await slow
    gate.close()
  })

  test('Pool.apply() priority: what is higher goes first, also before what lies ready for workers', async t => {
    const pool = suite.pool(t, 1)
    const gate = new Event()
    const begun = new Queue()
    const order: number[] = []
    const first = pool.apply(tasks.meet, [begun, gate, 'first'])
    await within(begun.get())
    const rest = [0, 0, -1, 5, 5, 9].map((priority, n) =>
      pool.apply(tasks.identity, [n], { priority }).then(done => order.push(Number(done))),
    )
    gate.set()
    await within(Promise.all([first, ...rest]))
    assert.deepEqual(order, [5, 3, 4, 0, 1, 2])
  })

  test('Pool.map() takes an async iterable, and gives results in its order', async () => {
    async function* input(): AsyncGenerator<number> {
      for (const n of range(50)) {
        if (n % 10 === 0) await new Promise(resolve => setImmediate(resolve))
        yield n
      }
    }
    assert.deepEqual(await suite.common.map(tasks.sqr, input()), squares(50))
    assert.deepEqual(await suite.common.map(tasks.sqr, input(), { chunksize: 7 }), squares(50))
    async function* failing(): AsyncGenerator<number> {
      yield 1
      throw new RangeError('no more')
    }
    await assert.rejects(suite.common.map(tasks.sqr, failing()), /no more/)
  })

  test('Pool.map() ends with the first failure, and what was not begun is not run', async t => {
    const pool = suite.pool(t, 1)
    const counter = new Value('i', 0)
    const input = [...range(3).map(() => counter), 'no value', ...range(2000).map(() => counter)]
    await assert.rejects(pool.map(tasks.count as (x: unknown) => number, input, { chunksize: 1 }), TypeError)
    assert.equal(await pool.apply(tasks.sqr, [2]), 4)
    assert.ok(counter.value < 1500, `${counter.value} were run`)
  })

  test('Pool.map() failFast: false runs all, and rejects with the failure of the first item', async () => {
    const counter = new Value('i', 0)
    const input = [counter, 'one', counter, 'two', counter]
    for (const chunksize of [1, 2, 5]) {
      counter.value = 0
      const failing = suite.common.map(tasks.count as (x: unknown) => number, input, { chunksize, failFast: false })
      await assert.rejects(failing, TypeError)
      assert.equal(counter.value, 3)
    }
    counter.close()
  })

  test('Pool.map() onProgress is called for each item, up to the total', async () => {
    for (const chunksize of [1, 8]) {
      const seen: [number, number | undefined][] = []
      await suite.common.map(tasks.sqr, range(20), { chunksize, onProgress: (done, total) => seen.push([done, total]) })
      assert.deepEqual(
        seen,
        range(20).map(n => [n + 1, 20]),
      )
    }
  })

  test('M2 a callback that throws ends its call with its error, and nothing else', async () => {
    const angry = () => {
      throw new RangeError('angry')
    }
    await assert.rejects(suite.common.map(tasks.sqr, range(100), { onProgress: angry }), /angry/)
    const stream = suite.common.imap(tasks.sqr, range(100), { onProgress: angry })
    await assert.rejects(listOf(stream), /angry/)
    assert.deepEqual(await suite.common.map(tasks.sqr, [1, 2]), [1, 4])
  })

  test('Pool.imap() reads its input only as far ahead as it may, and leaving the loop ends it', async t => {
    const pool = suite.pool(t, 1)
    let read = 0
    let left = false
    function* endless(): Generator<number> {
      try {
        for (;;) yield read++
      } finally {
        left = true
      }
    }
    const seen: number[] = []
    for await (const n of pool.imap(tasks.sqr, endless(), { buffersize: 5 })) {
      seen.push(n)
      assert.ok(read <= seen.length + 5, `${read} were read when ${seen.length} were taken`)
      if (seen.length === 20) break
    }
    assert.deepEqual(seen, squares(20))
    assert.equal(left, true)
    pool.close()
    await within(pool.join())
  })

  test('Pool.imap() of an async input that is infinite', async () => {
    async function* endless(): AsyncGenerator<number> {
      for (let n = 0; ; n++) yield n
    }
    const seen: number[] = []
    for await (const n of suite.common.imapUnordered(tasks.sqr, endless(), { chunksize: 3 })) {
      if (seen.push(n) === 30) break
    }
    assert.equal(new Set(seen).size, 30)
  })

  test('Pool.imap() with failFast: false goes on behind a failure', async () => {
    for (const chunksize of [1, 3]) {
      const results = suite.common.imap(tasks.failsOnThree, range(6), { chunksize, failFast: false })
      const seen: unknown[] = []
      for (let n = 0; n < 6; n++)
        seen.push(
          await results.next().then(
            ({ value }) => value,
            error => error.message,
          ),
        )
      assert.deepEqual(seen, [0, 1, 2, 'no 3', 4, 5])
      assert.deepEqual(await results.next(), { done: true, value: undefined })
    }
    const fast = suite.common.imap(tasks.failsOnThree, range(6))
    await assert.rejects(listOf(fast), /no 3/)
    assert.deepEqual(await fast.next(), { done: true, value: undefined })
  })

  test('Errors cross with class, name, message, own properties, causes and both stacks', async () => {
    const error = await suite.common.apply(tasks.fails, ['why']).catch(error => error)
    assert.ok(error instanceof Error)
    assert.equal(error.name, 'NamedError')
    assert.equal(error.message, 'why')
    assert.deepEqual((error as tasks.NamedError).extra, { answer: 42 })
    assert.ok(error.cause instanceof TypeError)
    assert.match(error.stack!, /fixtures\/pool\.js[\s\S]*asked for by process \d+[\s\S]*conformance\/pool\/calls\.js/)
    for (const call of [
      () => suite.common.map(tasks.failsOnThree, range(5)),
      () => suite.common.map(tasks.failsOnThree, range(5), { chunksize: 1 }),
    ]) {
      const error = await call().catch(error => error)
      assert.ok(error instanceof RangeError)
      assert.match(error.stack!, /failsOnThree[\s\S]*asked for by[\s\S]*calls\.js/)
    }
  })

  test('Whatever is thrown that is no Error arrives as it was', async () => {
    for (const thrown of [undefined, null, 0, '', false, 'text', { a: 1 }, [1]]) {
      const found = await suite.common.apply(tasks.failsWith, [thrown]).then(
        () => assert.fail('nothing was thrown'),
        error => ({ error }),
      )
      assert.deepEqual(found, { error: thrown })
    }
  })

  test('M1 an error whose class cannot be made again arrives with its name and message', async () => {
    const error = await suite.common.apply(tasks.failsExactingly).catch(error => error)
    assert.ok(error instanceof Error)
    assert.deepEqual([error.name, error.message], ['Exacting', '1 2 3'])
    assert.equal(await suite.common.apply(tasks.sqr, [2]), 4)
  })

  test('A result that cannot travel rejects its task, naming the part of it', async () => {
    await assert.rejects(suite.common.apply(tasks.unsendable), (error: unknown) => {
      assert.ok(error instanceof NotSerializableError)
      assert.equal(error.path, 'result.deep[0]')
      assert.match(error.message, /`result\.deep\[0\]`/)
      return true
    })
    await assert.rejects(suite.common.apply(tasks.throwsUnsendable), /with a function/)
    await assert.rejects(suite.common.apply(tasks.throwingResult))
    const mixed = suite.common.map(tasks.unsendable, range(4), { chunksize: 4 })
    await assert.rejects(mixed, NotSerializableError)
  })

  test('Numbers in chunks arrive as they are, alone or among other things', async () => {
    const ints = range(100).map(i => (i % 2 === 0 ? i : -(2 ** 31) + i))
    const doubles = [...ints, 0.1, -0, NaN, Infinity, -Infinity, 2 ** 31, Number.MAX_SAFE_INTEGER, 5e-324]
    const mixed = [...doubles, 'text', null, undefined, 1n, [1], { a: 1 }]
    for (const items of [ints, doubles, mixed, [...range(20), -0], [-0, 1]]) {
      assert.deepEqual(await suite.common.map(tasks.identity, items, { chunksize: items.length }), items)
      assert.deepEqual(await suite.common.map(tasks.identity, items, { chunksize: 16 }), items)
    }
  })

  test('currentTask() tells a task which it is', async () => {
    assert.deepEqual(await suite.common.apply(tasks.task), { index: 0, attempt: 1, aborted: false })
    assert.deepEqual(await suite.common.map(tasks.indexOf, range(30)), range(30))
    assert.deepEqual(await suite.common.map(tasks.indexOf, range(30), { chunksize: 1 }), range(30))
  })

  test('Where node_modules are links, as pnpm makes them, there is one multiproc in a worker', async t => {
    const place = mkdtempSync(join(tmpdir(), 'multiproc-linked-'))
    t.after(() => rmSync(place, { recursive: true }))
    const [root] = fileURLToPath(import.meta.resolve('multiproc')).split(/\/(?:dist|build\/src)\//)
    mkdirSync(join(place, 'node_modules'))
    symlinkSync(root, join(place, 'node_modules', 'multiproc'))
    const program = join(place, 'program.mjs')
    writeFileSync(program, "import { currentTask } from 'multiproc'\nexport const index = () => currentTask().index\n")
    // a fresh worker: the pipe of its standard error is the last that was looked at
    const pool = suite.pool(t, 1)
    assert.equal(await within(pool.apply({ module: program, name: 'index' })), 0)
  })

  test('A task may use a pool of its own', async () => {
    assert.deepEqual(await within(suite.common.map(tasks.nested, [3, 4], { chunksize: 1 })), [5, 14])
  })

  test('Pool.stats counts, and measures run and wait times', async t => {
    const pool = suite.pool(t, 1)
    const gate = new Event()
    const begun = new Queue()
    const empty = pool.stats
    assert.deepEqual([empty.workers, empty.busy, empty.queued, empty.completed, empty.failed], [0, 0, 0, 0, 0])
    assert.ok(Number.isNaN(empty.runTime.mean) && Number.isNaN(empty.waitTime.percentile(50)))
    const first = pool.apply(tasks.meet, [begun, gate, 1])
    const second = pool.apply(tasks.fails)
    await within(begun.get())
    const now = pool.stats
    assert.deepEqual([now.workers, now.busy, now.queued, now.completed, now.failed], [1, 1, 1, 0, 0])
    gate.set()
    await first
    await assert.rejects(second)
    const { busy, queued, completed, failed, runTime, waitTime } = pool.stats
    assert.deepEqual([busy, queued, completed, failed], [0, 0, 1, 1])
    assert.deepEqual([runTime.count, waitTime.count], [2, 2])
    assert.ok(runTime.min <= runTime.percentile(50) && runTime.percentile(50) <= runTime.max)
    assert.ok(runTime.min <= runTime.mean && runTime.mean <= runTime.max)
    assert.throws(() => runTime.percentile(101), RangeError)
  })

  test('Pool.map() ends with its last result, whatever its workers do next', async t => {
    const pool = suite.pool(t, 1)
    const gate = new Event()
    const begun = new Queue()
    const all = [pool.map(tasks.sqr, range(5), { chunksize: 1 }), pool.map(tasks.mul, range(3), { chunksize: 1 })]
    const next = pool.apply(tasks.meet, [begun, gate, 1])
    assert.deepEqual(await within(Promise.all(all)), [squares(5), [0, 1, 2]])
    gate.set()
    await within(next)
  })

  test('Pool.stats counts what is done of a map() that goes on', async t => {
    const gate = new Event()
    const begun = new Queue()
    const pool = suite.pool(t, { processes: 1, initializer: tasks.initialise, initargs: [{ begun, gate }] })
    const all = pool.map(tasks.meetAtThree, range(5), { chunksize: 1 })
    await within(begun.get())
    const { busy, queued, completed } = pool.stats
    assert.deepEqual([busy, queued, completed], [1, 1, 3])
    gate.set()
    assert.deepEqual(await within(all), squares(5))
  })

  test('Pool.map() onProgress that looks at the stats is told one after the other', async () => {
    const told: number[] = []
    const onProgress = (done: number) => {
      const { completed, failed } = suite.common.stats
      assert.ok(completed + failed >= done)
      told.push(done)
    }
    await within(suite.common.map(tasks.sqr, range(1000), { chunksize: 1, onProgress }))
    assert.deepEqual(
      told,
      range(1000).map(n => n + 1),
    )
  })

  test('diagnostics_channel: each task is traced from the call to its end', async () => {
    const seen: string[] = []
    const channels = diagnostics.tracingChannel<unknown, { target: string; index: number }>('multiproc:task')
    const note = (what: string) => (trace: { target: string; index: number }) => {
      seen.push(`${what} ${trace.target} ${trace.index}`)
    }
    const subscribers = {
      start: note('start'),
      end: note('end'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
      error: note('error'),
    }
    channels.subscribe(subscribers)
    await suite.common.apply(tasks.sqr, [1])
    await assert.rejects(suite.common.apply(tasks.fails))
    await suite.common.map(tasks.sqr, [1, 2], { chunksize: 2 })
    channels.unsubscribe(subscribers)
    const of = (target: string, index: number) =>
      seen.filter(text => text.endsWith(` ${target} ${index}`)).map(text => text.split(' ')[0])
    assert.deepEqual(of('fails', 0), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    assert.deepEqual(of('sqr', 1), ['start', 'end', 'asyncStart', 'asyncEnd'])
  })
}
