/**
 * The objects a writer has met: in the memo at their number, or still being written.
 *
 * Few objects are found by looking through a list, which is quicker than a Map and costs nothing to begin with.
 */

const FEW = 12

/** Not met yet. */
export const NEW = -1

export class Met {
  /** How many objects are in the memo. */
  memoized = 0
  readonly #objects: object[] = []
  readonly #states: number[] = []
  #many: Map<object, number> | undefined

  /** From 0 up: its place in the memo; below -1: it was begun when so many were in the memo (-2 - state). */
  stateOf(object: object): number {
    if (this.#many !== undefined) return this.#many.get(object) ?? NEW
    const at = this.#objects.indexOf(object)
    return at < 0 ? NEW : this.#states[at]
  }

  /** Gives an object that was not met yet the next place in the memo. */
  memoizeNew(object: object): void {
    this.#add(object, this.memoized++)
  }

  /** Gives an object that was begun the next place in the memo. */
  memoize(object: object): void {
    this.#set(object, this.memoized++)
  }

  /** Notes that an object that was not met yet is being written, which gets its place in the memo only afterwards. */
  beginNew(object: object): void {
    this.#add(object, -2 - this.memoized)
  }

  /** The same for one that is being written already: it is in itself. */
  begin(object: object): void {
    this.#set(object, -2 - this.memoized)
  }

  #set(object: object, state: number): void {
    if (this.#many !== undefined) {
      this.#many.set(object, state)
      return
    }
    const at = this.#objects.indexOf(object)
    if (at >= 0) this.#states[at] = state
    else this.#add(object, state)
  }

  #add(object: object, state: number): void {
    if (this.#many !== undefined) this.#many.set(object, state)
    else if (this.#objects.length < FEW) {
      this.#objects.push(object)
      this.#states.push(state)
    } else {
      this.#many = new Map(this.#objects.map((object, i) => [object, this.#states[i]]))
      this.#many.set(object, state)
    }
  }

  clear(): void {
    this.memoized = 0
    this.#objects.length = 0
    this.#states.length = 0
    this.#many = undefined
  }
}
