/** What an object is, by what it has inside and not by what it says: also right across realms and for spoofed prototypes. */
import * as types from 'node:util/types'
import { className } from '../contract/options.ts'
import { isShareable } from '../contract/shareable.ts'
import { classOf, type RegisteredClass } from './register-class.ts'

export type Class =
  | {
      readonly kind:
        | 'handle'
        | 'binary'
        | 'array'
        | 'plain'
        | 'null prototype'
        | 'map'
        | 'set'
        | 'error'
        | 'date'
        | 'regexp'
        | 'boxed'
    }
  | { readonly kind: 'instance'; readonly registered: RegisteredClass }
  | { readonly kind: 'refused'; readonly what: string; readonly mend: string }

const handle: Class = { kind: 'handle' }
const binary: Class = { kind: 'binary' }
const array: Class = { kind: 'array' }
const plain: Class = { kind: 'plain' }
const nullPrototype: Class = { kind: 'null prototype' }
const map: Class = { kind: 'map' }
const set: Class = { kind: 'set' }
const error: Class = { kind: 'error' }
const date: Class = { kind: 'date' }
const regexp: Class = { kind: 'regexp' }
const boxed: Class = { kind: 'boxed' }

const shared: Class = {
  kind: 'refused',
  what: 'memory of a SharedArrayBuffer',
  mend: 'it can be shared between threads of one process only; send a copy of it: new Uint8Array(shared).slice()',
}

/** What must not travel although it looks like an object, and what to do instead. */
const refused: readonly [test: (value: object) => boolean, what: string, mend: string][] = [
  [types.isPromise, 'a Promise', 'await it and send its result'],
  [types.isWeakMap, 'a WeakMap', 'its entries cannot be listed; send a Map of those that matter'],
  [types.isWeakSet, 'a WeakSet', 'its items cannot be listed; send a Set of those that matter'],
  [value => value instanceof WeakRef, 'a WeakRef', 'send what deref() gives'],
  [value => value instanceof FinalizationRegistry, 'a FinalizationRegistry', 'leave it out'],
  [types.isGeneratorObject, 'a generator', 'send the items, as in [...generator]'],
  [types.isMapIterator, 'an iterator of a Map', 'send the items, as in [...iterator]'],
  [types.isSetIterator, 'an iterator of a Set', 'send the items, as in [...iterator]'],
  [types.isExternal, 'a pointer of native code', 'leave it out'],
  [types.isSymbolObject, 'a boxed symbol', 'send a string in its place'],
]

/**
 * Prototypes of classes of the user's own that are known to extend no built-in one, so that their instances need no tests.
 * A prototype says so only when every link of its chain was made in this realm by such a class.
 */
const ordinary = new WeakSet<object>()
const builtIn = new Set<unknown>(
  [
    Promise,
    WeakMap,
    WeakSet,
    WeakRef,
    FinalizationRegistry,
    Map,
    Set,
    Date,
    RegExp,
    Error,
    Array,
    ArrayBuffer,
    SharedArrayBuffer,
  ]
    .concat([DataView, Boolean, Number, String, BigInt, Symbol, Function] as any[])
    .map(made => made.prototype)
    .concat([
      Object.getPrototypeOf(Uint8Array.prototype),
      Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())),
    ]),
)

export function classify(value: object): Class {
  const proto = Object.getPrototypeOf(value)
  if (isShareable(value)) return handle
  const registered = classOf(value)
  if (registered !== undefined) return { kind: 'instance', registered }
  if (proto !== null && ordinary.has(proto)) return plain
  if (ArrayBuffer.isView(value)) return types.isSharedArrayBuffer(value.buffer) ? shared : binary
  if (Array.isArray(value)) return array
  if (types.isMap(value)) return map
  if (types.isSet(value)) return set
  if (types.isDate(value)) return date
  if (types.isNativeError(value) || value instanceof Error) return error // not native: DOMException, as in an AbortError
  if (types.isRegExp(value)) return regexp
  if (types.isArrayBuffer(value)) return binary
  if (types.isSharedArrayBuffer(value)) return shared
  for (const [test, what, mend] of refused) if (test(value)) return { kind: 'refused', what: named(value, what), mend }
  if (types.isBoxedPrimitive(value)) return boxed
  if (proto === null) return nullPrototype
  if (extendsNothing(proto)) ordinary.add(proto)
  return plain
}

/** A subclass is called by its own name, as the reader of the message knows it. */
function named(value: object, what: string): string {
  const name = className(value)
  return name === undefined || what.endsWith(` ${name}`) || !/^[A-Z]/.test(name) ? what : `${what} (${name})`
}

function extendsNothing(proto: object): boolean {
  if (types.isProxy(proto)) return false
  for (let link = proto; link !== Object.prototype; link = Object.getPrototypeOf(link)) {
    if (link === null || builtIn.has(link) || types.isProxy(link)) return false
  }
  return true
}
