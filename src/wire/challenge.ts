/**
 * CPython's proof that both sides know the same key, without saying it: an HMAC of what the other one made up.
 *
 *   Listener                                       Client
 *   #CHALLENGE#{sha256}<40 random bytes>    ──▶
 *                                           ◀──    {sha256}<HMAC of {sha256} and the bytes>
 *   #WELCOME# or #FAILURE#                  ──▶
 *                       and once more, the other way round
 *
 * Up to Python 3.11 a challenge is 20 bytes without a prefix, and an answer the bare 16 bytes of an HMAC-MD5. They answer the
 * newer challenge in that way, too; so the newer one is always given, and answers follow the challenge that came.
 *
 * What this does not do: the traffic afterwards is neither encrypted nor signed, and whoever listens can pass a
 * challenge on to somebody else who knows the key. That is what Unix sockets, loopback and TLS are for.
 */
import { ArgumentRangeError, ArgumentTypeError, AuthenticationError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { nodeCrypto } from '../os/crypto.ts'

/** What a handshake runs over. */
export interface Bytes {
  sendBytes(bytes: Uint8Array): Promise<void>
  recvBytes(maxLength?: number): Promise<Uint8Array>
}

const CHALLENGE = Buffer.from('#CHALLENGE#')
const WELCOME = Buffer.from('#WELCOME#')
const FAILURE = Buffer.from('#FAILURE#')
/** No message of a handshake is longer. */
const LONGEST = 256
const RANDOM_BYTES = 40
/** Of a challenge without a prefix, and of its answer. */
const LEGACY_CHALLENGE = 20
const LEGACY_ANSWER = 16

/** Python's names of digests, and Node's. */
const digests = new Map([
  ['md5', 'md5'],
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha3_256', 'sha3-256'],
  ['sha3_384', 'sha3-384'],
])
const longestName = Math.max(...[...digests.keys()].map(name => name.length))

/** A key of one's own; a string stands for its UTF-8. Undefined when there is none. */
export function checkKey(authkey: unknown): Uint8Array | undefined {
  if (authkey === undefined || authkey === null) return undefined
  if (typeof authkey !== 'string' && !(authkey instanceof Uint8Array)) {
    throw new ArgumentTypeError(`Expected \`authkey\` to be a Uint8Array or a string, got ${describe(authkey)}`)
  }
  const key = typeof authkey === 'string' ? Buffer.from(authkey) : Uint8Array.prototype.slice.call(authkey)
  if (key.length > 0) return key
  throw new ArgumentRangeError(
    'Expected `authkey` to have at least one byte, got none: an empty key proves nothing; leave it out for no handshake at all',
  )
}

/** What the listening side does. */
export async function authenticateAsListener(peer: Bytes, key: Uint8Array, requireModern = false): Promise<void> {
  await deliverChallenge(peer, key, requireModern)
  await answerChallenge(peer, key, requireModern)
}

/** What the connecting side does. */
export async function authenticateAsClient(peer: Bytes, key: Uint8Array, requireModern = false): Promise<void> {
  await answerChallenge(peer, key, requireModern)
  await deliverChallenge(peer, key, requireModern)
}

/** Has the other side prove that it knows the key. Throws AuthenticationError. */
export async function deliverChallenge(peer: Bytes, key: Uint8Array, requireModern = false): Promise<void> {
  const message = Buffer.concat([Buffer.from('{sha256}'), nodeCrypto().randomBytes(RANDOM_BYTES)])
  await peer.sendBytes(Buffer.concat([CHALLENGE, message]))
  const answer = await peer.recvBytes(LONGEST)
  try {
    verifyAnswer(key, message, answer, requireModern)
  } catch (error) {
    await peer.sendBytes(FAILURE).catch(() => {}) // it may have left already: that does not make its answer right
    throw error
  }
  await peer.sendBytes(WELCOME)
}

/** Proves to the other side that this one knows the key. Throws AuthenticationError. */
export async function answerChallenge(peer: Bytes, key: Uint8Array, requireModern = false): Promise<void> {
  const challenge = await peer.recvBytes(LONGEST)
  if (!startsWith(challenge, CHALLENGE)) {
    throw new AuthenticationError(
      'Expected the other side to ask for the authkey, but it sent something else: give both sides an authkey, or neither',
    )
  }
  const answer = answerTo(key, challenge.subarray(CHALLENGE.length), requireModern)
  await peer.sendBytes(answer)
  const verdict = await peer.recvBytes(LONGEST)
  if (Buffer.compare(verdict, WELCOME) !== 0) {
    throw new AuthenticationError('Expected the other side to have the same authkey, but it does not accept this one')
  }
}

/** What proves the key to whoever gave this challenge. */
export function answerTo(key: Uint8Array, message: Uint8Array, requireModern = false): Uint8Array {
  if (message.length < LEGACY_CHALLENGE) {
    throw new AuthenticationError(
      `Expected a challenge of at least ${LEGACY_CHALLENGE} bytes, got ${message.length}: too few to be safe`,
    )
  }
  const { digest } = parse(message, requireModern)
  const mac = hmac(digest ?? 'md5', key, message)
  return digest === undefined ? mac : Buffer.concat([Buffer.from(`{${digest}}`), mac])
}

/** Throws AuthenticationError unless the answer to this challenge proves the key. */
export function verifyAnswer(key: Uint8Array, message: Uint8Array, answer: Uint8Array, requireModern = false): void {
  const { digest, payload } = parse(answer, requireModern)
  const expected = hmac(digest ?? 'md5', key, message)
  if (expected.length !== payload.length || !nodeCrypto().timingSafeEqual(expected, payload)) {
    throw new AuthenticationError('Expected the other side to have the same authkey, but it has another one')
  }
}

/** Which digest is meant, and what stands behind its name; no digest: the older form. */
function parse(message: Uint8Array, requireModern: boolean): { digest: string | undefined; payload: Uint8Array } {
  if (message.length === LEGACY_CHALLENGE || message.length === LEGACY_ANSWER) {
    if (requireModern) throw tooOld()
    return { digest: undefined, payload: message }
  }
  const start = Buffer.from(message.subarray(0, longestName + 2)).toString('latin1')
  const end = start.indexOf('}', 1)
  const digest = start.slice(1, end)
  if (!start.startsWith('{') || end < 0 || !digests.has(digest)) {
    throw new AuthenticationError(
      `Expected a challenge or an answer with one of the digests ${[...digests.keys()].join(', ')}, got something else`,
    )
  }
  if (requireModern && digest === 'md5') throw tooOld()
  return { digest, payload: message.subarray(end + 1) }
}

const tooOld = (): AuthenticationError =>
  new AuthenticationError(
    'Expected a digest of Python 3.12 or later, as `requireModern` demands, but the other side uses MD5',
  )

function hmac(digest: string, key: Uint8Array, message: Uint8Array): Buffer {
  try {
    return nodeCrypto().createHmac(digests.get(digest)!, key).update(message).digest()
  } catch (cause) {
    throw new AuthenticationError(`Expected the digest ${digest} to be there, but this Node.js has it not`, { cause })
  }
}

function startsWith(message: Uint8Array, prefix: Uint8Array): boolean {
  return Buffer.compare(message.subarray(0, prefix.length), prefix) === 0
}
