/** How values stand in the messages of a socket. */
import { decode, encode } from '../codec/codec.ts'
import { ArgumentTypeError, MultiprocError, NotSerializableError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { dumps, loads } from '../pickle/pickle.ts'

/** A value to the bytes of a message, and back. What it throws is thrown by send() and recv(). */
export interface WireCodec {
  /** The bytes are nobody else's. */
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** 'pickle': as Python's Connection. 'msgpack': what a Queue carries, but handles; quicker, between two programs with this package. */
export type CodecName = 'pickle' | 'msgpack'

/** What the description of a value takes, in front of the message: a big-endian number. */
const HEAD_LENGTH = 4

const msgpack: WireCodec = {
  encode(value) {
    const message = encode(value)
    if (message.handles.length > 0) {
      const path = message.pathOf(0)
      throw new NotSerializableError(
        `Expected a value that can leave this machine's shared memory, got a handle at ${path}: it means nothing at the other end of a socket. Send it through a Queue or a Pipe, or use a Manager`,
        { path },
      )
    }
    const bytes = Buffer.allocUnsafeSlow(HEAD_LENGTH + message.byteLength)
    bytes.writeUInt32BE(message.headLength)
    message.writeTo(bytes.subarray(HEAD_LENGTH))
    return bytes
  },
  decode(bytes) {
    if (bytes.length < HEAD_LENGTH) {
      throw new MultiprocError(
        `Expected a message that send() made with the codec 'msgpack', got ${bytes.length} bytes; receive what sendBytes() sent with recvBytes(), and give both sides the same codec`,
      )
    }
    const headLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    return decode(bytes.subarray(HEAD_LENGTH), headLength, [])
  },
}

const pickle: WireCodec = {
  encode: value => dumps(value),
  decode: bytes => loads(bytes),
}

const codecs: Record<CodecName, WireCodec> = { pickle, msgpack }

/** `codec`: a name, or one of one's own. */
export function checkCodec(codec: unknown = 'pickle'): WireCodec {
  if (typeof codec === 'string' && Object.hasOwn(codecs, codec)) return codecs[codec as CodecName]
  if (typeof (codec as Partial<WireCodec> | null)?.encode === 'function') return codec as WireCodec
  throw new ArgumentTypeError(`Expected \`codec\` to be 'pickle' or 'msgpack', got ${describe(codec)}`)
}
