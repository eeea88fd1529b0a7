// Processes of the package that a test starts: none outlives it.
import { ClosedError, type Process } from 'multiproc'

/** ms: what was killed ends sooner; nothing depends on how long it takes. */
const LIMIT = 60_000

/** Starts the child, and ends it with the test. */
export function launched<A extends unknown[]>(
  t: { after(end: () => Promise<void>): void },
  child: Process<A>,
): Process<A> {
  child.start()
  t.after(async () => {
    try {
      child.kill()
      await child.join({ timeout: LIMIT })
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error // the test itself has closed it
    }
  })
  return child
}
