/**
 * Those who send on one stream: one message after another, in the order of the calls.
 *
 *   waiting ──▶ begun ──▶ written
 *
 * A message begins when its first byte goes out, or when it is the one that the stream is to write as soon as there is room.
 * From then on it cannot be called back, or the other side would take what follows for its rest: whoever stops waiting for
 * it leaves the rest to the stream. One that waits behind it is simply dropped.
 */
import { InvalidStateError, TimeoutError } from '../contract/errors.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { ByteStream } from './byte-stream.ts'
import { headerOf } from './frames.ts'
import { checkSyncWait, checkWait, Patience, served } from './patience.ts'

interface Entry {
  readonly bytes: Uint8Array
  resolve(): void
  reject(error: unknown): void
}

/** Up to here header and message go out in one write. */
const SMALL = 16 * 1024
let small: Uint8Array | undefined

/** Memory for the rest of a message, kept for the next one: fresh memory costs as much as the copy. */
const KEPT = 4 * 1024 * 1024
let spare: Uint8Array | undefined

function takeSpare(length: number): Uint8Array {
  const taken = spare
  if (taken === undefined || taken.length < length) return Buffer.allocUnsafeSlow(length)
  spare = undefined
  return taken
}

function giveBack(memory: Uint8Array): void {
  if (memory.length <= KEPT && memory.length > (spare?.length ?? 0)) spare = memory
}

export class Outgoing {
  readonly #stream: ByteStream
  readonly #waiting: Entry[] = []
  /** The stream is writing the rest of one. */
  #busy = false
  /** Who awaits that one. */
  #begun: Entry | undefined

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  /** Nothing is left to write. */
  get idle(): boolean {
    return !this.#busy && this.#waiting.length === 0
  }

  /** `own`: nobody changes the bytes afterwards. */
  send(what: string, bytes: Uint8Array, own: boolean, options: WaitOptions | undefined): Promise<void> {
    try {
      const { timeout, signal } = checkWait(options)
      signal?.throwIfAborted()
      if (this.#busy) {
        if (timeout === 0) throw new TimeoutError(`${what} timed out after 0 ms`)
      } else {
        const rest = this.#write(bytes)
        if (rest === undefined) return served(undefined)
        if (timeout === 0) {
          // tried exactly once: what has begun goes on without the caller; with TLS only the event loop writes
          if (rest.begun || this.#stream.blocking === undefined) return this.#leave(rest.bytes, own)
          throw new TimeoutError(`${what} timed out after 0 ms`)
        }
        return new Promise((resolve, reject) => {
          this.#begun = this.#entry(what, bytes, timeout, signal, resolve, reject)
          this.#finish(rest.bytes, own)
        })
      }
      const kept = own ? bytes : bytes.slice()
      return new Promise((resolve, reject) => {
        this.#waiting.push(this.#entry(what, kept, timeout, signal, resolve, reject))
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #leave(rest: Uint8Array, own: boolean): Promise<void> {
    this.#finish(rest, own)
    return Promise.resolve()
  }

  #entry(
    what: string,
    bytes: Uint8Array,
    timeout: number,
    signal: AbortSignal | undefined,
    resolve: () => void,
    reject: (error: unknown) => void,
  ): Entry {
    const patience = new Patience(what, timeout, signal, error => {
      const at = this.#waiting.indexOf(entry)
      if (at >= 0) {
        this.#waiting.splice(at, 1)
        reject(error)
      } else if (this.#begun === entry) {
        this.#begun = undefined
        resolve()
      }
    })
    const entry: Entry = {
      bytes,
      resolve: () => {
        patience.over()
        resolve()
      },
      reject: error => {
        patience.over()
        reject(error)
      },
    }
    return entry
  }

  sendSync(what: string, bytes: Uint8Array, own: boolean, options: SyncWaitOptions | undefined): void {
    const timeout = checkSyncWait(options)
    const { blocking } = this.#stream
    if (blocking === undefined) {
      throw new InvalidStateError(
        `Expected ${what} on a connection without TLS: what is encrypted goes through the event loop; await the form without Sync`,
      )
    }
    if (this.#busy) {
      throw new InvalidStateError(
        `Expected ${what} while no other message is on its way, but the event loop is still writing one, which cannot go on while this thread is blocked: await that send first`,
      )
    }
    const deadline = performance.now() + timeout
    let rest = this.#write(bytes)
    let begun = false
    while (rest !== undefined) {
      begun ||= rest.begun
      const left = deadline - performance.now()
      if (!(left > 0)) {
        if (!begun) throw new TimeoutError(`${what} timed out after ${timeout} ms`)
        this.#finish(rest.bytes, own)
        return
      }
      blocking.untilWritable(left)
      rest = begun ? this.#writeRest(rest.bytes) : this.#write(bytes)
    }
  }

  /** What is left of a message; undefined: nothing. */
  #write(bytes: Uint8Array): { bytes: Uint8Array; begun: boolean } | undefined {
    const header = headerOf(bytes.length)
    if (bytes.length <= SMALL) {
      small ??= new Uint8Array(SMALL + header.length)
      small.set(header)
      small.set(bytes, header.length)
      const whole = small.subarray(0, header.length + bytes.length)
      const count = this.#stream.write(whole)
      return count === whole.length ? undefined : { bytes: whole.slice(count), begun: count > 0 }
    }
    const count = this.#stream.write(header)
    if (count < header.length) return { bytes: Buffer.concat([header.subarray(count), bytes]), begun: count > 0 }
    return this.#writeRest(bytes)
  }

  #writeRest(bytes: Uint8Array): { bytes: Uint8Array; begun: boolean } | undefined {
    const count = this.#stream.write(bytes)
    return count === bytes.length ? undefined : { bytes: bytes.subarray(count), begun: true }
  }

  #finish(bytes: Uint8Array, own: boolean): void {
    this.#busy = true
    if (own) {
      this.#stream.finish(bytes, error => this.#finished(error))
      return
    }
    const copy = takeSpare(bytes.length)
    copy.set(bytes)
    this.#stream.finish(copy.subarray(0, bytes.length), error => {
      giveBack(copy)
      this.#finished(error)
    })
  }

  #finished(error: Error | undefined): void {
    this.#busy = false
    const begun = this.#begun
    this.#begun = undefined
    if (error) begun?.reject(error)
    else begun?.resolve()
    while (this.#waiting.length > 0 && !this.#busy) {
      const entry = this.#waiting.shift() as Entry
      try {
        const rest = this.#write(entry.bytes)
        if (rest === undefined) entry.resolve()
        else {
          this.#begun = entry
          this.#finish(rest.bytes, true)
        }
      } catch (failure) {
        entry.reject(failure)
      }
    }
  }

  /** Everybody who waits gets the error: the connection was closed here. */
  fail(error: unknown): void {
    for (const entry of this.#waiting.splice(0)) entry.reject(error)
    this.#begun?.reject(error)
    this.#begun = undefined
  }
}
