/**
 * A value → a copy of it in which everything that msgpackr would change is a `Special`, and what does not go through
 * msgpackr at all (handles, large binaries) stands in a list beside it.
 *
 * Nothing that a value says about itself decides how it is read (`constructor`, `toJSON`, `Symbol.toStringTag`): a plain
 * object, an array and a number are known by what they are, and everything else by `classify`.
 */
import { NotSerializableError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { Refusal } from '../contract/refusal.ts'
import { isShareable, type Shareable } from '../contract/shareable.ts'
import { kindOf } from './binary.ts'
import { type Class, classify } from './classify.ts'
import { packError } from './failure.ts'
import { pathOf, type Step } from './path.ts'
import type { RegisteredClass } from './register-class.ts'
import { Seen } from './seen.ts'
import * as kind from './special.ts'
import { isPlainKey, isPlainText, Special } from './special.ts'

/** An object or a list being filled, in which a value has its place. */
type Holder = any

export class Replacer {
  readonly handles: Shareable[] = []
  /** The way to each of them. */
  readonly handleSteps: (readonly Step[])[] = []
  readonly parts: Uint8Array[] = []
  /** Whether the reader can only make some objects when all have arrived. */
  linked = false
  readonly #handleNumbers = new Map<object, number>()
  readonly #seen = new Seen()
  /** Where the replacement of each object of `#seen` stands. */
  readonly #places: { readonly holder: Holder; readonly at: number | string }[] = []
  /** The numbers of objects met again: by the number in `#seen`, the one in the message. */
  readonly #shared = new Map<number, number>()
  readonly #steps: Step[] = []
  #depth = 0
  /** Instances of registered classes whose parts are being replaced. */
  readonly #open: object[] = []

  replace(value: unknown): unknown {
    const root: unknown[] = []
    try {
      root.push(this.#replace(value, root, 0))
    } catch (error) {
      throw this.#explain(error)
    }
    for (const [met, number] of this.#shared) {
      const { holder, at } = this.#places[met]
      holder[at] = new Special([kind.SHARED, number, holder[at]])
    }
    return root[0]
  }

  #replace(value: unknown, holder: Holder, at: number | string): unknown {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? new Special([kind.NEGATIVE_ZERO]) : value
      case 'string':
        return isPlainText(value) ? value : new Special([kind.TEXT, Buffer.from(value, 'utf16le')])
      case 'object':
        return value === null ? null : this.#replaceObject(value, holder, at)
      case 'symbol':
        throw this.#refuse(`a symbol, ${String(value)}`, 'send a string in its place')
      case 'function':
        if (isShareable(value)) return this.#handle(value)
        throw this.#refuse(
          describe(value),
          'functions stay in their process; send its name or its arguments, or leave it out',
        )
      default:
        return value
    }
  }

  #replaceObject(value: object, holder: Holder, at: number | string): unknown {
    const met = this.#seen.meet(value)
    if (met >= 0) return this.#again(value, met)
    this.#places.push({ holder, at })
    if (this.#depth >= kind.MAX_DEPTH) {
      throw this.#refuse(
        `an object more than ${kind.MAX_DEPTH} deep`,
        'send a flat form, such as a list of nodes; if a getter makes it endless, leave that out',
      )
    }
    if (Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype) return this.#list(value)
    return this.#classified(value as any, classify(value))
  }

  #classified(value: any, found: Class): unknown {
    switch (found.kind) {
      case 'handle':
        return this.#handle(value)
      case 'binary':
        return this.#binary(value)
      case 'array':
        return this.#list(value)
      case 'plain':
        return this.#plain(value)
      case 'null prototype':
        return this.#entries(kind.NULL_ENTRIES, value)
      case 'instance':
        return this.#instance(value, found.registered)
      case 'map':
        return this.#map(value)
      case 'set':
        return this.#set(value)
      case 'error':
        return this.#error(value)
      case 'date':
        return new Special([kind.DATE, Date.prototype.getTime.call(value)])
      case 'regexp':
        return this.#special(kind.REGEXP, [value.source, value.flags])
      case 'boxed':
        return this.#special(kind.BOXED, [(value as { valueOf(): unknown }).valueOf()])
      case 'refused':
        throw this.#refuse(found.what, found.mend)
    }
  }

  /** A handle travels as its number however often it is met. */
  #handle(value: Shareable & object): Special {
    let number = this.#handleNumbers.get(value)
    if (number === undefined) {
      number = this.handles.push(value) - 1
      this.handleSteps.push(this.#steps.slice(0, this.#depth))
      this.#handleNumbers.set(value, number)
    }
    return new Special([kind.HANDLE, number])
  }

  #again(value: object, met: number): Special {
    const handle = this.#handleNumbers.get(value)
    if (handle !== undefined) return new Special([kind.HANDLE, handle])
    if (this.#open.includes(value)) {
      throw this.#refuse(
        `${describe(value)} inside what its own \`pack\` gave`,
        'let `pack` of registerClass give parts that do not lead back to the instance',
      )
    }
    this.linked = true
    let number = this.#shared.get(met)
    if (number === undefined) {
      number = this.#shared.size
      this.#shared.set(met, number)
    }
    return new Special([kind.AGAIN, number])
  }

  #list(value: readonly unknown[]): unknown[] {
    const length = value.length
    const copy: unknown[] = []
    const depth = this.#depth++
    for (let i = 0; i < length; i++) {
      this.#steps[depth] = i
      copy.push(this.#replace(value[i], copy, i))
    }
    this.#depth = depth
    return copy
  }

  #plain(value: object): unknown {
    const keys = Object.keys(value)
    if (!keys.every(isPlainKey)) return this.#entries(kind.ENTRIES, value)
    const copy: Record<string, unknown> = {}
    const depth = this.#depth++
    for (const key of keys) {
      this.#steps[depth] = key
      copy[key] = this.#replace((value as any)[key], copy, key)
    }
    this.#depth = depth
    return copy
  }

  #entries(kind: number, value: object): Special {
    const parts: unknown[] = [kind]
    const depth = this.#depth++
    for (const key of Object.keys(value)) {
      this.#steps[depth] = key
      this.#add(parts, key)
      this.#add(parts, (value as any)[key])
    }
    this.#depth = depth
    return new Special(parts)
  }

  #binary(value: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Special {
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value)
    const partBytes = this.#depth === 0 ? kind.LONE_PART_BYTES : kind.PART_BYTES
    if (bytes.length < partBytes) return new Special([kind.BYTES, kindOf(value), bytes])
    this.parts.push(bytes)
    return new Special([kind.PART, kindOf(value), bytes.length])
  }

  #map(value: Map<unknown, unknown>): Special {
    const entries = [...Map.prototype.entries.call(value)] // a getter in an entry may change the Map
    const parts: unknown[] = [kind.MAP]
    const depth = this.#depth++
    for (const [i, [key, item]] of entries.entries()) {
      if (mayFail(key)) this.#steps[depth] = { text: `.keys()[${i}]` }
      this.#add(parts, key)
      if (mayFail(item)) this.#steps[depth] = { text: mayFail(key) ? `.values()[${i}]` : `.get(${quote(key)})` }
      this.#add(parts, item)
    }
    this.#depth = depth
    return new Special(parts)
  }

  #set(value: Set<unknown>): Special {
    const items = [...Set.prototype.values.call(value)]
    const parts: unknown[] = [kind.SET]
    const depth = this.#depth++
    for (const [i, item] of items.entries()) {
      if (mayFail(item)) this.#steps[depth] = { text: `.values()[${i}]` }
      this.#add(parts, item)
    }
    this.#depth = depth
    return new Special(parts)
  }

  #error(value: Error): Special {
    const depth = this.#depth++
    this.#steps[depth] = { text: '' }
    const packed = packError(value)
    const parts: unknown[] = [kind.ERROR, packed.kind]
    for (const [key, item] of packed.entries) {
      this.#steps[depth] = key
      this.#add(parts, key)
      this.#add(parts, item)
    }
    this.#depth = depth
    return new Special(parts)
  }

  #instance(value: object, registered: RegisteredClass): Special {
    this.linked = true // `unpack` may use the codec, so it has to wait until msgpackr is done
    const parts: unknown[] = [kind.INSTANCE]
    this.#add(parts, registered.name)
    const depth = this.#depth++
    this.#steps[depth] = { text: `{packed ${registered.name}}` }
    this.#open.push(value)
    this.#add(parts, registered.pack(value))
    this.#open.pop()
    this.#depth = depth
    return new Special(parts)
  }

  #special(kind: number, values: readonly unknown[]): Special {
    const parts: unknown[] = [kind]
    for (const value of values) this.#add(parts, value)
    return new Special(parts)
  }

  #add(parts: unknown[], value: unknown): void {
    parts.push(this.#replace(value, parts, parts.length))
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
    if (error instanceof NotSerializableError) return error
    if (error instanceof Refusal) {
      this.#depth-- // out of the instance whose `pack` says so
      return this.#refuse(error.what, error.mend)
    }
    const path = this.#path()
    const why = error instanceof Error ? `${error.name}: ${error.message}` : describe(error)
    return new NotSerializableError(
      `Expected to read \`${path}\`, but reading it threw ${why}; mend what throws, or leave it out`,
      { path, cause: error },
    )
  }
}

/** Whether a step to it is worth spelling out. */
function mayFail(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol'
}

function quote(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(key)
}
