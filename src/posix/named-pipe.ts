/** Named pipes: a pipe that programs find by a path. */
import { lstatSync, statSync, unlinkSync } from 'node:fs'
import { ArgumentTypeError, BrokenPipeError, FileExistsError, FileNotFoundError } from '../contract/errors.ts'
import { checkFlag, checkOptions, checkString } from '../contract/options.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import { closeFd } from '../os/descriptor.ts'
import { SystemCallError } from '../os/libc.ts'
import { createPipeForThread, type Pipe } from '../os/pipe.ts'
import { type Direction, hasMet, makeFifo, openFifo } from '../os/plain-pipe.ts'
import { checkMode, explain, explained, type Meanings } from './kernel-errors.ts'
import { NONE, Patience, untilSync } from './patience.ts'
import { PipeEnd } from './pipe-end.ts'

export interface NamedPipeOptions {
  /** Who may open it, as of a file; the umask is taken off. @default 0o600, this user only */
  mode?: number
  /** A named pipe that is there already will do. @default false */
  existOk?: boolean
}

/**
 * A named pipe (FIFO): a pipe with a path, where any program finds it (`cat /tmp/orders`, `echo hello > /tmp/orders`).
 *
 * The path is only a name: what is written lies in the kernel as long as somebody has the pipe open, and is gone with the last
 * who has. It stays until unlink(), also when everybody who used it is dead. What PipeEnd says of bytes, PIPE_BUF and the
 * end holds here; after the end another writer may come, and read() goes on.
 *
 * `using`: at the end of the block the path is unlinked, if this object made it.
 *
 * @example
 * const path = `/tmp/multiproc-example-${process.pid}`
 * using fifo = NamedPipe.create(path)
 * const { spawn } = await import('node:child_process')
 * spawn('sh', ['-c', `echo from the shell > ${path}`])
 * const reader = await fifo.openReader()
 * assert.equal(Buffer.from((await reader.read())!).toString(), 'from the shell\n')
 * assert.equal(await reader.read(), null)
 * reader.close()
 */
export class NamedPipe implements Disposable {
  readonly path: string
  readonly #made: boolean

  private constructor(path: string, made: boolean) {
    this.path = path
    this.#made = made
  }

  /**
   * Makes one. Does not wait.
   *
   * @throws {FileExistsError} when the path is taken; with `existOk`, when it is taken by something else than a named pipe
   * @throws {FileNotFoundError} when its folder is missing
   * @throws {SystemCallError} EACCES, EROFS …: the kernel refuses
   * @example
   * const path = `/tmp/multiproc-example-${process.pid}`
   * const fifo = NamedPipe.create(path, { mode: 0o600 })
   * assert.throws(() => NamedPipe.create(path), FileExistsError)
   * NamedPipe.create(path, { existOk: true })
   * fifo.unlink()
   */
  static create(path: string, options?: NamedPipeOptions): NamedPipe {
    checkPath(path)
    const { mode, existOk } = checkOptions('options', options, ['mode', 'existOk'])
    const mayExist = checkFlag('existOk', existOk, false)
    try {
      makeFifo(path, checkMode(mode))
      return new NamedPipe(path, true)
    } catch (error) {
      if (mayExist && error instanceof SystemCallError && error.errno === 'EEXIST' && isFifo(path)) {
        return new NamedPipe(path, false)
      }
      throw explain(error, meaningsOf(path))
    }
  }

  /**
   * One that is there. Does not wait; nothing is opened yet.
   *
   * @throws {FileNotFoundError} when there is none
   * @throws {ArgumentTypeError} when something else is there
   * @example
   * assert.throws(() => NamedPipe.open('/tmp/not-there'), FileNotFoundError)
   */
  static open(path: string): NamedPipe {
    checkPath(path)
    const found = explained(
      () => statSync(path),
      () => meaningsOf(path),
    )
    if (!found.isFIFO()) {
      throw new ArgumentTypeError(
        `Expected ${path} to be a named pipe, but it is something else; use node:fs for it, or another path`,
      )
    }
    return new NamedPipe(path, false)
  }

  /**
   * Opens it for reading, once somebody has opened it for writing, as POSIX has it.
   *
   * Awaits: looks after 1, 2, 4, 8 and then every 10 ms, and occupies no thread. On timeout or abort it is not open. If the
   * process of a writer dies after it has come, that is the end of what is read.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason
   * @throws {FileNotFoundError} when the path is gone
   * @throws {SystemCallError} EACCES: this user may not read it
   * @example
   * using fifo = NamedPipe.create(`/tmp/multiproc-example-${process.pid}`)
   * await assert.rejects(fifo.openReader({ timeout: 20 }), TimeoutError)
   * const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
   * await writer.write('both sides are here')
   * writer.close()
   * assert.equal((await reader.read())!.length, 19)
   * reader.close()
   */
  openReader(options?: WaitOptions): Promise<PipeEnd> {
    const opening = new Opening(this.path)
    return new Patience(true)
      .until('NamedPipe.openReader()', () => opening.tryReader(), options)
      .finally(() => opening.leave())
  }

  /**
   * The same, blocking this thread: asleep in the kernel between looks.
   *
   * @throws {TimeoutError} {FileNotFoundError} {SystemCallError} as openReader()
   * @example
   * using fifo = NamedPipe.create(`/tmp/multiproc-example-${process.pid}`)
   * assert.throws(() => fifo.openReaderSync({ timeout: 20 }), TimeoutError)
   */
  openReaderSync(options?: SyncWaitOptions): PipeEnd {
    const opening = new Opening(this.path)
    try {
      return untilSync('NamedPipe.openReaderSync()', () => opening.tryReader(), options)
    } finally {
      opening.leave()
    }
  }

  /**
   * Opens it for writing, once somebody has opened it for reading. Waits, and fails, as openReader().
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason
   * @throws {FileNotFoundError} when the path is gone
   * @throws {SystemCallError} EACCES: this user may not write to it
   * @example
   * using fifo = NamedPipe.create(`/tmp/multiproc-example-${process.pid}`)
   * await assert.rejects(fifo.openWriter({ timeout: 20 }), TimeoutError)
   */
  openWriter(options?: WaitOptions): Promise<PipeEnd> {
    return new Patience(true).until('NamedPipe.openWriter()', () => this.#tryWriter(), options)
  }

  /**
   * The same, blocking this thread: asleep in the kernel between looks.
   *
   * @throws {TimeoutError} {FileNotFoundError} {SystemCallError} as openWriter()
   * @example
   * using fifo = NamedPipe.create(`/tmp/multiproc-example-${process.pid}`)
   * assert.throws(() => fifo.openWriterSync({ timeout: 20 }), TimeoutError)
   */
  openWriterSync(options?: SyncWaitOptions): PipeEnd {
    return untilSync('NamedPipe.openWriterSync()', () => this.#tryWriter(), options)
  }

  #tryWriter(): PipeEnd | typeof NONE {
    try {
      return new PipeEnd(openChecked(this.path, 'write'))
    } catch (error) {
      if (error instanceof BrokenPipeError) return NONE
      throw error
    }
  }

  /**
   * Takes the path away; those who have it open go on.
   *
   * @throws {FileNotFoundError} when it is gone already
   * @throws {SystemCallError} EACCES, EPERM: this user may not
   * @example
   * const fifo = NamedPipe.create(`/tmp/multiproc-example-${process.pid}`)
   * fifo.unlink()
   * assert.throws(() => fifo.unlink(), FileNotFoundError)
   */
  unlink(): void {
    explained(
      () => unlinkSync(this.path),
      () => meaningsOf(this.path),
    )
  }

  [Symbol.dispose](): void {
    if (this.#made && isFifo(this.path)) this.unlink()
  }
}

/** A reader that waits for its first writer. A writer that waits, for its part, must find it open. */
class Opening {
  readonly #path: string
  /** Made once, and closed with this thread: it may be terminated at any time. */
  #scratch: Pipe | undefined
  #fd: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  tryReader(): PipeEnd | typeof NONE {
    this.#scratch ??= createPipeForThread()
    this.#fd ??= openChecked(this.#path, 'read')
    if (!hasMet(this.#fd, this.#scratch)) return NONE
    const end = new PipeEnd(this.#fd)
    this.#fd = undefined
    return end
  }

  leave(): void {
    for (const fd of [this.#fd, this.#scratch?.read, this.#scratch?.write]) if (fd !== undefined) closeFd(fd)
    this.#fd = undefined
    this.#scratch = undefined
  }
}

/** Throws BrokenPipeError when nobody reads what shall be written. */
function openChecked(path: string, direction: Direction): number {
  return explained(
    () => openFifo(path, direction),
    () => ({ ...meaningsOf(path), ENXIO: cause => new BrokenPipeError(`Expected somebody to read ${path}`, cause) }),
  )
}

function isFifo(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true
}

function checkPath(path: string): void {
  if (checkString('path', path) === '' || path.includes('\0')) {
    throw new ArgumentTypeError(`Expected \`path\` to be a path, got ${JSON.stringify(path)}`)
  }
}

function meaningsOf(path: string): Meanings {
  const noRight = `this user has no right to ${path}: run as its owner, or make it with a wider \`mode\` (and umask)`
  return {
    ENOENT: cause =>
      new FileNotFoundError(
        `Expected a named pipe at ${path}, but there is nothing (ENOENT), or a folder on the way is missing; make it with NamedPipe.create()`,
        cause,
      ),
    EEXIST: cause =>
      new FileExistsError(
        `Expected nothing at ${path} yet, but something is there (EEXIST); unlink it, or give \`existOk: true\` if it is a named pipe`,
        cause,
      ),
    EACCES: noRight,
    EPERM: noRight,
  }
}
