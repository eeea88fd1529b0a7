// The pickle codec beside real CPythons: what goes over and comes back is what it was, types and all.
import assert from 'node:assert/strict'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  ByteArray,
  dumps,
  EmptyError,
  FrozenSet,
  FullError,
  loads,
  PreciseDate,
  PyFloat,
  PythonDate,
  PythonDatetime,
  PythonError,
  PythonGlobal,
  PythonObject,
  PythonTimedelta,
  TimeoutError,
  tuple,
} from 'multiproc'
import { checkout, start } from '../support/children.ts'
import { type Python, pythons } from '../support/pythons.ts'
import { RandomValues, returned } from './random-values.ts'

/** On the newest; on the others, only what may differ between them is looked for. */
const MANY = 20_000
const SOME = 400

/** ms: for one interpreter, on a machine that is busy with much else. */
const LIMIT = 200_000

/** What must arrive in Python as the value of the expression. */
const arrivals: readonly (readonly [value: unknown, expression: string])[] = [
  [null, 'None'],
  [undefined, 'None'],
  [true, 'True'],
  [1, '1'],
  [-0, '-0.0'],
  [1.5, '1.5'],
  [2 ** 53 - 1, '2**53 - 1'],
  [2 ** 53, '2.0**53'],
  [-(2 ** 31) - 1, '-2**31 - 1'],
  [2n ** 53n, '2**53'],
  [-(2n ** 100n), '-2**100'],
  [new PyFloat(1), '1.0'],
  ['a\ud800', "'a\\ud800'"],
  ['😀', "'\\U0001f600'"],
  [Uint8Array.of(1, 2), "b'\\1\\2'"],
  [Buffer.from('ab'), "b'ab'"],
  [Uint8Array.of(1, 2).buffer, "b'\\1\\2'"],
  [ByteArray.of(1, 2), "bytearray(b'\\1\\2')"],
  [Int32Array.of(-1, 2), "array.array('i', [-1, 2])"],
  [BigUint64Array.of(2n ** 64n - 1n), "array.array('Q', [2**64 - 1])"],
  [Uint8ClampedArray.of(7), "array.array('B', [7])"],
  [Float32Array.of(0.5), "array.array('f', [0.5])"],
  [[1, [2]], '[1, [2]]'],
  [tuple(), '()'],
  [tuple(1, tuple(2)), '(1, (2,))'],
  [{ a: 1, __proto__: null, b: [] }, "{'a': 1, 'b': []}"],
  [JSON.parse('{"__proto__": 1}'), "{'__proto__': 1}"],
  [
    new Map<unknown, unknown>([
      [1, 'a'],
      [tuple(1, 2), 'b'],
    ]),
    "{1: 'a', (1, 2): 'b'}",
  ],
  [new Set([1, 'a']), "{1, 'a'}"],
  [new FrozenSet([new FrozenSet([1])]), 'frozenset([frozenset([1])])'],
  [new Date('2024-02-29T23:59:59.123Z'), 'datetime.datetime(2024, 2, 29, 23, 59, 59, 123000, timezone.utc)'],
  [new PreciseDate(0, 7), 'datetime.datetime(1970, 1, 1, 0, 0, 0, 7, timezone.utc)'],
  [new PythonDatetime(2024, 1, 2, 3, 4, { fold: 1 }), 'datetime.datetime(2024, 1, 2, 3, 4, fold=1)'],
  [new PythonDate(1, 1, 1), 'date(1, 1, 1)'],
  [PythonTimedelta.ofMilliseconds(-1.5), 'timedelta(milliseconds=-1.5)'],
  [new PythonObject('decimal', 'Decimal', ['1.50']), "Decimal('1.50')"],
  [new PythonObject('collections', 'deque', [[], 3], { items: [1, 2] }), 'collections.deque([1, 2], 3)'],
  [
    new PythonObject('collections', 'OrderedDict', [], { entries: new Map([['a', 1]]) }),
    'collections.OrderedDict(a=1)',
  ],
  [new PythonGlobal('builtins', 'int'), 'int'],
  [new PythonError('builtins', 'KeyError', ['k']), "KeyError('k')"],
  [new Error('plain'), "Exception('plain')"],
  [new TypeError('wrong'), "TypeError('wrong')"],
  [new RangeError('far'), "ValueError('far')"],
  [
    Object.assign(new Error('gone'), { errno: -2, syscall: 'open', path: 'a.txt' }),
    "FileNotFoundError(2, 'gone', 'a.txt')",
  ],
  [new EmptyError('none'), "queue.Empty('none')"],
  [new FullError('all'), "queue.Full('all')"],
  [new TimeoutError('late'), "multiprocessing.TimeoutError('late')"],
]

const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const decode = (line: string) => Buffer.from(line, 'base64')

async function compare(t: TestContext, python: Python, count: number) {
  const script = path.join(checkout, 'test/pickle/differential.py')
  const child = start([python.executable, script, String(python.version), String(count)], { deadline: LIMIT })
  t.after(() => child.end())
  const input = child.process.stdin!

  await child.printed('\n.\n', LIMIT)
  const first = child.stdout
  for (const [i, line] of first.trimEnd().split('\n').slice(0, -1).entries()) {
    const value = loads(decode(line), { exactFloats: i % 2 === 1 })
    input.write(`${encode(dumps(value, { protocol: i % 3 === 0 && python.version >= 308 ? 5 : 4 }))}\n`)
  }
  input.write('.\n')

  const values = new RandomValues(python.version)
  const sent = Array.from({ length: count }, () => values.value())
  for (const [i, value] of sent.entries()) input.write(`${encode(dumps(value, { protocol: i % 3 === 0 ? 5 : 4 }))}\n`)
  input.write('.\n')
  for (const [value, expression] of arrivals)
    input.write(`${encode(Buffer.from(expression))} ${encode(dumps(value))}\n`)
  input.end('.\n')

  const { code, stdout, stderr } = await child.ended
  assert.equal(code, 0, stderr)
  const [echoes, verdict] = stdout.slice(first.length).split('.\n')
  assert.equal(verdict, '0 wrong\n')
  const received = echoes.trimEnd().split('\n')
  assert.equal(received.length, count)
  for (const [i, line] of received.entries())
    assert.deepStrictEqual(loads(decode(line)), returned(sent[i]), `value ${i}`)
}

if (pythons.length === 0) test('CPython', { skip: 'there is no CPython from 3.8 on' }, () => {})
for (const python of pythons) {
  const count = python === pythons.at(-1) ? MANY : SOME
  test(`dumps() and loads() beside CPython ${python.name}: ${count} values each way come back as they were`, t =>
    compare(t, python, count))
}
