/** What acquire() gives. */
export interface Held extends Disposable {
  /**
   * Gives back what was acquired. Calling it again does nothing, so `using` and an early release go together.
   */
  release(): void
  /**
   * The last holder died holding it: what it guarded may be half-changed. It can become true while it is held: when
   * Condition.wait(), which gives the lock up and takes it again, got it from one that died.
   */
  readonly abandoned: boolean
}
