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
        return this.#out.text(value, op.SHORT_BINUNICODE, op.BINUNICODE)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return this.#out.uint8(value ? op.NEWTRUE : op.NEWFALSE)
      case 'undefined':
        return this.#out.uint8(op.NONE)
      case 'bigint':
        return this.#bigint(value)
      case 'object':
        return value === null ? this.#out.uint8(op.NONE) : this.#object(value, depth)
      case 'function':
        return this.#special(value, depth, this.#met.stateOf(value))
      default:
        this.#refuse(value, 'a symbol means nothing elsewhere')
    }
  }

  #number(value: number): void {
    const out = this.#out
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value <= 0xff) out.short(op.BININT1, value)
      else if (value >= 0 && value <= 0xffff) out.sized(op.BININT2, value, 2)
      else out.sized(op.BININT, value, 4)
      return
    }
    if (!Number.isSafeInteger(value) || value === 0) return out.float(op.BINFLOAT, value)
    let rest = Math.floor(value / 0x1_0000_0000)
    const length = rest === (rest << 24) >> 24 ? 5 : rest === (rest << 16) >> 16 ? 6 : 7
    out.short(op.LONG1, length)
    let low = value >>> 0
    for (let i = 0; i < length; i++) {
      out.uint8(i < 4 ? low & 0xff : rest & 0xff)
      if (i < 4) low >>>= 8
      else rest >>= 8
    }
  }

  #bigint(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return this.#number(Number(value))
    const bytes = integerBytes(value)
    if (bytes.length <= 0xff) this.#out.short(op.LONG1, bytes.length)
    else this.#out.sized(op.LONG4, bytes.length, 4)
    this.#out.raw(bytes)
  }

  #object(value: object, depth: number): void {
    const state = this.#met.stateOf(value)
    if (state >= 0) return this.#again(state)
    const proto = Object.getPrototypeOf(value)
    if (proto === Tuple.prototype) return this.#tuple(value as Tuple, depth, state)
    if (proto === Array.prototype) return this.#list(value as unknown[], depth)
    if (proto === Object.prototype || proto === null) return this.#plain(value as Record<string, unknown>, depth)
    if (proto === Map.prototype) return this.#dict(value as Map<unknown, unknown>, depth)
    return this.#special(value, depth, state)
  }

  #special(value: object, depth: number, state: number): void {
    if (state >= 0) return this.#again(state)
    const call = this.#reduce?.(value)
    if (call !== undefined) return this.#call(value, call, depth, state)
    if (typeof value === 'function') this.#refuse(value, 'Python cannot run it; send what it gives')
    if (value instanceof Tuple) return this.#tuple(value, depth, state)
    if (Array.isArray(value)) return this.#list(value, depth)
    if (types.isMap(value)) return this.#dict(value, depth)
    if (types.isSet(value)) {
      return value instanceof FrozenSet ? this.#frozenSet(value, depth, state) : this.#set(value, depth)
    }
    if (ArrayBuffer.isView(value)) return this.#view(value, depth)
    if (types.isArrayBuffer(value)) return this.#bytes(value, new Uint8Array(value))
    if (value instanceof PyFloat) return this.#out.float(op.BINFLOAT, value.value)
    if (value instanceof PythonGlobal) return this.#global(value.module, value.name)
    if (value instanceof PythonObject) return this.#call(value, value, depth, state)
    if (value instanceof Error) return this.#call(value, callOfError(value), depth, state)
    const datetime = datetimeArguments(value)
    if (datetime !== undefined) {
      const [name, args] = datetime
      return this.#call(value, { module: 'datetime', name, args }, depth, state)
    }
    if (types.isDate(value)) this.#refuse(value, 'it must be a date of the years 1 to 9999')
    // a plain object of another realm
    if (Object.getPrototypeOf(Object.getPrototypeOf(value)) === null && !types.isProxy(value) && isPlain(value)) {
      return this.#plain(value as Record<string, unknown>, depth)
    }
    this.#refuse(value, 'send a plain object of what it holds, or a PythonObject')
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
      out.text(key, op.SHORT_BINUNICODE, op.BINUNICODE)
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
    const out = this.#out
    const length = tuple.length
    if (length === 0) return out.uint8(op.EMPTY_TUPLE)
    const inside = this.#deeper(tuple, depth)
    this.#begin(tuple, state)
    if (length > 3) out.uint8(op.MARK)
    for (let i = 0; i < length; i++) this.#value(tuple[i], inside)
    if (length > 3) this.#end(tuple, op.TUPLE, op.POP_MARK)
    else this.#end(tuple, length === 1 ? op.TUPLE1 : length === 2 ? op.TUPLE2 : op.TUPLE3, op.POP, length)
  }

  /** Before the items of an object that is memoized after them. */
  #begin(value: object, state: number): void {
    if (state === -2 - this.#met.memoized) {
      this.#refuse(value, 'it is in itself with nothing between that could be changed; put a list between')
    }
    if (state === NEW) this.#met.beginNew(value)
    else this.#met.begin(value)
  }

  /** After them: makes the object, unless they have made it already. */
  #end(value: object, code: number, undo: number, times = 1): void {
    const state = this.#met.stateOf(value)
    if (state >= 0) {
      for (let i = 0; i < times; i++) this.#out.uint8(undo)
      return this.#again(state)
    }
    this.#out.uint8(code)
    this.#out.uint8(op.MEMOIZE)
    this.#met.memoize(value)
  }

  #view(view: ArrayBufferView, depth: number): void {
    if (view instanceof ByteArray) {
      const bytes = asBytes(view)
      if (this.#protocol < 5) {
        return this.#call(view, { module: 'builtins', name: 'bytearray', args: [bytes] }, depth, NEW)
      }
      this.#out.sized(op.BYTEARRAY8, bytes.length, 8)
      this.#out.raw(bytes)
      return this.#memoize(view)
    }
    if (types.isUint8Array(view) || types.isDataView(view)) return this.#bytes(view, asBytes(view))
    const typecode = typecodeOf(view)
    if (typecode === undefined) this.#refuse(view, 'Python has no array of such numbers')
    this.#call(view, { module: 'array', name: 'array', args: [typecode, asBytes(view)] }, depth, NEW)
  }

  #bytes(value: object, bytes: Uint8Array): void {
    const length = bytes.length
    if (length <= 0xff) this.#out.short(op.SHORT_BINBYTES, length)
    else if (length <= 0xffffffff) this.#out.sized(op.BINBYTES, length, 4)
    else this.#out.sized(op.BINBYTES8, length, 8)
    this.#out.raw(bytes)
    this.#memoize(value)
  }

  #global(module: string, name: string): void {
    const key = `${module} ${name}`
    const place = this.#globals.get(key)
    if (place !== undefined) return this.#again(place)
    this.#out.text(module, op.SHORT_BINUNICODE, op.BINUNICODE)
    this.#out.text(name, op.SHORT_BINUNICODE, op.BINUNICODE)
    this.#out.uint8(op.STACK_GLOBAL)
    this.#out.uint8(op.MEMOIZE)
    this.#globals.set(key, this.#met.memoized++)
  }

  /** What Python makes by a call, for the object that stands for it here. */
  #call(value: object, call: PythonCall, depth: number, state: number): void {
    const { module, name, args, kwargs, bare, callable, items, entries } = call
    const inside = this.#deeper(value, depth)
    const out = this.#out
    this.#begin(value, state)
    if (callable === undefined) this.#global(module, name)
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
    const path = pathTo(this.#root, value, this.#maxDepth)
    throw new NotSerializableError(
      `Expected \`${path}\` to be a value that Python can have, got ${describe(value)}; ${why}`,
      { path },
    )
  }
}

function asBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/** An object of a class named Object, as another realm has them. */
function isPlain(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Object]' && value.constructor?.name === 'Object'
}

/** Whether Python can have it as a key: not what can change. */
function isHashable(key: unknown, left: number): boolean {
  if (typeof key !== 'object' || key === null) return true
  if (key instanceof Tuple) return left === 0 || key.every(item => isHashable(item, left - 1))
  if (key instanceof FrozenSet || key instanceof Date) return true
  if (types.isUint8Array(key)) return !(key instanceof ByteArray)
  if (Array.isArray(key) || ArrayBuffer.isView(key) || types.isMap(key) || types.isSet(key)) return false
  const proto = Object.getPrototypeOf(key)
  return proto !== Object.prototype && proto !== null
}
