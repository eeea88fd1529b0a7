/** Python's managers.Array: values of one C type. Slices of it are plain lists; assigning to one may change the length. */
import { defineType } from './hosted-type.ts'
import { ITERATE, itemsOf, iterated, typeName } from './kinds-of-value.ts'
import { HostedList } from './list.ts'
import { typeError } from './python-errors.ts'
import { represent } from './represent.ts'
import { integer, placeOf, sliceOf } from './subscript.ts'
import { Typed } from './typed.ts'

export class HostedArray {
  readonly #typed: Typed
  readonly #list: HostedList

  constructor(code: unknown, items: unknown) {
    this.#typed = new Typed(code)
    this.#list = new HostedList(itemsOf(items).map(item => this.#typed.fit(item)))
  }

  get code(): string {
    return this.#typed.code
  }

  get items(): readonly unknown[] {
    return this.#list.items
  }

  get(subscript: unknown): unknown {
    const { length } = this.items
    if (sliceOf(subscript, length)) return this.#list.get(subscript)
    return this.items[placeOf(subscript, length, 'array', 'array')]
  }

  set(subscript: unknown, value: unknown): void {
    const { length } = this.items
    if (sliceOf(subscript, length)) {
      if (iterated(value) === undefined)
        throw typeError(`can only assign array (not "${typeName(value)}") to array slice`)
      this.#list.set(
        subscript,
        itemsOf(value).map(item => this.#typed.fit(item)),
      )
    } else this.#list.set(placeOf(subscript, length, 'array', 'array assignment'), this.#typed.fit(value))
  }

  /** By JavaScript's rules. */
  slice(start: unknown, stop: unknown): unknown[] {
    return this.#list.slice(start, stop)
  }

  [ITERATE](): readonly unknown[] {
    return this.items
  }
}

export const arrayType = defineType<HostedArray>({
  typeid: 'Array',
  init: 'typecode, sequence, lock?',
  create: ([code, items]) => new HostedArray(code, items),
  methods: {
    __getitem__: ['index, /', (array, a) => array.get(a[0])],
    __len__: ['', array => array.items.length],
    __setitem__: ['index, value, /', (array, a) => array.set(a[0], a[1])],

    // as in JavaScript
    at: ['index, /', (array, a) => array.items.at(integer(a[0]))],
    length: ['', array => array.items.length],
    slice: ['start?, stop?, /', (array, a) => array.slice(a[0], a[1])],
  },
  copy: array => [...array.items],
  repr: array => `array('${array.code}', ${represent(array.items)})`,
})
