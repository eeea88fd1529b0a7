// A client as the hosted objects see it, played by hand: it calls, is answered, takes calls back, and goes.
import assert from 'node:assert/strict'
import type { Call, Caller, HostedType } from '#src/manager/hosted/hosted-type.js'
import { hostedTypes } from '#src/manager/hosted/hosted-types.js'

/** A hosted object and its type. */
export interface Hosted {
  readonly type: HostedType
  readonly object: object
}

export type Kwargs = Record<string, unknown>

export function typeNamed(typeid: string): HostedType {
  const type = hostedTypes.get(typeid)
  assert.ok(type, `there is a type ${typeid}`)
  return type
}

export function host(typeid: string, args: unknown[] = [], kwargs: Kwargs = {}): Hosted {
  const type = typeNamed(typeid)
  return { type, object: type.create(args, kwargs) }
}

/** One call: `outcome` says what came of it so far. */
export class Asked implements Call {
  readonly caller: Client
  readonly #giveUps = new Set<() => void>()
  outcome: { value: unknown } | { error: unknown } | 'waiting' | 'withdrawn' = 'waiting'
  /** Settles with the answer; never, when the call is withdrawn. */
  readonly answer: Promise<unknown>

  constructor(
    caller: Client,
    { type, object }: Hosted,
    method: string,
    args: unknown[],
    kwargs: Kwargs,
    deliver: boolean,
  ) {
    this.caller = caller
    caller.underWay.add(this)
    const settle = (outcome: { value: unknown } | { error: unknown }) => {
      if (this.outcome === 'withdrawn') return
      this.outcome = outcome
      if (deliver) this.deliver()
    }
    let result: unknown
    try {
      result = type.call(object, method, args, kwargs, this)
      if (!(result instanceof Promise)) settle({ value: result })
    } catch (error) {
      settle({ error })
      result = Promise.reject(error)
    }
    this.answer = Promise.resolve(result)
    this.answer.then(
      value => settle({ value }),
      error => settle({ error }),
    )
  }

  onWithdrawn(giveUp: () => void): () => void {
    this.#giveUps.add(giveUp)
    return () => this.#giveUps.delete(giveUp)
  }

  /** The client has the answer: the call can be withdrawn no more. */
  deliver(): void {
    this.#giveUps.clear()
    this.caller.underWay.delete(this)
  }

  /** The client takes it back, or is gone. */
  withdraw(): void {
    if (!this.caller.underWay.delete(this)) return
    this.outcome = 'withdrawn'
    for (const giveUp of [...this.#giveUps]) giveUp()
    this.#giveUps.clear()
  }

  get isWaiting(): boolean {
    return this.outcome === 'waiting'
  }
}

export class Client implements Caller {
  readonly label: string
  readonly pid: number
  readonly underWay = new Set<Asked>()
  readonly #undos = new Set<() => void>()

  constructor(label: string, pid = 1) {
    this.label = label
    this.pid = pid
  }

  onGone(undo: () => void): () => void {
    this.#undos.add(undo)
    return () => this.#undos.delete(undo)
  }

  /** Who still asks to be told of its end. */
  get undos(): number {
    return this.#undos.size
  }

  /** Calls a method, and is given the answer as soon as there is one. */
  ask(hosted: Hosted, method: string, args: unknown[] = [], kwargs: Kwargs = {}): Asked {
    return new Asked(this, hosted, method, args, kwargs, true)
  }

  /** Calls a method whose answer stays on its way. */
  askSlowly(hosted: Hosted, method: string, args: unknown[] = [], kwargs: Kwargs = {}): Asked {
    return new Asked(this, hosted, method, args, kwargs, false)
  }

  /** Calls a method that answers at once. */
  do(hosted: Hosted, method: string, ...args: unknown[]): unknown {
    const { outcome } = this.ask(hosted, method, args)
    assert.ok(typeof outcome === 'object', `${method}() does not wait`)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  /** Its process ends, or its connection does. */
  die(): void {
    for (const call of [...this.underWay]) call.withdraw()
    for (const undo of [...this.#undos]) undo()
    this.#undos.clear()
  }
}

/** Lets everything happen that needs no more than the promises that are settled. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await undefined
}

/** What came of each: its value, its error's name, 'waiting', 'withdrawn'. */
export async function outcomes(...calls: Asked[]): Promise<unknown[]> {
  await settled()
  return calls.map(({ outcome }) => {
    if (typeof outcome === 'string') return outcome
    return 'error' in outcome ? nameOf(outcome.error) : outcome.value
  })
}

export function nameOf(error: unknown): string {
  return (error as { pythonName?: string }).pythonName ?? (error as Error).name
}

/** For assert.throws: an exception of Python's, and its text. */
export function raises(name: string, argument?: unknown): (error: unknown) => boolean {
  return error => {
    assert.equal(nameOf(error), name)
    if (argument !== undefined) assert.deepEqual((error as { args: unknown[] }).args[0], argument)
    return true
  }
}
