/**
 * The server for the processes of its session: clients come through the door, each with its end of a pipe, and get a desk. Here is
 * also kept which objects they have proxies of: exactly those whose referents somebody but the server holds.
 *
 * That is looked at when a client says that it dropped a proxy, when one is gone, and in rounds, a few objects at a time: who dies
 * says nothing, and may have had proxies without ever having called.
 */
import { isHeldByOthers, underReferences } from '../arena/references.ts'
import type { Session } from '../arena/session.ts'
import type { SimpleQueue } from '../channel/simple-queue.ts'
import { ArgumentTypeError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { SHAREABLE } from '../contract/shareable.ts'
import type { Address } from '../wire/address.ts'
import { Desk } from './desk.ts'
import type { Dispatcher, Hosted } from './dispatcher.ts'
import type { Caller } from './hosted/hosted-type.ts'
import type { Knock } from './links.ts'
import { LocalLink } from './local-link.ts'
import { BaseProxy } from './proxies/base-proxy.ts'
import type { Segments } from './python/segments.ts'
import { makeReferent, Referent } from './referent.ts'

/** Methods that take another container to look into it, and not to keep it. */
const OPERATORS: ReadonlySet<string> = new Set(
  (
    '__add__ __and__ __eq__ __ge__ __gt__ __iadd__ __iand__ __ior__ __isub__ __ixor__ __le__ __lt__ __ne__ __or__ __rand__ ' +
    '__ror__ __rsub__ __rxor__ __sub__ __xor__ difference difference_update extend fromkeys intersection ' +
    'intersection_update isDisjointFrom isSubsetOf isSupersetOf isdisjoint issubset issuperset symmetricDifference ' +
    'symmetric_difference symmetric_difference_update union update'
  ).split(' '),
)
/** How often, ms, and how many objects are looked at then. */
const ROUND = 500
const MOST_IN_ROUND = 4096
/** Under the latch at a time. */
const AT_ONCE = 32

export class Reception {
  readonly #session: Session
  readonly #dispatcher: Dispatcher
  readonly #door: SimpleQueue<Knock>
  readonly #address: Promise<Address>
  readonly #segments: Segments | undefined
  readonly #desks = new Set<Desk>()
  /** Referents of objects that clients have proxies of. */
  readonly #given = new Map<number, Referent>()
  /** Those that nobody outside had a proxy of any more, but maybe another object. */
  readonly #kept = new Map<number, WeakRef<Referent>>()
  readonly #keptNoMore = new FinalizationRegistry<number>(ident => {
    if (this.#kept.get(ident)?.deref() === undefined) this.#kept.delete(ident)
  })
  #round: IterableIterator<Referent> | undefined
  #timer: NodeJS.Timeout | undefined
  #lookingSoon = false

  /** `address`: where others reach the server; `segments`: what it answers for. */
  constructor(
    session: Session,
    dispatcher: Dispatcher,
    door: SimpleQueue<Knock>,
    address: Promise<Address>,
    segments: Segments | undefined,
  ) {
    this.#address = address
    this.#segments = segments
    this.#session = session
    this.#dispatcher = dispatcher
    this.#door = door
  }

  /** Serves all who come. */
  async open(): Promise<never> {
    for (;;) this.admit(await this.#door.get())
  }

  admit(knock: Knock): void {
    const desk = new Desk(this.#session, this.#dispatcher, this, knock)
    this.#desks.add(desk)
    desk.serve()
  }

  /** What is called of the manager itself. */
  call(caller: Caller, method: string, args: readonly unknown[], carries: boolean): unknown {
    switch (method) {
      case 'create': {
        const [typeid, ...given] = args
        const isOwn = carries && typeof typeid === 'string' && this.#dispatcher.isOwn(typeid)
        return this.#dispatcher.create(caller, typeid, isOwn ? given.map(this.objectOf) : given)
      }
      case 'hello':
        return this.#session.me
      case 'address':
        return this.#address
      case 'publish':
        return this.#dispatcher.publish(args[0] as string, this.#hostedBehind(args[1]))
      case 'unlink_segments':
        return this.#segments?.unlink()
      case 'track_segment':
        return this.#segments?.serve('track_segment', args)
      case 'number_of_objects':
        return this.#dispatcher.size
      default:
        throw new ArgumentTypeError(`Expected a method that a manager has, got ${describe(method)}`)
    }
  }

  /** The arguments of a method, which carry handles: where it is to look into another object of ours, that object itself. */
  operands(hosted: Hosted, method: string, args: readonly unknown[]): readonly unknown[] {
    return hosted.isOwn && OPERATORS.has(method) ? args.map(this.objectOf) : args
  }

  #hostedBehind(proxy: unknown): Hosted {
    const hosted = proxy instanceof BaseProxy ? referentBehind(this.#session, proxy)?.hosted : undefined
    if (hosted !== undefined) return hosted
    throw new ArgumentTypeError(`Expected a proxy of an object of this manager, got ${describe(proxy)}`)
  }

  /** The object itself, where `value` is a proxy of one of ours. */
  readonly objectOf = (value: unknown): unknown =>
    value instanceof BaseProxy ? (referentBehind(this.#session, value)?.hosted?.object ?? value) : value

  /** One client at the most. */
  get isAlone(): boolean {
    return this.#desks.size <= 1
  }

  // ── proxies ──

  /** The proxy that stands for the object. */
  referentOf(hosted: Hosted): object {
    const known = hosted.referent as Referent | undefined
    if (known !== undefined && !known.closed) return known.face
    const { door, server } = this.#place
    const referent = makeReferent(this.#session, { door, server, ident: hosted.ident }, textFor(hosted))
    referent.hosted = hosted
    referent.reachedBy(new LocalLink(this.#dispatcher, this, hosted))
    hosted.referent = referent
    return referent.face
  }

  get #place(): { door: number; server: number } {
    return { door: this.#door[SHAREABLE]().id, server: this.#session.me }
  }

  /** A handle came in a call. When it is a proxy of ours, it may become a part of another object. */
  cameIn(handle: unknown): void {
    const referent = referentBehind(this.#session, handle)
    if (referent?.hosted !== undefined) referent.isNested = true
  }

  /** Handles are in an answer. Those that are proxies of ours are somebody's from here on. */
  goesOut(handles: readonly unknown[]): void {
    for (const handle of handles) {
      const referent = referentBehind(this.#session, handle)
      if (referent !== undefined) this.#give(referent)
    }
  }

  #give(referent: Referent): void {
    const { ident, hosted } = referent
    if (hosted === undefined || this.#given.has(ident)) return
    this.#kept.delete(ident)
    this.#given.set(ident, referent)
    this.#dispatcher.hold(hosted)
    this.#timer ??= setInterval(() => this.#goRound(), ROUND)
  }

  /** The object of that number, for somebody who has a proxy of it. @throws {MultiprocError} when it is gone */
  find(ident: number): Hosted {
    const referent = this.#kept.size > 0 ? this.#kept.get(ident)?.deref() : undefined
    if (referent !== undefined && !referent.closed) this.#give(referent) // an object of the user's sent it, by a queue, say
    return this.#dispatcher.find(ident)
  }

  /** A client dropped its proxy of that object. */
  look(ident: number): void {
    const referent = this.#given.get(ident)
    if (referent !== undefined) this.#lookAt([referent])
  }

  left(desk: Desk): void {
    this.#desks.delete(desk)
    this.#round = undefined
    // its proxies are forgotten with it, or a little later
    if (this.#lookingSoon) return
    this.#lookingSoon = true
    setImmediate(() => {
      this.#lookingSoon = false
      this.#goRound()
    })
  }

  #goRound(): void {
    this.#round ??= this.#given.values()
    const some: Referent[] = []
    while (some.length < MOST_IN_ROUND) {
      const { value, done } = this.#round.next()
      if (done) {
        this.#round = undefined
        break
      }
      some.push(value)
    }
    this.#lookAt(some)
  }

  #lookAt(referents: readonly Referent[]): void {
    for (let i = 0; i < referents.length; i += AT_ONCE) {
      const some = referents.slice(i, i + AT_ONCE)
      const free = underReferences(this.#session, () =>
        some.filter(({ address }) => !isHeldByOthers(this.#session, address)),
      )
      for (const referent of free) this.#letGo(referent)
    }
    if (this.#given.size > 0 || this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Nobody outside has a proxy of it. If another object may have one, only the engine knows whether it still does. */
  #letGo(referent: Referent): void {
    const { hosted } = referent
    if (hosted === undefined || !this.#given.delete(referent.ident)) return
    this.#dispatcher.letGo(hosted)
    if (!referent.isNested) {
      referent.close()
      return
    }
    this.#kept.set(referent.ident, new WeakRef(referent))
    this.#keptNoMore.register(referent, referent.ident)
  }
}

function referentBehind(session: Session, handle: unknown): Referent | undefined {
  const id = (handle as { [SHAREABLE]?: () => { id: number } })[SHAREABLE]?.().id
  const known = id === undefined ? undefined : session.known(id)
  return known instanceof Referent ? known : undefined
}

/** What others are told of the object: its type, and for one of the user's own the names of its methods. */
function textFor({ typeid, exposed, isOwn }: Hosted): string {
  return isOwn ? typeid : [typeid, '', ...exposed].join('\n')
}
