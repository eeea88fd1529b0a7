/**
 * The memory of a session: one sparse file without a name, mapped window by window as it is touched.
 *
 * Every process maps the same file, so growing needs no word to anybody. It is mapped once, as a whole, for the life of
 * the process and for all its threads, which are told where: a thread that maps nothing leaves nothing mapped. What
 * JavaScript sees of it are windows, made when an address in them is first used; what is larger than a window, or lies
 * across the border of two, gets a view of its own. Where addresses are scarce (ulimit -v) windows are mapped one by one.
 */
import { constants } from 'node:fs'
import { MultiprocError } from '../contract/errors.ts'
import { endWithThread } from '../os/descriptor.ts'
import { noteView } from '../os/garbage.ts'
import { assertAtomicsWork, type Mapping, mapForLife, mapShared, partOf, viewMapped } from '../os/mapping.ts'
import { createMemfd, fileSize, populate, punchHole } from '../os/memfd.ts'
import type { Memory } from './allocator.ts'
import { firstUnitOf, HEADER, MAGIC, UNIT } from './layout.ts'
import { load, poke, store, type Words, wordsOf } from './words.ts'

const WINDOW = 1 << 30

/** Pages of arm64 may be as large as this; a mapping begins with a page. */
export const LARGEST_PAGE = 65536

/** What the kernel maps at a read of one page in it, if the pages are there (fault-around). */
const AROUND = 65536
/** Who shares more than this out among many may use a part of it only. */
const MOST_TOUCHED = 4 << 20

interface Window {
  readonly mapping: Mapping
  readonly words: Words
  readonly bytes: Uint8Array
}

function windowOf(mapping: Mapping): Window {
  return { mapping, words: wordsOf(mapping), bytes: new Uint8Array(mapping.buffer) }
}

export class Segment implements Memory {
  readonly fd: number
  /** The first window: header, participants, unit table, and the first units. */
  readonly words: Words
  /** Where the file lies in this process; undefined where it could not be mapped as a whole. */
  readonly base: bigint | undefined
  readonly #first: bigint
  readonly #size: number
  readonly #windows: (Window | undefined)[] = []
  /** The last mapping made for something across windows: large messages are looked at several times in a row. */
  #wide: { address: number; length: number; bytes: Uint8Array } | undefined

  private constructor(fd: number, base?: bigint) {
    this.fd = fd
    this.#size = fileSize(fd)
    this.base = base ?? mapForLife(fd, this.#size)
    const first = windowOf(this.#map(0, Math.min(WINDOW, this.#size)))
    this.#first = first.mapping.address
    this.words = first.words
    this.#windows.push(first)
  }

  /** A new, empty memory that may come to hold `limit` bytes. */
  static create(limit: number, name: string): Segment {
    const limitUnits = Math.max(64, Math.ceil(limit / UNIT))
    // Twice the ceiling in addresses, so that a large run is found also when small ones lie scattered.
    const units = Math.min(2 ** 19, Math.max(16384, limitUnits * 2))
    const segment = new Segment(endWithThread(createMemfd(name, units * UNIT), constants.O_RDWR))
    const w = segment.words
    assertAtomicsWork(w.buffer as ArrayBuffer)
    poke(w, HEADER.units, units)
    poke(w, HEADER.firstUnit, firstUnitOf(units))
    poke(w, HEADER.limitUnits, limitUnits)
    store(w, HEADER.magic, MAGIC)
    return segment
  }

  /** The memory behind `fd`; mapped at `base` already, where another thread of this process has mapped it. */
  static attach(fd: number, base?: bigint): Segment {
    const segment = new Segment(fd, base)
    if (load(segment.words, HEADER.magic) !== MAGIC) {
      throw new MultiprocError(
        'Expected the memory of a multiproc session of this version behind this descriptor: do all processes use the same copy of the package?',
      )
    }
    return segment
  }

  /** Where word `i` of the first window lies in this process's address space. */
  addressOf(i: number): bigint {
    return this.#first + BigInt(i * 4)
  }

  /** The words at `address`, and the index of the first of them. What is used by words lies in one window, but for parcels of many handles. */
  wordsAt(address: number): Words {
    return this.#window(Math.floor(address / WINDOW)).words
  }

  /** The index, in wordsAt(address), of the word at `address`. */
  indexOf(address: number): number {
    return (address % WINDOW) / 4
  }

  /** The bytes from `address` on. Valid as long as the block is whoever asks's; a view of it may outlive that. */
  bytesAt(address: number, length: number): Uint8Array {
    const first = Math.floor(address / WINDOW)
    if (address + length <= (first + 1) * WINDOW) {
      const at = address % WINDOW
      return this.#window(first).bytes.subarray(at, at + length)
    }
    if (this.#wide?.address !== address || this.#wide.length < length) {
      const whole = Math.ceil((length + LARGEST_PAGE) / LARGEST_PAGE) * LARGEST_PAGE
      const start = Math.floor(address / LARGEST_PAGE) * LARGEST_PAGE
      const { buffer } = this.#map(start, Math.min(whole, this.#size - start))
      this.#wide = { address, length, bytes: new Uint8Array(buffer, address - start, length) }
    }
    return this.#wide.bytes.subarray(0, length)
  }

  /**
   * These bytes and no others as an ArrayBuffer, which may be given to the user. What lies across windows begins at a
   * multiple of LARGEST_PAGE and gets a mapping of its own.
   */
  bufferAt(address: number, length: number): ArrayBuffer {
    noteView(length)
    const n = Math.floor(address / WINDOW)
    const isMapped = this.base !== undefined && length > 0
    if (isMapped || address + length > (n + 1) * WINDOW) return this.#map(address, length).buffer
    return partOf(this.#window(n).mapping, address % WINDOW, length)
  }

  /**
   * Somebody will use these bytes: the kernel maps them into this process now, as far as they are there. A read maps sixteen pages
   * at once, where a write maps one: five times the cost for who writes to all of them.
   */
  touch(address: number, length: number): void {
    const end = address + Math.min(length, MOST_TOUCHED)
    for (let at = Math.ceil(address / AROUND) * AROUND; at < end; at += AROUND) load(this.wordsAt(at), this.indexOf(at))
  }

  /** Makes sure that the pages are there: no memory is an error here, and a deadly signal later. */
  populate(address: number, bytes: number): void {
    populate(this.fd, address, bytes)
  }

  /** Gives the pages back to the kernel; they read as zero afterwards. */
  discard(address: number, bytes: number): void {
    punchHole(this.fd, address, bytes)
  }

  /** Fills the pages, which are there, with zeros. */
  clear(address: number, bytes: number): void {
    this.bytesAt(address, bytes).fill(0)
  }

  #map(offset: number, length: number): Mapping {
    if (this.base === undefined) return mapShared(this.fd, offset, length)
    return viewMapped(this.base + BigInt(offset), length)
  }

  #window(n: number): Window {
    let window = this.#windows[n]
    if (window === undefined) {
      window = windowOf(this.#map(n * WINDOW, Math.min(WINDOW, this.#size - n * WINDOW)))
      this.#windows[n] = window
    }
    return window
  }
}
