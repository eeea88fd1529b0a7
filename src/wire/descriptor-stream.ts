/**
 * The bytes of a socket or a pipe.
 *
 * It is read and written by read(2) and write(2): at once, without an event, and a large message straight into its place.
 * Node's own socket only tells when there is something: what it has read itself by then (at most 64 KiB) is taken first.
 * What does not fit into the kernel's buffer is written by a second socket of Node's on the same connection, made when it is
 * first needed: a write that fails closes the socket it was made through, and what the peer sent before is to be read still.
 */
import { Socket } from 'node:net'
import { BrokenPipeError } from '../contract/errors.ts'
import { closeFd, setCloseOnExec } from '../os/descriptor.ts'
import { pollReadable, pollWritable } from '../os/poll.ts'
import { type Carrier, carrierOf, duplicate, peerPid, readInto, setNonBlocking, writeFrom } from '../os/socket.ts'
import type { Blocking, ByteStream } from './byte-stream.ts'

/** What Node's socket reads into: used up, or copied, before anything else is read in this thread. */
const CHUNK = 64 * 1024
let chunk: Buffer | undefined

export class DescriptorStream implements ByteStream {
  readonly carrier: Carrier
  readonly readable: boolean
  readonly writable: boolean
  readonly blocking: Blocking = {
    untilReadable: ms => pollReadable([this.fileno()], ms),
    untilWritable: ms => pollWritable(this.fileno(), ms),
  }
  onReadable: () => void = () => {}
  background = false
  readonly #fd: number
  readonly #socket: Socket
  #writer: Socket | undefined
  /** Read by Node's socket, and not yet by us. */
  #ahead: Uint8Array | undefined
  #wanted = false
  #reading = false
  /** Why Node has closed its socket, and the descriptor with it. */
  #lost: Error | undefined
  leftUnread = false

  /** The descriptor is the stream's from here on; `early`: what was read from it already. */
  constructor(fd: number, early?: Uint8Array) {
    const found = carrierOf(fd)
    if (found === undefined) throw new TypeError(`descriptor ${fd} is neither a connected socket nor a pipe`)
    this.carrier = found.carrier
    this.readable = found.readable
    this.writable = found.writable
    this.#fd = fd
    this.#ahead = early?.length ? early : undefined
    setCloseOnExec(fd)
    setNonBlocking(fd)
    this.#socket = this.readable ? this.#reader() : writerOn(fd)
    this.#socket.on('error', error => this.#fail(error))
    this.#socket.unref()
    if (this.carrier === 'tcp') this.#socket.setNoDelay(true)
    if (!this.readable) this.#writer = this.#socket
  }

  #reader(): Socket {
    chunk ??= Buffer.allocUnsafeSlow(CHUNK)
    const onread = {
      buffer: chunk,
      callback: (count: number, bytes: Uint8Array) => this.#onRead(bytes.subarray(0, count)),
    }
    // not `writable: false`: such a socket closes the descriptor at the end of what it reads
    const options = { fd: this.#fd, allowHalfOpen: true, onread }
    const socket = new Socket(options as ConstructorParameters<typeof Socket>[0])
    socket.pause() // nobody waits yet
    socket.on('end', () => this.onReadable())
    return socket
  }

  /** False: Node is to read no more for now. */
  #onRead(bytes: Uint8Array): boolean {
    const before = this.#ahead
    this.#ahead = before ? Buffer.concat([before, bytes]) : bytes
    if (this.#wanted) this.onReadable()
    const left = this.#ahead as Uint8Array | undefined // onReadable() reads
    if (left === undefined) return true
    if (left.buffer === bytes.buffer) this.#ahead = new Uint8Array(left) // a copy; slice() of a Buffer is none
    this.#reading = false
    return false
  }

  #fail(error: Error): void {
    this.#lost ??= error
    this.onReadable()
  }

  watch(wanted: boolean): void {
    if (this.#socket.destroyed) return
    if (wanted !== this.#wanted) {
      this.#wanted = wanted
      if (wanted && !this.background) this.#socket.ref()
      else this.#socket.unref()
    }
    if (wanted && !this.#reading) {
      this.#reading = true
      this.#socket.resume()
    }
  }

  unref(): void {
    this.background = true
    this.#socket.unref()
  }

  read(into: Uint8Array): number {
    const ahead = this.#ahead
    if (ahead) {
      const count = Math.min(ahead.length, into.length)
      into.set(count === ahead.length ? ahead : ahead.subarray(0, count))
      this.#ahead = count === ahead.length ? undefined : ahead.subarray(count)
      return count
    }
    try {
      if (this.#lost) throw this.#lost
      return readInto(this.fileno(), into)
    } catch (error) {
      // a socket says so when its peer ended without having read everything
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') this.leftUnread = true
      if (this.leftUnread && this.carrier === 'unix') return 0 // what the peer sent is all here
      throw brokenPipe(error)
    }
  }

  write(bytes: Uint8Array): number {
    let count: number | undefined
    try {
      if (this.#lost) throw this.#lost
      count = writeFrom(this.fileno(), bytes)
    } catch (error) {
      throw brokenPipe(error)
    }
    if (count === undefined) throw brokenPipe(undefined)
    return count
  }

  finish(bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    if (this.#writer === undefined || this.#writer.destroyed) this.#writer = this.#secondSocket()
    this.#writer.write(bytes, error => done(error ? brokenPipe(error) : undefined))
  }

  #secondSocket(): Socket {
    try {
      const socket = writerOn(duplicate(this.fileno()))
      socket.on('error', () => {}) // who writes is told
      return socket
    } catch {
      return this.#socket // no descriptor is left: a message that has begun must go on
    }
  }

  fileno(): number {
    // Node has closed it: the number may be somebody else's by now
    if (this.#socket.destroyed) throw brokenPipe(this.#lost)
    return this.#fd
  }

  peerPid(): number | null {
    return this.carrier === 'unix' ? peerPid(this.fileno()) : null
  }

  close(): void {
    this.#ahead = undefined
    this.#socket.destroy()
    this.#writer?.destroy()
  }
}

function writerOn(fd: number): Socket {
  try {
    return new Socket({ fd, readable: false, writable: true })
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

/** The connection is over, and not by a regular end. */
export function brokenPipe(cause: unknown): BrokenPipeError {
  if (cause instanceof BrokenPipeError) return cause
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const why = code === undefined || code === 'EPIPE' || code === 'ECONNRESET' ? 'it closed it, or died' : code
  return new BrokenPipeError(`Expected the other side to hold the connection, but it does not: ${why}`, { cause })
}
