/**
 * The objects met so far in one message, each with its number: how a cycle or a shared object is noticed.
 *
 * Small values are the common ones, and for few objects comparing beats hashing (a hash must first be made for each),
 * so the first ones stand in a list. The rest are in a Set, which remembers the order: one look-up for each new object,
 * where a Map would need two. Numbers are only made when the first object is met again.
 */

const LISTED = 16

export class Seen {
  count = 0
  readonly #listed: (object | null)[] = new Array(LISTED).fill(null)
  #rest = new Set<object>()
  #numbers: Map<object, number> | undefined

  /** The number of `value` if it was met before; otherwise it is given the next number, and -1 comes back. */
  meet(value: object): number {
    const count = this.count
    const listed = this.#listed
    if (count < LISTED) {
      for (let i = 0; i < count; i++) if (listed[i] === value) return i
      listed[count] = value
    } else {
      for (let i = 0; i < LISTED; i++) if (listed[i] === value) return i
      this.#rest.add(value)
      if (this.#rest.size === count - LISTED) return this.#numberOf(value)
      this.#numbers?.set(value, count)
    }
    this.count = count + 1
    return -1
  }

  #numberOf(value: object): number {
    if (this.#numbers === undefined) {
      this.#numbers = new Map()
      let number = LISTED
      for (const object of this.#rest) this.#numbers.set(object, number++)
    }
    return this.#numbers.get(value)!
  }

  /** Lets go of every object. */
  clear(): void {
    const listed = this.#listed
    if (this.count > LISTED) {
      this.#rest = new Set()
      this.#numbers = undefined
      this.count = LISTED
    }
    for (let i = this.count; i-- > 0; ) listed[i] = null
    this.count = 0
  }
}
