// A main program with six children that work and wait, 100 MB in a queue, and an end that comes from outside.
// Prints `up <pid>d <pid>…` once all of them are at it: `d` for a daemon.
import process from 'node:process'
import { Event, isMainProcess, Lock, Process, Queue, Value } from 'multiproc'

const MB = 1 << 20
const SIZE = 100

export function waitForEver(queue: Queue, ready: Value<'i'>): void {
  ready.add(1)
  queue.getSync()
}

export async function awaitForEver(event: Event, lock: Lock, ready: Value<'i'>): Promise<void> {
  await Promise.all([event.wait(), lock.acquire(), ready.add(1)])
}

/** Takes an item out, looks at it, puts it back. */
export async function work(queue: Queue<Uint8Array>, lock: Lock, ready: Value<'i'>): Promise<void> {
  for (let turn = 0; ; turn++) {
    const bytes = await queue.get()
    const held = lock.acquireSync()
    bytes[0]++
    held.release()
    await queue.put(bytes)
    if (turn === 0) ready.add(1)
  }
}

if (isMainProcess) {
  const full = new Queue<Uint8Array>()
  const empty = new Queue()
  const held = new Lock()
  const lock = new Lock()
  const never = new Event()
  const ready = new Value('i', 0)
  for (let i = 0; i < SIZE; i++) full.putNowait(new Uint8Array(MB).fill(i))
  held.acquireSync()
  const children = [true, false].flatMap(daemon => [
    new Process({ target: waitForEver, args: [empty, ready], daemon }),
    new Process({ target: awaitForEver, args: [never, held, ready], daemon }),
    new Process({ target: work, args: [full, lock, ready], daemon }),
  ])
  for (const child of children) child.start()
  const looking = setInterval(() => {
    if (ready.value < children.length) return
    clearInterval(looking)
    process.stdout.write(`up ${children.map(({ pid, daemon }) => `${pid}${daemon ? 'd' : ''}`).join(' ')}\n`)
  }, 5)
  empty.get().catch(() => {})
}
