// What every ShareableList promises.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { inspect } from 'node:util'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  ClosedError,
  FileExistsError,
  FileNotFoundError,
  InvalidStateError,
  type ShareableList,
} from 'multiproc'
import { changeItem } from '../fixtures/conformance-memory.ts'
import { freshName } from '../support/names.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { ended, type Suite, suite } from './suite.ts'

/** A list whose block does not outlive the test. */
const listOf = async (t: TestContext, make: Implementation, items: any, name?: string): Promise<ShareableList<any>> => {
  const list = await make.shareableList(items, name === undefined ? undefined : { name })
  t.after(() => {
    if (existsSync(`/dev/shm/${list.shm.name}`)) list.shm.unlink()
  })
  return list
}

export function shareableListSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('ShareableList', make, except, [items, misuse, sent, fromCPython])
}

const bytes = (...list: number[]) => Uint8Array.from(list)

function items({ make, test }: Suite): void {
  const values: [value: any, format: string, back?: any][] = [
    [1, 'q'],
    [0, 'q'],
    [-(2 ** 53) + 1, 'q'],
    [2n ** 63n - 1n, 'q'],
    [-(2n ** 63n), 'q'],
    [5n, 'q', 5],
    [0.5, 'd'],
    [-0, 'd'],
    [NaN, 'd'],
    [Infinity, 'd'],
    [2 ** 60, 'd'],
    [1e300, 'd'],
    [true, 'xxxxxxx?'],
    [false, 'xxxxxxx?'],
    [null, 'xxxxxx?x'],
    [undefined, 'xxxxxx?x', null],
    ['', '8s'],
    ['1234567', '8s'],
    ['12345678', '16s'],
    ['ünïcødé', '16s'],
    ['𝄞✓', '8s'],
    ['\ufeffbom', '8s'],
    ['ends in NUL\0\0', '13sx'],
    ['\0', '1sx'],
    [bytes(), '8s'],
    [bytes(1, 2, 3), '8s'],
    [bytes(0, 1, 0), '3sx'],
    [bytes(0, 0, 0, 0, 0, 0, 0, 0), '8sx'],
  ]

  test('ShareableList keeps numbers, bigints, booleans, texts, bytes and null, here and where it is attached', async t => {
    const list = await listOf(
      t,
      make,
      values.map(([value]) => value),
    )
    const same = await make.shareableList(null, { name: list.shm.name })
    assert.equal(list.length, values.length)
    assert.equal(same.length, values.length)
    for (const [i, [value, format, back = value]] of values.entries()) {
      assert.ok(Object.is(same.get(i), back) || typeof back === 'object', `${inspect(value)} at ${i}`)
      assert.deepEqual(same.get(i), back)
      const alone = await listOf(t, make, [value])
      assert.equal(alone.format, format, inspect(value))
    }
    assert.equal(same.format, values.map(([, format]) => format).join(''))
  })

  test('ShareableList.set() puts any type into any slot that is long enough, and touches no other', async t => {
    for (const [value, , back = value] of values) {
      for (const [first] of values.concat([['a longer text than that', '']])) {
        const list = await listOf(t, make, ['before', first, 'after'])
        const slot =
          typeof first === 'string' ? Buffer.byteLength(first) : first instanceof Uint8Array ? first.length : 0
        const room = 8 * (Math.floor(slot / 8) + 1)
        const needs =
          typeof value === 'string' ? Buffer.byteLength(value) : value instanceof Uint8Array ? value.length : 8
        if (needs > room) assert.throws(() => list.set(1, value), ArgumentRangeError)
        else {
          list.set(1, value)
          assert.deepEqual(list.get(1), back)
        }
        assert.equal(list.get(0), 'before')
        assert.equal(list.get(2), 'after')
        list.shm.unlink()
        list.shm.close()
      }
    }
  })

  test('ShareableList.count() and indexOf() compare numbers by value and bytes by what they hold', async t => {
    const list = await listOf(t, make, [1, 2n ** 60n, 1, bytes(1, 2), 'x', null, NaN, true, 2 ** 60])
    assert.equal(list.count(1), 2)
    assert.equal(list.count(1n), 2)
    assert.equal(list.count(bytes(1, 2)), 1)
    assert.equal(list.count(2n ** 60n), 2)
    assert.equal(list.indexOf(bytes(1, 2)), 3)
    assert.equal(list.indexOf(null), 5)
    assert.equal(list.indexOf(undefined), 5)
    assert.equal(list.indexOf(true), 7)
    assert.equal(list.indexOf('y'), -1)
    assert.equal(list.indexOf(NaN), -1)
  })

  test('ShareableList: util.inspect shows its items', async t => {
    const list = await listOf(t, make, ['a', 1], freshName('list'))
    assert.equal(inspect(list), `ShareableList("${list.shm.name}") [ 'a', 1 ]`)
    list.shm.close()
    assert.equal(inspect(list), `ShareableList("${list.shm.name}") { closed: true }`)
  })
}

function misuse({ make, test }: Suite): void {
  test('new ShareableList() of what it cannot hold throws, and makes nothing', async () => {
    const name = freshName('list')
    const wrong: [any, new () => Error][] = [
      [[2n ** 63n], ArgumentRangeError],
      [[-(2n ** 63n) - 1n], ArgumentRangeError],
      [['half \ud800'], ArgumentRangeError],
      [['x'.repeat(10_000_000)], ArgumentRangeError],
      [[{}], ArgumentTypeError],
      [[[]], ArgumentTypeError],
      [[() => 1], ArgumentTypeError],
      [[Symbol('s')], ArgumentTypeError],
      [[new Int32Array(1)], ArgumentTypeError],
      [{}, ArgumentTypeError],
      [5, ArgumentTypeError],
    ]
    for (const [items, error] of wrong) {
      await assert.rejects(async () => make.shareableList(items, { name }), error)
      assert.equal(existsSync(`/dev/shm/${name}`), false)
    }
    await assert.rejects(async () => make.shareableList([], { nmae: 'x' } as any), ArgumentTypeError)
    await assert.rejects(async () => make.shareableList(null, { name }), FileNotFoundError)
  })

  test('ShareableList.get() and set() beyond its ends, or of a wrong value: RangeError, nothing changes', async t => {
    const list = await listOf(t, make, ['a', 2])
    for (const i of [2, -3, 0.5, NaN, Infinity]) {
      assert.throws(() => list.get(i), ArgumentRangeError)
      assert.throws(() => list.set(i, 1), ArgumentRangeError)
    }
    for (const i of ['0', null, undefined, 1n] as any[]) assert.throws(() => list.get(i), ArgumentTypeError)
    assert.throws(() => list.set(0, '123456789'), ArgumentRangeError)
    assert.throws(() => list.set(0, 2n ** 63n), ArgumentRangeError)
    assert.throws(() => list.set(0, {}), ArgumentTypeError)
    assert.deepEqual([...list], ['a', 2])
    assert.equal(list.get(-1), 2)
    assert.equal(list.get(-2), 'a')
  })

  test('new ShareableList() on a block that is no list is InvalidStateError', async t => {
    for (const content of [
      [],
      [1],
      [255, 255, 255, 255, 255, 255, 255, 127],
      [2, 0, 0, 0, 0, 0, 0, 0, 1],
      'x'.repeat(200),
    ]) {
      for (const size of [1, 8, 16, 64, 4096]) {
        const shm = await make.sharedMemory({ create: true, size })
        t.after(() => make.unlinkQuietly(shm.name))
        shm.buf.set([...Buffer.from(content as string)].slice(0, size))
        if (content.length === 0 && size > 1) continue // nothing but zeros is an empty list
        await assert.rejects(async () => make.shareableList(null, { name: shm.name }), InvalidStateError)
      }
    }
  })

  test('ShareableList: bytes that are no item are InvalidStateError, and no others', async t => {
    const list = await listOf(t, make, ['text', 1])
    const places = 4 * 8
    list.shm.buf[places] = 0xff
    assert.throws(() => list.get(0), InvalidStateError)
    list.shm.buf[places + 16] = 'x'.charCodeAt(0)
    assert.throws(() => list.get(0), InvalidStateError)
    assert.equal(list.get(1), 1)
    list.set(0, 'mended')
    assert.deepEqual([...list], ['mended', 1])
  })

  test('ShareableList whose block was closed throws ClosedError', async t => {
    const list = await listOf(t, make, [1])
    list.shm.close()
    for (const use of [() => list.get(0), () => list.set(0, 1), () => list.format, () => [...list]]) {
      assert.throws(use, ClosedError)
    }
  })
}

function sent({ make, test }: Suite): void {
  test('ShareableList arrives in another process as the same list', async t => {
    const [list, report] = [await listOf(t, make, ['a text', 1]), await make.queue()]
    assert.equal(await ended(launch(t, make, changeItem, list, 0, 'b', report)), 0)
    assert.equal(await report.get({ timeout: LIMIT }), 'a text')
    assert.deepEqual([...list], ['b', 1])
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  test('TestSharedMemory.test_shared_memory_ShareableList_basics — types, indices, count, change in place, exact limits', async t => {
    const given = ['howdy', Buffer.from('HoWdY'), -273.154, 100, null, true, 42]
    const sl = await listOf(t, make, given)
    assert.equal(sl.length, 7)
    assert.deepEqual(sl.get(0), 'howdy')
    assert.throws(() => sl.get(7), ArgumentRangeError)
    assert.throws(() => sl.set(7, 0), ArgumentRangeError)
    assert.equal(sl.get(-1), 42)
    assert.equal(sl.format, '8s8sdqxxxxxx?xxxxxxxx?q')
    assert.deepEqual([...sl], ['howdy', Uint8Array.from(Buffer.from('HoWdY')), -273.154, 100, null, true, 42])
    sl.set(3, 42)
    assert.equal(sl.get(3), 42)
    sl.set(4, 'some')
    assert.equal(sl.get(4), 'some')
    assert.equal(sl.format, '8s8sdq8sxxxxxxx?q')
    sl.set(0, 'muchlong')
    assert.throws(() => sl.set(0, 'muchlonger'), ArgumentRangeError)
    assert.equal(sl.get(0), 'muchlong')
    assert.equal(sl.count(42), 2)
    assert.equal(sl.indexOf(42), 3)
    assert.equal(sl.count(true), 1)
    assert.equal(sl.indexOf('far away'), -1)

    const copy = await listOf(t, make, sl, freshName('list'))
    assert.notEqual(copy.shm.name, sl.shm.name)
    assert.deepEqual([...copy], [...sl])
    copy.set(-1, 0)
    assert.equal(sl.get(-1), 42)
    await assert.rejects(async () => make.shareableList([1], { name: sl.shm.name }), FileExistsError)

    const same = await make.shareableList(null, { name: sl.shm.name })
    same.set(-1, 'tail')
    assert.equal(sl.get(-1), 'tail')

    for (const none of [[], null, undefined]) {
      const empty = await listOf(t, make, none)
      assert.equal(empty.length, 0)
      assert.equal(empty.format, '')
      assert.deepEqual([...empty], [])
      assert.throws(() => empty.get(0), ArgumentRangeError)
      assert.equal((await make.shareableList(null, { name: empty.shm.name })).length, 0)
    }
  })

  test('TestSharedMemory.test_shared_memory_ShareableList_basics — text of several bytes does not spill into its neighbours', async t => {
    const sl = await listOf(t, make, ['1234', 'é', '1234'])
    sl.set(1, 'ðððð')
    assert.deepEqual([...sl], ['1234', 'ðððð', '1234'])
    assert.throws(() => sl.set(1, 'ððððð'), ArgumentRangeError)
    assert.deepEqual([...sl], ['1234', 'ðððð', '1234'])
  })

  test('TestSharedMemory.test_shared_memory_ShareableList_pickling — what was sent is a live handle of constant size', async t => {
    const [queue, sl] = [
      await make.queue(),
      await listOf(
        t,
        make,
        Array.from({ length: 10 }, (_, i) => i),
      ),
    ]
    await queue.put(sl)
    const got = await queue.get()
    assert.deepEqual([...got], [...sl])
    got.set(0, -1)
    assert.equal(sl.get(0), -1)
    assert.equal(got.shm, sl.shm)
    const large = await listOf(t, make, Array(20_000).fill('x'.repeat(30)))
    const before = make.memoryUsed()
    for (let n = 0; n < 5; n++) await queue.put(large)
    assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep)
    for (let n = 0; n < 5; n++) assert.equal((await queue.get()).length, 20_000)
  })

  test('TestSharedMemory.test_shared_memory_ShareableList_pickling_dead_object — not found after unlink', async t => {
    const [queue, sl] = [await make.queue(), await listOf(t, make, [1, 2])]
    await queue.put(sl)
    sl.shm.unlink()
    sl.shm.close()
    await assert.rejects(queue.get(), FileNotFoundError)
  })
}
