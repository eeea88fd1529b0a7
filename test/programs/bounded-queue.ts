// A bounded queue is filled until it is full, and drained by a child.
import { FullError, Process, Queue } from 'multiproc'
import { drain } from '../fixtures/programs.ts'

const [queue, results] = [new Queue<number>({ maxsize: 3 }), new Queue<number>()]
console.log(`empty: ${queue.empty()}`)
for (let n = 1; n <= 3; n++) queue.putNowait(n)
console.log(`full: ${queue.full()}, ${queue.qsize()} of ${queue.maxsize}`)
try {
  queue.putNowait(4)
} catch (error) {
  console.log(error instanceof FullError ? 'no room for a fourth' : error)
}
const child = new Process({ target: drain, args: [queue, 10, results] })
child.start()
for (let n = 4; n <= 10; n++) await queue.put(n) // waits for room
console.log(`the sum is ${await results.get()}`)
await child.join()
console.log(`empty: ${queue.empty()}, exit code ${child.exitCode}`)
