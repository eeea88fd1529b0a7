/** Sends a value through the codec as a channel would: bytes to another place, which is overwritten once they were read. */
import { decode, encode } from '#src/codec/codec.js'

export function bytesOf(value: unknown): { bytes: Uint8Array; headLength: number } {
  const message = encode(value)
  const bytes = new Uint8Array(message.byteLength)
  message.writeTo(bytes)
  return { bytes, headLength: message.headLength }
}

export function copy<T>(value: T): T {
  const message = encode(value)
  // somewhere in the middle, as in shared memory, with other bytes around
  const place = new Uint8Array(message.byteLength + 24).fill(0xee)
  const target = place.subarray(16, 16 + message.byteLength)
  message.writeTo(target)
  const copied = decode(target, message.headLength, message.handles)
  place.fill(0xdd)
  return copied as T
}
