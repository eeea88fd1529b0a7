/**
 * One end of a pipe: what a Connection over shared memory sends and receives through.
 *
 *   core · side · mode        core: the object between the two ends (pipe-core.ts); mode: may it receive, may it send
 *
 * Who writes the words: nobody after the end is published; `core` whoever takes the end apart, last.
 *
 * If a process dies: the end lives as long as anybody else holds it, or a message under way carries it. Was it the last one,
 * the end is taken apart, and that is EOF for the other side (pipe-core.ts).
 */
import { peek, poke, type Words } from '#words'
import { BEACONS, Beacon, lightAll } from '../arena/beacon.ts'
import type { Kind } from '../arena/kinds.ts'
import { toAddress, toRef } from '../arena/layout.ts'
import {
  allocateObject,
  bodyAt,
  clearReference,
  dropReference,
  publishObject,
  referenceIn,
} from '../arena/references.ts'
import { currentSession, type Session } from '../arena/session.ts'
import { type Adoption, SharedObject } from '../arena/shared-object.ts'
import { type Attempt, BUSY, Line, NONE, served } from '../arena/until.ts'
import { markedIn } from '../arena/wait-set.ts'
import { BrokenPipeError, ClosedError, EOFError, InvalidStateError } from '../contract/errors.ts'
import type { Readiness } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import { Connection } from './connection.ts'
import { type Arrived, discard, type Outgoing, packBytes, packValue, put, retain, take } from './envelope.ts'
import { CLOSED, DONE, DRAINING, DROPPED, HELD_UP, Log, NOT_EMPTY, NOT_FULL, OPEN } from './log.ts'
import {
  allocateCore,
  beaconOffset,
  drop,
  leaveSide,
  logOffset,
  otherSide,
  publishCore,
  type Side,
} from './pipe-core.ts'
import type { Message, Transport } from './transport.ts'

const KIND = 12
const CORE = 0
const SIDE = 1
const MODE = 2
const WORDS = 3

const RECEIVES = 1
const SENDS = 2

/** Ends whose descriptor somebody may be watching: kept until they are closed. */
const watched = new Set<PipeEnd>()

export class PipeEnd extends SharedObject implements Transport {
  readonly #core: number
  readonly #words: Words
  /** Messages to this side, and from it. */
  readonly #in: Log
  readonly #out: Log
  readonly #recvs: Line
  readonly #sends: Line
  /** Where the beacons lie of those who watch on this side, and on the other. */
  readonly #beacons: number
  readonly #theirBeacons: number
  #beacon: Beacon | undefined
  readonly #connection: Connection<any, any>
  readonly readable: boolean
  readonly writable: boolean

  constructor(adoption: Adoption) {
    super(adoption)
    const { session } = this
    const side = peek(this.w, this.at + SIDE) as Side
    const mode = peek(this.w, this.at + MODE)
    this.#core = toAddress(peek(this.w, this.at + CORE))
    this.readable = (mode & RECEIVES) !== 0
    this.writable = (mode & SENDS) !== 0
    const { w, at } = bodyAt(session, this.#core)
    const [incoming, outgoing] = [at + logOffset(side), at + logOffset(otherSide(side))]
    this.#words = w
    this.#in = new Log(session, w, incoming)
    this.#out = new Log(session, w, outgoing)
    this.#recvs = new Line(session, w, incoming + NOT_EMPTY)
    this.#sends = new Line(session, w, outgoing + NOT_FULL)
    this.#beacons = at + beaconOffset(side)
    this.#theirBeacons = at + beaconOffset(otherSide(side))
    this.#connection = new Connection(this)
  }

  override get face(): Connection<any, any> {
    return this.#connection
  }

  // ── sending ──

  send(what: string, value: unknown, options?: WaitOptions): Promise<void> {
    return this.#send(what, () => packValue(this.session, value), options)
  }

  sendSync(what: string, value: unknown, options?: SyncWaitOptions): void {
    this.assertOpen()
    this.#sendSync(what, packValue(this.session, value), options)
  }

  sendBytes(what: string, bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    return this.#send(what, () => packBytes(this.session, bytes), options)
  }

  sendBytesSync(what: string, bytes: Uint8Array, options?: SyncWaitOptions): void {
    this.assertOpen()
    this.#sendSync(what, packBytes(this.session, bytes), options)
  }

  #send(what: string, pack: () => Outgoing, options?: WaitOptions): Promise<void> {
    let out: Outgoing | undefined
    try {
      this.assertOpen()
      out = pack()
      this.assertOpen() // a getter of the value's may have closed it
      if (options === undefined && this.#sends.idle) {
        const got = this.#trySend(out)
        if (got !== NONE && got !== BUSY) return served(undefined)
      }
      return this.#keepSending(what, retain(out), options)
    } catch (error) {
      if (out) discard(this.session, out, error)
      return Promise.reject(error)
    }
  }

  async #keepSending(what: string, out: Outgoing, options?: WaitOptions): Promise<void> {
    try {
      await this.#sends.until(what, () => this.#trySend(out), options)
    } catch (error) {
      discard(this.session, out, error)
      throw error
    }
  }

  #sendSync(what: string, packed: Outgoing, options?: SyncWaitOptions): void {
    let out = packed
    try {
      this.assertOpen() // a getter of the value's may have closed it
      if (options === undefined && this.#sends.idle) {
        const got = this.#trySend(out)
        if (got !== NONE && got !== BUSY) return
      }
      out = retain(out)
      this.#sends.untilSync(what, () => this.#trySend(out), options)
    } catch (error) {
      discard(this.session, out, error)
      throw error
    }
  }

  /** @internal Sends what was packed elsewhere: at once, or gives a promise when it has to wait. The payload may be used again. */
  post(what: string, out: Outgoing): Promise<void> | undefined {
    this.assertOpen()
    try {
      if (this.#sends.idle) {
        const got = this.#trySend(out)
        if (got !== NONE && got !== BUSY) return undefined
      }
    } catch (error) {
      discard(this.session, out, error)
      throw error
    }
    return this.#keepSending(what, retain(out))
  }

  #trySend(out: Outgoing): undefined | typeof NONE | typeof BUSY {
    const outcome = put(this.#out, out)
    if (outcome === DONE) {
      lightAll(this.session.w, this.#words, this.#theirBeacons)
      return undefined
    }
    if (outcome === CLOSED) this.#throwBroken()
    return outcome === HELD_UP ? BUSY : NONE
  }

  #throwBroken(): never {
    if (this.#out.state === DROPPED) drop(this.session, this.#out) // also what was sent in the moment of the end
    throw new BrokenPipeError('Expected somebody to hold the other end of the pipe, but nobody does: nothing was sent')
  }

  // ── receiving ──

  receive<T>(what: string, look: (message: Message) => T, options?: WaitOptions): Promise<T> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#recvs.until(what, () => this.#tryReceive(look), options)
  }

  receiveSync<T>(what: string, look: (message: Message) => T, options?: SyncWaitOptions): T {
    this.assertOpen()
    if (options === undefined && this.#recvs.idle) {
      const got = this.#tryReceive(look)
      if (got !== NONE && got !== BUSY) return got
    }
    return this.#recvs.untilSync(what, () => this.#tryReceive(look), options)
  }

  /** @internal Looks at all messages that are there, at most `most`; gives how many. The end is told once there are none. */
  tryDrain(look: (message: Arrived) => void, most: number): number | typeof NONE | typeof BUSY {
    this.assertOpen()
    let n = 0
    while (n < most && (n === 0 || this.#in.size() > 0)) {
      const got = this.#tryReceive(message => look(message as Arrived))
      if (got === NONE || got === BUSY) return n > 0 ? n : got
      n++
    }
    return n
  }

  /** @internal Waits among those who receive, until an attempt of another's succeeds. */
  untilReceived<T>(what: string, attempt: Attempt<T>, options?: WaitOptions): Promise<T> {
    if (this.closed) return Promise.reject(this.closedError())
    return this.#recvs.until(what, attempt, options)
  }

  #tryReceive<T>(look: (message: Message) => T): T | typeof NONE | typeof BUSY {
    try {
      return take<T | typeof NONE | typeof BUSY>(this.session, this.#in, look, inVain)
    } finally {
      this.#showState()
    }
  }

  /** Something to receive, or the end; the descriptor that somebody watches says the same. */
  ready(): boolean {
    this.assertOpen()
    this.#showState()
    return this.#isReady()
  }

  #isReady(): boolean {
    return this.#in.size() > 0 || this.#in.state !== OPEN
  }

  readiness(): Readiness {
    this.assertOpen()
    return this.#recvs.readiness(() => this.#isReady())
  }

  readySync(timeout: number): boolean {
    this.assertOpen()
    return this.#recvs.watchSync(() => this.#isReady(), timeout) || this.ready()
  }

  // ── the descriptor ──

  fileno(): number {
    this.assertOpen()
    if (this.#beacon === undefined) {
      this.#beacon = Beacon.show(this.#words, this.#beacons, this.session.me)
      if (this.#beacon === undefined) {
        throw new InvalidStateError(
          `Expected at most ${BEACONS} processes to have asked for the descriptor of one end of a pipe: close() the Connection in one that needs it no more`,
        )
      }
      watched.add(this)
      if (this.#isReady()) this.#beacon.light()
    }
    return this.#beacon.fd
  }

  /** Dark when there is nothing; never for long when there is something. */
  #showState(): void {
    const beacon = this.#beacon
    if (beacon && !this.closed && !this.#isReady()) beacon.darken(() => this.#isReady())
  }

  // ── the end of it ──

  protected override leave(): void {
    this.#sends.fail(this.closedError())
    this.#recvs.fail(this.closedError())
    this.#beacon?.close()
    this.#beacon = undefined
    watched.delete(this)
  }

  /** @internal The user has a Connection. */
  protected override closedError(): ClosedError {
    return new ClosedError(
      'Expected an open Connection, but this process has called close() on it: keep the handle open as long as it is used',
    )
  }

  protected override summary(): Record<string, unknown> {
    return {}
  }
}

function inVain(outcome: number): typeof NONE | typeof BUSY {
  if (outcome === CLOSED) {
    throw new EOFError(
      'Expected a message, but nobody holds the other end of the pipe and all that was sent is received',
    )
  }
  return outcome === HELD_UP ? BUSY : NONE
}

/** The two ends of a new pipe; without `duplex` the first one only receives and the second one only sends. */
export function makePipe(duplex: boolean, session = currentSession()): [Connection<any, any>, Connection<any, any>] {
  const made: number[] = []
  try {
    made.push(allocateCore(session))
    for (const side of [0, 1] as const) made.push(allocateEnd(session, made[0], side, duplex))
  } catch (error) {
    for (const address of made) session.allocator.free(address)
    throw error
  }
  const [core, ...ends] = made
  publishCore(session, core)
  for (const end of ends) publishObject(session, end, [core])
  dropReference(session, core) // the ends refer to it from here on
  const [first, second] = ends.map(end => session.handle(end) as Connection<any, any>)
  return [first, second]
}

function allocateEnd(session: Session, core: number, side: Side, duplex: boolean): number {
  const address = allocateObject(session, KIND, WORDS)
  const { w, at } = bodyAt(session, address)
  poke(w, at + CORE, toRef(core))
  poke(w, at + SIDE, side)
  poke(w, at + MODE, duplex ? RECEIVES | SENDS : side === 0 ? RECEIVES : SENDS)
  return address
}

export const pipeEndKind: Kind = {
  code: KIND,
  name: 'Connection',
  open: adoption => new PipeEnd(adoption),
  recover: () => true,
  takeApart(session, address) {
    const { w, at } = bodyAt(session, address)
    const core = toAddress(peek(w, at + CORE))
    if (core !== 0) leaveSide(session, core, peek(w, at + SIDE) as Side)
    clearReference(session, w, at + CORE)
  },
  refersTo: (session, address) => referenceIn(session, address, CORE),
  check(session, address) {
    const { w, at } = bodyAt(session, address)
    const core = toAddress(peek(w, at + CORE))
    if (core === 0) return ['it refers to no pipe']
    const side = peek(w, at + SIDE) as Side
    const body = bodyAt(session, core)
    const state = (of: Side) => new Log(session, body.w, body.at + logOffset(of)).state
    if (state(side) === DROPPED || state(otherSide(side)) === DRAINING) return ['the pipe thinks that nobody holds it']
    return []
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const core = bodyAt(session, toAddress(peek(w, at + CORE)))
    const [side, mode] = [peek(w, at + SIDE) as Side, peek(w, at + MODE)]
    const [incoming, outgoing] = [core.at + logOffset(side), core.at + logOffset(otherSide(side))]
    const unread = new Log(session, core.w, incoming)
    return {
      waiters: [...markedIn(core.w, incoming + NOT_EMPTY), ...markedIn(core.w, outgoing + NOT_FULL)],
      detail: {
        pipe: `0x${toAddress(peek(w, at + CORE)).toString(16)}`,
        readable: (mode & RECEIVES) !== 0,
        writable: (mode & SENDS) !== 0,
        unread: unread.size(),
        bytes: unread.bytes(),
        ended: unread.state !== OPEN,
      },
    }
  },
}
