/** Sockets and pipes that carry bytes: what Node's own net module has no call for. All of them are non-blocking. */
import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { ArgumentRangeError } from '../contract/errors.ts'
import { closeFd } from './descriptor.ts'
import { libc, SystemCallError } from './libc.ts'

const { EAGAIN, EBADF, ECONNRESET, EINTR, EPIPE } = constants.errno

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const F_GETFL = 3
const F_SETFL = 4
const F_DUPFD_CLOEXEC = 1030
const O_ACCMODE = 3
const O_NONBLOCK = 0o4000
const O_RDONLY = 0
const O_WRONLY = 1
const SOL_SOCKET = 1
const SO_PEERCRED = 17
const SO_DOMAIN = 39
const SO_TYPE = 3
const SO_ACCEPTCONN = 30

/** struct sockaddr_un: the family (two bytes), then 108 bytes: a path and a zero, or a zero and an abstract name. */
const PATH_AT = 2
const PATH_BYTES = 108

/** The longest path or abstract name of a Unix socket, in bytes. */
export const LONGEST_NAME: number = PATH_BYTES - 1

/** An error as Node's own calls throw them: `code` is the name of `errno`. */
export function nodeError(syscall: string, errno: number, address: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(`${syscall} ${code} ${address}`), { errno: -errno, code, syscall, address })
}

/** `name`: a path, or a zero and an abstract name of exactly that length (Node's own is padded with zeros up to 1.46 of libuv). */
function unixAddress(name: string): Uint8Array {
  const bytes = Buffer.from(name)
  const room = name.startsWith('\0') ? PATH_BYTES : LONGEST_NAME
  if (bytes.length === 0 || bytes.length > room) {
    throw new ArgumentRangeError(`Expected the name of a Unix socket to have 1 to ${room} bytes, got ${bytes.length}`)
  }
  const address = Buffer.alloc(PATH_AT + bytes.length + (name.startsWith('\0') ? 0 : 1))
  new DataView(address.buffer, address.byteOffset).setUint16(0, AF_UNIX, true)
  bytes.copy(address, PATH_AT)
  return address
}

function unixSocket(): number {
  const fd = libc().socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw new SystemCallError('socket', libc().errno())
  return fd
}

/** A connected socket; undefined when as many wait to be accepted as may. Throws as Node does: ENOENT, ECONNREFUSED … */
export function connectUnix(name: string): number | undefined {
  const address = unixAddress(name)
  const fd = unixSocket()
  const { connect, errno } = libc()
  for (;;) {
    if (connect(fd, address, address.length) === 0) return fd
    const failure = errno()
    if (failure === EINTR) continue
    closeFd(fd)
    if (failure === EAGAIN) return undefined
    throw nodeError('connect', failure, name)
  }
}

/** A socket that listens. Throws as Node does: EADDRINUSE … */
export function listenUnix(name: string, backlog: number): number {
  const address = unixAddress(name)
  const fd = unixSocket()
  const { bind, listen, errno } = libc()
  for (const [syscall, failed] of [
    ['bind', () => bind(fd, address, address.length) < 0],
    ['listen', () => listen(fd, backlog) < 0],
  ] as const) {
    if (!failed()) continue
    const failure = errno()
    closeFd(fd)
    throw nodeError(syscall, failure, name)
  }
  return fd
}

/** Another descriptor for the same, kept out of children. */
export function duplicate(fd: number): number {
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0)
  if (copy < 0) throw new SystemCallError('fcntl', libc().errno(), `descriptor ${fd}`)
  return copy
}

export type Carrier = 'unix' | 'tcp' | 'pipe'

/** What a descriptor is; undefined for what carries no stream of bytes both or one way. Throws EBADF. */
export function carrierOf(fd: number): { carrier: Carrier; readable: boolean; writable: boolean } | undefined {
  const found = fstatSync(fd)
  if (found.isFIFO()) {
    const mode = libc().fcntl(fd, F_GETFL, 0) & O_ACCMODE
    return { carrier: 'pipe', readable: mode !== O_WRONLY, writable: mode !== O_RDONLY }
  }
  if (!found.isSocket()) return undefined
  if (option(fd, SO_TYPE) !== SOCK_STREAM || option(fd, SO_ACCEPTCONN) !== 0) return undefined
  return { carrier: option(fd, SO_DOMAIN) === AF_UNIX ? 'unix' : 'tcp', readable: true, writable: true }
}

function option(fd: number, name: number, value: Int32Array = new Int32Array(1)): number {
  if (libc().getsockopt(fd, SOL_SOCKET, name, value, Uint32Array.of(value.byteLength)) < 0) {
    throw new SystemCallError('getsockopt', libc().errno(), `descriptor ${fd}`)
  }
  return value[0]
}

/** Who made the other end of a Unix socket. */
export const peerPid = (fd: number): number => option(fd, SO_PEERCRED, new Int32Array(3)) // pid, uid, gid

/** A read or write waits for nothing. */
export function setNonBlocking(fd: number): void {
  const { fcntl, errno } = libc()
  const flags = fcntl(fd, F_GETFL, 0)
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    throw new SystemCallError('fcntl', errno(), `descriptor ${fd}`)
  }
}

/** The answer of `readInto` when there is nothing now. */
export const NOTHING_NOW = -1

/** How many bytes came: 0 at the end, NOTHING_NOW. Throws as Node does: ECONNRESET, ETIMEDOUT … */
export function readInto(fd: number, into: Uint8Array): number {
  const { read, errno } = libc()
  for (;;) {
    const count = read(fd, into, into.length)
    if (count >= 0) return count
    const failure = errno()
    if (failure === EAGAIN) return NOTHING_NOW
    if (failure === EBADF) throw new SystemCallError('read', failure, `descriptor ${fd}`)
    if (failure !== EINTR) throw nodeError('read', failure, `descriptor ${fd}`)
  }
}

/** How many bytes it took, 0 when there is no room now; undefined when the other end is gone. Throws as Node does. */
export function writeFrom(fd: number, from: Uint8Array): number | undefined {
  const { write, errno } = libc()
  for (;;) {
    const count = write(fd, from, from.length)
    if (count >= 0) return count
    const failure = errno()
    if (failure === EAGAIN) return 0
    if (failure === EPIPE || failure === ECONNRESET) return undefined
    if (failure === EBADF) throw new SystemCallError('write', failure, `descriptor ${fd}`)
    if (failure !== EINTR) throw nodeError('write', failure, `descriptor ${fd}`)
  }
}
