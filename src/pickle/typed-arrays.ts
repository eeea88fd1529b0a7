/**
 * Typed arrays and Python's `array.array`: which is which.
 *
 * Uint8Array is `bytes`, so array('B') is a Uint8ClampedArray. 'l' and 'L' are 8 bytes in Python on 64-bit Linux: they
 * arrive as bigints, and go back as 'q' and 'Q'. 'u' and 'w' hold characters: such an array stays a PythonObject.
 */

type TypedArray = { [index: number]: number | bigint }
type ArrayClass = {
  new (buffer: ArrayBuffer): TypedArray
  new (length: number): TypedArray
  readonly name: string
  readonly BYTES_PER_ELEMENT: number
}

const classes = new Map<unknown, ArrayClass>([
  ['l', BigInt64Array],
  ['L', BigUint64Array],
  ['b', Int8Array],
  ['B', Uint8ClampedArray],
  ['h', Int16Array],
  ['H', Uint16Array],
  ['i', Int32Array],
  ['I', Uint32Array],
  ['q', BigInt64Array],
  ['Q', BigUint64Array],
  ['f', Float32Array],
  ['d', Float64Array],
])
const codes = new Map([...classes].map(([code, { name }]) => [name, code as string]))

/** The typecode of a typed array; undefined for what Python has no array of. */
export function typecodeOf(array: ArrayBufferView): string | undefined {
  return codes.get((array as any)[Symbol.toStringTag])
}

/** `array.array(typecode, items)`, as `multiprocessing` sends it: the bytes of the items, or a list of them. */
export function readArray(typecode: unknown, items: unknown): unknown {
  const Class = classes.get(typecode)
  if (Class === undefined) return undefined
  if (items instanceof Uint8Array) {
    if (items.length % Class.BYTES_PER_ELEMENT !== 0) return undefined
    return new Class(new Uint8Array(items).buffer)
  }
  if (!Array.isArray(items)) return undefined
  const array = new Class(items.length)
  const wide = array instanceof BigInt64Array || array instanceof BigUint64Array
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (typeof item !== 'number' && typeof item !== 'bigint') return undefined
    if (wide && !(typeof item === 'bigint' || Number.isInteger(item))) return undefined
    array[i] = wide ? BigInt(item) : Number(item)
  }
  return array
}

/** Python's codes for how the items lie in memory, where they lie as they do here. */
const formats = new Map<unknown, string>([
  [0, 'B'],
  [1, 'b'],
  [2, 'H'],
  [4, 'h'],
  [6, 'I'],
  [8, 'i'],
  [10, 'Q'],
  [12, 'q'],
  [14, 'f'],
  [16, 'd'],
])

/** `array._array_reconstructor(array.array, typecode, format, bytes)`, as plain `pickle` writes it. */
export function readArrayOfFormat(typecode: unknown, format: unknown, items: unknown): unknown {
  const Class = classes.get(formats.get(format))
  // one from another machine may have another size or order: that stays as it is
  if (Class === undefined || Class !== classes.get(typecode) || !(items instanceof Uint8Array)) return undefined
  return readArray(typecode, items)
}
