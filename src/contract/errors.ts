/**
 * Every error this package throws, one line each.
 *
 * Match on `error.code`, or by `instanceof`: both also work when two copies of the package meet in one program,
 * and `error instanceof MultiprocError` is true for the two that are a TypeError and a RangeError as well.
 */

const BRAND: unique symbol = Symbol.for('multiproc.error')

/** Every error of this package; use it to tell ours from the others. */
export class MultiprocError extends Error {
  static readonly code: string = 'ERR_MULTIPROC'
  readonly code: string

  constructor(message?: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = new.target.code // match on this: names do not survive a minifier
  }

  get [BRAND](): boolean {
    return true
  }

  // biome-ignore-start lint/complexity/noThisInStatic: the class that is asked, which may be a subclass
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    if (typeof value !== 'object' || value === null || !(BRAND in value)) return false
    // a class that inherits its code (a user's own subclass) has nothing to be recognised by across copies
    return this === MultiprocError || (Object.hasOwn(this, 'code') && (value as MultiprocError).code === this.code)
  }
  // biome-ignore-end lint/complexity/noThisInStatic: the class that is asked, which may be a subclass
}

/** The timeout passed: nothing was taken, nothing was lost. */
export class TimeoutError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_TIMEOUT'
}
/** getNowait() on an empty queue. */
export class EmptyError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_EMPTY'
}
/** putNowait() on a full queue. */
export class FullError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_FULL'
}
/** put or get on a queue that was shut down. */
export class ShutDownError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_SHUT_DOWN'
}
/** recv: every other end is closed, or its holders died, and nothing is left. */
export class EOFError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_EOF'
}
/** send: nobody holds the other end. recv over a socket: it ended in the middle of a message, or failed. */
export class BrokenPipeError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_BROKEN_PIPE'
}
/** The barrier was broken: by a timeout, an abort, a reset or a death. */
export class BrokenBarrierError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_BROKEN_BARRIER'
}
/** The other side does not know the authkey. */
export class AuthenticationError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_AUTHENTICATION'
}
/** Thrown in another process: `cause` is the original error with its stack. */
export class RemoteError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_REMOTE'
}
/** There is no shared memory left for what was asked. */
export class OutOfSharedMemoryError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_OUT_OF_SHARED_MEMORY'
}
/** This cannot work on this system; the message says what is missing. */
export class UnsupportedPlatformError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_UNSUPPORTED_PLATFORM'
}
/** Use after close(). */
export class ClosedError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_CLOSED'
}
/** Not now: started twice, released without being held … */
export class InvalidStateError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_INVALID_STATE'
}
/** There is a block of that name already. */
export class FileExistsError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_FILE_EXISTS'
}
/** There is no block of that name, or not any more. */
export class FileNotFoundError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_FILE_NOT_FOUND'
}
/** A function that another process cannot find. */
export class InvalidTargetError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_INVALID_TARGET'
}

/** recvBytesInto: the buffer is too short. The whole message is attached, and the connection stays in step. */
export class BufferTooShortError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_BUFFER_TOO_SHORT'
  readonly data: Uint8Array

  constructor(message?: string, options?: ErrorOptions & { data?: Uint8Array }) {
    super(message, options)
    this.data = options?.data ?? new Uint8Array()
  }
}

/** A value that cannot travel. `path` names the part of it, as in `items[3].callback`; the root is `value`. */
export class NotSerializableError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_NOT_SERIALIZABLE'
  readonly path: string

  constructor(message?: string, options?: ErrorOptions & { path?: string }) {
    super(message, options)
    this.path = options?.path ?? 'value'
  }
}

/** What is known of a death. */
export interface Death {
  exitCode?: number | null
  signal?: string | null
  pid?: number | null
  target?: string | null
  index?: number | null
  stderr?: string
}

/** A process died doing what was asked of it. `exitCode` is negative when a signal ended it, null when nobody knows. */
export class WorkerDiedError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_WORKER_DIED'
  readonly exitCode: number | null
  /** The name of the signal that ended it, as in 'SIGKILL'; null: none did. */
  readonly signal: string | null
  readonly pid: number | null
  /** The name of the function it was running; null: none. */
  readonly target: string | null
  /** Which task of its call that was: the place of its item in a `map`; null: the only one. */
  readonly index: number | null
  /** The last lines that it wrote to stderr. */
  readonly stderr: string

  constructor(message?: string, options?: ErrorOptions & Death) {
    super(message, options)
    this.exitCode = options?.exitCode ?? null
    this.signal = options?.signal ?? null
    this.pid = options?.pid ?? null
    this.target = options?.target ?? null
    this.index = options?.index ?? null
    this.stderr = options?.stderr ?? ''
  }
}

/** Bytes that are no pickle, or a larger or deeper one than is allowed. `offset`: how far they were read. */
export class UnpicklingError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_UNPICKLING'
  readonly offset: number

  constructor(message?: string, options?: ErrorOptions & { offset?: number }) {
    super(message, options)
    this.offset = options?.offset ?? 0
  }
}

/** An argument of the wrong kind; also a TypeError. */
export class ArgumentTypeError extends TypeError {
  readonly code: string = 'ERR_MULTIPROC_ARGUMENT_TYPE'
  override readonly name = 'ArgumentTypeError'
  get [BRAND](): boolean {
    return true
  }
}

/** An argument of the right kind and the wrong size; also a RangeError. */
export class ArgumentRangeError extends RangeError {
  readonly code: string = 'ERR_MULTIPROC_ARGUMENT_RANGE'
  override readonly name = 'ArgumentRangeError'
  get [BRAND](): boolean {
    return true
  }
}
