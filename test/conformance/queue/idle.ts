// Processor time of processes, as the kernel counts it.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Process } from 'multiproc'

/** Ticks (10 ms) of user and system time that each process uses within the next `ms`. */
export async function cpuTicks(processes: Process[], ms: number): Promise<number[]> {
  const before = processes.map(ticksOf)
  await sleep(ms)
  return processes.map((one, n) => ticksOf(one) - before[n])
}

/** Fields 14 and 15 of proc(5)'s stat, counted after the command, which may itself hold spaces and brackets. */
function ticksOf({ pid }: Process): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
