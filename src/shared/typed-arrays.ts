/**
 * The typed arrays whose memory is shared: one class for each type, which extends the language's own, so that its objects
 * are what every library takes for an Int32Array. What is made *from* one (slice, map, filter, `new array.constructor(3)`)
 * is an ordinary array with memory of its own.
 */
import { types } from 'node:util'
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { Given } from '../contract/given.ts'
import { checkFunction, describe } from '../contract/options.ts'
import { SHAREABLE, type ShareRef } from '../contract/shareable.ts'
import type { RLock } from '../sync/rlock.ts'
import type { TypeCode } from './type-codes.ts'

/** What an array asks of the handle behind it. */
export interface ArrayBehind {
  getLock(): RLock
  [SHAREABLE](): ShareRef
}

/** The right to make an array on shared memory: given out by shared-array.ts only. */
export class Place {
  readonly buffer: ArrayBuffer
  readonly behind: ArrayBehind

  constructor(buffer: ArrayBuffer, behind: ArrayBehind) {
    this.buffer = buffer
    this.behind = behind
  }
}

/** What a shared array has beside what every typed array has. */
export interface SharedArrayMethods {
  /**
   * The lock that goes with the array: to do several things as one.
   *
   * @throws {InvalidStateError} when the array was made with `lock: false`, or as a RawArray
   */
  getLock(): RLock
  /**
   * Runs `fn` with the array under its lock, as with Value.update(): blocks this thread while another holds the lock,
   * re-entrant in the thread that does. Gives what `fn` gives; it must be synchronous, and what it wrote before it threw stays.
   *
   * @throws {InvalidStateError} when the array was made with `lock: false`, or as a RawArray
   */
  update<R>(fn: (array: this) => R): R
}

/** What arrays of 'c' and 'u' have beside that. */
export interface SharedText {
  /** The text up to the first NUL. Assigning writes the text, and a NUL if there is room. */
  value: string
  /** The whole array as text. Assigning writes the text and leaves what is behind it. */
  raw: string
}

/**
 * Whose handle is behind which memory: a private field of the ArrayBuffer, so that the handle (and with it the reference that
 * keeps the memory) lives exactly as long as the ArrayBuffer can be reached: by the array, or by any view of it. (A WeakMap would do
 * the same, but a collection of the young takes its values for reachable: none of these arrays would ever die young.)
 */
class Owned extends Given {
  readonly #behind: ArrayBehind

  constructor(buffer: ArrayBuffer, behind: ArrayBehind) {
    super(buffer)
    this.#behind = behind
  }

  static behind(buffer: ArrayBufferLike): ArrayBehind | undefined {
    return #behind in buffer ? (buffer as unknown as Owned).#behind : undefined
  }
}

/** The handle behind this very memory. */
export function behind(buffer: ArrayBufferLike): ArrayBehind | undefined {
  return Owned.behind(buffer)
}

/** A class between the language's own and ours; made by a function, because ten of them differ in nothing but their base. */
function sharing(Base: any): any {
  return class extends Base {
    // biome-ignore lint/correctness/noUnreachableSuper: what is no Place makes an ordinary array, and none of these
    constructor(...given: unknown[]) {
      const [place] = given
      // biome-ignore lint/correctness/noConstructorReturn: libraries say new array.constructor(n), and want memory of their own
      if (!(place instanceof Place)) return new Base(...given)
      super(place.buffer)
      new Owned(place.buffer, place.behind)
    }

    static get [Symbol.species]() {
      return Base
    }

    getLock(): RLock {
      return handleOf(this as any).getLock()
    }

    update(fn: (array: unknown) => unknown): unknown {
      checkFunction('fn', fn)
      const held = this.getLock().acquireSync()
      try {
        const gave = fn(this)
        if (!types.isPromise(gave)) return gave
        throw new ArgumentTypeError(
          'Expected `fn` to be synchronous, got one that gives a promise; write await array.getLock().with(fn)',
        )
      } finally {
        held.release()
      }
    }

    [SHAREABLE](): ShareRef {
      return handleOf(this as any)[SHAREABLE]()
    }
  }
}

function handleOf(array: ArrayBufferView): ArrayBehind {
  const handle = behind(array.buffer)
  if (handle !== undefined) return handle
  throw new ArgumentTypeError(`Expected an array made by new SharedArray(), got ${describe(array)}`)
}

/** The same for text; `high` is the largest code of a character. */
function sharingText(Base: any, high: number): any {
  return class extends sharing(Base) {
    get value(): string {
      const end = this.indexOf(0)
      return textOf(this as any, end < 0 ? this.length : end)
    }

    set value(text: string) {
      const codes = codesOf(text, high, this.length)
      this.set(codes)
      if (codes.length < this.length) this[codes.length] = 0
    }

    get raw(): string {
      return textOf(this as any, this.length)
    }

    set raw(text: string) {
      this.set(codesOf(text, high, this.length))
    }
  }
}

/** Arguments of one call, at the most. */
const PIECE = 8192

function textOf(codes: Uint8Array | Uint16Array, length: number): string {
  let text = ''
  for (let at = 0; at < length; at += PIECE) {
    text += String.fromCharCode.apply(null, codes.subarray(at, Math.min(at + PIECE, length)) as unknown as number[])
  }
  return text
}

/** The codes of the characters of `text`, which have to be `most` at the most. */
export function codesOf(text: unknown, high: number, most = Infinity): Uint8Array | Uint16Array {
  if (typeof text !== 'string') throw new ArgumentTypeError(`Expected a string, got ${describe(text)}`)
  if (text.length > most) {
    throw new ArgumentRangeError(`Expected a string of at most ${most} characters, got one of ${text.length}`)
  }
  const codes = high > 0xff ? new Uint16Array(text.length) : new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > high) {
      throw new ArgumentRangeError(
        `Expected characters up to \\x${high.toString(16)} for type code 'c', got ${describe(text[i])} at ${i}; encode the text first, or use 'u'`,
      )
    }
    codes[i] = code
  }
  return codes
}

class SharedInt8Array extends sharing(Int8Array) {}
class SharedUint8Array extends sharing(Uint8Array) {}
class SharedInt16Array extends sharing(Int16Array) {}
class SharedUint16Array extends sharing(Uint16Array) {}
class SharedInt32Array extends sharing(Int32Array) {}
class SharedUint32Array extends sharing(Uint32Array) {}
class SharedBigInt64Array extends sharing(BigInt64Array) {}
class SharedBigUint64Array extends sharing(BigUint64Array) {}
class SharedFloat32Array extends sharing(Float32Array) {}
class SharedFloat64Array extends sharing(Float64Array) {}
class SharedCharArray extends sharingText(Uint8Array, 0xff) {}
class SharedUnicodeArray extends sharingText(Uint16Array, 0xffff) {}

/** An array of any of these classes, as the code here sees it. */
export interface AnyArray extends SharedArrayMethods {
  readonly buffer: ArrayBuffer
  readonly length: number
  set(source: ArrayLike<number | bigint>): void
}

export interface ArrayClass {
  readonly BYTES_PER_ELEMENT: number
  new (place: Place): AnyArray
  /** The ordinary class it extends. */
  readonly [Symbol.species]: new (
    items: number | ArrayLike<number | bigint>,
  ) => ArrayBufferView & ArrayLike<number | bigint>
}

export const ARRAY_CLASSES: Record<TypeCode, ArrayClass> = {
  c: SharedCharArray,
  b: SharedInt8Array,
  B: SharedUint8Array,
  u: SharedUnicodeArray,
  h: SharedInt16Array,
  H: SharedUint16Array,
  i: SharedInt32Array,
  I: SharedUint32Array,
  l: SharedInt32Array,
  L: SharedUint32Array,
  q: SharedBigInt64Array,
  Q: SharedBigUint64Array,
  f: SharedFloat32Array,
  d: SharedFloat64Array,
} as unknown as Record<TypeCode, ArrayClass>

interface Arrays {
  c: Uint8Array & SharedText
  b: Int8Array
  B: Uint8Array
  u: Uint16Array & SharedText
  h: Int16Array
  H: Uint16Array
  i: Int32Array
  I: Uint32Array
  l: Int32Array
  L: Uint32Array
  q: BigInt64Array
  Q: BigUint64Array
  f: Float32Array
  d: Float64Array
}

/** The array that a type code makes; `any` when only the run knows the code. */
export type SharedArrayOf<C extends TypeCode> = TypeCode extends C ? any : Arrays[C] & SharedArrayMethods
