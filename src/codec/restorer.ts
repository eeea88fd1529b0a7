/**
 * What msgpackr read → the value. Nothing it returns is a view on the message.
 *
 * Each `Special` is made into its value at once, as msgpackr reads it, inner ones first. In a LINKED message that cannot
 * be: there they are left standing, and a second walk makes them, outer ones first.
 *
 * The parts may be anything: every length is checked against what is there before memory is taken for it, and no code
 * runs but `unpack` of a registered class.
 */
import { MultiprocError } from '../contract/errors.ts'
import { copyOf, fromBytes } from './binary.ts'
import { unpackEntry, unpackError } from './failure.ts'
import type { Receiver } from './msgpack.ts'
import { classNamed } from './register-class.ts'
import * as kind from './special.ts'
import { align8, Special } from './special.ts'

type Parts = readonly unknown[]

export class Restorer implements Receiver {
  readonly linked: boolean
  readonly #message: Uint8Array
  readonly #handles: readonly unknown[]
  /** Where the next large binary begins. */
  #part: number
  #shared: Map<unknown, unknown> | undefined
  /** The number of the object that is made next, if it is met again. */
  #number: unknown

  constructor(message: Uint8Array, headLength: number, handles: readonly unknown[]) {
    this.linked = message[0] === kind.LINKED
    this.#message = message
    this.#handles = handles
    this.#part = align8(headLength)
  }

  receive(parts: Parts): unknown {
    return this.linked ? new Special(parts) : this.#make(parts)
  }

  #make(parts: Parts): unknown {
    switch (parts[0]) {
      case kind.NEGATIVE_ZERO:
        return -0
      case kind.TEXT:
        return bytesAt(parts, 1).toString('utf16le')
      case kind.ENTRIES:
        return this.#fillEntries({}, parts)
      case kind.NULL_ENTRIES:
        return this.#fillEntries(Object.create(null), parts)
      case kind.MAP:
        return this.#fillMap(new Map(), parts)
      case kind.SET:
        return this.#fillSet(new Set(), parts)
      case kind.DATE:
        return this.#meet(new Date(numberAt(parts, 1)))
      case kind.REGEXP:
        return this.#meet(new RegExp(this.#textAt(parts, 1), this.#textAt(parts, 2)))
      case kind.ERROR:
        return this.#fillError(unpackError(this.#textAt(parts, 1)), parts)
      case kind.BOXED:
        return this.#makeBoxed(parts)
      case kind.BYTES:
        return this.#makeBinary(parts[1], bytesAt(parts, 2).buffer as ArrayBuffer)
      case kind.PART:
        return this.#makeBinary(parts[1], this.#takePart(numberAt(parts, 2)))
      case kind.HANDLE:
        return this.#handle(numberAt(parts, 1))
      case kind.INSTANCE:
        return this.#makeInstance(parts)
      case kind.SHARED:
        return this.#makeShared(parts)
      case kind.AGAIN:
        if (!this.#shared?.has(parts[1])) throw garbled('a reference to nothing')
        return this.#shared.get(parts[1])
    }
    throw garbled('a value of no kind')
  }

  /** Makes every `Special` that was left standing in a value. */
  restore(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Special) return this.#make(value.parts)
    this.#meet(value)
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = this.restore(value[i])
    } else if (!ArrayBuffer.isView(value)) {
      for (const key of Object.keys(value)) (value as any)[key] = this.restore((value as any)[key])
    }
    return value
  }

  /** Puts an object where AGAIN finds it, before its own parts are made. */
  #meet<T>(object: T): T {
    if (this.#number !== undefined) this.#shared!.set(this.#number, object)
    this.#number = undefined
    return object
  }

  #makeShared(parts: Parts): unknown {
    if (!this.linked) throw garbled('a reference where none is due')
    this.#shared ??= new Map()
    this.#number = parts[1]
    return this.restore(parts[2])
  }

  /** A part that may be a `Special` itself: it was made already, or is now. */
  #made(part: unknown): unknown {
    return this.linked ? this.restore(part) : part
  }

  #textAt(parts: Parts, at: number): string {
    const text = this.#made(parts[at])
    if (typeof text !== 'string') throw garbled('no string where one is due')
    return text
  }

  #fillEntries(object: object, parts: Parts): object {
    this.#meet(object)
    const end = endOfPairs(parts, 1)
    for (let i = 1; i < end; i += 2) put(object, this.#textAt(parts, i), this.#made(parts[i + 1]))
    return object
  }

  #fillMap(map: Map<unknown, unknown>, parts: Parts): object {
    this.#meet(map)
    const end = endOfPairs(parts, 1)
    for (let i = 1; i < end; i += 2) map.set(this.#made(parts[i]), this.#made(parts[i + 1]))
    return map
  }

  #fillSet(set: Set<unknown>, parts: Parts): object {
    this.#meet(set)
    for (let i = 1; i < parts.length; i++) set.add(this.#made(parts[i]))
    return set
  }

  #fillError(error: Error, parts: Parts): object {
    this.#meet(error)
    const end = endOfPairs(parts, 2)
    for (let i = 2; i < end; i += 2) unpackEntry(error, this.#textAt(parts, i), this.#made(parts[i + 1]))
    return error
  }

  #makeBoxed(parts: Parts): unknown {
    const primitive = this.#made(parts[1])
    if (typeof primitive === 'object' || primitive === undefined) throw garbled('no primitive where one is due')
    return this.#meet(Object(primitive))
  }

  #makeBinary(kindOfBinary: unknown, bytes: ArrayBuffer): unknown {
    const binary = fromBytes(kindOfBinary as number, bytes)
    if (binary === undefined) throw garbled('a binary of no kind')
    return this.#meet(binary)
  }

  #takePart(length: number): ArrayBuffer {
    const from = this.#part
    if (!(length >= 0 && length <= this.#message.length - from)) throw garbled('a binary beyond its end')
    this.#part = align8(from + length)
    return copyOf(this.#message, from, length)
  }

  #handle(number: number): unknown {
    const handle = this.#handles[number]
    if (handle === undefined) throw garbled('a handle that was not given')
    return handle
  }

  #makeInstance(parts: Parts): unknown {
    if (!this.linked) throw garbled('an instance where none is due')
    const number = this.#number
    this.#number = undefined // the parts come first
    const name = this.#textAt(parts, 1)
    const packed = this.restore(parts[2])
    const registered = classNamed(name)
    if (registered === undefined) {
      throw new MultiprocError(
        `Expected the class ${JSON.stringify(name)} to be registered here, got an instance of it; call registerClass for it in this process too, most simply in the module that defines it`,
      )
    }
    try {
      const instance = registered.unpack(packed)
      this.#number = number
      return this.#meet(instance)
    } catch (cause) {
      const expected = `Expected \`unpack\` of the class ${JSON.stringify(name)} to give an instance, but it threw`
      throw new MultiprocError(expected, { cause })
    }
  }
}

export function garbled(what: string, options?: ErrorOptions): MultiprocError {
  return new MultiprocError(
    `Expected the bytes of a message, got ${what}; both sides must run the same version of multiproc`,
    options,
  )
}

function numberAt(parts: Parts, at: number): number {
  const number = parts[at]
  if (typeof number !== 'number') throw garbled('no number where one is due')
  return number
}

function bytesAt(parts: Parts, at: number): Buffer {
  const bytes = parts[at]
  if (!Buffer.isBuffer(bytes)) throw garbled('no bytes where they are due')
  return bytes
}

/** The end of a list of pairs, of which none is half. */
function endOfPairs(parts: Parts, from: number): number {
  if ((parts.length - from) % 2 !== 0) throw garbled('a key without a value')
  return parts.length
}

function put(object: object, key: string, value: unknown): void {
  if (key !== '__proto__') (object as any)[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
