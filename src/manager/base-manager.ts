/**
 * BaseManager: starts a server, and makes objects in it.
 *
 *   initial ──start()──▶ started ──shutdown(), or the server ends──▶ ended
 *
 * The server is a daemon: it ends with the process that started it, however that ends (process/daemons.ts, os/prctl.ts).
 */
import { currentSession, ownSession } from '../arena/session.ts'
import { isGone } from '../arena/token.ts'
import { makePipe } from '../channel/pipe-end.ts'
import { SimpleQueue } from '../channel/simple-queue.ts'
import {
  ArgumentTypeError,
  ClosedError,
  InvalidStateError,
  type MultiprocError,
  NotSerializableError,
} from '../contract/errors.ts'
import { checkOptions, checkString, describe } from '../contract/options.ts'
import { SHAREABLE } from '../contract/shareable.ts'
import { currentProcess } from '../process/family.ts'
import { MAY_HAVE_CHILDREN, Process, START_METHOD } from '../process/process.ts'
import { getStartMethod, type StartMethod } from '../process/start-method.ts'
import { looksLikeTarget, resolveTarget, type Target } from '../process/target.ts'
import { type Address, checkAddress } from '../wire/address.ts'
import { checkKey } from '../wire/challenge.ts'
import { checkTls, type TlsOptions } from '../wire/secure-stream.ts'
import { Client } from './client.ts'
import { checkExposed, type Registered } from './factories.ts'
import { hasEnded, type Knock, knockOf, setLink, transportOf } from './links.ts'
import type { BaseProxy } from './proxies/base-proxy.ts'
import type { RemoteServer } from './python/remote-server.ts'
import type { ServerPlan } from './server.ts'
import { removeAtExit, removeSocket } from './server-socket.ts'

export interface ManagerOptions {
  /**
   * Where others reach the manager: programs elsewhere, also stock Python. The path of a Unix socket, or [host, port] (port 0: any
   * free one). @default a path in a folder that only this user may enter
   */
  address?: Address
  /** What all who come must know; a string stands for its UTF-8. @default that of currentProcess(), as in Python */
  authkey?: Uint8Array | string
  /** Encrypts: for start() what Listener takes, with `key` and `cert`; for connect() what Client takes. */
  tls?: boolean | TlsOptions
}

export interface RegisterOptions {
  /** The methods that may be called. @default all public ones: those whose names do not begin with `_` */
  exposed?: string[]
}

interface Entry {
  readonly factory: Target
  readonly exposed: string[] | undefined
}

const REGISTRY: unique symbol = Symbol('multiproc.registry')
/** Whether a class of managers has the package's own types. */
export const OWN_TYPES: unique symbol = Symbol('multiproc.own-types')
/** Whether their servers answer for blocks of shared memory. */
export const HAS_SEGMENTS: unique symbol = Symbol('multiproc.has-segments')
/** Whether the server is one of Python's. */
export const IS_PYTHONS: unique symbol = Symbol('multiproc.is-pythons')
/** How a class of managers asks its server. */
export const REQUEST: unique symbol = Symbol('multiproc.request')

/** By way of its folder: see process/bootstraps.ts. */
const SERVER = { module: new URL('../manager/server.js', import.meta.url), name: 'serve' }
/** How long a server may take to be seen as ended once its pipe says so, and to end when it was asked to, ms. */
const PATIENCE = 1000

let numbered = 0

/**
 * A manager without types of its own: register() those that its server shall make. A SyncManager is one that has those of the
 * package.
 *
 * The server is a process of its own. It ends with this process, also by SIGKILL, and its objects with it. If the server dies, every
 * call under way and every later one rejects at once with a MultiprocError that names it and says how it ended.
 *
 * @example
 * class Managers extends BaseManager {}
 * Managers.register('Counts', { module: import.meta.resolve('multiproc'), name: 'activeChildren' })
 * await using manager = new Managers()
 * await manager.start()
 * await assert.rejects(manager.create('Nothing'), InvalidStateError)
 */
export class BaseManager implements AsyncDisposable {
  /** Set in the classes of a context, as in Process. */
  static readonly [START_METHOD]: StartMethod | undefined = undefined
  static readonly [OWN_TYPES]: boolean = false
  static readonly [HAS_SEGMENTS]: boolean = false
  static [REGISTRY]: ReadonlyMap<string, Entry> = new Map()

  readonly #options: ManagerOptions
  #address: Address | undefined
  #remote: RemoteServer | undefined
  readonly #method: StartMethod | undefined
  readonly #class: typeof BaseManager
  #process: Process | undefined
  #client: Client | undefined
  #state: 'initial' | 'starting' | 'started' | 'connected' | 'ended' = 'initial'
  #name: string

  /**
   * Registers a type for managers of this class and of the classes derived from it later, as in Python.
   *
   * `factory` runs in the server, with the arguments of create(); it travels by reference, like the target of a Process. What it
   * makes, or the promise of it, is the object. With `{ module, name }` it may also be a class, which is called with `new`.
   *
   * @throws {ArgumentTypeError} for what is no name, no target or no list of names
   */
  static register(typeid: string, factory: Target, options?: RegisterOptions): void {
    checkString('typeid', typeid)
    if (typeid === '' || typeid.includes('\n')) {
      throw new ArgumentTypeError(`Expected \`typeid\` to be a name, got ${describe(typeid)}`)
    }
    if (!looksLikeTarget(factory)) {
      throw new ArgumentTypeError(`Expected \`factory\` to be a function or { module, name }, got ${describe(factory)}`)
    }
    const { exposed } = checkOptions('options', options, ['exposed'])
    // biome-ignore-start lint/complexity/noThisInStatic: the class it is called on has a registry of its own from here on
    const registry = new Map(this[REGISTRY])
    registry.set(typeid, { factory, exposed: checkExposed(typeid, exposed) })
    Object.defineProperty(this, REGISTRY, { value: registry, configurable: true, writable: true })
    // biome-ignore-end lint/complexity/noThisInStatic: the class it is called on has a registry of its own from here on
  }

  constructor(options?: ManagerOptions) {
    const given = checkOptions('options', options, ['address', 'authkey', 'tls'])
    if (given.address !== undefined) checkAddress(given.address, 0)
    checkKey(given.authkey)
    checkTls(given.tls)
    this.#options = { ...given }
    this.#class = new.target
    this.#method = new.target[START_METHOD]
    this.#name = new.target.name
  }

  // ── the server ──

  /**
   * Starts the server, and waits until it answers.
   *
   * @throws {InvalidStateError} when it was started before, and in a daemon, which may have no children
   * @throws {InvalidTargetError} for a registered function that another process could not find
   * @throws {WorkerDiedError} when the server ended before it answered: why is on its standard error
   */
  async start(): Promise<void> {
    if (this.#state !== 'initial') {
      const was = this.#state === 'ended' ? 'it has ended' : 'it was'
      throw new InvalidStateError(`Expected ${this} not to be started yet, but ${was}; a manager starts once`)
    }
    const session = ownSession()
    if (currentSession() !== session) {
      throw new InvalidStateError(
        'Expected a manager to be started outside of share(): what its server makes belongs to the programs of one family',
      )
    }
    this.#name = `${this.#class.name}-${numbered + 1}`
    const registered: Registered[] = []
    for (const [typeid, { factory, exposed }] of this.#class[REGISTRY]) {
      registered.push({ typeid, target: resolveTarget(factory), exposed })
    }
    const door = new SimpleQueue<Knock>()
    const [mine, theirs] = makePipe(true, session)
    const first = knockOf(session, theirs)
    const { address, authkey, tls } = this.#options
    const plan: ServerPlan = {
      name: this.#name,
      hasOwnTypes: this.#class[OWN_TYPES],
      registered,
      address,
      authkey: authkey ?? currentProcess().authkey,
      tls: checkTls(tls),
      hasSegments: this.#class[HAS_SEGMENTS],
      door,
      first,
    }
    const Started = bound(this.#method ?? getStartMethod())
    const server = new Started({ target: SERVER, args: [plan], name: this.#name, daemon: true })
    try {
      server.start()
    } catch (error) {
      mine.close()
      throw error
    } finally {
      theirs.close()
    }
    numbered++
    this.#process = server
    this.#state = 'starting'
    let token = 0 // until it has answered
    this.#client = new Client(session, transportOf(session, mine), {
      isGone: () => (token === 0 ? !server.isAlive() : isGone(session.w, token)),
      ending: () => this.#ending(server),
    })
    setLink(session, door[SHAREABLE]().id, this.#client)
    token = (await this.#client.call(0, 'hello', [])) as number
    try {
      this.#address = (await this.#client.call(0, 'address', [])) as Address
    } catch (error) {
      if (this.#state === 'starting') await this.shutdown()
      throw error
    }
    removeAtExit(this.#address, address === undefined, server)
    if (this.#state === 'starting') this.#state = 'started'
  }

  /** The pipe ends a moment before its process does. */
  async #ending(server: Process): Promise<MultiprocError | undefined> {
    const { pid } = server
    await server.join({ timeout: PATIENCE })
    if (server.isAlive()) return undefined
    removeSocket(server)
    return hasEnded(this.#name, pid, server.exitCode)
  }

  /**
   * Ends the server that was started, and waits until it has ended; of one that is only connected, leaves it. Every call under way and every later one rejects. Nothing after the end, as
   * in Python.
   *
   * @throws {InvalidStateError} before start()
   */
  async shutdown(): Promise<void> {
    if (this.#remote !== undefined) {
      this.#state = 'ended'
      return this.#remote.close()
    }
    const server = this.#process
    if (server === undefined) throw this.#notStarted()
    if (this.#state === 'started' && this.#class[HAS_SEGMENTS]) {
      await this.#client?.call(0, 'unlink_segments', []).catch(() => {}) // it has ended
    }
    this.#state = 'ended'
    this.#client?.close(
      new ClosedError(
        `Expected the manager ${this.#name} (pid ${server.pid}) to be open, but shutdown() was called on it`,
      ),
    )
    server.terminate()
    await server.join({ timeout: PATIENCE })
    if (server.isAlive()) {
      server.kill() // an object of the user's own may handle SIGTERM
      await server.join()
    }
    removeSocket(server)
  }

  /**
   * Instead of start(): uses the manager that is at `address`, on another machine or in another program, of this package or Python's.
   *
   * Waits until it is connected. Types need no register() here. When the server ends, or cannot be reached any more, every call under
   * way and every later one rejects at once with a WorkerDiedError that names it. The server ends without this program, and this program
   * without the server.
   *
   * @throws {ArgumentTypeError} without an address · {InvalidStateError} when it was started or connected before
   * @throws {AuthenticationError} for another key · as Client()
   * @example
   * await using manager = await Manager({ address: ['127.0.0.1', 0], authkey: 'secret' })
   * await manager.publish('scores', await manager.dict({ ada: 1 }))
   *
   * await using there = new SyncManager({ address: manager.address, authkey: 'secret' })
   * await there.connect()
   * const scores = await there.create('scores')
   * assert.equal(await scores.get('ada'), 1)
   */
  async connect(): Promise<void> {
    if (this.#state !== 'initial') {
      throw new InvalidStateError(`Expected ${this} to be new, but it is ${this.#state}: make another one`)
    }
    const { address, authkey, tls } = this.#options
    if (address === undefined) {
      throw new ArgumentTypeError(
        'Expected `address` to say where the manager is, got none: give it to the constructor',
      )
    }
    this.#state = 'starting'
    try {
      // not imported at the top: a tenth of the package, and few programs have a manager elsewhere
      const { RemoteServer } = await import('./python/remote-server.ts')
      const remote = new RemoteServer({ address, authkey: authkey ?? currentProcess().authkey, tls })
      await remote.connect()
      this.#remote = remote
    } catch (error) {
      this.#state = 'initial'
      throw error
    }
    this.#address = address
    this.#state = 'connected'
  }

  /**
   * Where others reach it: what `address` of another BaseManager is to be, there.
   *
   * @throws {InvalidStateError} before start() or connect()
   */
  get address(): Address {
    if (this.#address === undefined) throw this.#notStarted()
    return this.#address
  }

  /**
   * Gives an object a name: from here on create(name) gives that very object, to whoever asks; in Python after `register(name)`. It
   * stays as long as the manager.
   *
   * @throws {ArgumentTypeError} for what is no proxy of an object of this manager
   */
  async publish(name: string, proxy: BaseProxy): Promise<void> {
    checkString('name', name)
    if (this.#client === undefined || this.#state !== 'started') throw this.#notStarted()
    await this.#client.call(0, 'publish', [name, proxy])
  }

  /** @internal */
  protected get [IS_PYTHONS](): boolean {
    return this.#remote?.isOurs === false
  }

  /** @internal A function of the server itself. */
  protected async [REQUEST](name: string, ...args: unknown[]): Promise<unknown> {
    if (this.#remote !== undefined) return this.#remote.request(name, ...args)
    if (this.#client === undefined || this.#state === 'starting') throw this.#notStarted()
    return this.#client.call(0, name, args)
  }

  /** Of the server's process, once started. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /**
   * Makes an object of a registered type in the server, and gives a proxy of it: its exposed methods, as async functions.
   *
   * @throws {InvalidStateError} before start(), and for a type that the server does not have
   * @throws what the factory throws, as it was thrown
   */
  async create(typeid: string, ...args: unknown[]): Promise<any> {
    checkString('typeid', typeid)
    if (this.#remote !== undefined) return this.#remote.create(typeid, args)
    if (this.#client === undefined || this.#state === 'starting') throw this.#notStarted()
    return this.#client.call(0, 'create', [typeid, ...args])
  }

  /** How many objects anybody has a proxy of. (Those that only other objects refer to are not counted.) */
  async numberOfObjects(): Promise<number> {
    return (await this[REQUEST]('number_of_objects')) as number
  }

  #notStarted(): InvalidStateError {
    return new InvalidStateError(
      `Expected ${this} to be started, but it is ${this.#state}: await start() or connect() first`,
    )
  }

  /** shutdown(), if it was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined || this.#remote !== undefined) await this.shutdown()
  }

  /** @internal It stays with the process that started it; its proxies travel. */
  [SHAREABLE](where: () => string = () => 'value'): never {
    const path = where()
    throw new NotSerializableError(
      `Expected \`${path}\` to be a value that can travel to another process, got ${this}: send the proxies that it makes`,
      { path },
    )
  }

  toString(): string {
    const pid = this.#process?.pid
    return `the manager ${this.#name}${pid === undefined ? '' : ` (pid ${pid})`}`
  }
}

const classes = new Map<StartMethod, typeof Process>()

/** A server is a process of its own, also where children are threads: it ends with its creator alone. */
function bound(method: StartMethod): typeof Process {
  const way = method === 'thread' ? 'spawn' : method
  let known = classes.get(way)
  if (known === undefined) {
    known = class extends Process {
      static override readonly [START_METHOD]: StartMethod | undefined = way
      /** The workers of a pool in it end with it. */
      static override readonly [MAY_HAVE_CHILDREN] = true
    } as typeof Process
    classes.set(way, known)
  }
  return known
}
