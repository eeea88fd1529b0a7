/** Listener: where other processes, also on other machines, connect to this one. */
import { mkdtempSync, rmdirSync, unlinkSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type InspectOptions, inspect } from 'node:util'
import type { Connection } from '../channel/connection.ts'
import { ArgumentTypeError, AuthenticationError, ClosedError, TimeoutError } from '../contract/errors.ts'
import { checkCount, checkFlag, checkOptions, describe } from '../contract/options.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import type { WaitOptions } from '../contract/waiting.ts'
import { listenUnix } from '../os/socket.ts'
import { type Address, checkAddress, resolveHost } from './address.ts'
import { checkKey } from './challenge.ts'
import { descriptorOf } from './descriptor-of.ts'
import { checkWait, Patience } from './patience.ts'
import { type Guest, Reception, type Terms } from './reception.ts'
import { checkServerTls, checkTls, type TlsOptions } from './secure-stream.ts'
import { type CodecName, checkCodec, type WireCodec } from './wire-codec.ts'

export interface ListenerOptions {
  /** What both sides must know; a string stands for its UTF-8. Without one there is no handshake, as in Python. */
  authkey?: Uint8Array | string
  /** How many may wait to be answered by this process: beyond that Python's clients wait, and Client() asks again. @default 128 */
  backlog?: number
  /** How values travel: 'pickle' (default) as in Python; 'msgpack' is quicker, when the other side has this package, too. */
  codec?: CodecName
  /** Refuses the MD5 of Python 3.11 and earlier. @default false */
  requireModern?: boolean
  /** Encrypts: what Node's tls.createServer() takes, as `key` and `cert`. */
  tls?: TlsOptions
  /** Milliseconds that somebody may take to prove that it knows the key. @default 10000 */
  handshakeTimeout?: number
}

const OPTIONS = ['authkey', 'backlog', 'codec', 'requireModern', 'tls', 'handshakeTimeout'] as const

const BACKLOG = 128
const HANDSHAKE_TIMEOUT = 10_000
/** Connections that nobody has accepted yet; one more is closed. */
const MOST_READY = 1024

interface Acceptor {
  resolve(connection: Connection<any, any>): void
  reject(error: unknown): void
}

/**
 * Accepts Connections from other processes: those of this package's Client(), and of Python's `multiprocessing.connection`.
 *
 * With `authkey`, both sides prove that they know it before accept() gives a Connection: all who come at the same time, each
 * within `handshakeTimeout`. One that says nothing, or little by little, or something else, delays nobody. At most 256 are at it at
 * a time (the one that has taken longest makes way), and 1024 Connections wait to be accepted (further ones are closed).
 *
 * Without TLS whoever can read the traffic can read what is sent, and whoever can change it can do as he likes: keep to
 * Unix sockets and 127.0.0.1, or give `tls`. Python's side unpickles what it gets: who knows the key can run code there. This
 * side never does.
 *
 * A Listener keeps its process alive only while somebody waits for accept().
 *
 * If its process dies: its address is free again, but for the file of a Unix socket, which stays. Those who are
 * connected see the end of their Connection; those who are not yet accepted, too.
 *
 * @example
 * await using listener = await Listener.listen(['127.0.0.1', 0], { authkey: 'secret', codec: 'msgpack' })
 * const [conn, client] = await Promise.all([
 *   listener.accept(),
 *   Client(listener.address, { authkey: 'secret', codec: 'msgpack' }),
 * ])
 * await client.send({ n: 1 })
 * assert.deepEqual(await conn.recv(), { n: 1 })
 * client.close()
 * await assert.rejects(conn.recv(), EOFError)
 * conn.close()
 */
export class Listener implements AsyncDisposable, AsyncIterable<Connection<any, any>>, Waitable {
  /** Where it listens: what Client() takes. Of port 0 it is the one that was found. */
  readonly address: Address
  readonly #server: Server
  readonly #remove: () => void
  readonly #reception: Reception
  readonly #ready: Guest[] = []
  readonly #acceptors: Acceptor[] = []
  readonly #watchers = new Set<{ tell(): void; fail(error: unknown): void }>()
  /** Somebody had the wrong key, and no accept() has been told. */
  #refused: AuthenticationError | undefined
  #lastAccepted: Address | null = null
  #closed = false

  /** @internal */
  constructor(how: typeof HOW, server: Server, address: Address, terms: Terms, remove: () => void) {
    if (how !== HOW) {
      throw new ArgumentTypeError(
        `Expected a Listener to be made by Listener.listen(), got new Listener(${describe(how)})`,
      )
    }
    this.address = address
    this.#server = server
    this.#remove = remove
    this.#reception = new Reception(
      terms,
      guest => this.#letIn(guest),
      error => this.#sentAway(error),
    )
    server.on('connection', socket => this.#meet(socket))
    server.unref()
  }

  /**
   * Listens at `address`: the path of a Unix socket, a name of Linux's abstract namespace ('\0name'), or [host, port] for TCP
   * over IPv4 (port 0: any free one). Without one, at a fresh path in a folder that only this user may enter.
   *
   * @throws {ArgumentTypeError} and {ArgumentRangeError} for what is no address or option, and for an empty key
   * @throws an Error of Node's own kind when it cannot be: its `code` is 'EADDRINUSE', 'EACCES' …
   */
  static async listen(address?: Address, options?: ListenerOptions): Promise<Listener> {
    return listenAt(address, options)
  }

  /**
   * Gives the next Connection that has proved to know the key; without `authkey`, the next one.
   *
   * Waits until somebody has connected; awaits, never blocks the event loop. On timeout or abort nobody was accepted: who comes
   * later is there for the next accept(). If the other process has died since, the Connection gives what it sent, and then its end.
   *
   * @throws {AuthenticationError} when somebody had another key, and nobody else is there to be accepted or about to be. It is
   * over with that one alone: accept again. (Iterating over the Listener leaves these out.)
   * @throws {TimeoutError} · the signal's reason · {ClosedError}
   */
  accept(options?: WaitOptions): Promise<Connection<any, any>> {
    try {
      this.#assertOpen()
      const { timeout, signal } = checkWait(options)
      signal?.throwIfAborted()
      const guest = this.#ready.shift()
      if (guest) return Promise.resolve(this.#give(guest))
      const refused = this.#reception.idle ? this.#refused : undefined
      if (refused) {
        this.#refused = undefined
        throw refused
      }
      if (timeout === 0) throw new TimeoutError('Listener.accept() timed out after 0 ms')
      return new Promise((resolve, reject) => {
        const patience = new Patience('Listener.accept()', timeout, signal, error => {
          const at = this.#acceptors.indexOf(acceptor)
          if (at < 0) return
          this.#acceptors.splice(at, 1)
          this.#keepAlive()
          reject(error)
        })
        const acceptor: Acceptor = {
          resolve: connection => {
            patience.over()
            resolve(connection)
          },
          reject: error => {
            patience.over()
            reject(error)
          },
        }
        this.#acceptors.push(acceptor)
        this.#keepAlive()
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Where the Connection that was accepted last came from: [host, port]; null for a Unix socket, whose clients have no name. */
  get lastAccepted(): Address | null {
    return this.#lastAccepted
  }

  /** True after close(). */
  get closed(): boolean {
    return this.#closed
  }

  /** Accepts until the Listener is closed, then ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Connection<any, any>, void, undefined> {
    while (!this.#closed) {
      let connection: Connection<any, any>
      try {
        connection = await this.accept()
      } catch (error) {
        if (error instanceof AuthenticationError) continue
        if (this.#closed) return
        throw error
      }
      yield connection
    }
  }

  /**
   * Listens no more: who waits in accept() gets ClosedError, and those who were not accepted are sent away. The file of a Unix socket
   * is removed. Accepted Connections live on. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#server.close()
    this.#remove()
    this.#reception.close()
    for (const { connection } of this.#ready.splice(0)) connection.close()
    const error = closedError()
    for (const acceptor of this.#acceptors.splice(0)) acceptor.reject(error)
    for (const watcher of this.#watchers) watcher.fail(error)
    this.#watchers.clear()
  }

  /** close(). */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ── those who come ──

  #meet(socket: Socket): void {
    const { remoteAddress, remotePort } = socket
    let fd: number | undefined
    try {
      fd = descriptorOf(socket)
    } catch {
      // gone again, or this process has no descriptor left
    }
    socket.destroy()
    if (fd === undefined) return
    this.#reception.arrive(fd, remoteAddress === undefined ? null : [remoteAddress, remotePort!])
  }

  #letIn(guest: Guest): void {
    if (this.#closed || this.#ready.length >= MOST_READY) {
      guest.connection.close()
      return
    }
    this.#refused = undefined
    const acceptor = this.#acceptors.shift()
    if (acceptor) {
      acceptor.resolve(this.#give(guest))
    } else {
      this.#ready.push(guest)
      for (const watcher of [...this.#watchers]) {
        this.#watchers.delete(watcher)
        watcher.tell()
      }
    }
    this.#keepAlive()
  }

  #give({ connection, address }: Guest): Connection<any, any> {
    this.#lastAccepted = address
    return connection
  }

  /** Whoever waits is told of one with another key when nobody else is about to be let in. */
  #sentAway(why: AuthenticationError | undefined): void {
    if (this.#closed || this.#ready.length > 0) return
    this.#refused = why ?? this.#refused
    if (this.#refused === undefined || !this.#reception.idle) return
    const acceptor = this.#acceptors.shift()
    if (acceptor === undefined) return
    acceptor.reject(this.#refused)
    this.#refused = undefined
    this.#keepAlive()
  }

  #keepAlive(): void {
    if (this.#acceptors.length > 0 || this.#watchers.size > 0) this.#server.ref()
    else this.#server.unref()
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError()
  }

  /** @internal for wait(): an accept() would not wait. */
  [WAITABLE](): Readiness {
    this.#assertOpen()
    let watcher: { tell(): void; fail(error: unknown): void } | undefined
    return {
      ready: () => {
        this.#assertOpen()
        return this.#ready.length > 0
      },
      watch: (tell, fail) => {
        watcher = { tell, fail }
        this.#watchers.add(watcher)
        this.#keepAlive()
      },
      unwatch: () => {
        if (watcher && this.#watchers.delete(watcher)) this.#keepAlive()
      },
    }
  }

  /** What util.inspect() and console.log() show. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { address, closed } = this
    return `Listener ${inspect(closed ? { address, closed } : { address }, options)}`
  }
}

const HOW: unique symbol = Symbol('Listener.listen()')

function closedError(): ClosedError {
  return new ClosedError('Expected an open Listener, but close() was called on it: keep it open as long as it is used')
}

/** @internal with a codec of one's own. */
export async function listenAt(
  address?: Address,
  options?: Omit<ListenerOptions, 'codec'> & { codec?: CodecName | WireCodec },
): Promise<Listener> {
  const given = checkOptions('options', options, OPTIONS)
  const tls = checkTls(given.tls)
  const backlog = checkCount('backlog', given.backlog ?? BACKLOG, 1, 0x7fffffff)
  const terms: Terms = {
    key: checkKey(given.authkey),
    codec: checkCodec(given.codec),
    requireModern: checkFlag('requireModern', given.requireModern, false),
    handshakeTimeout: checkCount('handshakeTimeout', given.handshakeTimeout ?? HANDSHAKE_TIMEOUT, 1, 0x7fffffff),
    tls,
  }
  const asked = address === undefined ? undefined : checkAddress(address, 0)
  if (tls) await checkServerTls(tls)
  const server = createServer({ pauseOnConnect: true })
  if (asked !== undefined && 'host' in asked) {
    const found = await listenTo(server, { host: await resolveHost(asked.host), port: asked.port, backlog })
    const { address: host, port } = found as AddressInfo
    return new Listener(HOW, server, [host, port], terms, () => {})
  }
  const folder = asked === undefined ? mkdtempSync(path.join(tmpdir(), 'multiproc-')) : undefined // 0700
  const name = asked === undefined ? path.join(folder!, 'listener') : asked.unix
  try {
    await listenTo(server, { fd: listenUnix(name, backlog), backlog })
  } catch (error) {
    if (folder !== undefined) rmdirSync(folder)
    throw error
  }
  // also when the working directory is another one by then
  const file = name.startsWith('\0') ? undefined : path.resolve(name)
  return new Listener(HOW, server, name, terms, removal(file, folder))
}

function listenTo(
  server: Server,
  where: { host: string; port: number; backlog: number } | { fd: number; backlog: number },
): Promise<AddressInfo | string | null> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...where, exclusive: true }, () => {
      server.off('error', reject)
      server.on('error', () => {}) // one who could not be accepted: it is gone, and the next may come
      resolve(server.address())
    })
  })
}

/** Files of Listeners that are open: removed also when the process ends by itself. */
const leftovers = new Set<() => void>()
let isExitWatched = false

function removal(file: string | undefined, folder: string | undefined): () => void {
  if (file === undefined) return () => {}
  const remove = () => {
    leftovers.delete(remove)
    try {
      unlinkSync(file)
      if (folder !== undefined) rmdirSync(folder)
    } catch {
      // somebody else has removed it
    }
  }
  leftovers.add(remove)
  if (!isExitWatched) process.once('exit', removeLeftovers)
  isExitWatched = true
  return remove
}

function removeLeftovers(): void {
  for (const remove of leftovers) remove()
}
