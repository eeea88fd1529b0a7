// Shows: join() waits until all work is *done*, not merely taken, and consumers that end with their parent.
// Try: leave out taskDone(): join() never resolves. Or kill a consumer: what it had not finished goes to the other one.
// Without it: an empty queue would be taken for finished work, while somebody is still busy with the last item.
import { isMainProcess, JoinableQueue, Process, Value } from 'multiproc'

export async function consume(jobs: JoinableQueue<number>, total: Value<'i'>): Promise<void> {
  for (;;) {
    const n = await jobs.get()
    total.add(n * n) // the work
    jobs.taskDone()
  }
}

async function main(): Promise<void> {
  const jobs = new JoinableQueue<number>()
  const total = new Value('i', 0)
  const consumers = [1, 2].map(() => new Process({ target: consume, args: [jobs, total], daemon: true }))
  for (const consumer of consumers) consumer.start()

  for (let n = 1; n <= 100; n++) await jobs.put(n)
  await jobs.join()
  console.log('all done:', total.value === 338_350)
  console.log('sum of squares:', total.value)
  console.log(
    'consumers alive:',
    consumers.every(consumer => consumer.isAlive()),
  )
  // nobody ends them: they are daemons, and end with this process
}

if (isMainProcess) await main()
