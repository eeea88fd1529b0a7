/**
 * The standard output of a thread that writes where its process does. Node would send it through the thread that started
 * this one, where it stays as long as that one is blocked, and is lost when that one exits.
 */
import { Writable } from 'node:stream'
import { isatty, WriteStream } from 'node:tty'
import { print } from './print.ts'
import type { Terminal } from './start/thread.ts'

/** Writes at once, as a process does to a file or a terminal. */
class DescriptorStream extends Writable {
  readonly fd: number
  readonly isTTY: true | undefined
  readonly columns: number | undefined
  readonly rows: number | undefined

  constructor(fd: number, { columns, rows }: Terminal) {
    super({ decodeStrings: true })
    this.fd = fd
    if (!isatty(fd)) return
    this.isTTY = true
    this.columns = columns
    this.rows = rows
    const { getColorDepth, hasColors } = WriteStream.prototype
    Object.assign(this, { getColorDepth, hasColors, getWindowSize: () => [columns, rows] })
  }

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    print(bytes, this.fd)
    done()
  }
}

class Nowhere extends Writable {
  override _write(_bytes: Uint8Array, _encoding: string, done: () => void): void {
    done()
  }
}

/** Replaces `process.stdout` and `process.stderr`; with 'pipe' those of Node are right. */
export function settleStdio(stdio: 'inherit' | 'ignore' | 'pipe', terminals: readonly Terminal[]): void {
  if (stdio === 'pipe') return
  for (const [n, name] of (['stdout', 'stderr'] as const).entries()) {
    const stream = stdio === 'inherit' ? new DescriptorStream(n + 1, terminals[n]) : new Nowhere()
    Object.defineProperty(process, name, { value: stream, configurable: true, enumerable: true, writable: true })
  }
}
