// Shows: a message queue of the kernel (System V): each message has a type, and the receiver chooses by it.
// Try: a number for a key, and `ipcs -q` in another terminal; without remove() the queue outlives all programs.
// Without it: urgent messages would wait behind all the others, or need a queue of their own.
import { isMainProcess, Process } from 'multiproc'
import { MessageQueue } from 'multiproc/posix'

const URGENT = 1
const NORMAL = 2
const LATER = 3
/** For the parent alone: nobody else receives this type. */
const DONE = 9

export async function serve(queue: MessageQueue): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const { type, data } = await queue.receive(-LATER) // the lowest type up to 3
    console.log(`  type ${type}: ${Buffer.from(data)}`)
  }
  await queue.send('served four', DONE)
}

async function main(): Promise<void> {
  const queue = new MessageQueue('private')
  try {
    await queue.send('tidy up', LATER)
    await queue.send('first order', NORMAL)
    await queue.send('second order', NORMAL)
    await queue.send('fire!', URGENT)
    const { messages, bytes } = queue.stat()
    console.log(`${messages} messages of ${bytes} bytes, received by the lowest type, and the oldest of each:`)

    const child = new Process({ target: serve, args: [queue] })
    child.start()
    const { data } = await queue.receive(DONE)
    await child.join()
    console.log(`the child says: ${Buffer.from(data)}`)
  } finally {
    queue.remove()
  }
}

if (isMainProcess) await main()
