// What the kernel says in /proc of a process (/proc/<pid>) or of a thread of this one (/proc/self/task/<tid>).
import { readFileSync } from 'node:fs'

/** Fields from the third on: they follow the command, which may itself hold spaces and brackets. */
function fieldsOf(task: string): string[] {
  const text = readFileSync(`${task}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** 'R' running, 'S' asleep, 'T' stopped by a signal, 'Z' ended … */
export const stateOf = (task: string): string => fieldsOf(task)[0]

/** User and system time in ticks of 10 ms. */
export function ticksOf(task: string): number {
  const fields = fieldsOf(task)
  return Number(fields[11]) + Number(fields[12])
}
