// Values of JavaScript by a seed, and what each must be when it has been to Python and back.
import {
  ByteArray,
  EmptyError,
  EOFError,
  FrozenSet,
  PreciseDate,
  PyFloat,
  PythonDate,
  PythonDatetime,
  PythonError,
  PythonGlobal,
  PythonObject,
  PythonTime,
  PythonTimedelta,
  Tuple,
  tuple,
} from 'multiproc'

/** A generator of numbers from 0 up to 1, always the same for a seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

const INTS = [0, 1, -1, 255, 256, 65535, 65536, -32768, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32]
const LARGE = [2 ** 39, -(2 ** 39), 2 ** 47, -(2 ** 47) - 1, Date.UTC(2026, 0), 2 ** 53 - 1, -(2 ** 53) + 1]
const FLOATS = [0.5, -0, 2 ** 53, -(2 ** 60), 1e300, 5e-324, Infinity, -Infinity, Number.NaN, Math.PI]
const BIGINTS = [5n, -1n, 2n ** 53n, -(2n ** 63n), 2n ** 63n, 2n ** 64n, -(2n ** 2039n), 2n ** 2039n, 10n ** 999n]
const TEXTS = [
  '',
  'a',
  '\0\n',
  'é',
  '日本',
  '😀',
  '\ud800',
  'a\udc00b',
  '\ufeff',
  '\ufffd',
  '__proto__',
  'x'.repeat(300),
]

export class RandomValues {
  readonly #next: () => number
  #keys = 0
  #earlier: object[] = []

  constructor(seed: number) {
    this.#next = random(seed)
  }

  value(): unknown {
    this.#earlier = []
    return this.#value(4)
  }

  #below(count: number): number {
    return Math.floor(this.#next() * count)
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]
  }

  #value(left: number): unknown {
    const draw = this.#next()
    if (draw < 0.04 && this.#earlier.length > 0) return this.#one(this.#earlier)
    if (draw > 0.5 && left > 0) {
      const made = draw > 0.98 ? this.#cycle(left) : this.#container(left)
      this.#earlier.push(made)
      return made
    }
    return this.#scalar()
  }

  #scalar(): unknown {
    const bytes = () => Array.from({ length: this.#one([0, 1, 4, 9, 256, 300]) }, () => this.#below(256))
    const time = () => this.#one([0, -1, 951_782_400_000, -62_135_596_800_000, 253_402_300_799_999])
    const kind = this.#below(22)
    if (kind < 3) return this.#one(INTS) + this.#below(2)
    if (kind < 5) return this.#one(LARGE)
    if (kind < 7) return this.#one(FLOATS)
    if (kind === 7) return this.#one(BIGINTS) * this.#one([1n, -1n])
    if (kind < 11) return this.#one(TEXTS) + this.#one(['', 'x'])
    if (kind === 11) return this.#one([null, undefined, true, false])
    if (kind === 12) return this.#one([Uint8Array, Buffer, ByteArray]).from(bytes())
    if (kind === 13) return this.#one([Int8Array, Uint8ClampedArray, Int16Array, Uint16Array]).from([1, 2, 255])
    if (kind === 14) return this.#one([Int32Array, Uint32Array, Float32Array, Float64Array]).from([0, 1.5, -1])
    if (kind === 15) return this.#one([BigInt64Array, BigUint64Array]).from([0n, -1n, 2n ** 40n])
    if (kind === 16) return this.#one([new Date(time()), new PreciseDate(time(), 1 + this.#below(999))])
    if (kind === 17) return new PyFloat(this.#one([1, 0.5, -0, 2 ** 60]))
    if (kind === 18) return this.#record()
    if (kind === 19)
      return new PythonGlobal(
        ...this.#one<[string, string]>([
          ['builtins', 'int'],
          ['posixpath', 'join'],
        ]),
      )
    return this.#error()
  }

  /** Without `fold`: below protocol 4 Python drops it. */
  #record(): object {
    const tzinfo = this.#one([null, new PythonObject('datetime', 'timezone', tuple(new PythonTimedelta(0, 3600)))])
    const microsecond = this.#below(1_000_000)
    return this.#one([
      new PythonObject('decimal', 'Decimal', tuple(this.#one(['1.50', 'NaN', '-0']))),
      new PythonObject('builtins', 'complex', tuple(1.5, -2.5)),
      new PythonObject('builtins', 'range', tuple(1, 10, 2)),
      new PythonDate(2024, 2, 29),
      new PythonTime(23, this.#below(60), { second: 59, microsecond, tzinfo }),
      new PythonDatetime(1, 1, 1, 0, 0, { microsecond, tzinfo }),
      new PythonTimedelta(-3, this.#below(86_400), microsecond),
    ])
  }

  #error(): Error {
    return this.#one([
      () => new EmptyError('nothing'),
      () => new EOFError('ended'),
      () => new PythonError('builtins', 'KeyError', ['k']),
      () => new PythonError('builtins', 'ValueError', [], { state: new Map([['__notes__', ['n']]]) }),
    ])()
  }

  /** Each another one: what Python takes for the same key would be lost. */
  #key(): unknown {
    const number = 10 + this.#keys++
    return this.#one<() => unknown>([
      () => `key ${number}`,
      () => `ключ ${number}`,
      () => number,
      () => number + 0.5,
      () => BigInt(number) << 64n,
      () => Uint8Array.of(number & 0xff, number >> 8, number >> 16),
      () => tuple('key', number),
      () => new FrozenSet([number, tuple(number)]),
    ])()
  }

  #container(left: number): object {
    const size = this.#one([0, 1, 2, 3, 4, 7])
    const items = () => Array.from({ length: size }, () => this.#value(left - 1))
    const keys = () => Array.from({ length: size }, () => this.#key())
    const texts = () => Array.from({ length: size }, () => `key ${this.#keys++}`)
    const kind = this.#below(10)
    if (kind < 2) return items()
    if (kind < 5) return tuple(...items())
    if (kind < 7) return Object.fromEntries(texts().map(key => [key, this.#value(left - 1)]))
    if (kind === 7) return new Map(keys().map(key => [key, this.#value(left - 1)]))
    return kind === 8 ? new Set(keys()) : new FrozenSet(keys())
  }

  #cycle(left: number): object {
    const list: unknown[] = [this.#value(left - 1)]
    const made = this.#one<() => object>([
      () => list,
      () => tuple(list, 1),
      () => tuple(1, 2, 3, list),
      () => ({ list }),
      () => new Map([['list', list]]),
    ])()
    list.push(made)
    return made
  }
}

/** What a value is after it has been to Python. */
export function returned(value: unknown, done = new Map<unknown, unknown>()): unknown {
  if (value === undefined) return null
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (typeof value !== 'object' || value === null || value instanceof Error) return value
  if (value instanceof PyFloat) return value.value
  const known = done.get(value)
  if (known !== undefined) return known
  const note = <T>(made: T): T => {
    done.set(value, made)
    return made
  }
  const inside = (part: unknown) => returned(part, done)
  if (Buffer.isBuffer(value)) return note(new Uint8Array(value))
  if (Array.isArray(value)) {
    const made = note(value instanceof Tuple ? tuple() : []) as unknown[]
    for (const item of value) made.push(inside(item))
    return made
  }
  if (value instanceof Set) {
    const made = note(value instanceof FrozenSet ? new FrozenSet() : new Set())
    for (const item of value) made.add(inside(item))
    return made
  }
  const isMap = value instanceof Map
  if (!isMap && Object.getPrototypeOf(value) !== Object.prototype) return value
  const made = note(new Map())
  for (const [key, item] of isMap ? value : Object.entries(value)) made.set(inside(key), inside(item))
  return made
}
