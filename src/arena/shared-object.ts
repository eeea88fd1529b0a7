/** What every handle on a shared object is: where it lies, whether this process still uses it, how it travels. */
import { type InspectOptions, inspect } from 'node:util'
import type { Words } from '#words'
import { ClosedError, NotSerializableError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { SHAREABLE, type Shareable, type ShareRef } from '../contract/shareable.ts'
import { BODY } from './references.ts'
import type { Session } from './session.ts'

/** The right to build a handle on the object at `address`: given out by the session only. */
export class Adoption {
  /** Only the real one will do: every handle has a session and an address, too. */
  declare private readonly nominal: true
  readonly session: Session
  readonly address: number

  constructor(session: Session, address: number) {
    this.session = session
    this.address = address
  }
}

/** What is tied to a handle. */
export interface Tied {
  untie(): void
}

export abstract class SharedObject implements Shareable {
  /** @internal */ declare readonly session: Session
  /** @internal */ declare readonly address: number
  /** @internal the words that hold the object, and the index of the first of its own. */
  declare protected readonly w: Words
  /** @internal */ declare protected readonly at: number
  #closed = false
  /** What is kept as long as this handle is used. */
  #tied: Set<Tied> | undefined

  /** @internal */
  constructor(adoption: Adoption, isYoung = false) {
    const { session, address } = adoption
    // Not enumerable: who compares, clones or prints a handle must not walk through all the memory behind it.
    Object.defineProperties(this, {
      session: { value: session },
      address: { value: address },
      w: { value: session.segment.wordsAt(address) },
      at: { value: session.segment.indexOf(address) + BODY },
    })
    session.keep(this, isYoung)
  }

  /** @internal how it travels: by the number that the receiver resolves, in the same session. */
  [SHAREABLE](): ShareRef {
    this.assertOpen()
    return { id: this.address, home: this.session }
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
    for (const tied of this.#tied ?? []) tied.untie()
    this.#tied = undefined
  }

  /** @internal `tied` is not collected before this handle, and is told when it is closed. False: it was tied already. */
  tie(tied: Tied): boolean {
    this.#tied ??= new Set()
    if (this.#tied.has(tied)) return false
    this.#tied.add(tied)
    return true
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

/**
 * The address by which `session` knows what the handle stands for. Each session has a memory of its own: in another the same
 * address is something else. `path` names the handle in what it was found in.
 *
 * @throws {NotSerializableError} when the object lies in another session than this one
 */
export function idIn(session: Session, handle: Shareable, path: () => string): number {
  const { id, home } = handle[SHAREABLE](path)
  if (home === session) return id
  const where = path()
  throw new NotSerializableError(
    `Expected \`${where}\` to come from the same memory as the object it is to go into, got ${describe(handle)} from another: ` +
      "a program's own objects and those of share() do not mix; make it in the function given to share(), or call share() " +
      'with its name where it is needed',
    { path: where },
  )
}
