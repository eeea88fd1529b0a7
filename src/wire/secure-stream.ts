/** The bytes of a TLS connection, through Node's own. Everything comes and goes through the event loop. */
import { isIP, Socket } from 'node:net'
import type { ConnectionOptions, TlsOptions as ServerOptions, TLSSocket } from 'node:tls'
import { ArgumentTypeError, BrokenPipeError, InvalidStateError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { duplicate } from '../os/socket.ts'
import { type ByteStream, NOTHING } from './byte-stream.ts'
import { brokenPipe } from './descriptor-stream.ts'

/** What Node's tls.connect() and tls.createServer() take. */
export type TlsOptions = ConnectionOptions & ServerOptions

/** ms that the farewell of a closed connection may take. */
const FAREWELL = 1000

export function checkTls(tls: unknown): TlsOptions | undefined {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  if (typeof tls === 'object' && tls !== null && !Array.isArray(tls)) return tls as TlsOptions
  throw new ArgumentTypeError(
    `Expected \`tls\` to be an object of the options of node:tls, or true, got ${describe(tls)}`,
  )
}

/** A plain stream that nobody has read from becomes an encrypted one. */
function socketOf(stream: ByteStream): Socket {
  const socket = new Socket({ fd: duplicate(stream.fileno()) })
  socket.setNoDelay(true)
  socket.on('error', () => {}) // TLS tells of it, too
  stream.close()
  return socket
}

/** `undoBy` is told how to break it off: then it rejects. */
export async function secureAsClient(
  plain: ByteStream,
  options: TlsOptions,
  host: string | undefined,
  undoBy: (undo: () => void) => void,
): Promise<ByteStream> {
  const { connect } = await import('node:tls')
  const name = host !== undefined && isIP(host) === 0 ? { servername: host } : {}
  return new Promise((resolve, reject) => {
    const raw = socketOf(plain)
    undoBy(() => void raw.destroy()) // connect() throws for an option that it does not know
    const secure = connect({ ...(host === undefined ? {} : { host }), ...name, ...options, socket: raw })
    undoBy(() => void secure.destroy())
    secure.on('error', reject)
    secure.once('close', () => reject(new BrokenPipeError('Expected a TLS handshake, but the other side ended it')))
    secure.once('secureConnect', () => resolve(new SecureStream(secure)))
  })
}

/** The options are checked once, before anybody connects: throws what Node throws. */
export async function checkServerTls(options: TlsOptions): Promise<void> {
  const { createSecureContext } = await import('node:tls')
  createSecureContext(options)
}

/** `undoBy` is told how to break it off: then it rejects. */
export async function secureAsListener(
  plain: ByteStream,
  options: TlsOptions,
  undoBy: (undo: () => void) => void,
): Promise<ByteStream> {
  const { createServer } = await import('node:tls')
  return new Promise((resolve, reject) => {
    const server = createServer(options) // of this one connection: it says whose handshake failed
    const raw = socketOf(plain).unref()
    undoBy(() => void raw.destroy())
    raw.once('close', () => reject(new BrokenPipeError('Expected a TLS handshake, but the other side ended it')))
    server.once('tlsClientError', reject)
    server.once('secureConnection', secure => resolve(new SecureStream(secure)))
    server.emit('connection', raw)
  })
}

class SecureStream implements ByteStream {
  readonly readable = true
  readonly writable = true
  readonly blocking = undefined
  onReadable: () => void = () => {}
  background = false
  readonly #socket: TLSSocket
  #ahead: Uint8Array | undefined
  #ended = false
  #lost: Error | undefined
  #wanted = false

  constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on('readable', () => this.onReadable())
    socket.on('end', () => {
      this.#ended = true
      this.onReadable()
    })
    socket.on('error', error => {
      this.#lost ??= error
      this.onReadable()
    })
    socket.on('close', () => this.onReadable())
    socket.unref()
  }

  read(into: Uint8Array): number {
    const ahead = this.#ahead ?? (this.#socket.read() as Uint8Array | null)
    if (ahead === null) {
      if (this.#lost) throw brokenPipe(this.#lost)
      return this.#ended || this.#socket.destroyed ? 0 : NOTHING
    }
    const count = Math.min(ahead.length, into.length)
    into.set(ahead.subarray(0, count))
    this.#ahead = count === ahead.length ? undefined : ahead.subarray(count)
    return count
  }

  watch(wanted: boolean): void {
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    if (wanted && !this.background) this.#socket.ref()
    else this.#socket.unref()
  }

  unref(): void {
    this.background = true
    this.#socket.unref()
  }

  write(): number {
    if (this.#lost || this.#socket.destroyed || !this.#socket.writable) throw brokenPipe(this.#lost)
    return 0 // only the event loop writes
  }

  finish(bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    this.#socket.write(bytes, error => done(error ? brokenPipe(error) : undefined))
  }

  fileno(): number {
    throw new InvalidStateError(
      'Expected a connection without TLS: its descriptor would tell of encrypted bytes, not of messages; wait with poll() or wait()',
    )
  }

  peerPid(): null {
    return null
  }

  get leftUnread(): boolean {
    return (this.#lost as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET'
  }

  close(): void {
    this.#ahead = undefined
    if (this.#socket.destroyed) return
    this.#socket.destroySoon() // says farewell: without it the other side may think it was cut off
    setTimeout(() => this.#socket.destroy(), FAREWELL).unref()
  }
}
