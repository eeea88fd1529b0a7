/** Python's managers.Namespace: names and what they stand for. Names lie in a table of their own, none of them is special. */
import { defineType } from './hosted-type.ts'
import { entriesOf, typeName } from './kinds-of-value.ts'
import { attributeError, typeError } from './python-errors.ts'
import { represent } from './represent.ts'

export class HostedNamespace {
  readonly names = new Map<string, unknown>()

  get(name: unknown): unknown {
    const value = this.names.get(name as string)
    if (value === undefined && !this.names.has(checkName(name)))
      throw attributeError(`'Namespace' object has no attribute '${name}'`)
    return value
  }

  delete(name: unknown): void {
    if (!this.names.delete(checkName(name))) throw attributeError(`'Namespace' object has no attribute '${name}'`)
  }
}

function checkName(name: unknown): string {
  if (typeof name === 'string') return name
  throw typeError(`attribute name must be string, not '${typeName(name)}'`)
}

function made([items, more]: readonly unknown[]): HostedNamespace {
  const namespace = new HostedNamespace()
  for (const given of [items, more]) {
    const entries = given === undefined || given === null ? [] : entriesOf(given)
    if (entries === undefined) throw typeError(`expected a dict of names, got '${typeName(given)}'`)
    for (const [name, value] of entries) namespace.names.set(checkName(name), value)
  }
  return namespace
}

export const namespaceType = defineType<HostedNamespace>({
  typeid: 'Namespace',
  init: 'items?, /, **more',
  create: made,
  methods: {
    __delattr__: ['name, /', (namespace, a) => namespace.delete(a[0])],
    __getattribute__: ['name, /', (namespace, a) => namespace.get(a[0])],
    __setattr__: ['name, value, /', (namespace, a) => void namespace.names.set(checkName(a[0]), a[1])],

    // as in JavaScript
    delete: ['name, /', (namespace, a) => namespace.names.delete(checkName(a[0]))],
    entries: ['', namespace => [...namespace.names]],
    get: ['name, /', (namespace, a) => namespace.names.get(checkName(a[0]))],
    has: ['name, /', (namespace, a) => namespace.names.has(checkName(a[0]))],
    set: ['name, value, /', (namespace, a) => void namespace.names.set(checkName(a[0]), a[1])],
  },
  copy: namespace => new Map(namespace.names),
  // Python leaves out what begins with an underscore, and sorts
  repr: namespace =>
    `Namespace(${[...namespace.names]
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, value]) => `${name}=${represent(value)}`)
      .sort()
      .join(', ')})`,
})
