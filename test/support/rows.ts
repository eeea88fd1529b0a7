// A set of rows of 32-bit numbers, each with a number of its own from 0 up: how the checker keeps tens of millions of states.

const ROWS_PER_CHUNK = 1 << 14

export class Rows {
  readonly width: number
  count = 0
  readonly #key: number
  readonly #chunks: Int32Array[] = []
  /** Open addressing: the number of a row plus one, 0 where nothing is. At most half full. */
  #slots = new Int32Array(1 << 12)

  /** The first `key` columns make a row what it is; the others keep what the first row with that key came with. */
  constructor(width: number, key = width) {
    this.width = width
    this.#key = key
  }

  /** The number of the row with this key: the next number, and `count` is one more, if it is new. */
  intern(row: Int32Array): number {
    if (this.count * 2 >= this.#slots.length) this.#grow()
    const slot = this.#slotOf(row, 0)
    if (this.#slots[slot] !== 0) return this.#slots[slot] - 1
    const index = this.count++
    this.#slots[slot] = index + 1
    if (index % ROWS_PER_CHUNK === 0) this.#chunks.push(new Int32Array(ROWS_PER_CHUNK * this.width))
    const chunk = this.#chunks[this.#chunks.length - 1]
    const at = (index % ROWS_PER_CHUNK) * this.width
    for (let k = 0; k < this.width; k++) chunk[at + k] = row[k]
    return index
  }

  read(index: number, into: Int32Array): void {
    const chunk = this.#chunks[Math.floor(index / ROWS_PER_CHUNK)]
    const at = (index % ROWS_PER_CHUNK) * this.width
    for (let k = 0; k < this.width; k++) into[k] = chunk[at + k]
  }

  /** The slot of the row that starts at `from` in `source`: where it is, or where it would go. */
  #slotOf(source: Int32Array, from: number): number {
    let hash = 0
    for (let k = 0; k < this.#key; k++) {
      hash = Math.imul(hash ^ source[from + k], 0x9e3779b1)
      hash ^= hash >>> 15
    }
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== 0 && !this.#equals(this.#slots[slot] - 1, source, from)) slot = (slot + 1) & mask
    return slot
  }

  #equals(index: number, source: Int32Array, from: number): boolean {
    const chunk = this.#chunks[Math.floor(index / ROWS_PER_CHUNK)]
    const at = (index % ROWS_PER_CHUNK) * this.width
    for (let k = 0; k < this.#key; k++) if (chunk[at + k] !== source[from + k]) return false
    return true
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 4)
    for (let index = 0; index < this.count; index++) {
      const chunk = this.#chunks[Math.floor(index / ROWS_PER_CHUNK)]
      this.#slots[this.#slotOf(chunk, (index % ROWS_PER_CHUNK) * this.width)] = index + 1
    }
  }
}
