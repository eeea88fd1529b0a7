/** A value that was turned into bytes and waits to be written somewhere. */
import type { Shareable } from './shareable.ts'

export interface Message {
  /** Bytes of the part that describes the value; the reader needs this number to find its way. */
  readonly headLength: number
  /** Bytes of the whole message: how much `writeTo` writes. */
  readonly byteLength: number
  /** The objects that travel by reference, each once; the reader is given them again in this order. */
  readonly handles: readonly Shareable[]
  /** Where in the value the handle of that number was met first, as in `items[3].lock`. */
  pathOf(handle: number): string
  /** Copies the message to the start of `target`. */
  writeTo(target: Uint8Array): void
  /** The same, quicker for a small message. What lies behind its end in the last word is anything. */
  writeWordsTo(target: Int32Array): void
}
