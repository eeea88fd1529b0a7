/**
 * The native bindings, one table, and what a failed system call throws.
 *
 * Nothing is loaded before the first call of `libc()`, so every file of this folder may be imported anywhere.
 */
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { MultiprocError, UnsupportedPlatformError } from '../contract/errors.ts'
import { requirePlatform } from './platform.ts'

/** What C sees as `void *`: an address, memory of ours, or NULL. */
export type Pointer = bigint | NodeJS.ArrayBufferView | null

type Koffi = typeof import('koffi')

/**
 * `fcntl`, `prctl` and `syscall` are variadic in C but bound with fixed arguments: on Linux x64 and arm64 both kinds
 * of call pass integers in the same registers, and a fixed call is several times cheaper here.
 * An address that comes back is `intptr_t`: user addresses lie below 2^47, so it arrives as an exact number.
 */
const SIGNATURES = {
  bind: 'int bind(int, void *, unsigned int)',
  close: 'int close(int)',
  connect: 'int connect(int, void *, unsigned int)',
  dup2: 'int dup2(int, int)',
  fallocate: 'int fallocate(int, int, int64_t, int64_t)',
  fcntl: 'int fcntl(int, int, int64_t)',
  fcntlLock: 'int fcntl(int, int, void *)',
  ftruncate: 'int ftruncate(int, int64_t)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  kill: 'int kill(int, int)',
  linkat: 'int linkat(int, const char *, int, const char *, int)',
  listen: 'int listen(int, int)',
  memfdCreate: 'int memfd_create(const char *, unsigned int)',
  mmap: 'intptr_t mmap(void *, size_t, int, int, int, int64_t)',
  munmap: 'int munmap(void *, size_t)',
  pipe2: 'int pipe2(void *, int)',
  poll: 'int poll(void *, unsigned long, int)',
  prctl: 'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  read: 'intptr_t read(int, void *, size_t)',
  robustAttributeInit: 'int pthread_mutexattr_init(void *)',
  robustAttributeShared: 'int pthread_mutexattr_setpshared(void *, int)',
  robustAttributeRobust: 'int pthread_mutexattr_setrobust(void *, int)',
  mutexInit: 'int pthread_mutex_init(void *, void *)',
  mutexLock: 'int pthread_mutex_lock(void *)',
  schedYield: 'int sched_yield()',
  socket: 'int socket(int, int, int)',
  syscall: 'intptr_t syscall(long, int64_t, int64_t, int64_t)',
  syscallFutex: 'intptr_t syscall(long, void *, int64_t, int64_t, void *, void *, int64_t)',
  waitid: 'int waitid(int, unsigned int, void *, int)',
  write: 'intptr_t write(int, void *, size_t)',
} as const

/** What not every C library has. */
const OPTIONAL = { mallopt: 'int mallopt(int, int)' } as const

export interface Libc {
  bind(fd: number, address: Pointer, length: number): number
  close(fd: number): number
  connect(fd: number, address: Pointer, length: number): number
  dup2(fd: number, as: number): number
  fallocate(fd: number, mode: number, offset: number, length: number): number
  fcntl(fd: number, command: number, argument: number): number
  fcntlLock(fd: number, command: number, lock: Pointer): number
  ftruncate(fd: number, length: number): number
  getsockopt(fd: number, level: number, option: number, value: Pointer, length: Pointer): number
  kill(pid: number, signal: number): number
  linkat(fromFolder: number, from: string, toFolder: number, to: string, flags: number): number
  listen(fd: number, backlog: number): number
  /** glibc's. */
  mallopt?(option: number, value: number): number
  memfdCreate(name: string, flags: number): number
  mmap(at: Pointer, length: number, protection: number, flags: number, fd: number, offset: number): number
  munmap(address: Pointer, length: number): number
  pipe2(fds: Pointer, flags: number): number
  poll(fds: Pointer, count: number, timeoutMs: number): number
  prctl(option: number, a: number, b: number, c: number, d: number): number
  read(fd: number, into: Pointer, length: number): number
  robustAttributeInit(attribute: Pointer): number
  robustAttributeShared(attribute: Pointer, shared: number): number
  robustAttributeRobust(attribute: Pointer, robust: number): number
  mutexInit(mutex: Pointer, attribute: Pointer): number
  mutexLock(mutex: Pointer): number
  schedYield(): number
  socket(domain: number, type: number, protocol: number): number
  syscall(number: number, a: number, b: number, c: number): number
  syscallFutex(number: number, word: Pointer, op: number, value: number, timeout: Pointer, z: null, y: number): number
  waitid(kind: number, id: number, info: Pointer, options: number): number
  write(fd: number, from: Pointer, length: number): number
  /** Why the call before this one failed. */
  errno(): number
  /** Memory as an ArrayBuffer: see mapping.ts for what that may and may not do. */
  view(address: bigint, length: number): ArrayBuffer
  /** One 32-bit word somewhere in memory. */
  int32At(address: bigint): number
}

let table: Libc | undefined

/** Runs what must not be interrupted by the end of its thread. */
let guard: <T>(act: () => T) => T = act => act()

/**
 * In a thread that may be terminated: koffi cannot say that a view failed because its thread is being ended, and aborts the
 * whole process. `by` runs what it is given while nobody may end this thread.
 */
export function guardViews(by: <T>(act: () => T) => T): void {
  guard = by
}

/** The bound functions of the C library; loads koffi at the first call. Throws UnsupportedPlatformError. */
export function libc(): Libc {
  if (table === undefined) {
    requirePlatform()
    table = bindAll(loadKoffi())
  }
  return table
}

/** Binds further functions of the C library. Of `optional` those are left out that it does not have. */
export function bindMore(
  signatures: Readonly<Record<string, string>>,
  optional: Readonly<Record<string, string>> = {},
) {
  requirePlatform()
  return guard(() => {
    const library = openLibrary(loadKoffi())
    const bound: Record<string, unknown> = {}
    for (const [name, signature] of Object.entries(signatures)) bound[name] = library.func(signature)
    bindOptional(library, optional, bound)
    return bound
  })
}

/** koffi, or an error that says which package is missing; `load` stands for require in tests. */
export function loadKoffi(load: (name: string) => unknown = createRequire(import.meta.url)): Koffi {
  try {
    return load('koffi') as Koffi
  } catch (cause) {
    const binary = `@koromix/koffi-${process.platform}-${process.arch}`
    throw new UnsupportedPlatformError(
      `multiproc makes its system calls through koffi, and koffi or its binary for this system (the optional package ${binary}) could not be loaded. ` +
        'Install again with optional packages: `npm i` without --omit=optional or --no-optional, on the system it shall run on',
      { cause },
    )
  }
}

function bindAll(koffi: Koffi): Libc {
  const library = openLibrary(koffi)
  const bound: Record<string, unknown> = {
    errno: koffi.errno,
    view: (address: bigint, length: number) => guard(() => koffi.view(address, length)),
    int32At: (address: bigint) => koffi.decode(address, 'int32_t'),
  }
  for (const [name, signature] of Object.entries(SIGNATURES)) bound[name] = library.func(signature)
  bindOptional(library, OPTIONAL, bound)
  return bound as unknown as Libc
}

function bindOptional(
  library: ReturnType<Koffi['load']>,
  optional: Readonly<Record<string, string>>,
  bound: Record<string, unknown>,
): void {
  for (const [name, signature] of Object.entries(optional)) {
    try {
      bound[name] = library.func(signature)
    } catch {
      // musl, say: whoever calls it does without
    }
  }
}

/** The C library this process already has; by name only when Node was linked in a way that hides it. */
function openLibrary(koffi: Koffi): ReturnType<Koffi['load']> {
  const musl = process.arch === 'arm64' ? 'libc.musl-aarch64.so.1' : 'libc.musl-x86_64.so.1'
  let cause: unknown
  for (const name of [null, 'libc.so.6', musl]) {
    try {
      const library = koffi.load(name)
      library.func('intptr_t write(int, void *, size_t)') // throws when the library does not have it
      return library
    } catch (error) {
      cause ??= error
    }
  }
  throw new UnsupportedPlatformError(
    `multiproc needs a C library it can call (glibc 2.27 or later, or musl), and found neither in this process nor as libc.so.6 or ${musl}`,
    { cause },
  )
}

let names: Map<number, string> | undefined

/** 'ENOENT' for 2; 'errno 4095' for what has no name. */
export function errnoName(errno: number): string {
  names ??= new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))
  return names.get(errno) ?? `errno ${errno}`
}

/** The kernel refused something that should have worked; `syscall` and `errno` say what and why. */
export class SystemCallError extends MultiprocError {
  static override readonly code = 'ERR_MULTIPROC_SYSTEM'
  readonly syscall: string
  /** The name, as in 'ENOMEM'. */
  readonly errno: string

  constructor(syscall: string, errno: number, note = '', options?: ErrorOptions) {
    super(`${syscall} failed: ${errnoName(errno)} (${errno})${note === '' ? '' : `, ${note}`}`, options)
    this.syscall = syscall
    this.errno = errnoName(errno)
  }
}
