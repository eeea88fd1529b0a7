/** What carries the messages of a Connection: shared memory (pipe-end.ts), or a socket (src/wire). */
import type { Shareable } from '../contract/shareable.ts'
import type { Readiness } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'

/** A message that was received: looked at once, in the moment it comes. */
export interface Message {
  /** As a value; mere bytes are a Uint8Array of the receiver's own. */
  value(): unknown
  /** As it travelled: the bytes of sendBytes(), or those that stand for a value. Only good in this moment. */
  raw(): Uint8Array
  /** As raw(), but the receiver's own; missing where the bytes lie in memory that is used again. */
  own?(): Uint8Array
}

/** Looks at a message as it is taken. */
export type Look<T> = (message: Message) => T
/** Throws when a message of that length is not to be received. */
export type Refuse = (length: number) => void

/** What carries the messages of a Connection. `what` names the operation in errors. Closed: ClosedError. */
export interface Transport extends Shareable {
  readonly closed: boolean
  readonly readable: boolean
  readonly writable: boolean
  send(what: string, value: unknown, options?: WaitOptions): Promise<void>
  sendSync(what: string, value: unknown, options?: SyncWaitOptions): void
  sendBytes(what: string, bytes: Uint8Array, options?: WaitOptions): Promise<void>
  sendBytesSync(what: string, bytes: Uint8Array, options?: SyncWaitOptions): void
  /**
   * Gives what `look` makes of the next message; what it throws is thrown, and the message is gone. Where messages come in
   * piecemeal `refuse` is asked before one is read: what it throws is thrown, and nothing can be received any more.
   */
  receive<T>(what: string, look: Look<T>, options?: WaitOptions, refuse?: Refuse): Promise<T>
  receiveSync<T>(what: string, look: Look<T>, options?: SyncWaitOptions, refuse?: Refuse): T
  /** There is a message, or the end. */
  ready(): boolean
  readySync(timeout: number): boolean
  readiness(): Readiness
  fileno(): number
  close(): void
}
