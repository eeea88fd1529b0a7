/**
 * Counts one file: bytes, lines and words as `LC_ALL=C wc` does, and how often each word of letters occurs.
 *
 * A *line* is a line feed. A *word* is a run of bytes between white space (space, \t, \n, \v, \f, \r) that holds at least
 * one visible ASCII character (! to ~): what `wc -w` counts in the C locale (GNU up to 9.4; later ones also count runs
 * of nothing but control and non-ASCII bytes). A *word of letters*, for the table, is a run of A–Z and a–z, lower-cased.
 * A file is *binary* if a NUL is among its first 8 KiB: git's rule, near enough; grep's too.
 */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { HASH_START, hashStep, LONGEST_WORD, type WordTable } from './words.ts'

export interface TextCount {
  bytes: number
  lines: number
  words: number
}

/** What became of one file. `trouble` beside a text: reading failed half-way; what was read counts, as with wc. */
export type FileCount =
  | ({ kind: 'text'; trouble?: string } & TextCount)
  | { kind: 'binary'; bytes: number }
  | { kind: 'vanished' | 'unreadable' | 'special'; trouble: string }

const BINARY_CHECK = 8192
/** Every process counts one file at a time, so one buffer serves; 256 KiB reads nearly every file in one call. */
const chunk = Buffer.alloc(256 * 1024)
/** Without O_NONBLOCK a file that was replaced by a fifo would hold us until somebody writes into it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW

const LINE_FEED = 10
const WHITE = 1
const VISIBLE = 2
/** For each byte: WHITE, VISIBLE or neither. */
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 32 || (byte >= 9 && byte <= 13)) return WHITE
  return byte > 32 && byte < 127 ? VISIBLE : 0
})
/** For each byte: the letter in lower case, or 0. */
const letters = Uint8Array.from({ length: 256 }, (_, byte) => {
  const lower = byte | 32
  return lower >= 97 && lower <= 122 ? lower : 0
})

/** Counts a text that comes in pieces, cut anywhere. */
export class TextCounter {
  bytes = 0
  lines = 0
  words = 0
  readonly #table: WordTable
  readonly #run = new Uint8Array(LONGEST_WORD)
  #runLength = 0
  #hash = HASH_START
  #visible = false

  constructor(table: WordTable) {
    this.#table = table
  }

  feed(piece: Uint8Array, end = piece.length): void {
    const run = this.#run
    let { lines, words } = this
    let length = this.#runLength
    let hash = this.#hash
    let visible = this.#visible
    for (let i = 0; i < end; i++) {
      const byte = piece[i]
      const letter = letters[byte]
      if (letter !== 0) {
        // A run too long for a word keeps its length growing, so that its end is known as such.
        if (length < LONGEST_WORD) run[length] = letter
        length++
        hash = hashStep(hash, letter)
        visible = true
        continue
      }
      if (length !== 0) {
        if (length <= LONGEST_WORD) this.#table.add(run, 0, length, hash, 1)
        length = 0
        hash = HASH_START
      }
      const kind = kinds[byte]
      if (kind === VISIBLE) visible = true
      else if (kind === WHITE) {
        if (visible) words++
        visible = false
        if (byte === LINE_FEED) lines++
      }
    }
    this.bytes += end
    this.lines = lines
    this.words = words
    this.#runLength = length
    this.#hash = hash
    this.#visible = visible
  }

  /** The text is over: what runs up to its end is a word too. */
  end(): TextCount {
    this.feed(Uint8Array.of(32))
    return { bytes: this.bytes - 1, lines: this.lines, words: this.words }
  }
}

/** Counts a file without a pause. Never throws for anything that a file, or its absence, can do. */
export function countFile(path: Buffer, table: WordTable): FileCount {
  const steps = countSteps(path, table)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** The same in steps of one chunk, for whoever must look up in between. One file at a time: there is one chunk. */
export function* countSteps(path: Buffer, table: WordTable): Generator<void, FileCount> {
  let fd: number
  try {
    fd = openSync(path, OPEN_FLAGS)
  } catch (error) {
    return missed(error)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { kind: 'special', trouble: 'not a regular file' }
    let length = fill(fd)
    if (chunk.subarray(0, Math.min(length, BINARY_CHECK)).includes(0)) return { kind: 'binary', bytes: stat.size }
    const counter = new TextCounter(table)
    try {
      while (length > 0) {
        counter.feed(chunk, length)
        if (length < chunk.length) break
        yield
        length = fill(fd)
      }
    } catch (error) {
      return { kind: 'text', ...counter.end(), trouble: codeOf(error) }
    }
    return { kind: 'text', ...counter.end() }
  } catch (error) {
    return missed(error)
  } finally {
    closeSync(fd)
  }
}

/** Reads until the chunk is full or the file is over: a short read in between says nothing. */
function fill(fd: number): number {
  let length = 0
  while (length < chunk.length) {
    const n = readSync(fd, chunk, length, chunk.length - length, null)
    if (n === 0) break
    length += n
  }
  return length
}

function missed(error: unknown): FileCount {
  const trouble = codeOf(error)
  // ENOTDIR: a folder on the way became a file. ELOOP: the file became a link. Either way what the walk saw is gone.
  const gone = trouble === 'ENOENT' || trouble === 'ENOTDIR' || trouble === 'ELOOP'
  // ENXIO: a socket, or a device without a driver, cannot be opened at all.
  return { kind: gone ? 'vanished' : trouble === 'ENXIO' ? 'special' : 'unreadable', trouble }
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
