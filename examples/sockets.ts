// Shows: a server and five clients over a socket, which prove to each other that they know a key, and send values.
// Try: another key in the client: both sides get AuthenticationError. Or run `client` on another machine, with its address.
// Without it: a protocol of one's own: where does a message end, what does it mean, and who is it that has connected?
import { type Address, Client, type Connection, isMainProcess, Listener, Process } from 'multiproc'

/** Without `codec` the values are pickled, and Python can be at the other end: there an object is a Map. */
const OPTIONS = { authkey: 'known to both sides', codec: 'msgpack' } as const
const CLIENTS = 5

interface Request {
  from: number
  numbers: number[]
}

export async function client(address: Address, me: number): Promise<void> {
  const server = await Client<Request, number>(address, OPTIONS)
  await server.send({ from: me, numbers: [1, 2, 3].map(n => n * me) })
  const sum = await server.recv()
  process.exitCode = sum // so that the parent sees it
  server.close()
}

async function serve(guest: Connection<number, Request>): Promise<string> {
  const { from, numbers } = await guest.recv()
  await guest.send(numbers.reduce((a, b) => a + b))
  guest.close()
  return `client ${from} sent ${numbers.join(' ')}`
}

async function main(): Promise<void> {
  const listener = await Listener.listen(['127.0.0.1', 0], OPTIONS) // port 0: one that is free
  const clients = Array.from(
    { length: CLIENTS },
    (_, i) => new Process({ target: client, args: [listener.address, i + 1] }),
  )
  for (const child of clients) child.start()

  const served: Promise<string>[] = []
  while (served.length < CLIENTS) served.push(serve(await listener.accept())) // all at the same time
  // they come in any order
  for (const line of (await Promise.all(served)).sort()) console.log(line)
  for (const child of clients) await child.join()
  console.log('answers:', clients.map(child => child.exitCode).join(' '))
  await listener.close()
}

if (isMainProcess) await main()
