/** What a Connection over a socket sends and receives through. */
import { Connection } from '../channel/connection.ts'
import type { Look, Refuse, Transport } from '../channel/transport.ts'
import { ClosedError, NotSerializableError } from '../contract/errors.ts'
import { SHAREABLE } from '../contract/shareable.ts'
import type { Readiness } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { ByteStream } from './byte-stream.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import type { WireCodec } from './wire-codec.ts'

/** ms until an abandoned Connection with something under way is looked at again. */
const ABANDONED = 1000

/** A Connection that nobody can reach any more is closed. */
const unreachable = new FinalizationRegistry<SocketEnd>(end => end.abandon())

const ends = new WeakMap<Connection<any, any>, SocketEnd>()

/** A Connection whose messages go over the stream, which is its own from here on. */
export function connectionOver(stream: ByteStream, codec: WireCodec): Connection<any, any> {
  const end = new SocketEnd(stream, codec)
  const connection = new Connection<any, any>(end)
  ends.set(connection, end)
  unreachable.register(connection, end)
  return connection
}

/** The process that made the other end of a Connection over a Unix socket; null where nobody can tell. */
export function peerPidOf(connection: Connection<any, any>): number | null {
  return ends.get(connection)?.peerPid ?? null
}

/** The other side of a Connection over a socket has ended, and not read all that was sent to it. */
export function leftUnread(connection: Connection<any, any>): boolean {
  return ends.get(connection)?.leftUnread ?? false
}

/** From here on who waits for a message of it keeps no process alive. */
export function unref(connection: Connection<any, any>): void {
  ends.get(connection)?.unref()
}

class SocketEnd implements Transport {
  readonly readable: boolean
  readonly writable: boolean
  readonly #stream: ByteStream
  readonly #codec: WireCodec
  readonly #incoming: Incoming
  readonly #outgoing: Outgoing
  #closed = false
  /** Somebody may be using its descriptor: it stays open until it is closed. */
  #isWatched = false

  constructor(stream: ByteStream, codec: WireCodec) {
    this.#stream = stream
    this.#codec = codec
    this.readable = stream.readable
    this.writable = stream.writable
    this.#incoming = new Incoming(stream, codec)
    this.#outgoing = new Outgoing(stream)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The process at the other end; null where nobody can tell. */
  get peerPid(): number | null {
    this.#assertOpen()
    return this.#stream.peerPid()
  }

  get leftUnread(): boolean {
    return this.#stream.leftUnread
  }

  unref(): void {
    this.#stream.unref()
  }

  // ── sending ──

  send(what: string, value: unknown, options?: WaitOptions): Promise<void> {
    try {
      this.#assertOpen()
      const bytes = this.#codec.encode(value)
      this.#assertOpen() // a getter of the value's may have closed it
      return this.#outgoing.send(what, bytes, true, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  sendSync(what: string, value: unknown, options?: SyncWaitOptions): void {
    this.#assertOpen()
    const bytes = this.#codec.encode(value)
    this.#assertOpen()
    this.#outgoing.sendSync(what, bytes, true, options)
  }

  sendBytes(what: string, bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    if (this.#closed) return Promise.reject(closedError())
    return this.#outgoing.send(what, bytes, false, options)
  }

  sendBytesSync(what: string, bytes: Uint8Array, options?: SyncWaitOptions): void {
    this.#assertOpen()
    this.#outgoing.sendSync(what, bytes, false, options)
  }

  // ── receiving ──

  receive<T>(what: string, look: Look<T>, options?: WaitOptions, refuse?: Refuse): Promise<T> {
    if (this.#closed) return Promise.reject(closedError())
    return this.#incoming.receive(what, look, options, refuse)
  }

  receiveSync<T>(what: string, look: Look<T>, options?: SyncWaitOptions, refuse?: Refuse): T {
    this.#assertOpen()
    return this.#incoming.receiveSync(what, look, options, refuse)
  }

  ready(): boolean {
    this.#assertOpen()
    return this.#incoming.ready()
  }

  readySync(timeout: number): boolean {
    this.#assertOpen()
    return this.#incoming.readySync('Connection.pollSync()', timeout)
  }

  readiness(): Readiness {
    this.#assertOpen()
    return this.#incoming.readiness()
  }

  fileno(): number {
    this.#assertOpen()
    this.#isWatched = true
    return this.#stream.fileno()
  }

  // ── the end of it ──

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stream.close()
    const error = closedError()
    this.#incoming.fail(error)
    this.#outgoing.fail(error)
  }

  /** Nobody has the Connection any more: closes it, when what was begun is done. */
  abandon(): void {
    if (this.#isWatched || this.#closed) return
    if (this.#incoming.idle && this.#outgoing.idle) this.close()
    else setTimeout(() => this.abandon(), ABANDONED).unref()
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError()
  }

  [SHAREABLE](where: () => string = () => 'value'): never {
    const path = where()
    throw new NotSerializableError(
      `Expected a value that another process can have, got a Connection over a socket at ${path}: it belongs to this process alone. Let the other process connect by itself with Client(), give it one end of a Pipe(), or hand the descriptor on when it is started`,
      { path },
    )
  }
}

function closedError(): ClosedError {
  return new ClosedError(
    'Expected an open Connection, but this process has called close() on it: keep it open as long as it is used',
  )
}
