// A child that receives 1 MiB messages over ZeroMQ as often as it is told, and tells what came.
import { Pair, Pull } from 'zeromq'
import { kinds, now } from '../messages.ts'

const [data, control] = process.argv.slice(2)
const pull = new Pull({ receiveHighWaterMark: 16 })
const orders = new Pair()
pull.connect(data)
orders.connect(control)
const { check } = kinds['1 MiB']
for await (const [order] of orders) {
  let sum = 0
  const n = Number(order)
  for (let i = 0; i < n; i++) {
    const [message] = await pull.receive()
    sum += check(message, i)
  }
  await orders.send(JSON.stringify({ at: now(), count: n, sum }))
}
