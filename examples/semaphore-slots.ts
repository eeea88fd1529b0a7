// Shows: five processes, two slots: P (acquire) takes one or waits, V (release) gives it back.
// Try: more slots than processes: nobody waits. Kill a process that has a slot: the others get it, nothing is stuck.
// Without it: all five would use at once what can bear two: connections, licences, memory.
import { isMainProcess, Process, Semaphore, Value } from 'multiproc'

const SLOTS = 2

export async function use(slots: Semaphore, inside: Value<'i'>, most: Value<'i'>): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await slots.acquire() // P
    const now = inside.add(1)
    most.update(before => Math.max(before, now))
    await new Promise(resolve => setTimeout(resolve, 1))
    inside.add(-1)
    slots.release() // V
  }
}

async function main(): Promise<void> {
  const slots = new Semaphore(SLOTS)
  const inside = new Value('i', 0)
  const most = new Value('i', 0)
  const processes = Array.from({ length: 5 }, () => new Process({ target: use, args: [slots, inside, most] }))
  for (const process of processes) process.start()
  for (const process of processes) await process.join()
  console.log(`never more than ${SLOTS} at once:`, most.value <= SLOTS)
  console.log('slots that are free at the end:', slots.getValue())

  // by hand
  await slots.acquire()
  await slots.acquire()
  console.log('a third one now:', slots.tryAcquire() === null ? 'would have to wait' : 'got it')
  slots.release(2)
}

if (isMainProcess) await main()
