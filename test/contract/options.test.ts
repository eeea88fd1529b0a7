/** Arguments are checked, and the message says what was expected, what came and how to mend it. */
import assert from 'node:assert/strict'
import { it, describe as suite } from 'node:test'
import { ArgumentRangeError, ArgumentTypeError } from '#src/contract/errors.js'
import {
  checkCount,
  checkFlag,
  checkFunction,
  checkOptions,
  checkSignal,
  checkString,
  checkTimeout,
  describe,
} from '#src/contract/options.js'

suite('checkTimeout()', () => {
  it('gives whole milliseconds back, and Infinity when left out', () => {
    for (const good of [0, 1, 5000, Infinity]) assert.equal(checkTimeout(good), good)
    assert.equal(checkTimeout(undefined), Infinity)
  })

  it('refuses the rest, and says how to mend it', () => {
    for (const wrong of [-1, 1.5, NaN, -Infinity, 2 ** 60]) assert.throws(() => checkTimeout(wrong), ArgumentRangeError)
    for (const wrong of [null, '5', 5n, {}, true]) assert.throws(() => checkTimeout(wrong), ArgumentTypeError)
    assert.throws(() => checkTimeout(1.5), {
      message:
        'Expected `timeout` to be a whole number of milliseconds from 0 up, got 1.5 (number); round it up with Math.ceil',
    })
  })
})

suite('checkCount()', () => {
  it('gives a whole number in its range back, and refuses the rest', () => {
    assert.equal(checkCount('n', 3, 1, 3), 3)
    for (const wrong of [0, 4, 1.5, NaN, Infinity])
      assert.throws(() => checkCount('n', wrong, 1, 3), ArgumentRangeError)
    for (const wrong of [undefined, null, '3']) assert.throws(() => checkCount('n', wrong, 1, 3), ArgumentTypeError)
    assert.throws(() => checkCount('maxsize', -1), {
      message: 'Expected `maxsize` to be a whole number from 0 up, got -1 (number)',
    })
  })
})

suite('checkOptions()', () => {
  it('gives options back, and an empty object when left out', () => {
    const options = { timeout: 1 }
    assert.equal(checkOptions('options', options, ['timeout']), options)
    assert.deepEqual(checkOptions<{ timeout?: number }>('options', undefined, ['timeout']), {})
  })

  it('refuses what is no object, and a name that is unknown', () => {
    for (const wrong of [null, 5, 'x', []])
      assert.throws(() => checkOptions('options', wrong as any, []), ArgumentTypeError)
    assert.throws(
      () =>
        checkOptions<{ timeout?: number; signal?: number }>('options', { timeuot: 1 } as object, ['timeout', 'signal']),
      {
        name: 'ArgumentTypeError',
        message: 'Expected `options` to hold only timeout, signal, got `timeuot`; check its spelling',
      },
    )
  })
})

suite('the smaller checks', () => {
  it('give what is right back, and refuse the rest', () => {
    const { signal } = new AbortController()
    assert.equal(checkSignal(signal), signal)
    assert.equal(checkSignal(undefined), undefined)
    assert.throws(() => checkSignal({ aborted: false }), ArgumentTypeError)
    assert.equal(checkFunction('f', assert.ok), assert.ok)
    assert.throws(() => checkFunction('f', {} as any), ArgumentTypeError)
    assert.equal(checkFlag('b', undefined, true), true)
    assert.equal(checkFlag('b', false, true), false)
    assert.throws(() => checkFlag('b', 1, true), ArgumentTypeError)
    assert.equal(checkString('s', 'x'), 'x')
    assert.throws(() => checkString('s', 1), ArgumentTypeError)
  })
})

suite('describe()', () => {
  it('says a value in a few words, whatever it is', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    const table: [unknown, string][] = [
      [undefined, 'undefined'],
      [null, 'null'],
      [-0, '-0 (number)'],
      [5n, '5 (bigint)'],
      ['a"b', '"a\\"b" (string)'],
      [Symbol('s'), 'Symbol(s) (symbol)'],
      [[1, 2], 'an array of 2'],
      [{}, 'an object'],
      [Object.create(null), 'an object'],
      [new Map(), 'an instance of Map'],
      [function f() {}, 'a function (f)'],
      [() => 1, 'a function'],
      [proxy, 'an object'],
    ]
    revoke()
    for (const [value, text] of table) assert.equal(describe(value), text)
    assert.ok(describe('x'.repeat(1000)).length < 60)
  })
})
