// A set of rows of 32-bit numbers, each with a number of its own from 0 up: how the checker keeps tens of millions of states.

const ROWS_PER_CHUNK = 1 << 14
/** One odd number for each column, so that it matters where a value stands. */
const FACTORS = Int32Array.from(
  { length: 256 },
  (_, k) => (Math.imul(k + 1, 0x9e3779b1) ^ Math.imul(k + 7, 0x85ebca6b)) | 1,
)

export class Rows {
  readonly width: number
  count = 0
  /** Columns from this one on are 0 in all rows so far: they are not looked at. */
  live: number
  readonly #key: number
  readonly #chunks: Int32Array[] = []
  /** Open addressing: the number of a row plus one, 0 where nothing is. At most half full. */
  #slots = new Int32Array(1 << 12)
  /** By the number of a row: what a larger table is filled by, and what most rows that are not meant differ in. */
  #hashes = new Int32Array(1 << 11)

  /** The first `key` columns make a row what it is; the others keep what the first row with that key came with. */
  constructor(width: number, key = width) {
    this.width = width
    this.live = width
    this.#key = key
  }

  /** The number of the row with this key: the next number, and `count` is one more, if it is new. */
  intern(row: Int32Array): number {
    if (this.count * 2 >= this.#slots.length) this.#grow()
    const hash = this.#hash(row)
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const known = this.#slots[slot] - 1
      if (this.#hashes[known] === hash && this.#equals(known, row)) return known
    }
    const index = this.count++
    this.#slots[slot] = index + 1
    this.#hashes[index] = hash
    if (index % ROWS_PER_CHUNK === 0) this.#chunks.push(new Int32Array(ROWS_PER_CHUNK * this.width))
    const chunk = this.#chunks[this.#chunks.length - 1]
    const at = (index % ROWS_PER_CHUNK) * this.width
    for (let k = 0; k < this.live; k++) chunk[at + k] = row[k]
    return index
  }

  read(index: number, into: Int32Array): void {
    const chunk = this.#chunks[Math.floor(index / ROWS_PER_CHUNK)]
    const at = (index % ROWS_PER_CHUNK) * this.width
    for (let k = 0; k < this.live; k++) into[k] = chunk[at + k]
  }

  #hash(row: Int32Array): number {
    // a column that is 0 adds nothing, so that the hash stays what it is when more columns come to life
    let hash = 0
    const end = Math.min(this.#key, this.live)
    for (let k = 0; k < end; k++) {
      const value = row[k]
      hash = (hash + Math.imul(value ^ (value >>> 15), FACTORS[k % FACTORS.length])) | 0
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
    return hash ^ (hash >>> 15)
  }

  #equals(index: number, row: Int32Array): boolean {
    const chunk = this.#chunks[Math.floor(index / ROWS_PER_CHUNK)]
    const at = (index % ROWS_PER_CHUNK) * this.width
    const end = Math.min(this.#key, this.live)
    for (let k = 0; k < end; k++) if (chunk[at + k] !== row[k]) return false
    return true
  }

  #grow(): void {
    const hashes = new Int32Array(this.#slots.length * 2)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    this.#slots = new Int32Array(this.#slots.length * 4)
    const mask = this.#slots.length - 1
    for (let index = 0; index < this.count; index++) {
      let slot = hashes[index] & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = index + 1
    }
  }
}
