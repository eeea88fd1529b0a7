/** What goes through the codec arrives as it was. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import vm from 'node:vm'
import { copy } from './copy.js'

const plainTable: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  true: true,
  false: false,
  ...Object.fromEntries(
    [0, -0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53]
      .concat([-1, -32, -33, -128, -129, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53), 0.1, -1.5, 5e-324, 1.7e308])
      .concat([Number.MAX_VALUE, NaN, Infinity, -Infinity])
      .map(number => [`number ${Object.is(number, -0) ? '-0' : number}`, number]),
  ),
  ...Object.fromEntries(
    [
      0n,
      1n,
      -1n,
      2n ** 63n - 1n,
      2n ** 63n,
      -(2n ** 63n),
      -(2n ** 63n) - 1n,
      2n ** 64n,
      3n ** 5000n,
      -(7n ** 999n),
    ].map(big => [
      `bigint of ${big.toString(16).length} hex digits, ${big < 0n ? 'negative' : 'positive'} (${big % 97n})`,
      big,
    ]),
  ),
  'empty string': '',
  'strings of every short length': Array.from({ length: 70 }, (_, n) => 'abcdefghij'.repeat(7).slice(0, n)),
  'non-ASCII strings of every short length': Array.from({ length: 70 }, (_, n) => 'é€😀xü'.repeat(12).slice(0, n)),
  'long ASCII string': 'x'.repeat(100_000),
  'long string with a surrogate pair': 'x😀'.repeat(50_000),
  'lone surrogates': ['\ud800', 'a\udc00b', '\udc00\ud800', `${'x'.repeat(1000)}\ud83d`],
  'byte order marks': ['\ufeff', '\ufeffa', `\ufeff${'x'.repeat(100)}`, `x${'\ufeff'.repeat(100)}`, { '\ufeffkey': 1 }],
  'string with NUL and DEL': '\0\x7f\x80\xff\u0100\uffff',
  'empty array': [],
  'nested arrays': [[], [[1]], [[[2, [3]]]]],
  'arrays of 15, 16, 255, 1001 and 70000': [15, 16, 255, 1001, 70_000].map(n =>
    Array.from({ length: n }, (_, i) => i * 7),
  ),
  'empty object': {},
  'object with odd keys': {
    '': 1,
    ' ': 2,
    'a-b': 3,
    é: 5,
    ['k'.repeat(300)]: 6,
    '\ud800': 7,
    constructor: 'Array',
    toString: 1,
    length: 3,
  },
  'object with many keys': Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key${i}`, i])),
  'object with more than 65535 keys': Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i])),
  'object with the key hasOwnProperty': { hasOwnProperty: 1, a: 2 },
  'undefined as a property': { a: undefined },
  'objects of one shape, then of another': [
    { a: 1, b: 2 },
    { a: 3, b: 4 },
    { b: 5, a: 6 },
    { a: 7 },
    {},
    {},
    { a: 8, b: { a: 1, b: 2 } },
    { a: 9, b: { a: 3, b: 4 } },
  ],
  Map: new Map<unknown, unknown>([
    ['a', 1],
    [2, 'b'],
    [null, undefined],
    [NaN, new Map([[{ k: 1 }, []]])],
  ]),
  Set: new Set<unknown>([1, 'a', null, undefined, new Set([[1]])]),
  Date: new Date(1234567890123),
  'Date before 1970': new Date(-1.5e14),
  RegExp: /a(b)?[/c]/giu,
  'empty RegExp': /(?:)/,
  'boxed primitives': [Object(1), Object('a'), Object(true), Object(false), Object(5n), Object(-0)],
  'object without a prototype': Object.assign(Object.create(null), { a: 1, b: { c: 2 } }),
}

describe('codec: a value arrives as it was', () => {
  for (const [name, value] of Object.entries(plainTable)) {
    it(name, () => assert.deepStrictEqual(copy(value), value))
  }

  it('-0 stays -0, also inside', () => {
    assert.ok(Object.is(copy(-0), -0))
    assert.ok(Object.is(copy([{ a: -0 }])[0].a, -0))
  })

  it('an invalid Date stays one', () => {
    const copied = copy([new Date(NaN)])[0]
    assert.ok(copied instanceof Date && Number.isNaN(copied.getTime()))
  })

  it('key order stays, integer-like keys come first as they do in every object', () => {
    const value = { z: 1, 10: 2, a: 3, 2: 4, b: 5 }
    assert.deepEqual(Object.entries(copy(value)), Object.entries(value))
  })

  it('a key constructor is a property like any other, also in an array', () => {
    for (const value of [{ constructor: 1 }, { a: { constructor: [{ constructor: null }], b: 2 } }]) {
      assert.deepStrictEqual(copy(value), value)
    }
    assert.deepStrictEqual(copy([Object.assign([[1, 2]], { constructor: Map })]) as unknown, [[[1, 2]]])
  })

  it('a getter that gives another object each time arrives as one of them', () => {
    const value = {
      get fresh() {
        return { map: new Map([[1, { n: 1 }]]), list: [1] }
      },
    }
    assert.deepStrictEqual(copy(value), { fresh: { map: new Map([[1, { n: 1 }]]), list: [1] } })
    let turns = 0
    const turning = {
      get odd() {
        return ++turns === 1 ? { a: 1 } : new Map([[1, 2]])
      },
    }
    assert.deepStrictEqual(copy(turning), { odd: new Map([[1, 2]]) })
    let reads = 0
    const changing = {
      get odd() {
        return ++reads === 1 ? 'a' : () => 1
      },
    }
    assert.throws(() => copy(changing), { code: 'ERR_MULTIPROC_NOT_SERIALIZABLE', path: 'odd' })
  })

  it('a key __proto__ is a property like any other', () => {
    for (const text of ['{"__proto__":{"polluted":1},"a":2}', '{"a":{"__proto__":null}}']) {
      const value = [JSON.parse(text), JSON.parse(text)]
      const copied = copy(value)
      assert.deepEqual(JSON.stringify(copied), JSON.stringify(value))
      assert.equal(Object.getPrototypeOf(copied[1]), Object.prototype)
      assert.equal(({} as any).polluted, undefined)
    }
  })

  it('holes arrive as undefined', () => {
    // biome-ignore lint/suspicious/noSparseArray: it is what is tested
    assert.deepEqual(copy([1, , 3]), [1, undefined, 3])
  })

  it('what a value says about itself does not count: constructor, toJSON, toStringTag', () => {
    const value = { constructor: Map, toJSON: 5, length: 1, size: 2, buffer: 4, byteLength: 5 }
    const { constructor: _, ...rest } = value
    assert.deepEqual(copy(rest), rest)
    const called = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'wrong', enumerable: false })
    assert.deepEqual(copy(called), { a: 1 })
    assert.deepEqual(copy({ [Symbol.toStringTag]: 'Map', a: 1 }), { a: 1 })
  })

  it('an instance of a class arrives as a plain object of its own properties', () => {
    class Point {
      x = 1
      #secret = 2
      get double() {
        return this.x * this.#secret
      }
      toJSON() {
        return 'wrong'
      }
    }
    class Named extends Point {
      name = 'n'
    }
    for (let round = 0; round < 3; round++) {
      assert.deepStrictEqual(copy(new Point()) as unknown, { x: 1 })
      assert.deepStrictEqual(copy([new Named(), new Named()]) as unknown, [
        { x: 1, name: 'n' },
        { x: 1, name: 'n' },
      ])
    }
  })

  it('subclasses of built-in classes arrive as what they extend', () => {
    class List extends Array<number> {}
    class Table extends Map<number, number> {}
    class Bytes extends Uint8Array {}
    assert.deepStrictEqual(copy(List.of(1, 2) as unknown), [1, 2])
    assert.deepStrictEqual(copy(new Table([[1, 2]]) as unknown), new Map([[1, 2]]))
    assert.deepStrictEqual(copy(new Bytes([1, 2]) as unknown), new Uint8Array([1, 2]))
  })

  it('an object that only has the prototype of a built-in class does not change how its instances travel', () => {
    class Table extends Map<number, number> {}
    assert.deepStrictEqual(copy({ a: Object.create(Table.prototype) }) as unknown, { a: {} })
    assert.deepStrictEqual(copy(new Table([[1, 2]])) as unknown, new Map([[1, 2]]))
  })

  it('values of another realm arrive as those of this one', () => {
    const foreign = vm.runInNewContext(
      '({ list: [1, { a: 2 }], map: new Map([[1, 2]]), date: new Date(5), bytes: new Uint8Array([1]) })',
    )
    const copied = copy(foreign)
    assert.deepStrictEqual(copied, {
      list: [1, { a: 2 }],
      map: new Map([[1, 2]]),
      date: new Date(5),
      bytes: new Uint8Array([1]),
    })
  })

  it('a Proxy arrives as what it shows', () => {
    assert.deepStrictEqual(copy(new Proxy({ a: 1 }, { get: () => 7 })), { a: 7 })
    for (const says of [Array, Map]) {
      const proxy = new Proxy({ a: 1 }, { get: (of, key) => (key === 'constructor' ? says : Reflect.get(of, key)) })
      assert.deepStrictEqual(copy(proxy), { a: 1 })
    }
  })
})

describe('codec: binaries', () => {
  const lengths = [0, 1, 7, 8, 40, 41, 63, 64, 1016, 1024, 1032, 100_000]
  const classes = [
    Uint8Array,
    Int8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    DataView,
  ]

  for (const Made of classes) {
    it(`${Made.name}, alone and inside, with and without an offset`, () => {
      for (const length of lengths) {
        const size = (Made as any).BYTES_PER_ELEMENT ?? 1
        const buffer = new ArrayBuffer(length * size + 24)
        const all = new Uint8Array(buffer)
        for (let i = 0; i < all.length; i++) all[i] = i * 31
        if (Made === Float64Array || Made === Float32Array) new Uint8Array(buffer).fill(63)
        for (const offset of [0, 8]) {
          const value = new (Made as any)(buffer, offset, length)
          for (const copied of [copy(value), copy({ a: [value] }).a[0]]) {
            assert.equal(Object.getPrototypeOf(copied), Made.prototype)
            assert.equal(
              Buffer.compare(
                new Uint8Array(copied.buffer, copied.byteOffset, copied.byteLength),
                new Uint8Array(buffer, offset, length * size),
              ),
              0,
            )
          }
        }
      }
    })
  }

  it('ArrayBuffer, Buffer and Uint8Array stay what they are', () => {
    for (const length of lengths) {
      const buffer = Buffer.alloc(length, 'abc')
      const bytes = new Uint8Array(buffer)
      const value = { buffer, bytes, raw: bytes.buffer }
      const copied = copy(value)
      assert.ok(Buffer.isBuffer(copied.buffer))
      assert.ok(!Buffer.isBuffer(copied.bytes))
      assert.ok(copied.raw instanceof ArrayBuffer)
      assert.deepStrictEqual(copied, value)
      assert.deepStrictEqual(copy(buffer), buffer)
    }
  })

  it('a view sends its own bytes and not the whole buffer behind it', () => {
    const slice = Buffer.from('abcdef').subarray(2, 4)
    assert.equal(copy({ slice }).slice.buffer.byteLength >= 2, true)
    assert.equal(copy(new Uint8Array(100_000).subarray(5, 10)).buffer.byteLength, 5)
  })

  it('binaries of any size arrive in memory of their own, exactly as long, that can be handed on', () => {
    for (const size of [63, 64, 65, 4096, 16_383, 16_384, 16_385, 100_000]) {
      const sent = Uint8Array.from({ length: size + 8 }, (_, i) => i * 7).subarray(8)
      for (const got of [copy(sent), new Uint8Array(copy({ buffer: sent.slice().buffer }).buffer)]) {
        assert.deepEqual(got, sent)
        assert.equal(got.buffer.byteLength, size)
        assert.equal(Object.getPrototypeOf(got.buffer), ArrayBuffer.prototype)
        const { buffer } = got
        assert.deepEqual(new Uint8Array(structuredClone(buffer, { transfer: [buffer] })), sent)
        assert.equal(buffer.byteLength, 0)
      }
    }
  })

  it('many parts in one value each arrive in their place', () => {
    const value = Array.from({ length: 40 }, (_, i) => new Uint8Array(1024 + i * 3).fill(i))
    assert.deepStrictEqual(copy({ a: value, b: 'between', c: new Map([['d', value[7]]]) }).c.get('d'), value[7])
    assert.deepStrictEqual(copy(value), value)
  })
})

describe('codec: the shape of a value', () => {
  it('a cycle through objects, arrays, Maps and Sets stays one', () => {
    const value: any = { list: [], map: new Map(), set: new Set() }
    value.self = value
    value.list.push(value, value.list)
    value.map.set('map', value.map).set(value, value.set)
    value.set.add(value.set).add(value)
    const copied = copy(value)
    assert.notEqual(copied, value)
    assert.equal(copied.self, copied)
    assert.equal(copied.list[0], copied)
    assert.equal(copied.list[1], copied.list)
    assert.equal(copied.map.get('map'), copied.map)
    assert.equal(copied.map.get(copied), copied.set)
    assert.ok(copied.set.has(copied.set) && copied.set.has(copied))
  })

  it('an object that occurs twice arrives as one, however many others there are', () => {
    for (const others of [0, 1, 14, 15, 16, 17, 40, 3000]) {
      const first = { name: 'first' }
      const last = { name: 'last' }
      const value = { first, fill: Array.from({ length: others }, (_, i) => ({ i })), last, again: [last, first, last] }
      const copied = copy(value)
      assert.deepStrictEqual(copied, value)
      assert.equal(copied.again[1], copied.first)
      assert.equal(copied.again[0], copied.last)
      assert.equal(copied.again[2], copied.last)
      assert.notEqual(copied.first, first)
    }
  })

  it('every kind of object can occur twice', () => {
    const one = [
      new Date(1),
      /a/,
      new Map(),
      new Set(),
      new Uint8Array(3),
      new Uint8Array(3000),
      Buffer.from('a'),
      new ArrayBuffer(5),
      new Error('e'),
      Object(1),
      Object.create(null),
      [],
      {},
    ]
    const copied = copy([one, [...one].reverse()])
    for (const [i, object] of copied[0].entries()) assert.equal(copied[1][one.length - 1 - i], object)
  })

  it('random values arrive as they were', () => {
    let seed = 20240607
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
      return (seed >>> 8) % below
    }
    const old: object[] = []
    const keep = <T extends object>(object: T) => {
      old.push(object)
      return object
    }
    const make = (depth: number): unknown => {
      switch (random(depth > 5 ? 10 : 16)) {
        case 0:
          return random(2) === 0
        case 1:
          return [undefined, null, NaN, -0, '', 0n][random(6)]
        case 2:
          return random(300) - 150
        case 3:
          return (
            ((random(2 ** 20) * 2 ** 20 + random(2 ** 20)) * (random(2) === 0 ? 1 : -1)) / [1, 2, 1024, 3][random(4)]
          )
        case 4:
          return String.fromCharCode(...Array.from({ length: random(50) }, () => random(128)))
        case 5:
          return String.fromCharCode(...Array.from({ length: random(50) }, () => random(65536)))
        case 6:
          return BigInt(random(2 ** 20) - 2 ** 19) ** BigInt(random(9))
        case 7:
          return keep(new Date(random(2 ** 20) * 1e6))
        case 8:
          return keep(new Uint8Array(Array.from({ length: random(5) === 0 ? 2000 : random(90) }, () => random(256))))
        case 9:
          return old.length > 0 && random(3) === 0 ? old[random(old.length)] : random(10)
        case 10:
        case 11: {
          const list: unknown[] = keep([])
          for (let n = random(20); n > 0; n--) list.push(make(depth + 1))
          return list
        }
        case 12:
        case 13: {
          const object: any = keep({})
          for (let n = random(20); n > 0; n--) object[`${'key'.repeat(random(9))}${random(30)}`] = make(depth + 1)
          return object
        }
        case 14: {
          const map = keep(new Map())
          for (let n = random(5); n > 0; n--) map.set(random(9), make(depth + 1))
          return map
        }
        default: {
          const set = keep(new Set())
          for (let n = random(5); n > 0; n--) set.add(make(depth + 1))
          return set
        }
      }
    }
    for (let round = 0; round < 400; round++) {
      old.length = 0
      const value = make(0)
      assert.deepStrictEqual(copy(value), structuredClone(value), `round ${round}`)
    }
  })
})
