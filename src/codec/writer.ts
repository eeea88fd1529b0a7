/**
 * A value → the bytes of its head. One loop over the value, straight into a buffer that is used again and again.
 *
 * Nothing that a value says about itself decides how it is read (`constructor`, `toJSON`, `Symbol.toStringTag`): a plain
 * object, an array and a number are known by what they are, and everything else by `classify`.
 */
import { NotSerializableError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { SHAREABLE, type Shareable } from '../contract/shareable.ts'
import { copyBytes, kindOf } from './binary.ts'
import { classify } from './classify.ts'
import { packError } from './failure.ts'
import * as tag from './format.ts'
import { Output } from './output.ts'
import { pathOf, type Step } from './path.ts'
import type { RegisteredClass } from './register-class.ts'
import { Seen } from './seen.ts'

const NO_HANDLES: readonly Shareable[] = Object.freeze([])
const NO_PARTS: readonly Uint8Array[] = Object.freeze([])
const NO_KEYS: readonly string[] = Object.freeze([])

export class Writer extends Output {
  busy = false
  handles = NO_HANDLES as Shareable[]
  parts = NO_PARTS as Uint8Array[]
  #hasRefs = false
  #depth = 0
  readonly #seen = new Seen()
  readonly #steps: Step[] = []
  /** The keys of the last plain object at each depth, as far as `#keysDepth`: the rest is from the message before. */
  readonly #keys: (readonly string[])[] = []
  #keysDepth = 0
  /** Instances of registered classes whose parts are being written. */
  readonly #open: object[] = []

  /** Writes the head of a message of this value; `bytes`, `position`, `handles` and `parts` are the result. */
  writeHead(value: unknown): void {
    this.busy = true
    this.position = 1
    try {
      if (typeof value === 'object' && value !== null && ArrayBuffer.isView(value)) this.#writeLone(value)
      else this.write(value)
      this.bytes[0] = this.#hasRefs ? tag.WITH_REFS : tag.PLAIN
    } catch (error) {
      throw this.#explain(error)
    } finally {
      this.#seen.clear()
      this.#hasRefs = false
      this.#keysDepth = this.#depth = 0
      if (this.#open.length > 0) this.#open.length = 0
      this.busy = false
    }
  }

  /** Gives the result away; what may be large or holds objects is not kept. */
  letGo(): void {
    if (this.handles !== NO_HANDLES) this.handles = NO_HANDLES as Shareable[]
    if (this.parts !== NO_PARTS) this.parts = NO_PARTS as Uint8Array[]
    this.shrink()
  }

  write(value: unknown): void {
    if (this.position > this.limit) this.grow(0)
    switch (typeof value) {
      case 'number':
        this.writeNumber(value)
        return
      case 'string':
        this.writeString(value)
        return
      case 'object':
        if (value === null) this.bytes[this.position++] = tag.NULL
        else this.#writeObject(value)
        return
      case 'boolean':
        this.bytes[this.position++] = value ? tag.TRUE : tag.FALSE
        return
      case 'undefined':
        this.bytes[this.position++] = tag.UNDEFINED
        return
      case 'bigint':
        this.writeBigInt(value)
        return
      case 'symbol':
        throw this.#refuse(`a symbol, ${String(value)}`, 'send a string in its place')
      case 'function':
        if (typeof (value as Partial<Shareable>)[SHAREABLE] === 'function') {
          this.#writeHandle(value as any)
          return
        }
        throw this.#refuse(
          describe(value),
          'functions stay in their process; send its name or its arguments, or leave it out',
        )
    }
  }

  #writeObject(value: object): void {
    const met = this.#seen.meet(value)
    if (met >= 0) {
      this.#writeRef(value, met)
      return
    }
    if (this.#depth >= tag.MAX_DEPTH) {
      throw this.#refuse(
        `an object more than ${tag.MAX_DEPTH} deep`,
        'send a flat form, such as a list of nodes; if a getter makes it endless, leave that out',
      )
    }
    if (Array.isArray(value)) {
      const proto = Object.getPrototypeOf(value)
      if (proto === Array.prototype) {
        this.#writeArray(value)
        return
      }
    } else if (
      Object.getPrototypeOf(value) === Object.prototype &&
      (value as Partial<Shareable>)[SHAREABLE] === undefined
    ) {
      this.#writePlain(value, tag.OBJECT)
      return
    }
    this.#writeSpecial(value)
  }

  #writeArray(value: readonly unknown[]): void {
    const length = value.length
    if (length < 16) {
      this.bytes[this.position++] = tag.FIX_ARRAY + length
    } else {
      this.bytes[this.position++] = tag.ARRAY
      this.writeNumber(length)
    }
    const depth = this.#depth++
    for (let i = 0; i < length; i++) {
      const item = value[i]
      this.#steps[depth] = i
      this.write(item)
    }
    this.#depth = depth
  }

  #writePlain(value: object, kind: number): void {
    const depth = this.#depth++
    const keys = Object.keys(value)
    const count = keys.length
    const known = kind === tag.OBJECT && depth < this.#keysDepth && sameKeys(keys, this.#keys[depth])
    if (known) {
      this.bytes[this.position++] = tag.SAME_KEYS
    } else {
      if (kind === tag.OBJECT) this.#rememberKeys(depth, keys)
      if (kind === tag.OBJECT && count < 16) {
        this.bytes[this.position++] = tag.FIX_OBJECT + count
      } else {
        this.bytes[this.position++] = kind
        this.writeNumber(count)
      }
    }
    for (let i = 0; i < count; i++) {
      const key = keys[i]
      this.#steps[depth] = key
      if (!known) {
        if (this.position > this.limit) this.grow(0)
        this.writeString(key)
      }
      this.write((value as any)[key])
    }
    this.#depth = depth
  }

  #rememberKeys(depth: number, keys: readonly string[]): void {
    for (let i = this.#keysDepth; i < depth; i++) this.#keys[i] = NO_KEYS
    if (this.#keysDepth <= depth) this.#keysDepth = depth + 1
    this.#keys[depth] = keys
  }

  #writeRef(value: object, met: number): void {
    if (this.#open.includes(value)) {
      throw this.#refuse(
        `${describe(value)} inside what its own \`pack\` gave`,
        'let `pack` of registerClass give parts that do not lead back to the instance',
      )
    }
    this.#hasRefs = true
    this.bytes[this.position++] = tag.REF
    this.writeNumber(met)
  }

  /** Everything that is neither a plain object nor an array, number, string …: rarer, so it may take longer. */
  #writeSpecial(value: any): void {
    const found = classify(value)
    switch (found.kind) {
      case 'handle':
        this.#writeHandle(value, true)
        return
      case 'binary':
        this.#writeBinary(value, tag.PART_BYTES)
        return
      case 'array':
        this.#writeArray(value)
        return
      case 'plain':
        this.#writePlain(value, tag.OBJECT)
        return
      case 'null prototype':
        this.#writePlain(value, tag.NULL_OBJECT)
        return
      case 'instance':
        this.#writeInstance(value, found.registered)
        return
      case 'map':
        this.#writeMap(value)
        return
      case 'set':
        this.#writeSet(value)
        return
      case 'error':
        this.#writeError(value)
        return
      case 'date':
        this.writeDouble(tag.DATE, Date.prototype.getTime.call(value))
        return
      case 'regexp':
        this.bytes[this.position++] = tag.REGEXP
        this.writeString(value.source)
        this.write(value.flags)
        return
      case 'boxed':
        this.bytes[this.position++] = tag.BOXED
        this.write(unbox(value))
        return
      case 'refused':
        throw this.#refuse(found.what, found.mend)
    }
  }

  /** `met`: the object was counted already. A handle that is a function was not. */
  #writeHandle(value: Shareable & object, met = false): void {
    if (!met) {
      const before = this.#seen.meet(value)
      if (before >= 0) {
        this.#writeRef(value, before)
        return
      }
    }
    if (this.handles === NO_HANDLES) this.handles = []
    this.bytes[this.position++] = tag.HANDLE
    this.writeNumber(this.handles.push(value) - 1)
  }

  #writeLone(value: ArrayBufferView): void {
    this.#seen.meet(value)
    if (classify(value).kind === 'binary') this.#writeBinary(value as any, tag.LONE_PART_BYTES)
    else this.#writeSpecial(value)
  }

  #writeBinary(value: ArrayBuffer | ArrayBufferView<ArrayBuffer>, partBytes: number): void {
    const length = value.byteLength
    const source = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, length)
      : new Uint8Array(value)
    const asPart = length >= partBytes
    this.bytes[this.position++] = asPart ? tag.PART : tag.BYTES
    this.bytes[this.position++] = kindOf(value)
    this.writeNumber(length)
    if (asPart) {
      if (this.parts === NO_PARTS) this.parts = []
      this.parts.push(source)
    } else {
      if (this.position + length > this.limit) this.grow(length)
      copyBytes(source, 0, length, this.bytes, this.position)
      this.position += length
    }
  }

  #writeMap(value: Map<unknown, unknown>): void {
    const entries = [...Map.prototype.entries.call(value)] // a getter in an entry may change the Map
    this.bytes[this.position++] = tag.MAP
    this.writeNumber(entries.length)
    const depth = this.#depth++
    for (const [i, [key, item]] of entries.entries()) {
      if (mayFail(key)) this.#steps[depth] = { text: `.keys()[${i}]` }
      this.write(key)
      if (mayFail(item)) this.#steps[depth] = { text: mayFail(key) ? `.values()[${i}]` : `.get(${quote(key)})` }
      this.write(item)
    }
    this.#depth = depth
  }

  #writeSet(value: Set<unknown>): void {
    const items = [...Set.prototype.values.call(value)]
    this.bytes[this.position++] = tag.SET
    this.writeNumber(items.length)
    const depth = this.#depth++
    for (const [i, item] of items.entries()) {
      if (mayFail(item)) this.#steps[depth] = { text: `.values()[${i}]` }
      this.write(item)
    }
    this.#depth = depth
  }

  #writeError(value: Error): void {
    const depth = this.#depth++
    this.#steps[depth] = { text: '' }
    const { kind, entries } = packError(value)
    this.bytes[this.position++] = tag.ERROR
    this.writeString(kind)
    this.write(entries.length)
    for (const [key, item] of entries) {
      this.#steps[depth] = key
      this.write(key)
      this.write(item)
    }
    this.#depth = depth
  }

  #writeInstance(value: object, registered: RegisteredClass): void {
    this.bytes[this.position++] = tag.INSTANCE
    this.writeString(registered.name)
    const depth = this.#depth++
    this.#steps[depth] = { text: `{packed ${registered.name}}` }
    this.#open.push(value)
    this.write(registered.pack(value))
    this.#open.pop()
    this.#depth = depth
  }

  #path(): string {
    return pathOf(this.#steps.slice(0, this.#depth))
  }

  #refuse(what: string, mend: string): NotSerializableError {
    const path = this.#path()
    return new NotSerializableError(
      `Expected \`${path}\` to be a value that can travel to another process, got ${what}; ${mend}`,
      { path },
    )
  }

  /** Whatever was thrown on the way, as an error that names the place. */
  #explain(error: unknown): unknown {
    this.handles = NO_HANDLES as Shareable[]
    this.parts = NO_PARTS as Uint8Array[]
    if (error instanceof NotSerializableError) return error
    const path = this.#path()
    const why = error instanceof Error ? `${error.name}: ${error.message}` : describe(error)
    return new NotSerializableError(
      `Expected to read \`${path}\`, but reading it threw ${why}; mend what throws, or leave it out`,
      { path, cause: error },
    )
  }
}

function sameKeys(keys: readonly string[], before: readonly string[]): boolean {
  if (before.length !== keys.length || keys.length === 0) return false
  for (let i = 0; i < keys.length; i++) if (keys[i] !== before[i]) return false
  return true
}

/** Whether a step to it is worth spelling out. */
function mayFail(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol'
}

function quote(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(key)
}

function unbox(value: object): unknown {
  return (value as { valueOf(): unknown }).valueOf()
}
