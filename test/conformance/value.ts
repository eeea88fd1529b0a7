// What every Value promises.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { ClosedError, InvalidStateError, RawValue, RLock, type TypeCode, type ValueOptions } from 'multiproc'
import { hold } from '../fixtures/conformance.ts'
import { nameClasses } from '../fixtures/conformance-memory.ts'
import { add, addBig, change, dieInUpdate, holdLockOf, readThenWrite, update } from '../fixtures/conformance-sync.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { refused } from './refused.ts'
import { asleep, ended, killed, type Suite, suite } from './suite.ts'

/** For each type: what it is without an initial value, values that it keeps as they are, values it refuses, and why. */
const types: Record<TypeCode, { zero: unknown; fits: unknown[]; beyond: unknown[]; wrong: unknown[] }> = {
  c: { zero: '\0', fits: ['a', '\xff', '\0'], beyond: ['\u0100', '✓'], wrong: ['', 'ab', 1, null] },
  u: { zero: '\0', fits: ['a', '✓', '\uffff'], beyond: [], wrong: ['', 'ab', '𝄞', 1] },
  b: { zero: 0, fits: [-128, 127, 0], beyond: [-129, 128, 300], wrong: [0.5, NaN, '1', 1n, null] },
  B: { zero: 0, fits: [0, 255], beyond: [-1, 256], wrong: [0.5, '1'] },
  h: { zero: 0, fits: [-32768, 32767], beyond: [-32769, 32768], wrong: [0.5] },
  H: { zero: 0, fits: [0, 65535], beyond: [-1, 65536], wrong: [0.5] },
  i: { zero: 0, fits: [-(2 ** 31), 2 ** 31 - 1], beyond: [-(2 ** 31) - 1, 2 ** 31], wrong: [0.5, Infinity, 1n] },
  I: { zero: 0, fits: [0, 2 ** 32 - 1], beyond: [-1, 2 ** 32], wrong: [0.5] },
  l: { zero: 0, fits: [-(2 ** 31), 2 ** 31 - 1], beyond: [-(2 ** 31) - 1, 2 ** 31], wrong: [0.5] },
  L: { zero: 0, fits: [0, 2 ** 32 - 1], beyond: [-1, 2 ** 32], wrong: [0.5] },
  q: { zero: 0n, fits: [-(2n ** 63n), 2n ** 63n - 1n, 1n], beyond: [-(2n ** 63n) - 1n, 2n ** 63n], wrong: [1, '1'] },
  Q: { zero: 0n, fits: [0n, 2n ** 64n - 1n], beyond: [-1n, 2n ** 64n], wrong: [1] },
  f: { zero: 0, fits: [0.5, -1.25, Infinity, NaN, -0], beyond: [], wrong: ['1', 1n, null] },
  d: { zero: 0, fits: [0.1, Number.MAX_VALUE, Number.MIN_VALUE, NaN, -0], beyond: [], wrong: ['1', 1n] },
}
/** A Value of a type, or with a value, that only the run knows. */
const untyped = async (make: Implementation, code: unknown, initial?: unknown, options?: unknown): Promise<any> =>
  make.value(code as 'i', initial as number, options as ValueOptions)

const codes = Object.keys(types) as TypeCode[]

export function valueSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Value', make, except, [kept, changed, locks, raw, deaths, fromCPython])
}

function kept({ make, test }: Suite): void {
  for (const code of codes) {
    const { zero, fits, beyond, wrong } = types[code]
    test(`Value('${code}') keeps what fits, here and in another process, and refuses what does not`, async t => {
      const value = await untyped(make, code)
      assert.equal(value.value, zero)
      for (const fit of fits) {
        value.value = fit
        assert.ok(Object.is(value.value, fit))
        assert.ok(Object.is((await untyped(make, code, fit)).value, fit))
      }
      for (const [bad, kind] of [
        ...beyond.map(bad => [bad, RangeError] as const),
        ...wrong.map(bad => [bad, TypeError] as const),
      ]) {
        assert.throws(() => (value.value = bad), refused(kind), String(bad))
        await assert.rejects(untyped(make, code, bad), refused(kind))
        assert.throws(() => value.update(() => bad), refused(kind))
        assert.ok(Object.is(value.value, fits.at(-1)))
      }
      const report = await make.queue()
      launch(t, make, change, [[value, fits[0]]] as any, report)
      assert.ok(Object.is((await report.get())[0], fits.at(-1)))
      assert.ok(Object.is(value.value, fits[0]))
    })
  }

  test("Value('f') keeps the nearest number that a float can hold", async () => {
    const value = await make.value('f', 0.1)
    assert.equal(value.value, Math.fround(0.1))
    assert.equal(
      value.update(v => v + 0.2),
      Math.fround(Math.fround(0.1) + 0.2),
    )
  })

  test('new Value() of a type that does not exist, or with bad options, throws', async () => {
    for (const code of ['x', '', 'ii', 5, undefined, null, 'toString']) {
      await assert.rejects(untyped(make, code), refused(TypeError), String(code))
    }
    for (const options of [{ lock: 1 }, { lock: {} }, { look: true }, true, null] as any[]) {
      await assert.rejects(untyped(make, 'i', 0, options), refused(TypeError), JSON.stringify(options))
    }
  })

  test('Value.close(): everything throws ClosedError at once', async () => {
    const value = await make.value('i', 1)
    value.close()
    value.close()
    for (const use of [
      () => value.value,
      () => (value.value = 2),
      () => value.add(1),
      () => value.update(v => v),
      () => value.getLock(),
    ]) {
      assert.throws(use, ClosedError)
    }
  })

  test('Value: util.inspect shows its type and what it is', async () => {
    const value = await make.value('q', 5n)
    assert.equal(inspect(value), "Value { type: 'q', value: 5n }")
    value.close()
    assert.equal(inspect(value), 'Value { closed: true }')
  })

  test('Value inside an item is the same value', async () => {
    const [queue, value] = [await make.queue(), await make.value('d', 0.5)]
    await queue.put({ it: value })
    assert.equal((await queue.get()).it, value)
  })
}

function changed({ make, test }: Suite): void {
  test('Value.add() gives the new value; whole numbers only, within the type', async () => {
    const value = await make.value('h', 32_760)
    assert.equal(value.add(7), 32_767)
    assert.throws(() => value.add(1), refused(RangeError))
    assert.throws(() => value.add(0.5), refused(TypeError))
    assert.throws(() => value.add(NaN), refused(TypeError))
    assert.throws(() => value.add('1' as any), refused(TypeError))
    assert.throws(() => value.add(1n as any), refused(TypeError))
    assert.equal(value.value, 32_767)
    assert.equal(value.add(-65_535), -32_768)
    const big = await make.value('Q', 2n ** 64n - 2n)
    assert.equal(big.add(1n), 2n ** 64n - 1n)
    assert.throws(() => big.add(1n), refused(RangeError))
    assert.throws(() => big.add(1 as any), refused(TypeError))
    assert.equal(big.add(-(2n ** 64n - 1n)), 0n)
    for (const code of ['f', 'd', 'c', 'u'] as const) {
      const other = await untyped(make, code)
      assert.throws(() => other.add(1), refused(TypeError))
    }
  })

  for (const [code, target] of [
    ['i', add],
    ['I', add],
    ['Q', addBig],
  ] as const) {
    test(`Value('${code}').add() in three processes at once loses nothing`, async t => {
      const [go, value] = [await make.event(), await untyped(make, code)]
      const children = [1, 2, 3].map(() => launch(t, make, target as typeof add, go, value, 30_000))
      await asleep(make, ...children)
      go.set()
      for (const child of children) assert.equal(await ended(child), 0)
      assert.equal(Number(value.value), 90_000)
    })
  }

  for (const code of ['i', 'd', 'q'] as const) {
    test(`Value('${code}').update() in three processes at once loses nothing`, async t => {
      const [go, value] = [await make.event(), await untyped(make, code)]
      const children = [1, 2, 3].map(() => launch(t, make, update, go, value, 3_000))
      await asleep(make, ...children)
      go.set()
      for (const child of children) assert.equal(await ended(child), 0)
      assert.equal(Number(value.value), 9_000)
      assert.equal(value.getLock().locked(), false)
    })
  }

  test('Value: reading and assigning are two steps, and what comes between them is lost', async t => {
    const value = await make.value('i', 0)
    const [read, goOn] = [await make.event(), await make.event()]
    const child = launch(t, make, readThenWrite, value, read, goOn)
    await read.wait({ timeout: LIMIT })
    value.value = 100
    goOn.set()
    assert.equal(await ended(child), 0)
    assert.equal(value.value, 1)
  })

  test('Value.update() gives the new value; when its function throws, the value and the lock are as before', async () => {
    const value = await make.value('i', 3)
    assert.equal(
      value.update(v => v * 2),
      6,
    )
    const trouble = new Error('in the function')
    assert.throws(
      () =>
        value.update(() => {
          throw trouble
        }),
      trouble,
    )
    assert.throws(() => value.update((async () => 1) as any), refused(TypeError))
    assert.throws(() => value.update('no function' as any), refused(TypeError))
    assert.equal(value.value, 6)
    assert.equal(value.getLock().locked(), false)
    assert.equal(
      value.update(() => value.update(v => v + 1) + 1),
      8,
    )
  })
}

function locks({ make, test }: Suite): void {
  test('Value.getLock() is one lock, the same in every process', async t => {
    const [value, held] = [await make.value('i'), await make.event()]
    assert.ok(value.getLock() instanceof RLock)
    assert.equal(value.getLock(), value.getLock())
    const child = launch(t, make, holdLockOf, value, held)
    await held.wait({ timeout: LIMIT })
    assert.equal(value.getLock().holder, child.pid)
    assert.equal(value.getLock().tryAcquire(), null)
    value.value = 5 // without the lock, as ever
    assert.equal(value.add(1), 6)
  })

  test('Value with a lock that was given uses that one, also for several values and after its handle is closed', async t => {
    for (const lock of [await make.lock(), await make.rlock()]) {
      const [a, b] = [await make.value('i', 0, { lock }), await make.value('d', 0, { lock })]
      assert.equal(a.getLock(), lock)
      assert.equal(b.getLock(), lock)
      assert.equal(
        a.update(v => v + 1),
        1,
      )
      const held = await make.event()
      const child = launch(t, make, hold, lock, 'acquire', held)
      await held.wait({ timeout: LIMIT })
      assert.equal(b.getLock().holder, child.pid)
      lock.close()
      assert.notEqual(a.getLock(), lock)
      assert.equal(a.getLock(), b.getLock())
      assert.equal(a.getLock().holder, child.pid)
    }
  })

  test('Value with { lock: false } has no lock: getLock() and update() throw, everything else works', async () => {
    const value = await make.value('i', 1, { lock: false })
    assert.throws(() => value.getLock(), InvalidStateError)
    assert.throws(() => value.update(v => v), InvalidStateError)
    value.value = 2
    assert.equal(value.add(1), 3)
  })
}

function raw({ make, test }: Suite): void {
  test('RawValue is a Value without a lock, and arrives as what it is', async t => {
    const [value, queue] = [await make.rawValue('i', 5), await make.queue()]
    assert.ok(value instanceof RawValue)
    assert.throws(() => value.getLock(), InvalidStateError)
    assert.throws(() => value.update(v => v), InvalidStateError)
    assert.equal(value.add(1), 6)
    assert.equal(inspect(value), "RawValue { type: 'i', value: 6 }")
    assert.equal((await make.value('i', 0, { lock: false })) instanceof RawValue, false)
    launch(t, make, nameClasses, [value, await make.value('i'), await make.value('i', 0, { lock: false })], queue)
    assert.deepEqual(await queue.get({ timeout: LIMIT }), ['RawValue', 'Value', 'Value'])
    await assert.rejects(async () => (make.rawValue as any)('x'), refused(TypeError))
    await assert.rejects(async () => (make.rawValue as any)('b', 128), refused(RangeError))
  })
}

function deaths({ make, death }: Suite): void {
  death('K1 Value: its process is killed inside update(): the value is the old one, the lock tells of it', async t => {
    const [value, inside] = [await make.value('i', 42), await make.event()]
    const child = launch(t, make, dieInUpdate, value, inside)
    await inside.wait({ timeout: LIMIT })
    assert.equal(await ended(child), make.deathCode)
    assert.equal(value.value, 42)
    const held = value.getLock().acquireSync({ timeout: LIMIT })
    assert.equal(held.abandoned, true)
    held.release()
    assert.equal(
      value.update(v => v + 1),
      43,
    )
  })

  death('Value.add() in processes that are killed: what the living add is not lost', async t => {
    const [go, value] = [await make.event(), await make.value('i')]
    const victims = [1, 2].map(() => launch(t, make, add, go, value, Infinity))
    await asleep(make, ...victims)
    go.set()
    const before = value.value
    const mine = 1_000
    for (let n = 0; n < mine; n++) value.add(1)
    for (const victim of victims) await killed(make, victim)
    const after = value.value
    assert.ok(after >= before + mine)
    assert.equal(value.add(1), after + 1)
  })
}

/** CPython's own tests, Lib/test/_test_multiprocessing.py, class TestValue, told anew under their names. */
function fromCPython({ make, test }: Suite): void {
  const pairs: [code: TypeCode, parents: unknown, childs: unknown][] = [
    ['i', 4343, 24_234],
    ['d', 3.625, -4.25],
    ['h', -232, 234],
    ['q', 2n ** 33n, 2n ** 34n],
    ['c', '\x08', 'X'],
  ]
  for (const [name, options] of [
    ['TestValue.test_value — int, double, short, 64-bit and char: set here, changed by a child', {}],
    ['TestValue.test_rawvalue — the same without locks', { lock: false }],
  ] as const) {
    test(name, async t => {
      const report = await make.queue()
      const values: [any, unknown][] = []
      for (const [code, parents, childs] of pairs) {
        const value = 'lock' in options ? make.rawValue(code, parents as any) : untyped(make, code, parents)
        values.push([await value, childs])
      }
      for (const [n, [value]] of values.entries()) assert.equal(value.value, pairs[n][1])
      const child = launch(t, make, change, values, report)
      assert.deepEqual(
        await report.get(),
        pairs.map(([, parents]) => parents),
      )
      assert.equal(await ended(child), 0)
      for (const [value, childs] of values) assert.equal(value.value, childs)
    })
  }

  test('TestValue.test_getobj_getlock — a lock of its own by default, the given one, or none; no lock is an error', async () => {
    assert.ok((await make.value('i', 5)).getLock() instanceof RLock)
    assert.ok((await untyped(make, 'i', 5, { lock: null })).getLock() instanceof RLock)
    const lock = await make.lock()
    assert.equal((await make.value('i', 5, { lock })).getLock(), lock)
    const bare = await make.value('i', 5, { lock: false })
    assert.throws(() => bare.getLock(), InvalidStateError)
    await assert.rejects(untyped(make, 'i', 5, { lock: 'navalue' as any }), TypeError)
  })
}
