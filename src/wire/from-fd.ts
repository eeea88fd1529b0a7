/** A Connection over a descriptor that this process has already: inherited, or of a child that it started. */
import type { Readable, Writable } from 'node:stream'
import type { Connection } from '../channel/connection.ts'
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { checkCount, checkOptions, describe } from '../contract/options.ts'
import { closeFd } from '../os/descriptor.ts'
import { type Carrier, carrierOf } from '../os/socket.ts'
import { descriptorOf } from './descriptor-of.ts'
import { DescriptorStream } from './descriptor-stream.ts'
import { connectionOver } from './socket-end.ts'
import { type CodecName, checkCodec } from './wire-codec.ts'

/** What Connection.fromFd() does. */
export function connectionOn(
  from: number | Readable | Writable,
  options: { codec?: CodecName } | undefined,
): Connection<any, any> {
  const codec = checkCodec(checkOptions('options', options, ['codec']).codec)
  if (typeof from === 'number') return connectionOver(new DescriptorStream(checkDescriptor(from)), codec)
  if (typeof from !== 'object' || from === null) {
    throw new ArgumentTypeError(`Expected \`fd\` to be the number of a descriptor, or a socket, got ${describe(from)}`)
  }
  const fd = descriptorOf(from)
  try {
    checkDescriptor(fd)
  } catch (error) {
    closeFd(fd)
    throw error
  }
  const early = 'read' in from ? (from.read() as Uint8Array | null) : null
  from.destroy()
  return connectionOver(new DescriptorStream(fd, early ?? undefined), codec)
}

function checkDescriptor(fd: number): number {
  checkCount('fd', fd, 0, 0x7fffffff)
  let found: { carrier: Carrier } | undefined
  try {
    found = carrierOf(fd)
  } catch (cause) {
    throw new ArgumentRangeError(`Expected \`fd\` to be an open descriptor, got ${fd}: ${(cause as Error).message}`)
  }
  if (found) return fd
  throw new ArgumentTypeError(
    `Expected \`fd\` to be one end of a stream socket or of a pipe, but ${fd} is something else`,
  )
}
