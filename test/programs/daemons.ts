// Daemons take from a JoinableQueue for ever; the main program waits until all is done, and ends although they loop.
import { JoinableQueue, Process, Queue } from 'multiproc'
import { squareForEver } from '../fixtures/programs.ts'

const [tasks, results] = [new JoinableQueue<number>(), new Queue<number>()]
for (let i = 0; i < 3; i++) new Process({ target: squareForEver, args: [tasks, results], daemon: true }).start()
for (let n = 1; n <= 20; n++) await tasks.put(n)
await tasks.join()
const squares = await results.getMany(20)
console.log(`${squares.length} squares, the sum is ${squares.reduce((sum, n) => sum + n, 0)}`)
console.log('the end')
