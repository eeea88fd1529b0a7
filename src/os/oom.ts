/** How many processes the kernel has ended for want of memory, on this machine or in this container, since it runs. */
import { readFileSync } from 'node:fs'

/** `undefined` where the kernel does not say (before 4.13, some sandboxes). */
export function oomKills(): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1]
    return count === undefined ? undefined : Number(count)
  } catch {
    return undefined
  }
}
