/** How the server itself calls its objects: a factory or an object of the user's own may have been given proxies. */
import { decode, encode } from '../codec/codec.ts'
import { type Dispatcher, Hosted } from './dispatcher.ts'
import type { Call, Caller } from './hosted/hosted-type.ts'
import type { Reception } from './reception.ts'
import type { Limits, Link } from './remote.ts'

const NO_KWARGS = Object.freeze({})

/** The server: it is never gone. */
const self: Caller = { label: 'the server itself', pid: process.pid, onGone: () => () => {} }

class LocalCall implements Call {
  readonly caller = self
  readonly #giveUps = new Set<() => void>()

  onWithdrawn(giveUp: () => void): () => void {
    this.#giveUps.add(giveUp)
    return () => this.#giveUps.delete(giveUp)
  }

  withdraw(): void {
    for (const giveUp of this.#giveUps) giveUp()
    this.#giveUps.clear()
  }
}

/** To one object, which a part of another may refer to though nobody else has a proxy of it. */
export class LocalLink implements Link {
  readonly #dispatcher: Dispatcher
  readonly #reception: Reception
  readonly #hosted: Hosted

  constructor(dispatcher: Dispatcher, reception: Reception, hosted: Hosted) {
    this.#dispatcher = dispatcher
    this.#reception = reception
    this.#hosted = hosted
  }

  call(_ident: number, method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#call(new LocalCall(), method, args)
  }

  wait(_ident: number, method: string, args: readonly unknown[], { signal }: Limits): Promise<unknown> {
    const call = new LocalCall()
    const result = this.#call(call, method, args)
    if (signal === undefined) return result
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        call.withdraw()
        reject(signal.reason)
      }
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
      result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  async #call(call: LocalCall, method: string, args: readonly unknown[]): Promise<unknown> {
    const operands = this.#reception.operands(this.#hosted, method, copyOf(args) as readonly unknown[])
    const result = await this.#dispatcher.dispatch(this.#hosted, method, operands, NO_KWARGS, call)
    return result instanceof Hosted ? this.#reception.referentOf(result) : copyOf(result)
  }

  dropped(): void {}
}

/** As it would arrive elsewhere. */
function copyOf(value: unknown): unknown {
  const message = encode(value)
  const bytes = new Uint8Array(message.byteLength)
  message.writeTo(bytes)
  return decode(bytes, message.headLength, message.handles)
}
