/** What all proxies are: faces of one object in a manager's server, that travel anywhere and ask it for everything. */
import { inspect } from 'node:util'
import { SHAREABLE, type Shareable, type ShareRef } from '../../contract/shareable.ts'
import { type Limits, REMOTE, type Remote } from '../remote.ts'

/**
 * A proxy of an object that a manager holds. It travels anywhere: as an argument of a Process, in a queue, through a pipe, into
 * another object of the manager; whoever receives it has a proxy of the same object. A process has one for each object, so two
 * that it received are equal (`===`) when they stand for the same.
 *
 * Calls of one turn of the event loop are sent together, when it ends, and done in that order. Values travel by value: what
 * you change in one that you were given is not changed in the manager.
 *
 * If this process dies: what it held is given back, what it waited for is not taken. If the manager dies: every call under way
 * and every later one rejects at once with a MultiprocError that names it.
 *
 * The object lives as long as anybody has a proxy of it, in whatever process or message; a proxy that is collected is closed.
 */
export abstract class BaseProxy implements Shareable {
  readonly #remote: Remote

  /** @internal */
  constructor(remote: Remote) {
    this.#remote = remote
  }

  /** Calls a method of the object by its name on the wire: Python's. */
  protected ask(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#remote.call(method, args)
  }

  /** As ask(), for what may wait. */
  protected askPatiently(method: string, args: readonly unknown[], limits: Limits): Promise<unknown> {
    return this.#remote.wait(method, args, limits)
  }

  /**
   * This process is done with the object, which goes when nobody has a proxy of it any more. Idempotent; any use of the proxy
   * afterwards rejects with ClosedError.
   */
  close(): void {
    this.#remote.close()
  }

  /** True after close() in this process. */
  get closed(): boolean {
    return this.#remote.closed
  }

  /** @internal */
  get [REMOTE](): Remote {
    return this.#remote
  }

  /** @internal */
  [SHAREABLE](where?: () => string): ShareRef {
    return this.#remote[SHAREABLE](where)
  }

  toString(): string {
    return this.#shown()
  }

  /** @internal What it is shown as, also where the object has a toString() of its own, which is a call. */
  [Symbol.toPrimitive](): string {
    return this.#shown()
  }

  [inspect.custom](): string {
    return this.#shown()
  }

  #shown(): string {
    const { typeid, ident, closed } = this.#remote
    return `<${this.constructor.name} of ${typeid} ${ident}${closed ? ', closed' : ''}>`
  }
}
