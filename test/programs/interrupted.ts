// Has children of every way of starting them, spares, and is waiting when Ctrl-C comes.
import { getAllStartMethods, getContext, Queue, Semaphore, setStartMethod } from 'multiproc'
import { never, waitForEver } from '../fixtures/programs.ts'

setStartMethod('warm', { spares: 2 })
const [queue, ready] = [new Queue(), new Semaphore(0)]
for (const method of getAllStartMethods()) {
  for (const daemon of [true, false]) {
    const context = getContext(method)
    new context.Process({ target: never, daemon }).start()
    new context.Process({ target: waitForEver, args: [queue, ready], daemon }).start()
    await ready.acquire()
  }
}
console.log('ready')
if (process.argv[2] === 'blocked') queue.getSync()
else await queue.get()
