/**
 * What becomes of daemons when this process ends by itself: SIGTERM, a moment to tidy up, SIGKILL. When this process is
 * killed there is no such moment: then the kernel kills them (os/prctl.ts, asked for by the bootstrap).
 */
import type { Child } from './start-method.ts'

/** How long a daemon may take to end after SIGTERM: this process cannot end before. */
const GRACE_MS = 1000
/** What is killed ends at once, unless the kernel itself is stuck; nobody waits for that. */
const KILLED_MS = 1000

const daemons = new Set<Child>()
let hooked = false

/** Remembers a daemon until it ends. */
export function endWithThisProcess(daemon: Child): void {
  daemons.add(daemon)
  daemon.onEnd(() => daemons.delete(daemon))
  if (hooked) return
  hooked = true
  process.on('exit', () => {
    signalAndWait('SIGTERM', GRACE_MS)
    signalAndWait('SIGKILL', KILLED_MS)
  })
}

function signalAndWait(name: NodeJS.Signals, limitMs: number): void {
  const running = [...daemons].filter(daemon => !daemon.hasEnded())
  for (const daemon of running) daemon.signal(name)
  const deadline = performance.now() + limitMs
  for (const daemon of running) {
    while (!daemon.hasEnded()) {
      const left = deadline - performance.now()
      if (left <= 0) return
      daemon.sleep(left)
    }
  }
}
