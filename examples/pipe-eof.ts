// Shows: 1,000 numbers through a pipe, and how its end is told: EOFError, once nobody has the sending end any more.
// Try: leave out sending.close() below: the parent itself could still send, so its recv() waits for ever.
// Without it: the receiver would need a count, or a last message that can never be a number.
import { type Connection, EOFError, isMainProcess, Pipe, Process } from 'multiproc'

export async function send(numbers: Connection<number, never>): Promise<void> {
  for (let i = 1; i <= 1000; i++) await numbers.send(i)
  // its end is closed when it ends, in whatever way
}

async function main(): Promise<void> {
  const [receiving, sending] = Pipe<never, number>(false)
  const child = new Process({ target: send, args: [sending] })
  child.start()
  sending.close() // the child has its own; this one must not keep the pipe open

  let count = 0
  let sum = 0
  try {
    for (;;) {
      sum += await receiving.recv()
      count++
    }
  } catch (error) {
    if (!(error instanceof EOFError)) throw error
    console.log('the end:', error.name)
  }
  console.log(`${count} numbers, sum ${sum}`)
  await child.join()
  console.log('child ended with', child.exitCode)
}

if (isMainProcess) await main()
