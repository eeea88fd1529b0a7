/** Classes whose instances travel by value: the register, by prototype for the writer and by name for the reader. */
import { ArgumentRangeError } from '../contract/errors.ts'
import { checkFunction, checkOptions, checkString } from '../contract/options.ts'

export interface RegisteredClass {
  readonly name: string
  readonly pack: (value: any) => unknown
  readonly unpack: (packed: any) => unknown
}

const byPrototype = new Map<object, RegisteredClass>()
const byName = new Map<string, RegisteredClass>()

/**
 * Lets instances of a class travel by value, with everything that belongs to them.
 *
 * Without it an instance arrives as a plain object of its own properties. Call it in every process that sends or receives
 * such instances: most simply in the module that defines the class. Instances of a subclass travel as their nearest
 * registered class.
 *
 * Does not wait. `pack` must not lead back to the instance itself: it has no place yet when its parts are read.
 *
 * @throws {ArgumentTypeError} when an argument is of the wrong kind
 * @throws {ArgumentRangeError} when the name is empty, or the name or the class is registered already
 * @example
 * class Money {
 *   readonly cents: number
 *   constructor(cents: number) {
 *     this.cents = cents
 *   }
 * }
 * registerClass(Money, { name: 'Money', pack: money => money.cents, unpack: cents => new Money(cents) })
 * const queue = new Queue<Money>()
 * queue.putNowait(new Money(250))
 * assert.ok((await queue.get()) instanceof Money)
 */
export function registerClass<T, P>(
  cls: abstract new (...args: any[]) => T,
  o: { name: string; pack(value: T): P; unpack(packed: P): T },
): void {
  const prototype: object = checkFunction('cls', cls as any).prototype
  const { name, pack, unpack } = checkOptions('options', o, ['name', 'pack', 'unpack'])
  checkFunction('pack', pack!)
  checkFunction('unpack', unpack!)
  if (checkString('name', name) === '') throw new ArgumentRangeError('Expected `name` not to be empty, got "" (string)')
  if (typeof prototype !== 'object') {
    throw new ArgumentRangeError('Expected `cls` to be a class, got a function without a prototype')
  }
  if (byName.has(name!)) {
    throw new ArgumentRangeError(
      `Expected a \`name\` that is free, got ${JSON.stringify(name)}, which is registered already; give each class a name of its own`,
    )
  }
  const before = byPrototype.get(prototype)
  if (before !== undefined) {
    throw new ArgumentRangeError(
      `Expected \`cls\` to be new, but ${cls.name} is registered already as ${JSON.stringify(before.name)}; register it once`,
    )
  }
  // kept as given, not copied out of an object that may change
  const registered: RegisteredClass = {
    name: name!,
    pack: value => pack!.call(o, value),
    unpack: packed => unpack!.call(o, packed),
  }
  byPrototype.set(prototype, registered)
  byName.set(name!, registered)
}

/** The nearest registered class of an instance. */
export function classOf(value: object): RegisteredClass | undefined {
  if (byPrototype.size === 0) return undefined
  for (let proto = Object.getPrototypeOf(value); proto !== null; proto = Object.getPrototypeOf(proto)) {
    const found = byPrototype.get(proto)
    if (found !== undefined) return found
  }
  return undefined
}

export function classNamed(name: string): RegisteredClass | undefined {
  return byName.get(name)
}
