/**
 * One end of a pipe or FIFO.
 *
 * Its descriptor `fd` blocks, as other programs expect of what they inherit; this thread reads and writes through another
 * one of the same end (pipe-socket.ts), opened when it is first used. Both are closed together.
 *
 *   open ──stream()──▶ a stream's ──it ends──▶ closed
 *     └──────────────close()───────────────────▶ closed
 */
import { inspect } from 'node:util'
import { ArgumentTypeError, BrokenPipeError, ClosedError, InvalidStateError } from '../contract/errors.ts'
import { checkCount, describe } from '../contract/options.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import { closeFd } from '../os/descriptor.ts'
import { type Direction, directionOf, NOT_NOW, readNow, writeNow } from '../os/plain-pipe.ts'
import { pollReadable, pollWritable } from '../os/poll.ts'
import { checkData, explain, explained } from './kernel-errors.ts'
import { awaited, NONE, untilSync } from './patience.ts'
import { PipeSocket, streamOf } from './pipe-socket.ts'

/** What one read gives at most, bytes: as much as a pipe holds, unless somebody made it larger. */
const MOST = 65_536

interface Read {
  readonly max: number
  resolve(bytes: Uint8Array | null): void
  reject(error: unknown): void
}

interface Write {
  readonly bytes: Uint8Array
  resolve(): void
  reject(error: unknown): void
}

const scratch = new Uint8Array(MOST)

/**
 * One end of a pipe or FIFO: made by pipe() or a NamedPipe, or out of a descriptor that this process was given by whoever
 * started it (`new PipeEnd(3)`).
 *
 * Bytes without boundaries, as POSIX has it: what one write wrote may be read in pieces, and several writes in one. Up to
 * PIPE_BUF (4096) bytes are written all at once, never mixed with what others write at the same time; more may be.
 * A pipe holds 64 KiB, then writing waits.
 *
 * Either end may be among the `args` of a Process, at any depth: the child inherits it, and closes it for itself. Each
 * process that has an end keeps it open, so close yours once the child has its own: the reader is told the end when
 * *every* copy of the writing end is closed. With setStartMethod('warm') such a child is started cold. It cannot travel
 * in any other way (NotSerializableError).
 *
 * If a process dies, the kernel closes what it had: the last writer's death is the end for the reader, the last reader's a
 * BrokenPipeError for the writer. What was written before can be read. An end that is not closed stays open until this
 * process (or thread) ends, also when nothing refers to it any more.
 *
 * @throws {ArgumentTypeError} for a descriptor that is no end of a pipe
 * @example
 * const [reader, writer] = pipe()
 * await writer.write('hello')
 * writer.close()
 * assert.equal(String(Buffer.from((await reader.read())!)), 'hello')
 * assert.equal(await reader.read(), null)
 * reader.close()
 */
export class PipeEnd implements Disposable {
  readonly #direction: Direction
  #fd: number
  #closed = false
  #socket: PipeSocket | undefined
  #stream: NodeJS.ReadableStream | NodeJS.WritableStream | undefined
  #reads: Read[] = []
  #writes: Write[] = []

  constructor(fd: number) {
    const direction = directionOf(checkCount('fd', fd, 0, 2 ** 31 - 1))
    if (direction === undefined) {
      throw new ArgumentTypeError(
        `Expected \`fd\` to be one end of a pipe or FIFO, got ${describe(fd)}, which is not; for sockets use node:net`,
      )
    }
    this.#fd = fd
    this.#direction = direction
  }

  /**
   * The descriptor: for `stdio` of child_process, or any other program's use. It blocks, and is closed in programs that this
   * one starts unless it is handed to them. It stays this object's: close() closes it.
   *
   * @throws {ClosedError} after close()
   * @example
   * const [reader, writer] = pipe()
   * const { spawn } = await import('node:child_process')
   * spawn('echo', ['from a shell'], { stdio: ['ignore', writer.fd, 'inherit'] })
   * writer.close()
   * assert.equal(Buffer.from((await reader.read())!).toString(), 'from a shell\n')
   * reader.close()
   */
  get fd(): number {
    this.#checkOpen()
    return this.#fd
  }

  /**
   * Takes what is there, at most `max` bytes; `null` at the end, when every writer is closed and nothing is left.
   *
   * Awaits the first byte, by the event loop: no thread waits. Several reads of one process are served in the order of the
   * calls. On timeout or abort nothing was taken. If the last writer's process dies, that is the end.
   *
   * @param max bytes, from 1 up; one read gives 65,536 at most. @default 65,536
   * @throws {TimeoutError} after `timeout` ms · the signal's reason
   * @throws {InvalidStateError} on a writing end, and once it is a stream
   * @throws {ClosedError} after close(), also when it comes while waiting
   * @example
   * const [reader, writer] = pipe()
   * writer.writeSync('abcdef')
   * assert.equal(Buffer.from((await reader.read(4))!).toString(), 'abcd')
   * assert.equal(Buffer.from((await reader.read(4))!).toString(), 'ef')
   * await assert.rejects(reader.read(4, { timeout: 10 }), TimeoutError)
   */
  async read(max: number = MOST, options?: WaitOptions): Promise<Uint8Array | null> {
    const size = this.#checkRead(max)
    return awaited('PipeEnd.read()', options, (resolve, reject) => {
      const read: Read = { max: size, resolve, reject }
      this.#reads.push(read)
      this.#serveReads()
      return {
        lastLook: () => this.#serveReads(),
        leave: () => {
          this.#reads = this.#reads.filter(one => one !== read)
          this.#watch()
        },
      }
    })
  }

  /**
   * The same, blocking this thread: asleep in the kernel, for 250 ms at a time. It goes before reads that are awaited in
   * this thread.
   *
   * @throws {TimeoutError} after `timeout` ms
   * @throws {InvalidStateError} {ClosedError} as read()
   * @example
   * const [reader, writer] = pipe()
   * writer.writeSync('now')
   * assert.equal(Buffer.from(reader.readSync()!).toString(), 'now')
   * writer.close()
   * assert.equal(reader.readSync(), null)
   */
  readSync(max: number = MOST, options?: SyncWaitOptions): Uint8Array | null {
    const size = this.#checkRead(max)
    return untilSync(
      'PipeEnd.readSync()',
      () => this.#tryRead(size),
      options,
      left => void pollReadable([this.#inlet().fd], left),
    )
  }

  /**
   * Writes all of it; a text as UTF-8. Resolves when it is in the pipe, though perhaps not read yet.
   *
   * Awaits room, by the event loop: no thread waits. Several writes of one process arrive in the order of the calls. Up to
   * 4096 bytes are written all at once; of more, a part may have been written when it fails. Do not change `data` before.
   *
   * @throws {BrokenPipeError} when nobody has the reading end open any more; no signal is raised
   * @throws {ArgumentTypeError} for what is neither a Uint8Array nor a string
   * @throws {InvalidStateError} on a reading end, and once it is a stream
   * @throws {ClosedError} after close(), also when it comes while waiting
   * @example
   * const [reader, writer] = pipe()
   * await writer.write('one line\n')
   * reader.close()
   * await assert.rejects(writer.write('nobody hears this\n'), BrokenPipeError)
   */
  async write(data: Uint8Array | string): Promise<void> {
    this.#checkUsable('write')
    const bytes = checkData(data)
    if (this.#writes.length === 0) {
      const done = this.#tryWrite(bytes)
      if (done === bytes.length) return
      return new Promise((resolve, reject) => {
        this.#writes.push({ bytes: bytes.subarray(done), resolve, reject })
        this.#writeFirst()
      })
    }
    return new Promise((resolve, reject) => {
      this.#writes.push({ bytes, resolve, reject })
    })
  }

  /**
   * The same, blocking this thread: asleep in the kernel, for 250 ms at a time.
   *
   * @throws {InvalidStateError} also while a write() of this process waits: await it first, or their bytes would be mixed
   * @throws {BrokenPipeError} {ArgumentTypeError} {ClosedError} as write()
   * @example
   * const [reader, writer] = pipe()
   * writer.writeSync(new Uint8Array([1, 2, 3]))
   * assert.deepEqual(await reader.read(), new Uint8Array([1, 2, 3]))
   */
  writeSync(data: Uint8Array | string): void {
    this.#checkUsable('write')
    const bytes = checkData(data)
    if (this.#writes.length > 0) {
      throw new InvalidStateError(
        `Expected no write() of this process to be waiting for room, but ${this.#writes.length} are; await them before writeSync()`,
      )
    }
    for (let done = 0; ; ) {
      done += this.#tryWrite(bytes.subarray(done))
      if (done === bytes.length) return
      pollWritable(this.#outlet().fd, Infinity)
    }
  }

  /**
   * This end as a stream of Node: Readable for a reading end, Writable for a writing one. From then on it is the stream's,
   * which reads ahead; when the stream ends or is destroyed, this end is closed. Its errors are
   * those of Node (EPIPE). Called again it gives the same stream.
   *
   * @throws {InvalidStateError} while a read() or write() waits
   * @throws {ClosedError} after close()
   * @example
   * const [reader, writer] = pipe()
   * const out = writer.stream() as NodeJS.WritableStream
   * out.end('through a stream')
   * let text = ''
   * for await (const piece of reader.stream() as NodeJS.ReadableStream) text += piece
   * assert.equal(text, 'through a stream')
   */
  stream(): NodeJS.ReadableStream | NodeJS.WritableStream {
    this.#checkOpen()
    if (this.#stream !== undefined) return this.#stream
    if (this.#reads.length + this.#writes.length > 0) {
      throw new InvalidStateError('Expected nobody to wait in read() or write(); await them before stream()')
    }
    const stream = this.#explained(() => streamOf(this.#fd, this.#direction))
    this.#socket?.destroy()
    stream.once('close', () => this.close())
    this.#stream = stream
    return stream
  }

  /**
   * This process is done with this end. At once: a read() or write() that waits rejects with ClosedError, and what such a
   * write had not written is not written. May be called again.
   *
   * @throws {SystemCallError} EBADF: somebody else has closed `fd` (fs.closeSync, say)
   * @example
   * const [reader, writer] = pipe()
   * writer.close()
   * assert.equal(await reader.read(), null)
   * reader.close()
   * await assert.rejects(reader.read(), ClosedError)
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket?.destroy()
    ;(this.#stream as unknown as { destroy(): void } | undefined)?.destroy()
    for (const { reject } of [...this.#reads.splice(0), ...this.#writes.splice(0)]) reject(closed())
    closeFd(this.#fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  [inspect.custom](): string {
    const what = this.#closed ? 'closed' : `fd: ${this.#fd}`
    return `PipeEnd { ${this.#direction === 'read' ? 'reads' : 'writes'}, ${what} }`
  }

  // ── reading ──

  #checkRead(max: number): number {
    this.#checkUsable('read')
    return Math.min(checkCount('max', max, 1), MOST)
  }

  /** What is there; `null` at the end. */
  #tryRead(max: number): Uint8Array | null | typeof NONE {
    const count = readNow(this.#inlet().fd, max === MOST ? scratch : scratch.subarray(0, max))
    if (count === NOT_NOW) return NONE
    return count === 0 ? null : scratch.slice(0, count)
  }

  #serveReads(): void {
    while (this.#reads.length > 0) {
      let got: Uint8Array | null | typeof NONE
      try {
        got = this.#tryRead(this.#reads[0].max)
      } catch (error) {
        this.#reads.shift()?.reject(error)
        continue
      }
      if (got === NONE) break
      this.#reads.shift()?.resolve(got)
    }
    this.#watch()
  }

  /** The event loop is to take what comes for the first in line, and nothing when nobody waits. */
  #watch(): void {
    const first = this.#reads[0]
    if (first === undefined) {
      this.#socket?.stopReading()
      return
    }
    this.#inlet(first.max).read((error, bytes) => {
      this.#reads.shift()
      if (error) first.reject(error)
      else first.resolve(bytes ?? null)
      this.#serveReads()
    })
  }

  /** One that takes no more than `size` from the pipe at a time; any, for attempts. */
  #inlet(size?: number): PipeSocket {
    if (this.#socket !== undefined && !this.#socket.over) {
      if (size === undefined || this.#socket.size === size) return this.#socket
      this.#socket.destroy()
    }
    this.#socket = new PipeSocket(this.#fd, 'read', size ?? MOST)
    return this.#socket
  }

  // ── writing ──

  /** How many bytes were written. */
  #tryWrite(bytes: Uint8Array): number {
    return this.#explained(() => {
      if (bytes.length === 0) return 0
      const count = writeNow(this.#outlet().fd, bytes)
      return count === NOT_NOW ? 0 : count
    })
  }

  #writeFirst(): void {
    const write = this.#writes[0]
    if (write === undefined) return
    const done = (error: unknown) => {
      if (this.#writes[0] !== write) return // closed
      this.#writes.shift()
      if (error === undefined) write.resolve()
      else write.reject(explain(error, BROKEN))
      this.#writeFirst()
    }
    try {
      this.#outlet().write(write.bytes, done)
    } catch (error) {
      done(error)
    }
  }

  #outlet(): PipeSocket {
    if (this.#socket === undefined || this.#socket.over) this.#socket = new PipeSocket(this.#fd, 'write')
    return this.#socket
  }

  // ── errors ──

  #explained<T>(call: () => T): T {
    return explained(call, () => BROKEN)
  }

  #checkUsable(direction: Direction): void {
    this.#checkOpen()
    if (this.#direction !== direction) {
      throw new InvalidStateError(
        direction === 'read'
          ? 'Expected a reading end, got the writing one, which can only be written to; pipe() gives [reader, writer]'
          : 'Expected a writing end, got the reading one, which can only be read from; pipe() gives [reader, writer]',
      )
    }
    if (this.#stream !== undefined) {
      throw new InvalidStateError(
        `Expected an end that is no stream yet, but stream() was called; ${direction} that one`,
      )
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closed()
  }
}

const closed = (): ClosedError => new ClosedError('Expected this end of the pipe to be open, but close() was called')

const broken = (cause: ErrorOptions): BrokenPipeError =>
  new BrokenPipeError(
    'Expected somebody to have the reading end open, but nobody has (EPIPE): they closed it, or died; open another pipe',
    cause,
  )

/** ENXIO: a FIFO cannot even be opened for writing then. */
const BROKEN = { EPIPE: broken, ENXIO: broken }
