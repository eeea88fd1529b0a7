// A main program that drives a pool is killed before any access to shared memory: its workers end with it, and nothing is left.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { StartMethod } from 'multiproc'
import { start, until } from '../support/children.js'
import { holdersOf } from '../support/processes.js'
import type { Access } from '../support/words.crash.js'
import { placesOf } from './pool-points.js'
import { LIMIT } from './sleeper.js'

const program = fileURLToPath(new URL('./pool-main.js', import.meta.url))

/** Programs at a time: they wait for each other's workers. */
const LANES = 2
/** Deaths of each method, where not every place counts. */
const METHODS = { spawn: 4, warm: 2 }
/** And where every place counts. */
const ALL = 200

/** Runs the program, to its end or to its death; gives what it wrote down. */
async function run(t: TestContext, method: StartMethod, k: number): Promise<Access[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pool-main-'))
  const temporary = path.join(folder, 'tmp')
  mkdirSync(temporary)
  const main = start([process.execPath, '--conditions=crash', program, String(k), method, folder], {
    env: { TMPDIR: temporary },
    deadline: LIMIT,
  })
  t.after(() => {
    main.end()
    rmSync(folder, { recursive: true, force: true })
  })
  const { signal, stdout, stderr, late } = await main.ended
  const what = `${method}, killed before access ${k}: ${stdout}${stderr}`
  assert.ok(!late, `it took too long, ${what}`)
  // the accesses of a program that waits are not always the same, or as many
  assert.ok(signal === 'SIGKILL' ? k > 0 : stdout.endsWith('done\n'), what)
  const inode = Number(/^memory (\d+)\n/.exec(stdout)?.[1])
  assert.ok(inode > 0, what)
  await until(
    () => main.leftovers().length === 0,
    LIMIT,
    () => `the end of ${JSON.stringify(main.leftovers())}, ${what}`,
  )
  await until(
    () => holdersOf(inode).length === 0,
    LIMIT,
    () => `the memory to be given back by ${holdersOf(inode)}, ${what}`,
  )
  assert.deepEqual(readdirSync(temporary), [], what)
  return k === 0 ? JSON.parse(readFileSync(path.join(folder, 'accesses'), 'utf8')) : []
}

let recorded: Promise<Access[]> | undefined

for (const method of ['spawn', 'warm'] as const) {
  test(`Pool, ${method}: a main program that is killed before any access takes its workers with it, and nothing is left`, async t => {
    recorded ??= run(t, 'spawn', 0)
    const points = placesOf(await recorded, METHODS[method], ALL)
    const waiting = [...points]
    const lane = async () => {
      for (let k = waiting.shift(); k !== undefined; k = waiting.shift()) await run(t, method, k)
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    t.diagnostic(`${points.length} deaths`)
  })
}
