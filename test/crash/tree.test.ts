// A whole tree of processes is killed, or the main program only: what is left of it is what the promises say, or nothing.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Child, start, until } from '../support/children.js'
import { holdersOf, isAlive, sessionMemory } from '../support/processes.js'
import { LIMIT } from './sleeper.js'

const program = fileURLToPath(new URL('./tree.js', import.meta.url))
/** The queue of the tree holds 100 MB. */
const HELD = 80 << 20

interface Tree {
  readonly main: Child
  readonly daemons: number[]
  readonly others: number[]
  /** Nothing is left of it, in a moment. */
  gone(): Promise<void>
}

async function grow(t: TestContext): Promise<Tree> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tree-'))
  const main = start([process.execPath, program], { env: { TMPDIR: folder }, deadline: 120_000 })
  t.after(() => {
    main.end()
    rmSync(folder, { recursive: true })
  })
  await main.printed('up ', LIMIT)
  const pids = /up (.*)\n/.exec(main.stdout)?.[1].split(' ') ?? []
  const daemons = pids.filter(pid => pid.endsWith('d')).map(pid => Number.parseInt(pid, 10))
  const others = pids.filter(pid => !pid.endsWith('d')).map(Number)
  assert.deepEqual([daemons.length, others.length], [3, 3])
  assert.ok([...daemons, ...others].every(isAlive))
  const memory = sessionMemory(main.pid)
  assert.ok(memory !== undefined && memory.bytes > HELD, 'the queue is in shared memory')
  const holders = () => holdersOf(memory.inode)
  assert.ok([main.pid, ...daemons, ...others].every(pid => holders().includes(pid)))
  return {
    main,
    daemons,
    others,
    async gone() {
      await until(
        () => main.leftovers().length === 0,
        LIMIT,
        () => `the end of ${JSON.stringify(main.leftovers())}`,
      )
      // memory without a name is given back when nobody holds it any more
      await until(
        () => holders().length === 0,
        LIMIT,
        () => `the memory to be given back by ${holders()}`,
      )
      assert.deepEqual(readdirSync(folder), [])
    },
  }
}

test('a tree of processes that is killed at once leaves nothing', async t => {
  const { main, gone } = await grow(t)
  process.kill(-main.pid, 'SIGKILL')
  await gone()
})

test('a tree of processes that is killed one by one, the main program last, leaves nothing', async t => {
  const { main, daemons, others, gone } = await grow(t)
  for (const pid of [...others, ...daemons]) process.kill(pid, 'SIGKILL')
  main.kill('SIGKILL')
  await gone()
})

test('a main program that is killed takes its daemons with it; its other children go on with what they share', async t => {
  const { main, daemons, others, gone } = await grow(t)
  main.kill('SIGKILL')
  await until(() => ![main.pid, ...daemons].some(isAlive), LIMIT, 'the end of the daemons')
  assert.ok(others.every(isAlive))
  const working = others[2]
  const before = usedCpu(working)
  await until(() => usedCpu(working) > before + 2, LIMIT, 'the worker to go on')
  for (const pid of others) process.kill(pid, 'SIGKILL')
  await gone()
})

/** Ticks of 10 ms: whoever works uses some. */
function usedCpu(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
