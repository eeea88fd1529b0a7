/**
 * The public Connection. Here are the rules that hold whatever carries the messages: arguments, directions, what bytes are.
 * What carries them is a Transport (transport.ts).
 */
import type { Readable, Writable } from 'node:stream'
import { type InspectOptions, inspect } from 'node:util'
import { ArgumentRangeError, ArgumentTypeError, EOFError, InvalidStateError } from '../contract/errors.ts'
import { takeUntil } from '../contract/one-by-one.ts'
import { checkCount, describe } from '../contract/options.ts'
import { SHAREABLE, type Shareable, type ShareRef } from '../contract/shareable.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import { bytesUnless, into, part } from './buffers.ts'
import type { Message, Refuse, Transport } from './transport.ts'
import { checkPatience, wait } from './wait.ts'

let open: (
  fd: number | Readable | Writable,
  options: { codec?: 'pickle' | 'msgpack' } | undefined,
) => Connection<any, any>

/** What makes Connections of descriptors stands above this folder: src/handles.ts brings the two together. */
export function openDescriptorsBy(how: typeof open): void {
  open = how
}

const asValue = (message: Message): unknown => message.value()

/**
 * One of two ends: sends messages to those who hold the other one, and receives theirs. Made by Pipe(), through shared
 * memory; by Client() and Listener.accept(), through a socket; and by Connection.fromFd().
 *
 * A message is a value, or mere bytes. Through a Pipe values are as for a Queue: handles travel by reference, also a
 * Connection, also through itself; and several processes may share an end: messages stay whole, and each is received once.
 * Through a socket they are Python's pickles (or 'msgpack', when both sides are told so); no handle can travel there, and
 * the end belongs to this process alone.
 *
 * Waits: `send` and `recv` await, `sendSync` and `recvSync` block this thread asleep in the kernel. A send through a Pipe
 * waits only while much (8 MiB, or an eighth of the memory if that is less) lies unread in its direction, so both sides may
 * send something large at the same time; through a socket, while the kernel's buffer is full (some 200 KiB). Several
 * `recv()` of one process are served in the order of the calls. With TLS there are no blocking forms.
 * On timeout or abort nothing was sent, and no message was taken; one that has come in part stays for the next `recv`.
 * Through a socket a message of which the first part is out cannot be called back: then the send resolves at its timeout or
 * abort, and the rest goes out as soon as the other side reads. While that, or an awaited send, is under way, a blocking send
 * throws InvalidStateError; and a blocking `recv` keeps it from going on.
 *
 * If a process dies: what it sent is there, whole; what it was sending is not. When nobody alive holds the other end, and no
 * message under way carries it, `recv` gives what was sent before and then throws EOFError, and `send` throws BrokenPipeError
 * at once, also one that waits. Through a socket `recv` throws BrokenPipeError when the other side ended in the middle of a
 * message, or the network failed: then something is missing, and no iteration ends quietly.
 *
 * An idle Connection does not keep its process alive; one that somebody waits for does, and so does what is still to be
 * written.
 *
 * A handle that is collected is closed. Better: close() it, or `await using`.
 *
 * @example
 * const [a, b] = Pipe<number>()
 * for (let n = 0; n < 3; n++) await a.send(n)
 * a.close()
 * const received = []
 * for await (const n of b) received.push(n)
 * assert.deepEqual(received, [0, 1, 2])
 */
export class Connection<Send = unknown, Recv = Send>
  implements AsyncIterable<Recv>, AsyncDisposable, Shareable, Waitable
{
  readonly #transport: Transport
  /** A message was refused for its length: what comes after it is not to be trusted, says Python. */
  #refused = false

  /** @internal */
  constructor(transport: Transport) {
    if (typeof transport?.receive !== 'function') {
      throw new ArgumentTypeError(
        `Expected a Connection to be made by Pipe(), Client(), Listener.accept() or Connection.fromFd(), got new Connection(${describe(transport)})`,
      )
    }
    this.#transport = transport
  }

  /**
   * A Connection over a socket or a pipe that this process has already: no listening, no address, no handshake. It speaks as
   * Python's `multiprocessing.connection.Connection(fd)`.
   *
   * A Node.js child of a Python parent takes the descriptor it inherited (`Popen([...], pass_fds=[b.fileno()])` with
   * `a, b = Pipe()`; close `b` in Python then). A Node.js parent starts its child with `stdio: [..., 'pipe']` and takes
   * `child.stdio[3]`, at once (Node.js throws away what is unread when the child ends); the child's end is `Connection(3)` in
   * Python. One end of an os.pipe() only receives, or only sends.
   *
   * The descriptor is the Connection's from here on, and closed with it. No other process may read from a copy of it
   * at the same time, and a blocking reader of a copy would find that it does not block any more.
   *
   * @param fd the number of a descriptor, or a stream of Node.js over one, which is not to be used any more
   * @param options `codec`: how values travel, 'pickle' (default) as in Python, or 'msgpack'
   * @throws {ArgumentTypeError} and {ArgumentRangeError} for what is no open socket or pipe
   * @example
   * import { spawn } from 'node:child_process'
   * const hello = "require('fs').writeSync(3, Buffer.from([0, 0, 0, 2, 104, 105]))" // a message of two bytes
   * const child = spawn(process.execPath, ['-e', hello], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
   * const conn = Connection.fromFd(child.stdio[3]!)
   * assert.equal(new TextDecoder().decode(await conn.recvBytes()), 'hi')
   * await assert.rejects(conn.recvBytes(), EOFError)
   * conn.close()
   */
  static fromFd<Send = unknown, Recv = Send>(
    fd: number | Readable | Writable,
    options?: { codec?: 'pickle' | 'msgpack' },
  ): Connection<Send, Recv> {
    return open(fd, options)
  }

  // ── values ──

  /**
   * Sends a value.
   *
   * Waits while too much lies unread; awaits, never blocks the event loop. On timeout or abort nothing was sent.
   * If this process dies before it resolves, the message was sent whole or not at all; after, it is safe.
   *
   * @throws {BrokenPipeError} when nobody holds the other end · {InvalidStateError} on an end that only receives
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError}
   * @throws {NotSerializableError} for what cannot travel: `path` names it · {OutOfSharedMemoryError}
   */
  send(value: Send, options?: WaitOptions): Promise<void> {
    if (!this.#transport.writable) return Promise.reject(this.#receivesOnly())
    return this.#transport.send('Connection.send()', value, options)
  }

  /** As send(), but blocks this thread. */
  sendSync(value: Send, options?: SyncWaitOptions): void {
    if (!this.#transport.writable) throw this.#receivesOnly()
    this.#transport.sendSync('Connection.sendSync()', value, options)
  }

  /**
   * Receives the next message; through a Pipe one of sendBytes() as a Uint8Array. (A socket does not tell which is which, as in
   * Python: what sendBytes() sent is received by recvBytes().)
   *
   * Waits until there is one; awaits, never blocks the event loop. On timeout or abort none was taken. A message that cannot be
   * unpacked rejects, and the next one is intact.
   * If this process dies before it resolves, the message stays in the pipe or is gone with the process; after, it is gone
   * with it.
   *
   * @throws {EOFError} when nobody holds the other end and nothing is left · {InvalidStateError} on an end that only sends
   * @throws {BrokenPipeError} when a socket ended within a message, or failed · {UnpicklingError} for bytes that are no pickle
   * @throws {TimeoutError} after `timeout` ms · the signal's reason · {ClosedError}
   */
  recv(options?: WaitOptions): Promise<Recv> {
    if (!this.#receives) return Promise.reject(this.#sendsOnly())
    return this.#transport.receive('Connection.recv()', asValue, options) as Promise<Recv>
  }

  /** As recv(), but blocks this thread. */
  recvSync(options?: SyncWaitOptions): Recv {
    if (!this.#receives) throw this.#sendsOnly()
    return this.#transport.receiveSync('Connection.recvSync()', asValue, options) as Recv
  }

  // ── bytes ──

  /**
   * Sends the bytes of `buf`, from byte `offset` on, `size` of them (default: the rest), as one message. None is a message, too.
   *
   * Waits, timeout, abort, death and errors as send(). The bytes are copied before it returns. Offsets are in bytes, whatever
   * the elements of `buf` are, as in Python.
   *
   * @throws {ArgumentRangeError} when `offset` or `size` is negative or leads beyond the end · otherwise as send()
   * @example
   * const [a, b] = Pipe()
   * await a.sendBytes(new TextEncoder().encode('hello'), 1, 3)
   * assert.equal(new TextDecoder().decode(await b.recvBytes()), 'ell')
   */
  sendBytes(buf: ArrayBufferView | ArrayBuffer, offset?: number, size?: number, options?: WaitOptions): Promise<void> {
    try {
      const bytes = part(buf, offset, size)
      if (!this.#transport.writable) throw this.#receivesOnly()
      return this.#transport.sendBytes('Connection.sendBytes()', bytes, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As sendBytes(), but blocks this thread. */
  sendBytesSync(buf: ArrayBufferView | ArrayBuffer, offset?: number, size?: number, options?: SyncWaitOptions): void {
    const bytes = part(buf, offset, size)
    if (!this.#transport.writable) throw this.#receivesOnly()
    this.#transport.sendBytesSync('Connection.sendBytesSync()', bytes, options)
  }

  /**
   * Receives the next message as bytes; one of send() as the bytes that stand for the value.
   *
   * Waits, timeout, abort and death as recv().
   *
   * @throws {ArgumentRangeError} when the message is longer than `maxLength`: it is gone, and as in Python the Connection receives
   * no more in this process (one that cannot send either is closed)
   * @throws as recv()
   */
  recvBytes(maxLength?: number, options?: WaitOptions): Promise<Uint8Array> {
    try {
      const refuse = this.#refuseAbove(maxLength)
      if (!this.#receives) throw this.#sendsOnly()
      return this.#transport.receive('Connection.recvBytes()', bytesUnless(refuse), options, refuse)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As recvBytes(), but blocks this thread. */
  recvBytesSync(maxLength?: number, options?: SyncWaitOptions): Uint8Array {
    const refuse = this.#refuseAbove(maxLength)
    if (!this.#receives) throw this.#sendsOnly()
    return this.#transport.receiveSync('Connection.recvBytesSync()', bytesUnless(refuse), options, refuse)
  }

  /**
   * Receives the next message into `buf`, from byte `offset` on; gives the number of bytes.
   *
   * Waits, timeout, abort and death as recv().
   *
   * @throws {BufferTooShortError} when the message does not fit: the whole of it is in `data`, and the next one is intact
   * @throws {ArgumentRangeError} when `offset` is negative or beyond the end of `buf` · otherwise as recv()
   * @example
   * const [a, b] = Pipe()
   * a.sendBytesSync(Uint8Array.of(7, 8))
   * const buf = new Uint8Array(4)
   * assert.equal(await b.recvBytesInto(buf, 1), 2)
   * assert.deepEqual(buf, Uint8Array.of(0, 7, 8, 0))
   */
  recvBytesInto(buf: ArrayBufferView, offset?: number, options?: WaitOptions): Promise<number> {
    try {
      const look = into(buf, offset)
      if (!this.#receives) throw this.#sendsOnly()
      return this.#transport.receive('Connection.recvBytesInto()', look, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As recvBytesInto(), but blocks this thread. */
  recvBytesIntoSync(buf: ArrayBufferView, offset?: number, options?: SyncWaitOptions): number {
    const look = into(buf, offset)
    if (!this.#receives) throw this.#sendsOnly()
    return this.#transport.receiveSync('Connection.recvBytesIntoSync()', look, options)
  }

  #refuseAbove(maxLength: number | undefined): Refuse | undefined {
    if (maxLength === undefined) return undefined
    checkCount('maxLength', maxLength)
    return length => {
      if (length <= maxLength) return
      this.#refused = true
      if (!this.#transport.writable) this.close()
      throw new ArgumentRangeError(
        `Expected a message of at most ${maxLength} bytes, got one of ${length}; this Connection receives no more`,
      )
    }
  }

  // ── waiting without receiving ──

  /**
   * True when there is a message, or the end of the pipe: a `recv` would not wait. Takes nothing.
   *
   * Waits `timeout` ms for it; awaits, never blocks the event loop. At the timeout it resolves with false. 0 (default), or less as in
   * Python, looks once; null waits for ever.
   *
   * @throws {InvalidStateError} on an end that only sends · {ClosedError}
   * @example
   * const [a, b] = Pipe()
   * assert.equal(await b.poll(), false)
   * await a.send(1)
   * assert.equal(await b.poll(null), true)
   */
  async poll(timeout: number | null = 0): Promise<boolean> {
    const patience = timeout === null ? Infinity : checkPatience(timeout)
    if (!this.#receives) throw this.#sendsOnly()
    if (this.#transport.ready() || patience === 0) return this.#transport.ready()
    return (await wait([this], { timeout: patience })).length > 0
  }

  /** As poll(), but blocks this thread. */
  pollSync(timeout: number | null = 0): boolean {
    const patience = timeout === null ? Infinity : checkPatience(timeout)
    if (!this.#receives) throw this.#sendsOnly()
    return this.#transport.ready() || (patience > 0 && this.#transport.readySync(patience))
  }

  /**
   * A descriptor that select, poll and epoll see readable when there is a message, or the end: for code that waits outside of
   * Node.js. Only watch it; read with `recv`.
   *
   * It may be readable for nothing when another process that shares this end was quicker, or this one received a message
   * before its sender had made it readable: poll() then tells, and it is dark again. It belongs to this process, and is closed with the Connection, which is not collected any more before. At most 8 processes at a time may have one
   * for the same end, and senders must see this process in /proc (no other pid namespace).
   *
   * Of a Connection over a socket it is the socket's own. What this process has read ahead does not show there, nor that a message
   * has come only in part: poll() tells. With TLS there is none.
   *
   * @throws {InvalidStateError} on an end that only sends, for the ninth process, and with TLS · {ClosedError}
   */
  fileno(): number {
    if (!this.#receives) throw this.#sendsOnly()
    return this.#transport.fileno()
  }

  // ── the rest ──

  /** Receives until the end of the pipe, then ends. Leaving the loop early takes nothing more. */
  [Symbol.asyncIterator](): AsyncGenerator<Recv, void, undefined> {
    return takeUntil(EOFError, () => this.recv())
  }

  /** Whether this end receives at all, and has not been closed. */
  get readable(): boolean {
    return this.#receives && !this.closed
  }

  /** Whether this end sends at all, and has not been closed. */
  get writable(): boolean {
    return this.#transport.writable && !this.closed
  }

  /** True after close() in this process. */
  get closed(): boolean {
    return this.#transport.closed
  }

  /**
   * This process is done with this end; when all are, the pipe ends for those who hold the other one. Idempotent. Any use of the Connection
   * afterwards throws ClosedError at once; who waits for it in this process gets that, too.
   */
  close(): void {
    this.#transport.close()
  }

  /** close(). */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  get #receives(): boolean {
    return this.#transport.readable && !this.#refused
  }

  #receivesOnly(): unknown {
    return this.#orClosed(
      new InvalidStateError('Expected an end of the pipe that sends, but this one only receives: send from the other'),
    )
  }

  #sendsOnly(): unknown {
    const why = this.#refused
      ? 'Expected a Connection that receives, but it was given a message longer than `maxLength` and receives no more'
      : 'Expected an end of the pipe that receives, but this one only sends: receive from the other'
    return this.#orClosed(new InvalidStateError(why))
  }

  /** The error, unless the Connection is closed: then that. */
  #orClosed(error: unknown): unknown {
    try {
      this.#transport.ready()
    } catch (closed) {
      return closed
    }
    return error
  }

  /** @internal */
  [SHAREABLE](where?: () => string): ShareRef {
    return this.#transport[SHAREABLE](where)
  }

  /** @internal for wait(): there is a message, or the end. */
  [WAITABLE](): Readiness {
    if (!this.#receives) throw this.#sendsOnly()
    return this.#transport.readiness()
  }

  /** What util.inspect() and console.log() show. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { closed, readable, writable } = this
    return `Connection ${inspect(closed ? { closed } : { readable, writable }, options)}`
  }
}
