/** Instances of registered classes travel by value. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode } from '#src/codec/codec.js'
import { registerClass } from '#src/codec/register-class.js'
import { ArgumentRangeError, ArgumentTypeError, MultiprocError, NotSerializableError } from '#src/contract/errors.js'
import { bytesOf, copy } from './copy.js'

class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
}
class Coin extends Money {}
class Pair {
  readonly parts: unknown[]
  constructor(parts: unknown[]) {
    this.parts = parts
  }
}
class Bag extends Map<string, number> {}
registerClass(Money, { name: 'test.Money', pack: money => money.cents, unpack: cents => new Money(cents) })
registerClass(Pair, { name: 'test.Pair', pack: pair => pair.parts, unpack: parts => new Pair(parts) })
registerClass(Bag, { name: 'test.Bag', pack: bag => [...bag], unpack: entries => new Bag(entries) })

describe('registerClass()', () => {
  it('instances arrive as instances, anywhere in a value', () => {
    const copied = copy({ price: new Money(250), list: [new Pair([new Money(1), 'x'])], bag: new Bag([['a', 1]]) })
    assert.ok(copied.price instanceof Money && copied.price.cents === 250)
    assert.ok(copied.list[0] instanceof Pair && copied.list[0].parts[0] instanceof Money)
    assert.ok(copied.bag instanceof Bag && copied.bag.get('a') === 1)
  })

  it('an instance that occurs twice arrives as one', () => {
    const money = new Money(3)
    const copied = copy([money, { money }, new Pair([money])]) as any[]
    assert.equal(copied[1].money, copied[0])
    assert.equal(copied[2].parts[0], copied[0])
  })

  it('a cycle around an instance is kept, one through its own parts is refused', () => {
    const list: unknown[] = []
    list.push(new Money(1), list)
    const copied = copy(list)
    assert.ok(copied[0] instanceof Money)
    assert.equal(copied[1], copied)
    const loop: unknown[] = []
    loop.push(new Pair(loop))
    assert.throws(() => encode(loop[0]), /lead back to the instance/)
  })

  it('an instance of a subclass travels as its nearest registered class', () => {
    const copied = copy(new Coin(5))
    assert.ok(copied instanceof Money && copied.cents === 5)
  })

  it('pack() and unpack() may use the codec themselves', () => {
    class Sealed {
      readonly inside: unknown
      constructor(inside: unknown) {
        this.inside = inside
      }
    }
    registerClass(Sealed, {
      name: 'test.Sealed',
      pack: sealed => bytesOf(sealed.inside),
      unpack: ({ bytes, headLength }) => new Sealed(decode(bytes, headLength, [])),
    })
    const copied = copy([new Sealed({ a: [1, { b: 'x' }] }), { after: 1 }, { after: 2 }]) as any[]
    assert.deepEqual(copied[0].inside, { a: [1, { b: 'x' }] })
    assert.deepEqual(copied.slice(1), [{ after: 1 }, { after: 2 }])
  })

  it('an instance of a class that is not registered where it arrives: a MultiprocError that names it', () => {
    const { bytes, headLength } = bytesOf(new Money(1))
    bytes[bytes.indexOf('M'.charCodeAt(0))] = 'H'.charCodeAt(0)
    assert.throws(
      () => decode(bytes, headLength, []),
      (error: Error) => error instanceof MultiprocError && /"test.Honey".*registerClass/.test(error.message),
    )
  })

  it('unpack() that throws: a MultiprocError with the cause', () => {
    class Fragile {}
    const cause = new Error('broken')
    registerClass(Fragile, {
      name: 'test.Fragile',
      pack: () => 1,
      unpack: () => {
        throw cause
      },
    })
    assert.throws(
      () => copy(new Fragile()),
      (error: Error) => error instanceof MultiprocError && error.cause === cause,
    )
  })

  it('pack() that gives what cannot travel, or throws: a NotSerializableError with the path', () => {
    class Odd {
      readonly part: () => unknown
      constructor(part: () => unknown) {
        this.part = part
      }
    }
    registerClass(Odd, { name: 'test.Odd', pack: odd => odd.part(), unpack: () => new Odd(() => 1) })
    assert.throws(
      () => encode({ a: new Odd(() => ({ f: () => 1 })) }),
      (error: any) => error instanceof NotSerializableError && error.path === 'a{packed test.Odd}.f',
    )
    assert.throws(
      () =>
        encode({
          a: new Odd(() => {
            throw new Error('x')
          }),
        }),
      NotSerializableError,
    )
    const self: Odd = new Odd(() => ({ self }))
    assert.throws(() => encode(self), /lead back to the instance/)
  })

  it('refuses a name or a class that is registered already, and an empty name', () => {
    const o = { name: 'test.Money', pack: () => 1, unpack: () => new Date() }
    assert.throws(() => registerClass(class A {}, { ...o, unpack: () => ({}) }), ArgumentRangeError)
    assert.throws(
      () => registerClass(Money, { name: 'test.Other', pack: () => 1, unpack: () => new Money(1) }),
      ArgumentRangeError,
    )
    assert.throws(() => registerClass(Date, { ...o, name: '' }), ArgumentRangeError)
  })

  it('refuses arguments of the wrong kind', () => {
    const o = { name: 'test.Wrong', pack: () => 1, unpack: () => ({}) }
    for (const wrong of [undefined, 'Money', {}]) assert.throws(() => registerClass(wrong as any, o), ArgumentTypeError)
    for (const wrong of [{ pack: 1 }, { unpack: undefined }, { name: 5 }, { extra: 1 }]) {
      assert.throws(() => registerClass(class A {}, { ...o, ...wrong } as any), ArgumentTypeError)
    }
    assert.throws(() => registerClass(class A {}, undefined as any), ArgumentTypeError)
  })
})
