/**
 * One number or character that processes share.
 *
 *   bits (two words, 8-byte aligned) · lock · type        bits: up to 32 use the first word only; lock: the lock it goes
 *                                                         with; type: the code, and whether it is a RawValue
 *
 * Who writes the words: `bits` anyone, a plain assignment by one store, a change by one compareExchange; `lock` and `type`
 * nobody after the object is published.
 *
 * If a process dies: a store happened or did not, nothing is torn. In update() the lock is free for the next one, whose
 * hold is `abandoned`; the value is the old one or the new one.
 */
import {
  compareExchange,
  compareExchange64,
  load,
  load64,
  peek,
  poke,
  store,
  store64,
  type WideWords,
  type Words,
  wideWordsOf,
} from '#words'
import type { Kind } from '../arena/kinds.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import { bodyAt, clearReference, holdReference, referenceIn } from '../arena/references.ts'
import { currentSession } from '../arena/session.ts'
import { Adoption, SharedObject } from '../arena/shared-object.ts'
import { ArgumentTypeError, InvalidStateError } from '../contract/errors.ts'
import { checkFunction, describe } from '../contract/options.ts'
import type { Lock } from '../sync/lock.ts'
import { RLock } from '../sync/rlock.ts'
import { checkLockOption } from './lock-option.ts'
import { fit, TYPE_CODES, type Type, type TypeCode, typeOf, type ValueOf } from './type-codes.ts'

const KIND = 4
const LOCK = 2
const TYPE = 3
const WORDS = 4
/** Beside the number of the type: it was made as a RawValue. */
const RAW = 1 << 8

export interface ValueOptions {
  /** true: a lock of its own (default); false: none; a Lock or RLock: that one. */
  lock?: boolean | Lock | RLock
}

/** Floats and their bits. */
const scratch = new DataView(new ArrayBuffer(8))

/**
 * One number, bigint or character in shared memory, of a C type as in Python's array module.
 *
 * Reading and assigning `value` never waits and is never torn. `v.value += 1` is two steps, between which another process
 * may come: use `add()` (atomic, without a lock) or `update()` (under the lock).
 *
 * What does not fit the type is refused with a RangeError; nothing wraps around. 'q' and 'Q' are bigint, 'c' and 'u' are
 * strings of one character, 'l' and 'L' are 32 bits wide.
 *
 * If a process dies: the value is what was last stored whole. Dying inside `update()` leaves the lock to the next one.
 *
 * @throws {ArgumentTypeError} for an unknown type code or a value of another type · {ArgumentRangeError} out of range
 * @example
 * const counter = new Value('i', 40)
 * assert.equal(counter.add(1), 41)
 * assert.equal(counter.update(n => n + 1), 42)
 * counter.value = 7
 * assert.equal(counter.value, 7)
 */
export class Value<C extends TypeCode = TypeCode> extends SharedObject {
  readonly #code: TypeCode
  readonly #type: Type
  readonly #wide: WideWords
  /** Kept by update(), which may be called often. */
  #lock: Lock | undefined

  constructor(type: C, initial?: ValueOf<C>, options?: ValueOptions)
  /** @internal */
  constructor(adoption: Adoption)
  constructor(typeOrAdoption: C | Adoption, initial?: ValueOf<C>, options?: ValueOptions) {
    const made = typeOrAdoption instanceof Adoption ? undefined : prepare(typeOrAdoption, initial, options)
    super(made?.adoption ?? (typeOrAdoption as Adoption))
    if (made) poke(this.w, this.at + TYPE, TYPE_CODES.indexOf(made.code) | (this instanceof RawValue ? RAW : 0))
    this.#code = TYPE_CODES[peek(this.w, this.at + TYPE) & ~RAW]
    this.#type = typeOf(this.#code)
    this.#wide = wideWordsOf(this.w)
    if (made) {
      this.#write(made.initial)
      poke(this.w, this.at + LOCK, made.lock ? toRef(made.lock.address) : 0)
      this.session.publish(this, made.lock ? [made.lock.address] : [])
      if (made.ownsLock) made.lock?.close() // the Value refers to it from here on
    }
  }

  get value(): ValueOf<C> {
    this.assertOpen()
    return this.#read() as ValueOf<C>
  }

  set value(value: ValueOf<C>) {
    this.assertOpen()
    this.#write(fit(this.#code, this.#type, value))
  }

  /**
   * Adds `n` in one atomic step, without a lock; gives the new value. Whole numbers and bigints only.
   *
   * @throws {ArgumentRangeError} when the sum does not fit: nothing was changed
   */
  add(n: ValueOf<C> extends bigint ? bigint : number): ValueOf<C> {
    this.assertOpen()
    const form = this.#type.form
    if (form !== 'integer' && form !== 'bigint') {
      throw new ArgumentTypeError(
        `Expected a Value of whole numbers for add(), this one is '${this.#code}': use update()`,
      )
    }
    if (typeof n !== (form === 'bigint' ? 'bigint' : 'number')) {
      throw new ArgumentTypeError(
        `Expected ${form === 'bigint' ? 'a bigint' : 'a number'} to add to a Value('${this.#code}'), got ${describe(n)}`,
      )
    }
    for (;;) {
      const before = this.#read()
      const after = fit(this.#code, this.#type, (before as number) + (n as number))
      if (this.#exchange(before, after)) return after as ValueOf<C>
    }
  }

  /**
   * Sets the value to what `fn` makes of it, under the lock; gives the new value.
   *
   * Blocks this thread while another holds the lock; re-entrant in the thread that does. `fn` must be synchronous; when
   * it throws, the value is unchanged.
   *
   * @throws {InvalidStateError} when the Value was made with `lock: false`
   */
  update(fn: (value: ValueOf<C>) => ValueOf<C>): ValueOf<C> {
    checkFunction('fn', fn)
    if (this.#lock === undefined || this.#lock.closed) this.#lock = this.getLock()
    const held = this.#lock.acquireSync()
    try {
      const after = fit(this.#code, this.#type, fn(this.value))
      this.assertOpen()
      this.#write(after)
      return after as ValueOf<C>
    } finally {
      held.release()
    }
  }

  /**
   * The lock that update() takes: to do several things as one.
   *
   * @throws {InvalidStateError} when the Value was made with `lock: false`
   */
  getLock(): RLock {
    this.assertOpen()
    const lock = toAddress(peek(this.w, this.at + LOCK))
    if (lock === 0) {
      throw new InvalidStateError('Expected a Value with a lock, but this one was made with { lock: false }')
    }
    holdReference(this.session, lock)
    return this.session.handle(lock) as RLock
  }

  protected override summary(): Record<string, unknown> {
    return { type: this.#code, value: this.value }
  }

  #read(): number | bigint | string {
    return readAs(this.#type, this.w, this.#wide, this.at)
  }

  #write(value: number | bigint | string): void {
    const form = this.#type.form
    if (form === 'bigint' || form === 'float64') store64(this.#wide, this.at / 2, wideBits(value))
    else store(this.w, this.at, bits(value, form))
  }

  #exchange(before: number | bigint | string, after: number | bigint | string): boolean {
    if (this.#type.form === 'bigint') {
      const expected = wideBits(before)
      return compareExchange64(this.#wide, this.at / 2, expected, wideBits(after)) === expected
    }
    const expected = bits(before, 'integer')
    return compareExchange(this.w, this.at, expected, bits(after, 'integer')) === expected
  }
}

/**
 * A Value without a lock: getLock() and update() throw, everything else is the same.
 *
 * @example
 * const counter = new RawValue('i', 40)
 * assert.equal(counter.add(2), 42)
 */
export class RawValue<C extends TypeCode = TypeCode> extends Value<C> {
  constructor(type: C, initial?: ValueOf<C>)
  /** @internal */
  constructor(adoption: Adoption)
  constructor(typeOrAdoption: C | Adoption, initial?: ValueOf<C>) {
    if (typeOrAdoption instanceof Adoption) super(typeOrAdoption)
    else super(typeOrAdoption, initial, { lock: false })
  }
}

function readAs(type: Type, w: Words, wide: WideWords, at: number): number | bigint | string {
  switch (type.form) {
    case 'integer':
      return type.low === 0 ? load(w, at) >>> 0 : load(w, at)
    case 'text':
      return String.fromCharCode(load(w, at))
    case 'float32':
      scratch.setInt32(0, load(w, at))
      return scratch.getFloat32(0)
    case 'bigint': {
      const bits = load64(wide, at / 2)
      return type.low === 0n ? BigInt.asUintN(64, bits) : bits
    }
    default:
      scratch.setBigInt64(0, load64(wide, at / 2))
      return scratch.getFloat64(0)
  }
}

function bits(value: number | bigint | string, form: Type['form']): number {
  if (form === 'integer') return (value as number) | 0
  if (form === 'text') return (value as string).charCodeAt(0)
  scratch.setFloat32(0, value as number)
  return scratch.getInt32(0)
}

function wideBits(value: number | bigint | string): bigint {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value)
  scratch.setFloat64(0, value as number)
  return scratch.getBigInt64(0)
}

/** Checks everything before anything is allocated. */
function prepare(code: TypeCode, initial: unknown, options: ValueOptions | undefined) {
  const type = typeOf(code)
  const asked = checkLockOption(options, true)
  const zero = type.form === 'bigint' ? 0n : type.form === 'text' ? '\0' : 0
  const first = fit(code, type, initial === undefined ? zero : initial)
  const lock = asked === true ? new RLock() : asked === false ? undefined : asked
  return { code, initial: first, lock, ownsLock: asked === true, adoption: currentSession().create(KIND, WORDS) }
}

export const valueKind: Kind = {
  code: KIND,
  name: 'Value',
  open(adoption) {
    const { w, at } = bodyAt(adoption.session, adoption.address)
    return (peek(w, at + TYPE) & RAW) === 0 ? new Value(adoption) : new RawValue(adoption)
  },
  recover: () => true,
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    clearReference(session, w, at + LOCK)
  },
  refersTo: (session, address) => referenceIn(session, address, LOCK),
  check(session, address) {
    const { w, at } = bodyAt(session, address)
    const type = peek(w, at + TYPE)
    return TYPE_CODES[type & ~RAW] ? [] : [`its type has number ${type}, which does not exist`]
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const code = TYPE_CODES[peek(w, at + TYPE) & ~RAW]
    return { detail: { type: code, value: readAs(typeOf(code), w, wideWordsOf(w), at) } }
  },
}
