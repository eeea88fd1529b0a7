/**
 * A record of a log (log.ts): a header of one word, and what follows it.
 *
 *   INLINE: length in bytes · how many of them are the head        the payload follows
 *   BLOCK: weight                                                  the address of a block follows
 *   END                                                            the log goes on in the next segment
 */
import { peek, peekAll, type Words } from '#words'
import { toAddress } from '../arena/layout.ts'

const INLINE = 1
const BLOCK = 2
export const END = 3
const KIND_BITS = 4
const LENGTH_BITS = 14

/** Weights are in words of 4 bytes; no item counts as more than this, 1 GiB, so that differences fit a word. */
export const HEAVIEST = (1 << 28) - 1

export const inlineHeader = (bytes: number, head: number): number =>
  INLINE | (bytes << KIND_BITS) | (head << (KIND_BITS + LENGTH_BITS))
export const blockHeader = (bytes: number): number => BLOCK | (Math.min(HEAVIEST, Math.ceil(bytes / 4)) << KIND_BITS)

/** What a get took: in `payload` (`bytes` of it, the first `head` of them the head), or in `block`. */
export interface Taken {
  readonly payload: Int32Array
  bytes: number
  head: number
  block: number
}

/** Of a record, in words. */
export function weightOf(header: number): number {
  if ((header & ((1 << KIND_BITS) - 1)) === BLOCK) return header >>> KIND_BITS
  return 1 + ((((header >>> KIND_BITS) & ((1 << LENGTH_BITS) - 1)) + 3) >>> 2)
}

/** Reads the record into `taken`, the payload as far as there is room for it; gives the words after its header. */
export function readRecord(s: Words, record: number, taken: Taken): number {
  const header = peek(s, record)
  if ((header & ((1 << KIND_BITS) - 1)) === BLOCK) {
    taken.block = toAddress(peek(s, record + 1))
    return 1
  }
  taken.block = 0
  taken.bytes = (header >>> KIND_BITS) & ((1 << LENGTH_BITS) - 1)
  taken.head = header >>> (KIND_BITS + LENGTH_BITS)
  const words = (taken.bytes + 3) >>> 2
  peekAll(s, record + 1, taken.payload, Math.min(words, taken.payload.length))
  return words
}
