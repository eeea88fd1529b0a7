/**
 * Those who wait for messages of one stream: receivers in line, in the order of their calls, and beside the line watchers
 * (poll() and wait()), who take nothing. A message that has come in part stays here until the rest has come, whoever leaves.
 */
import type { Look, Message, Refuse } from '../channel/transport.ts'
import { EOFError, InvalidStateError, TimeoutError } from '../contract/errors.ts'
import type { Readiness } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import type { Blocking, ByteStream } from './byte-stream.ts'
import { ENDED, Frames, INCOMPLETE, PAUSED } from './frames.ts'
import { checkSyncWait, checkWait, Patience, served } from './patience.ts'
import type { WireCodec } from './wire-codec.ts'

interface Entry {
  readonly look: Look<unknown>
  readonly refuse: Refuse | undefined
  resolve(value: unknown): void
  reject(error: unknown): void
}

interface Watcher {
  tell(): void
  fail(error: unknown): void
}

/** Bytes that are read in one go: then timers and other sockets have their turn. */
const BUDGET = 16 * 1024 * 1024

class Received implements Message {
  readonly #bytes: Uint8Array
  readonly #codec: WireCodec

  constructor(bytes: Uint8Array, codec: WireCodec) {
    this.#bytes = bytes
    this.#codec = codec
  }

  value(): unknown {
    return this.#codec.decode(this.#bytes)
  }

  raw(): Uint8Array {
    return this.#bytes
  }

  own(): Uint8Array {
    return this.#bytes
  }
}

export class Incoming {
  readonly #stream: ByteStream
  readonly #frames: Frames
  readonly #codec: WireCodec
  readonly #entries: Entry[] = []
  readonly #watchers = new Set<Watcher>()
  /** Whole, and not taken yet. */
  #message: Uint8Array | undefined
  /** Makes the error of all who receive from here on. */
  #end: (() => unknown) | undefined
  #again = false

  constructor(stream: ByteStream, codec: WireCodec) {
    this.#stream = stream
    this.#frames = new Frames(stream)
    this.#codec = codec
    stream.onReadable = () => this.#serve()
  }

  /** Nobody waits. */
  get idle(): boolean {
    return this.#entries.length === 0 && this.#watchers.size === 0
  }

  // ── receiving ──

  receive<T>(what: string, look: Look<T>, options: WaitOptions | undefined, refuse: Refuse | undefined): Promise<T> {
    try {
      const { timeout, signal } = checkWait(options)
      signal?.throwIfAborted()
      if (this.#entries.length > 0) this.#serve()
      if (this.#entries.length === 0 && this.#isReady(BUDGET, refuse)) return served(this.#take(look))
      if (timeout === 0) throw new TimeoutError(`${what} timed out after 0 ms`)
      return new Promise((resolve, reject) => {
        const entry: Entry = {
          look,
          refuse,
          resolve: value => {
            patience.over()
            resolve(value as T)
          },
          reject: error => {
            patience.over()
            reject(error)
          },
        }
        const patience = new Patience(what, timeout, signal, error => {
          this.#serve() // what is there in time is taken, though we look late
          if (this.#remove(entry)) reject(error)
        })
        this.#entries.push(entry)
        this.#watch()
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  receiveSync<T>(what: string, look: Look<T>, options: SyncWaitOptions | undefined, refuse: Refuse | undefined): T {
    const timeout = checkSyncWait(options)
    const blocking = this.#blocking(what)
    const deadline = performance.now() + timeout
    for (;;) {
      this.#serveEntries()
      if (this.#entries.length === 0 && this.#isReady(Infinity, refuse)) break
      const left = deadline - performance.now()
      if (!(left > 0)) throw new TimeoutError(`${what} timed out after ${timeout} ms`)
      blocking.untilReadable(left)
    }
    this.#watch()
    return this.#take(look)
  }

  #blocking(what: string): Blocking {
    if (this.#stream.blocking) return this.#stream.blocking
    throw new InvalidStateError(
      `Expected ${what} on a connection without TLS: what is encrypted comes through the event loop; await the form without Sync`,
    )
  }

  /** There is a message, or the end. */
  #isReady(budget: number, refuse?: Refuse): boolean {
    if (this.#message !== undefined || this.#end !== undefined) return true
    let found: ReturnType<Frames['next']>
    try {
      found = this.#frames.next(budget, refuse)
    } catch (error) {
      this.#end = () => error
      return true
    }
    if (found === PAUSED) this.#comeAgain()
    if (found === INCOMPLETE || found === PAUSED) return false
    if (found === ENDED) this.#end = atTheEnd
    else this.#message = found
    return true
  }

  #take<T>(look: Look<T>): T {
    const message = this.#message
    if (message === undefined) throw this.#end!()
    this.#message = undefined
    return look(new Received(message, this.#codec))
  }

  /** There may be something new. */
  #serve(): void {
    this.#serveEntries()
    if (this.#watchers.size > 0 && this.#entries.length === 0 && this.#isReady(BUDGET)) {
      for (const watcher of [...this.#watchers]) {
        this.#watchers.delete(watcher)
        watcher.tell()
      }
    }
    this.#watch()
  }

  #serveEntries(): void {
    while (this.#entries.length > 0) {
      const [{ refuse }] = this.#entries
      if (!this.#isReady(BUDGET, refuse)) return
      // Out of the line first: `look` may run code of the user's that receives
      const entry = this.#entries.shift() as Entry
      let value: unknown
      try {
        value = this.#take(entry.look)
      } catch (error) {
        entry.reject(error)
        continue
      }
      entry.resolve(value)
    }
  }

  /** What was left because much had come is there without another event. */
  #comeAgain(): void {
    if (this.#again) return
    this.#again = true
    setImmediate(() => {
      this.#again = false
      this.#serve()
    })
  }

  #watch(): void {
    this.#stream.watch(!this.idle)
  }

  #remove(entry: Entry): boolean {
    const at = this.#entries.indexOf(entry)
    if (at < 0) return false
    this.#entries.splice(at, 1)
    this.#watch()
    return true
  }

  // ── waiting without receiving ──

  ready(): boolean {
    this.#serveEntries()
    return this.#entries.length === 0 && this.#isReady(BUDGET)
  }

  readySync(what: string, timeout: number): boolean {
    const blocking = this.#blocking(what)
    const deadline = performance.now() + timeout
    while (!this.ready()) {
      const left = deadline - performance.now()
      if (!(left > 0)) return false
      blocking.untilReadable(left)
    }
    return true
  }

  readiness(): Readiness {
    let watcher: Watcher | undefined
    return {
      ready: () => this.ready(),
      watch: (tell, fail) => {
        watcher = { tell, fail }
        this.#watchers.add(watcher)
        this.#watch()
      },
      unwatch: () => {
        if (watcher && this.#watchers.delete(watcher)) this.#watch()
      },
    }
  }

  /** Everybody who waits gets the error: the connection was closed here. */
  fail(error: unknown): void {
    this.#message = undefined
    this.#end = () => error
    for (const entry of this.#entries.splice(0)) entry.reject(error)
    for (const watcher of this.#watchers) watcher.fail(error)
    this.#watchers.clear()
  }
}

const atTheEnd = (): EOFError =>
  new EOFError(
    'Expected a message, but the other side has closed the connection, or died, and all that was sent is received',
  )
