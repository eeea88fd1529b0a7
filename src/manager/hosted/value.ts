/** Python's managers.Value: one value of a C type. */
import { defineType } from './hosted-type.ts'
import { represent } from './represent.ts'
import { Typed } from './typed.ts'

export class HostedValue {
  readonly #typed: Typed
  #value: unknown

  constructor(code: unknown, value: unknown) {
    this.#typed = new Typed(code)
    this.#value = this.#typed.fit(value)
  }

  get code(): string {
    return this.#typed.code
  }

  get(): unknown {
    return this.#value
  }

  set(value: unknown): void {
    this.#value = this.#typed.fit(value)
  }

  /** Adds to it and gives the sum: one step, whoever else calls. */
  add(value: unknown): unknown {
    this.#value = this.#typed.add(this.#value, value)
    return this.#value
  }
}

export const valueType = defineType<HostedValue>({
  typeid: 'Value',
  init: 'typecode, value, lock?',
  create: ([code, value]) => new HostedValue(code, value),
  methods: {
    get: ['', value => value.get()],
    set: ['value', (value, a) => value.set(a[0])],
    add: ['value, /', (value, a) => value.add(a[0])],
  },
  copy: value => value.get(),
  repr: value => `Value('${value.code}', ${represent(value.get())})`,
})
