/** The progress bar on stderr; silent where nobody looks at it (a file, a pipe). */

import type { WriteStream } from 'node:tty'
import { Presets, SingleBar } from 'cli-progress'

export class Progress {
  readonly #bar: SingleBar | undefined

  constructor(stream: WriteStream) {
    if (!stream.isTTY) return
    // The terminal is left as it is (cursor, line wrap): whatever ends us has nothing to restore.
    const options = { stream, linewrap: true, hideCursor: false, clearOnComplete: true, barsize: 30 }
    this.#bar = new SingleBar(
      { ...options, format: '{bar} {value} of {total} files, {duration_formatted}' },
      Presets.shades_classic,
    )
    this.#bar.start(0, 0)
  }

  show(counted: number, found: number): void {
    this.#bar?.setTotal(found)
    // A file is counted again when its worker was killed: more than all is all.
    this.#bar?.update(Math.min(counted, found))
  }

  stop(): void {
    this.#bar?.stop()
  }
}
