/** Python's dict, with the names of JavaScript's Map beside its own. Keys: keyed.ts. */

import { type Tuple, tuple } from '../../pickle/tuple.ts'
import { equal } from './equal.ts'
import { defineType } from './hosted-type.ts'
import { HostedIterator } from './iterator.ts'
import { Keyed } from './keyed.ts'
import { entriesOf, ITERATE, itemsOf, iterated, typeName } from './kinds-of-value.ts'
import { backwards } from './list.ts'
import { keyError, typeError, valueError } from './python-errors.ts'
import { represent } from './represent.ts'

export class HostedDict {
  readonly table = new Keyed<unknown>()

  get(key: unknown): unknown {
    const { table } = this
    const value = table.get(key)
    if (value === undefined && !table.has(key)) throw keyError(key)
    return value
  }

  delete(key: unknown): void {
    if (!this.table.delete(key)) throw keyError(key)
  }

  /** `args`: the key, and what to give when it is not there. */
  pop(args: readonly unknown[]): unknown {
    const { table } = this
    const key = args[0]
    if (table.size > 0) {
      const value = table.get(key)
      if (table.delete(key)) return value
    }
    if (args.length > 1) return args[1]
    throw keyError(key)
  }

  popitem(): Tuple {
    if (this.table.size === 0) throw keyError('popitem(): dictionary is empty')
    const key = this.table.lastKey()
    const value = this.table.get(key)
    this.table.delete(key)
    return tuple(key, value)
  }

  setDefault(key: unknown, value: unknown): unknown {
    const { table } = this
    const found = table.get(key)
    if (found !== undefined || table.has(key)) return found
    table.set(key, value)
    return value
  }

  /** A dict, or pairs. */
  update(value: unknown): void {
    const entries = value instanceof HostedDict ? [...value.table] : entriesOf(value)
    if (entries !== undefined) for (const [key, item] of entries) this.table.set(key, item)
    else for (const [i, pair] of itemsOf(value).entries()) this.#put(pair, i)
  }

  #put(pair: unknown, place: number): void {
    const items = iterated(pair)
    if (items === undefined)
      throw typeError(`cannot convert dictionary update sequence element #${place} to a sequence`)
    const [...parts] = items
    if (parts.length !== 2) {
      throw valueError(`dictionary update sequence element #${place} has length ${parts.length}; 2 is required`)
    }
    this.table.set(parts[0], parts[1])
  }

  /** A plain copy. */
  copy(): Map<unknown, unknown> {
    return new Map(this.table)
  }

  /** `|`: the entries of both, those of `over` where both have the key. */
  static merged(under: unknown, over: unknown): Map<unknown, unknown> {
    const merged = new HostedDict()
    for (const operand of [under, over]) {
      if (!(operand instanceof HostedDict) && entriesOf(operand) === undefined)
        throw typeError(`unsupported operand type(s) for |: '${typeNameOf(under)}' and '${typeNameOf(over)}'`)
      merged.update(operand)
    }
    return merged.copy()
  }

  iterator(): HostedIterator {
    return new HostedIterator(this.table.keys(), () => this.table.size, 'dictionary changed size during iteration')
  }

  [ITERATE](): Iterable<unknown> {
    return this.table.keys()
  }
}

const typeNameOf = (value: unknown): string => (value instanceof HostedDict ? 'dict' : typeName(value))

function fromKeys(keys: unknown, value: unknown): Map<unknown, unknown> {
  const dict = new HostedDict()
  for (const key of itemsOf(keys)) dict.table.set(key, value)
  return dict.copy()
}

export const dictType = defineType<HostedDict>({
  typeid: 'dict',
  init: 'items?, /, **more',
  create(args) {
    const dict = new HostedDict()
    if (args[0] !== undefined) dict.update(args[0])
    if (args[1] !== undefined) dict.update(args[1])
    return dict
  },
  gives: { __iter__: 'Iterator' },
  methods: {
    __contains__: ['key, /', (dict, a) => dict.table.has(a[0])],
    __delitem__: ['key, /', (dict, a) => dict.delete(a[0])],
    __eq__: ['other, /', (dict, a) => equal(dict.copy(), a[0] instanceof HostedDict ? a[0].copy() : a[0])],
    __getitem__: ['key, /', (dict, a) => dict.get(a[0])],
    __ior__: ['other, /', (dict, a) => dict.update(a[0])],
    __iter__: ['', dict => dict.iterator()],
    __len__: ['', dict => dict.table.size],
    __or__: ['other, /', (dict, a) => HostedDict.merged(dict, a[0])],
    __reversed__: ['', dict => backwards(dict.table.keyList())],
    __ror__: ['other, /', (dict, a) => HostedDict.merged(a[0], dict)],
    __setitem__: ['key, value, /', (dict, a) => dict.table.set(a[0], a[1])],
    clear: ['', dict => dict.table.clear()],
    copy: ['', dict => dict.copy()],
    fromkeys: ['keys, value?, /', (_, a) => fromKeys(a[0], a[1] ?? null)],
    get: [
      'key, default?, /',
      (dict, a) => {
        const value = dict.table.get(a[0])
        return value === undefined && a.length > 1 && !dict.table.has(a[0]) ? a[1] : value
      },
    ],
    items: ['', dict => Array.from(dict.table, ([key, value]) => tuple(key, value))],
    keys: ['', dict => dict.table.keyList()],
    pop: ['key, default?, /', (dict, a) => dict.pop(a)],
    popitem: ['', dict => dict.popitem()],
    setdefault: ['key, default?, /', (dict, a) => dict.setDefault(a[0], a[1] ?? null)],
    update: [
      'other?, /, **more',
      (dict, a) => {
        if (a[0] !== undefined) dict.update(a[0])
        if (a[1] !== undefined) dict.update(a[1])
      },
    ],
    values: ['', dict => dict.table.valueList()],

    // as in JavaScript
    delete: ['key, /', (dict, a) => dict.table.delete(a[0])],
    entries: ['', dict => [...dict.table]],
    has: ['key, /', (dict, a) => dict.table.has(a[0])],
    set: ['key, value, /', (dict, a) => dict.table.set(a[0], a[1])],
    setDefault: ['key, value, /', (dict, a) => dict.setDefault(a[0], a[1])],
    size: ['', dict => dict.table.size],
  },
  copy: dict => dict.copy(),
  repr: dict => represent(dict.copy()),
})
