// Two processes answer each other on one queue.
import { Process, Queue } from 'multiproc'
import { answer } from '../fixtures/programs.ts'

const queue = new Queue<string>()
queue.putSync('are you there')
const child = new Process({ target: answer, args: [queue] })
child.start()
child.joinSync() // it has put its answer before it ended
console.log(queue.getSync())
console.log(`empty: ${queue.empty()}`)
