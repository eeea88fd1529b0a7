// A whole tree of processes is killed, or the main program only: what is left of it is what the promises say, or nothing.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Child, start, until } from '../support/children.js'
import { isAlive } from '../support/processes.js'
import { LIMIT } from './sleeper.js'

const program = fileURLToPath(new URL('./tree.js', import.meta.url))
const MB = 1024
/** kB: the queue of the tree holds 100 MB; others on this machine may take and give some meanwhile. */
const [HELD, NOISE] = [80 * MB, 40 * MB]

const sharedMemory = (): number => Number(/^Shmem:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])
const named = (): string[] => readdirSync('/dev/shm')

interface Tree {
  readonly main: Child
  readonly daemons: number[]
  readonly others: number[]
  /** Nothing is left of it, in a moment. */
  gone(): Promise<void>
}

async function grow(t: TestContext): Promise<Tree> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tree-'))
  const namedBefore = named()
  const memoryBefore = sharedMemory()
  const main = start([process.execPath, program], { env: { TMPDIR: folder }, deadline: 60_000 })
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
  assert.ok(sharedMemory() > memoryBefore + HELD, 'the queue is in shared memory')
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
      await until(() => sharedMemory() < memoryBefore + NOISE, LIMIT, 'the memory to be given back')
      assert.deepEqual(named(), namedBefore)
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
