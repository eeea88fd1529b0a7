/**
 * The objects that a manager's server holds, and the calls on them, whoever calls and however the call came: local processes
 * through shared memory (desk.ts), others through sockets.
 *
 * An object stays as long as somebody holds it: each transport says so for those whom it serves, with hold() and letGo(). One
 * that nobody holds any more may still be a part of another hosted object. It is then reached from there, and is held again
 * when a call gives it to somebody; otherwise the engine collects it, and those that refer to each other in a circle, too.
 */
import { InvalidStateError, MultiprocError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import type { Call, Caller, HostedType } from './hosted/hosted-type.ts'
import { hostedTypes } from './hosted/hosted-types.ts'

/** An object in the server. */
export class Hosted {
  /** Unique in this server, for good. */
  readonly ident: number
  readonly type: HostedType
  readonly object: object
  readonly exposed: ReadonlySet<string>
  /** One of the package's types: whoever has a proxy knows its methods. */
  readonly isOwn: boolean
  /** By how many; 0: nobody outside the server. */
  holds = 0
  /** What a transport keeps for it, under a key of its own: how it is told to those whom it serves. */
  referent: object | undefined

  constructor(ident: number, { type, object, exposed, isOwn }: Made) {
    this.ident = ident
    this.type = type
    this.object = object
    this.exposed = exposed
    this.isOwn = isOwn
  }

  get typeid(): string {
    return this.type.typeid
  }
}

/** What makes objects of a type: at once, or when its module has been loaded. */
export interface Factory {
  readonly typeid: string
  readonly isOwn: boolean
  make(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): Made | Promise<Made>
}

export interface Made {
  readonly type: HostedType
  readonly object: object
  readonly exposed: ReadonlySet<string>
  readonly isOwn: boolean
}

export class Dispatcher {
  readonly #factories: ReadonlyMap<string, Factory>
  readonly #held = new Map<number, Hosted>()
  readonly #name: string
  readonly #published = new Map<string, Hosted>()
  #made = 0

  constructor(name: string, factories: ReadonlyMap<string, Factory>) {
    this.#name = name
    this.#factories = factories
  }

  /** Makes an object, which nobody holds yet, or gives the one that was published by that name. @throws what the type's factory throws */
  create(
    _caller: Caller,
    typeid: unknown,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>> = NO_KWARGS,
  ): Hosted | Promise<Hosted> {
    const published = this.#published.get(typeid as string)
    if (published !== undefined) return published
    const factory = this.#factories.get(typeid as string)
    if (factory === undefined) throw this.#noSuchType(typeid)
    const made = factory.make(args, kwargs)
    return made instanceof Promise ? made.then(made => this.#host(made)) : this.#host(made)
  }

  /** From here on create() gives that very object for the name. It stays as long as the server. */
  publish(name: string, hosted: Hosted): void {
    const before = this.#published.get(name)
    this.hold(hosted)
    this.#published.set(name, hosted)
    if (before !== undefined) this.letGo(before)
  }

  /** Whether it is one of the package's types. */
  isOwn(typeid: string): boolean {
    return this.#factories.get(typeid)?.isOwn === true
  }

  #noSuchType(typeid: unknown): InvalidStateError {
    const known = [...this.#factories.keys()]
    return new InvalidStateError(
      `Expected a type that ${this.#name} has, got ${describe(typeid)}; it has ${known.length === 0 ? 'none' : known.join(', ')}. register() it before start()`,
    )
  }

  #host(made: Made): Hosted {
    return new Hosted(++this.#made, made)
  }

  /**
   * Calls a method: gives its result at once, or a Promise when it has to wait. A result that is a hosted object itself is
   * given as a `Hosted`, which nobody holds yet.
   *
   * @throws {MultiprocError} for a method that is not exposed · what the method throws
   */
  dispatch(
    hosted: Hosted,
    method: string,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
    call: Call,
  ): unknown {
    if (!hosted.exposed.has(method)) throw notExposed(hosted, method)
    const result = hosted.type.call(hosted.object, method, args, kwargs, call)
    const gives = hosted.type.gives[method]
    if (gives === undefined) return result
    return result instanceof Promise ? result.then(given => this.#give(gives, given)) : this.#give(gives, result)
  }

  /** The result of a method is an object of one of the package's types. */
  #give(typeid: string, object: unknown): Hosted {
    const type = hostedTypes.get(typeid)
    if (type === undefined) throw this.#noSuchType(typeid)
    return this.#host({ type, object: object as object, exposed: new Set(type.exposed), isOwn: true })
  }

  /** The object of that number. @throws {MultiprocError} when nobody holds it */
  find(ident: number): Hosted {
    const hosted = this.#held.get(ident)
    if (hosted !== undefined) return hosted
    throw new MultiprocError(
      `Expected a proxy of an object that ${this.#name} (pid ${process.pid}) holds, got one of number ${ident}, which is gone: its last proxy was closed`,
    )
  }

  hold(hosted: Hosted): void {
    if (hosted.holds++ === 0) this.#held.set(hosted.ident, hosted)
  }

  letGo(hosted: Hosted): void {
    if (--hosted.holds === 0) this.#held.delete(hosted.ident)
  }

  /** All that somebody holds. */
  get objects(): IterableIterator<Hosted> {
    return this.#held.values()
  }

  get size(): number {
    return this.#held.size
  }
}

const NO_KWARGS: Readonly<Record<string, unknown>> = Object.freeze({})

function notExposed(hosted: Hosted, method: string): MultiprocError {
  return new MultiprocError(
    `Expected a method that ${hosted.typeid} exposes, got \`${method}\`; it exposes ${[...hosted.exposed].join(', ')}`,
  )
}
