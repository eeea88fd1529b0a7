/**
 * The methods of proxies that objects of a Python server do not have: what they do, in terms of those that they have. What is several calls
 * there is several steps: others may come between.
 */
import { ArgumentTypeError, EmptyError, FullError, MultiprocError } from '../../contract/errors.ts'
import { PythonObject } from '../../pickle/python-object.ts'
import { hostedTypes } from '../hosted/hosted-types.ts'
import { callable, type Told } from './token.ts'

/** Calls a method that the object has. */
export type Ask = (method: string, args: readonly unknown[]) => Promise<unknown>
type Args = readonly any[]
type Emulation = (ask: Ask, args: Args) => Promise<unknown>

// ── which class of proxies ──

/** What Python's classes of proxies expose. */
const PYTHONS: Readonly<Record<string, string>> = {
  DictProxy: 'dict',
  ListProxy: 'list',
  SetProxy: 'set',
  NamespaceProxy: 'Namespace',
  ValueProxy: 'Value',
  ArrayProxy: 'Array',
  EventProxy: 'Event',
  AcquirerProxy: 'Lock',
  ConditionProxy: 'Condition',
  BarrierProxy: 'Barrier',
  IteratorProxy: 'Iterator',
}

/** By which one knows a type, and what else Python's may have; where nothing else is like it. */
const SIGNS: readonly (readonly [kind: string, has: string, mayHave: string])[] = [
  [
    'dict',
    '__getitem__ __setitem__ __delitem__ popitem setdefault',
    '__iter__ __reversed__ fromkeys __class_getitem__',
  ],
  ['list', '__getitem__ __setitem__ __delitem__ append insert', ''],
  ['set', '__contains__ add discard issubset', ''],
  ['JoinableQueue', 'put get qsize task_done join', ''],
  ['Queue', 'put get qsize empty', ''],
  ['Condition', 'acquire release wait notify notify_all', 'wait_for'],
  ['Event', 'is_set set clear wait', ''],
  ['Iterator', '__next__ send throw close', ''],
]

const known = new Map<string, { exact: ReadonlySet<string>; all: ReadonlySet<string> }>()
for (const [kind, type] of hostedTypes) {
  const mayHave = SIGNS.find(([signed]) => signed === kind)?.[2] ?? ''
  known.set(kind, { exact: new Set(callable(type.exposed)), all: new Set([...type.exposed, ...mayHave.split(' ')]) })
}

/** The type of this package that the object is like; undefined: it is of somebody's own. */
export function kindOf({ typeid, exposed, cls }: Told, isOurs: boolean): string | undefined {
  if (exposed === undefined) return cls === undefined ? undefined : hostedTypes.has(typeid) ? typeid : PYTHONS[cls]
  if (isOurs) {
    if (isExactly(typeid, exposed)) return typeid
    for (const kind of known.keys()) if (isExactly(kind, exposed)) return kind
    return undefined
  }
  const kind = typeid === 'Queue' ? 'JoinableQueue' : typeid // Python's counts what is done, too
  if (exposed.every(name => known.get(kind)?.all.has(name))) return kind
  const found = SIGNS.find(
    ([kind, has]) =>
      has.split(' ').every(name => exposed.includes(name)) && exposed.every(name => known.get(kind)!.all.has(name)),
  )
  return found?.[0]
}

function isExactly(kind: string, exposed: readonly string[]): boolean {
  const exact = known.get(kind)?.exact
  return exact !== undefined && exact.size === exposed.length && exposed.every(name => exact.has(name))
}

// ── methods ──

function isPythons(error: unknown, ...names: string[]): boolean {
  if (!(error instanceof Error)) return false
  const name = (error as any).pythonName ?? (error.cause as any)?.pythonName
  return names.includes(name)
}

/** `otherwise`, where Python raises one of these. */
async function unless<T>(names: string, otherwise: T, asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked
  } catch (error) {
    if (isPythons(error, ...names.split(' '))) return otherwise
    throw error
  }
}

const as =
  (method: string): Emulation =>
  (ask, args) =>
    ask(method, args)

const slice = (start: unknown, stop: unknown) =>
  new PythonObject('builtins', 'slice', [start ?? null, stop ?? null, null])

const notTold =
  (what: string): Emulation =>
  () =>
    Promise.reject(
      new MultiprocError(`Expected a method that Python's servers have, got \`${what}\`: they have no such thing`),
    )

const size = as('__len__')
const lock: Record<string, Emulation> = {
  hold: as('acquire'),
  holder: notTold('holder'),
  get_value: notTold('get_value'),
  async locked(ask) {
    if (!(await ask('acquire', [false]))) return true
    await ask('release', [])
    return false
  },
  async release(ask, [n = 1]) {
    for (let i = 0; i < n; i++) await ask('release', [])
  },
}
const queue: Record<string, Emulation> = {
  maxsize: notTold('maxsize'),
  deadLetters: notTold('deadLetters'),
  lease: notTold('lease'),
  done: notTold('done'),
  async getMany(ask, [max, ...limits]) {
    const items = [await ask('get', limits)]
    try {
      while (items.length < max) items.push(await ask('get_nowait', []))
    } catch (error) {
      if (!(error instanceof EmptyError)) throw error
    }
    return items
  },
  joinFor: async ask => {
    await ask('join', [])
    return true
  },
}

const emulations: Readonly<Record<string, Record<string, Emulation>>> = {
  dict: {
    get: (ask, [key, otherwise]) => unless('KeyError', otherwise, ask('__getitem__', [key])),
    pop: (ask, [key, otherwise]) => unless('KeyError', otherwise, ask('pop', [key])),
    set: as('__setitem__'),
    has: as('__contains__'),
    setDefault: as('setdefault'),
    entries: as('items'),
    size,
    delete: async (ask, [key]) => (await unless('KeyError', false, ask('__delitem__', [key]))) !== false,
  },
  list: {
    at: (ask, [index]) => unless('IndexError', undefined, ask('__getitem__', [index])),
    includes: as('__contains__'),
    length: size,
    indexOf: (ask, args) => unless('ValueError', -1, ask('index', args)),
    shift: ask => unless('IndexError', undefined, ask('pop', [0])),
    slice: (ask, [start, stop]) => ask('__getitem__', [slice(start, stop)]),
    copy: ask => ask('__getitem__', [slice(null, null)]),
    clear: ask => ask('__delitem__', [slice(null, null)]),
    async push(ask, values) {
      await ask('extend', [values])
      return ask('__len__', [])
    },
    async unshift(ask, values) {
      await ask('__setitem__', [slice(0, 0), values])
      return ask('__len__', [])
    },
    async splice(ask, [start, count, ...values]) {
      if (start === -1 && count === 1 && values.length === 0) {
        const nothing = Symbol('nothing')
        const last = await unless('IndexError', nothing, ask('pop', []))
        return last === nothing ? [] : [last]
      }
      const length = (await ask('__len__', [])) as number
      const from = start < 0 ? Math.max(0, length + start) : Math.min(start, length)
      const part = slice(from, count === undefined ? null : from + Math.max(0, count))
      const taken = await ask('__getitem__', [part])
      await ask('__setitem__', [part, values])
      return taken
    },
  },
  set: {
    has: as('__contains__'),
    size,
    values: async ask => [...((await ask('copy', [])) as Set<unknown>)],
    delete: async (ask, [value]) => (await unless('KeyError', false, ask('remove', [value]))) !== false,
    symmetricDifference: as('symmetric_difference'),
    isSubsetOf: as('issubset'),
    isSupersetOf: as('issuperset'),
    isDisjointFrom: as('isdisjoint'),
  },
  Namespace: {
    get: (ask, [name]) => unless('AttributeError', undefined, ask('__getattribute__', [name])),
    set: as('__setattr__'),
    has: async (ask, [name]) => {
      const nothing = Symbol('nothing')
      return (await unless('AttributeError', nothing, ask('__getattribute__', [name]))) !== nothing
    },
    delete: async (ask, [name]) => (await unless('AttributeError', false, ask('__delattr__', [name]))) !== false,
    entries: async ask => {
      const { state } = (await ask('#GETVALUE', [])) as PythonObject
      return state instanceof Map ? [...state] : []
    },
  },
  Value: { add: notTold('add') },
  Array: {
    at: (ask, [index]) => unless('IndexError', undefined, ask('__getitem__', [index])),
    length: size,
    slice: async (ask, [start, stop]) => [...((await ask('__getitem__', [slice(start, stop)])) as unknown[])],
  },
  Queue: queue,
  JoinableQueue: queue,
  Lock: lock,
  RLock: lock,
  Semaphore: lock,
  BoundedSemaphore: lock,
  Condition: { ...lock, reacquire: async () => undefined }, // it holds the lock: see sliced()
  Iterator: {
    async nextMany(ask, [n]) {
      const items: unknown[] = []
      const nothing = Symbol('nothing')
      while (items.length < n) {
        const item = await unless('StopIteration', nothing, ask('__next__', []))
        if (item === nothing) break
        items.push(item)
      }
      return items
    },
  },
}

/** What gives nothing: Python has None for that. */
const NO_RESULT: ReadonlySet<string> = new Set(
  (
    '__setitem__ __delitem__ __setattr__ __delattr__ append clear extend insert notify notify_all put put_nowait release remove ' +
    'reset abort reverse set shutdown sort task_done update add discard intersection_update difference_update ' +
    'symmetric_difference_update'
  ).split(' '),
)

/** Which argument of a method says how long it may wait, in seconds; null or left out: for ever. */
const TIMEOUTS: Readonly<Record<string, number>> = { get: 1, put: 2, hold: 1, acquire: 1, wait: 0, getMany: 2 }

/** A call that may be taken back is made of waits of this many seconds. */
const SLICE = 0.25

/** What a proxy asks of an object of a Python server. */
export async function emulated(
  kind: string,
  method: string,
  args: readonly unknown[],
  signal: AbortSignal | undefined,
  ask: Ask,
): Promise<unknown> {
  const table = emulations[kind]
  if (hostedTypes.has(kind) && NO_RESULT.has(method)) {
    const all = ask
    ask = async (name, args) => (await all(name, args)) ?? undefined
  }
  const emulation = table !== undefined && Object.hasOwn(table, method) ? table[method] : as(method)
  if (method === 'joinFor') return joined(ask, args[0] as number | null, signal)
  if (signal === undefined) return emulation(ask, args)
  signal.throwIfAborted()
  const at = TIMEOUTS[method]
  if (at === undefined || kind === 'Barrier') return emulation(ask, args) // aborted or not, it has to be waited for
  return sliced(args, at, method, signal, args => emulation(ask, args))
}

/**
 * Python's servers cannot be told that a call is taken back, and what it waited for would be lost: so it waits again and again for
 * a short time, and stops at an abort.
 */
async function sliced(
  args: readonly unknown[],
  at: number,
  method: string,
  signal: AbortSignal,
  call: (args: readonly unknown[]) => Promise<unknown>,
): Promise<unknown> {
  const given = args[at]
  const end = typeof given === 'number' ? performance.now() + given * 1000 : Number.POSITIVE_INFINITY
  for (;;) {
    const left = Math.max(0, (end - performance.now()) / 1000)
    const some = [...args]
    while (some.length < at) some.push(true) // `block`
    some[at] = Math.min(left, SLICE)
    const isLast = left <= SLICE
    try {
      const result = await call(some)
      if (result !== false || isLast || method === 'put') return result
    } catch (error) {
      if (isLast || !(error instanceof EmptyError || error instanceof FullError)) throw error
    }
    signal.throwIfAborted()
  }
}

/** Python's join() knows no limit: whoever has waited enough leaves. */
async function joined(ask: Ask, seconds: number | null, signal: AbortSignal | undefined): Promise<boolean> {
  if (seconds !== null && typeof seconds !== 'number') throw new ArgumentTypeError('Expected seconds to be a number')
  const done = ask('join', []).then(() => true)
  if (seconds === null && signal === undefined) return done
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const left = new Promise<boolean>((resolve, reject) => {
    if (seconds !== null) timer = setTimeout(() => resolve(false), seconds * 1000)
    onAbort = () => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  done.catch(() => {})
  try {
    return await Promise.race([done, left])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
  }
}
