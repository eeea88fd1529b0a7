/**
 * The standard output of a thread that writes where its process does. Node would send it through the thread that started
 * this one, where it stays as long as that one is blocked, and is lost when that one exits.
 */
import { isatty, WriteStream } from 'node:tty'
import { print } from './print.ts'
import type { Terminal } from './start/thread.ts'

interface Chunk {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding
}

/** For `process.stdout` and `process.stderr`, which stay Node's objects; with 'pipe' they are right as they are. */
export function settleStdio(stdio: 'inherit' | 'ignore' | 'pipe', terminals: readonly Terminal[]): void {
  if (stdio === 'pipe') return
  for (const [n, stream] of [process.stdout, process.stderr].entries()) {
    const fd = n + 1
    const write = stdio === 'inherit' ? (bytes: Uint8Array) => print(bytes, fd) : () => {}
    Object.assign(stream, {
      _writev(chunks: readonly Chunk[], done: () => void): void {
        for (const { chunk, encoding } of chunks)
          write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
        done()
      },
    })
    if (stdio === 'inherit' && isatty(fd)) makeTerminal(stream, fd, terminals[n])
  }
}

function makeTerminal(stream: object, fd: number, { columns, rows }: Terminal): void {
  const { getColorDepth, hasColors } = WriteStream.prototype
  const getWindowSize = () => [columns, rows]
  Object.assign(stream, { fd, isTTY: true, columns, rows, getColorDepth, hasColors, getWindowSize })
}
