/**
 * What stands in shared memory for one object of a manager: who has a proxy of it, and how its server is reached.
 *
 *   door · server · ident · length of the text · the text
 *
 *   door     the queue through which a process sends the server its end of a pipe, to be a client (door.ts)
 *   server   the server's token: whether it lives is asked of the kernel
 *   ident    the number of the object in its server
 *   text     its type; for one of the user's own also the names of its methods, each on a line
 *
 * Who writes the words: the server, before the referent is published; `door` whoever takes it apart, last.
 *
 * The referent is a shared object like any other, so who holds it is who has a proxy: processes by a bit, messages under way by
 * a count (arena/references.ts). The server holds it, too. When it finds that nobody else does (reception.ts) it lets go of the
 * object, unless another of its objects holds a proxy of this one.
 *
 * If a process dies
 *   with a proxy           recovery forgets its bit, as for any object; the server sees that in its next round.
 *   the server             the referent remains as long as there are proxies; each call on them is told of the server's end.
 *   before [E1]            a private block: freed with its owner.
 *   taking it apart        the owner word says so: recovery goes on with it [E2].
 */
import { peek, poke } from '#words'
import type { Kind } from '../arena/kinds.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import { pidOf } from '../arena/participants.ts'
import { allocateObject, BODY, bodyAt, clearReference, publishObject, referenceIn } from '../arena/references.ts'
import type { Session } from '../arena/session.ts'
import { type Adoption, SharedObject } from '../arena/shared-object.ts'
import { ClosedError } from '../contract/errors.ts'
import type { Hosted } from './dispatcher.ts'
import { knownLink, linkTo } from './links.ts'
import { faceFor } from './proxies/faces.ts'
import type { Limits, Link, Remote } from './remote.ts'

const KIND = 17
const DOOR = 0
const SERVER = 1
const IDENT = 2
const LENGTH = 3
const TEXT = 4

/** Where the object is, in shared memory. */
export interface Place {
  readonly door: number
  readonly server: number
  readonly ident: number
}

/** The reference goes by itself (session.ts); this is a hint to the server, which would else see it in its next round. */
const collected = new FinalizationRegistry<{ session: Session; place: Place }>(({ session, place }) => {
  setImmediate(() => knownLink(session, place)?.dropped(place.ident))
})

export class Referent extends SharedObject implements Remote {
  readonly ident: number
  readonly typeid: string
  readonly exposed: readonly string[] | undefined
  readonly place: Place
  /** In the server: the object itself. */
  hosted: Hosted | undefined
  /** In the server: a proxy of it came in a call, so it may be a part of another object. */
  isNested = false
  readonly #face: object
  #link: Link | undefined

  constructor(adoption: Adoption) {
    super(adoption)
    this.place = placeOf(this.session, this.address)
    this.ident = this.place.ident
    const [typeid, ...names] = textOf(this.session, this.address).split('\n')
    this.typeid = typeid
    this.exposed = names.length === 0 ? undefined : names.filter(name => name !== '')
    this.#face = faceFor(this)
    collected.register(this, { session: this.session, place: this.place }, this)
  }

  override get face(): object {
    return this.#face
  }

  get link(): Link {
    this.#link ??= linkTo(this.session, this.place)
    return this.#link
  }

  /** Known from the start in the process that made it, or started its server. */
  reachedBy(link: Link): void {
    this.#link = link
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    try {
      this.assertOpen()
      return this.link.call(this.ident, method, args)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  wait(method: string, args: readonly unknown[], limits: Limits): Promise<unknown> {
    try {
      this.assertOpen()
      return this.link.wait(this.ident, method, args, limits)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  protected override closedError(): ClosedError {
    return new ClosedError(
      `Expected an open ${this.face.constructor.name}, but this process has called close() on it: keep the proxy open as long as it is used`,
    )
  }

  protected override leave(): void {
    collected.unregister(this)
    knownLink(this.session, this.place)?.dropped(this.ident)
  }

  protected override summary(): Record<string, unknown> {
    return { typeid: this.typeid, ident: this.ident }
  }
}

/** A referent of an object of this process, which is a server; told to others as `text`. */
export function makeReferent(session: Session, place: Place, text: string): Referent {
  const bytes = Buffer.from(text)
  const address = allocateObject(session, KIND, TEXT + Math.ceil(bytes.length / 4))
  const { w, at } = bodyAt(session, address)
  poke(w, at + DOOR, toRef(place.door))
  poke(w, at + SERVER, place.server)
  poke(w, at + IDENT, place.ident)
  poke(w, at + LENGTH, bytes.length)
  session.segment.bytesAt(address + (BODY + TEXT) * 4, bytes.length).set(bytes)
  publishObject(session, address, [place.door]) // [E1]
  session.handle(address)
  return session.known(address) as Referent
}

function placeOf(session: Session, address: number): Place {
  const { w, at } = bodyAt(session, address)
  return {
    door: toAddress(peek(w, at + DOOR)),
    server: peek(w, at + SERVER),
    ident: peek(w, at + IDENT),
  }
}

function textOf(session: Session, address: number): string {
  const { w, at } = bodyAt(session, address)
  return Buffer.from(session.segment.bytesAt(address + (BODY + TEXT) * 4, peek(w, at + LENGTH))).toString()
}

export const referentKind: Kind = {
  code: KIND,
  name: 'Proxy',
  open: adoption => new Referent(adoption),
  recover: () => true,
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    clearReference(session, w, at + DOOR) // [E2]
  },
  refersTo: (session, address) => referenceIn(session, address, DOOR),
  check(session, address) {
    const { w, at } = bodyAt(session, address)
    return toAddress(peek(w, at + DOOR)) === 0 ? ['it refers to no door'] : []
  },
  describe(session, address) {
    const { server, ident } = placeOf(session, address)
    return { detail: { type: textOf(session, address).split('\n')[0], ident, manager: pidOf(session.w, server) } }
  },
}
