/** Goes through a hosted object step by step: what `iter()` of a proxy gives. */

import { asError } from '../../pickle/exceptions.ts'
import { PythonGlobal, PythonObject } from '../../pickle/python-object.ts'
import { Tuple } from '../../pickle/tuple.ts'
import { defineType } from './hosted-type.ts'
import { ITERATE, typeName } from './kinds-of-value.ts'
import { runtimeError, stopIteration, typeError } from './python-errors.ts'
import { integer } from './subscript.ts'

export class HostedIterator {
  #items: Iterator<unknown> | undefined
  readonly #size: () => number
  readonly #expected: number
  readonly #changed: string

  /** `size`: of what is gone through; when it has changed, so that places are no more what they were, `changed` says so. */
  constructor(items: Iterable<unknown>, size: () => number, changed: string) {
    this.#items = items[Symbol.iterator]()
    this.#size = size
    this.#expected = size()
    this.#changed = changed
  }

  /** undefined: that was all. */
  step(): { value: unknown } | undefined {
    if (this.#items === undefined) return undefined
    if (this.#size() !== this.#expected) throw runtimeError(this.#changed)
    const next = this.#items.next()
    if (!next.done) return next
    this.#items = undefined
    return undefined
  }

  next(): unknown {
    const next = this.step()
    if (next === undefined) throw stopIteration()
    return next.value
  }

  close(): void {
    this.#items = undefined
  }

  *[ITERATE](): Generator<unknown> {
    for (let next = this.step(); next !== undefined; next = this.step()) yield next.value
  }
}

/** What `raise` makes of a class, or an exception, and a value. */
function raised(type: unknown, value: unknown): Error {
  if (value instanceof Error) return value
  if (type instanceof Error) return type
  if (type instanceof PythonGlobal) {
    const args = value === undefined || value === null ? [] : value instanceof Tuple ? value : [value]
    return asError(new PythonObject(type.module, type.name, args))
  }
  return typeError(`exceptions must be classes or instances deriving from BaseException, not ${typeName(type)}`)
}

function made([items]: readonly unknown[]): HostedIterator {
  if (items instanceof HostedIterator) return items
  if (typeof items !== 'object' || items === null || !(Symbol.iterator in items))
    throw typeError('an Iterator is made by going through something else')
  return new HostedIterator(items as Iterable<unknown>, () => 0, '')
}

export const iteratorType = defineType<HostedIterator>({
  typeid: 'Iterator',
  init: 'items, /',
  create: made,
  methods: {
    __next__: ['', it => it.next()],
    send: ['value, /', it => it.next()],
    throw: [
      'type, value?, traceback?, /',
      (it, [type, value]) => {
        it.close()
        throw raised(type, value)
      },
    ],
    close: ['', it => it.close()],
    // the next `n` at once; fewer, or none: that was all
    nextMany: [
      'n, /',
      (it, [n]) => {
        const items: unknown[] = []
        for (let left = integer(n); left > 0; left--) {
          const next = it.step()
          if (next === undefined) break
          items.push(next.value)
        }
        return items
      },
    ],
  },
})
