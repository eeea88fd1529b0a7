/**
 * A pipe in the event loop, so that nobody has to ask again and again: libuv watches a descriptor of our own, by way of a
 * net.Socket. It takes from the pipe only while somebody waits for it, one read of at most as many bytes as he wants: what
 * nobody has asked for stays in the pipe, for others who share the end.
 */
import { Socket } from 'node:net'
import { closeFd } from '../os/descriptor.ts'
import { type Direction, openAgain } from '../os/plain-pipe.ts'

type Ready = (error: Error | undefined, bytes: Uint8Array | undefined) => void

/** A reading or writing end as this thread uses it. Once it is `over`, make another. */
export class PipeSocket {
  /** Never blocks; for attempts that do not wait. Good until it is over. */
  readonly fd: number
  /** The most that one read takes; 0 for a writing end. */
  readonly size: number
  over = false
  readonly #socket: Socket
  #ready: Ready | undefined

  constructor(end: number, direction: Direction, size = 0) {
    this.fd = openAgain(end, direction)
    this.size = size
    try {
      this.#socket =
        direction === 'read' ? this.#reading(size) : new Socket({ fd: this.fd, readable: false, writable: true })
    } catch (error) {
      closeFd(this.fd)
      throw error
    }
    this.#socket.on('error', error => this.#end(error))
    this.#socket.on('close', () => this.#end(undefined))
  }

  #reading(size: number): Socket {
    const onread = {
      buffer: new Uint8Array(size),
      callback: (count: number, buffer: Uint8Array) => {
        this.#tell(undefined, buffer.slice(0, count))
        return this.#ready !== undefined // false stops it: nobody waits for more
      },
    }
    const socket = new Socket({ fd: this.fd, readable: true, writable: false, onread } as ConstructorParameters<
      typeof Socket
    >[0])
    socket.pause() // before it has looked
    socket.on('end', () => this.#end(undefined))
    return socket
  }

  /** Calls back once: with the bytes that came, without any at the end, with an error. */
  read(ready: Ready): void {
    this.#ready = ready
    this.#socket.resume()
  }

  /** Nobody waits any more. */
  stopReading(): void {
    this.#ready = undefined
    if (!this.over) this.#socket.pause()
  }

  /** Calls back when all is written, or nobody reads any more. */
  write(bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    this.#socket.write(bytes, error => done(error ?? undefined))
  }

  destroy(): void {
    this.over = true
    this.#ready = undefined
    this.#socket.destroy()
  }

  #tell(error: Error | undefined, bytes: Uint8Array | undefined): void {
    const ready = this.#ready
    this.#ready = undefined
    ready?.(error, bytes)
  }

  #end(error: Error | undefined): void {
    this.over = true
    this.#socket.destroy()
    this.#tell(error, undefined)
  }
}

/** The same as a stream, which reads ahead and closes its descriptor at its end. */
export function streamOf(end: number, direction: Direction): Socket {
  const fd = openAgain(end, direction)
  try {
    return new Socket({ fd, readable: direction === 'read', writable: direction === 'write' })
  } catch (error) {
    closeFd(fd)
    throw error
  }
}
