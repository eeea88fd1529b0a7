/**
 * The server for all who are not of its session: stock Python, and programs with this package elsewhere. They come through a
 * socket, and speak the protocol of Python's managers.
 *
 *   connection ──handshake──▶ one request: (ignored, function, args, kwds)
 *                                ├─ accept_connection ──▶ a channel: calls, one after the other (channel.ts)
 *                                └─ any other ──▶ one answer: (kind, result), and that was it
 *
 * What it does to objects it does through the Dispatcher, as the reception of the session's own processes does. Those who come
 * have references of objects (references.ts), which keep them.
 *
 * In the first place of a request, which Python ignores, a program with this package says who it is: what it does on several
 * connections is one caller's, and when the last of these ends it is gone.
 */
import type { Connection } from '../../channel/connection.ts'
import { MultiprocError } from '../../contract/errors.ts'
import { describe } from '../../contract/options.ts'
import { dumps, loads } from '../../pickle/pickle.ts'
import type { PythonCall, PythonObject } from '../../pickle/python-object.ts'
import { tuple } from '../../pickle/tuple.ts'
import type { Address } from '../../wire/address.ts'
import type { Listener } from '../../wire/listener.ts'
import { peerPidOf } from '../../wire/socket-end.ts'
import type { WireCodec } from '../../wire/wire-codec.ts'
import type { Dispatcher, Hosted } from '../dispatcher.ts'
import type { Call } from '../hosted/hosted-type.ts'
import { BaseProxy } from '../proxies/base-proxy.ts'
import type { Reception } from '../reception.ts'
import { Referent } from '../referent.ts'
import { REMOTE } from '../remote.ts'
import { Channel } from './channel.ts'
import { RETURN, type Reply, textOf, traceback } from './failures.ts'
import { type Owner, References } from './references.ts'
import type { Segments } from './segments.ts'
import { reduceShared, restoreShared } from './shared-values.ts'
import { callable, readProxy, readToken, rebuildProxy, type Told, token } from './token.ts'
import { Visitor } from './visitor.ts'

/** Who has proved that it knows the key says what it wants within this time, ms. */
const REQUEST_TIMEOUT = 60_000

export class Office {
  readonly #dispatcher: Dispatcher
  readonly #reception: Reception
  readonly #references: References
  readonly #segments: Segments | undefined
  readonly #end: () => void
  /** Programs with this package, by the names they gave themselves. */
  readonly #programs = new Map<string, Visitor>()
  /** Objects that an answer told of: nobody may hold them, until who was told says that it does. */
  readonly #told = new Map<number, WeakRef<Hosted>>()
  /** Those of the answer that is being made. */
  #pins: object[] = []
  #address: Address = ''

  /** `end`: somebody called shutdown(). */
  constructor(dispatcher: Dispatcher, reception: Reception, segments: Segments | undefined, end: () => void) {
    this.#dispatcher = dispatcher
    this.#reception = reception
    this.#references = new References(dispatcher)
    this.#segments = segments
    this.#end = end
  }

  /** For the Listener. */
  readonly codec: WireCodec = {
    encode: value => this.encode(value).encoded,
    decode: bytes => loads(bytes, { restore: object => this.#restore(object) }),
  }

  /** Serves all who come. */
  async open(listener: Listener): Promise<void> {
    this.#address = listener.address
    for await (const connection of listener) this.#receive(connection)
  }

  // ── requests ──

  async #receive(connection: Connection<any, any>): Promise<void> {
    let reply: Reply
    try {
      const request: unknown = await connection.recv({ timeout: REQUEST_TIMEOUT })
      if (!Array.isArray(request) || request.length !== 4 || !Array.isArray(request[2])) {
        throw new MultiprocError('Expected a request: (ignored, function, args, kwds)')
      }
      const [who, name, args, kwds] = request
      const pid = peerPidOf(connection) || null
      const owner: Owner = typeof who === 'string' ? who : pid
      if (name === 'accept_connection') {
        await connection.send(tuple(RETURN, typeof who === 'string' ? 'multiproc' : null))
        const visitor = this.#visitor(owner, pid, args[0])
        visitor.came()
        await new Channel(this, connection, visitor).serve()
        return
      }
      reply = tuple(RETURN, await this.#serve(name, args, kwds, owner))
      if (name === 'shutdown') return await this.#shutDown(connection, reply)
    } catch (error) {
      reply = traceback(textOf(error))
    }
    await connection.send(reply).catch(() => {}) // who is gone needs no answer
    connection.close()
  }

  #visitor(owner: Owner, pid: number | null, name: unknown): Visitor {
    const label = typeof name === 'string' ? name : 'somebody'
    if (typeof owner !== 'string') return new Visitor(pid === null ? label : `${label}, process ${pid}`, pid, owner)
    let visitor = this.#programs.get(owner)
    if (visitor === undefined) {
      visitor = new Visitor(label, pid, owner)
      this.#programs.set(owner, visitor)
    }
    return visitor
  }

  /** One of the visitor's connections has ended. */
  left(visitor: Visitor): void {
    if (!visitor.left()) return
    const { owner } = visitor
    if (typeof owner === 'string') {
      this.#programs.delete(owner)
      this.#references.forget(owner)
    } else if (owner !== null) setImmediate(() => this.#references.lookForDead())
  }

  #serve(name: unknown, args: readonly unknown[], kwds: unknown, owner: Owner): unknown {
    switch (name) {
      case 'dummy':
      case 'shutdown':
        return null
      case 'create':
        return this.#create(owner, args, kwds)
      case 'incref':
        this.#references.add(owner, this.find(args[0]))
        return null
      case 'decref':
        if (!this.#references.drop(owner, this.find(args[0])))
          throw new MultiprocError('Expected one who has a reference')
        return null
      case 'get_methods':
        return tuple(...callable(this.find(readToken(args[0])?.ident).exposed))
      case 'number_of_objects':
        return this.#dispatcher.size
      case 'debug_info':
        return this.#debugInfo()
      case 'track_segment':
      case 'release_segment':
      case 'list_segments':
        if (this.#segments !== undefined) return this.#segments.serve(name, args)
    }
    throw new MultiprocError(`Expected a function that a manager has, got ${describe(name)}`)
  }

  async #create(owner: Owner, [typeid, ...args]: readonly unknown[], kwds: unknown): Promise<unknown> {
    const given = this.#dispatcher.isOwn(String(typeid)) ? args.map(this.#reception.objectOf) : args
    const caller = this.#visitor(null, null, 'create')
    const hosted = await this.#dispatcher.create(caller, typeid, given, named(kwds))
    this.#references.add(owner, hosted)
    return tuple(identOf(hosted), tuple(...callable(hosted.exposed)))
  }

  #debugInfo(): string {
    return [...this.#dispatcher.objects]
      .map(hosted => {
        const { type, object } = hosted
        const text = type.repr(object).slice(0, 75)
        return `  ${identOf(hosted)}:       refcount=${this.#references.count(hosted)}\n    ${text}`
      })
      .join('\n')
  }

  /** Python's servers answer twice. */
  async #shutDown(connection: Connection<any, any>, reply: Reply): Promise<void> {
    await connection.send(reply).catch(() => {})
    await connection.send(reply).catch(() => {})
    connection.close()
    this.#end()
  }

  // ── objects ──

  /** @throws {MultiprocError} when there is none of that number */
  find(ident: unknown): Hosted {
    const number = typeof ident === 'string' ? Number.parseInt(ident, 16) : Number.NaN
    return this.#told.get(number)?.deref() ?? this.#dispatcher.find(number)
  }

  dispatch(hosted: Hosted, method: string, args: readonly unknown[], kwds: unknown, call: Call): unknown {
    const operands = this.#reception.operands(hosted, method, args)
    return this.#dispatcher.dispatch(hosted, method, operands, named(kwds), call)
  }

  /** An object that is a result, for who is told of it: it is given a reference. */
  handOver(owner: Owner, hosted: Hosted): unknown {
    this.#references.add(owner, hosted)
    return tuple(tuple(...callable(hosted.exposed)), token(this.#tell(hosted)))
  }

  #tell(hosted: Hosted): Told {
    const { typeid, exposed } = hosted
    return { typeid, address: this.#address, ident: identOf(hosted), exposed: [...exposed] }
  }

  // ── values ──

  /** `pins`: what has to be kept until who gets the answer has said that it has a reference. */
  encode(value: unknown): { encoded: Uint8Array; pins: readonly object[] } {
    this.#pins = []
    const encoded = dumps(value, { reduce: object => this.#reduce(object) })
    return { encoded, pins: this.#pins }
  }

  #reduce(value: object): PythonCall | undefined {
    if (!(value instanceof BaseProxy)) return reduceShared(value)
    const remote = value[REMOTE]
    if (!(remote instanceof Referent)) return remote.reduce?.()
    const { hosted } = remote
    if (hosted === undefined) return undefined // of another manager of this family: nobody else can reach that
    this.#pins.push(hosted)
    this.#told.set(hosted.ident, new WeakRef(hosted))
    forgetting.register(hosted, { told: this.#told, ident: hosted.ident })
    return rebuildProxy(this.#tell(hosted), hosted.isOwn)
  }

  #restore(object: PythonObject): unknown {
    const told = readProxy(object)
    if (told === undefined) return restoreShared(object)
    if (String(told.address) !== String(this.#address)) return undefined // of another manager: it is only kept
    let hosted: Hosted
    try {
      hosted = this.find(told.ident)
    } catch {
      return undefined
    }
    const proxy = this.#reception.referentOf(hosted)
    this.#reception.cameIn(proxy)
    return proxy
  }
}

/** What was told of objects that are gone. */
const forgetting = new FinalizationRegistry<{ told: Map<number, unknown>; ident: number }>(({ told, ident }) => {
  told.delete(ident)
})

function identOf(hosted: Hosted): string {
  return hosted.ident.toString(16)
}

function named(kwds: unknown): Record<string, unknown> {
  const names: Record<string, unknown> = Object.create(null)
  if (kwds instanceof Map) for (const [name, value] of kwds) names[String(name)] = value
  return names
}
