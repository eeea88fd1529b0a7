/**
 * A list of fixed length in a block of SharedMemory, byte for byte as the ShareableList of CPython 3.9 and later lays it
 * out (little-endian, everything on 8 bytes; one that 3.8 made, with sizes in the place of offsets, is read and written):
 *
 *   count (int64) · count + 1 offsets (int64) │ items │ formats (8 bytes each, NUL-padded) · kinds (1 byte each)
 *
 * offsets: of each item from the beginning of the items, and of their end. formats: of Python's struct module, 'q' int64,
 * 'd' double, 'xxxxxxx?' boolean, 'xxxxxx?x' None, '16s' text or bytes in a slot of 16. kinds: 0 as it is, 1 text, 2 bytes,
 * 3 None.
 *
 * Two things differ, and CPython reads both as its own: a slot has room for the bytes of a text and not only for as many as
 * it has characters; and what ends in NUL, which CPython would drop, is written as '3sx', its length and a byte of padding.
 *
 * Who writes the bytes: anyone, item by item, in three plain stores: format, kind, value. Nothing orders them between
 * processes, and a process that dies between them leaves one item that reads as something else. Guard it by a Lock.
 */
import { type InspectOptions, inspect } from 'node:util'
import { ArgumentRangeError, ArgumentTypeError, InvalidStateError } from '../contract/errors.ts'
import { checkOptions, describe } from '../contract/options.ts'
import { SharedMemory } from './shared-memory.ts'

export interface ShareableListOptions {
  /** Of the block of memory: to be made, or with `null` for items to be attached. */
  name?: string
  /** As of SharedMemory. @default true */
  track?: boolean
}

const WORD = 8
const NUMBER = 'q'
const FLOAT = 'd'
const BOOLEAN = 'xxxxxxx?'
const NONE = 'xxxxxx?x'
const [AS_IT_IS, TEXT, BYTES, NOTHING] = [0, 1, 2, 3]
/** Where in its slot a boolean lies. */
const FLAG = 7

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const formats = new TextDecoder('latin1')

/** An item as it is written. */
interface Packed {
  /** undefined: as large as the slot. */
  readonly format: string | undefined
  readonly kind: number
  readonly value: number | bigint | boolean | Uint8Array | null
}

/**
 * A list of fixed length that any process can attach, also in Python: its bytes are those of CPython's ShareableList, from
 * 3.9 on.
 *
 * It holds whole numbers and bigints of 64 bits, other numbers, booleans, strings, bytes (Uint8Array), and null for None.
 * A number that is a safe integer is written as Python's int, any other as a float (-0 and 1e300 too); an int outside the
 * safe range is read as a bigint. An item may be replaced by one of another type. A string or bytes may be as long as the
 * slot that the first one made: 8 bytes for less than 8, 16 for less than 16 …; other first items make one of 8.
 *
 * Nothing here waits or locks: guard what is done in several steps by a Lock. What ends in NULs is kept whole here, and
 * read without them in Python. Sent to another process it arrives as the same list.
 *
 * If a process dies in set(): that item may be half written. The block: as SharedMemory says; call `list.shm.unlink()`.
 *
 * @param items what it holds; null: attach the list of that `name`
 * @param options `name` of the block; default: a random one · `track`: as of SharedMemory
 * @throws {ArgumentTypeError} an item of another type · {ArgumentRangeError} an int of more than 64 bits
 * @throws {FileExistsError} {FileNotFoundError} as SharedMemory · {InvalidStateError} attaching what is no list
 * @example
 * const list = new ShareableList(['alpha', 1, 2.5, null, true])
 * const same = new ShareableList(null, { name: list.shm.name })
 * same.set(0, 'omega')
 * assert.deepEqual([...list], ['omega', 1, 2.5, null, true])
 * list.shm.unlink()
 */
export class ShareableList<T = unknown> implements Iterable<T> {
  /** The block: to close() and to unlink(). */
  readonly shm: SharedMemory
  /** How many items it has. */
  readonly length: number
  /** Where each item begins in the block, and where the last one ends. */
  readonly #places: readonly number[]

  constructor(items: Iterable<T> | null, options?: ShareableListOptions)
  /** @internal */
  constructor(arrived: SharedMemory)
  constructor(given: Iterable<T> | SharedMemory | null | undefined, options?: ShareableListOptions) {
    const { name, track } = checkOptions('options', options, ['name', 'track'])
    if (given instanceof SharedMemory || ((given === null || given === undefined) && name !== undefined)) {
      this.shm = given instanceof SharedMemory ? given : new SharedMemory({ name })
      this.#places = placesIn(this.shm)
      this.length = this.#places.length - 1
      return
    }
    const packed = packAll(given ?? [])
    this.length = packed.length
    const first = (this.length + 2) * WORD
    const places = [first]
    for (const { value } of packed) places.push(places[places.length - 1] + slotFor(value))
    this.#places = places
    const size = places[this.length] + this.length * (WORD + 1)
    this.shm = new SharedMemory({ name, create: true, size, track })
    const view = this.#view()
    view.setBigInt64(0, BigInt(this.length), true)
    for (const [i, place] of places.entries()) view.setBigInt64((i + 1) * WORD, BigInt(place - first), true)
    for (const [i, item] of packed.entries()) this.#write(view, i, item)
  }

  /**
   * The item at `i`; below 0 from the end.
   *
   * @throws {ArgumentRangeError} when there is none · {InvalidStateError} when the bytes there are no item
   */
  get(i: number): T {
    return this.#read(this.#view(), this.#index(i)) as T
  }

  /**
   * Puts `value` in the place of the item at `i`; below 0 from the end.
   *
   * @throws {ArgumentRangeError} when there is no such item, or `value` is longer than its slot: nothing was changed
   * @throws {ArgumentTypeError} a value of another type
   */
  set(i: number, value: T): void {
    const index = this.#index(i)
    const item = pack(value, index)
    const room = this.#places[index + 1] - this.#places[index]
    if (item.value instanceof Uint8Array && item.value.length > room) {
      throw new ArgumentRangeError(
        `Expected at most ${room} bytes, the slot of item ${index}, got ${item.value.length}; make the list with an item that is as long`,
      )
    }
    this.#write(this.#view(), index, item)
  }

  /** How many items are equal to `value`: bytes by what they hold, numbers and bigints by their number. */
  count(value: T): number {
    let count = 0
    for (const item of this) if (isSame(item, value)) count++
    return count
  }

  /** The place of the first item that is equal to `value`; -1 when there is none (Python raises ValueError). */
  indexOf(value: T): number {
    let i = 0
    for (const item of this) {
      if (isSame(item, value)) return i
      i++
    }
    return -1
  }

  /** The formats of all items, as Python's struct module writes them. */
  get format(): string {
    const view = this.#view()
    return Array.from({ length: this.length }, (_, i) => this.#formatAt(view, i)).join('')
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.length; i++) yield this.get(i)
  }

  /** What util.inspect() and console.log() show. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const shown = this.shm.closed ? { closed: true } : [...this]
    return `${this.constructor.name}(${JSON.stringify(this.shm.name)}) ${inspect(shown, options)}`
  }

  #view(): DataView {
    return new DataView(this.shm.buf.buffer)
  }

  #index(i: number): number {
    if (typeof i !== 'number') throw new ArgumentTypeError(`Expected an index, got ${describe(i)}`)
    const index = i < 0 ? i + this.length : i
    if (Number.isInteger(index) && index >= 0 && index < this.length) return index
    throw new ArgumentRangeError(
      `Expected an index from ${-this.length} to ${this.length - 1} in a list of ${this.length}, got ${i}`,
    )
  }

  #formatAt(view: DataView, i: number): string {
    const at = this.#places[this.length] + i * WORD
    return formats.decode(new Uint8Array(view.buffer, at, WORD)).replace(/\0+$/, '')
  }

  #read(view: DataView, i: number): unknown {
    const format = this.#formatAt(view, i)
    const kind = view.getInt8(this.#places[this.length] + this.length * WORD + i)
    const at = this.#places[i]
    if (kind === NOTHING) return null
    if (kind === AS_IT_IS && format === NUMBER) return numberOf(view.getBigInt64(at, true))
    if (kind === AS_IT_IS && format === FLOAT) return view.getFloat64(at, true)
    if (kind === AS_IT_IS && format === BOOLEAN) return view.getUint8(at + FLAG) !== 0
    const [, length, exact] = /^(\d{1,7})s(x?)$/.exec(format) ?? []
    const room = this.#places[i + 1] - at
    if ((kind === TEXT || kind === BYTES) && length !== undefined && Number(length) <= room) {
      const bytes = new Uint8Array(view.buffer, at, Number(length))
      const used = exact ? bytes : withoutPadding(bytes)
      if (kind === BYTES) return used.slice()
      return textOf(used, i)
    }
    throw new InvalidStateError(
      `Expected an item of a ShareableList at index ${i}, got format ${JSON.stringify(format)} of kind ${kind}: is somebody writing it at this moment, without a lock?`,
    )
  }

  #write(view: DataView, i: number, { format, kind, value }: Packed): void {
    const at = this.#places[i]
    const room = this.#places[i + 1] - at
    const label = new Uint8Array(view.buffer, this.#places[this.length] + i * WORD, WORD)
    label.fill(0)
    encoder.encodeInto(format ?? `${room}s`, label)
    view.setInt8(this.#places[this.length] + this.length * WORD + i, kind)
    if (value instanceof Uint8Array) {
      const slot = new Uint8Array(view.buffer, at, room)
      slot.set(value)
      slot.fill(0, value.length)
    } else if (typeof value === 'bigint') view.setBigInt64(at, value, true)
    else if (typeof value === 'number') view.setFloat64(at, value, true)
    else view.setBigInt64(at, value ? 1n << BigInt(FLAG * 8) : 0n, true)
  }
}

/** Room for an item: a text or bytes get a NUL behind, as in CPython, at the least. */
function slotFor(value: Packed['value']): number {
  return value instanceof Uint8Array ? WORD * (Math.floor(value.length / WORD) + 1) : WORD
}

/** Where the items lie, of a block that may be anything. */
function placesIn(shm: SharedMemory): number[] {
  const view = new DataView(shm.buf.buffer)
  const word = (i: number) => Number(view.getBigInt64(i * WORD, true))
  const count = shm.size < WORD ? -1 : word(0)
  if (count >= 0 && (count + 1) * WORD <= shm.size) {
    // CPython 3.8 has sizes there, where later ones have offsets and one more of them
    const sizes = count === 0 ? shm.size === WORD : word(1) !== 0
    const places = [(count + (sizes ? 1 : 2)) * WORD]
    if (places[0] <= shm.size) {
      for (let i = 0; i < count; i++) places.push(sizes ? places[i] + word(i + 1) : places[0] + word(i + 2))
      const last = places[count] + count * (WORD + 1)
      if (last <= shm.size && places.every((place, i) => i === 0 || place >= places[i - 1] + WORD)) return places
    }
  }
  throw new InvalidStateError(
    `Expected a ShareableList in the shared memory ${JSON.stringify(shm.name)}, got other bytes; attach it as SharedMemory`,
  )
}

function packAll(items: unknown): Packed[] {
  if (typeof (items as Iterable<unknown>)[Symbol.iterator] !== 'function') {
    throw new ArgumentTypeError(`Expected \`items\` to be an iterable or null, got ${describe(items)}`)
  }
  return Array.from(items as Iterable<unknown>, pack)
}

function pack(value: unknown, i: number): Packed {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        return { format: NUMBER, kind: AS_IT_IS, value: BigInt(value) }
      }
      return { format: FLOAT, kind: AS_IT_IS, value }
    case 'bigint':
      if (BigInt.asIntN(64, value) === value) return { format: NUMBER, kind: AS_IT_IS, value }
      throw new ArgumentRangeError(`Expected an int of at most 64 bits at index ${i}, got ${describe(value)}`)
    case 'boolean':
      return { format: BOOLEAN, kind: AS_IT_IS, value }
    case 'undefined':
      return { format: NONE, kind: NOTHING, value: null }
    case 'string':
      if (/\p{Surrogate}/u.test(value)) {
        throw new ArgumentRangeError(
          `Expected text that can be written as UTF-8 at index ${i}, got half of a surrogate pair in ${describe(value)}`,
        )
      }
      return packBytes(encoder.encode(value), TEXT, i)
    default:
      if (value === null) return { format: NONE, kind: NOTHING, value }
      if (value instanceof Uint8Array) return packBytes(value.slice(), BYTES, i)
      throw new ArgumentTypeError(
        `Expected a number, bigint, boolean, string, Uint8Array or null at index ${i}, got ${describe(value)}`,
      )
  }
}

function packBytes(value: Uint8Array, kind: number, i: number): Packed {
  const { length } = value
  const exact = length > 0 && value[length - 1] === 0
  // a format has 8 bytes, and a slot may be 8 longer than what is in it
  const most = exact ? 999_999 : 9_999_991
  if (length <= most) return { format: exact ? `${length}sx` : undefined, kind, value }
  throw new ArgumentRangeError(
    `Expected at most ${most} bytes${exact ? ' that end in NUL' : ''} at index ${i}, got ${length}; use SharedMemory for more`,
  )
}

const numberOf = (int: bigint): number | bigint => {
  const number = Number(int)
  return Number.isSafeInteger(number) ? number : int
}

function withoutPadding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

function textOf(bytes: Uint8Array, i: number): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new InvalidStateError(
      `Expected UTF-8 at index ${i} of a ShareableList, got other bytes; CPython cuts a text with characters of several bytes when it makes a list of it`,
      { cause },
    )
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && BigInt(b) === a
  if (typeof a === 'number' && typeof b === 'bigint') return isSame(b, a)
  return a === b || (a === null && b === undefined)
}
