/** What messages are cut from and written to: bytes both ways (or one way), in order. */

/** The answer of `read` when there is nothing now. */
export const NOTHING = -1

export interface ByteStream {
  readonly readable: boolean
  readonly writable: boolean
  /** What a blocking operation needs; undefined: this stream has no blocking forms. */
  readonly blocking: Blocking | undefined
  /** Called from the event loop when there may be something to read, or the end, while watch(true) holds. */
  onReadable: () => void
  /** Waiting for it keeps nobody alive. */
  background: boolean
  /** How many bytes came into `into`: 0 is the end, NOTHING nothing now. Throws BrokenPipeError when the connection failed. */
  read(into: Uint8Array): number
  /** Somebody waits for something to read (and keeps this thread alive), or nobody does. */
  watch(wanted: boolean): void
  /** From here on who waits for it keeps no thread alive. */
  unref(): void
  /** How many bytes were taken: perhaps none. Throws BrokenPipeError. */
  write(bytes: Uint8Array): number
  /** Takes all of the bytes, and says when they are written. Until then they must not change, and nobody else may write. */
  finish(bytes: Uint8Array, done: (error: Error | undefined) => void): void
  fileno(): number
  /** The process that made the other end; null where nobody can tell. */
  peerPid(): number | null
  /** The other side ended without having read all that was sent to it. */
  readonly leftUnread: boolean
  close(): void
}

/** Sleeps in the kernel; false at the end of `ms`, and now and then before it. */
export interface Blocking {
  untilReadable(ms: number): boolean
  untilWritable(ms: number): boolean
}
