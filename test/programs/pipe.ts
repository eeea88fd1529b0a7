// A thousand numbers through a pipe to its end, the ends that are not used closed on both sides.
import { EOFError, Pipe, Process } from 'multiproc'
import { sendNumbers } from '../fixtures/programs.ts'

const [receiver, sender] = Pipe<number>(false)
const child = new Process({ target: sendNumbers, args: [sender, 1000] })
child.start()
sender.close() // or the pipe would never end
let sum = 0
for await (const n of receiver) sum += n
console.log(`the sum is ${sum}`)
await receiver.recv().catch(error => console.log(error instanceof EOFError ? 'and nothing after the end' : error))
await child.join()
console.log(`exit code ${child.exitCode}`)
