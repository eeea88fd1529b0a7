// What the containers of a manager have beside Python's own, and what the comparison with Python leaves out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostedTypes } from '#src/manager/hosted/hosted-types.js'
import { ByteArray } from '#src/pickle/byte-array.js'
import { PreciseDate } from '#src/pickle/datetime.js'
import { FrozenSet } from '#src/pickle/frozen-set.js'
import { PyFloat } from '#src/pickle/py-float.js'
import { PythonGlobal, PythonObject } from '#src/pickle/python-object.js'
import { Tuple, tuple } from '#src/pickle/tuple.js'
import { Client, host, raises, typeNamed } from './client.js'

const a = new Client('a')

test('every type of SyncManager is there, with the methods that its proxies call', () => {
  const expected: Record<string, string> = {
    dict:
      '__contains__ __delitem__ __getitem__ __iter__ __len__ __setitem__ clear copy get items keys pop popitem setdefault ' +
      'update values __ior__ __or__ __ror__ __reversed__ fromkeys',
    list:
      '__add__ __contains__ __delitem__ __getitem__ __imul__ __len__ __mul__ __reversed__ __rmul__ __setitem__ append count ' +
      'extend index insert pop remove reverse sort clear copy',
    set:
      '__and__ __contains__ __iand__ __ior__ __isub__ __iter__ __ixor__ __len__ __or__ __rand__ __ror__ __rsub__ __rxor__ ' +
      '__sub__ __xor__ __ge__ __gt__ __le__ __lt__ add clear copy difference difference_update discard intersection ' +
      'intersection_update isdisjoint issubset issuperset pop remove symmetric_difference symmetric_difference_update union update',
    Iterator: '__next__ send throw close',
    Event: 'is_set set clear wait',
    Lock: 'acquire release locked',
    RLock: 'acquire release locked',
    Semaphore: 'acquire release locked',
    BoundedSemaphore: 'acquire release locked',
    Condition: 'acquire release locked wait notify notify_all',
    Barrier: '__getattribute__ wait abort reset',
    Namespace: '__getattribute__ __setattr__ __delattr__',
    Value: 'get set',
    Array: '__len__ __getitem__ __setitem__',
    Queue: 'empty full get get_nowait join put put_nowait qsize task_done shutdown',
    JoinableQueue: 'empty full get get_nowait join put put_nowait qsize task_done shutdown',
  }
  assert.deepEqual([...hostedTypes.keys()].sort(), Object.keys(expected).sort())
  for (const [typeid, methods] of Object.entries(expected)) {
    const { exposed } = typeNamed(typeid)
    for (const method of methods.split(' ')) assert.ok(exposed.includes(method), `${typeid}.${method}`)
    for (const method of exposed) assert.match(method, /^[A-Za-z_]\w*$/, 'Python has to be able to write it')
  }
})

test('a method that a type does not have is an AttributeError', () => {
  for (const name of ['nothing', 'constructor', '__proto__', 'toString']) {
    assert.throws(() => a.do(host('dict'), name), raises('AttributeError', `'dict' object has no attribute '${name}'`))
  }
})

test('arguments are bound as in Python, and refused in its words', () => {
  const refused = (typeid: string, method: string, args: unknown[], kwargs: Record<string, unknown>, text: string) => {
    const { outcome } = a.ask(host(typeid), method, args, kwargs)
    assert.ok(typeof outcome === 'object' && 'error' in outcome)
    raises('TypeError', text)(outcome.error)
  }
  refused('list', 'append', [], {}, 'list.append() takes exactly one argument (0 given)')
  refused('list', 'append', [1, 2], {}, 'list.append() takes exactly one argument (2 given)')
  refused('list', 'insert', [1], {}, 'insert expected 2 arguments, got 1')
  refused('list', 'reverse', [1], {}, 'list.reverse() takes no arguments (1 given)')
  refused('list', 'append', [1], { value: 1 }, 'list.append() takes no keyword arguments')
  refused('list', 'sort', [], { order: 1 }, "list.sort() got an unexpected keyword argument 'order'")
  refused('list', 'sort', [null], {}, 'list.sort() takes 0 positional arguments but 1 was given')
  refused('dict', 'get', [], {}, 'get expected at least 1 argument, got 0')
  refused('dict', 'get', [1, 2, 3], {}, 'get expected at most 2 arguments, got 3')
  refused('Queue', 'get', [1, 2, 3], {}, 'Queue.get() takes from 0 to 2 positional arguments but 3 were given')
  refused('Queue', 'put', [], { timeout: 1 }, "Queue.put() missing 1 required positional argument: 'item'")
  refused('Queue', 'put', [1], { item: 2 }, "Queue.put() got multiple values for argument 'item'")
  refused('Queue', 'get', [], { wait: 2 }, "Queue.get() got an unexpected keyword argument 'wait'")
  refused(
    'Queue',
    'get',
    [],
    JSON.parse('{"__proto__": 2}'),
    "Queue.get() got an unexpected keyword argument '__proto__'",
  )
  assert.throws(
    () => host('Value'),
    raises('TypeError', "Value() missing 2 required positional arguments: 'typecode' and 'value'"),
  )
  assert.throws(() => host('Lock', [1]), raises('TypeError', 'Lock() takes no arguments (1 given)'))
})

test('list: the names of JavaScript', () => {
  const list = host('list', [[1, 2, 3]])
  assert.equal(a.do(list, 'push', 4, 5), 5)
  assert.equal(a.do(list, 'push'), 5)
  assert.equal(a.do(list, 'shift'), 1)
  assert.equal(a.do(list, 'unshift', 'x', 'y'), 6)
  assert.deepEqual(a.do(list, 'copy'), ['x', 'y', 2, 3, 4, 5])
  assert.deepEqual(a.do(list, 'splice', 1, 2, 'a', 'b', 'c'), ['y', 2])
  assert.deepEqual(a.do(list, 'copy'), ['x', 'a', 'b', 'c', 3, 4, 5])
  assert.deepEqual(a.do(list, 'splice', -2), [4, 5])
  assert.deepEqual(a.do(list, 'splice', 1, 0), [])
  assert.deepEqual(a.do(list, 'splice', 1, 3), ['a', 'b', 'c'])
  assert.equal(a.do(list, 'at', -1), 3)
  assert.equal(a.do(list, 'at', 5), undefined)
  assert.equal(a.do(list, 'length'), 2)
  assert.equal(a.do(list, 'indexOf', 3), 1)
  assert.equal(a.do(list, 'indexOf', 3, -1), 1)
  assert.equal(a.do(list, 'indexOf', 'x', 1), -1)
  assert.equal(a.do(list, 'includes', 3n), true)
  assert.equal(a.do(list, 'includes', '3'), false)
  assert.deepEqual(a.do(list, 'slice', -1), [3])
  assert.deepEqual(a.do(list, 'slice'), ['x', 3])
  a.do(list, 'clear')
  assert.equal(a.do(list, 'shift'), undefined)
})

test('list: what goes in and comes out by the thousand', () => {
  const many = Array.from({ length: 200_000 }, (_, i) => i)
  const list = host('list')
  a.do(list, 'extend', many)
  a.do(list, 'unshift', ...many.slice(0, 20_000))
  a.do(list, 'push', ...many.slice(0, 20_000))
  assert.equal(a.do(list, 'length'), 240_000)
  assert.equal((a.do(list, 'splice', 0, 230_000) as unknown[]).length, 230_000)
  a.do(list, '__setitem__', new PythonObject('builtins', 'slice', [0, 0, null]), many)
  a.do(list, '__delitem__', new PythonObject('builtins', 'slice', [null, 200_000, null]))
  a.do(list, '__imul__', 100)
  assert.equal(a.do(list, '__len__'), 1_000_000)
  assert.throws(() => a.do(list, '__imul__', 1_000_000), raises('MemoryError'))
})

test('list.sort() orders as Python, is stable, and changes nothing when it cannot', () => {
  const list = host('list', [[3, 'a', 1]])
  assert.throws(() => a.do(list, 'sort'), raises('TypeError'))
  assert.deepEqual(a.do(list, 'copy'), [3, 'a', 1])
  const pairs = host('list', [[tuple(1, 'z'), tuple(0.5, 'b'), tuple(1n, 'a'), tuple(true, 'a'), tuple(0)]])
  a.do(pairs, 'sort')
  assert.deepEqual(
    (a.do(pairs, 'copy') as Tuple[]).map(pair => [...pair]),
    [[0], [0.5, 'b'], [1n, 'a'], [true, 'a'], [1, 'z']],
  )
  const texts = host('list', [['\uffff', '\u{10000}', 'a', '']])
  assert.equal(a.ask(texts, 'sort', [], { reverse: true, key: null }).isWaiting, false)
  assert.deepEqual(a.do(texts, 'copy'), ['\u{10000}', '\uffff', 'a', ''])
  const { outcome } = a.ask(texts, 'sort', [], { key: 'len' })
  assert.ok(typeof outcome === 'object' && 'error' in outcome)
})

test('dict: the names of JavaScript', () => {
  const dict = host('dict', [{ a: 1 }])
  assert.equal(a.do(dict, 'set', 'b', undefined), undefined)
  assert.equal(a.do(dict, 'has', 'b'), true)
  assert.equal(a.do(dict, 'get', 'b', 5), undefined, 'it is there')
  assert.equal(a.do(dict, 'get', 'c'), undefined)
  assert.equal(a.do(dict, 'pop', 'c', undefined), undefined)
  assert.equal(a.do(dict, 'size'), 2)
  assert.deepEqual(a.do(dict, 'entries'), [
    ['a', 1],
    ['b', undefined],
  ])
  assert.equal(a.do(dict, 'delete', 'b'), true)
  assert.equal(a.do(dict, 'delete', 'b'), false)
  assert.equal(a.do(dict, 'setDefault', 'a', 9), 1)
  assert.equal(a.do(dict, 'setDefault', 'z', 9), 9)
  assert.deepEqual(
    dict.type.copy(dict.object),
    new Map([
      ['a', 1],
      ['z', 9],
    ]),
  )
  assert.ok((a.do(dict, 'items') as unknown[])[0] instanceof Tuple)
})

test('dict: made from pairs, a Map, an object, names, or another dict of the manager', async () => {
  const expected = new Map<unknown, unknown>([
    ['a', 1],
    ['b', 2],
  ])
  const pairs = host('dict', [[['a', 1], tuple('b', 2)]])
  for (const dict of [
    pairs,
    host('dict', [expected]),
    host('dict', [{ a: 1, b: 2 }]),
    host('dict', [], { a: 1, b: 2 }),
    host('dict', [[['a', 1]]], { b: 2 }),
    host('dict', [pairs.object]),
  ]) {
    assert.deepEqual(dict.type.copy(dict.object), expected)
  }
  const dict = host('dict')
  await a.ask(dict, 'update', [{ a: 1 }], { b: 2 }).answer
  assert.deepEqual(a.do(dict, 'copy'), expected)
})

test('dict: keys are found by value; the first look of a key stays', () => {
  const dict = host('dict')
  for (const key of [true, 1, 1n]) a.do(dict, 'set', key, key)
  assert.deepEqual(a.do(dict, 'entries'), [[true, 1n]])
  a.do(dict, 'delete', 1)
  a.do(dict, 'set', 1n, 'big')
  assert.deepEqual(a.do(dict, 'keys'), [1n])
  a.do(dict, 'clear')
  a.do(dict, 'set', 1, 'one')
  assert.deepEqual(a.do(dict, 'keys'), [1])
  class Point {
    x = 1
    readonly y: number
    constructor(y: number) {
      this.y = y
    }
  }
  const same = [
    [() => tuple(1, tuple('a', null)), () => tuple(1n, tuple('a', undefined))],
    [() => Uint8Array.of(1, 2), () => Buffer.from([1, 2])],
    [() => new Date(5), () => new Date(5)],
    [() => new Point(2), () => new Point(2)],
    [() => Number.NaN, () => Number.NaN],
    [() => -0, () => false],
    [() => null, () => undefined],
    [() => new PyFloat(7), () => 7n],
    [() => new FrozenSet([1, 'a']), () => new FrozenSet(['a', true])],
    [() => new PreciseDate(9, 1), () => new PreciseDate(9, 1)],
    [() => new PythonObject('decimal', 'Decimal', ['1']), () => new PythonObject('decimal', 'Decimal', ['1'])],
    [() => 2n ** 60n, () => 2 ** 60],
  ]
  for (const [one, other] of same) {
    a.do(dict, 'set', one(), 'here')
    assert.equal(a.do(dict, 'get', other()), 'here')
  }
  for (const other of [
    tuple(1, tuple('b', null)),
    Uint8Array.of(1),
    new Date(6),
    new Point(3),
    2n ** 60n + 1n,
    'null',
    '1',
    tuple(1),
    new FrozenSet(['a']),
    new PreciseDate(9, 2),
    new PythonObject('decimal', 'Decimal', ['2']),
  ]) {
    assert.equal(a.do(dict, 'has', other), false)
  }
  for (const [key, name] of [
    [[1], 'list'],
    [{}, 'dict'],
    [new Map(), 'dict'],
    [new Set(), 'set'],
    [new ByteArray(1), 'bytearray'],
    [tuple([]), 'list'],
  ] as const) {
    assert.throws(() => a.do(dict, 'set', key, 1), raises('TypeError', `unhashable type: '${name}'`))
  }
})

test('dict.popitem() takes the last, however often it is called', () => {
  const dict = host('dict')
  for (let i = 0; i < 5_000; i++) a.do(dict, 'set', i, i)
  for (let i = 4_999; i >= 0; i--) assert.equal((a.do(dict, 'popitem') as Tuple)[0], i)
  a.do(dict, 'set', 'a', 1)
  a.do(dict, 'set', 'b', 2)
  a.do(dict, 'set', 'c', 3)
  assert.equal((a.do(dict, 'popitem') as Tuple)[0], 'c')
  a.do(dict, 'delete', 'a')
  a.do(dict, 'set', 'a', 4)
  assert.equal((a.do(dict, 'popitem') as Tuple)[0], 'a')
  assert.deepEqual(a.do(dict, 'keys'), ['b'])
})

test('an iterator of a dict gives the keys in order, then stops; a change of the size makes it fail', () => {
  const dict = host('dict', [{ a: 1, b: 2, c: 3 }])
  assert.deepEqual(dict.type.gives, { __iter__: 'Iterator' })
  const iterate = () => host('Iterator', [a.do(dict, '__iter__')])
  const iterator = iterate()
  assert.equal(a.do(iterator, '__next__'), 'a')
  a.do(dict, 'set', 'a', 9)
  assert.deepEqual(a.do(iterator, 'nextMany', 5), ['b', 'c'])
  assert.deepEqual(a.do(iterator, 'nextMany', 5), [])
  assert.throws(() => a.do(iterator, '__next__'), raises('StopIteration'))
  const second = iterate()
  a.do(second, '__next__')
  a.do(dict, 'clear')
  assert.throws(() => a.do(second, '__next__'), raises('RuntimeError', 'dictionary changed size during iteration'))
  const third = host('Iterator', [[1, 2, 3]])
  assert.equal(a.do(third, 'send', null), 1)
  assert.throws(() => a.do(third, 'throw', new RangeError('mine')), { message: 'mine' })
  assert.throws(() => a.do(third, '__next__'), raises('StopIteration'))
  const lookup = new PythonGlobal('builtins', 'LookupError')
  for (const value of [undefined, null, 'why', tuple('why')])
    assert.throws(
      () => a.do(host('Iterator', [[1]]), 'throw', lookup, value),
      raises('LookupError', value ? 'why' : undefined),
    )
  for (const thing of [lookup.name, new Map(), null])
    assert.throws(() => a.do(host('Iterator', [[1]]), 'throw', thing), raises('TypeError'))
  const fourth = host('Iterator', [[1]])
  a.do(fourth, 'close')
  assert.throws(() => a.do(fourth, '__next__'), raises('StopIteration'))
  assert.throws(() => host('Iterator', [5]), raises('TypeError'))
})

test('set: the names of JavaScript, and pop()', () => {
  const set = host('set', ['aab'])
  assert.equal(a.do(set, 'has', 'a'), true)
  assert.equal(a.do(set, 'size'), 2)
  assert.deepEqual(a.do(set, 'values'), ['a', 'b'])
  assert.equal(a.do(set, 'delete', 'a'), true)
  assert.equal(a.do(set, 'delete', 'a'), false)
  assert.equal(a.do(set, 'isSubsetOf', ['b', 'c']), true)
  assert.equal(a.do(set, 'isSupersetOf', []), true)
  assert.equal(a.do(set, 'isDisjointFrom', ['a']), true)
  assert.deepEqual(a.do(set, 'symmetricDifference', ['b', 'c']), new Set(['c']))
  assert.equal(a.do(set, 'pop'), 'b')
  assert.throws(() => a.do(set, 'pop'), raises('KeyError', 'pop from an empty set'))
  assert.equal(set.type.repr(set.object), 'set()')
  assert.deepEqual(set.type.copy(host('set', [host('set', [[1]]).object]).object), new Set([1]))
  assert.throws(() => host('set', [5]), raises('TypeError', "'int' object is not iterable"))
  const iterator = host('Iterator', [a.do(host('set', ['ab']), '__iter__')])
  assert.deepEqual(a.do(iterator, 'nextMany', 9), ['a', 'b'])
})

test('set.difference_update() with something that is none changes nothing', () => {
  const set = host('set', [[1, 2, 3]])
  assert.throws(() => a.do(set, 'difference_update', [1], 5), raises('TypeError'))
  assert.throws(() => a.do(set, 'update', [7], 5), raises('TypeError'))
  assert.deepEqual(a.do(set, 'copy'), new Set([1, 2, 3]))
})

test('what is equal is found in a list', () => {
  class Point {
    readonly x: unknown
    constructor(x: unknown) {
      this.x = x
    }
  }
  class Other {
    readonly x = 1
  }
  const same: [unknown, unknown][] = [
    [
      [1, [2, { a: null }]],
      [1n, [2, new Map([['a', undefined]])]],
    ],
    [new Set([1, 'a', tuple(2)]), new Set([tuple(2), true, 'a'])],
    [
      new Map<unknown, unknown>([
        [true, 'x'],
        [tuple(1), [1]],
      ]),
      new Map<unknown, unknown>([
        [tuple(1), [1]],
        [1, 'x'],
      ]),
    ],
    [Uint8Array.of(1), Buffer.of(1)],
    [Float64Array.of(0.5), Float64Array.of(0.5)],
    [new Date(1), new Date(1)],
    [/a/g, /a/g],
    [new RangeError('a'), new RangeError('a')],
    [new Point([1]), new Point([1])],
    [Number.NaN, Number.NaN],
    [2n ** 70n, 2n ** 70n],
    [2n ** 60n, 2 ** 60],
    [0, -0],
    [new PyFloat(1), true],
    [new FrozenSet([1]), new Set([1])],
    [new PythonObject('m', 'C', [[1]]), new PythonObject('m', 'C', [[1]])],
  ]
  for (const [one, other] of same) assert.equal(a.do(host('list', [[one]]), '__contains__', other), true, String(one))
  const different: [unknown, unknown][] = [
    [[1], tuple(1)],
    [[1], [1, 2]],
    [[1], { 0: 1 }],
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: undefined }, {}],
    [new Set([1]), new Set([2])],
    [new Set([1]), [1]],
    [new Point(1), new Other()],
    [new Point(1), { x: 1 }],
    [Float64Array.of(1), Float32Array.of(1)],
    [new RangeError('a'), new RangeError('b')],
    [new Date(1), new Date(2)],
    [new PreciseDate(1, 0), new PreciseDate(1, 5)],
    [new Date(1), new PreciseDate(1, 5)],
    [1, '1'],
    [null, 0],
    [null, {}],
    [2n ** 70n, 2n ** 70n + 1n],
    [Symbol.iterator, 'a'],
  ]
  for (const [one, other] of different) assert.equal(a.do(host('list', [[one]]), '__contains__', other), false)
  let deep: unknown[] = []
  let alike: unknown[] = []
  for (let i = 0; i < 5000; i++) [deep, alike] = [[deep], [alike]]
  assert.throws(() => a.do(host('list', [[deep]]), '__contains__', alike), raises('RecursionError'))
})

test('Namespace: names are set, got and deleted, none of them is special', () => {
  const namespace = host('Namespace', [{ x: 1 }], { y: 'hi' })
  assert.equal(a.do(namespace, '__getattribute__', 'x'), 1)
  a.do(namespace, '__setattr__', '__proto__', 'mine')
  a.do(namespace, '__setattr__', '_hidden', 0)
  assert.equal(a.do(namespace, '__getattribute__', '__proto__'), 'mine')
  assert.equal(namespace.type.repr(namespace.object), "Namespace(x=1, y='hi')")
  a.do(namespace, '__delattr__', 'x')
  const missing = (name: string) => raises('AttributeError', `'Namespace' object has no attribute '${name}'`)
  assert.throws(() => a.do(namespace, '__getattribute__', 'x'), missing('x'))
  assert.throws(() => a.do(namespace, '__delattr__', 'x'), missing('x'))
  assert.throws(() => a.do(namespace, '__getattribute__', 'constructor'), missing('constructor'))
  assert.throws(() => a.do(namespace, '__setattr__', 5, 1), raises('TypeError'))
  assert.equal(a.do(namespace, 'get', 'x'), undefined)
  a.do(namespace, 'set', 'x', undefined)
  assert.equal(a.do(namespace, '__getattribute__', 'x'), undefined)
  assert.equal(a.do(namespace, 'has', 'x'), true)
  assert.deepEqual(a.do(namespace, 'entries'), [
    ['y', 'hi'],
    ['__proto__', 'mine'],
    ['_hidden', 0],
    ['x', undefined],
  ])
  assert.equal(a.do(namespace, 'delete', 'x'), true)
  assert.equal(a.do(namespace, 'delete', 'x'), false)
})

test('Value takes what fits its type, as JavaScript and as Python send it', () => {
  const cases: [code: string, given: unknown, back: unknown][] = [
    ['i', 5, 5],
    ['i', 5n, 5],
    ['i', true, 1],
    ['q', 5, 5n],
    ['q', -(2n ** 63n), -(2n ** 63n)],
    ['Q', 2n ** 64n - 1n, 2n ** 64n - 1n],
    ['d', 0.1, 0.1],
    ['d', 1n, 1],
    ['f', 0.1, Math.fround(0.1)],
    ['c', 'x', 'x'],
    ['c', Uint8Array.of(120), Uint8Array.of(120)],
    ['u', 'ä', 'ä'],
  ]
  for (const [code, given, back] of cases) {
    const value = host('Value', [code, given], { lock: true })
    assert.deepEqual(a.do(value, 'get'), back)
    a.do(value, 'set', given)
    assert.deepEqual(value.type.copy(value.object), back)
  }
  for (const [code, given, error] of [
    ['i', 2 ** 31, 'OverflowError'],
    ['i', 2n ** 80n + 1n, 'OverflowError'],
    ['B', -1, 'OverflowError'],
    ['q', 2n ** 63n, 'OverflowError'],
    ['i', 0.5, 'TypeError'],
    ['i', '5', 'TypeError'],
    ['q', 0.5, 'TypeError'],
    ['d', 'x', 'TypeError'],
    ['c', 'xy', 'TypeError'],
    ['c', Uint8Array.of(1, 2), 'TypeError'],
    ['z', 1, 'TypeError'],
    [null, 1, 'TypeError'],
  ] as const) {
    assert.throws(() => host('Value', [code, given]), raises(error), `${code} ${given}`)
  }
  const value = host('Value', ['b', 100])
  assert.throws(() => a.do(value, 'set', 128), raises('OverflowError'))
  assert.equal(a.do(value, 'get'), 100)
  assert.equal(a.do(value, 'add', 27), 127)
  assert.throws(() => a.do(value, 'add', 1), raises('OverflowError'))
  assert.equal(a.do(value, 'get'), 127)
  assert.equal(a.do(host('Value', ['q', 1]), 'add', 2), 3n)
  assert.throws(() => a.do(value, 'add', 'x'), raises('TypeError'))
  assert.throws(() => a.do(host('Value', ['c', 'x']), 'add', 'y'), raises('TypeError'))
  assert.equal(value.type.repr(value.object), "Value('b', 127)")
})

test('Array is read and written by index and slice', () => {
  const slice = (...bounds: unknown[]) => new PythonObject('builtins', 'slice', bounds)
  const array = host('Array', ['i', [1, 2, 3, 4]])
  assert.equal(a.do(array, '__len__'), 4)
  assert.equal(a.do(array, '__getitem__', -1), 4)
  assert.deepEqual(a.do(array, '__getitem__', slice(1, 3, null)), [2, 3])
  a.do(array, '__setitem__', 0, 10)
  a.do(array, '__setitem__', slice(1, 3, null), Int32Array.of(7, 8))
  a.do(array, '__setitem__', slice(null, null, -3), [0, 9])
  assert.deepEqual(array.type.copy(array.object), [9, 7, 8, 0])
  assert.throws(() => a.do(array, '__setitem__', 0, 2 ** 31), raises('OverflowError'))
  assert.throws(() => a.do(array, '__setitem__', slice(0, 1, null), [0.5]), raises('TypeError'))
  assert.throws(() => a.do(array, '__getitem__', 4), raises('IndexError', 'array index out of range'))
  assert.throws(() => a.do(array, '__setitem__', -5, 0), raises('IndexError', 'array assignment index out of range'))
  assert.throws(() => host('Array', ['i', 5]), raises('TypeError', "'int' object is not iterable"))
  assert.equal(a.do(array, 'at', -4), 9)
  assert.equal(a.do(array, 'length'), 4)
  assert.deepEqual(a.do(array, 'slice', 1), [7, 8, 0])
  assert.equal(array.type.repr(array.object), "array('i', [9, 7, 8, 0])")
})

test('the text form of a value is that of Python', () => {
  const text = (value: unknown) => {
    const list = host('list', [[value]])
    return list.type.repr(list.object).slice(1, -1)
  }
  for (const [value, expected] of [
    [null, 'None'],
    [true, 'True'],
    [5n, '5'],
    [0.5, '0.5'],
    [new PyFloat(3), '3.0'],
    [new FrozenSet([1]), 'frozenset({1})'],
    [ByteArray.of(97), "bytearray(b'a')"],
    [1e-7, '1e-07'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    ["it's", '"it\'s"'],
    ['a\n\u0000"', "'a\\n\\x00\"'"],
    [Uint8Array.of(97, 200, 10), "b'a\\xc8\\n'"],
    [tuple(1), '(1,)'],
    [tuple(1, 'a'), "(1, 'a')"],
    [new Map([[1, [2]]]), '{1: [2]}'],
    [{ a: new Set([1]) }, "{'a': {1}}"],
  ] as const) {
    assert.equal(text(value), expected)
  }
})

test('the text form of a value that leads back to itself ends', () => {
  const loop: unknown[] = [1]
  loop.push(loop, { loop })
  const list = host('list', [[loop]])
  assert.equal(list.type.repr(list.object), "[[1, [...], {'loop': [...]}]]")
  assert.throws(
    () => a.do(list, 'index', loop.slice(0, 2)),
    raises('ValueError', "[1, [1, [...], {'loop': [...]}]] is not in list"),
  )
})

test('a Lock, a Queue has no plain value', () => {
  for (const typeid of ['Lock', 'Queue']) {
    const hosted = host(typeid)
    assert.throws(() => hosted.type.copy(hosted.object), raises('TypeError', `cannot pickle '${typeid}' object`))
  }
})

/** Small on the wire, without end for whoever goes every way. */
function woven(inner: unknown = 1): unknown {
  let value = inner
  for (let i = 0; i < 200; i++) value = tuple(value, value)
  return value
}

test('a value that leads to itself or to another by very many ways is refused where each would have to be looked at', () => {
  const list = host('list', [[woven()]])
  const dict = host('dict')
  const record = new PythonObject('m', 'C')
  record.state = [record]
  assert.throws(() => list.type.repr(list.object), raises('MemoryError'))
  assert.throws(() => a.do(list, 'count', woven()), raises('MemoryError'))
  assert.throws(() => a.do(dict, 'set', woven(), 1), raises('MemoryError'))
  assert.throws(() => a.do(dict, 'has', record), raises('RecursionError'))
})

test('a list grows beyond what this process could bear by no single call', () => {
  const list = host('list', [[0]])
  for (const method of ['__imul__', '__mul__', '__rmul__'])
    assert.throws(() => a.do(list, method, 2 ** 27), raises('MemoryError'))
  assert.deepEqual(a.do(list, '__mul__', 2), [0, 0])
  assert.equal(a.do(list, 'length'), 1)
})

test('sets and dicts of many tuples are compared by a table, whatever the order they came in', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, i) => tuple(i, 'key'))
  const [one, other] = [keys(30_000), keys(30_000).reverse()]
  const list = host('list', [[new Set(one), new Map(one.map(key => [key, 1]))]])
  assert.equal(a.do(list, 'indexOf', new Set(other)), 0)
  assert.equal(a.do(list, 'indexOf', new Map(other.map(key => [key, 1]))), 1)
  assert.equal(a.do(list, 'indexOf', new Map(other.map(key => [key, 2]))), -1)
  assert.equal(a.do(list, 'indexOf', new Set([...keys(29_999), tuple('other', 'key')])), -1)
  // what Python could not hash, JavaScript has as a key all the same
  const mixed = () =>
    new Map<unknown, unknown>([
      [tuple(1), 'a'],
      [[1], 'b'],
      [{ c: 1 }, 'c'],
    ])
  assert.equal(a.do(host('list', [[mixed()]]), 'indexOf', mixed()), 0)
})

test('Array: an index that is no number is refused', () => {
  const array = host('Array', ['i', [1, 2, 3]])
  assert.deepEqual([a.do(array, 'at', -1), a.do(array, 'slice', 1)], [3, [2, 3]])
  assert.throws(() => a.do(array, 'at', 'x'), raises('TypeError'))
  assert.throws(() => a.do(array, 'slice', new Map()), raises('TypeError'))
})
