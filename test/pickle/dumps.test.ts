// What dumps() writes, and what it refuses; what arrives in Python is in differential.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  ByteArray,
  dumps,
  FrozenSet,
  loads,
  NotSerializableError,
  PythonError,
  PythonGlobal,
  PythonObject,
  RemoteError,
  Tuple,
  tuple,
} from 'multiproc'

const hex = (value: unknown, options?: Parameters<typeof dumps>[1]) =>
  Buffer.from(dumps(value, options)).toString('hex')
const text = (short: string) => `8c${short.length.toString(16).padStart(2, '0')}${Buffer.from(short).toString('hex')}`
const again = (value: unknown) => loads(dumps(value))

test('dumps() writes what a manager says as CPython accepts it', () => {
  assert.equal(hex(tuple(null, 'dummy', tuple(), {})), `8004284e${text('dummy')}297d9474942e`)
  assert.equal(hex(tuple('#RETURN', null)), `8004${text('#RETURN')}4e86942e`)
})

test('dumps() writes a whole number as short as it can be', () => {
  const cases: [number | bigint, string][] = [
    [0, '4b00'],
    [255, '4bff'],
    [256, '4d0001'],
    [65_536, '4a00000100'],
    [-1, '4affffffff'],
    [2 ** 31, '8a050000008000'],
    [-(2 ** 31) - 1, '8a05ffffff7fff'],
    [2 ** 53 - 1, '8a07ffffffffffff1f'],
    [-(2 ** 53) + 1, '8a07010000000000e0'],
    [2n ** 63n, '8a09000000000000008000'],
    [-(2n ** 63n), '8a080000000000000080'],
    [7n, '4b07'],
  ]
  for (const [value, expected] of cases) assert.equal(hex(value), `8004${expected}2e`, String(value))
  assert.equal(hex(2n ** 2039n - 1n).slice(0, 8), '80048aff')
  assert.equal(hex(2n ** 2039n).slice(0, 14), '80048b00010000')
})

test('dumps() writes -0 and what is no safe integer as a float', () => {
  for (const value of [-0, 2 ** 53, -(2 ** 70), 0.5, Number.NaN, Infinity]) {
    assert.equal(hex(value).slice(4, 6), '47', String(value))
    assert.ok(Object.is(again(value), value), String(value))
  }
})

test('dumps() writes an object that is met again once', () => {
  const shared = {
    bytes: Uint8Array.of(1),
    list: [1],
    date: new Date(5),
    error: new PythonError('builtins', 'ValueError'),
  }
  const [first, second] = again([shared, shared]) as Map<string, unknown>[]
  assert.equal(first, second)
  for (const part of Object.values(shared)) {
    const [a, b] = again([part, part]) as unknown[]
    assert.equal(a, b)
  }
})

test('dumps() lets a list, a dict, a set and an object lead back to themselves', () => {
  const list: unknown[] = []
  const map = new Map<unknown, unknown>([['list', list]])
  const object = new PythonObject('m', 'C', [list], { state: map })
  list.push(list, map, object)
  const back = again(list) as any[]
  assert.equal(back[0], back)
  assert.equal(back[1].get('list'), back)
  assert.equal(back[2].args[0], back)
  assert.equal(back[2].state, back[1])
})

test('dumps() lets a tuple lead back to itself through a list, of any length, more than once', () => {
  for (const length of [0, 1, 2, 5]) {
    const one: unknown[] = []
    const two: unknown[] = []
    const made = tuple(one, two, ...Array.from({ length }, (_, i) => i))
    one.push(made)
    two.push(made)
    const back = again(made) as any
    assert.ok(back instanceof Tuple)
    assert.equal(back.length, 2 + length)
    assert.equal(back[0][0], back)
    assert.equal(back[1][0], back)
  }
})

test('dumps() refuses a tuple that is in itself with nothing but tuples between: Python cannot have one', () => {
  const made = tuple<unknown[]>()
  made.push(1, tuple(made))
  assert.throws(() => dumps({ made }), { name: 'NotSerializableError', path: 'made' })
})

const refused: [string, unknown, string][] = [
  ['a function', { job: { run() {} } }, 'job.run'],
  ['a symbol', [1, Symbol('s')], 'value[1]'],
  ['an instance of a class', { 'a b': [new (class Money {})()] }, 'value["a b"][0]'],
  ['a promise', Promise.resolve(), 'value'],
  ['an invalid date', [new Date(Number.NaN)], 'value[0]'],
  ['a date before the year 1', new Date(-1e14), 'value'],
  ['a list as a key', new Map([['in', new Map([[[1], 2]])]]), 'get("in").keys()'],
  ['a list in a tuple as a key', new Map([[tuple(1, [2]), 2]]), 'keys()'],
  ['a Map in a Set', new Set([new Map()]), 'values()'],
  ['a plain object in a FrozenSet', new FrozenSet([{}]), 'values()'],
  ['a bytearray as a key', new Set([new ByteArray()]), 'values()'],
  ['a WeakMap', { a: tuple(new WeakMap()) }, 'a[0]'],
  ['shared memory', [new SharedArrayBuffer(1)], 'value[0]'],
  ['what an object of Python has', new PythonObject('m', 'C', [1, () => {}]), 'args[1]'],
]
for (const [what, value, path] of refused)
  test(`dumps() refuses ${what}, and says where it is`, () => {
    assert.throws(
      () => dumps(value),
      (error: Error) => {
        assert.ok(error instanceof NotSerializableError, String(error))
        assert.equal(error.path, path)
        assert.match(error.message, /^Expected `.*` to be a value that Python can have, got .*; /)
        return true
      },
    )
    assert.equal(hex(1), '80044b012e', 'the next one is not disturbed')
  })

test('dumps() may be called by a getter of what it writes, and throws what that throws', () => {
  const value = {
    get inner() {
      return dumps([1, 2])
    },
  }
  assert.deepEqual(again(value), new Map([['inner', dumps([1, 2])]]))
  const thrown = new Error('mine')
  const failing = {
    get inner() {
      throw thrown
    },
  }
  assert.throws(() => dumps(failing), thrown)
})

test('dumps() takes an object of another realm for what it is there', () => {
  const value = runInNewContext(
    '({ list: [1], map: new Map([[1, 2]]), set: new Set([3]), date: new Date(4), u8: Uint8Array.of(5) })',
  )
  const back = again(value) as Map<string, unknown>
  assert.deepEqual(back.get('list'), [1])
  assert.deepEqual(back.get('map'), new Map([[1, 2]]))
  assert.deepEqual(back.get('set'), new Set([3]))
  assert.deepEqual(back.get('date'), new Date(4))
  assert.deepEqual(back.get('u8'), Uint8Array.of(5))
})

test('dumps() copies bytes; a megabyte and what is around it lie in the result in order', () => {
  const large = new Uint8Array(2 ** 20).fill(7)
  const bytes = dumps(['before', large, 'between', large.subarray(0, 70_000), 'after'])
  large.fill(8)
  const [before, first, between, second, after] = loads(bytes) as any[]
  assert.deepEqual([before, between, after], ['before', 'between', 'after'])
  assert.ok(first.length === 2 ** 20 && first.every((byte: number) => byte === 7))
  assert.ok(second.length === 70_000 && second.every((byte: number) => byte === 7))
})

test('dumps() at protocol 5 writes a bytearray without a call', () => {
  assert.equal(hex(ByteArray.of(1, 2), { protocol: 5 }), '8005960200000000000000010294' + '2e')
  assert.match(hex(ByteArray.of(1, 2)), new RegExp(Buffer.from('bytearray').toString('hex')))
})

test('dumps() asks `reduce` for instances and functions, and not for plain data', () => {
  class Money {
    cents = 250
  }
  const asked: unknown[] = []
  const reduce = (value: object) => {
    asked.push(value)
    return value instanceof Money ? { module: 'shop', name: 'Money', args: [value.cents] } : undefined
  }
  const money = new Money()
  const back = loads(dumps([money, { a: tuple(1), b: new Map() }, money], { reduce })) as any[]
  assert.deepEqual(asked, [money])
  assert.deepEqual([back[0].module, back[0].name, [...back[0].args]], ['shop', 'Money', [250]])
  assert.equal(back[0], back[2])
  const run = () => {}
  assert.ok(loads(dumps(run, { reduce: () => ({ module: 'm', name: 'f', args: [] }) })) instanceof PythonObject)
})

test('dumps() writes an instance, its state, its items and what makes what is called', () => {
  const partial = new PythonObject('functools', 'partial', [new PythonGlobal('m', 'C')])
  const token = new PythonObject('m', 'Token', [], { bare: true, state: tuple('typeid', 'address', 'id') })
  const full = new PythonObject('m', 'C', [1], {
    bare: true,
    kwargs: { key: 2 },
    items: [3],
    entries: new Map([[4, 5]]),
  })
  const [call, instance, all] = again([new PythonObject('', '', [6], { callable: partial }), token, full]) as any[]
  assert.deepEqual([call.callable.name, [...call.args]], ['partial', [6]])
  assert.deepEqual([instance.bare, [...instance.state]], [true, ['typeid', 'address', 'id']])
  assert.deepEqual(all.kwargs, new Map([['key', 2]]))
  assert.deepEqual([all.items, all.entries], [[3], new Map([[4, 5]])])
})

test('dumps() of an error that arrived from Python gives it back as it came', () => {
  const error = again(new PythonObject('_queue', 'Empty', ['a', 1], { state: new Map([['__notes__', ['n']]]) }))
  const { module, name, args, state } = loadsRaw(error) as PythonObject
  assert.deepEqual([module, name, [...args], state], ['queue', 'Empty', ['a', 1], new Map([['__notes__', ['n']]])])
  const remote = again(new RemoteError('text'))
  assert.ok(remote instanceof RemoteError && remote.message === 'text')
})

/** How an error is written: its class is renamed to one that means nothing. */
function loadsRaw(error: unknown): unknown {
  const bytes = Buffer.from(dumps(error))
  return loads(Buffer.from(bytes.toString('latin1').replace('Empty', 'Dummy'), 'latin1'), {
    restore: object => {
      assert.equal(object.name, 'Dummy')
      return new PythonObject(object.module, 'Empty', object.args, { state: object.state })
    },
  })
}

test('dumps() refuses options that are not as they must be', () => {
  assert.throws(() => dumps(1, { protocol: 3 as 4 }), ArgumentRangeError)
  assert.throws(() => dumps(1, { protocol: '4' as any }), ArgumentTypeError)
  assert.throws(() => dumps(1, { depth: 1 } as any), ArgumentTypeError)
  assert.throws(() => dumps(1, { reduce: 1 as any }), ArgumentTypeError)
  assert.throws(() => dumps(1, { maxDepth: 0 }), ArgumentRangeError)
})

test('dumps() refuses a call without a name, or whose parts are none, wherever it comes from', () => {
  const nameless = [
    new PythonObject(5 as any, 'C'),
    new PythonObject('m', undefined as any),
    new PythonGlobal('m', null as any),
    new PythonError({} as any, 'E'),
  ]
  for (const value of nameless)
    assert.throws(() => dumps({ here: value }), { name: 'NotSerializableError', path: 'here' })
  class Mine {}
  for (const call of [
    {},
    { module: 'm', name: 'C' },
    { module: 'm', name: 'C', args: 'ab' },
    { module: 'm', name: 'C', args: [], entries: {} },
    { module: 'm', name: 'C', args: [], items: 5 },
  ])
    assert.throws(() => dumps([new Mine()], { reduce: () => call as any }), {
      name: 'NotSerializableError',
      path: 'value[0]',
    })
})
