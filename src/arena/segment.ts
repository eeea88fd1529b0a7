/**
 * The memory of a session: one sparse file without a name, mapped window by window as it is touched.
 *
 * Every process maps the same windows of the same file, so growing needs no word to anybody: an address beyond the
 * windows mapped so far is simply mapped when it is first used. What is larger than a window, or lies across the border
 * of two, gets a mapping of its own. Mappings are given up only when nothing in JavaScript refers to them any more.
 */

import { MultiprocError } from '../contract/errors.ts'
import { assertAtomicsWork, mapShared } from '../os/mapping.ts'
import { createMemfd, fileSize, populate, punchHole } from '../os/memfd.ts'
import type { Memory } from './allocator.ts'
import { firstUnitOf, HEADER, MAGIC, UNIT } from './layout.ts'
import { load, poke, store, type Words, wordsOf } from './words.ts'

const WINDOW = 1 << 30

interface Window {
  readonly words: Words
  readonly bytes: Uint8Array
}

export class Segment implements Memory {
  readonly fd: number
  /** The first window: header, participants, unit table, and the first units. */
  readonly words: Words
  readonly #base: bigint
  readonly #size: number
  readonly #windows: (Window | undefined)[] = []
  /** The last mapping made for something across windows: large messages are looked at several times in a row. */
  #wide: { address: number; length: number; bytes: Uint8Array } | undefined

  private constructor(fd: number) {
    this.fd = fd
    this.#size = fileSize(fd)
    const mapping = mapShared(fd, 0, Math.min(WINDOW, this.#size))
    this.#base = mapping.address
    this.words = wordsOf(mapping)
    this.#windows.push({ words: this.words, bytes: new Uint8Array(mapping.buffer) })
  }

  /** A new, empty memory that may come to hold `limit` bytes. */
  static create(limit: number, name = 'multiproc'): Segment {
    const limitUnits = Math.max(64, Math.ceil(limit / UNIT))
    // Twice the ceiling in addresses, so that a large run is found also when small ones lie scattered.
    const units = Math.min(2 ** 19, Math.max(16384, limitUnits * 2))
    const segment = new Segment(createMemfd(name, units * UNIT))
    const w = segment.words
    assertAtomicsWork(w.buffer as ArrayBuffer)
    poke(w, HEADER.units, units)
    poke(w, HEADER.firstUnit, firstUnitOf(units))
    poke(w, HEADER.limitUnits, limitUnits)
    store(w, HEADER.magic, MAGIC)
    return segment
  }

  static attach(fd: number): Segment {
    const segment = new Segment(fd)
    if (load(segment.words, HEADER.magic) !== MAGIC) {
      throw new MultiprocError(
        'Expected the memory of a multiproc session of this version behind this descriptor: do all processes use the same copy of the package?',
      )
    }
    return segment
  }

  /** Where word `i` of the first window lies in this process's address space. */
  addressOf(i: number): bigint {
    return this.#base + BigInt(i * 4)
  }

  /** The words at `address`, and the index of the first of them. Nothing that is used by words lies across windows. */
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
      const whole = Math.ceil((length + 4096) / 4096) * 4096
      const start = Math.floor(address / 4096) * 4096
      const { buffer } = mapShared(this.fd, start, Math.min(whole, this.#size - start))
      this.#wide = { address, length, bytes: new Uint8Array(buffer, address - start, length) }
    }
    return this.#wide.bytes.subarray(0, length)
  }

  /** Makes sure that the pages are there: no memory is an error here, and a deadly signal later. */
  populate(address: number, bytes: number): void {
    populate(this.fd, address, bytes)
  }

  /** Gives the pages back to the kernel; they read as zero afterwards. */
  discard(address: number, bytes: number): void {
    punchHole(this.fd, address, bytes)
  }

  #window(n: number): Window {
    let window = this.#windows[n]
    if (window === undefined) {
      const mapping = mapShared(this.fd, n * WINDOW, Math.min(WINDOW, this.#size - n * WINDOW))
      window = { words: wordsOf(mapping), bytes: new Uint8Array(mapping.buffer) }
      this.#windows[n] = window
    }
    return window
  }
}
