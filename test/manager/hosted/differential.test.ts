// The containers against those of a real CPython: the same operations on both, the same results, errors and contents.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { PythonObject } from '#src/pickle/python-object.js'
import { Tuple, tuple } from '#src/pickle/tuple.js'
import { findExecutable } from '../../support/children.js'
import { Client, type Hosted, host, nameOf } from './client.js'

const OPERATIONS = 1800

/** Does to Python's objects what it is told, line by line, and says what came of it. */
const PROGRAM = `
import sys, json
def dec(v):
    if isinstance(v, list): return [dec(x) for x in v]
    if isinstance(v, dict):
        (k, x), = v.items()
        if k == 't': return tuple(dec(y) for y in x)
        if k == 'd': return {dec(a): dec(b) for a, b in x}
        if k == 's': return {dec(y) for y in x}
        if k == 'b': return bytes.fromhex(x)
        if k == 'i': return int(x)
        if k == 'sl': return slice(*x)
    return v
def enc(v):
    if v is None or isinstance(v, (bool, str)): return v
    if isinstance(v, int): return v if abs(v) < 2**53 else {'i': str(v)}
    if isinstance(v, float): return int(v) if v.is_integer() else v
    if isinstance(v, tuple): return {'t': [enc(x) for x in v]}
    if isinstance(v, dict): return {'d': [[enc(a), enc(b)] for a, b in v.items()]}
    if isinstance(v, (set, frozenset)): return {'s': sorted((enc(x) for x in v), key=lambda x: json.dumps(x, separators=(',', ':'), ensure_ascii=False))}
    if isinstance(v, bytes): return {'b': v.hex()}
    return [enc(x) for x in v]
types = {'list': list, 'dict': dict, 'set': set}
obj = None
for line in sys.stdin:
    method, args, kwargs = json.loads(line)
    try:
        if method in types:
            obj = types[method](*[dec(a) for a in args]); result = None
        else:
            result = getattr(obj, method)(*[dec(a) for a in args], **kwargs)
            if result is NotImplemented: raise TypeError('')
            if method in ('__ior__', '__iand__', '__isub__', '__ixor__', '__imul__', '__iadd__'): result = None
        answer = ['value', enc(result), enc(obj)]
    except Exception as e:
        answer = [type(e).__name__, enc(e.args[0]) if e.args else None, enc(obj)]
    print(json.dumps(answer, separators=(',', ':'), ensure_ascii=False))
`

type Operation = [method: string, args: unknown[], kwargs: Record<string, unknown>]

const isRecord = (value: object) => Object.getPrototypeOf(value) === Object.prototype

/** A value as it goes over to Python. */
function encode(value: unknown): unknown {
  if (value === undefined) return null
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : { i: String(value) }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Tuple) return { t: Array.from(value, encode) }
  if (Array.isArray(value)) return value.map(encode)
  if (value instanceof Map) return { d: Array.from(value, pair => Array.from(pair, encode)) }
  if (value instanceof Set) {
    const items = Array.from(value, encode)
    return { s: items.sort((a, b) => compareText(JSON.stringify(a), JSON.stringify(b))) }
  }
  if (value instanceof Uint8Array) return { b: Buffer.from(value).toString('hex') }
  if (value instanceof PythonObject) return value.name === 'slice' ? { sl: value.args } : encode(value.args[0])
  assert.ok(isRecord(value))
  return { d: Object.entries(value).map(([key, item]) => [key, encode(item)]) }
}

/** By code points, as Python. */
const compareText = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** A generator of numbers that starts where `seed` says (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

class Generator {
  readonly below: (limit: number) => number

  constructor(seed: number) {
    this.below = random(seed)
  }

  pick(choices: readonly any[]): any {
    return choices[this.below(choices.length)]
  }

  key(): unknown {
    return this.pick([
      () => this.below(4),
      () => this.below(4),
      () => this.pick(['a', 'b', '1', '', 'é\u{1f600}']),
      () => this.pick([true, false, null]),
      () => this.pick([0.5, -1, 2n ** 70n, 1n, 2n ** 53n]),
      () =>
        this.pick([
          new Uint8Array(),
          Uint8Array.of(97),
          tuple(),
          tuple(1, 'a'),
          tuple(true, 'a'),
          tuple(tuple(2), null),
        ]),
      () => this.pick([[1], new Map([['a', 1]]), tuple(1, [2]), new Set([1])]),
    ])()
  }

  hashable(): unknown {
    const key = this.key()
    return key instanceof Map ||
      key instanceof Set ||
      (Array.isArray(key) && !(key instanceof Tuple)) ||
      Array.isArray((key as Tuple)?.[1])
      ? 1
      : key
  }

  value(): unknown {
    return this.pick([
      () => this.below(6),
      () => this.below(6),
      () => this.key(),
      () =>
        this.pick([
          [],
          [1, 2],
          [[1], 'x'],
          new Map<unknown, unknown>([
            [1, 'one'],
            ['a', [1]],
          ]),
        ]),
    ])()
  }

  index(): unknown {
    return this.pick([
      () => this.below(12) - 6,
      () => this.below(12) - 6,
      () => this.below(12) - 6,
      () => this.pick([true, false, 10n ** 30n, 0.5, 'a', null, 100, -100]),
    ])()
  }

  slice(): unknown {
    const bound = () => this.pick([null, null, this.below(14) - 7, this.below(14) - 7, 100, -100])
    return new PythonObject('builtins', 'slice', [bound(), bound(), this.pick([null, null, 1, 1, 2, -1, -2, 3, 0])])
  }

  values(): unknown {
    const items = Array.from({ length: this.below(4) }, () => this.value())
    return this.pick([items, items, items, tuple(...items), 'ab', 5, null, new Map([['k', 1]])])
  }

  inOrder(): unknown {
    const keys = this.keys()
    return keys instanceof Set ? [...keys] : keys
  }

  keys(): unknown {
    const items = Array.from({ length: this.below(4) }, () => this.hashable())
    return this.pick([items, items, tuple(...items), 'ab', new Set(['a', 1, 2]), 5, [[1]]])
  }

  someSet(): unknown {
    return this.pick([
      () => new Set(this.pick([[], [1, 2], ['a', 1, 0.5], ['a', 'b', 0, 3]])),
      () => new Set(this.pick([[], [1, 2], ['a', 1, 0.5], ['a', 'b', 0, 3]])),
      () => this.pick([[1, 2], 'ab', 5, null]),
    ])()
  }
}

type Choices = Record<string, (g: Generator) => unknown[]>

const none = () => []

const listOperations: Choices = {
  __add__: g => [g.pick([[1], [], [[2]], tuple(1), 'a'])],
  __contains__: g => [g.value()],
  __delitem__: g => [g.pick([g.index(), g.slice()])],
  __getitem__: g => [g.pick([g.index(), g.slice()])],
  __iadd__: g => [g.values()],
  __imul__: g => [g.pick([0, 1, 2, -1, 'a', 0.5, true])],
  __len__: none,
  __mul__: g => [g.pick([0, 1, 2, -1, 'a', true])],
  __reversed__: none,
  __rmul__: g => [g.pick([0, 1, 2, null])],
  __setitem__: g => (g.below(2) === 0 ? [g.index(), g.value()] : [g.slice(), g.values()]),
  append: g => [g.value()],
  clear: g => (g.below(4) === 0 ? [] : [1]),
  copy: none,
  count: g => [g.value()],
  extend: g => [g.values()],
  index: g => [g.value(), ...g.pick([[], [], [g.below(8) - 4], [g.below(8) - 4, g.below(8) - 4], ['a']])],
  insert: g => [g.index(), g.value()],
  pop: g => g.pick([[], [], [g.index()]]),
  remove: g => [g.value()],
  reverse: none,
  sort: none,
}

const dictOperations: Choices = {
  __contains__: g => [g.key()],
  __delitem__: g => [g.key()],
  __getitem__: g => [g.key()],
  __ior__: g => [g.pick([new Map([[g.hashable(), 1]]), [tuple('a', 1)], 5, [1], [[1, 2, 3]], ['ab']])],
  __len__: none,
  __or__: g => [
    g.pick([
      new Map([
        [g.hashable(), 1],
        ['b', 2],
      ]),
      [['a', 1]],
      5,
    ]),
  ],
  __reversed__: none,
  __ror__: g => [
    g.pick([
      new Map([
        [g.hashable(), 1],
        ['b', 2],
      ]),
      [['a', 1]],
      5,
    ]),
  ],
  __setitem__: g => [g.key(), g.value()],
  clear: g => (g.below(4) === 0 ? [] : [1]),
  copy: none,
  fromkeys: g => [g.inOrder(), ...g.pick([[], [0]])],
  get: g => [g.key(), ...g.pick([[], ['default'], [1, 2]])],
  items: none,
  keys: none,
  pop: g => [g.key(), ...g.pick([[], [], ['default'], [null]])],
  popitem: none,
  setdefault: g => [g.key(), ...g.pick([[], [g.value()]])],
  update: g => [g.pick([new Map([[g.hashable(), g.value()]]), [tuple('a', 1), [2, 3]], 'ab', 5, [[1]], [5]])],
  values: none,
}

const operator = (g: Generator) => [g.someSet()]
/** Python has done the first when it meets one that it refuses; ours changes nothing then. */
const several = (g: Generator) => g.pick([[], [g.keys()], [new Set(['a', 1, 2]), [1, 'b', g.hashable()]]])
const setOperations: Choices = {
  ...Object.fromEntries(
    [
      'and',
      'iand',
      'ior',
      'isub',
      'ixor',
      'or',
      'rand',
      'ror',
      'rsub',
      'rxor',
      'sub',
      'xor',
      'ge',
      'gt',
      'le',
      'lt',
    ].map(name => [`__${name}__`, operator]),
  ),
  __eq__: g => [new Set(g.pick([[], [1, 2]]))],
  __ne__: g => [new Set(g.pick([[], [1, 2]]))],
  __contains__: g => [g.hashable()],
  __len__: none,
  add: g => [g.key()],
  clear: g => (g.below(4) === 0 ? [] : [1]),
  copy: none,
  difference: several,
  difference_update: several,
  discard: g => [g.hashable()],
  intersection: several,
  intersection_update: several,
  isdisjoint: g => [g.keys()],
  issubset: g => [g.keys()],
  issuperset: g => [g.keys()],
  remove: g => [g.hashable()],
  symmetric_difference: g => [g.keys()],
  symmetric_difference_update: g => [g.keys()],
  union: several,
  update: several,
}

/** What is said in words that a later Python may choose otherwise is compared by its kind. */
function comparable(answer: unknown[], method: string): unknown[] {
  const [kind, said, content] = answer
  const byWord =
    ['value', 'KeyError', 'IndexError'].includes(kind as string) || (kind === 'ValueError' && method !== 'index')
  return [kind, byWord ? withOneTrue(said) : null, withOneTrue(content)]
}

/** Of 1 and true only one can be in a set. Which it is after an intersection is nobody's business. */
function withOneTrue(value: unknown): unknown {
  const items = (value as { s?: unknown[] } | null)?.s
  if (items === undefined) return value
  const numbered = items.map(item =>
    JSON.stringify(item)
      .replace(/\btrue\b/g, '1')
      .replace(/\bfalse\b/g, '0'),
  )
  return { s: numbered.sort() }
}

function answerOf(client: Client, hosted: Hosted, [method, args, kwargs]: Operation): unknown[] {
  const { outcome } = client.ask(hosted, method, args, kwargs)
  assert.ok(typeof outcome === 'object')
  const content = encode(hosted.type.copy(hosted.object))
  if ('value' in outcome) return ['value', encode(outcome.value), content]
  return [nameOf(outcome.error), encode((outcome.error as { args: unknown[] }).args?.[0]), content]
}

/** What was done to one of ours, and what it answered. */
interface Run {
  readonly operations: Operation[]
  readonly answers: unknown[][]
}

function play(typeid: string, choices: Choices, seed: number): Run {
  const g = new Generator(seed)
  const client = new Client('a')
  const operations: Operation[] = []
  const answers: unknown[][] = []
  let hosted = host(typeid)
  const make = () => {
    hosted = host(typeid)
    operations.push([typeid, [], {}])
    answers.push(['value', null, encode(hosted.type.copy(hosted.object))])
  }
  make()
  const methods = Object.keys(choices)
  while (operations.length < OPERATIONS) {
    const method = g.pick(methods)
    const args = choices[method](g)
    const kwargs = method === 'sort' ? g.pick([{}, {}, { reverse: true }]) : {}
    // encoded first, as what goes in may be changed later
    operations.push([method, args.map(encode), kwargs])
    const answer = answerOf(client, hosted, [method, args, kwargs])
    answers.push(answer)
    if ((client.do(hosted, '__len__') as number) > 14) make()
    // a sort that failed leaves Python's list in no order that it promises
    if (method === 'sort' && answer[0] !== 'value') make()
  }
  return { operations, answers }
}

function compare({ operations, answers }: Run, theirs: unknown[][]): void {
  let errors = 0
  operations.forEach((operation, i) => {
    const [method] = operation
    const failedSort = method === 'sort' && answers[i][0] !== 'value'
    const [mine, its] = [answers[i], theirs[i]].map(answer => {
      const seen = comparable(JSON.parse(JSON.stringify(answer)), method)
      return failedSort ? seen.slice(0, 2) : seen
    })
    if (mine[0] !== 'value') errors++
    const before = i > 0 ? JSON.stringify(theirs[i - 1][2]) : ''
    assert.deepEqual(mine, its, `operation ${i} ${JSON.stringify(operation)} on ${before}`)
  })
  assert.ok(errors > OPERATIONS / 50, `${errors} of the operations were errors`)
}

const SEED = 20261121
const LIMIT = 60_000
const python = findExecutable('python3')
const types: Record<string, Choices> = { list: listOperations, dict: dictOperations, set: setOperations }

test('list, dict and set do what those of CPython do', {
  skip: python === null && 'there is no python3 here',
}, async t => {
  const runs = Object.entries(types).map(([typeid, choices]) => play(typeid, choices, SEED))
  const lines = runs.flatMap(run => run.operations).map(operation => JSON.stringify(operation))
  const output = execFileSync(python as string, ['-c', PROGRAM], {
    input: lines.join('\n'),
    encoding: 'utf8',
    timeout: LIMIT,
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
    maxBuffer: 2 ** 28,
  })
  const theirs = output
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as unknown[])
  assert.equal(theirs.length, lines.length)
  for (const [i, typeid] of Object.keys(types).entries()) {
    const answers = theirs.splice(0, runs[i].operations.length)
    await t.test(typeid, () => compare(runs[i], answers))
  }
})
