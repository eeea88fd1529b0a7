/** Anonymous pipes. */
import { createPlainPipe } from '../os/plain-pipe.ts'
import { PipeEnd } from './pipe-end.ts'

/**
 * An anonymous pipe of the kernel: two descriptors. What is written to the second is read from the first, by whoever has them:
 * this process, a Process that was given one in `args`, any program that was started with one as its `stdio`.
 *
 * Does not wait. Other processes get an end only when it is handed to them (close-on-exec). For messages, several senders, and
 * values instead of bytes, see Pipe().
 *
 * @throws {SystemCallError} EMFILE, ENFILE: too many open files
 * @throws {UnsupportedPlatformError} where this is not Linux on x64 or arm64
 * @example
 * const [reader, writer] = pipe()
 * writer.writeSync('through the kernel')
 * writer.close() // or the reader would wait for more
 * for (let bytes = reader.readSync(); bytes !== null; bytes = reader.readSync()) {
 *   assert.equal(Buffer.from(bytes).toString(), 'through the kernel')
 * }
 */
export function pipe(): [reader: PipeEnd, writer: PipeEnd] {
  const [read, write] = createPlainPipe()
  return [new PipeEnd(read), new PipeEnd(write)]
}
