/**
 * Those who have reached a Listener and are not let in yet: all of them prove themselves at the same time, each within its
 * own time, so one that is silent, slow or hostile delays nobody.
 */
import type { Connection } from '../channel/connection.ts'
import { AuthenticationError } from '../contract/errors.ts'
import { closeFd } from '../os/descriptor.ts'
import type { Address } from './address.ts'
import { authenticateAsListener } from './challenge.ts'
import { DescriptorStream } from './descriptor-stream.ts'
import { secureAsListener, type TlsOptions } from './secure-stream.ts'
import { connectionOver } from './socket-end.ts'
import type { WireCodec } from './wire-codec.ts'

export interface Terms {
  readonly key: Uint8Array | undefined
  readonly codec: WireCodec
  readonly requireModern: boolean
  readonly tls: TlsOptions | undefined
  /** ms that somebody may take until it is let in. */
  readonly handshakeTimeout: number
}

/** One who was let in. */
export interface Guest {
  readonly connection: Connection<any, any>
  readonly address: Address | null
}

/** As many may be at it at the same time; for one more, the one that has taken longest is sent away. */
const MOST = 256

export class Reception {
  readonly #terms: Terms
  readonly #letIn: (guest: Guest) => void
  readonly #sentAway: (why: AuthenticationError | undefined) => void
  /** How each of those who are at it is sent away; the one that came first is the first. */
  readonly #arrivals = new Set<{ sendAway(): void }>()

  /** Who comes is let in or sent away; with an error if it has another key, without if it left, or spoke something else. */
  constructor(terms: Terms, letIn: (guest: Guest) => void, sentAway: (why: AuthenticationError | undefined) => void) {
    this.#terms = terms
    this.#letIn = letIn
    this.#sentAway = sentAway
  }

  /** Nobody is at it. */
  get idle(): boolean {
    return this.#arrivals.size === 0
  }

  /** Takes the descriptor over. */
  arrive(fd: number, address: Address | null): void {
    let stream: DescriptorStream
    try {
      stream = new DescriptorStream(fd)
    } catch {
      closeFd(fd)
      return
    }
    const { key, codec, tls } = this.#terms
    if (key === undefined && tls === undefined) this.#letIn({ connection: connectionOver(stream, codec), address })
    else this.#examine(stream, address)
  }

  async #examine(plain: DescriptorStream, address: Address | null): Promise<void> {
    const { key, codec, tls, requireModern, handshakeTimeout } = this.#terms
    let sendAway = () => plain.close()
    const arrival = { sendAway: () => sendAway() }
    if (this.#arrivals.size >= MOST) {
      for (const oldest of this.#arrivals) {
        oldest.sendAway()
        break
      }
    }
    this.#arrivals.add(arrival)
    const timer = setTimeout(arrival.sendAway, handshakeTimeout).unref()
    let guest: Guest | undefined
    let refused: AuthenticationError | undefined
    try {
      const stream = tls
        ? await secureAsListener(plain, tls, undo => {
            sendAway = undo
          })
        : plain
      stream.background = true // a Listener that nobody waits for keeps nobody alive
      const connection = connectionOver(stream, codec)
      sendAway = () => connection.close()
      if (key) await authenticateAsListener(connection, key, requireModern)
      stream.background = false
      if (!connection.closed) guest = { connection, address }
    } catch (error) {
      sendAway()
      if (error instanceof AuthenticationError) refused = error
    }
    clearTimeout(timer)
    this.#arrivals.delete(arrival)
    if (guest) this.#letIn(guest)
    else this.#sentAway(refused)
  }

  /** Sends everybody away. */
  close(): void {
    for (const arrival of this.#arrivals) arrival.sendAway()
  }
}
