/** One who calls through the socket. */
import type { Caller } from '../hosted/hosted-type.ts'
import type { Owner } from './references.ts'

/**
 * A thread of a Python program, which has a connection of its own, or a program with this package and all of its connections. When
 * the last of these has ended it is gone, and gives back what it held.
 */
export class Visitor implements Caller {
  readonly label: string
  readonly pid: number | null
  /** To whom its references belong. */
  readonly owner: Owner
  readonly #undos = new Set<() => void>()
  #connections = 0

  constructor(label: string, pid: number | null, owner: Owner) {
    this.label = label
    this.pid = pid
    this.owner = owner
  }

  onGone(undo: () => void): () => void {
    this.#undos.add(undo)
    return () => this.#undos.delete(undo)
  }

  came(): void {
    this.#connections++
  }

  /** One of its connections has ended. True: that was the last. */
  left(): boolean {
    if (--this.#connections > 0) return false
    for (const undo of [...this.#undos]) undo()
    this.#undos.clear()
    return true
  }
}
