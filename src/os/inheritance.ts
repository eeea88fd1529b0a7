/** What a process hands on to those it starts at that moment, and not later: rights, masks, priority. */
import { readFileSync } from 'node:fs'
import { getPriority } from 'node:os'

/** Lines of /proc/<pid>/status: whose process it is, what it may do, and where it may run. */
const LINES =
  /^(?:Umask|Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Cpus_allowed|Mems_allowed):/

/** A text that changes when what this thread hands on changes; to be compared, not to be read. */
export function inheritance(): string {
  const status = readFileSync('/proc/thread-self/status', 'utf8')
  return [...status.split('\n').filter(line => LINES.test(line)), getPriority()].join('\n')
}
