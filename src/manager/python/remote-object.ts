/** One object of a manager elsewhere: what stands behind its proxy. */
import type { Connection } from '../../channel/connection.ts'
import { ClosedError, NotSerializableError } from '../../contract/errors.ts'
import { SHAREABLE } from '../../contract/shareable.ts'
import type { PythonCall } from '../../pickle/python-object.ts'
import type { Limits, Remote } from '../remote.ts'
import { emulated, kindOf } from './emulation.ts'
import type { RemoteServer } from './remote-server.ts'
import { rebuildProxy, type Told } from './token.ts'

const NO_LIMITS: Limits = { signal: undefined, timeout: Number.POSITIVE_INFINITY }

/** A connection that has acquired something: in Python what is held is held by the thread that serves it. */
interface Held {
  readonly connection: Connection<any, any>
  depth: number
  isBusy: boolean
}

/**
 * Calls go over any connection. But in a Python server an owner is a connection: what acquired a lock is used again to release it,
 * and for what is done meanwhile, unless it is waiting itself.
 */
export class RemoteObject implements Remote {
  readonly typeid: string
  readonly ident: string
  readonly exposed: readonly string[] | undefined
  readonly #server: RemoteServer
  readonly #told: Told
  readonly #methods: ReadonlySet<string>
  readonly #held: Held[] = []
  #closed = false

  constructor(server: RemoteServer, told: Told) {
    const kind = kindOf(told, server.isOurs)
    this.typeid = kind ?? told.typeid
    this.exposed = kind === undefined ? (told.exposed ?? []) : undefined
    this.ident = told.ident
    this.#server = server
    this.#told = told
    this.#methods = new Set(told.exposed)
    dropping.register(this, { server, ident: told.ident }, this)
  }

  get closed(): boolean {
    return this.#closed
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.wait(method, args, NO_LIMITS)
  }

  async wait(method: string, args: readonly unknown[], limits: Limits): Promise<unknown> {
    if (this.#closed)
      throw new ClosedError(`Expected an open proxy, but close() was called on that of ${this.#described}`)
    if (this.#server.isOurs) return this.#ask(method, args, limits)
    return emulated(this.typeid, method, args, limits.signal, (method, args) => this.#ask(method, args, NO_LIMITS))
  }

  async #ask(method: string, args: readonly unknown[], limits: Limits): Promise<unknown> {
    const isOwned = !this.#server.isOurs && this.#methods.has('acquire') && this.#methods.has('release')
    let held = isOwned ? this.#held.find(({ isBusy }) => !isBusy) : undefined
    const connection = held?.connection ?? (await this.#server.take())
    if (held) held.isBusy = true
    try {
      const result = await this.#server.exchange(connection, this.ident, method, args, limits)
      if (isOwned && method === 'acquire' && result === true) {
        if (held === undefined) {
          held = { connection, depth: 0, isBusy: true }
          this.#held.push(held)
        }
        held.depth++
      } else if (method === 'release' && held !== undefined) held.depth--
      return result
    } finally {
      if (held === undefined) {
        if (connection.closed) this.#server.drop(connection)
        else this.#server.giveBack(connection)
      } else {
        held.isBusy = false
        if (held.depth === 0 || connection.closed) {
          this.#held.splice(this.#held.indexOf(held), 1)
          this.#server.giveBack(connection)
        }
      }
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    dropping.unregister(this)
    this.#server.dropped(this.ident)
  }

  /** As the server reads it. */
  reduce(): PythonCall {
    return rebuildProxy(this.#told, this.typeid === this.#told.typeid && this.exposed === undefined)
  }

  get #described(): string {
    return `${this.#told.typeid} ${this.ident} of ${this.#server}`
  }

  [SHAREABLE](where: () => string = () => 'value'): never {
    const path = where()
    throw new NotSerializableError(
      `Expected \`${path}\` to be a value that can travel to another process, got a proxy of ${this.#described}: let the other process connect() to that manager itself`,
      { path },
    )
  }
}

/** Nobody has the proxy any more. */
const dropping = new FinalizationRegistry<{ server: RemoteServer; ident: string }>(({ server, ident }) => {
  server.dropped(ident)
})
