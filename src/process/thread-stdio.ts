/**
 * The standard output of a thread. Node would send it through the thread that started this one, where it stays as long as
 * that one is blocked, and is lost when that one exits; and from the second write on it would wait for a turn of this
 * thread's event loop. So with 'inherit' it is written where the process writes, and with 'pipe' it is sent at once. Nobody asks
 * this thread for more (start/thread.ts): it says so to itself.
 */
import { isatty, WriteStream } from 'node:tty'
import { print } from './print.ts'
import type { Terminal } from './start/thread.ts'

interface Chunk {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding
}

interface Stream {
  _writev(chunks: readonly Chunk[], done: () => void): void
}

/** For `process.stdout` and `process.stderr`, which stay Node's objects: only where they write to is another. */
export function settleStdio(stdio: 'inherit' | 'ignore' | 'pipe', terminals: readonly Terminal[]): void {
  for (const [n, stream] of ([process.stdout, process.stderr] as unknown as Stream[]).entries()) {
    const fd = n + 1
    const send = stream._writev
    const goOn = goingOn(stream)
    const writers: Record<typeof stdio, (chunks: readonly Chunk[]) => void> = {
      inherit: chunks => {
        for (const chunk of chunks) print(bytesOf(chunk), fd)
      },
      pipe: chunks => {
        send.call(stream, chunks, () => {})
        goOn()
      },
      ignore: () => {},
    }
    stream._writev = (chunks, done) => {
      writers[stdio](chunks)
      done()
    }
    goOn()
    if (stdio === 'inherit' && isatty(fd)) makeTerminal(stream, fd, terminals[n])
  }
}

/** What was sent, or written by a preloaded module, waits until the other thread asks for more, and keeps this one alive until then. */
function goingOn(stream: object): () => void {
  const asked = Object.getOwnPropertySymbols(Object.getPrototypeOf(stream)).find(
    ({ description }) => description === 'kStdioWantsMoreDataCallback',
  )
  const callback: (() => void) | undefined = asked && Reflect.get(stream, asked)
  return () => callback?.call(stream)
}

function bytesOf({ chunk, encoding }: Chunk): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
}

function makeTerminal(stream: object, fd: number, { columns, rows }: Terminal): void {
  const { getColorDepth, hasColors } = WriteStream.prototype
  const getWindowSize = () => [columns, rows]
  Object.assign(stream, { fd, isTTY: true, columns, rows, getColorDepth, hasColors, getWindowSize })
}
