/** First in, first out, each step at either end in the same time however many there are. */
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

  /** Puts an item in before the first one that is `after` it, as all behind that one are. */
  insert(item: T, after: (other: T) => boolean): void {
    let place = this.#head
    for (let end = this.#items.length; place < end; ) {
      const middle = (place + end) >> 1
      if (after(this.#items[middle] as T)) end = middle
      else place = middle + 1
    }
    if (place > this.#head) this.#items.splice(place, 0, item)
    else {
      if (this.#head === 0) this.#makeRoom()
      this.#items[--this.#head] = item
    }
  }

  /** In front: as much as is behind it, so that many insertions do not move all of it each time. */
  #makeRoom(): void {
    this.#head = this.#items.length + 1
    this.#items = [...new Array<undefined>(this.#head), ...this.#items]
  }

  clear(): T[] {
    const items = this.#items.slice(this.#head) as T[]
    this.#items = []
    this.#head = 0
    return items
  }
}
