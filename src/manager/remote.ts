/** What a proxy stands in front of: one object in a server, however that is reached. */
import type { Shareable } from '../contract/shareable.ts'
import type { PythonCall } from '../pickle/python-object.ts'

/** What stands behind a proxy. */
export const REMOTE: unique symbol = Symbol('multiproc.remote')

/** How long a call may wait. */
export interface Limits {
  readonly signal: AbortSignal | undefined
  /** ms; Infinity: for ever. The server is told, too: this is for one that does not answer. */
  readonly timeout: number
}

export interface Remote extends Shareable {
  readonly typeid: string
  /** Of the object, unique in its server; for show. */
  readonly ident: number | string
  /** The names of its methods, for types that are not of the package. */
  readonly exposed: readonly string[] | undefined
  readonly closed: boolean
  /**
   * Calls a method of the object, by Python's names and units. What is called in one turn of the event loop travels together, and
   * is done in that order. Rejects with what the method threw, and at once when the server has ended.
   */
  call(method: string, args: readonly unknown[]): Promise<unknown>
  /** As call(), for a method that may wait: aborted, it is taken back, and rejects with the signal's reason. */
  wait(method: string, args: readonly unknown[], limits: Limits): Promise<unknown>
  close(): void
  /** How it stands in a pickle; missing: it has no address that others know. */
  reduce?(): PythonCall
}

/** How a process reaches a server. */
export interface Link {
  call(ident: number, method: string, args: readonly unknown[]): Promise<unknown>
  wait(ident: number, method: string, args: readonly unknown[], limits: Limits): Promise<unknown>
  /** This process has no proxy of that object any more. */
  dropped(ident: number): void
}
