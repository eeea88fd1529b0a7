/**
 * Typed arrays whose memory processes share.
 *
 *   lock · type · offset · length (two words)        then, from byte `offset` of the block on, the elements and nothing else
 *
 *   user's array ──▶ ArrayBuffer (the elements' bytes) ╌╌▶ handle ──▶ the object's reference          ╌╌▶ privately
 *
 * Object and elements are one block, so there is nothing that a death could part from it. `offset` is 256 in a slab; in a
 * run of units it is a page, so that what lies across two windows can be mapped by itself.
 *
 * Who writes the words: nobody after the object is published. The elements: anyone, by plain stores of the language.
 *
 * Its memory is freed when no ArrayBuffer of it can be reached in any process: the handle lives as long as the buffer
 * does, also when all that is left is a plain subarray. There is no close(): it would take the memory from under a view.
 *
 * If a process dies: before the object is published, it is a private block, and freed as such. After that what it had
 * stored is there, an element of 8 bytes whole; what it was about to store is not.
 */
import { peek, poke } from '#words'
import type { Kind } from '../arena/kinds.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import { BODY, bodyAt, clearReference, holdReference, referenceIn } from '../arena/references.ts'
import { LARGEST_PAGE } from '../arena/segment.ts'
import { currentSession } from '../arena/session.ts'
import { type Adoption, SharedObject } from '../arena/shared-object.ts'
import { LARGEST } from '../arena/slab.ts'
import { ArgumentRangeError, ArgumentTypeError, InvalidStateError } from '../contract/errors.ts'
import { checkCount, describe } from '../contract/options.ts'
import { MAX_VIEW } from '../os/mapping.ts'
import type { Lock } from '../sync/lock.ts'
import { RLock } from '../sync/rlock.ts'
import { checkLockOption } from './lock-option.ts'
import { fit, TYPE_CODES, type TypeCode, typeOf } from './type-codes.ts'
import { type AnyArray, ARRAY_CLASSES, behind, codesOf, Place, type SharedArrayOf } from './typed-arrays.ts'

const KIND = 13
const LOCK = 0
const TYPE = 1
const OFFSET = 2
const LOW = 3
const HIGH = 4
const WORDS = 16

export interface SharedArrayOptions {
  /** true: a lock of its own (default); false: none; a Lock or RLock: that one. */
  lock?: boolean | Lock | RLock
}

export interface SharedArrayConstructor {
  new <C extends TypeCode>(
    type: C,
    sizeOrInitial: number | Iterable<number | bigint | string>,
    options?: SharedArrayOptions,
  ): SharedArrayOf<C>
}

/** What is made, checked before anything is allocated. */
interface Plan {
  readonly code: TypeCode
  readonly length: number
  /** undefined: zeros. */
  readonly elements: ArrayLike<number | bigint> | undefined
  readonly lock: boolean | Lock
}

/** The reference behind an array. Its user has the array only. */
class ArrayHandle extends SharedObject {
  readonly #array: AnyArray

  constructor(adoption: Adoption, plan?: Plan, lock?: Lock) {
    super(adoption, true)
    const { w, at } = this
    if (plan !== undefined) {
      poke(w, at + LOCK, lock ? toRef(lock.address) : 0)
      poke(w, at + TYPE, TYPE_CODES.indexOf(plan.code))
      poke(w, at + OFFSET, offsetFor(bytesOf(plan)))
      poke(w, at + LOW, plan.length | 0)
      poke(w, at + HIGH, Math.floor(plan.length / 2 ** 32))
    }
    const made = ARRAY_CLASSES[TYPE_CODES[peek(w, at + TYPE)]]
    const bytes = lengthAt(w, at) * made.BYTES_PER_ELEMENT
    const buffer = this.session.segment.bufferAt(this.address + peek(w, at + OFFSET), bytes)
    this.#array = new made(new Place(buffer, this))
    if (plan === undefined) {
      this.session.segment.touch(this.address + peek(w, at + OFFSET), bytes)
      return
    }
    if (plan.elements !== undefined) this.#array.set(plan.elements)
    else if (offsetFor(bytes) !== LARGEST_PAGE) new Uint8Array(buffer).fill(0) // a run of units reads as zero by itself
    this.session.publish(this, lock ? [lock.address] : [])
  }

  override get face(): AnyArray {
    return this.#array
  }

  getLock(): RLock {
    const lock = toAddress(peek(this.w, this.at + LOCK))
    if (lock === 0) {
      throw new InvalidStateError(
        'Expected an array with a lock, but this one was made with { lock: false } or as a RawArray',
      )
    }
    holdReference(this.session, lock)
    return this.session.handle(lock) as RLock
  }

  /** Whether it was made without a lock. */
  get raw(): boolean {
    return peek(this.w, this.at + LOCK) === 0
  }

  protected override summary(): Record<string, unknown> {
    return { type: TYPE_CODES[peek(this.w, this.at + TYPE)], length: this.#array.length }
  }
}

const bytesOf = ({ code, length }: Plan): number => length * ARRAY_CLASSES[code].BYTES_PER_ELEMENT
const offsetFor = (bytes: number): number => (HEAD + bytes > LARGEST ? LARGEST_PAGE : HEAD)
const HEAD = (BODY + WORDS) * 4
const lengthAt = (w: Int32Array, at: number): number => (peek(w, at + LOW) >>> 0) + peek(w, at + HIGH) * 2 ** 32

function prepare(code: TypeCode, given: unknown, options: SharedArrayOptions | undefined, locked: boolean): Plan {
  const type = typeOf(code)
  const lock = checkLockOption(options, locked)
  let elements: ArrayLike<number | bigint> | undefined
  if (typeof given !== 'number') {
    if (!isIterable(given)) {
      throw new ArgumentTypeError(`Expected \`sizeOrInitial\` to be a size or an iterable, got ${describe(given)}`)
    }
    if (typeof given === 'string' && type.form === 'text') elements = codesOf(given, type.high)
    else if (given instanceof ARRAY_CLASSES[code][Symbol.species])
      elements = given // everything in it fits
    else elements = Array.from(given, (value, i) => element(code, value, i))
  }
  const length = elements?.length ?? checkCount('size', given)
  const most = Math.min(MAX_VIEW, MOST_BYTES)
  if (bytesOf({ code, length } as Plan) > most) {
    throw new ArgumentRangeError(
      `Expected an array of at most ${most} bytes on this version of Node.js, got ${length} elements of ${ARRAY_CLASSES[code].BYTES_PER_ELEMENT}` +
        (most < MOST_BYTES ? '; Node.js 22 and later stand larger ones' : ''),
    )
  }
  return { code, length, elements, lock }
}

/** More than the largest memory that a session may have. */
const MOST_BYTES = 2 ** 37

function isIterable(value: unknown): value is Iterable<unknown> {
  return value !== null && value !== undefined && typeof (value as any)[Symbol.iterator] === 'function'
}

function element(code: TypeCode, value: unknown, i: number): number | bigint {
  const type = typeOf(code)
  if (type.form === 'text' && typeof value === 'number' && Number.isInteger(value)) {
    if (value >= 0 && value <= type.high) return value
    throw new ArgumentRangeError(
      `Expected a code from 0 to ${type.high} for type code '${code}', got ${value} at index ${i}`,
    )
  }
  try {
    const fitting = fit(code, type, value)
    return typeof fitting === 'string' ? fitting.charCodeAt(0) : fitting
  } catch (error) {
    ;(error as Error).message += ` at index ${i}`
    throw error
  }
}

function make(plan: Plan): AnyArray {
  const session = currentSession()
  const bytes = bytesOf(plan)
  const adoption = session.create(KIND, WORDS, offsetFor(bytes) + bytes)
  let lock: Lock | undefined
  try {
    lock = plan.lock === true ? new RLock() : plan.lock || undefined
    return new ArrayHandle(adoption, plan, lock).face
  } catch (error) {
    session.release(adoption.address) // there was no memory for the lock, or no room for a mapping
    session.allocator.free(adoption.address)
    throw error
  } finally {
    if (plan.lock === true) lock?.close() // the array refers to it from here on
  }
}

/** The handle if this is an array made here, and not one that only looks on its memory. */
function handleOf(value: unknown): ArrayHandle | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  const handle = behind(value.buffer) as ArrayHandle | undefined
  return handle?.face === (value as unknown) ? handle : undefined
}

/**
 * A typed array whose memory processes share: Int32Array for 'i', Float64Array for 'd' and so on, to index, to iterate,
 * to hand to any library. Made of a size (then all is zero) or of an iterable.
 *
 * Nothing here waits, but update(). Reading and assigning an element is never torn; `a[0] += 1` is two steps, between
 * which another process may come: use `update()`, hold `getLock()`, or say `Atomics.add(a, 0, 1)`, which is atomic between
 * processes too (Atomics.wait is refused: use an Event). What is assigned by index is converted as in every
 * typed array, so what does not fit wraps around silently; initial elements that do not fit are refused.
 *
 * Sent to another process it arrives as the same array. slice(), map() and filter() give ordinary arrays; subarray() a
 * plain view of the same memory, which is sent by value. 'q' and 'Q' hold bigints, 'l' and 'L' 32 bits, 'c' bytes and 'u'
 * UTF-16 units; both have `value` and `raw` as texts beside, and may be made of a string. `buffer` is exactly the
 * array's bytes; it cannot be transferred.
 *
 * The memory is freed when no process can reach the array or a view of it any more: there is no close(). What was made in
 * this turn of the event loop is kept to its end, so a loop that makes and drops large arrays should await now and then.
 *
 * If a process dies: what it stored is there. Dying while it holds the lock leaves that to the next one, whose hold is
 * `abandoned`.
 *
 * @param sizeOrInitial how many elements, or which
 * @param options `lock`: true for one of its own (default), false for none, or a Lock or RLock
 * @throws {ArgumentTypeError} an unknown type code, or an element of another type
 * @throws {ArgumentRangeError} an element that does not fit, a size below 0, or more bytes than this Node.js can look at
 * @throws {OutOfSharedMemoryError} at once: all of its memory is taken when it is made
 * @example
 * const array = new SharedArray('i', [3, 1, 2])
 * assert.ok(array instanceof Int32Array)
 * array.update(a => a.sort())
 * assert.deepEqual([...array.map(n => n * 2)], [2, 4, 6])
 */
export const SharedArray: SharedArrayConstructor = class SharedArray {
  constructor(type: TypeCode, sizeOrInitial: unknown, options?: SharedArrayOptions) {
    // biome-ignore lint/correctness/noConstructorReturn: what is made is a typed array
    return make(prepare(type, sizeOrInitial, options, true))
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return handleOf(value) !== undefined
  }
} as unknown as SharedArrayConstructor

/**
 * A SharedArray without a lock: getLock() and update() throw, everything else is the same.
 *
 * @example
 * const array = new RawArray('d', 3)
 * array.set([0.5, 1.5], 1)
 * assert.deepEqual([...array], [0, 0.5, 1.5])
 */
export const RawArray: SharedArrayConstructor = class RawArray {
  constructor(type: TypeCode, sizeOrInitial: unknown, options?: SharedArrayOptions) {
    // biome-ignore lint/correctness/noConstructorReturn: what is made is a typed array
    return make(prepare(type, sizeOrInitial, options, false))
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return handleOf(value)?.raw === true
  }
} as unknown as SharedArrayConstructor

export const sharedArrayKind: Kind = {
  code: KIND,
  name: 'SharedArray',
  open: adoption => new ArrayHandle(adoption),
  recover: () => true,
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    clearReference(session, w, at + LOCK)
  },
  refersTo: (session, address) => referenceIn(session, address, LOCK),
  check(session, address) {
    const { w, at } = bodyAt(session, address)
    const code = TYPE_CODES[peek(w, at + TYPE)]
    if (code === undefined) return [`its type has number ${peek(w, at + TYPE)}, which does not exist`]
    const offset = offsetFor(lengthAt(w, at) * ARRAY_CLASSES[code].BYTES_PER_ELEMENT)
    return peek(w, at + OFFSET) === offset ? [] : [`its elements begin at ${peek(w, at + OFFSET)}, not at ${offset}`]
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    return { detail: { type: TYPE_CODES[peek(w, at + TYPE)], length: lengthAt(w, at) } }
  },
}
