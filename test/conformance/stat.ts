// What the kernel says of a process in /proc/<pid>/stat.
import { readFileSync } from 'node:fs'

/** Fields from the third on: they follow the command, which may itself hold spaces and brackets. */
function fieldsOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** 'R' running, 'S' asleep, 'T' stopped by a signal, 'Z' ended … */
export const stateOf = (pid: number): string => fieldsOf(pid)[0]

/** User and system time in ticks of 10 ms. */
export function ticksOf(pid: number): number {
  const fields = fieldsOf(pid)
  return Number(fields[11]) + Number(fields[12])
}
