/** What every handle on a shared object is: where it lies, whether this process still uses it, how it travels. */
import { type InspectOptions, inspect } from 'node:util'
import type { Words } from '#words'
import { ClosedError } from '../contract/errors.ts'
import { SHAREABLE, type Shareable, type ShareRef } from '../contract/shareable.ts'
import { BODY } from './references.ts'
import type { Session } from './session.ts'

/** The right to build a handle on the object at `address`: given out by the session only. */
export class Adoption {
  readonly session: Session
  readonly address: number

  constructor(session: Session, address: number) {
    this.session = session
    this.address = address
  }
}

export abstract class SharedObject implements Shareable {
  /** @internal */ declare readonly session: Session
  /** @internal */ declare readonly address: number
  /** @internal the words that hold the object, and the index of the first of its own. */
  declare protected readonly w: Words
  /** @internal */ declare protected readonly at: number
  #closed = false

  /** @internal */
  constructor(adoption: Adoption) {
    const { session, address } = adoption
    // Not enumerable: who compares, clones or prints a handle must not walk through all the memory behind it.
    Object.defineProperties(this, {
      session: { value: session },
      address: { value: address },
      w: { value: session.segment.wordsAt(address) },
      at: { value: session.segment.indexOf(address) + BODY },
    })
    session.keep(this)
  }

  /** @internal how it travels: by the number that the receiver's session resolves. */
  [SHAREABLE](): ShareRef {
    this.assertOpen()
    return { id: this.address }
  }

  /** @internal What a message that carries it gives to its receiver: this handle, or the object that stands in front of it. */
  get face(): object {
    return this
  }

  /** True after close() in this process. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * This process is done with the object: its memory goes when every other process that has a handle is done too.
   * Idempotent. Any use of the handle afterwards throws ClosedError at once.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.leave()
    this.session.release(this.address)
  }

  /** @internal Before the reference goes: whoever waits here in this process gets ClosedError. */
  protected leave(): void {}

  /** What util.inspect() and console.log() show. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `${this.constructor.name} ${inspect(this.#closed ? { closed: true } : this.summary(), options)}`
  }

  /** @internal what is worth showing of an open object. */
  protected abstract summary(): Record<string, unknown>

  /** @internal */
  protected assertOpen(): void {
    if (this.#closed) throw this.closedError()
  }

  /** @internal */
  protected closedError(): ClosedError {
    return new ClosedError(
      `Expected an open ${this.constructor.name}, but this process has called close() on it: keep the handle open as long as it is used`,
    )
  }
}
