/**
 * Writes a value as a pickle of protocol 4, or 5 for bytearrays without a call. Nothing but plain data calls anything:
 * a set, a date, an array and an error name the class that Python makes them by.
 *
 * Every object is memoized, so that one that is met again is the same object in Python: containers before their items,
 * what cannot change (tuples, frozensets, calls) after them. If such an object leads back to itself, it is there when its
 * items have been written: these are taken away again, and what was made of them is used.
 */
import { types } from 'node:util'
import { NotSerializableError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { ByteArray } from './byte-array.ts'
import { datetimeArguments } from './datetime-bytes.ts'
import { isOutOfStack } from './depth.ts'
import { callOfError } from './exceptions.ts'
import { FrozenSet } from './frozen-set.ts'
import { integerBytes } from './integers.ts'
import { Met, NEW } from './met.ts'
import * as op from './opcodes.ts'
import { Output } from './output.ts'
import { pathTo } from './path.ts'
import { PyFloat } from './py-float.ts'
import { type PythonCall, PythonGlobal, PythonObject } from './python-object.ts'
import { asTuple, Tuple } from './tuple.ts'
import { typecodeOf } from './typed-arrays.ts'

export type Reduce = (value: object) => PythonCall | undefined

const NO_ENTRIES: ReadonlyMap<unknown, unknown> = new Map()

/** Thrown on the way down; where it was is looked for when the stack is free again. */
class Refusal {
  readonly value: unknown
  readonly why: string

  constructor(value: unknown, why: string) {
    this.value = value
    this.why = why
  }
}

export class Writer {
  readonly #out = new Output()
  readonly #met = new Met()
  /** Names in the memo. */
  readonly #globals = new Map<string, number>()
  #protocol = 4
  #maxDepth = 0
  #reduce: Reduce | undefined
  #root: unknown

  pickle(value: unknown, protocol: 4 | 5, maxDepth: number, reduce: Reduce | undefined): Uint8Array {
    this.#protocol = protocol
    this.#maxDepth = maxDepth
    this.#reduce = reduce
    this.#root = value
    try {
      this.#out.short(op.PROTO, protocol)
      this.#value(value, 0)
      this.#out.uint8(op.STOP)
      return this.#out.finish()
    } catch (thrown) {
      throw this.#explain(thrown)
    } finally {
      this.#out.clear()
      this.#met.clear()
      if (this.#globals.size > 0) this.#globals.clear()
      this.#reduce = undefined
      this.#root = undefined
    }
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#text(value)
        break
      case 'number':
        this.#number(value)
        break
      case 'boolean':
        this.#out.uint8(value ? op.NEWTRUE : op.NEWFALSE)
        break
      case 'undefined':
        this.#out.uint8(op.NONE)
        break
      case 'bigint':
        this.#bigint(value)
        break
      case 'object':
        if (value === null) this.#out.uint8(op.NONE)
        else this.#object(value, depth)
        break
      case 'function':
        this.#object(value, depth)
        break
      default:
        this.#refuse(value, 'a symbol means nothing elsewhere')
    }
  }

  #text(text: string): void {
    this.#out.text(text, op.SHORT_BINUNICODE, op.BINUNICODE)
  }

  #number(value: number): void {
    const out = this.#out
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value <= 0xff) out.short(op.BININT1, value)
      else if (value >= 0 && value <= 0xffff) out.sized(op.BININT2, value, 2)
      else out.sized(op.BININT, value, 4)
    } else if (!Number.isSafeInteger(value) || value === 0) out.float(op.BINFLOAT, value)
    else this.#long(value)
  }

  /** A safe integer of more than 32 bits. */
  #long(value: number): void {
    let high = Math.floor(value / 0x1_0000_0000)
    let low = value >>> 0
    const length = high === (high << 24) >> 24 ? 5 : high === (high << 16) >> 16 ? 6 : 7
    this.#out.short(op.LONG1, length)
    for (let i = 0; i < 4; i++, low >>>= 8) this.#out.uint8(low & 0xff)
    for (let i = 4; i < length; i++, high >>= 8) this.#out.uint8(high & 0xff)
  }

  #bigint(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      this.#number(Number(value))
      return
    }
    const bytes = integerBytes(value)
    if (bytes.length <= 0xff) this.#out.short(op.LONG1, bytes.length)
    else this.#out.sized(op.LONG4, bytes.length, 4)
    this.#out.raw(bytes)
  }

  #object(value: object, depth: number): void {
    const state = this.#met.stateOf(value)
    const proto = Object.getPrototypeOf(value)
    if (state >= 0) this.#again(state)
    else if (proto === Tuple.prototype) this.#tuple(value as Tuple, depth, state)
    else if (proto === Array.prototype) this.#list(value as unknown[], depth)
    else if (proto === Object.prototype || proto === null) this.#plain(value as Record<string, unknown>, depth)
    else if (proto === Map.prototype) this.#dict(value as Map<unknown, unknown>, depth)
    else this.#instance(value, depth, state)
  }

  #instance(value: object, depth: number, state: number): void {
    const call = this.#reduce?.(value)
    if (call !== undefined) this.#call(value, call, depth, state)
    else if (typeof value === 'function') this.#refuse(value, 'Python cannot run it; send what it gives')
    else if (value instanceof Tuple) this.#tuple(value, depth, state)
    else if (Array.isArray(value)) this.#list(value, depth)
    else if (types.isMap(value)) this.#dict(value, depth)
    else if (value instanceof FrozenSet) this.#frozenSet(value, depth, state)
    else if (types.isSet(value)) this.#set(value, depth)
    else if (ArrayBuffer.isView(value)) this.#view(value, depth, state)
    else if (types.isArrayBuffer(value)) this.#bytes(value, new Uint8Array(value))
    else if (value instanceof PyFloat) this.#out.float(op.BINFLOAT, value.value)
    else if (value instanceof PythonGlobal) this.#global(value, value.module, value.name)
    else if (value instanceof PythonObject) this.#call(value, value, depth, state)
    else if (value instanceof Error || types.isNativeError(value)) this.#call(value, callOfError(value), depth, state)
    else if (isPlain(value)) this.#plain(value as Record<string, unknown>, depth)
    else this.#datetime(value, depth, state)
  }

  #datetime(value: object, depth: number, state: number): void {
    const found = datetimeArguments(value)
    if (found !== undefined) {
      const [name, args] = found
      this.#call(value, { module: 'datetime', name, args }, depth, state)
    } else if (types.isDate(value)) this.#refuse(value, 'it must be a date of the years 1 to 9999')
    else this.#refuse(value, 'send a plain object of what it holds, or a PythonObject')
  }

  #again(place: number): void {
    if (place <= 0xff) this.#out.short(op.BINGET, place)
    else this.#out.sized(op.LONG_BINGET, place, 4)
  }

  /** Memoizes an object that Python has just made, before anything is put into it. */
  #memoize(value: object): void {
    this.#out.uint8(op.MEMOIZE)
    this.#met.memoizeNew(value)
  }

  #deeper(value: object, depth: number): number {
    if (depth < this.#maxDepth) return depth + 1
    this.#refuse(value, `it is nested deeper than ${this.#maxDepth} levels`)
  }

  #list(list: readonly unknown[], depth: number): void {
    const inside = this.#deeper(list, depth)
    const out = this.#out
    out.uint8(op.EMPTY_LIST)
    this.#memoize(list)
    if (list.length === 0) return
    out.uint8(op.MARK)
    for (let i = 0; i < list.length; i++) this.#value(list[i], inside)
    out.uint8(op.APPENDS)
  }

  #plain(object: Record<string, unknown>, depth: number): void {
    const inside = this.#deeper(object, depth)
    const out = this.#out
    out.uint8(op.EMPTY_DICT)
    this.#memoize(object)
    const keys = Object.keys(object)
    if (keys.length === 0) return
    out.uint8(op.MARK)
    for (const key of keys) {
      this.#text(key)
      this.#value(object[key], inside)
    }
    out.uint8(op.SETITEMS)
  }

  #dict(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#out.uint8(op.EMPTY_DICT)
    this.#memoize(map)
    this.#entries(map, this.#deeper(map, depth))
  }

  #entries(map: ReadonlyMap<unknown, unknown>, inside: number): void {
    if (map.size === 0) return
    this.#out.uint8(op.MARK)
    for (const [key, value] of map) {
      this.#key(key, inside)
      this.#value(value, inside)
    }
    this.#out.uint8(op.SETITEMS)
  }

  #key(key: unknown, inside: number): void {
    if (typeof key === 'object' && !isHashable(key, this.#maxDepth)) {
      this.#refuse(key, 'Python cannot hash it; as a key or an item of a set give a tuple(), a FrozenSet or bytes')
    }
    this.#value(key, inside)
  }

  #set(set: ReadonlySet<unknown>, depth: number): void {
    const inside = this.#deeper(set, depth)
    this.#out.uint8(op.EMPTY_SET)
    this.#memoize(set)
    if (set.size === 0) return
    this.#out.uint8(op.MARK)
    for (const item of set) this.#key(item, inside)
    this.#out.uint8(op.ADDITEMS)
  }

  #frozenSet(set: FrozenSet, depth: number, state: number): void {
    const inside = this.#deeper(set, depth)
    this.#begin(set, state)
    this.#out.uint8(op.MARK)
    for (const item of set) this.#key(item, inside)
    this.#end(set, op.FROZENSET, op.POP_MARK)
  }

  #tuple(tuple: Tuple, depth: number, state: number): void {
    const length = tuple.length
    if (length === 0) {
      this.#out.uint8(op.EMPTY_TUPLE)
      return
    }
    const inside = this.#deeper(tuple, depth)
    this.#begin(tuple, state)
    if (length > 3) this.#out.uint8(op.MARK)
    for (let i = 0; i < length; i++) this.#value(tuple[i], inside)
    if (length > 3) this.#end(tuple, op.TUPLE, op.POP_MARK)
    else this.#end(tuple, length === 1 ? op.TUPLE1 : length === 2 ? op.TUPLE2 : op.TUPLE3, op.POP, length)
  }

  /** Before the items of an object that is memoized after them. */
  #begin(value: object, state: number): void {
    if (state === NEW) this.#met.beginNew(value)
    else if (state !== -2 - this.#met.memoized) this.#met.begin(value)
    else this.#refuse(value, 'it is in itself with nothing between that could be changed; put a list between')
  }

  /** After them: makes the object, unless they have made it already. */
  #end(value: object, code: number, undo: number, times = 1): void {
    const state = this.#met.stateOf(value)
    if (state >= 0) {
      for (let i = 0; i < times; i++) this.#out.uint8(undo)
      this.#again(state)
    } else {
      this.#out.uint8(code)
      this.#out.uint8(op.MEMOIZE)
      this.#met.memoize(value)
    }
  }

  #view(view: ArrayBufferView, depth: number, state: number): void {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    const typecode = typecodeOf(view)
    if (view instanceof ByteArray) this.#byteArray(view, bytes, depth, state)
    else if (types.isUint8Array(view) || types.isDataView(view)) this.#bytes(view, bytes)
    else if (typecode === undefined) this.#refuse(view, 'Python has no array of such numbers')
    else this.#call(view, { module: 'array', name: 'array', args: [typecode, bytes] }, depth, state)
  }

  #byteArray(value: ByteArray, bytes: Uint8Array, depth: number, state: number): void {
    if (this.#protocol < 5) {
      this.#call(value, { module: 'builtins', name: 'bytearray', args: [bytes] }, depth, state)
    } else {
      this.#out.sized(op.BYTEARRAY8, bytes.length, 8)
      this.#out.raw(bytes)
      this.#memoize(value)
    }
  }

  #bytes(value: object, bytes: Uint8Array): void {
    const length = bytes.length
    if (length <= 0xff) this.#out.short(op.SHORT_BINBYTES, length)
    else if (length <= 0xffffffff) this.#out.sized(op.BINBYTES, length, 4)
    else this.#out.sized(op.BINBYTES8, length, 8)
    this.#out.raw(bytes)
    this.#memoize(value)
  }

  #global(value: object, module: string, name: string): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      this.#refuse(value, 'its `module` and `name` must be strings')
    const key = `${module} ${name}`
    const place = this.#globals.get(key)
    if (place !== undefined) {
      this.#again(place)
      return
    }
    this.#text(module)
    this.#text(name)
    this.#out.uint8(op.STACK_GLOBAL)
    this.#out.uint8(op.MEMOIZE)
    this.#globals.set(key, this.#met.memoized++)
  }

  /** What Python makes by a call, for the object that stands for it here. */
  #call(value: object, call: PythonCall, depth: number, state: number): void {
    const { module, name, args, kwargs, bare, callable, items, entries } = call
    const inside = this.#deeper(value, depth)
    const out = this.#out
    if (!Array.isArray(args) || !Array.isArray(items ?? []) || !types.isMap(entries ?? NO_ENTRIES))
      this.#refuse(value, '`args` and `items` must be arrays, and `entries` a Map')
    this.#begin(value, state)
    if (callable === undefined) this.#global(value, module, name)
    else this.#value(callable, inside)
    this.#value(args instanceof Tuple ? args : asTuple([...args]), inside)
    if (kwargs === undefined) this.#end(value, bare ? op.NEWOBJ : op.REDUCE, op.POP, 2)
    else {
      this.#value(kwargs, inside)
      if (!bare) this.#refuse(value, '`kwargs` need `bare`')
      this.#end(value, op.NEWOBJ_EX, op.POP, 3)
    }
    if (items !== undefined && items.length > 0) {
      out.uint8(op.MARK)
      for (const item of items) this.#value(item, inside)
      out.uint8(op.APPENDS)
    }
    if (entries !== undefined) this.#entries(entries, inside)
    if (call.state === undefined) return
    this.#value(call.state, inside)
    out.uint8(op.BUILD)
  }

  #refuse(value: unknown, why: string): never {
    throw new Refusal(value, why)
  }

  /** What was thrown on the way, as an error that says where in the value that was; of what others threw nothing is changed. */
  #explain(thrown: unknown): unknown {
    if (isOutOfStack(thrown)) {
      return new NotSerializableError(
        `Expected a value that is not too deep for the stack that is left here; lower \`maxDepth\` to learn where it is deep`,
        { cause: thrown },
      )
    }
    if (!(thrown instanceof Refusal)) return thrown
    const path = pathTo(this.#root, thrown.value, this.#maxDepth)
    return new NotSerializableError(
      `Expected \`${path}\` to be a value that Python can have, got ${describe(thrown.value)}; ${thrown.why}`,
      { path },
    )
  }
}

/** A plain object of another realm: its prototype is one like ours, and the last. */
function isPlain(value: object): boolean {
  const proto = Object.getPrototypeOf(value)
  return Object.getPrototypeOf(proto) === null && Object.hasOwn(proto, 'isPrototypeOf')
}

/** Whether Python can have it as a key: not what can change. `found`: tuples that are, each of them looked through once. */
function isHashable(key: unknown, left: number, found?: Set<Tuple>): boolean {
  if (typeof key !== 'object' || key === null) return true
  if (key instanceof Tuple) {
    if (left === 0 || found?.has(key)) return true
    const all = found ?? new Set()
    if (!key.every(item => isHashable(item, left - 1, all))) return false
    all.add(key)
    return true
  }
  if (key instanceof FrozenSet || key instanceof Date) return true
  if (types.isUint8Array(key)) return !(key instanceof ByteArray)
  if (Array.isArray(key) || ArrayBuffer.isView(key) || types.isMap(key) || types.isSet(key)) return false
  const proto = Object.getPrototypeOf(key)
  return proto !== Object.prototype && proto !== null
}
