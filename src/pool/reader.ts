/** Reads an iterable, or an async one, as long as there is room for what comes of it. */

export interface Sink {
  /** There is room for another item. */
  mayRead(): boolean
  accept(item: unknown): void
  /** There is no more, or the input failed. Called once, and not after stop(). */
  end(failure: { error: unknown } | undefined): void
}

type Step = IteratorResult<unknown>

export class Reader {
  readonly #input: Iterator<unknown> | AsyncIterator<unknown>
  readonly #sink: Sink
  #reading = false
  #over = false

  constructor(input: Iterator<unknown> | AsyncIterator<unknown>, sink: Sink) {
    this.#input = input
    this.#sink = sink
  }

  /** Reads on, if it is not at it. */
  read(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      while (!this.#over && this.#sink.mayRead()) {
        const step = this.#input.next() as Step | PromiseLike<Step>
        if (typeof (step as PromiseLike<Step>)?.then === 'function') {
          void this.#readLater(step as PromiseLike<Step>)
          return
        }
        this.#take(step as Step)
      }
    } catch (error) {
      this.#end({ error })
    }
    this.#reading = false
  }

  async #readLater(first: PromiseLike<Step>): Promise<void> {
    try {
      for (let step: PromiseLike<Step> | undefined = first; step !== undefined; ) {
        this.#take(await step)
        const goesOn: boolean = !this.#over && this.#sink.mayRead()
        step = goesOn ? (this.#input.next() as PromiseLike<Step>) : undefined
      }
    } catch (error) {
      this.#end({ error })
    }
    this.#reading = false
    this.read() // there may be room by now
  }

  #take(step: Step): void {
    if (this.#over) return
    if (step.done) this.#end(undefined)
    else this.#sink.accept(step.value)
  }

  #end(failure: { error: unknown } | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#sink.end(failure)
  }

  /** No more is wanted; the input is told. */
  stop(): void {
    if (this.#over) return
    this.#over = true
    try {
      const left = this.#input.return?.() as PromiseLike<unknown> | undefined
      if (typeof left?.then === 'function') left.then(undefined, () => {})
    } catch {
      // an iterator that cannot be left: nobody is there to hear it
    }
  }
}
