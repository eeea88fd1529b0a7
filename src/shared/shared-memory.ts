/**
 * Named memory that any program can attach, by the names and rules of Python's shared_memory.SharedMemory. The bytes lie
 * in a file of /dev/shm (os/shared-file.ts), outside the session; what the session knows of it is its name
 * (memory-name.ts: how a block travels, and who takes its name away in the end).
 */
import { type InspectOptions, inspect } from 'node:util'
import type { Kind } from '../arena/kinds.ts'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  ClosedError,
  FileExistsError,
  FileNotFoundError,
  InvalidStateError,
} from '../contract/errors.ts'
import { checkCount, checkFlag, checkOptions, checkString, describe } from '../contract/options.ts'
import { SHAREABLE, type Shareable, type ShareRef } from '../contract/shareable.ts'
import { nodeCrypto } from '../os/crypto.ts'
import { fileNameOf, LONGEST_NAME, openNamed, type SharedFile, UnnamedFile, unlinkNamed } from '../os/shared-file.ts'
import { answerAtExit, checkName, describeName, KIND, MemoryName, takeNameAway } from './memory-name.ts'

export interface SharedMemoryOptions {
  /** Without slashes, up to 255 bytes; left out when creating: a random one, `psm_…`. */
  name?: string | null
  /** true: make a new block; false (default): attach one that is there. */
  create?: boolean
  /** Bytes of a new block. */
  size?: number
  /** true (default): a block made here is removed, with a warning, when its makers ended without unlink(). */
  track?: boolean
}

/**
 * A block of memory with a name, which any program on this machine can attach, in any language: it is a POSIX shared
 * memory object, as Python's multiprocessing.shared_memory makes and finds them.
 *
 * Nothing here waits. All memory of a new block is taken at once and is zero; it is `size` bytes on both sides, for its
 * owner only (mode 0600). It lives until unlink() was called and everybody has closed it.
 *
 * Sent to another process of the session it arrives attached. Attaching never makes this process answer for the name (in
 * Python before 3.13 it does); creating does, unless `track: false`: when the creator ends without unlink(), and nobody it
 * was sent to still has it, the name is removed and a line on stderr tells so. Send the object, not only its name, to
 * hand a block over.
 *
 * If a process dies: what it wrote is there, an element of up to 8 bytes whole. What it had created and not unlinked is
 * removed as above by its relatives; the name stays in /dev/shm when the last process of a session is killed. A file that
 * some program cuts short under its mappings ends those who read there, by SIGBUS: nobody here does.
 *
 * @param options `name`, `create`, `size` in bytes, `track`
 * @throws {FileExistsError} creating: the name is taken · {FileNotFoundError} attaching: there is none
 * @throws {OutOfSharedMemoryError} creating: /dev/shm is full
 * @throws {ArgumentRangeError} a name or size that cannot be · {ArgumentTypeError} no name to attach
 * @throws {InvalidStateError} attaching a block of 0 bytes: its creator, in another language, is not done with it
 * @example
 * using block = new SharedMemory({ create: true, size: 5 })
 * using same = new SharedMemory({ name: block.name })
 * block.buf.set([104, 111, 119, 100, 121])
 * assert.equal(Buffer.from(same.buf).toString(), 'howdy')
 * block.unlink()
 */
export class SharedMemory implements Shareable, Disposable {
  /** As given, or made up; without the slash that shm_open() puts before it. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly #inode: bigint
  #buffer: ArrayBuffer | undefined
  #travelling: MemoryName | undefined

  constructor(options: SharedMemoryOptions)
  /** @internal */
  constructor(arrived: MemoryName)
  constructor(given: SharedMemoryOptions | MemoryName) {
    if (given instanceof MemoryName) {
      this.name = given.name
      this.#travelling = given
    } else {
      const { name, size, track } = prepare(given)
      if (size !== undefined) {
        const file = new UnnamedFile(size)
        try {
          const made = create(this, name, file, track)
          this.name = made.name
          this.#travelling = made.travelling
        } finally {
          file.close()
        }
        this.size = size
        this.#inode = file.inode
        this.#buffer = file.mapping.buffer
        return
      }
      this.name = name as string
    }
    const { mapping, inode } = attach(this.name)
    if (given instanceof MemoryName && given.inode !== inode) throw missing(this.name, 'it is another one by now')
    this.size = mapping.length
    this.#inode = inode
    this.#buffer = mapping.buffer
  }

  /**
   * The bytes. A view that is kept after close() stays valid, and keeps the memory.
   *
   * @throws {ClosedError} after close()
   */
  get buf(): Uint8Array {
    return new Uint8Array(this.#open())
  }

  /** True after close() in this process. */
  get closed(): boolean {
    return this.#buffer === undefined
  }

  /** This process is done with the bytes. The name stays: see unlink(). Idempotent. */
  close(): void {
    this.#buffer = undefined
    this.#travelling?.close()
  }

  /**
   * Takes the name away: from here on nobody can attach it, and the memory goes when everybody who has it has closed it.
   * Once for each block, by any process, before or after close().
   *
   * @throws {FileNotFoundError} when it was done already
   */
  unlink(): void {
    if (!unlinkNamed(fileNameOf(this.name))) throw missing(this.name, 'it was unlinked already: do that once')
    if (this.#travelling?.closed !== false) return
    this.#travelling.unlinked()
    if (this.closed) this.#travelling.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @internal */
  [SHAREABLE](): ShareRef {
    this.#open()
    this.#travelling ??= MemoryName.make(fileNameOf(this.name), this.#inode, false, this, arrive)
    return this.#travelling[SHAREABLE]()
  }

  /** What util.inspect() and console.log() show. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `${this.constructor.name} ${inspect({ name: this.name, size: this.size, closed: this.closed }, options)}`
  }

  #open(): ArrayBuffer {
    if (this.#buffer !== undefined) return this.#buffer
    throw new ClosedError(
      `Expected open shared memory, but this process has called close() on ${JSON.stringify(this.name)}: keep it open as long as it is used`,
    )
  }
}

const arrive = (name: MemoryName): SharedMemory => new SharedMemory(name)

/** Checks everything before anything is made. With a size: to be created. */
function prepare(options: SharedMemoryOptions): { name: string | undefined; size: number | undefined; track: boolean } {
  if (options === undefined || options === null) {
    throw new ArgumentTypeError(
      `Expected an object of options, as in new SharedMemory({ create: true, size: 1024 }), got ${describe(options)}`,
    )
  }
  checkOptions('options', options, ['name', 'create', 'size', 'track'])
  const create = checkFlag('create', options.create, false)
  const track = checkFlag('track', options.track, true)
  const size = options.size === undefined ? undefined : checkCount('size', options.size)
  if (create && !size) {
    throw new ArgumentRangeError(`Expected \`size\` to be at least 1 byte for a new block, got ${describe(size)}`)
  }
  const name = options.name ?? undefined
  if (name !== undefined) checkMemoryName(name)
  else if (!create) {
    throw new ArgumentTypeError(
      'Expected `name` to be the name of a block to attach, got none; give `create: true` and a `size` to make a new one',
    )
  }
  return { name, size: create ? size : undefined, track }
}

function checkMemoryName(name: unknown): void {
  const file = fileNameOf(checkString('name', name))
  const bytes = Buffer.byteLength(file)
  if (bytes > 0 && bytes <= LONGEST_NAME && file !== '.' && file !== '..' && !/[/\0]/.test(file)) return
  throw new ArgumentRangeError(
    `Expected \`name\` to have 1 to ${LONGEST_NAME} bytes and neither NUL nor a slash but in front, got ${describe(name)}`,
  )
}

/** Gives the file its name, and who answers for it. */
function create(owner: SharedMemory, asked: string | undefined, file: UnnamedFile, track: boolean) {
  for (;;) {
    const name = asked ?? `psm_${nodeCrypto().randomBytes(4).toString('hex')}`
    const travelling = track ? MemoryName.make(fileNameOf(name), file.inode, true, owner, arrive) : undefined
    let baptised = false
    try {
      baptised = file.baptise(fileNameOf(name))
    } finally {
      if (!baptised) travelling?.abandon()
    }
    if (baptised) return { name, travelling }
    if (asked !== undefined) {
      throw new FileExistsError(
        `Expected the name ${JSON.stringify(name)} to be free, but there is shared memory of that name: attach it without \`create\`, or give another name, or none for a random one`,
      )
    }
  }
}

function attach(name: string): SharedFile {
  const file = openNamed(fileNameOf(name))
  if (file === undefined) throw missing(name, 'it was never made, or is unlinked')
  if (file !== 'empty') return file
  throw new InvalidStateError(
    `Expected shared memory ${JSON.stringify(name)} to have a size, but it has 0 bytes: its creator is not done with it, or died; try again, or unlink /dev/shm/${fileNameOf(name)}`,
  )
}

function missing(name: string, why: string): FileNotFoundError {
  return new FileNotFoundError(`Expected shared memory of the name ${JSON.stringify(name)}, but there is none: ${why}`)
}

export const sharedMemoryKind: Kind = {
  code: KIND,
  name: 'SharedMemory',
  open(adoption) {
    answerAtExit()
    return new MemoryName(adoption, arrive)
  },
  recover() {
    answerAtExit() // whoever comes to know of a name may be the last who does
    return true
  },
  takeApart: takeNameAway,
  check: checkName,
  describe: describeName,
}
