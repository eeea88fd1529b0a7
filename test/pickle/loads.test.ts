// What loads() makes of what Python writes, and what it refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  AuthenticationError,
  BrokenPipeError,
  BufferTooShortError,
  ByteArray,
  dumps,
  EmptyError,
  EOFError,
  FrozenSet,
  loads,
  PreciseDate,
  PyFloat,
  PythonDate,
  PythonDatetime,
  PythonError,
  PythonGlobal,
  PythonObject,
  PythonTime,
  PythonTimedelta,
  RemoteError,
  TimeoutError,
  Tuple,
  tuple,
  UnpicklingError,
} from 'multiproc'
import { asError } from '#src/pickle/exceptions.js'

/** The bytes of a text, each character one. */
const bytes = (text: string) => Buffer.from(text, 'latin1')
const read = (text: string, options?: Parameters<typeof loads>[1]) => loads(bytes(text), options)
const short = (text: string) => `\x8c${String.fromCharCode(text.length)}${text}`
/** A call of `module.name`, of arguments that are written already. */
const call = (module: string, name: string, args: string) => `${short(module)}${short(name)}\x93(${args}tR`

test('loads() of a dict is a Map, whose keys are of any type and change no prototype', () => {
  const map = read(`\x80\x04}(${short('__proto__')}}${short('x')}K\x01sK\x07NK\x01K\x02\x86\x88u.`) as Map<
    unknown,
    unknown
  >
  assert.ok(map instanceof Map)
  const [first, second, third] = map.keys()
  assert.deepEqual([first, second], ['__proto__', 7])
  assert.ok(third instanceof Tuple)
  assert.equal(({} as any).x, undefined)
})

test('loads() tells list, tuple, set, frozenset, bytes and bytearray apart', () => {
  const parts = loads(
    dumps([[1], tuple(1), new Set([1]), new FrozenSet([1]), Uint8Array.of(1), ByteArray.of(1)]),
  ) as object[]
  assert.deepEqual(
    parts.map(part => Object.getPrototypeOf(part).constructor),
    [Array, Tuple, Set, FrozenSet, Uint8Array, ByteArray],
  )
})

test('a Tuple, a FrozenSet and a ByteArray make ordinary arrays, sets and bytes', () => {
  assert.equal(Object.getPrototypeOf(tuple(1, 2).map(item => item)), Array.prototype)
  assert.equal(Object.getPrototypeOf(ByteArray.of(1, 2).slice()), Uint8Array.prototype)
  assert.equal(Object.getPrototypeOf(ByteArray.of(1, 2).subarray(1)), Uint8Array.prototype)
  assert.deepEqual([...tuple(3)], [3])
})

test('loads() of an int is a number where that is exact, else a bigint, however it was written', () => {
  const cases: [string, unknown][] = [
    ['\x8a\x00', 0],
    ['\x8a\x01\xff', -1],
    ['\x8a\x05\xff\xff\xff\x7f\xff', -(2 ** 31) - 1],
    ['\x8a\x07\xff\xff\xff\xff\xff\xff\x1f', 2 ** 53 - 1],
    ['\x8a\x07\x00\x00\x00\x00\x00\x00\x20', 2n ** 53n],
    ['\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80', -(2n ** 63n)],
    ['\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00', 2n ** 63n],
    ['\x8a\x0a\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00', 5],
    ['\x8b\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80', -(2n ** 71n)],
    ['I-0\n', 0],
    ['L-12345678901234567890L\n', -12345678901234567890n],
    ['I01\n', true],
    ['I1\n', 1],
  ]
  for (const [code, value] of cases) assert.equal(read(`${code}.`), value, JSON.stringify(code))
})

test('loads() of a float is a number; with `exactFloats` a whole one is a PyFloat, and goes back as a float', () => {
  const one = '\x80\x04G\x3f\xf0\x00\x00\x00\x00\x00\x00.'
  assert.equal(read(one), 1)
  const exact = read(one, { exactFloats: true })
  assert.ok(exact instanceof PyFloat)
  assert.equal(bytes(one).compare(dumps(exact)), 0)
  for (const [line, value] of [
    ['1e+100', 1e100],
    ['-inf', -Infinity],
    ['nan', Number.NaN],
    ['-0.0', -0],
  ] as const)
    assert.ok(Object.is(read(`F${line}\n.`), value), line)
})

test('loads() of text takes lone surrogates, every escape of protocol 0, and no broken UTF-8', () => {
  assert.equal(read('\x8c\x03\xed\xa0\x80.'), '\ud800')
  assert.equal(read('\x8c\x03\xef\xbf\xbd.'), '\ufffd')
  assert.equal(read('\x8c\x03\xef\xbb\xbf.'), '\ufeff')
  assert.equal(read('V\\u20ac\\U0001f600\\n\\\\u0041\xe9\n.'), '€😀\\n\\\\u0041é')
  assert.equal(read("S'it\\'s \\x41\\101\\n'\n."), "it's AA\n")
  for (const broken of [
    '\x8c\x01\xff',
    '\x8c\x02\xc0\x80',
    '\x8c\x02\xe2\x82',
    '\x8c\x04\xf4\x90\x80\x80',
    'V\\u12\n',
    "S'\n",
    'U\x01\xff',
  ])
    assert.throws(() => read(`${broken}.`), UnpicklingError, JSON.stringify(broken))
})

test('loads() of a long text with a lone surrogate and every other kind of sign is that text', () => {
  const text = `${'aé日😀'.repeat(5000)}\udc00`
  assert.equal(loads(dumps(text)), text)
})

test('loads() of a datetime in UTC is a Date, with what it has below the millisecond; of any other a PythonDatetime', () => {
  const date = loads(dumps(new PreciseDate(1, 999)))
  assert.ok(date instanceof PreciseDate && date instanceof Date)
  assert.deepEqual([date.getTime(), date.microseconds], [1, 999])
  assert.equal(Object.getPrototypeOf(loads(dumps(new Date(7)))), Date.prototype)
  const tzinfo = new PythonObject('datetime', 'timezone', [new PythonTimedelta(-1, 68_400)])
  const wall = loads(dumps(new PythonDatetime(2024, 2, 29, 23, 0, { microsecond: 1500, tzinfo }))) as PythonDatetime
  assert.ok(wall instanceof PythonDatetime)
  assert.equal(String(wall), '2024-02-29 23:00:00.001500')
  assert.equal(wall.toDate().toISOString(), '2024-03-01T04:00:00.001Z')
  const naive = new PythonDatetime(70, 1, 2, 3, 4)
  assert.equal(naive.toDate('UTC').toISOString(), '0070-01-02T03:04:00.000Z')
  const local = naive.toDate()
  assert.deepEqual([local.getFullYear(), local.getMonth(), local.getDate(), local.getHours()], [70, 0, 2, 3])
  const zone = new PythonObject('zoneinfo', 'ZoneInfo', ['Europe/Berlin'])
  assert.throws(() => new PythonDatetime(2024, 1, 1, 0, 0, { tzinfo: zone }).toDate(), {
    code: 'ERR_MULTIPROC_INVALID_STATE',
  })
})

test('a record of datetime refuses what Python would, when it is made', () => {
  for (const make of [
    () => new PythonDate(0, 1, 1),
    () => new PythonDate(2023, 2, 29),
    () => new PythonTime(24, 0),
    () => new PythonDatetime(2024, 1, 1, 0, 60),
    () => new PythonDatetime(2024, 1, 1, 0, 0, { microsecond: 1_000_000 }),
    () => new PythonTimedelta(0, 86_400),
    () => new PythonTimedelta(1e9),
    () => new PreciseDate(0, 1000),
  ])
    assert.throws(make, ArgumentRangeError, String(make))
  assert.throws(() => new PythonTime(1, 1, { tzinfo: 'UTC' as any }), ArgumentTypeError)
  assert.deepEqual({ ...PythonTimedelta.ofMilliseconds(-1e-9) }, { days: 0, seconds: 0, microseconds: 0 })
  // such bytes stay a record: nothing is made of a day that is not there
  const never = read(`${call('datetime', 'date', 'C\x04\x07\xe7\x02\x1d')}.`)
  assert.ok(never instanceof PythonObject)
})

test('loads() of an exception is a PythonError with its class, its arguments and its notes', () => {
  const state = `}(${short('__notes__')}](${short('see')}eu`
  const error = read(
    `\x80\x04${call('shop.errors', 'SoldOutError', `${short('shoes')}K\x2a`)}${state}b.`,
  ) as PythonError
  assert.ok(error instanceof PythonError)
  assert.deepEqual([error.module, error.pythonName, [...error.args]], ['shop.errors', 'SoldOutError', ['shoes', 42]])
  assert.equal(String(error), "SoldOutError: ('shoes', 42)")
  assert.deepEqual(error.notes, ['see'])
  assert.equal(error.code, 'ERR_MULTIPROC_PYTHON')
  const missing = read(`${call('builtins', 'FileNotFoundError', `K\x02${short('No such file')}${short('a.txt')}`)}.`)
  assert.equal(String(missing), "FileNotFoundError: [Errno 2] No such file: 'a.txt'")
})

test('loads() of the exceptions that multiprocessing raises gives the errors of this package', () => {
  const cases: [string, string, new () => Error][] = [
    ['_queue', 'Empty', EmptyError],
    ['queue', 'Empty', EmptyError],
    ['builtins', 'EOFError', EOFError],
    ['builtins', 'BrokenPipeError', BrokenPipeError],
    ['builtins', 'TimeoutError', TimeoutError],
    ['multiprocessing.context', 'TimeoutError', TimeoutError],
    ['multiprocessing.context', 'AuthenticationError', AuthenticationError],
    ['multiprocessing.managers', 'RemoteError', RemoteError],
  ]
  for (const [module, name, cls] of cases) {
    const error = read(`\x80\x04${call(module, name, short('why'))}.`) as Error
    assert.equal(Object.getPrototypeOf(error), cls.prototype, name)
    assert.equal(error.message, 'why')
  }
  const tooShort = read(`${call('multiprocessing.context', 'BufferTooShort', 'C\x02ab')}.`)
  assert.ok(tooShort instanceof BufferTooShortError)
  assert.deepEqual(tooShort.data, Uint8Array.of(97, 98))
})

test('asError() makes an error of what was raised under a name that does not sound like one', () => {
  const raised = asError(read(`${call('decimal', 'InvalidOperation', short('x'))}.`)) as PythonError
  assert.deepEqual([raised.module, raised.pythonName, raised.message], ['decimal', 'InvalidOperation', 'x'])
  assert.ok(asError(new EmptyError()) instanceof EmptyError)
})

test('loads() keeps every other class and function as a record, and runs none of them', () => {
  const system = read(`\x80\x04${call('os', 'system', short('exit 1'))}.`) as PythonObject
  assert.ok(system instanceof PythonObject)
  assert.deepEqual([system.module, system.name, [...system.args]], ['os', 'system', ['exit 1']])
  for (const name of ['eval', 'exec', 'getattr', '__import__']) {
    const record = read(`\x80\x04${call('builtins', name, short('1/0'))}.`)
    assert.ok(record instanceof PythonObject, name)
  }
  const name = read('c__builtin__\nunicode\n.') as PythonGlobal
  assert.deepEqual([name.module, name.name], ['builtins', 'str'])
})

test('loads() gives a record its arguments, named arguments, items, entries and state', () => {
  const cls = `${short('m')}${short('C')}\x93`
  const record = read(
    `${cls}K\x01\x85}${short('k')}K\x02s\x92(K\x03e(K\x04K\x05u}${short('s')}K\x06sb.`,
  ) as PythonObject
  assert.deepEqual([[...record.args], record.bare], [[1], true])
  assert.deepEqual(record.kwargs, new Map([['k', 2]]))
  assert.deepEqual([record.items, record.entries, record.state], [[3], new Map([[4, 5]]), new Map([['s', 6]])])
})

test('loads() asks `restore` for each record, the innermost first, when its state has arrived', () => {
  const token = new PythonObject('managers', 'Token', [], { bare: true, state: tuple('Queue', 'address', '7f') })
  const proxy = new PythonObject('managers', 'RebuildProxy', [new PythonGlobal('managers', 'AutoProxy'), token])
  const asked: string[] = []
  const back = loads(dumps([proxy, new Map([['again', proxy]]), new Set([token])]), {
    restore(object) {
      asked.push(object.name)
      if (object.name === 'Token') return { token: (object.state as Tuple)[2] }
      return { proxy: object.args[1] }
    },
  }) as any[]
  assert.deepEqual(asked, ['Token', 'RebuildProxy'])
  assert.deepEqual(back[0], { proxy: { token: '7f' } })
  assert.equal(back[1].get('again'), back[0])
  assert.ok(back[2].has(back[0].proxy))
})

test('loads() leaves a record in place where `restore` gives undefined, also one that leads back to itself', () => {
  const object = new PythonObject('m', 'C')
  object.state = new Map([['self', object]])
  const back = loads(dumps(object), { restore: () => undefined }) as PythonObject
  assert.equal((back.state as Map<string, unknown>).get('self'), back)
})

test('loads() puts what `restore` gives in place, null too', () => {
  const nothing = new PythonObject('m', 'Nothing')
  assert.deepEqual(loads(dumps([nothing, 1, nothing]), { restore: () => null }), [null, 1, null])
})

test('loads() shares no memory with the pickle', () => {
  const pickle = dumps([new Uint8Array(100_000).fill(1), ByteArray.of(1), Int16Array.of(1)])
  const [large, small, items] = loads(pickle) as [Uint8Array, Uint8Array, Int16Array]
  pickle.fill(0)
  assert.ok(large.every(byte => byte === 1))
  assert.deepEqual([small[0], items[0]], [1, 1])
})

test('loads() takes a Buffer, a part of a larger buffer, and bytes of another realm', () => {
  const pickle = dumps(Uint8Array.of(1, 2))
  const larger = new Uint8Array(100)
  larger.set(pickle, 13)
  assert.deepEqual(loads(larger.subarray(13, 13 + pickle.length)), Uint8Array.of(1, 2))
  assert.deepEqual(loads(Buffer.from(pickle)), Uint8Array.of(1, 2))
  assert.deepEqual(loads(runInNewContext('Uint8Array.from(bytes)', { bytes: [...pickle] })), Uint8Array.of(1, 2))
  assert.throws(() => loads('text' as any), ArgumentTypeError)
})

const refused: [string, string][] = [
  ['nothing', ''],
  ['no end', 'N'],
  ['a protocol that is not there yet', '\x80\x06N.'],
  ['an opcode that is not there', '\xffN.'],
  ['a persistent id', 'Pid\n.'],
  ['an extension', '\x82\x01.'],
  ['a buffer that comes from elsewhere', '\x97.'],
  ['an item without a list', 'K\x01a.'],
  ['items of a tuple', ')K\x01a.'],
  ['what lies below a mark', ']K\x01(a.'],
  ['a mark that is not there', ']e.'],
  ['a memo that is empty', 'h\x00.'],
  ['a key without a value', '}(K\x01u.'],
  ['arguments that are no tuple', 'cm\nC\n]R.'],
  ['a call of a value', 'K\x01)R.'],
  ['a state for a list', ']}b.'],
  ['a second state', 'cm\nC\n)R}b}b.'],
  ['a frame longer than all', '\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.'],
  ['a place in the memo below zero', 'Np-1\n.'],
  ['letters in a number', 'I1x\n.'],
]
for (const [what, text] of refused)
  test(`loads() refuses ${what}`, () => {
    assert.throws(
      () => read(text),
      (error: Error) => {
        assert.ok(error instanceof UnpicklingError, String(error))
        assert.match(error.message, /^Expected a pickle, but byte \d+ of \d+: /)
        assert.ok(error.offset <= text.length)
        return true
      },
    )
  })

test('loads() does not look at what follows the end, as Python does not', () => {
  assert.equal(read('N.garbage'), null)
})
