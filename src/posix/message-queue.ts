/** System V message queues: the kernel's own, with typed messages. */
import { inspect } from 'node:util'
import { ArgumentRangeError, FileExistsError, FileNotFoundError } from '../contract/errors.ts'
import { checkCount, describe } from '../contract/options.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import { SystemCallError } from '../os/libc.ts'
import {
  type MessageQueueState,
  openQueue,
  queueLimit,
  queueState,
  receiveNow,
  removeQueue,
  sendNow,
} from '../os/message-queue.ts'
import { type CreationOptions, checkCreation, checkData, explain, explained, type Meanings } from './kernel-errors.ts'
import { NONE, Patience, untilSync } from './patience.ts'

/** Queues that another process of the family opened, by their number. */
const BY_ID: unique symbol = Symbol('multiproc.message-queue-id')

/**
 * A System V message queue, which lies in the kernel: other programs reach it by the same key (msgget() in C, `ipcs -q`). Each
 * message has a type, a number from 1 up, and a receiver may choose by it.
 *
 * It stays, with what is in it, until remove() or the next boot, whoever dies: `ipcs -q` lists, `ipcrm -q <id>` removes.
 * A message is sent and received whole or not at all, so a process that dies leaves no half of one; what it had received
 * is gone with it. A 'private' queue has no key: it goes to others in the `args` of a Process, and by its `id`.
 *
 * The kernel tells nobody's event loop of it. So the awaited forms look after 1, 2, 4, 8 and then every 10 ms, and
 * occupy no thread; within a process they are served in the order of the calls.
 *
 * @param key a number that the programs agreed on, 1 to 2³² − 1 (0 is IPC_PRIVATE), or 'private'
 * @param options `create`: make it when there is none; `exclusive`: and only then; `mode`: rights, default 0o600
 * @throws {FileNotFoundError} ENOENT: there is none with this key
 * @throws {FileExistsError} EEXIST: there is one, and `exclusive` was given
 * @throws {SystemCallError} EACCES: this user may not; ENOSPC: there are too many (kernel.msgmni)
 * @example
 * const queue = new MessageQueue('private')
 * await queue.send('later', 2)
 * await queue.send('first', 1)
 * const { type, data } = await queue.receive(-2) // the lowest type up to 2
 * assert.deepEqual([type, Buffer.from(data).toString()], [1, 'first'])
 * queue.remove()
 */
export class MessageQueue {
  /** The kernel's number for it, as `ipcs -q` shows it. */
  readonly id: number
  readonly #name: string
  readonly #senders = new Patience(true)
  readonly #receivers = new Patience(false)

  constructor(key: number | 'private', options?: CreationOptions)
  constructor(key: number | 'private' | { [BY_ID]: number }, options?: CreationOptions) {
    if (typeof key === 'object' && key !== null && BY_ID in key) {
      this.id = key[BY_ID]
      this.#name = `message queue ${this.id}`
      return
    }
    const { create, exclusive, mode } = checkCreation(options)
    const number = key === 'private' ? undefined : checkKey(key)
    this.#name =
      number === undefined ? 'a private message queue' : `the message queue with key 0x${number.toString(16)}`
    this.id = this.#explained(() => openQueue(number, create, exclusive, mode))
  }

  /** The one with this number, which a process of the family opened. */
  static [BY_ID](id: number): MessageQueue {
    return new MessageQueue({ [BY_ID]: id } as never)
  }

  /**
   * Sends a message; a text as UTF-8.
   *
   * Awaits room: looks after 1, 2, 4, 8 and then every 10 ms. On timeout or abort nothing was sent. If this process dies
   * after it resolved, the message stays.
   *
   * @param type 1 and up. @default 1
   * @throws {TimeoutError} after `timeout` ms · the signal's reason
   * @throws {ArgumentRangeError} larger than the kernel takes (kernel.msgmax), or than the queue can ever hold (msgmnb, or its own
   * msg_qbytes)
   * @throws {FileNotFoundError} EIDRM: it was removed, also while waiting
   * @throws {SystemCallError} EACCES: this user may not write to it
   * @example
   * const queue = new MessageQueue('private')
   * await queue.send('hello')
   * await queue.send(new Uint8Array([1, 2, 3]), 7, { timeout: 1000 })
   * assert.equal(queue.stat().messages, 2)
   * queue.remove()
   */
  async send(data: Uint8Array | string, type: number = 1, options?: WaitOptions): Promise<void> {
    const attempt = this.#sending(data, type)
    return this.#senders.until('MessageQueue.send()', attempt, options)
  }

  /**
   * The same, blocking this thread: asleep in the kernel between looks, which come as for send().
   *
   * @throws {TimeoutError} {ArgumentRangeError} {FileNotFoundError} {SystemCallError} as send()
   * @example
   * const queue = new MessageQueue('private')
   * queue.sendSync('hello', 3)
   * assert.equal(queue.receiveSync(3).type, 3)
   * queue.remove()
   */
  sendSync(data: Uint8Array | string, type: number = 1, options?: SyncWaitOptions): void {
    untilSync('MessageQueue.sendSync()', this.#sending(data, type), options)
  }

  #sending(data: Uint8Array | string, type: number): () => undefined | typeof NONE {
    const bytes = checkData(data)
    checkCount('type', type, 1)
    return () => {
      const sent = this.#explained(() => sendNow(this.id, type, bytes), bytes.length)
      if (sent) return undefined
      const most = this.#maxBytes()
      if (bytes.length > most) throw tooLarge(bytes.length, 'the queue', most, 'msgmnb')
      return NONE
    }
  }

  /** Who may write only is not told: then nothing is known to be too large. */
  #maxBytes(): number {
    try {
      return queueState(this.id).maxBytes
    } catch (error) {
      if (error instanceof SystemCallError && error.errno === 'EACCES') return Number.POSITIVE_INFINITY
      throw explain(error, meaningsOf(this.#name, false, undefined))
    }
  }

  /**
   * Takes a message. `type` 0: the oldest; above 0: the oldest of that type; below 0: of the lowest type up to −type.
   *
   * Awaits: looks after 1, 2, 4, 8 and then every 10 ms. On timeout or abort nothing was taken. If this process dies, what it
   * has taken is gone.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason
   * @throws {FileNotFoundError} EIDRM: it was removed, also while waiting
   * @throws {SystemCallError} EACCES: this user may not read from it
   * @example
   * const queue = new MessageQueue('private')
   * await queue.send('a', 5)
   * await queue.send('b', 4)
   * assert.equal((await queue.receive(4)).type, 4)
   * assert.equal((await queue.receive()).type, 5)
   * await assert.rejects(queue.receive(0, { timeout: 10 }), TimeoutError)
   * queue.remove()
   */
  async receive(type: number = 0, options?: WaitOptions): Promise<{ type: number; data: Uint8Array }> {
    return this.#receivers.until('MessageQueue.receive()', this.#receiving(type), options)
  }

  /**
   * The same, blocking this thread: asleep in the kernel between looks, which come as for receive().
   *
   * @throws {TimeoutError} {FileNotFoundError} {SystemCallError} as receive()
   * @example
   * const queue = new MessageQueue('private')
   * assert.throws(() => queue.receiveSync(0, { timeout: 10 }), TimeoutError)
   * queue.remove()
   */
  receiveSync(type: number = 0, options?: SyncWaitOptions): { type: number; data: Uint8Array } {
    return untilSync('MessageQueue.receiveSync()', this.#receiving(type), options)
  }

  #receiving(type: number): () => { type: number; data: Uint8Array } | typeof NONE {
    checkCount('type', type, Number.MIN_SAFE_INTEGER)
    return () => this.#explained(() => receiveNow(this.id, type)) ?? NONE
  }

  /**
   * How full it is, and who used it last (pid 0: nobody yet). `bytes` and `maxBytes` count what the messages hold.
   *
   * @throws {FileNotFoundError} EIDRM: it was removed
   * @throws {SystemCallError} EACCES: this user may not read from it
   * @example
   * const queue = new MessageQueue('private')
   * queue.sendSync('four')
   * const { messages, bytes, lastSendPid } = queue.stat()
   * assert.deepEqual([messages, bytes, lastSendPid], [1, 4, process.pid])
   * queue.remove()
   */
  stat(): MessageQueueState {
    return this.#explained(() => queueState(this.id))
  }

  /**
   * Removes it, for everybody, with what is in it. Whoever waits there fails: FileNotFoundError here, EIDRM in other programs.
   *
   * @throws {FileNotFoundError} EIDRM: it was removed before
   * @throws {SystemCallError} EPERM: it is another user's
   * @example
   * const queue = new MessageQueue('private')
   * queue.remove()
   * assert.throws(() => queue.stat(), FileNotFoundError)
   */
  remove(): void {
    this.#explained(() => removeQueue(this.id))
  }

  [inspect.custom](): string {
    return `MessageQueue { id: ${this.id} }`
  }

  #explained<T>(call: () => T, size?: number): T {
    return explained(call, () => meaningsOf(this.#name, this.id === undefined, size))
  }
}

/** A queue that this process has not opened itself. */
export const queueOfId = (id: number): MessageQueue => MessageQueue[BY_ID](id)

/** What a key may be: 32 bits, with or without a sign, but for IPC_PRIVATE. */
function checkKey(key: unknown): number {
  if (key === 0) {
    throw new ArgumentRangeError(`Expected \`key\` to be another number than 0, which is IPC_PRIVATE; write 'private'`)
  }
  if (typeof key === 'string') {
    throw new ArgumentRangeError(
      `Expected \`key\` to be a number or 'private', got ${describe(key)}; System V has no names, agree on a number`,
    )
  }
  return checkCount('key', key, -(2 ** 31), 2 ** 32 - 1) >>> 0
}

function tooLarge(
  size: number,
  what: string,
  most: number,
  limit: 'msgmax' | 'msgmnb',
  cause?: ErrorOptions,
): ArgumentRangeError {
  const mend = `sysctl -w kernel.${limit}=…${limit === 'msgmnb' ? ', for queues made afterwards' : ''}`
  return new ArgumentRangeError(
    `Expected a message of at most ${most} bytes, which is all that ${what} takes (${limit}), got ${size}; send it in pieces, or raise the limit (${mend})`,
    cause,
  )
}

function meaningsOf(name: string, isOpening: boolean, size: number | undefined): Meanings {
  const removed = (cause: ErrorOptions) =>
    new FileNotFoundError(`Expected ${name} to exist, but it was removed (EIDRM); make it anew`, cause)
  const noRight = `this user has no right to ${name}: run as its owner, or make it with a wider \`mode\``
  return {
    ENOENT: cause =>
      new FileNotFoundError(
        `Expected ${name} to exist, but there is none (ENOENT); give \`create: true\`, or start who makes it first`,
        cause,
      ),
    EEXIST: cause =>
      new FileExistsError(
        `Expected no queue yet, but ${name} exists (EEXIST); leave out \`exclusive\`, or remove it (ipcrm -Q)`,
        cause,
      ),
    EIDRM: removed,
    ...(isOpening
      ? {}
      : {
          EINVAL: cause => {
            const most = queueLimit('msgmax')
            return size !== undefined && size > most
              ? tooLarge(size, 'the kernel', most, 'msgmax', cause)
              : removed(cause)
          },
        }),
    ENOSPC:
      'there are as many message queues as the system allows: remove some (ipcs -q, ipcrm -q), or raise kernel.msgmni',
    EACCES: noRight,
    EPERM: noRight,
  }
}
