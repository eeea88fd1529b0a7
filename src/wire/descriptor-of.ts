/** The connection of a socket of Node's, as a descriptor of one's own. */
import type { Readable, Writable } from 'node:stream'
import { ArgumentTypeError } from '../contract/errors.ts'
import { duplicate } from '../os/socket.ts'

/** Another descriptor for the same; Node's socket may then be destroyed. Node does not tell the number officially, but since ever. */
export function descriptorOf(socket: Readable | Writable): number {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd
  if (typeof fd === 'number' && fd >= 0) return duplicate(fd)
  throw new ArgumentTypeError('Expected an open socket or pipe of Node.js, got one that is closed or something else')
}
