/**
 * The bytes of a head → the value. Nothing it returns or keeps is a view on the message.
 *
 * The bytes may be anything: every length is checked against what is left before memory is taken for it, keys are only
 * ever defined as own properties, and no code runs but `unpack` of a registered class.
 */
import { MultiprocError } from '../contract/errors.ts'
import { copyBytes, fromBytes } from './binary.ts'
import { unpackEntry, unpackError } from './failure.ts'
import * as tag from './format.ts'
import { classNamed } from './register-class.ts'

const { latin1Slice, utf8Slice, ucs2Slice } = Buffer.prototype as any
const { fromCharCode } = String

const float = new Float64Array(1)
const bigint = new BigInt64Array(float.buffer)
const floatBytes = new Uint8Array(float.buffer)
const NOTHING: Uint8Array = new Uint8Array()
const NO_KEYS: string[] = []
/** Stands where an object is still being made. */
const UNFINISHED = Symbol('unfinished')

/** Longer arrays grow as they are read: a few garbled bytes must not take much memory. */
const MADE_WHOLE = 1000

/** Keys met before, at a place made of their bytes: most messages say the same ones again. */
const KEY_PLACES = 1024
const LONGEST_KEY = 24
const knownKeys: string[] = new Array(KEY_PLACES).fill('')

export class Reader {
  busy = false
  #bytes = NOTHING
  #position = 0
  #end = 0
  #part = 0
  #depth = 0
  #handles: readonly unknown[] = []
  #objects: unknown[] | undefined
  #keys: string[][] = []
  #keysDepth = 0

  readMessage(message: Uint8Array, headLength: number, handles: readonly unknown[]): unknown {
    this.busy = true
    this.#bytes = message
    this.#position = 1
    this.#end = headLength
    this.#part = tag.align8(headLength)
    this.#handles = handles
    try {
      const first = message[0]
      if (headLength > message.length || (first !== tag.PLAIN && first !== tag.WITH_REFS))
        throw this.#garbled('another start')
      if (first === tag.WITH_REFS) this.#objects = []
      const value = this.#read()
      if (this.#position !== headLength) throw this.#garbled('a value of another length')
      return value
    } catch (error) {
      if (error instanceof MultiprocError) throw error
      throw new MultiprocError('Expected the bytes of a message, got something garbled', { cause: error })
    } finally {
      this.#bytes = NOTHING
      this.#objects = undefined
      this.#handles = NO_KEYS
      this.#keysDepth = this.#depth = 0
      this.busy = false
    }
  }

  #read(): unknown {
    const bytes = this.#bytes
    const kind = bytes[this.#position++]
    if (kind < 0x80) return kind
    if (kind < tag.FIX_ARRAY) return this.#readObject(kind - tag.FIX_OBJECT)
    if (kind < tag.FIX_STRING) return this.#readArray(kind - tag.FIX_ARRAY)
    if (kind < tag.FIX_END) return this.#readLatin1(kind - tag.FIX_STRING)
    if (kind >= tag.NEGATIVE) return kind - 256
    switch (kind) {
      case tag.NULL:
        return null
      case tag.UNDEFINED:
        return undefined
      case tag.FALSE:
        return false
      case tag.TRUE:
        return true
      case tag.UINT8:
        return bytes[this.#position++]
      case tag.UINT16:
        return bytes[this.#position++] | (bytes[this.#position++] << 8)
      case tag.UINT32:
        return this.#read32() >>> 0
      case tag.INT32:
        return this.#read32()
      case tag.FLOAT64:
        this.#read64()
        return float[0]
      case tag.LATIN1:
        return this.#readLatin1(this.#readLength(1))
      case tag.UTF8:
        return this.#readText(utf8Slice)
      case tag.UTF16:
        return this.#readText(ucs2Slice)
      case tag.ARRAY:
        return this.#readArray(this.#readLength(1))
      case tag.OBJECT:
        return this.#readObject(this.#readLength(2))
      case tag.SAME_KEYS:
        return this.#readSameKeys()
      default:
        return this.#readSpecial(kind)
    }
  }

  #read32(): number {
    const { bytes, position } = { bytes: this.#bytes, position: this.#position }
    this.#position = position + 4
    return bytes[position] | (bytes[position + 1] << 8) | (bytes[position + 2] << 16) | (bytes[position + 3] << 24)
  }

  /** Leaves its result in `float` and `bigint`. */
  #read64(): void {
    for (let i = 0; i < 8; i++) floatBytes[i] = this.#bytes[this.#position++]
  }

  /** How many follow: no more than there can be, at `least` bytes each. */
  #readLength(least: number): number {
    const length = this.#read()
    if (
      typeof length !== 'number' ||
      !(length >= 0 && length * least <= this.#end - this.#position) ||
      !Number.isInteger(length)
    ) {
      throw this.#garbled('a length beyond its end')
    }
    return length
  }

  #readLatin1(length: number): string {
    const position = this.#position
    if (length > this.#end - position) throw this.#garbled('a string beyond its end')
    this.#position = position + length
    const b = this.#bytes
    // unrolled up to where a call into Node.js is cheaper
    switch (length) {
      case 0:
        return ''
      case 1:
        return fromCharCode(b[position])
      case 2:
        return fromCharCode(b[position], b[position + 1])
      case 3:
        return fromCharCode(b[position], b[position + 1], b[position + 2])
      case 4:
        return fromCharCode(b[position], b[position + 1], b[position + 2], b[position + 3])
      case 5:
        return fromCharCode(b[position], b[position + 1], b[position + 2], b[position + 3], b[position + 4])
      case 6:
        return fromCharCode(
          b[position],
          b[position + 1],
          b[position + 2],
          b[position + 3],
          b[position + 4],
          b[position + 5],
        )
    }
    return latin1Slice.call(b, position, position + length)
  }

  #readText(slice: (from: number, to: number) => string): string {
    const length = this.#readLength(1)
    const from = this.#position
    this.#position = from + length
    return slice.call(this.#bytes, from, from + length)
  }

  /** Puts an object where REF finds it; `count` of the writer's and of these goes alike. */
  #meet<T>(object: T): T {
    if (this.#objects !== undefined) this.#objects.push(object)
    return object
  }

  #enter(): number {
    if (this.#depth > tag.MAX_DEPTH) throw this.#garbled('deeper nesting than can be sent')
    return this.#depth++
  }

  #readArray(length: number): unknown[] {
    if (length > this.#end - this.#position) throw this.#garbled('an array beyond its end')
    const array: unknown[] = this.#meet(length > 0 && length <= MADE_WHOLE ? new Array(length) : [])
    const depth = this.#enter()
    for (let i = 0; i < length; i++) array[i] = this.#read()
    this.#depth = depth
    return array
  }

  #readObject(count: number): object {
    const object = this.#meet({})
    const depth = this.#enter()
    const keys: string[] = new Array(count)
    for (let i = 0; i < count; i++) keys[i] = this.#readEntry(object)
    for (let i = this.#keysDepth; i < depth; i++) this.#keys[i] = NO_KEYS
    if (this.#keysDepth <= depth) this.#keysDepth = depth + 1
    this.#keys[depth] = keys
    this.#depth = depth
    return object
  }

  #readSameKeys(): object {
    const object = this.#meet({})
    const depth = this.#enter()
    const keys = depth < this.#keysDepth ? this.#keys[depth] : NO_KEYS
    if (keys.length === 0) throw this.#garbled('an object without its keys')
    for (let i = 0; i < keys.length; i++) put(object, keys[i], this.#read())
    this.#depth = depth
    return object
  }

  #readEntry(object: object): string {
    const key = this.#readKey()
    put(object, key, this.#read())
    return key
  }

  #readKey(): string {
    const bytes = this.#bytes
    const position = this.#position
    const length = bytes[position] - tag.FIX_STRING
    if (!(length > 0 && length <= LONGEST_KEY && position + length < this.#end)) {
      const key = this.#read()
      if (typeof key !== 'string') throw this.#garbled('a key that is no string')
      return key
    }
    const start = position + 1
    const last = position + length
    const place = (length + bytes[start] * 7 + bytes[(start + last) >> 1] * 31 + bytes[last] * 131) & (KEY_PLACES - 1)
    const known = knownKeys[place]
    if (known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i++
      if (i === length) {
        this.#position = start + length
        return known
      }
    }
    this.#position = start
    // through an object, because a string that was a key is compared by address when it is one again
    const key = Object.keys({ [this.#readLatin1(length)]: 0 })[0]
    knownKeys[place] = key
    return key
  }

  #readSpecial(kind: number): unknown {
    switch (kind) {
      case tag.BIGINT64:
        this.#read64()
        return bigint[0]
      case tag.BIGINT: {
        const digits = this.#readString()
        return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`)
      }
      case tag.DATE:
        this.#read64()
        return this.#meet(new Date(float[0]))
      case tag.REGEXP:
        return this.#meet(new RegExp(this.#readString(), this.#readString()))
      case tag.BOXED:
        return this.#readBoxed()
      case tag.BYTES:
      case tag.PART:
        return this.#readBinary(kind === tag.PART)
      case tag.HANDLE:
        return this.#meet(this.#readNumbered(this.#handles))
      case tag.REF:
        return this.#readNumbered(this.#objects ?? NO_KEYS)
      case tag.NULL_OBJECT:
        return this.#readNullObject()
      case tag.MAP:
        return this.#readMap()
      case tag.SET:
        return this.#readSet()
      case tag.ERROR:
        return this.#readError()
      case tag.INSTANCE:
        return this.#readInstance()
    }
    throw this.#garbled(`a tag ${kind}`)
  }

  #readString(): string {
    const text = this.#read()
    if (typeof text !== 'string') throw this.#garbled('no string where one is due')
    return text
  }

  #readNumbered(list: readonly unknown[]): unknown {
    const number = this.#read() as number
    const found = typeof number === 'number' && number < list.length ? list[number] : undefined
    if (found === undefined || found === UNFINISHED) throw this.#garbled('a reference to nothing')
    return found
  }

  #readBoxed(): unknown {
    const place = this.#reserve()
    const primitive = this.#read()
    if (typeof primitive === 'object' || primitive === undefined) throw this.#garbled('no primitive where one is due')
    return this.#fill(place, Object(primitive))
  }

  #readBinary(isPart: boolean): unknown {
    const kind = this.#bytes[this.#position++]
    const length = isPart ? (this.#read() as number) : this.#readLength(1)
    const from = isPart ? this.#part : this.#position
    if (typeof length !== 'number' || !(length >= 0 && length <= this.#bytes.length - from))
      throw this.#garbled('a binary beyond its end')
    if (isPart) this.#part = tag.align8(from + length)
    else this.#position += length
    const binary = fromBytes(kind, copyOf(this.#bytes, from, length))
    if (binary === undefined) throw this.#garbled('a binary of no kind')
    return this.#meet(binary)
  }

  #readNullObject(): object {
    const object = this.#meet(Object.create(null))
    const depth = this.#enter()
    for (let count = this.#readLength(2); count > 0; count--) this.#readEntry(object)
    this.#depth = depth
    return object
  }

  #readMap(): Map<unknown, unknown> {
    const map = this.#meet(new Map())
    const depth = this.#enter()
    for (let count = this.#readLength(2); count > 0; count--) map.set(this.#read(), this.#read())
    this.#depth = depth
    return map
  }

  #readSet(): Set<unknown> {
    const set = this.#meet(new Set())
    const depth = this.#enter()
    for (let count = this.#readLength(1); count > 0; count--) set.add(this.#read())
    this.#depth = depth
    return set
  }

  #readError(): Error {
    const error = this.#meet(unpackError(this.#readString()))
    const depth = this.#enter()
    for (let count = this.#readLength(2); count > 0; count--) unpackEntry(error, this.#readString(), this.#read())
    this.#depth = depth
    return error
  }

  #readInstance(): unknown {
    const name = this.#readString()
    const place = this.#reserve()
    const depth = this.#enter()
    const packed = this.#read()
    this.#depth = depth
    const registered = classNamed(name)
    if (registered === undefined) {
      throw new MultiprocError(
        `Expected the class ${JSON.stringify(name)} to be registered here, got an instance of it; call registerClass for it in this process too, most simply in the module that defines it`,
      )
    }
    try {
      return this.#fill(place, registered.unpack(packed))
    } catch (error) {
      throw new MultiprocError(
        `Expected \`unpack\` of the class ${JSON.stringify(name)} to give an instance, but it threw`,
        {
          cause: error,
        },
      )
    }
  }

  /** A number for an object that cannot be made before its parts. */
  #reserve(): number {
    return this.#objects === undefined ? 0 : this.#objects.push(UNFINISHED) - 1
  }

  #fill(place: number, object: unknown): unknown {
    if (this.#objects !== undefined) this.#objects[place] = object
    return object
  }

  #garbled(what: string): MultiprocError {
    return new MultiprocError(
      `Expected the bytes of a message, got ${what} near byte ${this.#position}; both sides must run the same version of multiproc`,
    )
  }
}

function put(object: object, key: string, value: unknown): void {
  if (key !== '__proto__') (object as any)[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/** A buffer of its own with these bytes; for many bytes without filling it with zeros first. */
function copyOf(bytes: Uint8Array, from: number, length: number): ArrayBuffer {
  if (length >= tag.LONE_PART_BYTES && bytes.buffer instanceof ArrayBuffer) {
    return bytes.buffer.slice(bytes.byteOffset + from, bytes.byteOffset + from + length)
  }
  const copy = new Uint8Array(length)
  copyBytes(bytes, from, length, copy, 0)
  return copy.buffer
}
