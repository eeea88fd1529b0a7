/**
 * Names that a thread has for as long as it lives: of Unix sockets in Linux's abstract namespace, which nobody ever
 * connects to. There is no file: however the thread or its process ends, the name is free again.
 *
 * One network namespace has one set of names, for all its users: any of them can read the list and take any free name.
 */
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { ArgumentRangeError } from '../contract/errors.ts'
import { libc, SystemCallError } from './libc.ts'

const { EADDRINUSE } = constants.errno

const AF_UNIX = 1
const SOCK_STREAM = 1 // nobody can send to one that does not listen
const SOCK_CLOEXEC = 0o2000000
/** struct sockaddr_un: the family (two bytes), then 108 bytes, of which the first is 0 for an abstract name. */
const PATH_AT = 2
const PATH_BYTES = 108

export interface TakenName {
  giveBack(): void
}

/** Takes the name; undefined when somebody has it. */
export function takeName(name: string): TakenName | undefined {
  const bytes = Buffer.from(name)
  if (bytes.length === 0 || bytes.length >= PATH_BYTES || bytes.includes(0)) {
    throw new ArgumentRangeError(
      `an abstract name has 1 to ${PATH_BYTES - 1} bytes, none of them zero, received ${bytes.length}`,
    )
  }
  const address = Buffer.alloc(PATH_AT + PATH_BYTES)
  new DataView(address.buffer, address.byteOffset).setUint16(0, AF_UNIX, true)
  bytes.copy(address, PATH_AT + 1)
  const { socket, bind, errno } = libc()
  const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
  if (fd < 0) throw new SystemCallError('socket', errno())
  // Node's before it has the name: it closes what is its own with the thread, also one that is terminated
  const owner = new Socket({ fd, readable: false, writable: false }).unref()
  const giveBack = () => void owner.destroy()
  if (bind(fd, address, PATH_AT + 1 + bytes.length) === 0) return { giveBack }
  const failure = errno()
  giveBack()
  if (failure === EADDRINUSE) return undefined
  throw new SystemCallError('bind', failure, `the abstract name ${name}`)
}

/** The names that are taken at the moment and begin with `prefix`. One may be missing while others come and go: look again. */
export function namesTaken(prefix: string): string[] {
  const names: string[] = []
  for (const line of readFileSync('/proc/net/unix', 'latin1').split('\n')) {
    const at = line.indexOf(` @${prefix}`)
    if (at >= 0) names.push(line.slice(at + 2))
  }
  return names
}
