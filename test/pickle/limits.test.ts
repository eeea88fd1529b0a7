// Limits: no depth, no length and no cunning of a value or a pickle costs more than it may.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ArgumentRangeError,
  dumps,
  FrozenSet,
  loads,
  NotSerializableError,
  PythonObject,
  tuple,
  UnpicklingError,
} from 'multiproc'

/** `levels` containers in one another. */
function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = wrap(value)
  return value
}

const wraps: [string, (inner: unknown) => unknown][] = [
  ['lists', inner => [inner]],
  ['tuples', inner => tuple(inner)],
  ['plain objects', inner => ({ a: inner })],
  ['Maps', inner => new Map([['a', inner]])],
  ['FrozenSets', inner => new FrozenSet([inner])],
  ['states', inner => new PythonObject('m', 'C', [], { state: inner })],
]
for (const [what, wrap] of wraps)
  test(`dumps() and loads() bear 1000 levels of ${what}, refuse 1001, and bear no more with \`maxDepth\``, () => {
    const most = nested(999, wrap)
    loads(dumps(most))
    const tooDeep = wrap(wrap(wrap(most)))
    assert.throws(() => dumps(tooDeep), NotSerializableError)
    const pickle = dumps(nested(20, wrap))
    assert.throws(() => dumps(nested(20, wrap), { maxDepth: 10 }), NotSerializableError)
    assert.throws(() => loads(pickle, { maxDepth: 10 }), UnpicklingError)
    loads(pickle, { maxDepth: 21 })
  })

test('dumps() and loads() of a value too deep for the stack say so, whatever `maxDepth` allows', () => {
  assert.throws(
    () =>
      dumps(
        nested(100_000, inner => [inner]),
        { maxDepth: 1_000_000 },
      ),
    NotSerializableError,
  )
  const levels = 200_000
  const pickle = Buffer.concat([Buffer.alloc(levels, ']'), Buffer.alloc(levels - 1, 'a'), Buffer.from('.')])
  assert.throws(() => loads(pickle), UnpicklingError)
  assert.throws(() => loads(pickle, { maxDepth: 100_000 }), UnpicklingError)
})

test('loads() finds depth that was built through the memo, where the stack is never high', () => {
  // each list is put into the next: l0 = [], l1 = [l0], …, always by the memo
  const parts = [']q\x00']
  for (let i = 1; i < 256; i++) parts.push(`]q${String.fromCharCode(i)}h${String.fromCharCode(i - 1)}a`)
  const pickle = Buffer.from(`${parts.join('')}.`, 'latin1')
  loads(pickle)
  assert.throws(() => loads(pickle, { maxDepth: 255 }), UnpicklingError)
  loads(pickle, { maxDepth: 256 })
})

test('loads() is not led in circles, nor through every way of a value that is woven', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const woven = nested(200, inner => [inner, inner, cycle])
  // more containers than levels, or their number alone would do
  const pickle = dumps([woven, Array.from({ length: 500 }, () => [])])
  loads(pickle, { maxDepth: 203 })
  assert.throws(() => loads(pickle, { maxDepth: 200 }), UnpicklingError)
})

/** Bytes that one call holds on to, or had to make room for. */
function takes(read: () => unknown): number {
  const before = process.memoryUsage()
  let value: unknown
  try {
    value = read()
  } catch (error) {
    assert.ok(error instanceof UnpicklingError, String(error))
  }
  const after = process.memoryUsage()
  void value
  return after.arrayBuffers + after.heapTotal - before.arrayBuffers - before.heapTotal
}

const claims: [string, string][] = [
  ['bytes', '\x8e\xff\xff\xff\xff\x01\x00\x00\x00'],
  ['bytes of 4 GiB', 'B\xff\xff\xff\xff'],
  ['a bytearray', '\x96\x00\x00\x00\x00\xff\x00\x00\x00'],
  ['a text', '\x8d\xff\xff\xff\xff\xff\xff\xff\xff'],
  ['an int', '\x8b\xff\xff\xff\x7f'],
  ['an int of less than nothing', '\x8b\xff\xff\xff\xff'],
  ['a str of Python 2', 'T\xff\xff\xff\x7f'],
]
for (const [what, claim] of claims)
  test(`loads() makes no room for ${what} that the pickle only claims to hold`, () => {
    assert.throws(() => loads(Buffer.from(`\x80\x04${claim}abc.`, 'latin1')), UnpicklingError)
    assert.ok(takes(() => loads(Buffer.from(`\x80\x04${claim}abc.`, 'latin1'))) < 2 ** 28)
  })

test('loads() makes no room for a place in the memo that is far out', () => {
  assert.ok(takes(() => loads(Buffer.from('Nr\xff\xff\xff\xffj\xff\xff\xff\xff.', 'latin1'))) < 2 ** 28)
  assert.ok(takes(() => loads(Buffer.from('Np9007199254740991\ng9007199254740991\n.', 'latin1'))) < 2 ** 28)
})

test('loads() copies a long list that is named many times only as often as its pickle is long', () => {
  const list = `](${'N'.repeat(10_000)}eq\x01`
  for (const cls of ['list', 'set', 'frozenset']) {
    const copies = `c__builtin__\n${cls}\nq\x020(${'h\x02h\x01\x85R'.repeat(1000)}t.`
    const pickle = Buffer.from(list + copies, 'latin1')
    assert.throws(() => loads(pickle), { name: 'UnpicklingError', message: /copied again and again/ })
  }
  const bytes = `B\x10\x27\x00\x00${'b'.repeat(10_000)}q\x010`
  const arrays = `c__builtin__\nbytearray\nq\x020(${'h\x02h\x01\x85R'.repeat(1000)}t.`
  assert.throws(() => loads(Buffer.from(bytes + arrays, 'latin1')), UnpicklingError)
})

test('loads() looks at the arguments that many calls share only as often as the pickle is long', () => {
  const args = `\x80\x04(${'N'.repeat(10_000)}t\x940`
  for (const call of ['m\nC\n\x940(|h\x01h\x00R', 'builtins\nbytearray\n\x940(|h\x01h\x00R']) {
    const [made, again] = call.split('|')
    const pickle = Buffer.from(`${args}c${made}${again.repeat(1000)}t.`, 'latin1')
    assert.throws(() => loads(pickle), { name: 'UnpicklingError', message: /copied again and again/ })
  }
  const entries = Array.from({ length: 1000 }, (_, i) => `M${String.fromCharCode(i & 0xff, i >> 8)}N`)
  const named = `\x80\x04}(${entries.join('')}u\x940cm\nC\n\x940(${'h\x01)h\x00\x92'.repeat(1000)}t.`
  assert.throws(() => loads(Buffer.from(named, 'latin1')), {
    name: 'UnpicklingError',
    message: /copied again and again/,
  })
})

test('loads() refuses a long line that is nearly a number without trying every way to read it', () => {
  const pickle = Buffer.from(`F${'1'.repeat(10_000_000)}x\n.`)
  assert.throws(() => loads(pickle), UnpicklingError)
})

test('dumps() of a key that is woven of tuples goes through each of them once', () => {
  const key = nested(300, inner => tuple(inner, inner))
  const back = loads(dumps(new Map([[key, 1]])))
  assert.deepEqual([...dumps(back)], [...dumps(new Map([[key, 1]]))])
  assert.throws(() => dumps(new Set([tuple(key, key, [])])), NotSerializableError)
})

test('loads() refuses a pickle of more than `maxSize` bytes before it looks at it', () => {
  const pickle = dumps('x'.repeat(1000))
  assert.equal((loads(pickle, { maxSize: pickle.length }) as string).length, 1000)
  assert.throws(() => loads(pickle, { maxSize: pickle.length - 1 }), UnpicklingError)
  assert.throws(() => loads(pickle, { maxSize: -1 }), ArgumentRangeError)
})
