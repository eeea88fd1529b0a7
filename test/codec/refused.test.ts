/** What cannot travel is refused with an error that names the place, and the codec goes on. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { encode } from '#src/codec/codec.js'
import { NotSerializableError } from '#src/contract/errors.js'
import { copy } from './copy.js'

function refusal(value: unknown): NotSerializableError {
  try {
    encode(value)
  } catch (error) {
    assert.ok(error instanceof NotSerializableError, String(error))
    assert.equal(error.code, 'ERR_MULTIPROC_NOT_SERIALIZABLE')
    assert.ok(error.message.includes(`\`${error.path}\``), error.message)
    return error
  }
  throw new assert.AssertionError({ message: 'it was not refused' })
}

describe('NotSerializableError', () => {
  afterEach(() => assert.deepEqual(copy({ still: ['works', { a: 1 }] }), { still: ['works', { a: 1 }] }))

  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  }
  const kinds: Record<string, () => unknown> = {
    'a function': () => () => 1,
    'a symbol': () => Symbol('s'),
    'a class': () => class A {},
    'a Promise': () => Promise.resolve(),
    'a WeakMap': () => new WeakMap(),
    'a WeakSet': () => new WeakSet(),
    'a WeakRef': () => new WeakRef({}),
    'a generator': () => (function* () {})(),
    'an iterator of a Map': () => new Map().keys(),
    'a boxed symbol': () => Object(Symbol()),
    'a revoked Proxy': revoked,
    'a SharedArrayBuffer': () => new SharedArrayBuffer(8),
    'a typed array on a SharedArrayBuffer': () => new Uint8Array(new SharedArrayBuffer(5000)),
  }
  for (const [name, make] of Object.entries(kinds)) {
    it(`for ${name}, with the path to it`, () => {
      assert.equal(refusal(make()).path, 'value')
      assert.equal(refusal({ items: [0, 1, 2, { callback: make() }] }).path, 'items[3].callback')
    })
  }

  it('says what it is and how to mend it', () => {
    assert.equal(
      refusal({ items: [0, { callback: function onDone() {} }] }).message,
      'Expected `items[1].callback` to be a value that can travel to another process, got a function (onDone); functions stay in their process; send its name or its arguments, or leave it out',
    )
    assert.match(refusal([Promise.resolve()]).message, /`value\[0\]`.*a Promise; await it/)
    assert.match(refusal(new SharedArrayBuffer(1)).message, /SharedArray/)
  })

  it('writes each step of the path as one would', () => {
    const fn = () => 1
    assert.equal(refusal({ 'a b': { 0: [fn] } }).path, 'value["a b"]["0"][0]')
    assert.equal(refusal({ map: new Map([['k', [fn]]]) }).path, 'map.get("k")[0]')
    assert.equal(refusal({ map: new Map([[{ a: fn }, 1]]) }).path, 'map.keys()[0].a')
    assert.equal(refusal(new Set([1, [fn]])).path, 'value.values()[1][0]')
    assert.equal(refusal({ failed: new Error('x', { cause: { fn } }) }).path, 'failed.cause.fn')
    assert.equal(refusal([{ a: 1 }, { a: [] }, { a: fn }]).path, 'value[2].a')
  })

  it('for a getter that throws, with what it threw as the cause', () => {
    const cause = new TypeError('no')
    const error = refusal({
      a: [
        {
          get b() {
            throw cause
          },
        },
      ],
    })
    assert.equal(error.path, 'a[0].b')
    assert.equal(error.cause, cause)
    assert.match(error.message, /TypeError: no/)
  })

  it('for getters without an end, soon and with little memory', () => {
    const endless = (): object => ({
      get left() {
        return endless()
      },
      get right() {
        return endless()
      },
    })
    assert.match(refusal(endless()).path, /^left\.left.* … .*left$/)
    const proxy: object = new Proxy([], {
      get: (_, key) => (key === 'length' ? 1 : key === '0' ? endless() : undefined),
    })
    assert.match(refusal(proxy).message, /deep/)
  })

  it('for an object deeper than 1000, and not for one of 1000', () => {
    const nest = (depth: number) => {
      let value: unknown = 1
      for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value }
      return value
    }
    assert.deepStrictEqual(copy(nest(1000)), nest(1000))
    for (const depth of [1001, 100_000]) assert.match(refusal(nest(depth)).message, /more than 1000 deep/)
  })

  it('for a value that changes under the reader: the Map as it was when it was met', () => {
    const map = new Map<string, unknown>([
      [
        'a',
        {
          get grow() {
            map.set('c', 1)
            return 1
          },
        },
      ],
      ['b', 2],
    ])
    assert.deepEqual([...copy(map).keys()], ['a', 'b'])
  })

  it('of a nested encode() leaves the outer one as it is', () => {
    const value = {
      a: 1,
      get b() {
        refusal({ x: () => 1 })
        return { c: 2 }
      },
      d: [3],
    }
    assert.deepEqual(copy(value), { a: 1, b: { c: 2 }, d: [3] })
  })
})
