// Shows: two producers and two consumers around one queue, which ends with a sentinel for each consumer.
// Try: three consumers: one of them then waits for a sentinel that never comes. How many must be put, and by whom?
// Without it: no consumer could tell "nothing there yet" from "nothing will ever come", and all would wait for ever.
import { isMainProcess, Process, Queue } from 'multiproc'

const ITEMS = 500
/** No item is null. */
const SENTINEL = null

export async function produce(queue: Queue<number | null>, first: number): Promise<void> {
  for (let i = 0; i < ITEMS; i++) await queue.put(first + i)
  await queue.put(SENTINEL)
}

export async function consume(
  queue: Queue<number | null>,
  results: Queue<{ taken: number; sum: number }>,
): Promise<void> {
  let taken = 0
  let sum = 0
  for (let item = await queue.get(); item !== SENTINEL; item = await queue.get()) {
    taken++
    sum += item
  }
  await results.put({ taken, sum })
}

async function main(): Promise<void> {
  const queue = new Queue<number | null>(10)
  const results = new Queue<{ taken: number; sum: number }>()
  const processes = [
    new Process({ target: produce, args: [queue, 0] }),
    new Process({ target: produce, args: [queue, ITEMS] }),
    new Process({ target: consume, args: [queue, results] }),
    new Process({ target: consume, args: [queue, results] }),
  ]
  for (const process of processes) process.start()

  const [one, other] = [await results.get(), await results.get()]
  for (const process of processes) await process.join()
  // who took how many is chance; together they took each item once
  console.log(`taken: ${one.taken + other.taken} of ${2 * ITEMS}`)
  console.log(`sum: ${one.sum + other.sum}, expected ${(2 * ITEMS * (2 * ITEMS - 1)) / 2}`)
  console.log(`left in the queue: ${queue.qsize()}`)
}

if (isMainProcess) await main()
