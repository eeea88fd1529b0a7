/** A part of a file as memory of this process, shared with everyone who maps it too. */
import { constants as bufferConstants } from 'node:buffer'
import { constants } from 'node:os'
import { ArgumentRangeError, ArgumentTypeError, UnsupportedPlatformError } from '../contract/errors.ts'
import { libc, SystemCallError } from './libc.ts'

const PROT_READ_WRITE = 3
const MAP_SHARED = 1

export interface Mapping {
  readonly address: bigint
  readonly length: number
  readonly buffer: ArrayBuffer
}

/**
 * The longest view that is safe. Past V8's own limit (4 GiB in Node 20) making the view aborts the whole process,
 * so this is asked before. Node 26 stood 2^40 when tried, which is also the largest file we make.
 */
export const MAX_VIEW: number = Math.min(bufferConstants.MAX_LENGTH, 2 ** 40)

/** Every mapping of this thread that is still there, without keeping it there. */
const mappings = new Set<{ address: bigint; length: number; buffer: WeakRef<ArrayBuffer> }>()
const pinned = new Set<ArrayBuffer>()

/**
 * Unmapped when nothing can reach the ArrayBuffer any more: using a view of memory that is gone is a segmentation fault.
 * A worker thread that ends leaves these mappings to the process; what threads share is mapped by mapForLife() instead.
 */
const unmapWhenCollected = new FinalizationRegistry<Parameters<typeof mappings.delete>[0]>(gone => {
  mappings.delete(gone)
  libc().munmap(gone.address, gone.length)
})

/** Maps `length` bytes of the file from `offset` on, which is a multiple of the page size. */
export function mapShared(fd: number, offset: number, length: number): Mapping {
  checkLength(length)
  const { mmap, view, errno } = libc()
  const at = mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, offset)
  if (at === -1) throw new SystemCallError('mmap', errno(), `${length} bytes at ${offset} of descriptor ${fd}`)
  const address = BigInt(at)
  const buffer = view(address, length)
  forbidTransfer(buffer)
  const entry = { address, length, buffer: new WeakRef(buffer) }
  mappings.add(entry)
  unmapWhenCollected.register(buffer, entry)
  return { address, length, buffer }
}

function checkLength(length: number): void {
  if (Number.isSafeInteger(length) && length > 0 && length <= MAX_VIEW) return
  throw new ArgumentRangeError(`a mapping has 1 to ${MAX_VIEW} bytes on this version of Node.js, received ${length}`)
}

/** What a part is a part of: it stays mapped as long as the part can be reached. */
const wholes = new WeakMap<ArrayBuffer, ArrayBuffer>()

/** These bytes of the mapping, and no others, as a buffer of their own. */
export function partOf(mapping: Mapping, offset: number, length: number): ArrayBuffer {
  if (length === 0) return new ArrayBuffer(0)
  const buffer = libc().view(mapping.address + BigInt(offset), length)
  forbidTransfer(buffer)
  wholes.set(buffer, mapping.buffer)
  return buffer
}

/**
 * Maps the whole file until the process ends, for all its threads: a thread that ends leaves nothing behind when it only
 * looks at what is there. Costs addresses, no memory. Undefined when so many addresses are not to be had (ulimit -v).
 */
export function mapForLife(fd: number, length: number): bigint | undefined {
  const { mmap, errno } = libc()
  const at = mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0)
  if (at !== -1) return BigInt(at)
  if (errno() === constants.errno.ENOMEM) return undefined
  throw new SystemCallError('mmap', errno(), `${length} bytes of descriptor ${fd}`)
}

/** A part of memory that stays mapped as long as this process lives: see mapForLife(). */
export function viewMapped(address: bigint, length: number): Mapping {
  checkLength(length)
  const buffer = libc().view(address, length)
  forbidTransfer(buffer)
  return { address, length, buffer }
}

/** Keeps the mapping this address lies in for the life of the thread, for what C or the kernel goes on looking at. */
export function pinMapping(address: bigint): void {
  for (const mapping of mappings) {
    if (address < mapping.address || address >= mapping.address + BigInt(mapping.length)) continue
    const buffer = mapping.buffer.deref()
    if (buffer !== undefined) pinned.add(buffer)
  }
}

/**
 * A transferred buffer would live on after the one we watch was collected, and would be unmapped under its user.
 * (Posting it to a thread copies it in Node 20 and throws in later versions: only these two methods move it.)
 */
function forbidTransfer(buffer: ArrayBuffer): void {
  const refuse = {
    value(): never {
      throw new ArgumentTypeError(
        'shared memory cannot be transferred: copy it with slice(), or send the object that owns it',
      )
    },
  }
  Object.defineProperties(buffer, { transfer: refuse, transferToFixedLength: refuse })
}

/**
 * The language promises atomic operations on SharedArrayBuffers only; V8 uses the same code for this memory.
 * Throws UnsupportedPlatformError should that ever change. Uses and restores the first 16 bytes, which nobody else may use yet.
 */
export function assertAtomicsWork(buffer: ArrayBuffer): void {
  const words = new Int32Array(buffer, 0, 2)
  const wide = new BigInt64Array(buffer, 8, 1)
  const [first, second, third] = [words[0], words[1], wide[0]]
  let broken: unknown
  try {
    Atomics.store(words, 0, 40)
    const right =
      Atomics.compareExchange(words, 0, 40, 41) === 40 &&
      Atomics.compareExchange(words, 0, 40, 99) === 41 &&
      Atomics.add(words, 0, 1) === 41 &&
      Atomics.load(words, 0) === 42 &&
      Atomics.exchange(words, 0, 0x40000000) === 42 &&
      Atomics.or(words, 0, 1) === 0x40000000 &&
      Atomics.and(words, 0, 1) === 0x40000001 &&
      new Int32Array(buffer, 0, 1)[0] === 1 &&
      Atomics.store(wide, 0, 2n ** 40n) === 2n ** 40n &&
      Atomics.add(wide, 0, 1n) === 2n ** 40n &&
      Atomics.compareExchange(wide, 0, 2n ** 40n + 1n, 7n) === 2n ** 40n + 1n &&
      Atomics.load(wide, 0) === 7n
    if (right) return
  } catch (error) {
    broken = error
  } finally {
    words[0] = first
    words[1] = second
    wide[0] = third
  }
  throw new UnsupportedPlatformError(
    `atomic operations do not work on memory outside the JavaScript heap in this runtime (Node.js ${process.version}, V8 ${process.versions.v8}). multiproc cannot share memory safely here: use a released version of Node.js`,
    { cause: broken },
  )
}
