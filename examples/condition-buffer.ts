// Shows: a bounded buffer made by hand: a ring in shared memory, and a condition to wait until there is room, or an item.
// Try: notify() without having changed anything: the waiter looks again, finds its condition false, and sleeps on.
// Without it: both sides would have to look again and again, and burn a core while there is nothing to do.
import { Condition, isMainProcess, Process, SharedArray, type SharedArrayOf } from 'multiproc'

const ROOM = 4
/** Behind the ring: how many were put, and taken, so far. */
const PUT = ROOM
const TAKEN = ROOM + 1

type Ring = SharedArrayOf<'i'>

export async function produce(ring: Ring, changed: Condition, count: number): Promise<void> {
  for (let item = 1; item <= count; item++) {
    using _held = await changed.acquire()
    await changed.waitFor(() => ring[PUT] - ring[TAKEN] < ROOM) // not full; gives the lock up while it waits
    ring[ring[PUT]++ % ROOM] = item
    changed.notify()
  }
}

export async function take(ring: Ring, changed: Condition): Promise<number> {
  using _held = await changed.acquire()
  await changed.waitFor(() => ring[PUT] > ring[TAKEN]) // not empty
  const item = ring[ring[TAKEN]++ % ROOM]
  changed.notify()
  return item
}

async function main(): Promise<void> {
  const ring = new SharedArray('i', ROOM + 2)
  const changed = new Condition()
  const producer = new Process({ target: produce, args: [ring, changed, 12] })
  producer.start()

  const items: number[] = []
  while (items.length < 12) items.push(await take(ring, changed))
  await producer.join()
  console.log('taken:', items.join(' '))
  console.log(`put ${ring[PUT]}, taken ${ring[TAKEN]}, through ${ROOM} places`)
}

if (isMainProcess) await main()
