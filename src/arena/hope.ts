/**
 * Whether to look for a while before sleeping: it pays when the answer is microseconds away, for waking a process costs
 * more than that. It does not when nobody can answer meanwhile: because all cores are taken, the other side needs this
 * one. So looks that found what they looked for make for more looks, and those in vain for fewer.
 */

/** A look lasts this long, ms: waking an idle core costs as much. */
export const LOOK = 0.02
const MOST = 8
/** What a look that paid is worth, in looks in vain. */
const PAID = 2
/** Without hope one wait in so many looks all the same. */
const PROBE = 16

export class Hope {
  #level = MOST
  #waits = 0

  /** This wait shall look before it sleeps. */
  get looks(): boolean {
    return this.#level > 0 || ++this.#waits % PROBE === 0
  }

  /** The look found it. */
  paid(): void {
    this.#level = Math.min(MOST, this.#level + PAID)
  }

  /** It did not, in `took` ms. One that took many times as long as a look had its core taken away: others need it. */
  inVain(took: number): void {
    this.#level = took > 10 * LOOK ? 0 : Math.max(0, this.#level - 1)
  }
}
