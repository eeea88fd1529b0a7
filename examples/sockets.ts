// Shows: a server and five clients over a socket, which prove to each other that they know a key, and send values.
// Try: another key in the client: both sides get AuthenticationError. Or a client on another machine: [its name, a port].
// Without it: a protocol of one's own: where does a message end, what does it mean, and who is it that has connected?
import { type Address, Client, type Connection, isMainProcess, Listener, Process, Queue } from 'multiproc'

/** Without `codec` the values are pickled, and Python can be at the other end: there an object is a Map. */
const OPTIONS = { authkey: 'known to both sides', codec: 'msgpack' } as const
const CLIENTS = 5

interface Request {
  from: number
  numbers: number[]
}

export async function client(address: Address, me: number, results: Queue<string>): Promise<void> {
  const server = await Client<Request, number>(address, OPTIONS)
  await server.send({ from: me, numbers: [1, 2, 3].map(n => n * me) })
  await results.put(`client ${me} was told ${await server.recv()}`)
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
  const results = new Queue<string>()
  const clients = Array.from(
    { length: CLIENTS },
    (_, i) => new Process({ target: client, args: [listener.address, i + 1, results] }),
  )
  for (const child of clients) child.start()

  const served: Promise<string>[] = []
  while (served.length < CLIENTS) served.push(serve(await listener.accept())) // all at the same time
  for (const child of clients) await child.join()
  const lines = await Promise.all(served)
  while (!results.empty()) lines.push(results.getNowait())
  for (const line of lines.sort()) console.log(line) // they come in any order
  await listener.close()
}

if (isMainProcess) await main()
