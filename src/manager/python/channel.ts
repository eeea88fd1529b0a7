/**
 * The server's side of one connection for calls: one call after the other, each answered before the next one, as in Python.
 *
 *   request ──▶ under way ──▶ answered ──next request: it was read──▶ over
 *                   │             └──the connection ended, and the answer was not read──┐
 *                   └──the connection ended, or the call was taken back─────────────────┴─▶ withdrawn
 *
 * It receives also while a call is under way, so it learns at once that the other side is gone. Who dies without having read
 * an answer leaves it in the kernel, which says so: then what was taken for it goes back, as for a call that was not answered.
 */
import type { Connection } from '../../channel/connection.ts'
import { MultiprocError, UnpicklingError } from '../../contract/errors.ts'
import { tuple } from '../../pickle/tuple.ts'
import { leftUnread } from '../../wire/socket-end.ts'
import { Hosted } from '../dispatcher.ts'
import type { Call } from '../hosted/hosted-type.ts'
import {
  failure,
  NOTHING,
  PROXY,
  RETURN,
  type Reply,
  textOf,
  traceback,
  UNSERIALIZABLE,
  WITHDRAW,
  WITHDRAWN,
} from './failures.ts'
import type { Office } from './office.ts'
import type { Visitor } from './visitor.ts'

class SocketCall implements Call {
  readonly caller: Visitor
  readonly #giveUps = new Set<() => void>()
  isOver = false

  constructor(caller: Visitor) {
    this.caller = caller
  }

  onWithdrawn(giveUp: () => void): () => void {
    this.#giveUps.add(giveUp)
    return () => this.#giveUps.delete(giveUp)
  }

  withdraw(): void {
    this.isOver = true
    for (const giveUp of [...this.#giveUps]) giveUp()
    this.#giveUps.clear()
  }
}

export class Channel {
  readonly #office: Office
  readonly #connection: Connection<any, any>
  readonly #visitor: Visitor
  readonly #requests: unknown[] = []
  #underWay: SocketCall | undefined
  #answered: SocketCall | undefined
  #isSent = true
  /** Kept while the other side reads an answer that tells of them. */
  pins: readonly object[] = []

  constructor(office: Office, connection: Connection<any, any>, visitor: Visitor) {
    this.#office = office
    this.#connection = connection
    this.#visitor = visitor
  }

  /** Serves until the connection ends. */
  async serve(): Promise<void> {
    for (;;) {
      try {
        this.#take(await this.#connection.recv())
      } catch (error) {
        if (!(error instanceof UnpicklingError)) break
        this.#send(traceback(textOf(error)))
      }
    }
    this.#ended()
  }

  #take(request: unknown): void {
    if (Array.isArray(request) && request[0] === null && request[1] === WITHDRAW) {
      this.#withdraw()
      return
    }
    this.#requests.push(request)
    if (this.#underWay === undefined) this.#next()
  }

  #next(): void {
    const request = this.#requests.shift()
    if (request === undefined) return
    this.#answered = undefined
    this.pins = []
    const call = new SocketCall(this.#visitor)
    this.#underWay = call
    let result: unknown
    try {
      result = this.#call(request, call)
    } catch (error) {
      this.#answer(call, failure(error))
      return
    }
    if (result instanceof Promise) this.#answerLater(call, result)
    else this.#answer(call, this.#reply(result))
  }

  #call(request: unknown, call: Call): unknown {
    if (
      !Array.isArray(request) ||
      request.length !== 4 ||
      typeof request[1] !== 'string' ||
      !Array.isArray(request[2])
    ) {
      throw new MultiprocError('Expected a call: (ident, method, args, kwds)')
    }
    const [ident, method, args, kwds] = request
    const hosted = this.#office.find(ident)
    if (!hosted.exposed.has(method)) return this.#fallback(hosted, method)
    return this.#office.dispatch(hosted, method, args, kwds, call)
  }

  /** What every object can do. */
  #fallback({ type, object, exposed }: Hosted, method: string): unknown {
    if (method === '__str__' || method === '__repr__') return type.repr(object)
    if (method === '#GETVALUE') return type.copy(object)
    throw new MultiprocError(
      `Expected a method that ${type.typeid} exposes, got ${JSON.stringify(method)}; it exposes ${[...exposed].join(', ')}`,
    )
  }

  async #answerLater(call: SocketCall, result: Promise<unknown>): Promise<void> {
    let reply: Reply
    try {
      const value = await result
      if (call.isOver) return
      reply = this.#reply(value)
    } catch (error) {
      reply = failure(error)
    }
    this.#answer(call, reply)
  }

  #reply(result: unknown): Reply {
    if (result === undefined && typeof this.#visitor.owner === 'string') return tuple(NOTHING, null)
    if (!(result instanceof Hosted)) return tuple(RETURN, result)
    return tuple(PROXY, this.#office.handOver(this.#visitor.owner, result))
  }

  #answer(call: SocketCall, reply: Reply): void {
    if (call.isOver) return
    this.#underWay = undefined
    this.#answered = call
    this.#send(reply)
    this.#next()
  }

  /** The client takes its call back. Too late when that was answered: the answer is on its way, and stands. */
  #withdraw(): void {
    const call = this.#underWay
    if (call === undefined) return
    this.#underWay = undefined
    call.withdraw()
    this.#send(tuple(WITHDRAWN, null))
    this.#next()
  }

  #send(reply: Reply): void {
    let bytes: Uint8Array
    try {
      const { encoded, pins } = this.#office.encode(reply)
      bytes = encoded
      this.pins = pins
    } catch (error) {
      bytes = this.#office.encode(tuple(UNSERIALIZABLE, textOf(error))).encoded
    }
    this.#isSent = false
    this.#connection.sendBytes(bytes).then(
      () => {
        this.#isSent = true
      },
      () => {}, // the loop that receives is told, too
    )
  }

  #ended(): void {
    const undelivered = !this.#isSent || leftUnread(this.#connection)
    this.#connection.close()
    this.pins = []
    this.#underWay?.withdraw()
    if (undelivered) this.#answered?.withdraw()
    this.#underWay = this.#answered = undefined
    this.#office.left(this.#visitor)
  }
}
