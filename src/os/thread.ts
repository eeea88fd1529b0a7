/** The thread that runs this, as the kernel sees it. */
import { existsSync } from 'node:fs'
import { libc } from './libc.ts'

// as a system call: glibc has a function of that name only since 2.30
const SYS_GETTID = process.arch === 'arm64' ? 178 : 186

/** The kernel's number for this thread; in the main thread, the process id (as seen inside its own pid namespace). */
export function threadId(): number {
  return libc().syscall(SYS_GETTID, 0, 0, 0)
}

/** Lets another thread that is ready run first. */
export function yieldCpu(): void {
  libc().schedYield()
}

/** Whether this process has a thread of that number. */
export function threadExists(id: number): boolean {
  return existsSync(`/proc/self/task/${id}`)
}
