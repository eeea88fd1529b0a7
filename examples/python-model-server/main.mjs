// Feeds a model in Python with rows of numbers: they lie in shared memory, and only their places travel.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Manager, SharedMemory } from 'multiproc'

const [rows, width] = [1000, 4]
const authkey = randomBytes(16).toString('hex')
const manager = await Manager({ authkey })
const [jobs, answers] = [await manager.JoinableQueue(), await manager.Queue()]
await manager.publish('jobs', jobs)
await manager.publish('answers', answers)

const block = new SharedMemory({ create: true, size: rows * width * 8 })
new Float64Array(block.buf.buffer).forEach((_, i, numbers) => {
  numbers[i] = i
})

const program = fileURLToPath(new URL('model.py', import.meta.url))
const env = { ...process.env, MANAGER: manager.address, AUTHKEY: authkey }
const servers = [1, 2].map(() => spawn(process.env.PYTHON ?? 'python3', [program], { env, stdio: 'inherit' }))

await jobs.putMany(Array.from({ length: rows }, (_, row) => ({ row, block: block.name, from: row * width, n: width })))
await jobs.join()
const scores = new Map(await answers.getMany(rows))
console.log(`${scores.size} rows, the last one scored ${scores.get(rows - 1)}`)

await jobs.putMany(servers.map(() => null)) // that is all
await Promise.all(servers.map(server => once(server, 'exit')))
block.unlink()
await manager.shutdown()
