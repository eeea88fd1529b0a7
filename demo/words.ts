/**
 * How often each word occurs: a table from words (1 to 64 letters a–z) to counts that works on bytes.
 *
 * A census meets millions of words and few different ones, so the common case, a word seen before, makes no string.
 * The table travels as three typed arrays (`pack`), which the queue sends without encoding them one by one.
 */

/** Longer runs of letters are not words but data (base64, DNA); they are left out of the table. */
export const LONGEST_WORD = 64

/** A table as it travels: all letters one after the other, the length of each word, its count. */
export interface PackedWords {
  letters: Uint8Array
  lengths: Uint8Array
  counts: Float64Array
}

export const HASH_START = 0x811c9dc5 | 0

/** One step of FNV-1a: whoever reads letters one by one can hash them on the way. */
export function hashStep(hash: number, letter: number): number {
  return Math.imul(hash ^ letter, 0x01000193)
}

export class WordTable {
  /** Open addressing: the number of an entry plus one, or 0 for free. Its length is a power of two. */
  #slots = new Int32Array(4096)
  #size = 0
  /** Entry i: its letters begin at starts[i] and are lengths[i] many. */
  #hashes = new Int32Array(2048)
  #starts = new Int32Array(2048)
  #lengths = new Uint8Array(2048)
  #counts = new Float64Array(2048)
  #letters = new Uint8Array(16384)
  #used = 0

  /** How many different words. */
  get size(): number {
    return this.#size
  }

  /** Counts the word in word[from … from + length) `times` more; `hash` is hashStep over its letters. */
  add(word: Uint8Array, from: number, length: number, hash: number, times: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (hash ^ (hash >>> 15)) & mask
    for (let entry = slots[slot]; entry !== 0; entry = slots[slot]) {
      if (this.#hashes[entry - 1] === hash && this.#isWord(entry - 1, word, from, length)) {
        this.#counts[entry - 1] += times
        return
      }
      slot = (slot + 1) & mask
    }
    slots[slot] = this.#append(word, from, length, hash, times) + 1
    if (this.#size * 2 > slots.length) this.#rehash(slots.length * 4)
  }

  /** Adds every count of a packed table to this one. */
  merge(packed: PackedWords): void {
    const { letters, lengths, counts } = packed
    let from = 0
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i]
      let hash = HASH_START
      for (let k = from; k < from + length; k++) hash = hashStep(hash, letters[k])
      this.add(letters, from, length, hash, counts[i])
      from += length
    }
  }

  pack(): PackedWords {
    return {
      letters: this.#letters.slice(0, this.#used),
      lengths: this.#lengths.slice(0, this.#size),
      counts: this.#counts.slice(0, this.#size),
    }
  }

  /** Every word that occurs at least `least` times, with its count, in the order first met. */
  *entries(least = 1): Generator<[word: string, count: number]> {
    const decoder = new TextDecoder('latin1')
    for (let i = 0; i < this.#size; i++) {
      if (this.#counts[i] < least) continue
      const from = this.#starts[i]
      yield [decoder.decode(this.#letters.subarray(from, from + this.#lengths[i])), this.#counts[i]]
    }
  }

  /** The commonest words, commonest first; equally common ones by the alphabet, so that the answer is always the same. */
  top(n: number): [word: string, count: number][] {
    if (n === 0 || this.#size === 0) return []
    // Strings are made only of words common enough to be among the n.
    const counts = this.#counts.slice(0, this.#size).sort()
    const least = counts[Math.max(0, counts.length - n)]
    const common = [...this.entries(least)].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    return common.slice(0, n)
  }

  /** Forgets every word, but keeps the room they took: a worker uses one table for unit after unit. */
  clear(): void {
    this.#slots.fill(0)
    this.#size = 0
    this.#used = 0
  }

  #isWord(entry: number, word: Uint8Array, from: number, length: number): boolean {
    if (this.#lengths[entry] !== length) return false
    const letters = this.#letters
    const start = this.#starts[entry]
    for (let k = 0; k < length; k++) if (letters[start + k] !== word[from + k]) return false
    return true
  }

  #append(word: Uint8Array, from: number, length: number, hash: number, times: number): number {
    const entry = this.#size
    if (entry === this.#hashes.length) this.#growEntries()
    while (this.#used + length > this.#letters.length) this.#letters = doubled(this.#letters)
    // A loop, not set(subarray()): for a handful of bytes the two calls cost more than the copying.
    for (let k = 0; k < length; k++) this.#letters[this.#used + k] = word[from + k]
    this.#hashes[entry] = hash
    this.#starts[entry] = this.#used
    this.#lengths[entry] = length
    this.#counts[entry] = times
    this.#used += length
    this.#size = entry + 1
    return entry
  }

  #growEntries(): void {
    this.#hashes = doubled(this.#hashes)
    this.#starts = doubled(this.#starts)
    this.#lengths = doubled(this.#lengths)
    this.#counts = doubled(this.#counts)
  }

  #rehash(length: number): void {
    const slots = new Int32Array(length)
    for (let i = 0; i < this.#size; i++) {
      const hash = this.#hashes[i]
      let slot = (hash ^ (hash >>> 15)) & (length - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (length - 1)
      slots[slot] = i + 1
    }
    this.#slots = slots
  }
}

function doubled<A extends Int32Array | Uint8Array | Float64Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(array.length * 2)
  larger.set(array)
  return larger
}
