/** Python's set, with the names of JavaScript's Set beside its own. What is in it: keyed.ts. */
import { defineType } from './hosted-type.ts'
import { HostedIterator } from './iterator.ts'
import { Keyed } from './keyed.ts'
import { ITERATE, itemsOf, typeName } from './kinds-of-value.ts'
import { keyError, typeError } from './python-errors.ts'
import { represent } from './represent.ts'

export class HostedSet {
  table = new Keyed<true>()

  static of(items: Iterable<unknown>): HostedSet {
    const set = new HostedSet()
    for (const item of items) set.table.set(item, true)
    return set
  }

  remove(value: unknown): void {
    if (!this.table.delete(value)) throw keyError(value)
  }

  pop(): unknown {
    for (const value of this.table.keys()) {
      this.table.delete(value)
      return value
    }
    throw keyError('pop from an empty set')
  }

  update(...others: readonly HostedSet[]): void {
    for (const other of others) for (const value of other.table.keyList()) this.table.set(value, true)
  }

  /** Leaves what is `wanted`. */
  #keep(wanted: (value: unknown) => boolean): void {
    for (const value of this.table.keyList()) if (!wanted(value)) this.table.delete(value)
  }

  intersect(...others: readonly HostedSet[]): void {
    this.#keep(value => others.every(other => other.table.has(value)))
  }

  subtract(...others: readonly HostedSet[]): void {
    this.#keep(value => !others.some(other => other.table.has(value)))
  }

  /** Leaves what is in one of the two only. */
  toggle(other: HostedSet): void {
    for (const value of other.table.keyList()) if (!this.table.delete(value)) this.table.set(value, true)
  }

  isWithin(other: HostedSet): boolean {
    return this.table.size <= other.table.size && this.table.keyList().every(value => other.table.has(value))
  }

  isApartFrom(other: HostedSet): boolean {
    return !this.table.keyList().some(value => other.table.has(value))
  }

  clone(): HostedSet {
    return HostedSet.of(this.table.keys())
  }

  copy(): Set<unknown> {
    return new Set(this.table.keys())
  }

  iterator(): HostedIterator {
    return new HostedIterator(this.table.keys(), () => this.table.size, 'Set changed size during iteration')
  }

  [ITERATE](): Iterable<unknown> {
    return this.table.keys()
  }
}

type Change = (set: HostedSet, ...others: HostedSet[]) => void

/** Anything that can be gone through, as a set. */
const asSet = (value: unknown): HostedSet => (value instanceof HostedSet ? value : HostedSet.of(itemsOf(value)))

/** The other side of an operator: a set, nothing else. */
function operand(value: unknown, operator: string): HostedSet {
  if (value instanceof HostedSet) return value
  if (value instanceof Set) return HostedSet.of(value)
  throw typeError(`unsupported operand type(s) for ${operator}: 'set' and '${typeName(value)}'`)
}

const compared = (value: unknown, operator: string): HostedSet => {
  if (value instanceof HostedSet || value instanceof Set) return operand(value, operator)
  throw typeError(`'${operator}' not supported between instances of 'set' and '${typeName(value)}'`)
}

/** What the change would come to, as a new set. */
function changed(set: HostedSet, change: Change, others: HostedSet[]): Set<unknown> {
  const result = set.clone()
  change(result, ...others)
  return result.copy()
}

const unite: Change = (set, ...others) => set.update(...others)
const intersect: Change = (set, ...others) => set.intersect(...others)
const subtract: Change = (set, ...others) => set.subtract(...others)
const toggle: Change = (set, other) => set.toggle(other)

const isEqual = (set: HostedSet, value: unknown): boolean =>
  (value instanceof Set || value instanceof HostedSet) &&
  asSet(value).table.size === set.table.size &&
  set.isWithin(asSet(value))

export const setType = defineType<HostedSet>({
  typeid: 'set',
  init: 'items?, /',
  create: ([items]) => (items === undefined ? new HostedSet() : asSet(items).clone()),
  gives: { __iter__: 'Iterator' },
  methods: {
    __and__: ['other, /', (set, a) => changed(set, intersect, [operand(a[0], '&')])],
    __contains__: ['value, /', (set, a) => set.table.has(a[0])],
    __eq__: ['other, /', (set, a) => isEqual(set, a[0])],
    __ge__: ['other, /', (set, a) => compared(a[0], '>=').isWithin(set)],
    __gt__: ['other, /', (set, a) => compared(a[0], '>').isWithin(set) && asSet(a[0]).table.size < set.table.size],
    __iand__: ['other, /', (set, a) => set.intersect(operand(a[0], '&='))],
    __ior__: ['other, /', (set, a) => set.update(operand(a[0], '|='))],
    __isub__: ['other, /', (set, a) => set.subtract(operand(a[0], '-='))],
    __iter__: ['', set => set.iterator()],
    __ixor__: ['other, /', (set, a) => set.toggle(operand(a[0], '^='))],
    __le__: ['other, /', (set, a) => set.isWithin(compared(a[0], '<='))],
    __len__: ['', set => set.table.size],
    __lt__: ['other, /', (set, a) => set.isWithin(compared(a[0], '<')) && set.table.size < asSet(a[0]).table.size],
    __ne__: ['other, /', (set, a) => !isEqual(set, a[0])],
    __or__: ['other, /', (set, a) => changed(set, unite, [operand(a[0], '|')])],
    __rand__: ['other, /', (set, a) => changed(operand(a[0], '&'), intersect, [set])],
    __ror__: ['other, /', (set, a) => changed(operand(a[0], '|'), unite, [set])],
    __rsub__: ['other, /', (set, a) => changed(operand(a[0], '-'), subtract, [set])],
    __rxor__: ['other, /', (set, a) => changed(operand(a[0], '^'), toggle, [set])],
    __sub__: ['other, /', (set, a) => changed(set, subtract, [operand(a[0], '-')])],
    __xor__: ['other, /', (set, a) => changed(set, toggle, [operand(a[0], '^')])],
    add: ['value, /', (set, a) => set.table.set(a[0], true)],
    clear: ['', set => set.table.clear()],
    copy: ['', set => set.copy()],
    difference: ['*others', (set, a) => changed(set, subtract, a.map(asSet))],
    difference_update: ['*others', (set, a) => set.subtract(...a.map(asSet))],
    discard: ['value, /', (set, a) => void set.table.delete(a[0])],
    intersection: ['*others', (set, a) => changed(set, intersect, a.map(asSet))],
    intersection_update: ['*others', (set, a) => set.intersect(...a.map(asSet))],
    isdisjoint: ['other, /', (set, a) => set.isApartFrom(asSet(a[0]))],
    issubset: ['other, /', (set, a) => set.isWithin(asSet(a[0]))],
    issuperset: ['other, /', (set, a) => asSet(a[0]).isWithin(set)],
    pop: ['', set => set.pop()],
    remove: ['value, /', (set, a) => set.remove(a[0])],
    symmetric_difference: ['other, /', (set, a) => changed(set, toggle, [asSet(a[0])])],
    symmetric_difference_update: ['other, /', (set, a) => set.toggle(asSet(a[0]))],
    union: ['*others', (set, a) => changed(set, unite, a.map(asSet))],
    update: ['*others', (set, a) => set.update(...a.map(asSet))],

    // as in JavaScript
    delete: ['value, /', (set, a) => set.table.delete(a[0])],
    has: ['value, /', (set, a) => set.table.has(a[0])],
    isDisjointFrom: ['other, /', (set, a) => set.isApartFrom(asSet(a[0]))],
    isSubsetOf: ['other, /', (set, a) => set.isWithin(asSet(a[0]))],
    isSupersetOf: ['other, /', (set, a) => asSet(a[0]).isWithin(set)],
    size: ['', set => set.table.size],
    symmetricDifference: ['other, /', (set, a) => changed(set, toggle, [asSet(a[0])])],
    values: ['', set => set.table.keyList()],
  },
  copy: set => set.copy(),
  repr: set => represent(set.copy()),
})
