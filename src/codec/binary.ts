/** Binaries: which kinds there are, and how each is made again from its bytes. The number in the message is the place in the list. */

type View = ArrayBufferView<ArrayBuffer>
type ViewClass = { new (buffer: ArrayBuffer): View; name: string }

// new kinds go to the end: the numbers are in messages that may be stored
const classes: ViewClass[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
]
const BUFFER = classes.length
const ARRAY_BUFFER = BUFFER + 1
const firstLater = ARRAY_BUFFER + 1
const later: ViewClass[] = 'Float16Array' in globalThis ? [(globalThis as any).Float16Array] : [] // from Node.js 24 on

const kinds = new Map<string, number>(classes.map((made, kind) => [made.name, kind]))
for (const [i, made] of later.entries()) kinds.set(made.name, firstLater + i)

const tagOfTypedArray = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get!

/** The kind of a binary, by what it is and not by what it says: a subclass counts as the built-in class it extends. */
export function kindOf(value: ArrayBuffer | ArrayBufferView): number {
  if (!ArrayBuffer.isView(value)) return ARRAY_BUFFER
  if (Buffer.isBuffer(value)) return BUFFER
  return kinds.get(tagOfTypedArray.call(value) ?? 'DataView')!
}

const classOf = (kind: number): ViewClass | undefined => classes[kind] ?? later[kind - firstLater]

/** A binary of that kind over `bytes`; undefined when there is no such kind. Throws a RangeError when they do not fit it. */
export function fromBytes(kind: number, bytes: ArrayBuffer): ArrayBuffer | View | undefined {
  if (kind === 0) return new Uint8Array(bytes)
  if (kind === BUFFER) return Buffer.from(bytes)
  if (kind === ARRAY_BUFFER) return bytes
  const made = classOf(kind)
  return made === undefined ? undefined : new made(bytes)
}

/** Makes the same view of another buffer: it may be called when `view` has lost its own. */
export function remaker(view: ArrayBufferView): (buffer: ArrayBuffer) => ArrayBufferView {
  const kind = kindOf(view)
  const { byteOffset, byteLength } = view
  if (kind === BUFFER) return buffer => Buffer.from(buffer, byteOffset, byteLength)
  const made = classOf(kind) as unknown as new (
    buffer: ArrayBuffer,
    byteOffset: number,
    length: number,
  ) => ArrayBufferView
  const length = (view as Uint8Array).length ?? byteLength
  return buffer => new made(buffer, byteOffset, length)
}

/** Up to here a loop is cheaper than making the view that `set` needs. */
const LOOP_BYTES = 40

/** Copies `length` bytes by whatever is cheapest for that many. */
export function copyBytes(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): void {
  if (length <= LOOP_BYTES) {
    for (let i = 0; i < length; i++) target[to + i] = source[from + i]
  } else {
    target.set(new Uint8Array(source.buffer, source.byteOffset + from, length), to)
  }
}

/** From here on slice() is cheaper than a buffer and a copy into it. */
const SLICE_BYTES = 64

/** From here on it tells that slice() fills with zeros first, too: only a typed array that is made from another is not. */
const LARGE_BYTES = 16 * 1024

/** A buffer of its own with these bytes. */
export function copyOf(bytes: Uint8Array, from: number, length: number): ArrayBuffer {
  if (length >= LARGE_BYTES) return new Uint8Array(new Uint8Array(bytes.buffer, bytes.byteOffset + from, length)).buffer
  if (length >= SLICE_BYTES && bytes.buffer instanceof ArrayBuffer) {
    return bytes.buffer.slice(bytes.byteOffset + from, bytes.byteOffset + from + length)
  }
  const copy = new Uint8Array(length)
  copyBytes(bytes, from, length, copy, 0)
  return copy.buffer
}
