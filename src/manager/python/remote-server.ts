/**
 * A manager elsewhere, as its clients here know it: on another machine, or in another program; of this package, or Python's.
 *
 *   lifeline    a connection on which nothing is called. Its end is the server's end: all calls under way and all later ones
 *               reject at once. To a server of this package it says that this program is there: its locks, leases and
 *               references are one caller's, and given back when its last connection ends.
 *   channels    one for each call that is under way: those of Python's protocol carry one at a time. Some idle ones are kept.
 *   requests    a connection each: create, incref, decref …
 *
 * Taking a call back: a server of this package is told, and answers that it was, or with the result where it was too late. Python's
 * cannot be told (sliced.ts). What stays unanswered for long then loses its connection, and nothing else.
 *
 * None of this keeps a process alive, but calls under way.
 */
import type { Connection } from '../../channel/connection.ts'
import { ClosedError, EOFError, type MultiprocError, TimeoutError, WorkerDiedError } from '../../contract/errors.ts'
import { nodeCrypto } from '../../os/crypto.ts'
import { dumps, loads } from '../../pickle/pickle.ts'
import { tuple } from '../../pickle/tuple.ts'
import type { Address } from '../../wire/address.ts'
import { connectTo } from '../../wire/client.ts'
import type { TlsOptions } from '../../wire/secure-stream.ts'
import { unref } from '../../wire/socket-end.ts'
import type { WireCodec } from '../../wire/wire-codec.ts'
import { failureOf } from '../failure.ts'
import { BaseProxy } from '../proxies/base-proxy.ts'
import { faceFor } from '../proxies/faces.ts'
import { type Limits, REMOTE } from '../remote.ts'
import { failureIn, NOTHING, PROXY, RETURN, WITHDRAW, WITHDRAWN } from './failures.ts'
import { RemoteObject } from './remote-object.ts'
import { reduceShared, restoreShared } from './shared-values.ts'
import { readProxy, readToken, type Told } from './token.ts'

/** How one gets there. */
export interface Way {
  readonly address: Address
  readonly authkey: Uint8Array | string
  readonly tls: boolean | TlsOptions | undefined
}

/** Idle channels that are kept. */
const MOST_IDLE = 16
/** A server that was told that a call is taken back answers within this time, or loses the connection, ms. */
const PATIENCE = 5000

/** setTimeout() takes no more, ms. */
const LONGEST_TIMER = 0x7fff_ffff - PATIENCE

const NO_NAMES: ReadonlyMap<string, unknown> = new Map()

export class RemoteServer {
  readonly #way: Way
  /** What this program calls itself there. */
  readonly #id = `multiproc-${process.pid}-${nodeCrypto().randomBytes(8).toString('hex')}`
  #lifeline: Promise<Connection<any, any>> | undefined
  #isOurs = false
  readonly #idle: Connection<any, any>[] = []
  readonly #busy = new Set<Connection<any, any>>()
  /** Why no call is possible any more. */
  #failure: MultiprocError | undefined
  /** References that are being taken: for the value that is being decoded, and for those that were. */
  #taking: Promise<unknown>[] = []
  readonly #taken = new WeakMap<object, readonly Promise<unknown>[]>()

  constructor(way: Way) {
    this.#way = way
  }

  readonly #codec: WireCodec = {
    encode: value =>
      dumps(value, {
        reduce: object => {
          if (!(object instanceof BaseProxy)) return reduceShared(object)
          const remote = object[REMOTE]
          return remote.reduce?.()
        },
      }),
    decode: bytes => {
      this.#taking = []
      const value = loads(bytes, { restore: object => this.#restoreProxy(readProxy(object)) ?? restoreShared(object) })
      if (this.#taking.length > 0) this.#taken.set(value as object, this.#taking)
      return value
    },
  }

  get address(): Address {
    return this.#way.address
  }

  /** It runs this package: it knows more methods than Python's. */
  get isOurs(): boolean {
    return this.#isOurs
  }

  // ── connections ──

  /** @throws as Client() · {WorkerDiedError} when it has ended since */
  async connect(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#lifeline ??= this.#live()
    try {
      await this.#lifeline
    } catch (error) {
      this.#lifeline = undefined
      throw error
    }
  }

  async #live(): Promise<Connection<any, any>> {
    const connection = await this.#dial()
    const said = await this.#converse(connection, tuple(this.#id, 'accept_connection', tuple(this.#name), NO_NAMES))
    this.#isOurs = said === 'multiproc'
    unref(connection)
    connection.recv().then(
      () => connection.close(),
      () => this.#fail(this.#hasEnded()),
    )
    return connection
  }

  get #name(): string {
    return `process ${process.pid}`
  }

  async #dial(): Promise<Connection<any, any>> {
    const { address, authkey, tls } = this.#way
    const connection = await connectTo(address, { authkey, codec: this.#codec, tls })
    if (this.#failure !== undefined) {
      connection.close()
      throw this.#failure
    }
    return connection
  }

  /** A connection for the calls of one after the other. */
  async take(): Promise<Connection<any, any>> {
    await this.connect()
    for (;;) {
      const idle = this.#idle.pop()
      if (idle === undefined) break
      if (!idle.closed && !(await idle.poll(0))) return this.#use(idle)
      idle.close()
    }
    const connection = this.#use(await this.#reach())
    try {
      await this.#converse(connection, tuple(this.#id, 'accept_connection', tuple(this.#name), NO_NAMES))
    } catch (error) {
      this.drop(connection)
      throw error
    }
    return connection
  }

  #use(connection: Connection<any, any>): Connection<any, any> {
    this.#busy.add(connection)
    return connection
  }

  giveBack(connection: Connection<any, any>): void {
    this.#busy.delete(connection)
    if (this.#failure === undefined && this.#idle.length < MOST_IDLE && !connection.closed) this.#idle.push(connection)
    else connection.close()
  }

  drop(connection: Connection<any, any>): void {
    this.#busy.delete(connection)
    connection.close()
  }

  /** As #dial(), later on: nobody being there, or no longer, means that it has ended. */
  async #reach(): Promise<Connection<any, any>> {
    try {
      return await this.#dial()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ECONNRESET' || this.#isLoss(error))
        throw this.#lost(error)
      throw error
    }
  }

  // ── calls ──

  /** Calls a method over a connection that was taken. Rejects with what it threw. A connection that failed is closed. */
  async exchange(
    connection: Connection<any, any>,
    ident: string,
    method: string,
    args: readonly unknown[],
    { signal, timeout }: Limits,
  ): Promise<unknown> {
    const request = tuple(ident, method, tuple(...args), NO_NAMES)
    if (signal === undefined && timeout > LONGEST_TIMER) return this.#converse(connection, request)
    signal?.throwIfAborted()
    let timer: NodeJS.Timeout | undefined
    let givenUp: (() => unknown) | undefined
    const giveUpIn = (ms: number, error: () => unknown) => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        givenUp = error
        connection.close()
      }, ms)
    }
    const onAbort = () => {
      connection.send(tuple(null, WITHDRAW, tuple(), NO_NAMES)).catch(() => {})
      giveUpIn(PATIENCE, () => signal?.reason)
    }
    if (timeout <= LONGEST_TIMER) giveUpIn(timeout + PATIENCE, () => this.#notAnswered(method, timeout))
    try {
      const answer = this.#converse(connection, request)
      signal?.addEventListener('abort', onAbort, { once: true })
      return await answer
    } catch (error) {
      throw error === TAKEN_BACK ? signal?.reason : givenUp !== undefined ? givenUp() : error
    } finally {
      signal?.removeEventListener('abort', onAbort)
      clearTimeout(timer)
    }
  }

  #notAnswered(method: string, timeout: number): TimeoutError {
    return new TimeoutError(`${method}() timed out after ${timeout} ms, and ${this} did not answer`)
  }

  /** Asks the server itself for something. */
  request(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#request(name, args, NO_NAMES)
  }

  async #request(name: string, args: readonly unknown[], names: ReadonlyMap<string, unknown>): Promise<unknown> {
    await this.connect()
    const connection = this.#use(await this.#reach())
    try {
      return await this.#converse(connection, tuple(this.#id, name, tuple(...args), names))
    } finally {
      this.drop(connection)
    }
  }

  async #converse(connection: Connection<any, any>, request: unknown): Promise<unknown> {
    let reply: unknown
    const sent = connection.send(request) // what cannot be pickled rejects here, and nothing was sent
    try {
      await sent
    } catch (error) {
      throw this.#isLoss(error) ? this.#lost(error, connection) : error
    }
    try {
      reply = await connection.recv()
    } catch (error) {
      throw this.#isLoss(error) ? this.#lost(error, connection) : error
    }
    // the server keeps what it told of until there is another call on this connection
    const taken = Array.isArray(reply) ? this.#taken.get(reply) : undefined
    if (taken !== undefined) await Promise.all(taken)
    return this.#valueOf(reply)
  }

  #isLoss(error: unknown): boolean {
    return error instanceof EOFError || error instanceof ClosedError || (error as Error).name === 'BrokenPipeError'
  }

  #valueOf(reply: unknown): unknown {
    const [kind, result] = Array.isArray(reply) ? reply : []
    if (kind === RETURN) return result
    if (kind === NOTHING) return undefined
    if (kind === PROXY && Array.isArray(result)) {
      const told = readToken(result[1])
      if (told !== undefined) return this.proxyOf({ ...told, exposed: [...result[0]] })
    }
    if (kind === WITHDRAWN) throw TAKEN_BACK
    throw failureOf(failureIn(kind, result, String(this)), String(this))
  }

  // ── objects ──

  /** Makes an object, and gives its proxy. */
  async create(typeid: string, args: readonly unknown[]): Promise<BaseProxy> {
    await this.connect()
    // Python's Namespace takes names
    const names = typeid === 'Namespace' && !this.#isOurs ? Object.entries(args[0] ?? {}) : []
    const given = names.length > 0 ? [typeid] : [typeid, ...args]
    const made = await this.#request('create', given, new Map(names))
    if (!Array.isArray(made) || typeof made[0] !== 'string') throw failureIn('create', made, String(this))
    return this.proxyOf({ typeid, address: this.address, ident: made[0], exposed: [...made[1]] })
  }

  /** The proxy of an object of which this program was given a reference. */
  proxyOf(told: Told): BaseProxy {
    return faceFor(new RemoteObject(this, told))
  }

  /** A proxy that lay in a value: nobody has a reference for it yet. */
  #restoreProxy(told: Told | undefined): BaseProxy | undefined {
    if (told === undefined) return undefined
    const server = this.#isHere(told.address) ? this : new RemoteServer({ ...this.#way, address: told.address })
    this.#taking.push(server.request('incref', told.ident).catch(() => {})) // it is gone: a call on it says so
    return server.proxyOf({ ...told, address: server.address })
  }

  /** A server that listens everywhere does not know how it is called here. */
  #isHere(address: Address): boolean {
    if (String(address) === String(this.address)) return true
    if (typeof address === 'string' || typeof this.address === 'string' || address[1] !== this.address[1]) return false
    const isLocal = (host: string) => /^(?:localhost|127\..*)$/.test(host)
    return address[0] === '0.0.0.0' || (isLocal(address[0]) && isLocal(this.address[0]))
  }

  /** This program has one proxy less of it. */
  dropped(ident: string): void {
    if (this.#failure === undefined) this.request('decref', ident).catch(() => {}) // it has ended: so has the object
  }

  // ── the end of it ──

  #hasEnded(): MultiprocError {
    return new WorkerDiedError(
      `Expected ${this} to be there, but it has ended, or the connection to it is lost, and its objects with it`,
      { exitCode: null },
    )
  }

  #lost(_cause: unknown, connection?: Connection<any, any>): MultiprocError {
    connection?.close()
    return this.#failure ?? this.#hasEnded()
  }

  #fail(failure: MultiprocError): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    for (const connection of [...this.#idle.splice(0), ...this.#busy]) connection.close()
    this.#busy.clear()
  }

  /** This program is done with it: what is under way and all that comes rejects. */
  async close(): Promise<void> {
    this.#fail(new ClosedError(`Expected ${this} to be in use, but this program has left it`))
    const lifeline = await this.#lifeline?.catch(() => undefined)
    lifeline?.close()
  }

  toString(): string {
    const { address } = this.#way
    return `the manager at ${typeof address === 'string' ? address.replace(/\0/g, '@') : address.join(':')}`
  }
}

const TAKEN_BACK = Symbol('taken back')
