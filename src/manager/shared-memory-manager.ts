/** SharedMemoryManager: blocks of shared memory that are removed when their manager ends. */
import { fileNameOf, unlinkNamed } from '../os/shared-file.ts'
import { ShareableList } from '../shared/shareable-list.ts'
import { SharedMemory } from '../shared/shared-memory.ts'
import { BaseManager, HAS_SEGMENTS, REQUEST } from './base-manager.ts'

/**
 * Makes blocks of SharedMemory and ShareableLists, and removes them in the end: nobody has to call unlink(). As in Python the blocks
 * are made by the program that asks, at once and on its machine; the server only remembers their names.
 *
 * Nothing here waits but for the server's answer, some microseconds; from elsewhere as long as the network takes.
 *
 * shutdown() removes all of them, and so does the end of the process that started it, unless that is killed. If the server is
 * killed, they are removed when that process ends. If both are killed at the same moment, blocks that were made here are removed by
 * others of this family who have them, as SharedMemory says; names of others stay in /dev/shm. Who has a block open keeps the memory.
 *
 * Python's SharedMemoryManager can connect() to it, and it to Python's.
 *
 * @throws {OutOfSharedMemoryError} {ArgumentRangeError} {ArgumentTypeError} as SharedMemory and ShareableList
 * @throws {InvalidStateError} before start() or connect() · {WorkerDiedError} when the server has ended: then no block was made
 * @example
 * await using manager = new SharedMemoryManager()
 * await manager.start()
 * const block = await manager.SharedMemory(1024)
 * const list = await manager.ShareableList([1, 'two', 3.5])
 * block.buf[0] = 7
 * assert.deepEqual([...new ShareableList(null, { name: list.shm.name })], [1, 'two', 3.5])
 * await manager.shutdown()
 * assert.throws(() => new SharedMemory({ name: block.name }), FileNotFoundError)
 */
export class SharedMemoryManager extends BaseManager {
  static override readonly [HAS_SEGMENTS]: boolean = true

  readonly #names = new Set<string>()
  readonly #own = {
    unlink: () => {
      for (const name of this.#names) unlinkNamed(fileNameOf(name))
      this.#names.clear()
      answering.delete(this.#own)
      if (answering.size === 0) process.off('exit', unlinkAll)
    },
  }

  /** A new block of `size` bytes. */
  async SharedMemory(size: number): Promise<SharedMemory> {
    const block = new SharedMemory({ create: true, size, track: this.#answers })
    await this.#keep(block)
    return block
  }

  /** A new list, which may be attached by `list.shm.name`. */
  async ShareableList<T = unknown>(items: Iterable<T>): Promise<ShareableList<T>> {
    const list = new ShareableList(items, { track: this.#answers })
    await this.#keep(list.shm)
    return list
  }

  /** The process that started it answers for the blocks, too; one that is only connected does not. */
  get #answers(): boolean {
    return this.pid !== undefined
  }

  async #keep(block: SharedMemory): Promise<void> {
    try {
      await this[REQUEST]('track_segment', block.name)
    } catch (error) {
      block.unlink()
      block.close()
      throw error
    }
    if (!this.#answers) return
    this.#names.add(block.name)
    if (answering.size === 0) process.on('exit', unlinkAll)
    answering.add(this.#own)
  }

  override async shutdown(): Promise<void> {
    await super.shutdown()
    this.#own.unlink() // a server that was killed has left them
  }
}

/** Those that this process started, and that made something. */
const answering = new Set<{ unlink(): void }>()

function unlinkAll(): void {
  for (const manager of answering) manager.unlink()
}
