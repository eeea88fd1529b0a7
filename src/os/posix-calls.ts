/** The calls behind `multiproc/posix`, bound when the first of them is made: few programs need them. */
import { bindMore, type Pointer } from './libc.ts'

/** As in libc.ts, variadic functions (`open`, `sem_open`) are bound with fixed arguments. */
const SIGNATURES = {
  mkfifo: 'int mkfifo(const char *, unsigned int)',
  msgctl: 'int msgctl(int, int, void *)',
  msgget: 'int msgget(int, int)',
  msgrcv: 'intptr_t msgrcv(int, void *, size_t, intptr_t, int)',
  msgsnd: 'int msgsnd(int, void *, size_t, int)',
  open: 'int open(const char *, int, unsigned int)',
  semClose: 'int sem_close(void *)',
  semGetValue: 'int sem_getvalue(void *, void *)',
  semOpen: 'intptr_t sem_open(const char *, int, unsigned int, unsigned int)',
  semPost: 'int sem_post(void *)',
  semTimedWait: 'int sem_timedwait(void *, void *)',
  semTryWait: 'int sem_trywait(void *)',
  semUnlink: 'int sem_unlink(const char *)',
  tee: 'intptr_t tee(int, int, size_t, unsigned int)',
} as const

/** glibc has it from 2.30 on; musl does not. */
const OPTIONAL = { semClockWait: 'int sem_clockwait(void *, int, void *)' } as const

export interface PosixCalls {
  mkfifo(path: string, mode: number): number
  msgctl(id: number, command: number, into: Pointer): number
  msgget(key: number, flags: number): number
  msgrcv(id: number, into: Pointer, size: number, type: number, flags: number): number
  msgsnd(id: number, message: Pointer, size: number, flags: number): number
  open(path: string, flags: number, mode: number): number
  semClockWait?(semaphore: bigint, clock: number, until: Pointer): number
  semClose(semaphore: bigint): number
  semGetValue(semaphore: bigint, into: Pointer): number
  semOpen(name: string, flags: number, mode: number, value: number): number
  semPost(semaphore: bigint): number
  semTimedWait(semaphore: bigint, until: Pointer): number
  semTryWait(semaphore: bigint): number
  semUnlink(name: string): number
  tee(from: number, to: number, length: number, flags: number): number
}

let table: PosixCalls | undefined

/** Throws UnsupportedPlatformError, as libc() does. */
export function posixCalls(): PosixCalls {
  table ??= bindMore(SIGNATURES, OPTIONAL) as unknown as PosixCalls
  return table
}
