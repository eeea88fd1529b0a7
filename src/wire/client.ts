/** Client(): a Connection to somebody who listens. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '../channel/connection.ts'
import { EOFError, TimeoutError } from '../contract/errors.ts'
import { checkFlag, checkOptions } from '../contract/options.ts'
import type { WaitOptions } from '../contract/waiting.ts'
import { closeFd } from '../os/descriptor.ts'
import { connectUnix } from '../os/socket.ts'
import { type Address, checkAddress, type Place, resolveHost } from './address.ts'
import type { ByteStream } from './byte-stream.ts'
import { authenticateAsClient, checkKey } from './challenge.ts'
import { descriptorOf } from './descriptor-of.ts'
import { DescriptorStream } from './descriptor-stream.ts'
import { checkWait, Patience } from './patience.ts'
import { checkTls, secureAsClient, type TlsOptions } from './secure-stream.ts'
import { connectionOver } from './socket-end.ts'
import { type CodecName, checkCodec, type WireCodec } from './wire-codec.ts'

export interface ClientOptions extends WaitOptions {
  /** What both sides must know; a string stands for its UTF-8. Without one there is no handshake, as in Python. */
  authkey?: Uint8Array | string
  /** How values travel: 'pickle' (default) as in Python; 'msgpack' is quicker, when the other side has this package, too. */
  codec?: CodecName
  /** Refuses the MD5 of Python 3.11 and earlier. @default false */
  requireModern?: boolean
  /** Encrypts: what Node's tls.connect() takes, as `ca`, `servername`, `rejectUnauthorized`; true for its defaults. */
  tls?: boolean | TlsOptions
}

const OPTIONS = ['authkey', 'codec', 'requireModern', 'tls', 'timeout', 'signal'] as const

/**
 * Connects to a Listener: one of this package, or Python's.
 *
 * Waits until it is connected, and with `authkey` until both sides have proved that they know the key; awaits, never blocks
 * the event loop. A Listener that has as many waiting as it may is asked again. On timeout or abort nothing is left of it.
 * If the other process dies meanwhile, it rejects.
 *
 * @throws {AuthenticationError} when the other side has another key, or none, or does not accept this one · {EOFError} when it
 * ended the connection during the handshake · {TimeoutError} · the signal's reason
 * @throws an Error of Node's own kind when nobody listens there: its `code` is 'ECONNREFUSED', 'ENOENT' …
 * @throws {ArgumentTypeError} and {ArgumentRangeError} for what is no address or option
 * @example
 * const listener = await Listener.listen(undefined, { authkey: 'secret' })
 * const client = await Client(listener.address, { authkey: 'secret' })
 * const conn = await listener.accept()
 * await client.sendBytes(Uint8Array.of(1, 2, 3))
 * assert.deepEqual(await conn.recvBytes(), Uint8Array.of(1, 2, 3))
 * for (const one of [client, conn, listener]) await one[Symbol.asyncDispose]()
 */
export async function Client<Send = unknown, Recv = Send>(
  address: Address,
  options?: ClientOptions,
): Promise<Connection<Send, Recv>> {
  return connectTo(address, options)
}

/** @internal with a codec of one's own. */
export async function connectTo(
  address: Address,
  options?: Omit<ClientOptions, 'codec'> & { codec?: CodecName | WireCodec },
): Promise<Connection<any, any>> {
  const { authkey, codec, requireModern, tls, timeout, signal } = checkOptions('options', options, OPTIONS as any)
  const place = checkAddress(address)
  const key = checkKey(authkey)
  const wire = checkCodec(codec)
  const modern = checkFlag('requireModern', requireModern, false)
  const secure = checkTls(tls)
  const limits = checkWait({ timeout, signal })
  limits.signal?.throwIfAborted()
  const attempt = new Attempt(limits.timeout, limits.signal)
  try {
    let stream: ByteStream = new DescriptorStream(await attempt.orGiveUp(reach(place, attempt)))
    attempt.undo = () => stream.close()
    attempt.check()
    if (secure) {
      const host = 'host' in place ? place.host : undefined
      stream = await secureAsClient(stream, secure, host, undo => {
        attempt.undo = undo
      })
    }
    const connection = connectionOver(stream, wire)
    attempt.undo = () => connection.close()
    if (key) await authenticateAsClient(connection, key, modern)
    return attempt.succeeded(connection)
  } catch (error) {
    throw attempt.failed(error)
  }
}

/** One attempt to connect: what is to be undone when it fails, and its deadline. */
class Attempt {
  /** Also ends what is awaited. */
  undo: () => void = () => {}
  readonly #patience: Patience
  #gaveUp: { error: unknown } | undefined
  #tell: () => void = () => {}

  constructor(timeout: number, signal: AbortSignal | undefined) {
    this.#patience = new Patience('Client()', timeout, signal, error => {
      this.#gaveUp = { error }
      this.undo()
      this.#tell()
    })
  }

  /** Not to be waited for longer than all of it: whatever it does, a name server that does not answer cannot be called back. */
  orGiveUp(reaching: Promise<number>): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#tell = () => {
        reject(this.#gaveUp?.error)
        reaching.then(closeFd, () => {})
      }
      reaching.then(fd => {
        this.#tell = () => {}
        if (!this.#gaveUp) resolve(fd)
      }, reject)
    })
  }

  check(): void {
    if (this.#gaveUp) throw this.#gaveUp.error
  }

  succeeded<T>(made: T): T {
    this.check()
    this.#patience.over()
    return made
  }

  failed(error: unknown): unknown {
    this.#patience.over()
    this.undo()
    if (this.#gaveUp) return this.#gaveUp.error
    if (!(error instanceof EOFError)) return error
    return new EOFError(
      'Expected the other side to finish the handshake, but it ended the connection: it may have another authkey, or none',
      { cause: error },
    )
  }
}

/** A connected descriptor. */
async function reach(place: Place, attempt: Attempt): Promise<number> {
  if ('host' in place) return reachHost(await resolveHost(place.host || 'localhost'), place.port, attempt)
  for (let nap = 1; ; nap = Math.min(nap * 2, 50)) {
    attempt.check()
    const fd = connectUnix(place.unix)
    if (fd !== undefined) return fd
    await sleep(nap) // the kernel tells nobody when there is room again
  }
}

async function reachHost(host: string, port: number, attempt: Attempt): Promise<number> {
  attempt.check()
  let socket: Socket | undefined
  try {
    const made = connect({ host, port, family: 4 })
    socket = made
    made.pause() // what is read is ours to read
    await new Promise<void>((resolve, reject) => {
      made.once('error', reject)
      attempt.undo = () => {
        made.destroy()
        reject(new TimeoutError('the attempt was given up'))
      }
      made.once('connect', resolve)
    })
    return descriptorOf(made)
  } finally {
    attempt.undo = () => {}
    socket?.destroy()
  }
}
