// Shows: one process sends an object, another one a batch of 20, a third receives all until it is terminated.
// Try: send a function in the object, and read what the error says. Send a Map, a Date, a BigInt: no JSON is needed.
// Without it: objects would have to be written as text, cut into messages, and put together again at the other end.
import { type Connection, isMainProcess, Pipe, Process, Queue } from 'multiproc'

interface Order {
  id: number
  items: string[]
  at: Date
}

const order = (id: number): Order => ({
  id,
  items: ['apples', 'pears'].slice(0, 1 + (id % 2)),
  at: new Date(id * 1000),
})

export async function sendOne(orders: Connection<Order, never>): Promise<void> {
  await orders.send(order(1))
}

export async function sendBatch(orders: Connection<Order, never>): Promise<void> {
  for (let id = 2; id <= 21; id++) await orders.send(order(id))
}

export async function receive(orders: Connection<never, Order>, seen: Queue<Order>): Promise<void> {
  for await (const order of orders) await seen.put(order)
}

async function main(): Promise<void> {
  const [receiving, sending] = Pipe<never, Order>(false)
  const seen = new Queue<Order>()
  const receiver = new Process({ target: receive, args: [receiving, seen] })
  receiver.start()

  for (const target of [sendOne, sendBatch]) {
    const sender = new Process({ target, args: [sending] })
    sender.start()
    await sender.join()
  }
  const all: Order[] = []
  while (all.length < 21) all.push(await seen.get())
  console.log('first:', JSON.stringify(all[0]))
  console.log('ids:', all.map(({ id }) => id).join(' '))

  // it waits for more, since this process could still send
  receiver.terminate()
  await receiver.join()
  console.log('receiver ended with', receiver.exitCode)
}

if (isMainProcess) await main()
