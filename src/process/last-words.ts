/**
 * What a child writes to its standard error, passed on to this process's own, and its last lines kept: for whoever has to say
 * why it died. Also what V8 and the C library write when all is over goes this way.
 *
 * The pipe is made here; the child opens its writing end through /proc and puts it in the place of descriptor 2. So it is
 * the same for a child that was booted in advance. Reading does not keep the event loop alive.
 */
import { constants, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { endWithThread } from '../os/descriptor.ts'
import { oomKills } from '../os/oom.ts'
import { closeFd, createPipe } from '../os/pipe.ts'
import { enlargePipe, redirectStderr } from '../os/redirect.ts'

/** Kept of what was written last. */
const MOST_BYTES = 4096
const MOST_LINES = 20
/** Read at the end; a pipe holds no more of what the child wrote, but others that it has left behind may write on. */
const MOST_LEFT = 2 ** 20

/** Where the child finds the writing end. */
export interface StderrPlace {
  readonly pid: number
  readonly fd: number
  readonly inode: number
}

export class LastWords {
  readonly place: StderrPlace
  readonly #read: number
  #write: number
  readonly #socket: Socket
  #kept = ''
  readonly #killsBefore = oomKills()

  constructor() {
    const pipe = createPipe()
    enlargePipe(pipe.write)
    this.#read = pipe.read
    this.#write = endWithThread(pipe.write, constants.O_WRONLY | constants.O_NONBLOCK)
    this.place = { pid: process.pid, fd: this.#write, inode: pipe.inode }
    this.#socket = new Socket({ fd: pipe.read, readable: true, writable: false })
    this.#socket.on('data', (bytes: Buffer) => this.#add(bytes))
    this.#socket.on('error', () => {})
    this.#socket.unref()
  }

  #add(bytes: Uint8Array): void {
    process.stderr.write(bytes)
    this.#kept = (this.#kept + Buffer.from(bytes).toString()).slice(-MOST_BYTES)
  }

  /** The child has its own by now. */
  opened(): void {
    if (this.#write < 0) return
    closeFd(this.#write)
    this.#write = -1
  }

  /** The last lines; the child has ended, so there will be no more. */
  end(): string {
    this.opened()
    const buffer = Buffer.alloc(65536)
    try {
      // what the event loop has not brought yet; the pipe does not block
      for (let left = MOST_LEFT; left > 0; ) {
        const n = readSync(this.#read, buffer)
        if (n === 0) break
        this.#add(buffer.subarray(0, n))
        left -= n
      }
    } catch {
      // empty
    }
    this.#socket.destroy()
    return lastLines(this.#kept)
  }

  /** The kernel has ended somebody for want of memory since the child was started. */
  get sawOom(): boolean {
    const now = oomKills()
    return now !== undefined && this.#killsBefore !== undefined && now > this.#killsBefore
  }
}

export function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-MOST_LINES).join('\n')
}

/** In the child. False: its own stays as it is, and nobody keeps its last words. */
export function speakTo({ pid, fd, inode }: StderrPlace): boolean {
  return redirectStderr(pid, fd, inode)
}
