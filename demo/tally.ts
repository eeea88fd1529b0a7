/**
 * The sum of any number of files: of one unit in a worker, of everything in the end. Tallies add up (`merge`) in any
 * order, so that the parallel census and the single-process one must arrive at equal ones.
 */

import { countFile, countSteps, type FileCount, type TextCount } from './count.ts'
import { Turns } from './turns.ts'
import { type Skipped, type SkippedKind, toBytes } from './walk.ts'
import { type PackedWords, WordTable } from './words.ts'

/** A tally as it travels from a worker to the main process. */
export interface PackedTally extends TextCount {
  files: number
  binaryBytes: number
  skipped: Skipped[]
  table: PackedWords
}

export class Tally {
  files = 0
  bytes = 0
  lines = 0
  words = 0
  binaryBytes = 0
  readonly skipped: Skipped[] = []
  readonly table: WordTable
  readonly #turns = new Turns()

  constructor(table = new WordTable()) {
    this.table = table
  }

  /** Counts one file under `folder` into this tally. */
  count(folder: Buffer, path: string): void {
    this.#enter(path, countFile(toBytes(folder, path), this.table))
  }

  /** The same for the main process, which must hear Ctrl-C: gives the event loop a turn now and then, inside a file too. */
  async countPolitely(folder: Buffer, path: string): Promise<void> {
    const steps = countSteps(toBytes(folder, path), this.table)
    for (;;) {
      const step = steps.next()
      if (this.#turns.due) await this.#turns.take()
      if (step.done) return this.#enter(path, step.value)
    }
  }

  merge(other: PackedTally): void {
    this.files += other.files
    this.bytes += other.bytes
    this.lines += other.lines
    this.words += other.words
    this.binaryBytes += other.binaryBytes
    for (const skipped of other.skipped) this.skipped.push(skipped)
    this.table.merge(other.table)
  }

  pack(): PackedTally {
    const { files, bytes, lines, words, binaryBytes, skipped } = this
    return { files, bytes, lines, words, binaryBytes, skipped, table: this.table.pack() }
  }

  /** What was skipped for this reason, by path. */
  skippedAs(kind: SkippedKind): Skipped[] {
    return this.skipped.filter(s => s.kind === kind).sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  #enter(path: string, file: FileCount): void {
    if (file.kind === 'text') {
      this.files++
      this.bytes += file.bytes
      this.lines += file.lines
      this.words += file.words
      if (file.trouble) this.skipped.push({ kind: 'unreadable', path, trouble: `${file.trouble} half-way` })
    } else if (file.kind === 'binary') {
      this.binaryBytes += file.bytes
      this.skipped.push({ kind: 'binary', path, trouble: file.bytes === 1 ? '1 byte' : `${file.bytes} bytes` })
    } else {
      this.skipped.push({ kind: file.kind, path, trouble: file.trouble })
    }
  }
}

/** Compares two tallies number by number and word by word; the names of what differs, with both values. */
export function differences(a: Tally, b: Tally): string[] {
  const found: string[] = []
  const compare = (name: string, left: number, right: number) => {
    if (left !== right) found.push(`${name}: ${left} and ${right}`)
  }
  for (const name of ['files', 'bytes', 'lines', 'words', 'binaryBytes'] as const) compare(name, a[name], b[name])
  compare('skipped', a.skipped.length, b.skipped.length)
  const rest = new Map(b.table.entries())
  for (const [word, count] of a.table.entries()) {
    compare(`"${word}"`, count, rest.get(word) ?? 0)
    rest.delete(word)
  }
  for (const [word, count] of rest) compare(`"${word}"`, 0, count)
  return found
}
