/** The buffers of those who send and receive mere bytes: which bytes are meant, and messages as bytes of the receiver's own. */
import { copyOf as copyOfBytes } from '../codec/binary.ts'
import { ArgumentTypeError, BufferTooShortError } from '../contract/errors.ts'
import { checkCount, describe } from '../contract/options.ts'
import type { Look, Message, Refuse } from './transport.ts'

/** The bytes that sendBytes() is to send. */
export function part(buf: unknown, offset: unknown = 0, size?: unknown): Uint8Array {
  const whole = bytesOf(buf)
  const length = whole.byteLength
  const from = checkCount('offset', offset, 0, length)
  const count = size === undefined ? length - from : checkCount('size', size, 0, length - from)
  return whole.subarray(from, from + count)
}

function bytesOf(buf: unknown): Uint8Array {
  try {
    if (buf instanceof ArrayBuffer) return new Uint8Array(buf)
    if (ArrayBuffer.isView(buf)) return new Uint8Array(buf.buffer, buf.byteOffset, buf.byteLength)
  } catch {
    throw new ArgumentTypeError(
      `Expected \`buf\` to have its memory, got ${describe(buf)} whose memory was transferred to somebody else; use it before`,
    )
  }
  throw new ArgumentTypeError(
    `Expected \`buf\` to be a typed array, a DataView or an ArrayBuffer, got ${describe(buf)}; send() takes any value`,
  )
}

/** Puts a message into `buf`, and gives the number of its bytes. Throws at once for what is no buffer. */
export function into(buf: ArrayBufferView, offset: unknown = 0): Look<number> {
  if (!ArrayBuffer.isView(buf)) {
    throw new ArgumentTypeError(`Expected \`buf\` to be a typed array or a DataView, got ${describe(buf)}`)
  }
  bytesOf(buf) // throws when it has no memory: before a message is taken
  const from = checkCount('offset', offset, 0, buf.byteLength)
  return message => {
    const bytes = message.raw()
    const room = buf.byteLength - from
    if (bytes.length > room) {
      throw new BufferTooShortError(
        `Expected room for the message of ${bytes.length} bytes, got ${Math.max(0, room)}; the message is in \`data\``,
        { data: copyOf(message) },
      )
    }
    bytesOf(buf).set(bytes, from)
    return bytes.length
  }
}

/** A message as bytes of the receiver's own, unless it is refused. */
export function bytesUnless(refuse: Refuse | undefined): Look<Uint8Array> {
  if (refuse === undefined) return copyOf
  return message => {
    refuse(message.raw().length)
    return copyOf(message)
  }
}

/** A copy of the receiver's own. */
function copyOf(message: Message): Uint8Array {
  const own = message.own?.()
  if (own) return own
  const bytes = message.raw()
  return new Uint8Array(copyOfBytes(bytes, 0, bytes.length))
}
