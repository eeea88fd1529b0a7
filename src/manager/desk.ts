/**
 * The server's side of one client: its calls come in here, and their answers go out.
 *
 *   record ──▶ Dispatcher ──at once──▶ answer in the batch ──end of the turn──▶ pipe
 *                  └─────later, in any order─────┘
 *
 * The end of the pipe is the client's end, however that came. What its calls under way were waiting for is given up, and
 * then what it held is given back (onGone). An answer that it had not been sent counts as not given: what was taken for it goes back.
 */
import { relax } from '#words'
import { Hope } from '../arena/hope.ts'
import type { Session } from '../arena/session.ts'
import { isGone } from '../arena/token.ts'
import { BUSY, NONE } from '../arena/until.ts'
import type { Arrived } from '../channel/envelope.ts'
import type { PipeEnd } from '../channel/pipe-end.ts'
import { plainFailure } from '../codec/failure.ts'
import { OutOfSharedMemoryError } from '../contract/errors.ts'
import { Arrival, Batch, CALL, DROPPED, FAILURE, NAME, NOTHING, RECALL, VALUE, WITHDRAW, WITHDRAWN } from './batch.ts'
import { type Dispatcher, Hosted } from './dispatcher.ts'
import type { Call, Caller } from './hosted/hosted-type.ts'
import { type Knock, transportOf } from './links.ts'
import type { Reception } from './reception.ts'

/** Messages taken in one go. */
const MOST = 64
/** After an answer it looks for the next call for so long: less than putting the process to sleep and waking it takes. ms */
const LOOK = 0.012
/** Others want to be served, too. ms */
const LONGEST_LOOK = 0.2
/** Between two looks at the clock. */
const LOOKS = 20
const NO_KWARGS = Object.freeze({})

/** One call from its arrival until its answer was sent. */
class CallUnderWay implements Call {
  readonly caller: Desk
  readonly id: number
  #giveUps: (() => void)[] | undefined
  isOver = false
  /** Its answer was sent; it may still be recalled. */
  isDelivered = false
  /** Where its answer lies in the batch that is to be sent. */
  answerAt = -1

  constructor(caller: Desk, id: number) {
    this.caller = caller
    this.id = id
  }

  /** Whether there is anything to give up. */
  get waits(): boolean {
    return this.#giveUps !== undefined && this.#giveUps.length > 0
  }

  onWithdrawn(giveUp: () => void): () => void {
    if (this.#giveUps === undefined) {
      this.#giveUps = []
      this.caller.waits(this)
    }
    const giveUps = this.#giveUps
    giveUps.push(giveUp)
    return () => {
      const at = giveUps.indexOf(giveUp)
      if (at >= 0) giveUps.splice(at, 1)
    }
  }

  withdraw(): void {
    this.isOver = true
    for (const giveUp of this.#giveUps?.splice(0) ?? []) giveUp()
  }
}

export class Desk implements Caller {
  readonly label: string
  readonly pid: number
  readonly #session: Session
  readonly #token: number
  readonly #dispatcher: Dispatcher
  readonly #reception: Reception
  readonly #end: PipeEnd
  readonly #batch: Batch
  readonly #arrival = new Arrival()
  readonly #methods: string[] = []
  readonly #undos = new Set<() => void>()
  /** By number: those that said how they are given up, until the number is used again. */
  readonly #waiting = new Map<number, CallUnderWay>()
  /** Of these, those whose answer is in the batch. */
  #answered: CallUnderWay[] = []
  #flushing = false
  readonly #hope = new Hope()
  readonly #looks: boolean
  /** Messages that wait for room in the pipe. */
  #sending = 0
  #isGone = false

  constructor(session: Session, dispatcher: Dispatcher, reception: Reception, { end, token, pid, label }: Knock) {
    this.#session = session
    this.#token = token
    this.#dispatcher = dispatcher
    this.#reception = reception
    this.#end = transportOf(session, end)
    this.#batch = new Batch(session)
    this.#looks = session.sleeper.spinning
    this.pid = pid
    this.label = label
  }

  onGone(undo: () => void): () => void {
    this.#undos.add(undo)
    return () => this.#undos.delete(undo)
  }

  waits(call: CallUnderWay): void {
    this.#waiting.set(call.id, call)
  }

  /** Serves the client until it is gone. */
  async serve(): Promise<void> {
    try {
      for (;;) await this.#end.untilReceived('the calls of a client', this.#attempt)
    } catch {
      this.#leave()
    }
  }

  readonly #attempt = () => {
    const got = this.#end.tryDrain(this.#arrived, MOST)
    if (got === NONE || got === BUSY) return got
    this.#flush()
    if (this.#looks) this.#look()
    return got
  }

  /** For the next call, for some microseconds after each answer, when that pays and nobody else is to be served. */
  #look(): void {
    if (!this.#reception.isAlone || !this.#hope.looks) return
    const began = performance.now()
    let since = began
    for (;;) {
      for (let i = 0; i < LOOKS; i++) {
        const got = this.#end.tryDrain(this.#arrived, MOST)
        if (got !== NONE && got !== BUSY) {
          this.#flush()
          since = performance.now()
          if (since - began > LONGEST_LOOK) break
          i = 0
        } else relax()
      }
      const now = performance.now()
      if (now - began <= LONGEST_LOOK && now - since < LOOK) continue
      if (since > began) this.#hope.paid()
      else this.#hope.inVain(now - began)
      return
    }
  }

  readonly #arrived = (message: Arrived) => {
    const opened = message.open()
    try {
      for (const handle of opened.handles) this.#reception.cameIn(handle)
      this.#arrival.each(opened, this.#take)
    } finally {
      opened.free()
    }
  }

  readonly #take = (arrival: Arrival) => {
    const { kind, a } = arrival
    if (kind === CALL) this.#call(arrival, a, arrival.b, this.#methods[arrival.c])
    else if (kind === NAME) this.#methods[a] = arrival.value() as string
    else if (kind === WITHDRAW) this.#withdraw(a)
    else if (kind === RECALL) this.#recall(a)
    else if (kind === DROPPED) this.#reception.look(a)
  }

  #call(arrival: Arrival, id: number, ident: number, method: string): void {
    if (this.#waiting.size > 0) this.#waiting.delete(id) // the one before it was answered, and is not recalled any more
    const call = new CallUnderWay(this, id)
    let result: unknown
    try {
      let args = arrival.value() as readonly unknown[]
      const carries = arrival.handles.length > 0
      if (ident === 0) result = this.#reception.call(this, method, args, carries)
      else {
        const hosted = this.#reception.find(ident)
        if (carries) args = this.#reception.operands(hosted, method, args)
        result = this.#dispatcher.dispatch(hosted, method, args, NO_KWARGS, call)
      }
    } catch (error) {
      this.#answer(call, FAILURE, error)
      return
    }
    if (result instanceof Promise) this.#answerLater(call, result)
    else this.#answer(call, VALUE, result)
  }

  #answerLater(call: CallUnderWay, result: Promise<unknown>): void {
    result.then(
      value => {
        this.#answer(call, VALUE, value)
        this.#flushSoon()
      },
      error => {
        this.#answer(call, FAILURE, error)
        this.#flushSoon()
      },
    )
  }

  #answer(call: CallUnderWay, kind: number, result: unknown): void {
    if (call.isOver || this.#isGone) return
    call.answerAt = this.#batch.length
    if (call.waits) this.#answered.push(call)
    else if (this.#waiting.size > 0) this.#waiting.delete(call.id)
    if (result === undefined && kind === VALUE) {
      this.#batch.add(NOTHING, call.id)
      return
    }
    let given: readonly unknown[]
    try {
      const value = result instanceof Hosted ? this.#reception.referentOf(result) : result
      given = this.#batch.addValue(kind, call.id, 0, 0, value)
    } catch (error) {
      this.#answerFailure(call, kind === FAILURE ? plainFailure(result) : error)
      return
    }
    if (given.length > 0) this.#reception.goesOut(given)
    if (this.#batch.full) this.#flush()
  }

  /** The answer itself cannot travel. */
  #answerFailure(call: CallUnderWay, error: unknown): void {
    try {
      this.#batch.addValue(FAILURE, call.id, 0, 0, error)
    } catch {
      this.#batch.addValue(FAILURE, call.id, 0, 0, plainFailure(error))
    }
  }

  /** The client takes a call back. Too late when its answer was sent: that is on its way, and stands. */
  #withdraw(id: number): void {
    const call = this.#waiting.get(id)
    if (call === undefined || call.isOver || call.isDelivered) return
    this.#waiting.delete(id)
    call.withdraw()
    if (call.answerAt < 0) this.#batch.add(WITHDRAWN, id)
    else this.#batch.change(call.answerAt, WITHDRAWN)
  }

  /** Nobody waits for the call any more: what was taken for it goes back, also when it was answered. */
  #recall(id: number): void {
    const call = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (call !== undefined && !call.isOver) {
      call.withdraw()
      if (!call.isDelivered && call.answerAt >= 0) {
        this.#batch.change(call.answerAt, WITHDRAWN)
        return
      }
    }
    this.#batch.add(WITHDRAWN, id)
  }

  // ── sending ──

  #flushSoon(): void {
    if (this.#flushing || this.#isGone) return
    this.#flushing = true
    process.nextTick(this.#flushNow)
  }

  readonly #flushNow = () => {
    this.#flushing = false
    this.#flush()
  }

  #flush(): void {
    if (this.#isGone || this.#batch.length === 0 || (this.#sending > 0 && !this.#batch.full)) return
    if (this.#answered.length > 0 && isGone(this.#session.w, this.#token)) {
      this.#leave() // what was taken for it goes back
      return
    }
    try {
      const out = this.#batch.pack()
      const waits = this.#end.post('an answer', out)
      this.#batch.clear()
      if (waits !== undefined) this.#sendLater(waits)
    } catch (error) {
      this.#couldNotSend(error)
      return
    }
    for (const call of this.#answered) call.isDelivered = true
    if (this.#answered.length > 0) this.#answered = []
  }

  async #sendLater(waits: Promise<void>): Promise<void> {
    this.#sending++
    try {
      await waits
    } catch {
      return // the loop that receives is told the same
    }
    this.#sending--
    this.#flush()
  }

  /** It is gone, or the memory is full: then it is told so, call by call, and what was taken for them goes back. */
  #couldNotSend(error: unknown): void {
    if (!(error instanceof OutOfSharedMemoryError)) {
      this.#leave()
      return
    }
    const numbers = this.#batch.numbersOf([VALUE, NOTHING, FAILURE])
    this.#batch.clear()
    const answered = this.#answered.splice(0)
    for (const call of answered) {
      this.#waiting.delete(call.id)
      call.withdraw()
    }
    try {
      for (const number of numbers) {
        this.#batch.addValue(FAILURE, number, 0, 0, error)
        this.#end.post('an answer', this.#batch.pack())
        this.#batch.clear()
      }
    } catch {
      this.#leave()
    }
  }

  #leave(): void {
    if (this.#isGone) return
    this.#isGone = true
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#end.close()
    for (const call of waiting) if (!call.isDelivered) call.withdraw()
    for (const undo of [...this.#undos]) undo()
    this.#undos.clear()
    this.#reception.left(this)
  }
}
