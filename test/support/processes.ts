// What is alive on this machine, read from /proc: found by an inherited environment variable, which an orphan keeps, or by what it holds open.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

/** What the kernel calls it, in lists of open files and of mapped ones. */
const SESSION_MEMORY = '/memfd:multiproc'

export interface LivingProcess {
  pid: number
  command: string
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it ended while we looked, or it is not ours to look at
  }
}

/** Fields of /proc/<pid>/stat after the command, which may itself hold spaces and brackets. */
const statOf = (pid: number) => {
  const text = read(`/proc/${pid}/stat`)
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/**
 * True while the process runs; a zombie has ended, though kill(pid, 0) still finds it. Not yet, while its main thread is one
 * and others are still on their way out: nobody can collect it before they have gone.
 */
export function isAlive(pid: number): boolean {
  const fields = statOf(pid)
  const [state, threads] = [fields[0], Number(fields[17])]
  return state !== undefined && state !== 'X' && (state !== 'Z' || threads > 1)
}

export const parentOf = (pid: number): number => Number(statOf(pid)[1] ?? 0)

const pids = () =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)

const describe = (pid: number): LivingProcess => ({
  pid,
  command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(),
})

const environmentOf = (pid: number) => read(`/proc/${pid}/environ`).split('\0')

/** The living processes that were started with `name=value` in their environment, however far down and whoever their parent is now. */
export function processesMarked(name: string, value: string): LivingProcess[] {
  return pids()
    .filter(pid => pid !== process.pid && environmentOf(pid).includes(`${name}=${value}`) && isAlive(pid))
    .map(describe)
}

/** Holds the memory of a session open. */
const holdsSessionMemory = (pid: number) => openFiles(pid).some(target => target.startsWith(SESSION_MEMORY))

/**
 * Orphans that hold a session's memory although no mark of any test run says whose they are (their environment was
 * replaced), and that run something in one of these folders: that is on their command line.
 */
export function orphansWithSessionMemory(mark: string, folders: readonly string[]): LivingProcess[] {
  return pids()
    .filter(pid => pid !== process.pid && parentOf(pid) === 1 && holdsSessionMemory(pid))
    .filter(pid => !environmentOf(pid).some(line => line.startsWith(`${mark}=`)))
    .map(describe)
    .filter(({ command }) => folders.some(folder => command.includes(`${folder}/`)))
}

/** Whether somebody else, who does not have `mark=value` in the environment, runs tests or works with a session at this moment. */
export function othersAtWork(mark: string, value: string): boolean {
  return pids().some(pid => {
    if (pid === process.pid) return false
    const environment = environmentOf(pid)
    if (environment.includes(`${mark}=${value}`)) return false
    return environment.some(line => line.startsWith(`${mark}=`)) || holdsSessionMemory(pid)
  })
}

/** What the descriptors of a process point to. */
export function openFiles(pid: number | 'self'): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** The memory of the session that this process is in: which it is, and how much of it there is. */
export function sessionMemory(pid: number): { inode: number; bytes: number } | undefined {
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const file = `/proc/${pid}/fd/${fd}`
    if (!readlinkSync(file).startsWith(SESSION_MEMORY)) continue
    const { ino, blocks } = statSync(file)
    return { inode: ino, bytes: blocks * 512 }
  }
  return undefined
}

/** Everybody on this machine who has such memory mapped (as all have who are in the session). */
export function holdersOf(inode: number): number[] {
  const mapping = new RegExp(` ${inode} +${SESSION_MEMORY}`)
  return pids().filter(pid => mapping.test(read(`/proc/${pid}/maps`)))
}

/** True when some process maps or holds open this file. */
export function isInUse(file: string): boolean {
  return pids().some(
    pid => pid !== process.pid && (openFiles(pid).includes(file) || read(`/proc/${pid}/maps`).includes(` ${file}\n`)),
  )
}

/** Ends these processes by pid. */
export function killAll(processes: LivingProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // already gone
    }
  }
}

/** The living children of this process, spares included. */
export function childPids(): number[] {
  return pids().filter(pid => parentOf(pid) === process.pid && isAlive(pid))
}
