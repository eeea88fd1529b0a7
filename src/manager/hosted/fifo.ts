/** First in, first out, each step in the same time however many there are. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head > 1000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Puts an item in before the first one that is `after` it. */
  insert(item: T, after: (other: T) => boolean): void {
    let place = this.#head
    while (place < this.#items.length && !after(this.#items[place] as T)) place++
    if (place === this.#head && this.#head > 0) this.#items[--this.#head] = item
    else this.#items.splice(place, 0, item)
  }

  clear(): T[] {
    const items = this.#items.slice(this.#head) as T[]
    this.#items = []
    this.#head = 0
    return items
  }
}
