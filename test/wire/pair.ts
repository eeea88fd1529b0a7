// Two Connections over one socket, both in this process; and a peer that speaks raw bytes.
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Address, Client, Connection, Listener, type ListenerOptions } from 'multiproc'

/** ms: no wait in these tests is longer; none depends on how long it is. */
export const LIMIT = 30_000
export const limit = { timeout: LIMIT }
/** Bytes: more than a socket holds. */
export const BIG = 16 * 1024 * 1024

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
export const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

export const anyPort = (): Address => ['127.0.0.1', 0]

/** A Listener that does not outlive the test. */
export async function listening(t: TestContext, address?: Address, options?: ListenerOptions): Promise<Listener> {
  const listener = await Listener.listen(address, options)
  t.after(() => listener.close())
  return listener
}

/** The accepted end and the client's, by way of a Listener. */
export async function connected(
  t: TestContext,
  options: ListenerOptions = {},
  address?: Address,
): Promise<[Connection<any, any>, Connection<any, any>]> {
  const listener = await listening(t, address, options)
  const { authkey, codec } = options
  const client = Client<any, any>(listener.address, { authkey, codec, timeout: LIMIT })
  const accepted = await listener.accept({ timeout: LIMIT })
  const pair: [Connection<any, any>, Connection<any, any>] = [accepted, await client]
  t.after(() => pair.forEach(one => void one.close()))
  return pair
}

/** Somebody who connects and then does what it likes. */
export async function stranger(t: TestContext, address: Address): Promise<Socket> {
  const socket =
    typeof address === 'string' ? connect({ path: address }) : connect({ host: address[0], port: address[1] })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** A Connection, and the raw bytes of its peer. */
export async function withRawPeer(t: TestContext): Promise<[Connection<any, any>, Socket]> {
  const listener = await listening(t)
  const raw = await stranger(t, listener.address)
  const conn = await listener.accept({ timeout: LIMIT })
  t.after(() => conn.close())
  return [conn, raw]
}

/** A message as it stands on the wire. */
export function framed(message: Uint8Array | string): Buffer {
  const bytes = Buffer.from(message as string)
  const header = Buffer.alloc(4)
  header.writeInt32BE(bytes.length)
  return Buffer.concat([header, bytes])
}

/** Resolves when the other side has closed the socket. */
export const ended = (socket: Socket): Promise<void> =>
  new Promise(resolve => {
    if (socket.destroyed) resolve()
    socket.once('close', () => resolve())
    socket.resume()
  })

export { Connection }
