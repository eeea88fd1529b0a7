// Two producers, two consumers, and a sentinel for each consumer.
import { Process, Queue } from 'multiproc'
import { consume, produce } from '../fixtures/programs.ts'

const [queue, results] = [new Queue<string | null>({ maxsize: 8 }), new Queue<string[]>()]
const producers = ['a', 'b'].map(letter => new Process({ target: produce, args: [queue as Queue<string>, letter, 50] }))
const consumers = [1, 2].map(() => new Process({ target: consume, args: [queue, results] }))
for (const child of [...producers, ...consumers]) child.start()
for (const child of producers) await child.join()
for (const _ of consumers) await queue.put(null)
const seen = [...(await results.get()), ...(await results.get())]
for (const child of consumers) await child.join()
console.log(`${seen.length} items, ${new Set(seen).size} different`)
for (const letter of 'ab') console.log(`${seen.filter(item => item.startsWith(letter)).length} of ${letter}`)
console.log(`exit codes ${[...producers, ...consumers].map(child => child.exitCode).join(' ')}, left: ${queue.qsize()}`)
