// A main program that drives a pool, and is then killed before one of its accesses to shared memory: `<k> <method> <folder>`. With 0
// for k it lives, and writes down what they were. Prints `memory <inode>` first, and `done` if it comes to its end.
import { writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { getContext, isMainProcess, type Pool, type StartMethod } from 'multiproc'
import { sessionMemory } from '../support/processes.js'
import { arm, disarm, record } from '../support/words.crash.js'
import { batch, begin, failing, small, stuck } from './pool-tasks.js'

/** Numbers, and no end of them. */
function* numbers(): Generator<number> {
  for (let id = 100; ; id++) yield id
}

/** `other`: for a worker that never sees by itself that its program is gone. */
async function drive(pool: Pool, other: Pool): Promise<void> {
  const never = other.apply(stuck, [49]).catch(() => {})
  await Promise.all(batch(pool, 1).map(({ result }) => result))
  await pool.map(small, [50, 51, 52, 53, 54], { chunksize: 2 })
  for await (const id of pool.imap(small, numbers())) if (id === 105) break
  await pool.map(failing, [60, 61, 62], { chunksize: 1 }).catch(() => {})
  const controller = new AbortController()
  const aborted = pool.apply(small, [70], { signal: controller.signal })
  controller.abort()
  await aborted.catch(() => {})
  pool.close()
  await pool.join()
  await other.terminate()
  await never
}

if (isMainProcess) {
  const [k, method, folder] = process.argv.slice(2)
  const { Pool } = getContext(method as StartMethod)
  const options = { processes: 1, initializer: begin, initargs: [path.join(folder, 'journal')] }
  const [pool, other] = [new Pool(options), new Pool(options)]
  writeSync(1, `memory ${sessionMemory(process.pid)?.inode}\n`)
  if (k === '0') record()
  else arm(Number(k))
  await drive(pool, other)
  const accesses = disarm()
  if (k === '0') writeFileSync(path.join(folder, 'accesses'), JSON.stringify(accesses))
  writeSync(1, 'done\n')
}
