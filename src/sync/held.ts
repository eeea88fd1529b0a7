/** What acquire() gives. */
export interface Held extends Disposable {
  /**
   * Gives back what was acquired. Calling it again does nothing, so `using` and an early release go together.
   */
  release(): void
  /** The last holder died holding it: what it guarded may be half-changed. */
  readonly abandoned: boolean
}
