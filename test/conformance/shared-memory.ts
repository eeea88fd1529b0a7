// What every SharedMemory promises.
import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { inspect } from 'node:util'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  ClosedError,
  FileExistsError,
  FileNotFoundError,
  InvalidStateError,
  SharedMemory,
} from 'multiproc'
import { handOver, handOverAndDie, makeBlocks, takeOver, writeTo } from '../fixtures/conformance-memory.ts'
import { until } from '../support/children.ts'
import { freshName } from '../support/names.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { ended, killed, type Suite, suite } from './suite.ts'

const fileOf = (name: string) => `/dev/shm/${name}`

/** A block that does not outlive the test. */
const block = async (t: TestContext, make: Implementation, size: number, options = {}): Promise<SharedMemory> => {
  const shm = await make.sharedMemory({ create: true, size, ...options })
  t.after(() => {
    if (existsSync(fileOf(shm.name))) shm.unlink()
  })
  return shm
}

export function sharedMemorySuite(make: Implementation, except: readonly Except[] = []): void {
  suite('SharedMemory', make, except, [life, misuse, sent, answersFor, fromCPython])
}

function life({ make, test }: Suite): void {
  test('SharedMemory is zero, exactly as large as asked for, for its owner only', async t => {
    for (const size of [1, 100, 4096, 1_000_001]) {
      const shm = await block(t, make, size)
      assert.equal(shm.size, size)
      assert.equal(shm.buf.length, size)
      assert.equal(shm.buf.buffer.byteLength, size)
      assert.ok(shm.buf.every(byte => byte === 0))
      const { mode, size: fileSize } = statSync(fileOf(shm.name))
      assert.equal(mode & 0o777, 0o600)
      assert.equal(fileSize, size)
    }
  })

  test('SharedMemory: what one writes the other sees, until both have closed it; unlink() takes the name only', async t => {
    const one = await block(t, make, 10)
    const other = await make.sharedMemory({ name: one.name })
    one.buf[3] = 7
    assert.equal(other.buf[3], 7)
    one.close()
    one.close()
    other.buf[4] = 8
    other.unlink()
    assert.throws(() => new SharedMemory({ name: one.name }), FileNotFoundError)
    assert.deepEqual([...other.buf.subarray(3, 5)], [7, 8])
    assert.throws(() => one.unlink(), FileNotFoundError)
  })

  test('SharedMemory.close(): buf throws ClosedError; a view that was kept stays valid', async t => {
    const shm = await block(t, make, 1 << 20)
    const view = shm.buf.subarray(5, 7)
    shm.close()
    assert.equal(shm.closed, true)
    assert.throws(() => shm.buf, ClosedError)
    for (let n = 0; n < 3; n++) await make.collect()
    view[0] = 42
    assert.deepEqual([...view], [42, 0])
    const again = await make.sharedMemory({ name: shm.name })
    assert.equal(again.buf[5], 42)
    assert.equal(shm.size, 1 << 20)
    shm.unlink()
    assert.equal(existsSync(fileOf(shm.name)), false)
  })

  test('SharedMemory is closed at the end of `using`', async t => {
    const { name } = await block(t, make, 1)
    let outside: SharedMemory
    {
      using inside = await make.sharedMemory({ name })
      outside = inside
      assert.equal(outside.closed, false)
    }
    assert.equal(outside.closed, true)
  })

  test('SharedMemory: util.inspect shows its name and size', async t => {
    const shm = await block(t, make, 5, { name: freshName('test') })
    assert.equal(inspect(shm), `SharedMemory { name: '${shm.name}', size: 5, closed: false }`)
  })
}

function misuse({ make, test }: Suite): void {
  test('new SharedMemory() with a name or size that cannot be, or with bad options, throws; nothing is made', async () => {
    const wrong: [any, new () => Error][] = [
      [undefined, ArgumentTypeError],
      [null, ArgumentTypeError],
      ['name', ArgumentTypeError],
      [{}, ArgumentTypeError],
      [{ name: null }, ArgumentTypeError],
      [{ name: 5 }, ArgumentTypeError],
      [{ create: 1, size: 1 }, ArgumentTypeError],
      [{ create: true, size: '1' }, ArgumentTypeError],
      [{ create: true, size: 1, track: 'yes' }, ArgumentTypeError],
      [{ create: true, siez: 1 }, ArgumentTypeError],
      [{ create: true }, ArgumentRangeError],
      [{ create: true, size: 0 }, ArgumentRangeError],
      [{ create: true, size: -1 }, ArgumentRangeError],
      [{ create: true, size: 1.5 }, ArgumentRangeError],
      [{ create: true, size: 2 ** 53 }, ArgumentRangeError],
      [{ name: 'x', size: -1 }, ArgumentRangeError],
    ]
    for (const name of ['', '/', '//', '.', '..', 'a/b', '/a/b', 'a\0b', '\0', 'x'.repeat(256), 'é'.repeat(128)]) {
      wrong.push([{ name, create: true, size: 1 }, ArgumentRangeError], [{ name }, ArgumentRangeError])
    }
    for (const [options, error] of wrong) {
      await assert.rejects(async () => make.sharedMemory(options), error, inspect(options))
    }
  })

  test('new SharedMemory() of a name that is taken is FileExistsError, of one that nobody has FileNotFoundError', async t => {
    const shm = await block(t, make, 4)
    shm.buf[0] = 1
    assert.throws(() => new SharedMemory({ name: shm.name, create: true, size: 4 }), FileExistsError)
    assert.equal(shm.buf[0], 1)
    assert.throws(() => new SharedMemory({ name: freshName('test') }), FileNotFoundError)
  })

  test('new SharedMemory() of a file without bytes says that its creator is not done', async t => {
    const name = freshName('test')
    writeFileSync(fileOf(name), '')
    t.after(() => make.unlinkQuietly(name))
    assert.throws(() => new SharedMemory({ name }), InvalidStateError)
  })

  test('SharedMemory: a slash in front is part of its name and not of its file, as in Python', async t => {
    const name = freshName('test')
    const shm = await block(t, make, 1, { name: `/${name}` })
    t.after(() => make.unlinkQuietly(name))
    assert.equal(shm.name, `/${name}`)
    assert.ok(existsSync(fileOf(name)))
    assert.equal((await make.sharedMemory({ name })).size, 1)
  })
}

function sent({ make, test, death }: Suite): void {
  test('SharedMemory inside an item is the same block; closed and sent again it is attached anew', async t => {
    const [queue, shm] = [await make.queue(), await block(t, make, 4)]
    await queue.put({ it: shm, again: shm })
    const got = await queue.get()
    assert.equal(got.it, shm)
    assert.equal(got.again, shm)
    await queue.put(shm)
    shm.close()
    const anew = await queue.get()
    assert.notEqual(anew, shm)
    assert.equal(anew.size, 4)
    await assert.rejects(async () => queue.put(shm), ClosedError)
    const attached = await make.sharedMemory({ name: shm.name })
    await queue.put([attached])
    assert.equal((await queue.get())[0], attached)
  })

  test('SharedMemory whose name is another block by the time it arrives is FileNotFoundError', async t => {
    const [queue, shm] = [await make.queue(), await block(t, make, 4)]
    await queue.put(shm)
    const { name } = shm
    shm.close()
    shm.unlink()
    const other = await block(t, make, 8, { name })
    await assert.rejects(queue.get(), FileNotFoundError)
    assert.equal(other.buf.length, 8)
  })

  test('SharedMemory that was handed over outlives its maker, and goes with the last who has it', async t => {
    const [queue, report] = [await make.queue(), await make.queue()]
    assert.equal(await ended(launch(t, make, handOver, queue)), 0)
    let shm: SharedMemory | undefined = await queue.get({ timeout: LIMIT })
    assert.deepEqual([...shm!.buf], [1, 2, 3])
    const { name } = shm!
    await queue.put(shm)
    shm!.close()
    shm = undefined
    assert.ok(existsSync(fileOf(name)))
    const child = launch(t, make, takeOver, queue, report)
    assert.deepEqual(await report.get({ timeout: LIMIT }), [1, 2, 3])
    assert.equal(await ended(child), 0)
    await until(() => !existsSync(fileOf(name)), LIMIT, 'the block to be removed')
  })

  death('SharedMemory that was put into a queue by a process that was killed is received', async t => {
    const [queue, names] = [await make.queue(), await make.queue()]
    const child = launch(t, make, handOverAndDie, queue, names)
    assert.equal(await ended(child), make.deathCode)
    const name = await names.get({ timeout: LIMIT })
    assert.ok(existsSync(fileOf(name)))
    const shm = await queue.get({ timeout: LIMIT })
    assert.equal(shm.name, name)
    assert.deepEqual([...shm.buf], [1, 2, 3])
    shm.unlink()
  })

  death('SharedMemory whose maker was killed stays valid where it is attached', async t => {
    const names = await make.queue()
    const child = launch(t, make, makeBlocks, names, [true])
    const attached = await make.sharedMemory({ name: (await names.get({ timeout: LIMIT }))[0] })
    attached.buf[0] = 5
    await killed(make, child)
    await until(() => !existsSync(fileOf(attached.name)), LIMIT, 'the block to be removed')
    assert.equal(attached.buf[0], 5)
  })
}

function answersFor({ make, test, death }: Suite): void {
  test('SharedMemory: a process that ends without unlink() removes what it made, but not with { track: false }', async t => {
    const [report, goOn] = [await make.queue(), await make.event()]
    const child = launch(t, make, makeBlocks, report, [true, false, true], goOn)
    const [one, untracked, other] = await report.get({ timeout: LIMIT })
    t.after(() => make.unlinkQuietly(untracked))
    for (const name of [one, untracked, other]) assert.ok(existsSync(fileOf(name)))
    goOn.set()
    assert.equal(await ended(child), 0)
    assert.equal(existsSync(fileOf(one)), false)
    assert.equal(existsSync(fileOf(other)), false)
    assert.ok(existsSync(fileOf(untracked)))
  })

  death('SharedMemory: a process that is killed leaves its blocks to its relatives, who remove them', async t => {
    const report = await make.queue()
    const child = launch(t, make, makeBlocks, report, [true, false])
    const [tracked, untracked] = await report.get({ timeout: LIMIT })
    t.after(() => make.unlinkQuietly(untracked))
    await killed(make, child)
    await until(() => !existsSync(fileOf(tracked)), LIMIT, 'the block to be removed')
    assert.ok(existsSync(fileOf(untracked)))
  })

  death('SharedMemory: a name that is another block by now is not removed with its old maker', async t => {
    const [report, goOn] = [await make.queue(), await make.event()]
    for (const how of ['ends', 'killed']) {
      const child = launch(t, make, makeBlocks, report, [true], goOn)
      const [name] = await report.get({ timeout: LIMIT })
      ;(await make.sharedMemory({ name })).unlink()
      const mine = await block(t, make, 5, { name })
      if (how === 'killed') await killed(make, child)
      else goOn.set()
      if (how === 'ends') assert.equal(await ended(child), 0)
      goOn.clear()
      assert.equal((await make.sharedMemory({ name })).size, 5)
      mine.unlink()
    }
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, told anew under their names. */
function fromCPython({ make, test, death }: Suite): void {
  test('TestSharedMemory.test_shared_memory_name_with_embedded_null — refused', async () => {
    assert.throws(() => new SharedMemory({ name: 'test01_fn\0bad', create: true, size: 1 }), ArgumentRangeError)
    assert.throws(() => new SharedMemory({ name: 'test01_fn\0bad' }), ArgumentRangeError)
  })

  test('TestSharedMemory.test_shared_memory_basics — name, size, text form; a second attach; each misuse is an error', async t => {
    const name = freshName('test01_tsmb')
    const sms = await block(t, make, 512, { name })
    assert.equal(sms.name, name)
    assert.ok(sms.size >= 512)
    assert.equal(sms.buf.length, sms.size)
    assert.match(inspect(sms), new RegExp(name))
    sms.buf[0] = 42
    const also = await make.sharedMemory({ name })
    assert.equal(also.buf[0], 42)
    also.close()
    const ignored = await make.sharedMemory({ name, size: 5 })
    assert.equal(ignored.size, sms.size)
    assert.throws(() => new SharedMemory({ name: freshName('test'), size: -1 }), ArgumentRangeError)
    assert.throws(() => new SharedMemory({ create: false }), ArgumentTypeError)
    assert.throws(() => new SharedMemory({ name, create: true, size: 512 }), FileExistsError)
    assert.throws(() => new SharedMemory({ name: 'thisarraydoesnotexist' }), FileNotFoundError)
    const random = await block(t, make, 1)
    assert.match(random.name, /^psm_[0-9a-f]{8}$/)
    random.unlink()
    assert.throws(() => random.unlink(), FileNotFoundError)
    const wide = new Int32Array(sms.buf.buffer)
    wide[1] = 123_456
    assert.equal(new DataView(ignored.buf.buffer).getInt32(4, true), 123_456)
  })

  test('TestSharedMemory.test_shared_memory_recreate — a name that was unlinked may be made again', async t => {
    const name = freshName('test')
    for (const size of [10, 20]) {
      const shm = await block(t, make, size, { name })
      assert.equal(shm.size, size)
      assert.equal(shm.buf[0], 0)
      shm.buf[0] = 1
      shm.close()
      shm.unlink()
    }
  })

  test('TestSharedMemory.test_invalid_shared_memory_creation — a size below 0, of 0, or none', async () => {
    for (const size of [-1, 0, undefined]) {
      assert.throws(() => new SharedMemory({ create: true, size }), ArgumentRangeError)
    }
  })

  test('TestSharedMemory.test_shared_memory_pickle_unpickle — what was sent is the same memory, both ways', async t => {
    const [queue, sms] = [await make.queue(), await block(t, make, 512)]
    sms.buf.set(Buffer.from('pickle'))
    await queue.put(sms)
    const { name } = sms
    sms.close()
    const sms2 = await queue.get()
    assert.equal(sms2.name, name)
    assert.equal(Buffer.from(sms2.buf.subarray(0, 6)).toString(), 'pickle')
    sms2.buf.set(Buffer.from('PICKLE'))
    assert.equal(Buffer.from((await make.sharedMemory({ name })).buf.subarray(0, 6)).toString(), 'PICKLE')
  })

  test('TestSharedMemory.test_shared_memory_pickle_unpickle_dead_object — not found after unlink', async t => {
    const [queue, sms] = [await make.queue(), await block(t, make, 512)]
    await queue.put(sms)
    sms.close()
    sms.unlink()
    await assert.rejects(queue.get(), FileNotFoundError)
    await queue.put('the queue goes on')
    assert.equal(await queue.get(), 'the queue goes on')
  })

  test('TestSharedMemory.test_shared_memory_across_processes — a child attaches by name, or gets it, and writes', async t => {
    const sms = await block(t, make, 512)
    const text = [...Buffer.from('howdy')]
    assert.equal(await ended(launch(t, make, writeTo, sms.name, text, 0)), 0)
    assert.deepEqual([...sms.buf.subarray(0, 5)], text)
    assert.equal(await ended(launch(t, make, writeTo, sms, text, 5)), 0)
    assert.deepEqual([...sms.buf.subarray(5, 10)], text)
    assert.ok(existsSync(fileOf(sms.name)))
  })

  death(
    'TestSharedMemory.test_shared_memory_cleaned_after_process_termination — its only maker is terminated',
    async t => {
      const report = await make.queue()
      const child = launch(t, make, makeBlocks, report, [true])
      const [name] = await report.get({ timeout: LIMIT })
      assert.ok(existsSync(fileOf(name)))
      child.terminate()
      assert.equal(await ended(child), -15)
      await until(() => !existsSync(fileOf(name)), LIMIT, 'the block to be removed')
    },
  )

  death(
    'TestResourceTracker.test_resource_tracker — two resources of a terminated process are both gone soon',
    async t => {
      const report = await make.queue()
      const child = launch(t, make, makeBlocks, report, [true, true])
      const [one, other] = await report.get({ timeout: LIMIT })
      child.terminate()
      assert.equal(await ended(child), -15)
      await until(() => !existsSync(fileOf(one)) && !existsSync(fileOf(other)), LIMIT, 'the blocks to be removed')
    },
  )

  test('TestSharedMemoryNames.test_that_shared_memory_name_with_colons_has_no_resource_tracker_errors — odd names work', async t => {
    for (const odd of ['a:b:c', 'a\nb', 'with space', '-rf', '✓', '*', '\'"`$(x)']) {
      const name = `${odd}${freshName('test')}`
      const shm = await block(t, make, 1, { name })
      shm.buf[0] = 1
      assert.equal((await make.sharedMemory({ name })).buf[0], 1)
    }
  })
}
