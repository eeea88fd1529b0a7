/** Where somebody listens. */
import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { ArgumentRangeError, ArgumentTypeError } from '../contract/errors.ts'
import { checkCount, describe } from '../contract/options.ts'
import { LONGEST_NAME } from '../os/socket.ts'

/**
 * A string is the path of a Unix socket; one that begins with a zero character is a name in Linux's abstract namespace, which
 * has no file. `[host, port]` is TCP, as in Python over IPv4 only.
 */
export type Address = string | [host: string, port: number]

export type Place = { readonly unix: string } | { readonly host: string; readonly port: number }

/** The address, checked. `leastPort` is 0 for one who listens: any free port. */
export function checkAddress(address: unknown, leastPort = 1): Place {
  if (typeof address === 'string') return { unix: checkName(address) }
  if (!Array.isArray(address) || address.length !== 2 || typeof address[0] !== 'string') {
    throw new ArgumentTypeError(
      `Expected \`address\` to be the path of a Unix socket or [host, port], got ${describe(address)}`,
    )
  }
  const [host, port] = address
  checkCount('port', port, leastPort, 65535)
  if (isIPv6(host)) {
    throw new ArgumentRangeError(`Expected an IPv4 address or the name of a host, as in Python, got ${describe(host)}`)
  }
  return { host, port }
}

function checkName(name: string): string {
  if (name.startsWith('\\\\')) {
    throw new ArgumentRangeError(
      `Expected the path of a Unix socket, got ${describe(name)}: named pipes are of Windows only`,
    )
  }
  const isAbstract = name.startsWith('\0')
  const length = Buffer.byteLength(name) - (isAbstract ? 1 : 0)
  if (length === 0 || length > LONGEST_NAME || (!isAbstract && name.includes('\0'))) {
    throw new ArgumentRangeError(
      `Expected the path of a Unix socket to have 1 to ${LONGEST_NAME} bytes, none of them zero, got ${describe(name)} of ${length}`,
    )
  }
  return name
}

/** The IPv4 address of a host; none is all of this machine's own, as in Python. */
export async function resolveHost(host: string): Promise<string> {
  return host === '' ? '0.0.0.0' : (await lookup(host, { family: 4 })).address
}
