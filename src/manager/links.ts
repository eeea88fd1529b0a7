/** How this process reaches the servers of the managers whose proxies it has: one pipe for each, made with the first call. */

import { nameOf, pidOf } from '../arena/participants.ts'
import { holdReference } from '../arena/references.ts'
import type { Session } from '../arena/session.ts'
import { isGone, slotOf } from '../arena/token.ts'
import type { Connection } from '../channel/connection.ts'
import { makePipe, type PipeEnd } from '../channel/pipe-end.ts'
import type { SimpleQueue } from '../channel/simple-queue.ts'
import { type MultiprocError, WorkerDiedError } from '../contract/errors.ts'
import { SHAREABLE } from '../contract/shareable.ts'
import { Client, type ServerSeen } from './client.ts'
import type { Link } from './remote.ts'

/** What lies in the door: a new client. */
export interface Knock {
  readonly end: Connection<unknown, unknown>
  /** Its participant, by which the kernel tells whether it lives. */
  readonly token: number
  readonly pid: number
  readonly label: string
}

/** Kept by those who use them. */
const links = new WeakMap<Session, Map<number, WeakRef<Link>>>()

/** Where the server is found. */
export interface ServerPlace {
  readonly door: number
  readonly server: number
}

/** The link to that server; whoever asks has a referent, which keeps the door there. */
export function linkTo(session: Session, place: ServerPlace): Link {
  const known = knownLink(session, place)
  if (known !== undefined) return known
  holdReference(session, place.door) // the referent refers to it
  const door = session.handle(place.door) as SimpleQueue<Knock>
  const [mine, theirs] = makePipe(true, session)
  const link = new Client(session, transportOf(session, mine), serverSeen(session, place.server))
  door.putSync(knockOf(session, theirs))
  theirs.close()
  setLink(session, place.door, link)
  return link
}

/** This process, to the server. */
export function knockOf({ me }: Session, end: Connection<unknown, unknown>): Knock {
  return { end, token: me, pid: process.pid, label: `process ${process.pid}` }
}

/** The same, if there is one. */
export function knownLink(session: Session, { door }: ServerPlace): Link | undefined {
  return linksOf(session).get(door)?.deref()
}

/** That of the process that starts the server, there from the start. */
export function setLink(session: Session, door: number, link: Link): void {
  linksOf(session).set(door, new WeakRef(link))
}

function linksOf(session: Session): Map<number, WeakRef<Link>> {
  let known = links.get(session)
  if (known === undefined) {
    known = new Map()
    links.set(session, known)
  }
  return known
}

/** What carries the messages of that connection. */
export function transportOf(session: Session, connection: Connection<any, any>): PipeEnd {
  return session.known(connection[SHAREABLE]().id) as PipeEnd
}

function serverSeen(session: Session, token: number): ServerSeen {
  const pid = pidOf(session.w, token)
  const name = pid === null ? 'manager' : nameOf(session.w, slotOf(token))
  return {
    isGone: () => isGone(session.w, token),
    ending: () => (isGone(session.w, token) ? hasEnded(name, pid, null) : undefined),
  }
}

/** For all who call a manager that is no more. `exitCode`: as of a Process; null when this process cannot know. */
export function hasEnded(name: string, pid: number | null | undefined, exitCode: number | null): MultiprocError {
  const how =
    exitCode === null
      ? 'has ended'
      : exitCode < 0
        ? `was ended by signal ${-exitCode}`
        : `has ended with exit code ${exitCode}`
  return new WorkerDiedError(
    `Expected the manager ${name}${pid == null ? '' : ` (pid ${pid})`} to be alive, but it ${how}, and its objects with it`,
    { exitCode },
  )
}
